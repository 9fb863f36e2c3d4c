"""Starting the web server: uvicorn with uvloop and httptools, one process or several."""

import errno
import os
import shutil
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from academe.platform.errors import ConflictError
from academe.platform.http.joined import JoiningProtocol
from academe.platform.logging import configure_logging
from academe.platform.metrics import MULTIPROCESS_FOLDER
from academe.platform.settings import Settings

APPLICATION: Final = "academe.app:served"
"""The factory each server process imports; by name, because the processes are started afresh."""

_SHUTDOWN_SECONDS: Final = 20
_KEEP_ALIVE_SECONDS: Final = 75  # above the usual 60 s of reverse proxies, so that they close first
_HEALTHCHECK_SECONDS: Final = 60  # a process that imports on a busy machine is silent for longer than the usual 5 s
_BACKLOG: Final = 2048


class PortBusyError(ConflictError):
    """Another process listens on the port."""

    title = "The port is in use"


def listen(host: str, port: int, *, any_when_busy: bool = False) -> socket.socket:
    """A listening socket on the host's port; 0 takes a free one.

    Raises PortBusyError when another process has the port, unless `any_when_busy` takes a free one then. The
    socket is open from here on, so nobody can take the port before the server runs.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE and any_when_busy:
            return listen(host, 0)
        if error.errno == errno.EADDRINUSE:
            raise PortBusyError(f"Port {port} on {host} is in use; set ACADEME_PORT or --port to another.") from error
        raise ConflictError(f"Cannot listen on {host}, port {port}: {error.strerror}.") from error
    listener.setblocking(False)
    return listener


def address_of(listener: socket.socket) -> str:
    """The address to open in a browser."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "localhost", "::": "localhost", "127.0.0.1": "localhost"}.get(host, host)  # noqa: S104
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def serve(
    settings: Settings,
    listener: socket.socket | None = None,
    *,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Serve until a signal ends it; running requests get 20 seconds to finish.

    `listener` is a socket from `listen`, by default on the settings' host and port. `announce` is told the
    address before the first request can be answered; requests wait in the socket until then.
    """
    listener = listener or listen(settings.host, settings.port)
    configure_logging(settings)
    if announce is not None:
        announce(address_of(listener))
    config = _config(settings)
    # The server has shut down when the interrupt arrives here: uvicorn raises the signal again for its
    # caller.
    with closing(listener), suppress(KeyboardInterrupt):
        if settings.web_workers > 1:
            _share_metrics(settings)
            Multiprocess(config, sockets=[listener]).run()
        else:
            uvicorn.Server(config).run(sockets=[listener])


def _config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        APPLICATION,
        factory=True,
        workers=settings.web_workers,
        loop="uvloop",
        http=JoiningProtocol,
        ws="none",
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        timeout_worker_healthcheck=_HEALTHCHECK_SECONDS,
    )


def _share_metrics(settings: Settings) -> None:
    """Give the server processes an empty folder in which they add up what they measure."""
    folder = settings.data_dir / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[MULTIPROCESS_FOLDER] = str(folder)
