"""The rows that go into a backup with their private columns encrypted under the key of the person they are about.

A line of the file is one row as PostgreSQL writes it in JSON: what may be read by anybody, whose it is, and the rest
sealed. Whoever was erased gets what stands here in place of it, or the row is left out.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import urandom
from typing import Any, Final
from uuid import UUID

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import sql

from academe.academics.types import erased_number
from academe.identity.types import ERASED_NAME, erased_address
from academe.operations.backups.errors import BackupRefusedError
from academe.platform.database.keyring import NONCE_BYTES, Keyring

AT_ONCE: Final = 2_000

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A table of the sealed rows.

    `private` are the columns that are sealed; empty seals all but the key. `owner` is SQL for the person of a row `t`.
    `erased` gives the private columns of somebody who was erased; without it such rows are left out.
    """

    table: str
    private: Sequence[str]
    owner: str = "t.person_id"
    erased: Callable[[Row], Row] | None = None


def _erased_person(_row: Row) -> Row:
    return {"display_name": ERASED_NAME}


def _erased_account(row: Row) -> Row:
    return {"email": erased_address(UUID(row["id"])), "is_active": False}


def _erased_student(row: Row) -> Row:
    return {"number": erased_number(UUID(row["id"]))}


SEALED: Final = (
    Sealed(
        "person",
        ("sourced_id", "display_name", "given_name", "family_name", "middle_name", "preferred_name", "search_text"),
        "t.id",
        _erased_person,
    ),
    Sealed("person_particulars", ("contact_email", "phone", "date_of_birth")),
    Sealed("account", ("email", "password_hash"), erased=_erased_account),
    Sealed("person_picture", ("digest",)),
    Sealed("sign_in_identity", ("auth_provider", "auth_provider_id")),
    Sealed("student_record", ("number",), erased=_erased_student),
    Sealed(
        "student_protected_attributes",
        (
            *("gender", "ethnicity", "socioeconomic_status", "special_education_status"),
            *("english_learner_status", "age_band", "region"),
        ),
        "(SELECT s.person_id FROM student_record s WHERE s.id = t.student_id)",
    ),
    Sealed("notification", ("title", "body", "link")),
    Sealed("mail_message", ("address", "content", "reply")),
)
"""In an order in which they may be read; PostgreSQL checks the foreign keys when all of them are back."""

LEFT_OUT: Final = (
    *("account_session", "unfinished_sign_in", "sign_in_link", "passkey_challenge", "caught_mail", "roster_upload"),
    *("people_import_person", "people_import"),
    *("subject_export", "undeliverable_address"),
    *("person_key", "destroyed_person_key", "alembic_version"),
)
"""Tables of which a backup has no rows: what ends soon anyway or is found out anew, and the keys.

The restore writes the last one itself.
"""


def sealed_lines(connection: psycopg.Connection[Any], keyring: Keyring) -> Iterator[str]:
    """Every sealed row of the database, one line each, as the connection's snapshot has them."""
    for sealed in SEALED:
        statement = sql.SQL("SELECT {}, to_jsonb(t) FROM {} t").format(
            sql.SQL(sealed.owner), sql.Identifier(sealed.table)
        )
        with connection.cursor(name=f"sealed_{sealed.table}") as cursor:
            cursor.itersize = AT_ONCE
            cursor.execute(statement)
            while rows := cursor.fetchmany(AT_ONCE):
                keyring.people.ensure({owner for owner, _ in rows})
                for owner, row in rows:
                    yield _sealed_line(keyring, sealed, owner, row)


def _sealed_line(keyring: Keyring, sealed: Sealed, owner: UUID, row: dict[str, Any]) -> str:
    private = {name: row.pop(name) for name in sealed.private}
    line: dict[str, Any] = {"table": sealed.table, "owner": str(owner), "open": row}
    key = keyring.people.get(owner)
    if key is not None:  # else they were erased already, and what stands in their place is no secret
        nonce = urandom(NONCE_BYTES)
        content = key.encrypt(nonce, json.dumps(private).encode(), _context(sealed.table, owner))
        line["sealed"] = base64.b64encode(nonce + content).decode()
    return json.dumps(line, ensure_ascii=False)


def opened(line: str, key_of: Callable[[UUID], AESGCM | None]) -> tuple[str, Row | None]:
    """The table of a line and its row; None when the row of somebody who was erased is left out.

    Raises BackupRefusedError for a line that was changed.
    """
    read = json.loads(line)
    sealed = next(each for each in SEALED if each.table == read["table"])
    owner, row = UUID(read["owner"]), read["open"]
    key = key_of(owner)
    if key is None or "sealed" not in read:
        return sealed.table, None if sealed.erased is None else row | dict(sealed.erased(row))
    content = base64.b64decode(read["sealed"])
    try:
        private = key.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], _context(sealed.table, owner))
    except InvalidTag:
        raise BackupRefusedError(f"A row of {sealed.table} in the backup was changed.") from None
    return sealed.table, row | json.loads(private)


def _context(table: str, owner: UUID) -> bytes:
    return f"backup {table} ".encode() + owner.bytes
