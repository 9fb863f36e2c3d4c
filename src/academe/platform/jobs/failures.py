"""Who is told when a job has failed for good: whoever the composition root registers, in the transaction that ends it.

A fact in the outbox would say the same, but the outbox stands upon the jobs.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from academe.platform.database.session import Session
from academe.platform.jobs.models import Job

logger = logging.getLogger(__name__)

Listener = Callable[[Session, Job], Awaitable[None]]

_listeners: Final[list[Listener]] = []


def when_job_fails(listener: Listener) -> None:
    """Register a listener, once; its session acts as the system."""
    if listener not in _listeners:
        _listeners.append(listener)


async def tell_failure(session: Session, job_id: UUID) -> None:
    """Tell every listener. One that fails itself is logged: the job has ended all the same."""
    job = await session.get_one(Job, job_id)
    for listener in _listeners:
        try:
            async with session.begin_nested():
                await listener(session, job)
        except Exception:
            logger.exception("nobody was told by %s that job %s failed", listener.__name__, job_id)
