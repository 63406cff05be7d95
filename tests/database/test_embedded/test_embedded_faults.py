"""Whatever is killed, left behind, damaged or full: the next caller gets a live server or a clear error."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from embedded_world import IDLE_SECONDS, Run, eventually, lives, query

from ragraft.database.cluster import find_binaries
from ragraft.database.embedded import EmbeddedServer
from ragraft.database.layout import Layout
from ragraft.errors import DatabaseError

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def server_with_row(server: EmbeddedServer) -> EmbeddedServer:
    """A running server in which one row is committed."""
    query(server, "create table kept as select 7 as n")
    return server


def kill(pid: int | None) -> None:
    """Kill a process, whose end may come a moment later."""
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def kill_and_wait(pid: int | None) -> None:
    kill(pid)
    assert eventually(lambda: not lives(pid))


def test_committed_rows_survive_a_kill_of_the_server(server_with_row: EmbeddedServer) -> None:
    kill(server_with_row.status().pid)
    assert query(server_with_row, "select n from kept") == [(7,)]


def test_seven_kills_in_a_row_are_no_reason_to_give_up(server_with_row: EmbeddedServer) -> None:
    for _ in range(7):
        server_with_row.connect_info()
        kill(server_with_row.status().pid)
    assert query(server_with_row, "select n from kept") == [(7,)]


def test_a_kill_of_a_backend_is_survived(server_with_row: EmbeddedServer) -> None:
    before = server_with_row.status().pid
    with psycopg.connect(server_with_row.connect_info()) as victim:
        kill(victim.info.backend_pid)
    assert eventually(lambda: not lives(before))
    assert query(server_with_row, "select n from kept") == [(7,)]


def test_a_kill_of_the_only_client_stops_the_server(folder: Path, run_program: Run) -> None:
    client = run_program(
        "s = use(); s.connect_info(); print(s.status().pid, flush=True); time.sleep(60)", folder
    )
    assert client.stdout is not None
    postgres = int(client.stdout.readline())
    client.kill()
    assert eventually(lambda: not lives(postgres))


def test_a_kill_of_the_supervisor_does_not_leave_the_server_behind(server: EmbeddedServer) -> None:
    server.connect_info()
    status = server.status()
    kill(status.supervisor_pid)
    assert eventually(lambda: not lives(status.pid))


def test_a_kill_of_the_supervisor_is_survived(server_with_row: EmbeddedServer) -> None:
    kill_and_wait(server_with_row.status().supervisor_pid)
    assert query(server_with_row, "select n from kept") == [(7,)]


def test_a_kill_of_everything_at_once_is_survived_while_a_backend_is_busy(
    server_with_row: EmbeddedServer, run_program: Run
) -> None:
    server_with_row.connect_info()
    status = server_with_row.status()
    # A backend that computes does not notice that its server is gone, and would hold the cluster for a minute.
    busy = psycopg.connect(server_with_row.connect_info())
    backend = busy.info.backend_pid
    endless = "do $$ declare n bigint := 0; begin loop n := n + 1; end loop; end $$"

    def compute() -> None:
        with pytest.raises(psycopg.OperationalError):
            busy.execute(endless)

    thread = threading.Thread(target=compute)
    thread.start()
    assert eventually(lambda: _is_busy(backend))
    kill_and_wait(status.supervisor_pid)
    kill_and_wait(status.pid)
    assert query(server_with_row, "select n from kept") == [(7,)]
    assert not lives(backend)
    thread.join()
    busy.close()


def _is_busy(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "R"


def test_a_terminated_supervisor_stops_the_server_in_order(server: EmbeddedServer, folder: Path) -> None:
    server.connect_info()
    supervisor = server.status().supervisor_pid
    assert supervisor is not None
    os.kill(supervisor, signal.SIGTERM)
    assert eventually(lambda: not lives(supervisor))
    assert Layout(folder).log.read_text().rstrip().endswith("database system is shut down")


def test_a_lost_socket_is_made_again(server: EmbeddedServer) -> None:
    server.connect_info()
    socket = server.status().socket
    assert socket is not None
    socket.unlink()
    assert query(server, "select 1") == [(1,)]


def test_a_cluster_whose_making_was_killed_is_made_again(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "postgres")
    found: list[str] = []
    with EmbeddedServer(layout.root, idle_seconds=0) as server:
        thread = threading.Thread(target=lambda: found.append(server.connect_info()))
        thread.start()
        assert eventually((layout.unfinished / "data" / "base").exists)
        kill(_supervisor_of(layout.root))
        thread.join()
        assert query(server, "select 1") == [(1,)]
        server.stop()
    assert not layout.unfinished.exists()
    assert layout.log.read_text().count("running bootstrap script") == 2


def _supervisor_of(folder: Path) -> int | None:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"ragraft.database.supervisor\0{folder}\0" in (process / "cmdline").read_text():
                return int(process.name)
    return None


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process of the server's user that has nothing to do with it."""
    uid = pwd.getpwnam("nobody").pw_uid if AS_ROOT else os.geteuid()
    with subprocess.Popen(["sleep", "60"], user=uid) as sleeper:
        yield sleeper.pid
        sleeper.kill()


