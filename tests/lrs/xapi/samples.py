"""Statements to begin with, and how to change one place of them."""

import copy
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.grammar import timestamp_text
from academe.lrs.xapi.stored_form import kept
from academe.lrs.xapi.versions import Version

BOTH = (Version.ONE, Version.TWO)
MISSING: Any = object()
"""As a value: the property is taken away."""

VOIDED_VERB = {"id": "http://adlnet.gov/expapi/verbs/voided"}
AGENT = {"objectType": "Agent", "mbox": "mailto:ada@example.com"}
ANONYMOUS = {"objectType": "Group", "member": [AGENT, {"mbox_sha1sum": "cd9b00a5611f94eaa7b1661edab976068e364975"}]}
ACTIVITY = {"id": "https://campus.example.edu/quiz/4"}
REFERENCE = {"objectType": "StatementRef", "id": "6d969975-8d7e-4506-ac19-877c57f2921a"}


def simple() -> dict[str, Any]:
    """The least that a statement must have."""
    return {
        "actor": copy.deepcopy(AGENT),
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": copy.deepcopy(ACTIVITY),
    }


def returned(statement: Mapping[str, Any], version: Version, *, identifier: str, stored: datetime) -> dict[str, Any]:
    """The statement as PostgreSQL writes it for readers: as it is kept, with what the store says of it."""
    said = {"id": identifier, "stored": timestamp_text(stored), "authority": AGENT}
    return {"timestamp": timestamp_text(stored), **kept(statement, version), **said}


def full(version: Version) -> dict[str, Any]:
    """A statement that has every property of its version somewhere."""
    statement: dict[str, Any] = {
        "id": "12345678-1234-5678-1234-567812345678",
        "actor": {
            "objectType": "Agent",
            "name": "Ada",
            "account": {"homePage": "https://campus.example.edu", "name": "s0000001"},
        },
        "verb": {
            "id": "http://adlnet.gov/expapi/verbs/answered",
            "display": {"en-US": "answered", "de": "beantwortet"},
        },
        "object": {"objectType": "Activity", **copy.deepcopy(ACTIVITY), "definition": _definition()},
        "result": {
            "score": {"scaled": 0.8, "raw": 16, "min": 0, "max": 20},
            "success": True,
            "completion": False,
            "response": "golf[,]tetris",
            "duration": "PT12M30.5S",
            "extensions": {"https://example.com/ext/tries": {"any": [None, 1]}},
        },
        "context": _context(version),
        "timestamp": "2026-11-21T10:00:00.123Z",
        "stored": "2026-11-21T10:00:01.123Z",
        "authority": {"objectType": "Agent", "mbox": "mailto:lms@example.com"},
        "version": version.value,
        "attachments": [
            {
                "usageType": "https://example.com/usage/essay",
                "display": {"en": "Essay"},
                "description": {"en": "The essay of week 4"},
                "contentType": "text/plain; charset=utf-8",
                "length": 27,
                "sha2": "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a",
                "fileUrl": "https://example.com/essay.txt",
            }
        ],
    }
    return statement


def _definition() -> dict[str, Any]:
    component = {"id": "golf", "description": {"en": "Golf"}}
    return {
        "name": {"en": "Quiz 4"},
        "description": {"en": "The quiz of week 4"},
        "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
        "moreInfo": "https://campus.example.edu/quiz/4/about",
        "interactionType": "choice",
        "correctResponsesPattern": ["golf[,]tetris"],
        **{
            key: [copy.deepcopy(component), {"id": "tetris"}]
            for key in ("choices", "scale", "source", "target", "steps")
        },
        "extensions": {"https://example.com/ext/level": None},
    }


def _context(version: Version) -> dict[str, Any]:
    context: dict[str, Any] = {
        "registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "instructor": {"objectType": "Agent", "name": "Grace", "mbox": "mailto:grace@example.com"},
        "team": {
            "objectType": "Group",
            "name": "Team",
            "account": {"homePage": "https://campus.example.edu", "name": "team-1"},
            "member": [{"openid": "https://alan.example.org/"}],
        },
        "contextActivities": {
            "parent": {"id": "https://campus.example.edu/course/1"},
            "grouping": [{"id": "https://campus.example.edu/programme/1"}],
            "category": [{"id": "https://example.com/profile"}],
            "other": [],
        },
        "revision": "3",
        "platform": "Campus",
        "language": "en-GB",
        "statement": copy.deepcopy(REFERENCE),
        "extensions": {"https://example.com/ext/week": 4},
    }
    if version is Version.TWO:
        types = ["https://example.com/types/tutor"]
        context["contextAgents"] = [
            {"objectType": "contextAgent", "agent": {"mbox": "mailto:kay@example.com"}, "relevantTypes": types}
        ]
        context["contextGroups"] = [
            {"objectType": "contextGroup", "group": copy.deepcopy(ANONYMOUS), "relevantTypes": list(types)}
        ]
    return context


def within_sub_statement(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement that has this one as its object."""
    part = {key: value for key, value in statement.items() if key not in {"id", "stored", "authority", "version"}}
    return simple() | {"object": {"objectType": "SubStatement", **part}}


def tokens_of(pointer: str) -> list[str]:
    """The keys and positions of a pointer, unescaped."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def at(document: Any, pointer: str) -> Any:
    """The value that a pointer leads to; KeyError or IndexError when there is none."""
    for token in tokens_of(pointer):
        document = document[int(token)] if isinstance(document, list) else document[token]
    return document


def changed(document: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """A copy with another value at the pointer, added if need be, or without it for MISSING."""
    document = copy.deepcopy(document)
    parent_pointer, _, _ = pointer.rpartition("/")
    parent = at(document, parent_pointer)
    key: Any = tokens_of(pointer)[-1]
    if isinstance(parent, list):
        key = int(key)
    if value is MISSING:
        del parent[key]
    else:
        parent[key] = value
    return document


def fault_of(call: Callable[[], object]) -> XapiFault | None:
    """The fault that a call ends in, None when it does not; any other exception is the test's failure."""
    try:
        call()
    except XapiFault as fault:
        return fault
    return None
