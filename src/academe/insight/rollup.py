"""The learner-day rollup: what one enrolment did on one day, so that features of any day are sums of few rows.

Distinct counts do not add up over days, so the rollup counts an activity as new on the first day the learner used it;
"different activities used until a day" is then the sum of `new_sites` until that day, exact for every day.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text

from academe.lrs.facts import ActivityRecorded
from academe.platform.database.session import Session

KIND_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "content": ("oucontent", "dataplus", "dualpane", "htmlactivity", "repeatactivity", "glossary", "folder"),
    "resource": ("resource",),
    "forum": ("forumng",),
    "quiz": ("quiz", "externalquiz", "questionnaire"),
    "page": ("subpage", "page", "url", "sharedsubpage"),
    "homepage": ("homepage",),
    "together": ("ouwiki", "oucollaborate", "ouelluminate"),
}
"""Kinds of activity, in the words of the sources, by the part of a learner's day they count for.

A kind that is not listed counts in the day's total alone.
"""

# `actors` narrows to some persons; NULL is everybody.
_DELETE: Final = text(
    """
    DELETE FROM learner_day d USING enrollment e JOIN student_record s ON s.id = e.student_id
    WHERE d.offering_id = ANY(:offerings) AND e.id = d.enrollment_id
      AND (CAST(:actors AS uuid[]) IS NULL OR s.person_id = ANY(:actors))
    """
)

# `first_day` is the first day of the learner with the activity; the window runs over rows already summed per day.
_INSERT: Final = text(
    """
    INSERT INTO learner_day (enrollment_id, day, offering_id, clicks, sites, new_sites,
                             content, resource, forum, quiz, page, homepage, together)
    SELECT enrollment_id, day, offering_id, sum(count), count(*), count(*) FILTER (WHERE day = first_day),
           coalesce(sum(count) FILTER (WHERE kind = ANY(:content)), 0),
           coalesce(sum(count) FILTER (WHERE kind = ANY(:resource)), 0),
           coalesce(sum(count) FILTER (WHERE kind = ANY(:forum)), 0),
           coalesce(sum(count) FILTER (WHERE kind = ANY(:quiz)), 0),
           coalesce(sum(count) FILTER (WHERE kind = ANY(:page)), 0),
           coalesce(sum(count) FILTER (WHERE kind = ANY(:homepage)), 0),
           coalesce(sum(count) FILTER (WHERE kind = ANY(:together)), 0)
    FROM (
        SELECT e.id AS enrollment_id, e.offering_id, a.day, a.kind, a.count,
               min(a.day) OVER (PARTITION BY a.context_id, a.actor_id, a.activity_id) AS first_day
        FROM activity_day a
        JOIN student_record s ON s.person_id = a.actor_id
        JOIN enrollment e ON e.offering_id = a.context_id AND e.student_id = s.id
        WHERE a.context_id = ANY(:offerings)
          AND (CAST(:actors AS uuid[]) IS NULL OR a.actor_id = ANY(:actors))
    ) AS used
    GROUP BY enrollment_id, offering_id, day
    """
)


async def rebuild_learner_days(
    session: Session, *, offerings: Sequence[UUID], actors: Sequence[UUID] | None = None
) -> int:
    """Sum the activity of whole offerings anew, or of some persons in them; returns the rows written.

    The result is the same however often it runs.

    Not audited: it derives rows from records whose writing was.
    """
    chosen = {"offerings": list(offerings), "actors": None if actors is None else list(actors)}
    await session.execute(_DELETE, chosen)
    kinds = {group: list(kinds) for group, kinds in KIND_GROUPS.items()}
    written = await session.execute(_INSERT, chosen | kinds)
    return written.rowcount  # type: ignore[attr-defined,no-any-return]  # a CursorResult, which execute does not say


async def sum_recorded_activity(session: Session, facts: Sequence[ActivityRecorded]) -> None:
    """Receive news of the activity rollup about one offering: sum the days of the persons in it anew.

    All that waits is received together, since under load the same persons are in every piece of it.
    """
    actors = {actor for fact in facts for actor in fact.actor_ids}
    await rebuild_learner_days(session, offerings=[facts[0].context_id], actors=sorted(actors))
