"""The directory as CSV: streamed from the database, in the columns that an import reads."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import select

from academe.identity import policy
from academe.identity.models import Account, Person
from academe.identity.people.queries import BY_NAME, DirectoryFilter, found, people
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.database.session import ReadSession, Session
from academe.platform.spreadsheet import lines

COLUMNS: Final = (
    "sourced_id",
    "display_name",
    "given_name",
    "middle_name",
    "family_name",
    "preferred_name",
    "email",
    "status",
)
ROWS_AT_ONCE: Final = 500


def record_people_export(session: Session, *, actor: Actor) -> None:
    """Leave an entry, for each institution, that somebody takes its list of people away.

    Raises PermissionDeniedError for all but registrars and administrators.
    """
    institutions = policy.institutions_to_register(actor)
    policy.require(bool(institutions), actor, "Only registrars and administrators may take the list of people away.")
    for institution_id in institutions:
        subject = Subject("org_unit", institution_id, institution_id)
        purpose = "download of the list of people"
        record_access(session, actor=actor, subject=subject, purpose=purpose, action="people.exported")


async def people_csv(session: ReadSession, actor: Actor, wanted: DirectoryFilter) -> AsyncIterator[str]:
    """Everybody for a filter, some hundred lines at a time, the first with the heading.

    Addresses to sign in with are there for administrators only.
    """
    yield lines([COLUMNS])
    chosen = people(actor, wanted, await found(session, actor, wanted)).with_only_columns(Person.id).subquery()
    statement = (
        select(
            Person.sourced_id,
            Person.display_name,
            Person.given_name,
            Person.middle_name,
            Person.family_name,
            Person.preferred_name,
            Account.email,
            Person.status,
        )
        .join(chosen, chosen.c.id == Person.id)
        .outerjoin(Account, Account.person_id == Person.id)
        .order_by(*(key.column for key in BY_NAME))
    )
    async for rows in (await session.stream(statement)).partitions(ROWS_AT_ONCE):
        yield lines(rows)
