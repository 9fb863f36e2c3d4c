"""GET of statements: one by its id, or a page of what a filter finds (xAPI 1.0.3 part three, 2.1.3; 2.0, 4.1.6.1).

Statements in the form `exact` go from the database to the reader as texts. A page leads to the next one by a link to
the same request with the position behind its last statement, signed: nothing is kept for it here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode

from pydantic_core import from_json, to_json

from academe.lrs.http.answers import AS_DATA_ONLY
from academe.lrs.http.edge import CONSISTENT_THROUGH, PREFIX
from academe.lrs.http.exchange import JSON, Answer, Call
from academe.lrs.http.parameters import flag_of, iri_of, registration_of, since_of, time_of, uuid_of
from academe.lrs.senders.scopes import allows
from academe.lrs.senders.types import Scope, Sender
from academe.lrs.statements import queries
from academe.lrs.statements.attachments import read_attachment
from academe.lrs.statements.errors import StatementNotFoundError
from academe.lrs.statements.queries import Filter, Found
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.formats import activities_and_verbs, canonical, ids
from academe.lrs.xapi.identity import key_of
from academe.lrs.xapi.languages import language_ranges
from academe.lrs.xapi.multipart import Attachment, multipart_content, new_boundary
from academe.lrs.xapi.parsing import parsed_json
from academe.lrs.xapi.statement import checked_actor
from academe.platform.actor import system_actor
from academe.platform.database.session import ReadSession
from academe.platform.http.pagination import CursorSigner, Edge, InvalidCursorError

_ACTOR: Final = system_actor("lrs")

_SINGLE: Final = frozenset({"statementId", "voidedStatementId"})
_FORM: Final = frozenset({"attachments", "format"})
_LIST: Final = frozenset(
    {
        *("agent", "verb", "activity", "registration", "related_agents", "related_activities"),
        *("since", "until", "limit", "ascending", "more"),
    }
)
PARAMETERS: Final = _SINGLE | _FORM | _LIST
"""`more` is ours: it stands in the links from page to page."""

SCOPES: Final = frozenset({Scope.READ_OWN_STATEMENTS, Scope.READ_STATEMENTS, Scope.READ_ALL, Scope.ALL})
"""Any of these lets a sender read; with the first alone, it reads what it sent itself."""

_LONGEST_LIMIT: Final = 18
_MEBIBYTE: Final = 2**20


class Format(StrEnum):
    """How statements are written."""

    EXACT = "exact"
    IDS = "ids"
    CANONICAL = "canonical"


async def read(call: Call) -> Answer:
    """The statement or the page that the parameters ask for.

    Raises XapiFault for parameters that are wrong or do not go together, StatementNotFoundError for a single statement.
    """
    given = call.parameters.keys() & _SINGLE
    if not given:
        return await _list(call)
    for name in sorted(call.parameters.keys() - _FORM - {min(given)}):
        raise XapiFault(f"?{name}", f"This does not go together with {min(given)}.")
    return await _one(call, voided="voidedStatementId" in given)


async def _one(call: Call, *, voided: bool) -> Answer:
    id_ = uuid_of(call, "voidedStatementId" if voided else "statementId")
    assert id_ is not None
    form, with_attachments = _format_of(call), flag_of(call, "attachments")
    look = queries.voided_statement if voided else queries.statement_by_id
    async with call.database.reading(_ACTOR) as session:
        single = await look(session, id_, sent_by=_only_by(call.sender), institution_id=call.sender.institution_id)
        if single.statement is None:
            raise StatementNotFoundError
        texts = await _written(session, [single.statement], form, call)
    contents = await _contents_of(call, [single.statement]) if with_attachments else None
    return _answer(texts[0].encode(), [single.statement], contents, through=single.consistent_through)


async def _list(call: Call) -> Answer:
    wanted, limit = _filter_of(call), _limit_of(call)
    form, with_attachments = _format_of(call), flag_of(call, "attachments")
    pages = _Pages(call)
    async with call.database.reading(_ACTOR) as session:
        page = await queries.find(session, wanted, pages.position(), limit)
        texts = await _written(session, page.statements, form, call)
    contents = await _contents_of(call, page.statements) if with_attachments else None
    statements = page.statements if contents is None else page.statements[: contents.statements]
    is_cut = page.more or len(statements) < len(page.statements)
    more = pages.link_behind(statements[-1]) if is_cut else ""
    body = f'{{"statements":[{",".join(texts[: len(statements)])}],"more":{to_json(more).decode()}}}'.encode()
    return _answer(body, statements, contents, through=page.consistent_through)


class _Pages:
    """The links from page to page of one request. A link holds for the sender and the parameters it was made for."""

    def __init__(self, call: Call) -> None:
        self._given = {name: value for name, value in sorted(call.parameters.items()) if name != "more"}
        self._cursor = call.parameters.get("more")
        self._signer = CursorSigner(call.database.settings.signing_key)
        self._order = f"xapi statements {call.sender.id} {urlencode(self._given)}"

    def position(self) -> datetime | None:
        """Behind which time of storing this page begins; XapiFault for a cursor that is not one of ours."""
        if self._cursor is None:
            return None
        try:
            (position,) = self._signer.open(self._cursor, self._order).values
        except InvalidCursorError:
            raise XapiFault(
                "?more", "This must be as in the link that this store gave, with the same parameters."
            ) from None
        assert isinstance(position, datetime)
        return position

    def link_behind(self, last: Found) -> str:
        """The path and query of the page behind a statement."""
        cursor = self._signer.seal(Edge((last.stored,), backward=False), self._order)
        return f"{PREFIX}/statements?{urlencode({**self._given, 'more': cursor})}"


def _answer(body: bytes, statements: Sequence[Found], contents: "_Contents | None", *, through: datetime) -> Answer:
    """The answer with the statements as JSON; as multipart with what their attachments hold, unless that is None."""
    headers = {**AS_DATA_ONLY, CONSISTENT_THROUGH: _in_milliseconds(through)}
    if statements:
        newest = max(found.stored for found in statements)
        headers["Last-Modified"] = format_datetime(newest.astimezone(UTC), usegmt=True)
    if contents is None:
        return Answer(body=body, content_type=JSON, headers=headers)
    boundary = new_boundary()
    content = b"".join(multipart_content(boundary, body, contents.attachments))
    return Answer(body=content, content_type=f"multipart/mixed; boundary={boundary}", headers=headers)


def _in_milliseconds(time: datetime) -> str:
    """A time that is not later than the one given."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@dataclass(frozen=True, slots=True)
