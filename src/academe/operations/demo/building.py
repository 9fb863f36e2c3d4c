"""Building the demo institution: whatever is missing, in steps that are each whole or not done."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from academe.academics.api import assign_staff, create_meeting
from academe.academics.models import Meeting, Offering, StudentRecord
from academe.academics.types import MeetingKind
from academe.identity.api import BreachedPasswords, create_account, create_person, grant_role, set_password
from academe.identity.models import OrgUnit, Person
from academe.identity.types import AT_NODE, Role
from academe.insight.api import install_shipped_model, rebuild_learner_days, score_days
from academe.insight.models import RiskScore
from academe.operations.demo.accounts import completed, file_of, forget_passwords, read_passwords, write_passwords
from academe.operations.demo.plan import (
    FIRST_MEETING,
    INSTITUTION,
    LIKELY,
    MEETING_BEGINS,
    MEETING_LASTS,
    MEETINGS,
    PEOPLE,
    SHOWN_WEEK,
    DemoPerson,
)
from academe.operations.demo.progress import Steps
from academe.operations.demo.standing import Standing, as_of, read_standing
from academe.operations.demo_data import OULAD_AAA
from academe.operations.oulad.importer import import_oulad
from academe.platform.actor import system_actor
from academe.platform.database.session import Database, Session
from academe.platform.errors import ConflictError
from academe.platform.settings import Settings

ACTOR: Final = system_actor("demo")
WEEKS_AT_ONCE: Final = 10


def build(settings: Settings, steps: Steps) -> None:
    """Build what is missing. After a crash the same call goes on behind the last whole step."""
    asyncio.run(_build(settings, steps))


async def _build(settings: Settings, steps: Steps) -> None:
    database = Database(settings)
    try:
        await build_records(database, steps)
        await build_scores(database, steps)
        await build_people(database, steps, file_of(settings.data_dir))
    finally:
        await database.close()


async def build_records(database: Database, steps: Steps, source: Path = OULAD_AAA) -> None:
    """Import the bundled module and sum the days of its learners."""
    if not (await _standing(database)).imported:
        with steps.step("Import one module of the Open University data") as report:

            def show(_phase: str, done: int, total: int) -> None:
                report(done, total)

            await import_oulad(database, actor=ACTOR, source=source, progress=show)
    standing = await _standing(database)
    missing = [each.id for each in standing.offerings.values() if each.id not in standing.rolled_up]
    if missing:
        with steps.step("Sum the activity of every student and day"):
            async with database.transaction(ACTOR, timeout_seconds=0) as session:
                await rebuild_learner_days(session, offerings=missing)


async def build_scores(database: Database, steps: Steps) -> None:
    """Score everybody who was still registered, as of the end of every week."""
    standing = await _standing(database)
    weeks = standing.unscored_weeks
    if not weeks:
        return
    offering = standing.scored_offering
    async with database.transaction(ACTOR) as session:
        model = await install_shipped_model(session, actor=ACTOR)
    with steps.step(f"Score {len(weeks)} weeks of teaching") as report:
        for first in range(0, len(weeks), WEEKS_AT_ONCE):
            report(first, len(weeks))
            days = [as_of(offering, week) for week in weeks[first : first + WEEKS_AT_ONCE]]
            async with database.transaction(ACTOR, timeout_seconds=0) as session:
                await score_days(session, actor=ACTOR, model=model, offering=offering, days=days)


async def build_people(database: Database, steps: Steps, file: Path) -> None:
    """Make the accounts with their roles, and the meetings; set the passwords anew when their file was lost.

    The file goes before the accounts change and comes back after the commit: a crash in between leaves no file, and
    so the next start sets every password again instead of printing wrong ones.
    """
    passwords = completed(read_passwords(file))
    with steps.step("Make an account for every role"):
        forget_passwords(file)
        async with database.transaction(ACTOR, timeout_seconds=0) as session:
            standing = await read_standing(session)
            for person in PEOPLE:
                account_id = await _ensured_account(session, standing, person)
                await set_password(
                    session,
                    actor=ACTOR,
                    account_id=account_id,
                    password=passwords[person.email],
                    breached=BreachedPasswords(database.settings.breached_passwords),
                )
            await _ensure_meetings(session, standing.scored_offering)
        write_passwords(file, passwords)


async def _standing(database: Database) -> Standing:
    async with database.reading(ACTOR) as session:
        return await read_standing(session)


async def _ensured_account(session: Session, standing: Standing, person: DemoPerson) -> UUID:
    known = standing.accounts.get(person.email)
    if known is not None:
        return known
    node = await _node(session, standing.scored_offering.institution_id, person.node)
    who = await _person(session, standing.scored_offering, person)
    if person.role in AT_NODE:
        await grant_role(session, actor=ACTOR, person_id=who, org_unit_id=node.id, role=person.role)
    if person.staff is not None:
        for offering in standing.offerings.values():
            await assign_staff(session, actor=ACTOR, offering_id=offering.id, person_id=who, role=person.staff)
    return (await create_account(session, actor=ACTOR, person_id=who, email=person.email)).id


async def _node(session: Session, institution_id: UUID, code: str) -> OrgUnit:
    is_root = code == INSTITUTION
    wanted = select(OrgUnit).where(OrgUnit.institution_id == institution_id, OrgUnit.code == code)
    node = (await session.scalars(wanted)).one_or_none()
    if node is None:
        raise ConflictError(f"The demo's {'institution' if is_root else 'faculty'} {code} is missing.")
    return node


async def _person(session: Session, offering: Offering, person: DemoPerson) -> UUID:
    """A new member of staff; for the student, one of the students whose records the demo shows."""
    if person.role is Role.STUDENT:
        return await _student_to_talk_about(session, offering)
    made = await create_person(
        session,
        actor=ACTOR,
        institution_id=offering.institution_id,
        display_name=person.name,
        sourced_id=f"demo:{person.role.value}",
    )
    return made.id


async def _student_to_talk_about(session: Session, offering: Offering) -> UUID:
    wanted = (
        select(Person.id)
        .join(StudentRecord, StudentRecord.person_id == Person.id)
        .join(RiskScore, RiskScore.student_id == StudentRecord.id)
        .where(RiskScore.offering_id == offering.id, RiskScore.as_of == as_of(offering, SHOWN_WEEK))
        .order_by(func.abs(RiskScore.probability - LIKELY), StudentRecord.number)
        .limit(1)
    )
    found = (await session.scalars(wanted)).one_or_none()
    if found is None:
        raise ConflictError(f"No student of the demo was scored in week {SHOWN_WEEK}.")
    return found


async def _ensure_meetings(session: Session, offering: Offering) -> None:
    """A meeting a week with nobody's attendance taken: the data has none, and what real people did is not made up."""
    there = select(func.count()).where(Meeting.offering_id == offering.id)
    if (await session.execute(there)).scalar_one():
        return
    for number, (starts_at, ends_at) in enumerate(_times(offering), start=1):
        await create_meeting(
            session,
            actor=ACTOR,
            offering_id=offering.id,
            kind=MeetingKind.TUTORIAL,
            title=f"Demo tutorial {number}",
            starts_at=starts_at,
            ends_at=ends_at,
        )


def _times(offering: Offering) -> Iterator[tuple[datetime, datetime]]:
    first = datetime.combine(offering.starts_on + FIRST_MEETING, MEETING_BEGINS, tzinfo=UTC)
    for week in range(MEETINGS):
        starts_at = first + timedelta(weeks=week)
        yield starts_at, starts_at + MEETING_LASTS
