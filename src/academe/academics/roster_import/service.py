"""Verbs of the import: keep a file, confirm it, apply it as a whole, and forget it."""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, text

from academe.academics.access import offering_for, offering_to_enrol
from academe.academics.errors import UploadNotFoundError
from academe.academics.facts import EnrollmentCreated, EnrollmentWithdrawn, RosterImported
from academe.academics.models import Offering
from academe.academics.policy import can_enrol
from academe.academics.roster_import.files import read_roster
from academe.academics.roster_import.models import RosterUpload
from academe.academics.roster_import.plan import Change, ImportPlan, PlannedStep, plan_import
from academe.academics.types import EnrollmentStatus
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import ConflictError, InvalidInputError, PermissionDeniedError
from academe.platform.ids import new_id
from academe.platform.outbox.service import Fact, announce, announce_all

KEPT_FOR: Final = timedelta(days=1)
STEPS_AT_ONCE: Final = 500
"""So that a page can show how far a large file is; all of it is one transaction."""

Progress = Callable[[int, int], Awaitable[None]]

_APPLY: Final = text("""
    WITH step AS (
        SELECT * FROM jsonb_to_recordset(CAST(:steps AS jsonb))
            AS step (id uuid, change_id uuid, student_id uuid, status text, day date, reason text)
    ), written AS (
        INSERT INTO enrollment (id, offering_id, student_id, status, enrolled_on, withdrawn_on)
        SELECT id, :offering, student_id, status,
               CASE status WHEN 'enrolled' THEN day END, CASE status WHEN 'withdrawn' THEN day END
        FROM step
        ON CONFLICT (offering_id, student_id) DO UPDATE
        SET status = excluded.status, withdrawn_on = excluded.withdrawn_on,
            enrolled_on = coalesce(excluded.enrolled_on, enrollment.enrolled_on)
        RETURNING id, student_id
    ), noted AS (
        INSERT INTO enrollment_status_change
            (id, enrollment_id, offering_id, status, effective_on, reason, recorded_by)
        SELECT step.change_id, written.id, :offering, step.status, step.day, step.reason, :recorded_by
        FROM written JOIN step USING (student_id)
    )
    SELECT written.student_id, written.id, student_record.person_id
    FROM written JOIN student_record ON student_record.id = written.student_id
""")


async def stage_roster_file(
    session: Session, *, actor: Actor, offering_id: UUID, file_name: str, content: bytes
) -> RosterUpload:
    """Keep a file for the person who brought it, so that they can see what it would change; nothing else happens.

    Raises OfferingNotFoundError and PermissionDeniedError. What is in the file is looked at by `preview_import`.
    """
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    if not can_enrol(actor, offering):
        raise PermissionDeniedError("Only convenors of this offering and registrars may import its roster.")
    await forget_uploads(session)
    name = PurePath(file_name.replace("\\", "/")).name.strip()[-200:] or "roster.csv"
    upload = RosterUpload(offering_id=offering.id, uploaded_by=actor.person_id, file_name=name, content=content)
    session.add(upload)
    await session.flush()
    return upload


async def preview_import(
    session: Session | ReadSession, *, actor: Actor, offering_id: UUID, upload_id: UUID
) -> tuple[Offering, RosterUpload, ImportPlan]:
    """What a kept file would change now. Raises OfferingNotFoundError and UploadNotFoundError."""
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    upload = await _upload(session, actor, offering, upload_id)
    return offering, upload, await plan_import(session, offering=offering, file=read_roster(upload.content))


async def confirm_import(session: Session, *, actor: Actor, offering_id: UUID, upload_id: UUID) -> RosterUpload:
    """Check that a kept file can be applied; the caller asks for the job and notes it in the upload.

    Raises what `preview_import` and `offering_to_enrol` raise, InvalidInputError with every fault of the file, and
    ConflictError when it would change nothing.
    """
    offering = await offering_to_enrol(session, actor=actor, offering_id=offering_id)
    upload = await _upload(session, actor, offering, upload_id)
    if upload.job_id is None:
        _require_applicable(await plan_import(session, offering=offering, file=read_roster(upload.content)))
    return upload


