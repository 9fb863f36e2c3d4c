"""Verbs of the import: keep a file, confirm it, apply it, undo it as one batch, and forget the file."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, delete, select, text, update

from academe.identity import policy
from academe.identity.errors import ImportNotFoundError
from academe.identity.people_import.files import PARTS, PeopleFile, PersonLine, read_people
from academe.identity.people_import.models import PeopleImport, PeopleImportPerson
from academe.identity.people_import.plan import PeoplePlan, plan_import
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import ConflictError, InvalidInputError
from academe.platform.ids import new_id

KEPT_FOR: Final = timedelta(days=1)
AT_ONCE: Final = 500
"""So that a page can show how far a large file is; all of it is one transaction."""

Progress = Callable[[int, int], Awaitable[None]]

_ADD: Final = text("""
    WITH line AS (
        SELECT * FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS line (id uuid, account_id uuid, sourced_id text,
            display_name text, given_name text, middle_name text, family_name text, preferred_name text, email text)
    ), added AS (
        INSERT INTO person (id, institution_id, sourced_id, display_name, given_name, middle_name, family_name,
            preferred_name)
        SELECT id, :institution, sourced_id, display_name, given_name, middle_name, family_name, preferred_name
        FROM line
    )
    SELECT count(*) FROM line
""")
# After the people, because the policies of these tables look for them.
_ADD_ACCOUNTS: Final = text("""
    WITH line AS (
        SELECT * FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS line (id uuid, account_id uuid, email text)
    ), accounts AS (
        INSERT INTO account (id, person_id, email) SELECT account_id, id, email FROM line WHERE email <> ''
    )
    INSERT INTO people_import_person (import_id, person_id) SELECT :import, id FROM line
""")
_UNDO: Final = text("""
    SELECT person_id, used_by FROM undo_people_import(
        :import, ARRAY(SELECT jsonb_array_elements_text(CAST(:people AS jsonb))::uuid))
