"""The file with the passwords of the demo accounts, which only the owner of the data folder may read."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from academe.operations.demo.plan import PEOPLE

FILE: Final = "demo-accounts.json"
PASSWORD_BYTES: Final = 12


def file_of(data_folder: Path) -> Path:
    """Where an installation keeps the passwords of its demo accounts."""
    return data_folder / FILE


def read_passwords(file: Path) -> dict[str, str]:
    """The passwords by address; empty when there is no file, or one that nobody can read any more."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {email: word for email, word in kept.items() if isinstance(email, str) and isinstance(word, str)}


def is_complete(passwords: Mapping[str, str]) -> bool:
    """Whether there is a password for each of the demo's people."""
    return all(person.email in passwords for person in PEOPLE)


def completed(passwords: Mapping[str, str]) -> dict[str, str]:
    """Those passwords, and new ones for whoever has none: 96 random bits each."""
    return {person.email: passwords.get(person.email) or secrets.token_urlsafe(PASSWORD_BYTES) for person in PEOPLE}


def write_passwords(file: Path, passwords: Mapping[str, str]) -> None:
    """Keep the passwords, whole or not at all, readable by the owner alone.

    The folder is made where the database is elsewhere and so nothing has made it yet.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            json.dump(dict(passwords), target, indent=2)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def forget_passwords(file: Path) -> None:
    """Remove the file; it need not be there."""
    file.unlink(missing_ok=True)
