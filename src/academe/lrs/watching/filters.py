"""What somebody looks for among the statements, as an address says it: the filters of the standard, and the sender.

An actor may be given as the standard wants it (JSON), as one of our keys, or as people write it: an address of e-mail,
`home page|name` of an account, an OpenID or the SHA-1 of an address.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from academe.lrs.statements.queries import Filter
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.grammar import is_uuid, parsed_timestamp
from academe.lrs.xapi.identity import identifier_of, key_of
from academe.lrs.xapi.parsing import parsed_json
from academe.lrs.xapi.statement import checked_actor
from academe.lrs.xapi.versions import Version
from academe.platform.errors import FieldError, InvalidInputError

NAMES: Final = ("agent", "verb", "activity", "registration", "since", "until", "related", "sender")
"""The parameters, in the order of the form."""

_SHA1: Final = re.compile(r"[0-9a-fA-F]{40}").fullmatch
KEY_PATTERN: Final = r"^((mbox|sha1|openid):|account:[^|\x00-\x1f]+\|)[^\x00-\x1f]+$"
"""The form of the key of an actor; who has such a key is another question."""

IRI_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20]+$"
"""A scheme and something after it: what is no IRI otherwise is not among the statements, and so finds none."""

LONGEST: Final = 4_000
"""Characters of the longest value that is looked for."""

_is_iri: Final = re.compile(IRI_PATTERN).search
_is_key: Final = re.compile(KEY_PATTERN).search
_begins_key: Final = re.compile(r"(mbox|sha1|openid|account):").match
# What a browser sends for a time without a zone; it is taken as UTC, which the page says.
_WITHOUT_ZONE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?").fullmatch

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter, the sender it is narrowed to, and the parameters as they were given."""

    filter: Filter
    sender_id: UUID | None = None
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def query(self) -> str:
        """The parameters as the query of an address, always in the same order."""
        return urlencode(self.given)


def given_in(parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters that are filters and not empty; a form sends empty ones for fields left alone."""
    values = {name: parameters.get(name, "").strip() for name in NAMES}
    return {name: value for name, value in values.items() if value}


def wanted_in(parameters: Mapping[str, str]) -> Wanted:
    """The filter that parameters ask for; raises InvalidInputError that names each one that is wrong."""
    given = given_in(parameters)
    faults: list[FieldError] = []

    def read(name: str, of: Callable[[str], T]) -> T | None:
        value = given.get(name)
        if value is None:
            return None
        try:
            if len(value) > LONGEST:
                raise ValueError(f"This is longer than {LONGEST} characters.")
            return of(value)
        except ValueError as error:
            faults.append(FieldError(name, str(error)))
            return None

    related = read("related", _flag) or False
    wanted = Filter(
        agent=read("agent", agent_key),
        related_agents=related,
        verb=read("verb", _iri),
        activity=read("activity", _iri),
        related_activities=related,
        registration=read("registration", _uuid),
        since=read("since", _time),
        until=read("until", _time),
    )
    sender_id = read("sender", _uuid)
    if faults:
        raise InvalidInputError("Please correct the filters.", errors=faults)
    return Wanted(wanted, sender_id, given)


def agent_key(text: str) -> str:
    """The key of the actor that somebody has written; ValueError for what names none."""
    if _is_key(text):
        return key_of(identifier_of(text)) or text
    try:
        if text.startswith("{"):
            agent = parsed_json(text.encode("utf-8", "surrogatepass"), what="The actor")
        else:
            agent = {"objectType": "Agent", **_identifier(text)}
        key = key_of(checked_actor(agent, at=""))
    except XapiFault as fault:
        raise ValueError(fault.sentence) from None
    if key is None:
        raise ValueError("This group has no identifier, so it cannot be looked for.")
    return key


def _identifier(text: str) -> dict[str, Any]:
    if _begins_key(text):
        return identifier_of(text)
    if "|" in text:
        home_page, _, name = text.partition("|")
        return {"account": {"homePage": home_page, "name": name}}
    if _SHA1(text):
        return {"mbox_sha1sum": text}
    if "://" in text:
        return {"openid": text}
    if "@" in text:
        return {"mbox": text if text.startswith("mailto:") else f"mailto:{text}"}
    raise ValueError("Please give an e-mail address, “home page|name” of an account, or an OpenID.")


def _iri(text: str) -> str:
    if not _is_iri(text):
        raise ValueError("Please give the whole IRI, such as https://example.com/path.")
    return text


def _uuid(text: str) -> UUID:
    if not is_uuid(text):
        raise ValueError("Please give a UUID, such as 6d969975-8d7e-4506-ac19-877c57f2921a.")
    return UUID(text)


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("This is true or false.")
    return text == "true"


def _time(text: str) -> datetime:
    if _WITHOUT_ZONE(text):
        text = f"{text if text.count(':') == 2 else f'{text}:00'}Z"
    time = parsed_timestamp(text, Version.TWO)
    if time is None:
        raise ValueError("Please give a time, such as 2026-11-21T10:00Z.")
    return time
