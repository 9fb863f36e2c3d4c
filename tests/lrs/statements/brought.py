"""Batches as requests bring them, for tests of the store."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from academe.lrs.senders.types import Scope, Sender
from academe.lrs.statements.incoming import Batch, incoming
from academe.lrs.xapi.statement import checked_batch
from academe.lrs.xapi.versions import Version
from academe.platform.ids import new_id

AUTHORITY: Final = {"objectType": "Agent", "account": {"homePage": "https://campus.example.edu", "name": "lms"}}
SENDER: Final = Sender(new_id(), "LMS", AUTHORITY, "account:https://campus.example.edu|lms", frozenset({Scope.ALL}))
VOIDED: Final = {"id": "http://adlnet.gov/expapi/verbs/voided"}


def a_statement(**parts: Any) -> dict[str, Any]:
    """A statement with an id, and whatever is given instead of its parts."""
    statement = {
        "id": str(uuid4()),
        "actor": {"mbox": "mailto:ada@example.com", "name": "Ada"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "completed"}},
        "object": {"id": "https://campus.example.edu/quiz/4"},
    }
    return {name: part for name, part in (statement | parts).items() if part is not None}


def about(identifier: str) -> dict[str, Any]:
    """An object that refers to a statement."""
    return {"objectType": "StatementRef", "id": identifier}


def batch_of(
    *statements: Mapping[str, Any],
    version: Version = Version.TWO,
    size: int = 1000,
    may_define: bool = True,
    sender: Sender = SENDER,
) -> Batch:
    """What a request with these statements brings."""
    checked = checked_batch([dict(statement) for statement in statements], version)
    return Batch(
        statements=incoming(checked, version, sender),
        version=version,
        sender=sender,
        size=size,
        may_define=may_define,
        is_array=True,
    )
