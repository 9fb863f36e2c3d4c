"""What in the database is about a person, found by walking the schema from `person` along the foreign keys.

Rows belong to a person when a foreign key leads from them to the person, or to a row that belongs to the person, in a
table of people. Links that are no foreign keys are registered here, and so is what is left out and why. `faults` says
what neither reaches; a test holds it empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Date, DateTime, MetaData, Table, Uuid, or_, select, text
from sqlalchemy.sql.elements import TextClause

from academe.platform.database.base import PEOPLE

ACTED: Final = frozenset(
    (
        "recorded_by",
        "requested_by",
        "placed_by",
        "lifted_by",
        "author_id",
        "convenor_id",
        "actor_person_id",
        "granted_by",
        "opened_by",
        "reviewed_by",
        "decided_by",
        "published_by",
    )
)
"""Columns that say who did something to a row about somebody else: of it only that and when is in the copy."""

HIDDEN: Final = frozenset(
    (
        *("password_hash", "token_hash", "previous_token_hash", "code_hash", "secret", "challenge", "privileges"),
        *(
            "credential_id",
            "public_key",
            "content_key",
            "search_text",
            "secret_hash",
            "code_verifier",
            "nonce",
            "state",
        ),
    )
)
"""Columns with secrets, which open an account and say nothing about its holder; and what is only for searching."""

LINKED: Final[Mapping[str, str]] = {
    "activity_day": "actor_id = :person",
    "audit_entry": "person_id = :person",
    "job": "requested_by = :person",
    "xapi_agent_link": "actor_id = :person",
    "xapi_agent": "id IN (SELECT agent_key FROM xapi_agent_link WHERE actor_id = :person)",
    "xapi_statement": (
        "agent_key IN (SELECT agent_key FROM xapi_agent_link WHERE actor_id = :person) OR stored IN (SELECT a.stored"
        " FROM xapi_statement_agent a JOIN xapi_agent_link l ON l.agent_key = a.agent_key WHERE l.actor_id = :person)"
    ),
    "xapi_document": "agent_key IN (SELECT agent_key FROM xapi_agent_link WHERE actor_id = :person)",
    "xapi_set_aside": "agent_keys && ARRAY(SELECT agent_key FROM xapi_agent_link WHERE actor_id = :person)",
    "undeliverable_address": "address IN (SELECT lower(email) FROM account WHERE person_id = :person)",
}
"""Links that are no foreign keys: SQL over the rows of a table."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "person_key": "keys are no information about anybody",
    "destroyed_person_key": "says of nobody who is there anything",
    "legal_hold": "may be part of an investigation; the person learns of it from whoever placed it",
    "subject_export": "earlier copies of the same",
    "outbox_message": "news on their way between modules, gone after delivery; they name rows that are in the copy",
    "xapi_statement_id": "an index of statements",
    "xapi_statement_agent": "an index of statements",
    "xapi_statement_activity": "an index of statements",
    "xapi_alias": "an index of statements",
    "xapi_alias_key": "an index of statements",
    "xapi_reference": "an index of statements",
    "xapi_attachment": "files that statements name; the statements are in the copy",
    "xapi_attachment_source": "files that statements name",
    "xapi_sender": "programs",
    "xapi_forward": "where statements go on to; about programs",
    "xapi_forward_letter": "statements on their way; the statements are in the copy",
    "xapi_forward_minute": "figures about programs",
    "xapi_forward_progress": "figures about programs",
    "identity_provider": "services by which an institution signs people in",
    "message_template": "words of an institution; who wrote a version is in the copy",
    "webhook_endpoint": "programs of others that are told what happens; what they were told is in the copy",
    "provider_sign_in": "sign-ins that are under way, of nobody known yet",
}
"""Tables of people that are in no copy, and why."""

_LOOKS_LIKE_A_LINK: Final = ("person_id", "student_id", "account_id", "enrollment_id")


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a table: the shown columns and the condition. `is_acted` marks what the person did to others."""

    table: Table
    columns: Sequence[Column[object]]
    condition: ColumnElement[bool] | TextClause
    is_acted: bool = False


def parts_about(metadata: MetaData, person_id: UUID) -> Sequence[Part]:
    """Everything about a person, table by table in the order of names, then what the person did elsewhere."""
    owned = _owned(metadata, person_id)
    parts = [Part(table, _shown(table), owned[table]) for table in sorted(owned, key=lambda each: each.name)]
    for name, condition in sorted(LINKED.items()):
        table = metadata.tables[name]
        parts.append(Part(table, _shown(table), text(condition).bindparams(person=person_id)))
    acted = [(table, column) for table in metadata.tables.values() for column in table.columns if _is_acted(column)]
    for table, column in sorted(acted, key=lambda each: (each[0].name, each[1].name)):
        if table.name not in LEFT_OUT and table.name not in LINKED:
            times = [each for each in table.columns if isinstance(each.type, Date | DateTime)]
            parts.append(Part(table, [*table.primary_key.columns, column, *times], column == person_id, is_acted=True))
    return parts


def faults(metadata: MetaData) -> Sequence[str]:
    """What refers to people and is in no copy; empty when the copy is whole."""
    owned = {table.name for table in _owned(metadata, UUID(int=0))}
    known = owned | set(LINKED) | set(LEFT_OUT)
    found = [f"{name} is registered and does not exist" for name in {*LINKED, *LEFT_OUT} - set(metadata.tables)]
    for table in metadata.tables.values():
        if table.name in known:
            continue
        if table.info.get(PEOPLE) and not any(_is_acted(column) for column in table.columns):
            found.append(f"{table.name} is a table of people that nothing leads to")
        for column in table.columns:
            if isinstance(column.type, Uuid) and column.name in _LOOKS_LIKE_A_LINK:
                found.append(f"{table.name}.{column.name} names somebody and is not followed")
            elif _leads_to(column, "person") and not _is_acted(column):
                found.append(f"{table.name}.{column.name} leads to a person and is not followed")
    return sorted(found)


def _owned(metadata: MetaData, person_id: UUID) -> dict[Table, ColumnElement[bool]]:
    """Tables of people that foreign keys lead from to the person, with the condition that finds the rows."""
    person = metadata.tables["person"]
    found: dict[Table, ColumnElement[bool]] = {person: person.c.id == person_id}
    is_growing = True
    while is_growing:
        is_growing = False
        for table in metadata.tables.values():
            if table in found or not table.info.get(PEOPLE) or table.name in LEFT_OUT or table.name in LINKED:
                continue
            ways = [
                column.in_(select(key.column).where(found[key.column.table]))
                for column in table.columns
                for key in column.foreign_keys
                if key.column.table in found
                and len(key.constraint.elements if key.constraint else ()) == 1
                and column.name not in ACTED
            ]
            if ways:
                found[table] = or_(*ways)
                is_growing = True
    return found


def _shown(table: Table) -> list[Column[object]]:
    return [column for column in table.columns if column.name not in HIDDEN]


def _is_acted(column: Column[object]) -> bool:
    return column.name in ACTED and _leads_to(column, "person")


def _leads_to(column: Column[object], table: str) -> bool:
    return any(key.column.table.name == table for key in column.foreign_keys)
