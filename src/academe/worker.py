"""The worker: the composition root of background work, which knows every job, every receiver and every schedule."""

import asyncio
import signal
from datetime import timedelta

from academe.academics import audiences
from academe.academics import events as academic_events
from academe.academics.agents import offerings_by_address, students_by_number
from academe.academics.facts import AttendanceRecorded, EnrollmentCreated, EnrollmentWithdrawn, ResultsPublished
from academe.academics.notices import TEMPLATE_KINDS, tell_absent, tell_enrolled, tell_results, tell_withdrawn
from academe.academics.roster_import import tasks as roster_import_tasks
from academe.academics.roster_import.service import forget_uploads
from academe.identity import api as identity
from academe.identity.access.guardians.service import refresh_consent
from academe.identity.agents import persons_by_address
from academe.identity.facts import (
    ConsentAskedAgain,
    GuardianLinked,
    RecordOpened,
    RectificationAsked,
    RectificationDecided,
    RestrictionChanged,
    SignInChanged,
    SignInLinkAsked,
)
from academe.identity.people.pictures import forget_pictures
from academe.identity.people_import import tasks as people_import_tasks
from academe.identity.people_import.service import forget_people_files
from academe.identity.privacy.audit import tasks as audit_tasks
from academe.insight import events as insight_events
from academe.insight.facts import RiskScored
from academe.insight.notices import tell_advisors
from academe.insight.rollup import sum_recorded_activity
from academe.lrs.cleaning.service import clean_by_schedule
from academe.lrs.facts import ActivityRecorded, AgentErased, ForwardPaused
from academe.lrs.forwarding.progress import forget_agent as forget_agent_in_forwards
from academe.lrs.forwarding.runner import forward_statements
from academe.lrs.institutions import KnownInstitution
from academe.lrs.privacy.retention import expire_by_schedule
from academe.lrs.rollup.follower import follow, forget_agent
from academe.lrs.rollup.links import Resolvers
from academe.messaging.announcements import tasks as announcement_tasks
from academe.messaging.api import register_audience, register_template_kind
from academe.messaging.mail.carrier import carry_mail
from academe.messaging.mail.sign_in_links import send_sign_in_link
from academe.messaging.notices import (
    tell_consent_asked_again,
    tell_forward_paused,
    tell_guardian_linked,
    tell_record_opened,
    tell_rectification_asked,
    tell_rectification_decided,
    tell_restriction_changed,
    tell_sign_in_changed,
)
from academe.messaging.notifications.digest import write_digests
from academe.messaging.notifications.jobs import tell_job_failed
from academe.messaging.webhooks import known as known_events
from academe.messaging.webhooks.queueing import SENDING_TASK, ask_for_due
from academe.messaging.webhooks.sending import send_due
from academe.messaging.webhooks.service import forget_deliveries
from academe.messaging.webhooks.telling import receive_event
from academe.operations.erasure import tasks as erasure_tasks
from academe.operations.retention.service import let_go_by_schedule
from academe.operations.subject_access import tasks as export_tasks
from academe.operations.subject_access.service import forget_exports
from academe.platform.actor import system_actor
from academe.platform.database.partitions import ensure_ahead
from academe.platform.database.session import Database, Session
from academe.platform.jobs.failures import when_job_fails
from academe.platform.jobs.queue import Queue, forget_finished
from academe.platform.jobs.service import forget_jobs
from academe.platform.outbox.delivery import deliver, forget_delivered
from academe.platform.outbox.service import DELIVERY_TASK, receives, receives_together
from academe.platform.settings import Settings

KEEP_JOBS = timedelta(days=30)

JOBS = (
    audit_tasks.check_chain,
    roster_import_tasks.import_roster,
    announcement_tasks.send_when_due,
    erasure_tasks.erase,
    people_import_tasks.import_people,
    people_import_tasks.undo_people,
    export_tasks.pack,
)
"""Every kind of job; being imported here is what makes a job known to the worker."""


