"""The embedded server starts with its first user, serves all of them, and ends with the last."""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import signal
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest
from embedded_world import IDLE_SECONDS, Run, eventually, lives, query

from ragraft.database.embedded import EmbeddedServer
from ragraft.database.layout import Layout
from ragraft.errors import DatabaseError, MissingExtraError

STAY = "s = use(); s.connect_info(); print(s.status().pid, flush=True); time.sleep(60)"


def test_a_new_folder_gets_a_database_of_its_own_in_unicode_that_no_locale_can_change(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "new" / "postgres", idle_seconds=0) as server:
        rows = query(
            server,
            "select pg_encoding_to_char(encoding), datlocprovider, datlocale, datcollate"
            " from pg_database where datname = current_database()",
        )
        server.stop()
    assert rows == [("UTF8", "b", "C.UTF-8", "C")]


@pytest.mark.parametrize("password", ["", "password=wrong"])
def test_nobody_gets_in_without_the_password(running: EmbeddedServer, password: str) -> None:
    known = Layout(running.status().data_directory.parent).password.read_text()
    address = running.connect_info().replace(f"password={known}", password)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(address)


def test_no_network_port_is_open(running: EmbeddedServer) -> None:
    assert query(running, "show listen_addresses") == [("",)]


def test_commits_wait_for_the_disk(running: EmbeddedServer) -> None:
    settings = "'fsync', 'full_page_writes', 'synchronous_commit'"
    assert query(running, f"select distinct setting from pg_settings where name in ({settings})") == [("on",)]


def test_pgvector_is_there_and_its_index_is_built_by_several_processes(server: EmbeddedServer) -> None:
    query(server, "create extension vector")
    query(
        server,
        "create table item as select ('[' || i || ',' || i % 7 || ']')::vector(2) as v from generate_series(1, 3000) i",
    )
    query(
        server,
        "alter table item set (parallel_workers = 1); set min_parallel_table_scan_size = 0;"
        " create index on item using hnsw (v vector_l2_ops)",
    )
    assert query(server, "select v from item order by v <-> '[7.1,0]' limit 1") == [("[7,0]",)]


def test_programs_that_come_at_once_make_one_cluster_and_start_one_server(
    tmp_path: Path, run_program: Run
) -> None:
    folder = tmp_path / "postgres"
    clients = [run_program(STAY, folder) for _ in range(3)]
    pids = {client.stdout.readline() for client in clients if client.stdout}
    EmbeddedServer(folder).stop()
    assert len(pids) == 1
    assert Layout(folder).log.read_text().count("starting PostgreSQL") == 1


def test_threads_share_one_server(running: EmbeddedServer) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(running.connect_info())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_it_stops_when_its_last_user_leaves(server: EmbeddedServer) -> None:
    server.connect_info()
    pid = server.status().pid
    server.close()
    assert eventually(lambda: not lives(pid))


def test_it_stays_while_one_of_two_users_stays(server: EmbeddedServer, folder: Path) -> None:
    with EmbeddedServer(folder, idle_seconds=IDLE_SECONDS) as other:
        server.connect_info()
        other.connect_info()
    assert not eventually(lambda: not server.running(), seconds=4 * IDLE_SECONDS)


def test_closing_twice_and_coming_back_is_allowed(server: EmbeddedServer) -> None:
    server.connect_info()
    server.close()
    server.close()
    assert query(server, "select 1") == [(1,)]


def test_a_short_visit_puts_the_stop_off(folder: Path) -> None:
    visitor = EmbeddedServer(folder, idle_seconds=2.0)
    visitor.connect_info()
    visitor.close()
    for _ in range(3):
        assert not eventually(lambda: not visitor.running(), seconds=1.0)
        visitor.connect_info()
        visitor.close()


def test_eight_programs_that_come_and_go_never_get_an_error(folder: Path, run_program: Run) -> None:
    visits = (
        "import random\n"
        "for _ in range(6):\n"
        "    with EmbeddedServer(Path(sys.argv[1]), idle_seconds=0.03) as s:\n"
        "        psycopg.connect(s.connect_info()).close()\n"
        "    time.sleep(random.uniform(0, 0.3))\n"
    )
    clients = [run_program(visits, folder) for _ in range(8)]
    assert [client.wait(60) for client in clients] == [0] * 8


def test_what_was_committed_is_there_after_a_stop(server: EmbeddedServer) -> None:
    query(server, "create table kept as select 7 as n")
    server.stop()
    assert not server.running()
    assert query(server, "select n from kept") == [(7,)]


def test_stopping_what_does_not_run_or_exist_does_nothing(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "postgres")
    server.stop()
    assert not server.running()
    assert not (tmp_path / "postgres").exists()


