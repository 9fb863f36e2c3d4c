"""What people are told of facts below messaging."""

import pytest
from sqlalchemy import select

from academe.lrs.facts import ForwardPaused
from academe.messaging.notices import tell_forward_paused
from academe.messaging.notifications.models import Notification
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from tests.schools import TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio


async def test_who_looks_after_forwards_hears_of_one_that_has_paused(session: Session, two_schools: TwoSchools) -> None:
    home, forward, why = two_schools.home, new_id(), "The other store refuses the credentials (401)."
    async with as_actor(session, system_actor("test")):
        for institution in (home.institution.id, None):
            await tell_forward_paused(session, ForwardPaused(forward, institution, "Research", why))
        (told,) = (await session.scalars(select(Notification))).all()
    assert told.person_id == home.people["administrator"].id
    assert (told.title, told.body) == ("Forwarding to Research has paused", why)
    assert told.link == f"/lrs/forwards/{forward}"
