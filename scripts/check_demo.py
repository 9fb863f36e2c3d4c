"""Start `make demo` twice in an empty data folder, as a visitor would, and check that the main page answers.

The first start loads the demo institution; the second should answer within 10 seconds, and its time is printed. Build
servers are shared and noisy, so only four times as long is a fault. Both are stopped with Ctrl-C, and the embedded
server at the end, whatever happens. Exits 1 saying which start failed, and how.

Usage: python -m scripts.check_demo
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
FIRST_START_SECONDS = 600
SECOND_START_SECONDS = 40
STOP_SECONDS = 30
EXPECTED = "Academe"
ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?")
TERMINAL_CODES = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|\][^\x07\x1b]*(?:\x07|\x1b\\))")


class DemoCheckError(Exception):
    """The demo did not start, answer or stop as it should."""


def announced_address(output: str) -> str | None:
    """The address that the demo printed, without the colours of a terminal."""
    found = ADDRESS.search(TERMINAL_CODES.sub("", output))
    return found.group(0) if found else None


def page(address: str) -> str | None:
    """The main page, redirects followed; None while nobody answers, DemoCheckError for anything but 200."""
    try:
        # The address is http on this machine: ADDRESS matches nothing else.
        with urllib.request.urlopen(f"{address}/", timeout=10) as response:  # noqa: S310
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        raise DemoCheckError(f"the main page answers {error.code}") from error
    except OSError:
        return None


def wait_until_answered(process: subprocess.Popen[bytes], log: Path, seconds: float) -> float:
    """Seconds until the main page answered with what it should."""
    started = time.monotonic()
    while (elapsed := time.monotonic() - started) < seconds:
        if process.poll() is not None:
            raise DemoCheckError(f"it ended with {process.returncode}")
        address = announced_address(log.read_text(errors="replace"))
        content = page(address) if address else None
        if content is not None:
            if EXPECTED not in content:
                raise DemoCheckError(f"the main page does not say {EXPECTED}")
            return elapsed
        time.sleep(0.1)
    raise DemoCheckError(f"it did not answer within {seconds:.0f} s")


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command in its own process group, stopped with Ctrl-C at the end, or killed if need be."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def check(folder: Path) -> None:
    """Both starts in the data folder `folder`, which does not exist yet."""
    environment = os.environ | {"ACADEME_DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": "1"}
    for name, seconds in (("first", FIRST_START_SECONDS), ("second", SECOND_START_SECONDS)):
        log = folder / f"{name}.log"
        try:
            with running(["make", "demo"], environment, log) as process:
                taken = wait_until_answered(process, log, seconds)
        except DemoCheckError as error:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
            raise DemoCheckError(f"{name} start: {error}; its last lines:\n{tail}") from error
        print(f"demo: {name} start answered after {taken:.1f} s (limit {seconds} s)", flush=True)


def main() -> int:
    """Check in a temporary folder; 1 when a start fails."""
    # A build server may have started us with Ctrl-C ignored, which the demo would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="academe-demo-") as name:
        folder = Path(name)
        # Started by root, the database server runs as another account, which has to reach its folder.
        folder.chmod(0o711)
        try:
            check(folder)
        except DemoCheckError as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1
        finally:
            environment = os.environ | {"ACADEME_DATA_DIR": str(folder / "data")}
            subprocess.run([ROOT / ".venv/bin/academe", "db", "stop"], env=environment, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