""")


async def stage_people_file(
    session: Session, *, actor: Actor, institution_id: UUID, file_name: str, content: bytes
) -> PeopleImport:
    """Keep a file for those who register people, so that they can see what it would add; nothing else happens."""
    _require_registering(actor, institution_id)
    await forget_people_files(session)
    name = PurePath(file_name.replace("\\", "/")).name.strip()[-200:] or "people.csv"
    kept = PeopleImport(institution_id=institution_id, uploaded_by=actor.person_id, file_name=name, content=content)
    session.add(kept)
    await session.flush()
    return kept


async def import_of(session: Session | ReadSession, *, actor: Actor, import_id: UUID) -> PeopleImport:
    """An import of an institution whose people the actor registers; raises ImportNotFoundError."""
    policy.require(not actor.is_anonymous, actor, "")
    kept = await session.scalar(imports_of(actor).where(PeopleImport.id == import_id))
    if kept is None:
        raise ImportNotFoundError
    return kept


def imports_of(actor: Actor) -> Select[PeopleImport]:
    """The imports of the institutions whose people the actor registers, newest first."""
    found = select(PeopleImport).order_by(PeopleImport.created_at.desc(), PeopleImport.id.desc())
    if actor.is_system:
        return found
    return found.where(PeopleImport.institution_id.in_(policy.institutions_to_register(actor)))


async def preview_import(
    session: Session | ReadSession, *, actor: Actor, kept: PeopleImport
) -> tuple[PeopleFile, PeoplePlan]:
    """What a kept file holds, and what it would add now."""
    file = read_people(kept.content)
    return file, await plan_import(session, actor=actor, institution_id=kept.institution_id, file=file)


async def confirm_import(session: Session, *, actor: Actor, import_id: UUID, without_faulty: bool) -> PeopleImport:
    """Check that a kept file can be applied; the caller asks for the job and notes it.

    Raises ImportNotFoundError, ConflictError when it would add nobody, and InvalidInputError with every fault of the
    file, unless the faulty lines are to be left out.
    """
    kept = await import_of(session, actor=actor, import_id=import_id)
    if kept.job_id is None:
        _require_applicable((await preview_import(session, actor=actor, kept=kept))[1], without_faulty=without_faulty)
    return kept


async def apply_import(
    session: Session, *, actor: Actor, import_id: UUID, without_faulty: bool, progress: Progress
) -> dict[str, Any]:
    """Add the people of a kept file, compared anew with who is known; done once however often it is called.

    Returns the counts. Raises what `confirm_import` raises; nobody is then added.
    """
    kept = await import_of(session, actor=actor, import_id=import_id)
    _require_registering(actor, kept.institution_id)
    if kept.result is not None:
        return kept.result
    file, plan = await preview_import(session, actor=actor, kept=kept)
    _require_applicable(plan, without_faulty=without_faulty)
    for place in range(0, len(plan.new), AT_ONCE):
        await _add(session, actor, kept, plan.new[place : place + AT_ONCE])
        await progress(min(place + AT_ONCE, len(plan.new)), len(plan.new))
    result = {"added": len(plan.new), "known": plan.known, "left_out": plan.faulty_lines}
    _record_batch(session, actor, kept, "people.imported", f"{len(plan.new):,} people added from a file", result)
    kept.result, kept.content = result, file.left_out(plan.errors)
    await session.flush()
    return result


async def confirm_undo(session: Session, *, actor: Actor, import_id: UUID) -> PeopleImport:
    """Check that an import can be undone; the caller asks for the job. Raises ConflictError when it was not applied."""
    kept = await import_of(session, actor=actor, import_id=import_id)
    _require_registering(actor, kept.institution_id)
    if kept.result is None:
        raise ConflictError("This file has added nobody yet.")
    return kept


async def undo_import(session: Session, *, actor: Actor, import_id: UUID, progress: Progress) -> dict[str, Any]:
    """Remove whom an import has added and nothing refers to yet; returns how many, and who stays for what."""
    kept = await confirm_undo(session, actor=actor, import_id=import_id)
    people = (
        await session.scalars(
            select(PeopleImportPerson.person_id)
            .where(PeopleImportPerson.import_id == kept.id)
            .order_by(PeopleImportPerson.person_id)
        )
    ).all()
    staying: dict[UUID, str] = {}
    for place in range(0, len(people), AT_ONCE):
        some = people[place : place + AT_ONCE]
        rows = await session.execute(_UNDO, {"import": kept.id, "people": json.dumps([str(each) for each in some])})
        staying |= {row.person_id: row.used_by for row in rows}
        for person_id in some:
            if person_id not in staying:
                subject = Subject("person", person_id, kept.institution_id, person_id)
                record(session, actor=actor, action="person.removed", subject=subject, summary="Import undone")
        await progress(min(place + AT_ONCE, len(people)), len(people))
    removed = len(people) - len(staying)
    counts = {"removed": removed, "kept": len(staying)}
    _record_batch(session, actor, kept, "people.import_undone", f"{removed:,} imported people removed", counts)
    kept.undo_result = counts | {"kept_for": dict(Counter(staying.values()))}
    await session.flush()
    return kept.undo_result


async def staying_people(session: Session | ReadSession, kept: PeopleImport) -> Sequence[UUID]:
    """Whom an import has added and nobody has removed since."""
    added = select(PeopleImportPerson.person_id).where(PeopleImportPerson.import_id == kept.id)
    return (await session.scalars(added.order_by(PeopleImportPerson.person_id))).all()


async def forget_people_files(session: Session) -> None:
    """Empty kept files that are a day old, and forget those that were never applied."""
    old = PeopleImport.created_at < clock.now() - KEPT_FOR
    await session.execute(delete(PeopleImport).where(old, PeopleImport.job_id.is_(None)))
    await session.execute(update(PeopleImport).where(old, PeopleImport.content != b"").values(content=b""))


async def _add(session: Session, actor: Actor, kept: PeopleImport, lines: Sequence[PersonLine]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "id": str(new_id()),
            "account_id": str(new_id()),
            "sourced_id": line.sourced_id,
            "display_name": line.display_name,
            "email": line.email,
            **{part: line.parts.get(part) for part in PARTS},
        }
        for line in lines
    ]
    written = json.dumps(rows, ensure_ascii=False)
    await session.execute(_ADD, {"lines": written, "institution": kept.institution_id})
    await session.execute(_ADD_ACCOUNTS, {"lines": written, "import": kept.id})
    for row in rows:
        person_id = UUID(row["id"])
        subject = Subject("person", person_id, kept.institution_id, person_id)
        record(session, actor=actor, action="person.created", subject=subject, summary="Person added by import")


def _record_batch(
    session: Session, actor: Actor, kept: PeopleImport, action: str, summary: str, counts: dict[str, Any]
) -> None:
    subject = Subject("people_import", kept.id, kept.institution_id)
    record(session, actor=actor, action=action, subject=subject, summary=summary, changes=counts)


def _require_registering(actor: Actor, institution_id: UUID) -> None:
    permitted = policy.can_register_people(actor, institution_id)
    policy.require(permitted, actor, "Only registrars and administrators may import people.")


def _require_applicable(plan: PeoplePlan, *, without_faulty: bool) -> None:
    if plan.errors and not (without_faulty and plan.is_readable):
        count = plan.faulty_lines
        message = f"{count} lines cannot be imported" if count > 1 else "A line cannot be imported"
        raise InvalidInputError(f"{message}; nobody was added.", errors=plan.shown_errors)
    if not plan.new:
        raise ConflictError("Everybody in the file is known already; there is nobody to add.")
