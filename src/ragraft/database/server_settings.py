"""The settings of the embedded server, in one readable block."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["machine_cores", "machine_memory", "server_settings"]

MB = 1024 * 1024

SETTINGS = """\
# Written by ragraft at each start. Your own settings survive with ALTER SYSTEM SET.

# Reached by a Unix socket only, with a password.
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket_folder}'
unix_socket_permissions = 0777          # the folder around it is closed
password_encryption = scram-sha-256
max_connections = 100

# What is committed survives a crash and a power cut.
fsync = on
full_page_writes = on
synchronous_commit = on
restart_after_crash = off               # the supervisor restarts it, on one path for every death

# Memory, bounded by the machine's or the container's.
shared_buffers = {shared_buffers}MB
effective_cache_size = {effective_cache_size}MB
maintenance_work_mem = {maintenance_work_mem}MB
work_mem = 16MB
huge_pages = off                        # a container may forbid them, and kills who tries
dynamic_shared_memory_type = {dynamic_shared_memory}
io_method = sync
jit = off
max_parallel_workers = {spare_cores}
max_parallel_maintenance_workers = {spare_cores}

# The write-ahead log: no replicas, and no old segment kept under a new name, so that erased text goes.
wal_level = minimal
max_wal_senders = 0
max_replication_slots = 0
max_logical_replication_workers = 0
summarize_wal = off
wal_recycle = off
min_wal_size = 64MB
max_wal_size = 512MB

# No text of a document may reach the log: no statements, no parameters, no rows quoted in errors.
log_destination = stderr
logging_collector = off                 # the supervisor bounds the file
log_line_prefix = '%m [%p] '
log_min_messages = log                  # errors of statements go to who sent them
log_min_error_statement = panic
log_error_verbosity = terse             # no DETAIL, CONTEXT or QUERY, which quote rows
log_statement = none
log_duration = off
log_min_duration_statement = -1
log_min_duration_sample = -1
log_transaction_sample_rate = 0
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_autovacuum_min_duration = -1
log_temp_files = -1
log_lock_waits = off
log_checkpoints = off
log_connections = ''
log_disconnections = off

# The same everywhere.
timezone = UTC
log_timezone = UTC
lc_messages = C
"""


def server_settings(
    *, memory: int, cores: int, socket_folder: Path, port: int, dynamic_shared_memory: str
) -> str:
    """Return the text of postgresql.conf.

    memory: bytes that this machine or container has. cores: how many we may use.
    dynamic_shared_memory: where parallel workers meet. "sysv" on Linux: "posix" needs /dev/shm, of which a
    container has 64 MB, and "mmap" would write rows to disk. "posix" where System V memory is small (macOS).
    """
    return SETTINGS.format(
        port=port,
        socket_folder=socket_folder,
        shared_buffers=_bounded(memory // 8, lowest=32, highest=256),
        effective_cache_size=_bounded(memory // 2, lowest=64, highest=1024 * 1024),
        maintenance_work_mem=_bounded(memory // 16, lowest=64, highest=512),
        spare_cores=min(max(cores - 1, 0), 4),
        dynamic_shared_memory=dynamic_shared_memory,
    )


def machine_memory() -> int:
    """Return the bytes of memory we may use: the machine's, or less where a container is given less."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        # Absent off Linux and without that kind of control group; "max" where there is no limit.
        with suppress(OSError, ValueError):
            limits.append(int(Path(path).read_text()))
    return min(limits)


def machine_cores() -> int:
    """Return how many cores we may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _bounded(size: int, *, lowest: int, highest: int) -> int:
    """Return a size in bytes as megabytes within bounds."""
    return min(max(size // MB, lowest), highest)
