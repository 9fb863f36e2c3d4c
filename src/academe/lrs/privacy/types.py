"""What an erasure leaves."""

from dataclasses import dataclass
from typing import Final

HOME_PAGE: Final = "urn:academe:erased"
"""The home page of the accounts that stand for agents that were erased."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """How much was erased, and the accounts at `HOME_PAGE` by which it is known now, one for each identifier found.

    `before` and `after` are chained hashes of the statements, in the order of `stored`; each is empty when there were
    none. `after` can be computed again from the statements; `before` only with the installation's signing key.
    `files` are the digests of signatures that nothing needs any more.
    """

    statements: int
    documents: int
    signatures: int
    pseudonyms: tuple[str, ...]
    before: str
    after: str
    files: tuple[str, ...] = ()