receives(SignInChanged, "messaging.tell_sign_in_changed")(tell_sign_in_changed)
receives(GuardianLinked, "messaging.tell_guardian_linked")(tell_guardian_linked)
receives(RecordOpened, "messaging.tell_record_opened")(tell_record_opened)
receives(RectificationAsked, "messaging.tell_rectification_asked")(tell_rectification_asked)
receives(RectificationDecided, "messaging.tell_rectification_decided")(tell_rectification_decided)
receives(RestrictionChanged, "messaging.tell_restriction_changed")(tell_restriction_changed)
receives(ConsentAskedAgain, "messaging.tell_consent_asked_again")(tell_consent_asked_again)
receives(SignInLinkAsked, "messaging.send_sign_in_link")(send_sign_in_link)
receives(ForwardPaused, "messaging.tell_forward_paused")(tell_forward_paused)
receives(EnrollmentCreated, "academics.tell_enrolled")(tell_enrolled)
receives(EnrollmentWithdrawn, "academics.tell_withdrawn")(tell_withdrawn)
receives(AttendanceRecorded, "academics.tell_absent")(tell_absent)
receives(ResultsPublished, "academics.tell_results")(tell_results)
receives(RiskScored, "insight.tell_advisors")(tell_advisors)
when_job_fails(tell_job_failed)
for source in audiences.SOURCES:
    register_audience(source)
for kind in (*known_events.EVENTS, *academic_events.EVENTS, *insight_events.EVENTS):
    receive_event(kind)
for wording in TEMPLATE_KINDS:
    register_template_kind(wording)
receives_together(ActivityRecorded, "insight.learner_days", by="context_id")(sum_recorded_activity)
receives(AgentErased, "lrs.rollup")(forget_agent)
receives(AgentErased, "lrs.forwarding")(forget_agent_in_forwards)


def resolvers_of(settings: Settings) -> Resolvers:
    """Who knows the agents and activities of learning records."""
    return Resolvers(
        agents=(students_by_number(settings.public_url), persons_by_address),
        contexts=(offerings_by_address(settings.public_url),),
    )


async def known_institutions(session: Session) -> list[KnownInstitution]:
    """The institutions that commands for learning records may name."""
    found = await session.scalars(identity.institutions())
    return [KnownInstitution(each.id, each.code, each.name) for each in found]


async def keep_house(database: Database) -> None:
    """Make the partitions of the coming months, and forget jobs, tasks and facts that are over for long."""
    async with database.transaction(system_actor("housekeeping"), timeout_seconds=300) as session:
        await ensure_ahead(session)
        await forget_jobs(session, older_than=KEEP_JOBS)
        await forget_uploads(session)
        await refresh_consent(session)
        await forget_people_files(session)
        await forget_exports(session)
        await forget_deliveries(session)
    await forget_pictures(database)
    await forget_finished(database)
    await forget_delivered(database)


def make_queue(database: Database, *, concurrency: int = 4, silence_seconds: float = 30.0) -> Queue:
    """The queue with everything a worker does."""
    queue = Queue(database, concurrency=concurrency, silence_seconds=silence_seconds)
    queue.handle(DELIVERY_TASK, "message_id", lambda message_id: deliver(database, message_id))
    queue.handle(SENDING_TASK, "endpoint_id", lambda endpoint_id: send_due(database, endpoint_id))
    queue.schedule("academe.webhooks_due", "* * * * *", ask_for_due)
    queue.schedule("academe.housekeeping", "17 3 * * *", keep_house)
    queue.schedule("academe.retention", "37 3 * * *", let_go_by_schedule)
    queue.schedule("academe.lrs_retention", "47 3 * * *", expire_by_schedule)
    queue.schedule("academe.lrs_attachments", "17 4 * * *", clean_by_schedule)
    queue.schedule("academe.digests", "*/15 * * * *", write_digests)
    return queue


async def work(settings: Settings, *, concurrency: int = 4, until_empty: bool = False) -> None:
    """Do background work until SIGTERM or SIGINT, or until there is none left.

    A database that is away is waited for, at the start too. After the signal no new job starts; running ones have 30 s
    to finish and are otherwise put back.
    """
    database = Database(settings)
    queue = make_queue(database, concurrency=concurrency)
    queue.begin_with(keep_house)
    loop = asyncio.get_running_loop()
    for received in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(received, queue.stop)
    stopping = asyncio.Event()
    following = asyncio.create_task(follow(database, resolvers_of(settings), stopping), name="activity rollup")
    carrying = asyncio.create_task(carry_mail(database, stopping), name="mail")
    forwarding = asyncio.create_task(forward_statements(database, stopping), name="forwarding")
    try:
        await queue.run(until_empty=until_empty)
    finally:
        stopping.set()
        await asyncio.gather(following, carrying, forwarding)
        for received in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(received)
        await database.close()


def run_worker(settings: Settings, *, concurrency: int = 4, until_empty: bool = False) -> None:
    """`work` in a loop of its own, for the command line."""
    asyncio.run(work(settings, concurrency=concurrency, until_empty=until_empty))