async def apply_import(
    session: Session, *, actor: Actor, offering_id: UUID, upload_id: UUID, progress: Progress
) -> dict[str, Any]:
    """Apply a kept file as a whole, compared anew with the roster as it stands; done once however often it is called.

    Returns the counts. Raises what `confirm_import` raises; nothing is then changed.
    """
    offering = await offering_to_enrol(session, actor=actor, offering_id=offering_id)
    upload = await _upload(session, actor, offering, upload_id)
    if upload.result is not None:
        return upload.result
    plan = await plan_import(session, offering=offering, file=read_roster(upload.content))
    _require_applicable(plan)
    changes = plan.changes
    for place in range(0, len(changes), STEPS_AT_ONCE):
        await _apply(session, actor, offering, changes[place : place + STEPS_AT_ONCE])
        await progress(min(place + STEPS_AT_ONCE, len(changes)), len(changes))
    result = {change.value: count for change, count in plan.counts.items()}
    enrolled, withdrawn = result["enrol"] + result["readmit"], result["withdraw"]
    record(
        session,
        actor=actor,
        action="roster.imported",
        subject=Subject("offering", offering.id, offering.institution_id),
        summary=f"Roster of {offering.unit.code} {offering.term.code} imported: {enrolled} in, {withdrawn} out",
        changes=result,
    )
    await announce(session, RosterImported(offering.id, enrolled, withdrawn))
    upload.result, upload.content = result, b""
    await session.flush()
    return result


async def forget_uploads(session: Session) -> None:
    """Delete kept files that are a day old: the actor's own, or everybody's when the system asks."""
    await session.execute(delete(RosterUpload).where(RosterUpload.created_at < clock.now() - KEPT_FOR))


async def _upload(session: Session | ReadSession, actor: Actor, offering: Offering, upload_id: UUID) -> RosterUpload:
    own = RosterUpload.uploaded_by.is_(None) if actor.is_system else RosterUpload.uploaded_by == actor.person_id
    wanted = select(RosterUpload).where(RosterUpload.id == upload_id, RosterUpload.offering_id == offering.id, own)
    upload = (await session.execute(wanted)).scalar_one_or_none()
    if upload is None:
        raise UploadNotFoundError
    return upload


def _require_applicable(plan: ImportPlan) -> None:
    if plan.faults:
        message = f"{plan.faults} lines cannot be imported" if plan.faults > 1 else "A line cannot be imported"
        raise InvalidInputError(f"{message}; nothing was changed.", errors=plan.errors)
    if not plan.changes:
        raise ConflictError("The roster stands as the file says already; there is nothing to import.")


async def _apply(session: Session, actor: Actor, offering: Offering, steps: Sequence[PlannedStep]) -> None:
    wanted = {step.student_id: step for step in steps}
    rows = [
        {
            "id": str(new_id()),
            "change_id": str(new_id()),
            "student_id": str(step.student_id),
            "status": _status(step).value,
            "day": step.day.isoformat(),
            "reason": step.reason,
        }
        for step in steps
    ]
    values = {
        "steps": json.dumps(rows, ensure_ascii=False), "offering": offering.id, "recorded_by": actor.person_id
    }  # fmt: skip
    facts: list[Fact] = []
    for student_id, enrollment_id, person_id in await session.execute(_APPLY, values):
        step = wanted[student_id]
        status = _status(step)
        fact = EnrollmentCreated if status is EnrollmentStatus.ENROLLED else EnrollmentWithdrawn
        facts.append(fact(enrollment_id, offering.id, student_id, step.day))
        record(
            session,
            actor=actor,
            action="enrollment.created" if step.before is None else f"enrollment.{status.value}",
            subject=Subject("enrollment", enrollment_id, offering.institution_id, person_id),
            summary=f"Student {status.value} in {offering.unit.code} {offering.term.code} by import",
            changes={"status": [step.before, status], "effective_on": step.day},
        )
    await announce_all(session, facts)


def _status(step: PlannedStep) -> EnrollmentStatus:
    return EnrollmentStatus.WITHDRAWN if step.change is Change.WITHDRAW else EnrollmentStatus.ENROLLED