class _Contents:
    """What the store has of the attachments of statements, each once, and of how many statements they are."""

    attachments: Sequence[Attachment]
    statements: int


async def _contents_of(call: Call, statements: Sequence[Found]) -> _Contents:
    """The attachments of the first statements: as many as memory is set aside for, and of one at least.

    That is as much as one request may bring; a reader finds the rest behind the link to more.
    """
    limit = call.database.settings.xapi_request_limit_mebibytes * _MEBIBYTE
    known: dict[str, Attachment | None] = {}
    size = 0
    for place, found in enumerate(statements):
        for sha2 in _hashes_in(found):
            if sha2 not in known:
                kept = await read_attachment(call.database, sha2, institution_id=call.sender.institution_id)
                known[sha2] = None if kept is None else Attachment(sha2, kept[1], kept[0])
                size += 0 if kept is None else len(kept[0])
        if size > limit and place:
            fitting = {sha2 for before in statements[:place] for sha2 in _hashes_in(before)}
            return _Contents([each for each in known.values() if each and each.sha2 in fitting], place)
    return _Contents([each for each in known.values() if each], len(statements))


def _hashes_in(found: Found) -> list[str]:
    """The hashes of the attachments of a statement and of a SubStatement in it."""
    if '"attachments"' not in found.text:
        return []
    statement = from_json(found.text)
    holders = (statement, statement["object"])
    return [each["sha2"].lower() for holder in holders for each in holder.get("attachments", ())]


async def _written(session: ReadSession, statements: Sequence[Found], form: Format, call: Call) -> list[str]:
    """Each statement as JSON in the format asked for."""
    if form is Format.EXACT:
        return [found.text for found in statements]
    parsed = [from_json(found.text) for found in statements]
    if form is Format.IDS:
        return [_text(ids(statement)) for statement in parsed]
    activities, verbs = activities_and_verbs(parsed)
    definitions = await queries.definitions_of(session, sorted(activities), call.sender)
    displays = await queries.displays_of(session, sorted(verbs), call.sender)
    languages = language_ranges(call.headers.get("accept-language"))
    return [
        _text(canonical(statement, definition_of=definitions.get, display_of=displays.get, languages=languages))
        for statement in parsed
    ]


def _text(statement: Mapping[str, Any]) -> str:
    return to_json(statement).decode()


def _only_by(sender: Sender) -> Sender | None:
    """Whose statements alone the sender may read: its own, or None for everybody's."""
    return None if allows(sender.scopes, Scope.READ_STATEMENTS) else sender


def _filter_of(call: Call) -> Filter:
    only_by = _only_by(call.sender)
    return Filter(
        agent=_agent_of(call),
        related_agents=flag_of(call, "related_agents"),
        verb=iri_of(call, "verb"),
        activity=iri_of(call, "activity"),
        related_activities=flag_of(call, "related_activities"),
        registration=registration_of(call),
        since=since_of(call),
        until=time_of(call, "until"),
        ascending=flag_of(call, "ascending"),
        sent_by=only_by,
        # What it sent itself is of its institution anyway.
        institution_id=call.sender.institution_id if only_by is None else None,
    )


def _agent_of(call: Call) -> str | None:
    """The key of the Agent or identified Group that `agent` is; None when it is not given."""
    value = call.parameters.get("agent")
    if value is None:
        return None
    try:
        parsed = parsed_json(value.encode("utf-8", "surrogatepass"), what="The parameter")
    except XapiFault as fault:
        raise XapiFault(f"?agent{fault.pointer}", fault.sentence) from None
    key = key_of(checked_actor(parsed, at="?agent"))
    if key is None:
        raise XapiFault("?agent", "This must be an Agent or a Group with an identifier: mbox, account and so on.")
    return key


def _format_of(call: Call) -> Format:
    value = call.parameters.get("format", Format.EXACT)
    try:
        return Format(value)
    except ValueError:
        raise XapiFault("?format", "This must be ids, exact or canonical.") from None


def _limit_of(call: Call) -> int:
    """How many statements a page has at most; the setting's number for 0, more and nothing."""
    most = call.database.settings.xapi_page_statements
    value = call.parameters.get("limit", "0")
    if not (value.isascii() and value.isdigit() and len(value) <= _LONGEST_LIMIT):
        raise XapiFault("?limit", "This must be a whole number, 0 for as many as a page can have.")
    return min(int(value) or most, most)