def test_status_tells_where_and_as_whom_it_runs(running: EmbeddedServer) -> None:
    running.connect_info()
    status = running.status()
    assert status.running
    assert status.version.startswith("18.")
    assert (status.data_directory / "PG_VERSION").read_text() == "18\n"
    assert status.socket is not None
    assert status.socket.is_socket()
    assert status.bytes_on_disk > 1_000_000
    assert status.os_user == ("nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)


def test_status_of_a_stopped_server_starts_none(folder: Path) -> None:
    status = EmbeddedServer(folder).status()
    assert (status.running, status.pid, status.socket) == (False, None, None)


def test_a_forked_child_that_does_not_use_it_does_not_keep_it_alive(folder: Path, run_program: Run) -> None:
    parent = run_program(
        "s = use(); s.connect_info(); child = os.fork()\n"
        "if not child: os.close(1); time.sleep(60)\n"
        "else: print(child, s.status().pid, flush=True)",
        folder,
    )
    assert parent.stdout is not None
    child, postgres = map(int, parent.stdout.readline().split())
    try:
        assert eventually(lambda: not lives(postgres))
        assert lives(child)
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_forked_child_that_ends_does_not_drop_its_parents_use(folder: Path, run_program: Run) -> None:
    parent = run_program(
        "s = use(); s.connect_info(); child = os.fork()\n"
        "if not child: s.close(); os._exit(0)\n"
        "os.waitpid(child, 0); print(s.status().pid, flush=True); time.sleep(60)",
        folder,
    )
    assert parent.stdout is not None
    postgres = int(parent.stdout.readline())
    assert not eventually(lambda: not lives(postgres), seconds=4 * IDLE_SECONDS)


def test_a_forked_child_becomes_a_user_of_its_own(folder: Path, run_program: Run) -> None:
    parent = run_program(
        "s = use(); s.connect_info(); child = os.fork()\n"
        "if not child: s.connect_info(); print(os.getpid(), s.status().pid, flush=True); time.sleep(60)\n"
        "time.sleep(60)",
        folder,
    )
    assert parent.stdout is not None
    child, postgres = map(int, parent.stdout.readline().split())
    try:
        parent.kill()
        parent.wait()
        assert not eventually(lambda: not lives(postgres), seconds=4 * IDLE_SECONDS)
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("name", ["x" * 120, "a, b \"c\" 'd' $HOME", "مكتبة"])
def test_a_folder_with_a_long_or_awkward_name_works(made_once: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / "postgres"
    folder.parent.mkdir()
    subprocess.run(["cp", "-a", made_once, folder], check=True)
    with EmbeddedServer(folder, idle_seconds=0) as server:
        assert query(server, "select 1") == [(1,)]
        server.stop()


def test_a_name_with_a_line_break_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError) as caught:
        EmbeddedServer(tmp_path / "a\nb").connect_info()
    assert "line break" in (caught.value.hint or "")


def test_a_socket_folder_that_somebody_prepared_is_not_used(
    made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("x" * 120)
    subprocess.run(["cp", "-a", made_once, folder], check=True)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with EmbeddedServer(folder, idle_seconds=0) as server:
        server.connect_info()
        socket = server.status().socket
        assert socket is not None
        prepared = socket.parent.parent
        server.stop()
        prepared.mkdir(mode=0o777)
        prepared.chmod(0o777)
        try:
            server.connect_info()
            socket = server.status().socket
            server.stop()
        finally:
            prepared.rmdir()
    assert socket is not None
    assert prepared not in socket.parents


def test_no_text_of_a_statement_reaches_the_log(server: EmbeddedServer, folder: Path) -> None:
    for statement in (
        "select 'geheim'::int",
        "select geheim from nowhere",
        "create table t (a text primary key); insert into t values ('geheim'), ('geheim')",
        "do $$ begin raise warning 'geheim'; raise exception 'geheim'; end $$",
        "select to_tsquery('geheim &')",
        "select pg_terminate_backend(pg_backend_pid()), 'geheim'",
    ):
        with pytest.raises(psycopg.Error):
            query(server, statement)
    # The report of a crash quotes what the process last ran, unless it is told not to.
    victim = psycopg.connect(server.connect_info(), autocommit=True)
    victim.execute("select 'geheim'")
    os.kill(victim.info.backend_pid, signal.SIGKILL)
    victim.close()
    log = Layout(folder).log
    assert eventually(lambda: "terminated by signal 9" in log.read_text())
    server.stop()
    assert "geheim" not in log.read_text()


def test_the_log_is_bounded(server: EmbeddedServer, folder: Path) -> None:
    log = Layout(folder).log
    with log.open("ab") as file:
        file.write(b"x" * 3_000_000)
    server.connect_info()
    assert eventually(lambda: log.stat().st_size < 1_000_000)
    assert log.with_suffix(".log.1").stat().st_size >= 3_000_000


def test_without_the_wheel_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as caught:
        EmbeddedServer(folder).connect_info()
    assert caught.value.extra == "embedded"


def test_a_folder_deleted_and_made_anew_in_the_same_program_works(tmp_path: Path, made_once: Path) -> None:
    folder = tmp_path / "postgres"
    with EmbeddedServer(folder, idle_seconds=0) as server:
        for _ in range(2):
            subprocess.run(["cp", "-a", made_once, folder], check=True)
            assert query(server, "create table only_once (n int)") == []
            server.stop()
            subprocess.run(["rm", "-rf", folder], check=True)


def test_the_announcement_is_not_left_behind(server: EmbeddedServer, folder: Path) -> None:
    server.connect_info()
    assert json.loads(Layout(folder).announcement.read_text())["pid"] == server.status().pid
    server.stop()
    assert not Layout(folder).announcement.exists()
