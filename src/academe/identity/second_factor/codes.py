"""Recovery codes: random, typed by hand, kept as hashes."""

import secrets
from hashlib import sha256
from typing import Final

HOW_MANY: Final = 10
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 signs without l, o, 0 and 1, which are mistaken for each other."""
_SIGNS: Final = 16
_GROUP: Final = 4


def new_codes() -> list[str]:
    """Ten codes of 80 random bits, in groups of four: "abcd-efgh-jkmn-pqrs"."""
    made = ("".join(secrets.choice(_LETTERS) for _ in range(_SIGNS)) for _ in range(HOW_MANY))
    return ["-".join(code[at : at + _GROUP] for at in range(0, _SIGNS, _GROUP)) for code in made]


def as_typed(code: str) -> str:
    """A code without what people put between its signs, in small letters."""
    return "".join(sign for sign in code.lower() if sign.isalnum())


def code_hash(code: str) -> bytes:
    """What the database keeps of a code. It has 80 random bits, so a plain hash is enough."""
    return sha256(as_typed(code).encode()).digest()
