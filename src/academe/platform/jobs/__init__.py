"""Background work: asked for in a transaction, done by a worker, watched by whoever asked.

Tables: `job`, one row per piece of work that somebody may want to watch, and the queue of the library procrastinate.
A job is enqueued on the caller's connection and so exists exactly when the caller's data does. It runs at least once:
a worker that dies leaves its job to another, so work must be safe to repeat.
"""

from academe.platform.jobs.kinds import JobContext, JobKind, job
from academe.platform.jobs.service import cancel, enqueue

__all__ = ["JobContext", "JobKind", "cancel", "enqueue", "job"]
