"""The configuration files of the embedded server, sized to the machine it shares with the application."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import psutil

PORT = 5432
"""Names the socket file only: the server opens no TCP port."""

LOCAL_SETTINGS = "local.conf"
"""The file in the data folder for settings that a person adds; never overwritten."""

KIB, MIB, GIB = 2**10, 2**20, 2**30

_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the server may count on: memory and free disk space in bytes, and the number of processors."""

    memory: int
    processors: int
    free_disk: int

    @classmethod
    def here(cls, folder: Path) -> "Machine":
        """Measure this machine or container; `folder` lies on the disk that will hold the data."""
        limits = [psutil.virtual_memory().total, *(_memory_limit(path) for path in _CGROUP_LIMITS)]
        has_affinity = hasattr(os, "sched_getaffinity")
        return cls(
            memory=min(limit for limit in limits if limit),
            processors=len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1,
            free_disk=psutil.disk_usage(str(folder)).free,
        )


def _memory_limit(path: Path) -> int:
    """The limit of a container in bytes, or 0 where there is none (`max`, or no such file)."""
    try:
        text = path.read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0


def _bounded(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def cluster_name(folder: Path) -> str:
    """The name that every process of the server on `folder` shows in its title."""
    return f"academe-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"


def server_settings(machine: Machine, folder: Path, socket_directory: Path) -> dict[str, str]:
    """The settings by name.

    The web server, the worker and the page cache live on the same machine, so the server takes an eighth of
    the memory for its buffers: 128 MiB on a machine of 1 GiB, never more than 2 GiB.
    """
    helpers = str(_bounded(machine.processors // 2, 1, 4))
    return {
        "listen_addresses": "",
        "unix_socket_directories": f'"{socket_directory}"',
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "cluster_name": cluster_name(folder),
        "max_connections": "200",
        # Memory
        "shared_buffers": _kilobytes(_bounded(machine.memory // 8, 64 * MIB, 2 * GIB)),
        "effective_cache_size": _kilobytes(machine.memory // 2),
        "work_mem": _kilobytes(_bounded(machine.memory // 512, 4 * MIB, 64 * MIB)),
        "maintenance_work_mem": _kilobytes(_bounded(machine.memory // 32, 32 * MIB, GIB)),
        # Containers have a /dev/shm of 64 MB and desktops empty it when the user signs out: parallel queries
        # take their shared memory from the server's own block first and from files after that.
        "dynamic_shared_memory_type": "mmap",
        "min_dynamic_shared_memory": f"{_bounded(machine.memory // 64, 16 * MIB, 256 * MIB) // MIB}MB",
        # Processors
        "max_worker_processes": str(max(8, machine.processors + 4)),
        "max_parallel_workers": str(machine.processors),
        "max_parallel_workers_per_gather": helpers,
        "max_parallel_maintenance_workers": helpers,
        # Compiling a query costs more than it saves on statements that take milliseconds.
        "jit": "off",
        # Durability and the write-ahead log
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        # The build has only pglz, with which an index takes three times as long
        # (docs/decisions/embedded-database.md).
        "wal_compression": "off",
        "max_wal_size": f"{_bounded(machine.free_disk // 8, 128 * MIB, 4 * GIB) // MIB}MB",
        "checkpoint_timeout": "15min",
        # Planning: solid-state disks, and tables partitioned by month
        "random_page_cost": "1.1",
        "max_locks_per_transaction": "256",
        # What is watched
        "shared_preload_libraries": "pg_stat_statements",
        "track_io_timing": "on",
        "track_activity_query_size": "4kB",
        # The log holds no values of rows: those appear in details and in statements.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        # Recovery reports its progress every second, which is how a waiting process sees that it goes on.
        "log_startup_progress_interval": "1s",
        # Sameness everywhere
        "timezone": "UTC",
        "log_timezone": "UTC",
        "datestyle": "iso, ymd",
        "default_text_search_config": "pg_catalog.english",
    }


def _kilobytes(size: int) -> str:
    return f"{size // KIB}kB"


def render_settings(settings: dict[str, str]) -> str:
    """The text of `postgresql.conf`; ALTER SYSTEM and `local.conf` in the same folder have the last word."""
    lines = ["# Written at every start of the embedded server: your own settings go into local.conf beside it."]
    for name, value in settings.items():
        quoted = value.replace("\\", "\\\\").replace("'", "''")
        lines.append(f"{name} = '{quoted}'")
    lines.append(f"include_if_exists = '{LOCAL_SETTINGS}'")
    return "\n".join(lines) + "\n"


def render_access() -> str:
    """The text of `pg_hba.conf`: the socket only, and the kernel says which account is calling."""
    return "# Written at every start of the embedded server.\nlocal all all peer map=academe\n"


def render_identities(accounts: list[str]) -> str:
    """The text of `pg_ident.conf`: these accounts of the system may take any role of the database."""
    lines = ["# Written at every start of the embedded server."]
    for account in dict.fromkeys(accounts):
        quoted = account.replace('"', '""')
        lines.append(f'academe "{quoted}" all')
    return "\n".join(lines) + "\n"
