"""The job that checks the chain of the audit."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from academe.identity.privacy.audit.service import record_check, require_auditing
from academe.platform.actor import system_actor
from academe.platform.audit.queries import verify
from academe.platform.jobs.kinds import JobContext, job

# Only Academe sees every entry; what comes of it names entries by number and no content.
_CHECKER: Final = system_actor("check of the audit chain")


class CheckArguments(BaseModel):
    """Nothing: the whole chain is checked."""


@job("identity.audit_check", title="Check of the audit chain", lock=lambda _arguments: "chain")
async def check_chain(context: JobContext, arguments: CheckArguments) -> Mapping[str, Any]:  # noqa: ARG001 - as a job
    """Check every entry, and leave an entry of what was found."""
    require_auditing(context.actor)
    await context.progress(done=0, total=100, message="Reading every entry")
    async with context.database.reading(_CHECKER, timeout_seconds=0) as session:
        report = await verify(session)
    async with context.database.transaction(context.actor) as session:
        record_check(session, actor=context.actor, report=report)
    await context.progress(done=100, total=100)
    summary = (
        f"{report.entries:,} entries, and the chain is whole."
        if report.is_whole
        else f"{len(report.faults):,} faults among {report.entries:,} entries: {report.faults[0].detail}."
    )
    return {"summary": summary, "href": "/audit", "entries": report.entries, "faults": len(report.faults)}
