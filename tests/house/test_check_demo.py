import os
import sys
from pathlib import Path

import pytest

from scripts import check_demo
from scripts.check_demo import DemoCheckError, announced_address, running, wait_until_answered

SERVER = """
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status})
        self.end_headers()
        self.wfile.write(b"{text}")
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Page)
print(f"open http://127.0.0.1:{{server.server_port}}", flush=True)
server.serve_forever()
"""


@pytest.mark.parametrize(
    ("output", "address"),
    [
        ("Academe is at http://127.0.0.1:8001/\n", "http://127.0.0.1:8001"),
        ("\x1b[1;34mhttp://localhost:\x1b[0m\x1b[34m8000\x1b[0m", "http://localhost:8000"),
        (
            "\x1b]8;;http://127.0.0.1:8002\x1b\\here\x1b]8;;\x1b\\ http://127.0.0.1:8002",
            "http://127.0.0.1:8002",
        ),
        ("loading", None),
        ("see https://example.org", None),
    ],
)
def test_finds_the_address_among_colours(output: str, address: str | None) -> None:
    assert announced_address(output) == address


def answered(log: Path, script: str, seconds: float = 10) -> float:
    with running([sys.executable, "-c", script], dict(os.environ), log) as process:
        return wait_until_answered(process, log, seconds)


class TestStart:
    def test_counts_once_the_page_answers_and_is_stopped(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        with running(
            [sys.executable, "-c", SERVER.format(status=200, text="Academe")], dict(os.environ), log
        ) as process:
            assert wait_until_answered(process, log, 10) < 10
        assert process.returncode not in (None, 0)
        address = announced_address(log.read_text())
        assert address is not None
        assert check_demo.page(address) is None

    def test_an_error_page_is_a_failure(self, tmp_path: Path) -> None:
        with pytest.raises(DemoCheckError, match="answers 500"):
            answered(tmp_path / "log", SERVER.format(status=500, text="Academe"))

    def test_another_page_is_a_failure(self, tmp_path: Path) -> None:
        with pytest.raises(DemoCheckError, match="does not say Academe"):
            answered(tmp_path / "log", SERVER.format(status=200, text="Welcome"))

    def test_an_early_end_is_a_failure(self, tmp_path: Path) -> None:
        with pytest.raises(DemoCheckError, match="ended with 3"):
            answered(tmp_path / "log", "raise SystemExit(3)")

    def test_silence_is_a_failure(self, tmp_path: Path) -> None:
        with pytest.raises(DemoCheckError, match="did not answer within 1 s"):
            answered(tmp_path / "log", "import time; time.sleep(60)", seconds=1)
