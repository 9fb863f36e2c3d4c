"""Look up known vulnerabilities of everything that is locked: Python packages and the front end's.

An advisory service that does not answer, or does not know a package, leaves it unaudited; that is never
reported as clean. Exits 0 when all of it was audited and nothing is known, 1 when something is known, 2 when
nothing is known but a part could not be audited.

Usage: python -m scripts.audit
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements-dev.lock", "requirements-setup.lock", "requirements-node.lock")
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one audit says, in sentences: what is known, and what could not be audited."""

    audited: int
    known: list[str] = field(default_factory=list)
    unaudited: list[str] = field(default_factory=list)


def python_outcome(report: dict[str, Any]) -> Outcome:
    """Read the JSON report of pip-audit; a package it skipped is unaudited, whatever its exit code says."""
    known, unaudited, audited = [], [], 0
    for package in report["dependencies"]:
        if "skip_reason" in package:
            unaudited.append(package["skip_reason"])
            continue
        audited += 1
        for vulnerability in package["vulns"]:
            fixes = ", ".join(vulnerability["fix_versions"]) or "no version yet"
            known.append(f"{package['name']} {package['version']}: {vulnerability['id']} (fixed in {fixes})")
    return Outcome(audited, known, unaudited)


def npm_outcome(report: dict[str, Any]) -> Outcome:
    """Read the JSON report of `npm audit`; without its metadata the service did not answer."""
    if "metadata" not in report:
        reason = report.get("message") or report.get("error", {}).get("summary") or "no report"
        return Outcome(0, unaudited=[f"front end: {reason}"])
    known = [
        f"{name}: {entry['severity']}, affects {entry['range']}"
        for name, entry in report.get("vulnerabilities", {}).items()
    ]
    return Outcome(report["metadata"]["dependencies"]["total"], known)


def run_json(command: list[str], folder: Path) -> tuple[dict[str, Any] | None, str]:
    """The JSON object that a command prints, and the last line it complains with."""
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None, f"no answer within {SECONDS} s"
    complaint = (result.stderr.strip().splitlines() or ["no output"])[-1]
    try:
        report = json.loads(result.stdout)
    except ValueError:
        return None, complaint
    return (report, complaint) if isinstance(report, dict) else (None, complaint)


def audit_python() -> Outcome:
    """Audit the locked Python packages."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format=json"]
    command += ["--progress-spinner=off", *(f"--requirement={ROOT / lock}" for lock in LOCKS)]
    report, complaint = run_json(command, ROOT)
    return python_outcome(report) if report else Outcome(0, unaudited=[f"Python packages: {complaint}"])


def audit_frontend() -> Outcome:
    """Audit the locked packages of the front end, with the system's npm."""
    npm = shutil.which("npm")
    if npm is None:
        return Outcome(0, unaudited=["front end: npm is not installed"])
    report, complaint = run_json([npm, "audit", "--json"], ROOT / "frontend")
    return npm_outcome(report) if report else Outcome(0, unaudited=[f"front end: {complaint}"])


def conclude(outcomes: list[Outcome]) -> int:
    """Print what was found and return the exit code."""
    known = [sentence for outcome in outcomes for sentence in outcome.known]
    unaudited = [sentence for outcome in outcomes for sentence in outcome.unaudited]
    for sentence in known:
        print(f"known vulnerability: {sentence}")
    for sentence in unaudited[:5]:
        print(f"not audited: {sentence}")
    if len(unaudited) > 5:
        print(f"not audited: and {len(unaudited) - 5} more")
    audited = sum(outcome.audited for outcome in outcomes)
    print(f"audit: {audited} packages audited, {len(known)} known vulnerabilities, {len(unaudited)} not audited")
    if not known and unaudited:
        print("audit: the advisory services did not answer for everything; nothing is proved")
    return 1 if known else 2 if unaudited else 0


if __name__ == "__main__":
    sys.exit(conclude([audit_python(), audit_frontend()]))
