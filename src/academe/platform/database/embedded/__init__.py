"""The embedded PostgreSQL: one server per data folder, shared by every process, hard to kill.

`EmbeddedServer(folder).ensure_running()` is all that a caller needs; any number of processes may call it at
once. For a data folder `postgres`, these lie beside it:

- `.postgres.guard`: locked while a process starts, stops or sets up the server;
- `.postgres.in-use`: a lock that the server inherits, held as long as any of its processes lives;
- `.postgres.new-*`: a data folder in the making, renamed when complete;
- `.postgres.programs`: the programs and libraries that the server runs from.
"""

from academe.platform.database.embedded.errors import (
    DiskFullError,
    EmbeddedServerError,
    FolderBusyError,
    FolderPermissionError,
    ForeignFolderError,
    OtherVersionError,
    StartupError,
)
from academe.platform.database.embedded.provision import provision
from academe.platform.database.embedded.server import EmbeddedServer

__all__ = [
    "DiskFullError",
    "EmbeddedServer",
    "EmbeddedServerError",
    "FolderBusyError",
    "FolderPermissionError",
    "ForeignFolderError",
    "OtherVersionError",
    "StartupError",
    "provision",
]
