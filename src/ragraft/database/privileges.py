"""As which user of the operating system PostgreSQL runs.

As an ordinary user: as that user, and nothing here happens. PostgreSQL refuses to run as root, so root runs
it as an existing unprivileged user, in three steps that each give away no more than is needed:

1. The server's folder stays root's. A group number that nobody has is made its group, may pass through it
   and goes to the server alone: other processes of the unprivileged user stay outside.
2. If that user can reach all it needs so, it gets nothing else.
3. If not - the workspace or the binaries lie below a folder that is closed to it, /root say - the server
   keeps CAP_DAC_READ_SEARCH, or else CAP_DAC_OVERRIDE, as an ambient capability.

Used by the supervisor only: it has one thread, so code may run between fork and exec.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ragraft.errors import DatabaseError

__all__ = ["Account", "admit_group", "assume", "current_account", "unprivileged_account", "with_access"]

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522

FIRST_PRIVATE_GROUP = 0x7000_0000
"""Group numbers from here on are outside all ranges that systems and container tools give out."""
PRIVATE_GROUPS = 0x0800_0000


@dataclass(frozen=True, slots=True)
class Account:
    """A user that PostgreSQL runs as; `switches` is false where that is who we are already."""

    name: str
    uid: int
    gid: int
    switches: bool
    groups: tuple[int, ...] = ()
    capability: int | None = None

    def own(self, path: Path) -> None:
        """Give a file or folder of ours to this user."""
        if self.switches:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def let_read(self, path: Path) -> None:
        """Let this user's server, and no other process of his, read a file that stays ours."""
        if self.switches and self.groups:
            os.chown(path, -1, self.groups[0], follow_symlinks=False)
            path.chmod(0o640)


def current_account() -> Account:
    """Return who we are."""
    return Account(_name_of(os.geteuid()), os.geteuid(), os.getegid(), switches=False)


def unprivileged_account(name: str, *, cluster: Path) -> Account:
    """Return the user that root runs PostgreSQL as: the owner of the cluster if there is one, or `name`.

    Raises: DatabaseError if there is no such user, or if it is root.
    """
    if cluster.exists():
        found = cluster.stat()
        account = Account(_name_of(found.st_uid), found.st_uid, found.st_gid, switches=True)
    else:
        try:
            entry = pwd.getpwnam(name)
        except KeyError as error:
            raise DatabaseError(
                f"PostgreSQL refuses to run as root, and there is no user {name!r}",
                hint="name an existing unprivileged user with RAGRAFT_OS_USER",
            ) from error
        account = Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switches=True)
    if account.uid == 0:
        raise DatabaseError(
            f"PostgreSQL refuses to run as root, and {cluster if cluster.exists() else repr(name)} is root's",
            hint=f"name an unprivileged user with RAGRAFT_OS_USER; if {cluster} was copied, give it to that user",
        )
    return account


def admit_group(folder: Path, group: int | None = None) -> tuple[int, ...]:
    """Let one group pass through a folder of root's: `group`, or the folder's own private one.

    Returns: the group; empty where the kernel has no such numbers (a user namespace), and then the
    folder is closed to all.
    """
    found = folder.stat()
    if group is None and found.st_gid >= FIRST_PRIVATE_GROUP:
        group = found.st_gid
    group = group or FIRST_PRIVATE_GROUP + secrets.randbelow(PRIVATE_GROUPS)
    try:
        if found.st_gid != group:
            os.chown(folder, -1, group, follow_symlinks=False)
    except OSError:
        folder.chmod(0o700)
        return ()
    folder.chmod(0o710)
    return (group,)


def with_access(account: Account, *, program: Path, files: Sequence[Path]) -> Account:
    """Return the account with the least right under which it can run `program` and open `files`.

    Raises: DatabaseError if the kernel gives it none that is enough.
    """
    if not account.switches:
        return account
    for capability in (None, CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        candidate = replace(account, capability=capability)
        if _reaches(candidate, program, files):
            return candidate
    raise DatabaseError(
        f"PostgreSQL refuses to run as root, and the user {account.name} cannot reach {files[-1]} or {program}",
        hint="run ragraft as an ordinary user, or keep the workspace and ragraft where that user may enter,"
        " or name another user with RAGRAFT_OS_USER",
    )


def assume(account: Account, *, parent: int) -> None:
    """Become the account, between fork and exec, and be interrupted when `parent` dies (Linux)."""
    if account.switches:
        if account.capability is not None:
            _prctl(PR_SET_KEEPCAPS, 1)
        os.setgroups(account.groups)
        os.setgid(account.gid)
        os.setuid(account.uid)
        if account.capability is not None:
            _keep_only(account.capability)
    if sys.platform == "linux":
        # After the change of user, which clears it. SIGINT is PostgreSQL's fast shutdown.
        _prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)


def _reaches(account: Account, program: Path, files: Sequence[Path]) -> bool:
    parent = os.getpid()

    def become_and_open() -> None:
        assume(account, parent=parent)
        for path in files:
            # Opened for real: access(2) leaves ambient capabilities out of account.
            if stat.S_ISDIR(path.stat().st_mode):
                (path / ".").stat()
            else:
                os.close(os.open(path, os.O_RDONLY))

    try:
        done = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=become_and_open,
            cwd="/",
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _keep_only(capability: int) -> None:
    bit = 1 << capability
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Two records of effective, permitted, inheritable: for the lower and the upper 32 capabilities.
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    _checked(_libc().capset(header, sets), "capset")
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def _prctl(option: int, *arguments: int) -> None:
    values = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    _checked(_libc().prctl(ctypes.c_int(option), *values), "prctl")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, call: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{call}: {os.strerror(ctypes.get_errno())}")


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
