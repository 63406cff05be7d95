"""As whom of the operating system the server runs, and who can get at it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from embedded_world import IDLE_SECONDS, Run, eventually, lives, query

from ragraft.database.embedded import EmbeddedServer
from ragraft.database.layout import Layout
from ragraft.errors import DatabaseError

AS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as somebody else")

NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
# The interpreter of the tests may lie where nobody can go, in root's home for one.
MAY_READ = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")


@pytest.fixture
def nobodys_folder(open_folder: Path) -> Path:
    """An empty folder of the user nobody, as whom we may run programs."""
    probe = subprocess.run(
        [*NOBODY, *MAY_READ, sys.executable, "-c", "import psycopg"],
        check=False,
        capture_output=True,
        text=True,
    )
    if probe.returncode != 0:
        pytest.skip(f"programs cannot be run as nobody here: {probe.stderr}")
    folder = open_folder.parent / "nobodys"
    folder.mkdir()
    os.chown(folder, *(int(part) for part in _ids_of_nobody()))
    return folder


def _ids_of_nobody() -> list[str]:
    return [subprocess.check_output(["id", kind, "nobody"], text=True) for kind in ("-u", "-g")]


def status_line(pid: int | None, name: str) -> str:
    """Return one line of what the kernel knows of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith(f"{name}:"))


@as_root
def test_root_runs_it_as_an_unprivileged_user(server: EmbeddedServer) -> None:
    server.connect_info()
    uids = status_line(server.status().pid, "Uid").split()
    assert set(uids) == {_ids_of_nobody()[0].strip()}


@as_root
def test_below_a_closed_folder_the_server_may_walk_and_read_and_no_more(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    assert query(server, "select 1") == [(1,)]
    sets = {status_line(server.status().pid, name) for name in ("CapPrm", "CapEff", "CapAmb")}
    cap_dac_read_search = 1 << 2
    assert {int(value, 16) for value in sets} == {cap_dac_read_search}


@as_root
def test_in_an_open_folder_the_server_keeps_no_capability(open_folder: Path) -> None:
    if Path(sys.prefix).resolve().is_relative_to("/root"):
        pytest.skip("PostgreSQL is installed below /root, which is closed")
    with EmbeddedServer(open_folder, idle_seconds=IDLE_SECONDS) as server:
        server.connect_info()
        assert int(status_line(server.status().pid, "CapPrm"), 16) == 0


@as_root
def test_other_programs_of_that_user_stay_outside(open_folder: Path) -> None:
    places = [open_folder / name for name in ("data", "run/.s.PGSQL.5432", "password", "postgresql.conf")]
    with EmbeddedServer(open_folder, idle_seconds=IDLE_SECONDS) as server:
        server.connect_info()
        found = subprocess.run([*NOBODY, "stat", *places], check=False, capture_output=True, text=True)
    assert found.stderr.count("Permission denied") == len(places)


@as_root
def test_another_user_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGRAFT_OS_USER", "daemon")
    with EmbeddedServer(tmp_path / "postgres", idle_seconds=0) as server:
        server.connect_info()
        assert server.status().os_user == "daemon"
        server.stop()


@as_root
@pytest.mark.parametrize(("name", "reason"), [("no-such-user", "there is no user"), ("root", "is root's")])
def test_a_user_that_cannot_be_used_is_refused_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    monkeypatch.setenv("RAGRAFT_OS_USER", name)
    with pytest.raises(DatabaseError, match=reason) as caught:
        EmbeddedServer(tmp_path / "postgres").connect_info()
    assert "RAGRAFT_OS_USER" in (caught.value.hint or "")


@as_root
def test_where_the_kernel_gives_no_access_the_error_says_what_to_do(tmp_path: Path, run_program: Run) -> None:
    tmp_path.chmod(0o700)
    program = run_program(
        "from ragraft.errors import DatabaseError\n"
        "try: use().connect_info()\n"
        "except DatabaseError as error: print(error, '/', error.hint)",
        tmp_path / "postgres",
        prefix=("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"),
    )
    said = program.communicate()[0]
    assert "cannot reach" in said
    assert "run ragraft as an ordinary user" in said


@as_root
def test_an_ordinary_user_runs_it_as_himself(nobodys_folder: Path, run_program: Run) -> None:
    folder = nobodys_folder / "workspace" / "postgres"
    program = run_program(
        "with use() as s:\n"
        "    with psycopg.connect(s.connect_info()) as c: print(c.execute('select 6 * 7').fetchone()[0])\n"
        "    print(s.status().os_user)\n"
        "    s.stop()",
        folder,
        prefix=(*NOBODY, *MAY_READ),
    )
    assert program.communicate()[0].split() == ["42", "nobody"]
    assert Layout(folder).data.owner() == "nobody"


@as_root
def test_an_ordinary_users_server_survives_and_ends_like_roots(
    nobodys_folder: Path, run_program: Run
) -> None:
    program = run_program(
        "s = use(); s.connect_info(); first = s.status()\n"
        "os.kill(first.supervisor_pid, 9)\n"
        "while s.running(): time.sleep(0.01)\n"
        "s.connect_info(); second = s.status()\n"
        "os.kill(second.pid, 9)\n"
        "s.connect_info(); third = s.status()\n"
        "s.close()\n"
        "while s.running(): time.sleep(0.01)\n"
        "print(first.pid, second.pid, third.pid)",
        nobodys_folder / "postgres",
        prefix=(*NOBODY, *MAY_READ),
    )
    pids = [int(word) for word in program.communicate()[0].split()]
    assert len(set(pids)) == 3
    assert all(eventually(lambda pid=pid: not lives(pid)) for pid in pids)


@as_root
def test_a_folder_without_permission_is_named(nobodys_folder: Path, run_program: Run) -> None:
    nobodys_folder.chmod(0o500)
    program = run_program(
        "from ragraft.errors import DatabaseError\n"
        "try: use().connect_info()\n"
        "except DatabaseError as error: print(error)",
        nobodys_folder / "workspace" / "postgres",
        prefix=(*NOBODY, *MAY_READ),
    )
    said = program.communicate()[0]
    assert "Permission denied" in said
    assert str(nobodys_folder) in said


@as_root
def test_a_folder_of_another_user_is_refused(nobodys_folder: Path) -> None:
    with pytest.raises(DatabaseError, match="belongs to the user number"):
        EmbeddedServer(nobodys_folder).connect_info()