def test_leftover_pid_files_that_name_somebody_elses_process_do_not_stop_a_start(
    server_with_row: EmbeddedServer, folder: Path, stranger: int
) -> None:
    status = server_with_row.status()
    assert status.socket is not None
    leftovers = (folder / "data" / "postmaster.pid", Path(f"{status.socket}.lock"))
    texts = [path.read_text().replace(str(status.pid), str(stranger), 1) for path in leftovers]
    server_with_row.stop()
    status.socket.parent.mkdir(parents=True, exist_ok=True)
    for path, text in zip(leftovers, texts, strict=True):
        path.write_text(text)
        shutil.chown(path, (folder / "data").owner())
    assert query(server_with_row, "select n from kept") == [(7,)]
    assert lives(stranger)


def test_a_folder_with_something_else_in_it_is_refused_and_kept(tmp_path: Path) -> None:
    precious = tmp_path / "postgres" / "data" / "precious"
    precious.parent.mkdir(parents=True)
    precious.write_text("kept")
    if AS_ROOT:
        shutil.chown(precious.parent, "nobody")
    with pytest.raises(DatabaseError, match="holds no PostgreSQL cluster"):
        EmbeddedServer(tmp_path / "postgres").connect_info()
    assert precious.read_text() == "kept"


def test_a_cluster_of_another_version_is_refused_by_name(server: EmbeddedServer, folder: Path) -> None:
    (folder / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(DatabaseError, match="made by PostgreSQL 17, and this is PostgreSQL 18"):
        server.connect_info()


def test_a_cluster_without_its_password_is_refused(server: EmbeddedServer, folder: Path) -> None:
    Layout(folder).password.unlink()
    with pytest.raises(DatabaseError, match="password is missing"):
        server.connect_info()


def test_a_damaged_cluster_gives_an_error_with_the_end_of_the_log(
    server: EmbeddedServer, folder: Path
) -> None:
    control = folder / "data" / "global" / "pg_control"
    whole = control.read_bytes()
    control.write_bytes(b"")
    with pytest.raises(DatabaseError, match=r"(?s)does not stay up.*pg_control") as caught:
        server.connect_info()
    assert caught.value.hint
    control.write_bytes(whole)
    assert query(server, "select 1") == [(1,)]


def test_a_server_that_somebody_else_started_on_the_cluster_is_left_alone(open_folder: Path) -> None:
    data, elsewhere = open_folder / "data", open_folder / "data" / "base"
    as_owner = {"user": data.owner(), "group": open_folder.stat().st_gid} if AS_ROOT else {}
    command = [find_binaries() / "postgres", "-D", data, "-k", elsewhere, "-c", "listen_addresses="]
    with (
        EmbeddedServer(open_folder, idle_seconds=IDLE_SECONDS) as server,
        subprocess.Popen(command, stderr=subprocess.DEVNULL, **as_owner) as other,
    ):
        assert eventually((elsewhere / ".s.PGSQL.5432").exists)
        with pytest.raises(DatabaseError, match="did not start"):
            server.connect_info()
        assert other.poll() is None
        other.send_signal(signal.SIGINT)
        other.wait()
        assert query(server, "select 1") == [(1,)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with 20 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        not AS_ROOT
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", disk], check=False).returncode
    ):
        pytest.skip("only root, where it may mount, can make a small disk")
    yield disk
    EmbeddedServer(disk / "postgres").stop()
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_is_named_and_once_there_is_room_all_works(small_disk: Path) -> None:
    with EmbeddedServer(small_disk / "postgres", idle_seconds=IDLE_SECONDS) as server:
        with pytest.raises(DatabaseError, match=r"No space left on device|free disk space") as caught:
            server.connect_info()
        assert "room" in (caught.value.hint or "")
        subprocess.run(["mount", "-o", "remount,size=500m", small_disk], check=True)
        assert query(server, "select 1") == [(1,)]


def test_a_disk_that_fills_up_later_loses_nothing(small_disk: Path, made_once: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=100m", small_disk], check=True)
    subprocess.run(["cp", "-a", made_once, small_disk / "postgres"], check=True)
    filler = small_disk / "filler"
    with EmbeddedServer(small_disk / "postgres", idle_seconds=IDLE_SECONDS) as server:
        query(server, "create table kept as select 7 as n")
        server.stop()
        with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        with pytest.raises(DatabaseError) as caught:
            server.connect_info()
        assert "room" in (caught.value.hint or "")
        filler.unlink()
        assert query(server, "select n from kept") == [(7,)]


def test_a_disk_that_cannot_be_written_is_named(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    try:
        with pytest.raises(DatabaseError, match="Read-only file system"):
            EmbeddedServer(small_disk / "postgres").connect_info()
    finally:
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
