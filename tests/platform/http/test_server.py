"""Starting the server: ports, addresses, and that a real process serves, reloads nothing, and ends in order."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import httpx
import pytest

from academe.platform.http.server import PortBusyError, address_of, listen
from academe.platform.settings import Settings

ACADEME = [sys.executable, "-c", "from academe.cli import app; app()"]


class TestListen:
    def test_takes_the_port_asked_for_or_says_that_it_is_busy(self) -> None:
        with closing(listen("127.0.0.1", 0)) as first:
            port = first.getsockname()[1]
            with pytest.raises(PortBusyError, match=f"Port {port} on 127.0.0.1"):
                listen("127.0.0.1", port)

    def test_takes_another_when_told_to(self) -> None:
        with closing(listen("127.0.0.1", 0)) as first:
            port = first.getsockname()[1]
            with closing(listen("127.0.0.1", port, any_when_busy=True)) as second:
                assert second.getsockname()[1] != port

    def test_holds_connections_until_the_server_runs(self) -> None:
        with (
            closing(listen("127.0.0.1", 0)) as listener,
            closing(socket.create_connection(listener.getsockname(), timeout=1)) as early,
        ):
            assert early.getpeername() == listener.getsockname()

    def test_shows_an_address_for_a_browser(self) -> None:
        with closing(listen("127.0.0.1", 0)) as listener:
            assert address_of(listener) == f"http://localhost:{listener.getsockname()[1]}"


@contextmanager
def serving(settings: Settings, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`academe serve` on a free port, and its address as it prints it."""
    with closing(listen("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = os.environ | {
        "ACADEME_DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": str(settings.database_url),
        "ACADEME_LOG_JSON": "true",
        "ACADEME_PORT": str(port),
        **environment,
    }
    command = [*ACADEME, "serve"]
    # A group of its own: killed alone, it would leave its workers with the pipe open, and reading would never end.
    process = subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)


def answer_of(address: str, path: str, *, seconds: float = 120) -> httpx.Response:
    """The first answer of a server that may still be starting."""
    end = time.monotonic() + seconds
    while True:
        try:
            return httpx.get(address + path, timeout=60)
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.mark.slow
class TestServe:
    def test_one_process_serves_and_ends_when_told(self, settings: Settings) -> None:
        with serving(settings) as (process, address):
            assert answer_of(address, "/health/live").json() == {"status": "alive"}
            ready = answer_of(address, "/health/ready").json()
            assert ready["ready"], ready
            assert "server" not in answer_of(address, "/health/live").headers
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=90)
        assert "Serving Academe at" in log
        assert "Traceback" not in log

    def test_several_processes_add_up_what_they_measure(self, settings: Settings) -> None:
        with serving(settings, ACADEME_WEB_WORKERS="2") as (process, address):
            answer_of(address, "/health/live")
            for _ in range(10):
                assert httpx.get(f"{address}/health/live", timeout=60).status_code == 200
            text = answer_of(address, "/metrics").text
            (line,) = [
                line
                for line in text.splitlines()
                if line.startswith("academe_http_request_seconds_count") and 'route="/health/live"' in line
            ]
            assert float(line.rpartition(" ")[2]) == 11
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=90)

    def test_a_busy_port_is_said_in_one_line(self, settings: Settings) -> None:
        with closing(listen("127.0.0.1", 0)) as busy:
            port = str(busy.getsockname()[1])
            with serving(settings, ACADEME_PORT=port) as (process, _):
                _, said = process.communicate(timeout=120)
        assert process.returncode == 1
        assert said == f"Error: Port {port} on 127.0.0.1 is in use; set ACADEME_PORT or --port to another.\n"
