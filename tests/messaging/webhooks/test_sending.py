"""From a fact to a program: signed, sent again with the same id until it is taken, and never lost."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook, WebhookVerificationError

from academe.academics.api import enrol_student
from academe.identity.facts import SignInChange, SignInChanged
from academe.messaging.mail.models import MailMessage
from academe.messaging.notifications.models import Notification
from academe.messaging.webhooks.events import Happened
from academe.messaging.webhooks.models import WebhookEndpoint
from academe.messaging.webhooks.queueing import ask_for_due
from academe.messaging.webhooks.sending import FAILING_FOR, WAITS, send_due
from academe.messaging.webhooks.service import rotate_secret, send_again, switch_off, switch_on
from academe.messaging.webhooks.telling import write_deliveries
from academe.messaging.webhooks.types import DeliveryState, SwitchedOff
from academe.platform import clock
from tests.lrs.forwarding.misbehaving import Misbehaving, Request, answering, misbehaving, silent
from tests.messaging.webhooks.conftest import SYSTEM, Told

pytestmark = pytest.mark.anyio


def verified(request: Request, secret: str) -> dict[str, object]:
    """The payload, as the specification's own library accepts it."""
    payload: dict[str, object] = Webhook(secret).verify(request.body, request.headers)
    return payload


def ids(program: Misbehaving) -> list[str]:
    return [each.headers["webhook-id"] for each in program.asked]


async def change(told: Told, who: str = "student0") -> None:
    await told.happens(SignInChanged(told.home.people[who].id, SignInChange.PASSKEY_ADDED))


async def test_a_fact_is_told_signed_with_ids_and_a_link_alone(told: Told) -> None:
    registrar = told.home.actor("registrar")
    async with misbehaving(answering(204)) as program:
        id_ = await told.add(program.endpoint, "enrollment.created")
        async with told.database.transaction(registrar) as session:
            await enrol_student(session, actor=registrar, offering_id=told.home.offering.id, student_number="10004")
        await told.work()
        await told.work()
    (request,) = program.asked
    payload = verified(request, told.secret)
    (delivery,) = await told.deliveries()
    person = told.home.people["student4"]
    assert payload["type"] == "enrollment.created"
    data = payload["data"]
    assert isinstance(data, dict)
    assert data["person_id"] == str(person.id)
    assert data["link"].startswith(f"{told.database.settings.public_url}/offerings/{told.home.offering.id}/roster/")
    assert person.display_name not in request.body.decode()
    assert request.headers["webhook-id"] == f"msg_{delivery.id.hex}"
    assert (delivery.endpoint_id, delivery.state, delivery.status, delivery.attempts) == (
        id_,
        DeliveryState.DELIVERED,
        204,
        1,
    )
    assert delivery.person_id == person.id
    with pytest.raises(WebhookVerificationError):
        Webhook(told.secret).verify(request.body + b" ", request.headers)


async def test_only_the_institution_and_what_was_asked_for(told: Told) -> None:
    async with misbehaving(answering(204)) as program:
        await told.add(program.endpoint, "guardian.linked")
        await told.add(program.endpoint, school=told.away)
        await change(told)
        await told.work()
    assert program.asked == []
    assert await told.deliveries() == []


async def test_what_fails_is_sent_again_with_the_same_id_and_a_new_signature(told: Told) -> None:
    async with misbehaving(answering(503, "later"), answering(200, "thanks")) as program:
        id_ = await told.add(program.endpoint)
        await change(told)
        await told.work()
        (delivery,) = await told.deliveries()
        assert (delivery.state, delivery.status, delivery.response) == (DeliveryState.WAITING, 503, "later")
        assert delivery.next_attempt_at is not None
        assert delivery.tried_at is not None
        wait = delivery.next_attempt_at - delivery.tried_at
        assert WAITS[0] * 0.8 <= wait <= WAITS[0] * 1.2
        endpoint = await told.endpoint(id_)
        assert (endpoint.failures, endpoint.not_before is not None) == (1, True)
        # Before its time, nothing: neither by the clock nor by another fact.
        await ask_for_due(told.database)
        await change(told)
        await told.work()
        assert len(program.asked) == 1
        await told.wait()
        await ask_for_due(told.database)
        await told.work()
    first, second, third = program.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"] != third.headers["webhook-id"]
    assert first.body == second.body
    verified(second, told.secret)
    endpoint = await told.endpoint(id_)
    assert (endpoint.failures, endpoint.failing_since, endpoint.not_before) == (0, None, None)
    assert {each.state for each in await told.deliveries()} == {DeliveryState.DELIVERED}


async def test_a_worker_that_dies_while_sending_leaves_it_to_another_with_the_same_id(told: Told) -> None:
    asked = asyncio.Event()

    async def stalling(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await silent(request, writer)

    async with misbehaving(stalling, answering(200)) as program:
        id_ = await told.add(program.endpoint)
        async with told.database.transaction(SYSTEM) as session:
            await write_deliveries(session, event="sign_in.changed", happened=Happened(told.home.institution.id))
        dying = asyncio.create_task(send_due(told.database, id_))
        await asked.wait()
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        (delivery,) = await told.deliveries()
        assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, 0)
        await told.work()
    assert len(program.asked) == 2
    assert len(set(ids(program))) == 1
    assert [each.state for each in await told.deliveries()] == [DeliveryState.DELIVERED]


async def test_after_the_last_attempt_it_waits_for_somebody(told: Told) -> None:
    administrator = told.home.actor("administrator")
    async with misbehaving(answering(500, "no")) as program:
        id_ = await told.add(program.endpoint)
        await change(told)
        for _ in range(len(WAITS) + 3):
            await told.work()
            await told.wait()
            await ask_for_due(told.database)
        assert len(program.asked) == len(WAITS) + 1
        (dead,) = await told.deliveries()
        assert (dead.state, dead.failure) == (DeliveryState.DEAD, "It answers 500.")
        program.replies[:] = [answering(200)]
        async with told.database.transaction(administrator) as session:
            assert await send_again(session, actor=administrator, endpoint_id=id_) == 1
        await told.work()
    assert len(set(ids(program))) == 1
    (sent,) = await told.deliveries()
    assert (sent.state, sent.attempts) == (DeliveryState.DELIVERED, 1)


async def test_one_that_is_refused_does_not_keep_the_next(told: Told) -> None:
    async with misbehaving(answering(422, "what is this?"), answering(200)) as program:
        await told.add(program.endpoint)
        async with told.database.transaction(SYSTEM) as session:
            for _ in range(2):
                await write_deliveries(session, event="sign_in.changed", happened=Happened(told.home.institution.id))
        await told.work()
    assert [each.state for each in await told.deliveries()] == [DeliveryState.WAITING, DeliveryState.DELIVERED]


async def test_while_a_secret_takes_over_both_sign(told: Told) -> None:
    administrator = told.home.actor("administrator")
    async with misbehaving(answering(200)) as program:
        id_ = await told.add(program.endpoint)
        old = told.secret
        async with told.database.transaction(administrator) as session:
            new = (await rotate_secret(session, actor=administrator, endpoint_id=id_)).secret
        await change(told)
        await told.work()
        for secret in (old, new):
            verified(program.asked[0], secret)
        async with told.database.transaction(SYSTEM) as session:
            await session.execute(update(WebhookEndpoint).values(previous_until=clock.now()))
        await change(told)
        await told.work()
        verified(program.asked[1], new)
        with pytest.raises(WebhookVerificationError):
            verified(program.asked[1], old)


async def test_what_fails_for_days_is_switched_off_and_administrators_hear_of_it(told: Told) -> None:
    administrator = told.home.actor("administrator")
    async with misbehaving(answering(500)) as program:
        id_ = await told.add(program.endpoint)
        await change(told)
        await told.work()
        async with told.database.transaction(SYSTEM) as session:
            since = clock.now() - FAILING_FOR - timedelta(minutes=1)
            await session.execute(update(WebhookEndpoint).values(failing_since=since))
        await told.wait()
        await ask_for_due(told.database)
        await told.work()
        endpoint = await told.endpoint(id_)
        assert endpoint.switched_off is SwitchedOff.FAILING
        async with told.database.transaction(SYSTEM) as session:
            notices = list(await session.scalars(select(Notification).where(Notification.link.like("/webhooks/%"))))
            letters = list(await session.scalars(select(MailMessage)))
        assert [each.person_id for each in notices] == [administrator.person_id]
        assert administrator.person_id in {each.person_id for each in letters}
        # What happens meanwhile is kept, and sent when somebody says so.
        await change(told)
        await told.work()
        assert [each.state for each in await told.deliveries()] == [DeliveryState.DEAD] * 2
        assert len(program.asked) == 2
        program.replies[:] = [answering(200)]
        async with told.database.transaction(administrator) as session:
            await switch_on(session, actor=administrator, endpoint_id=id_)
            assert await send_again(session, actor=administrator, endpoint_id=id_) == 2
        await told.work()
    assert [each.state for each in await told.deliveries()] == [DeliveryState.DELIVERED] * 2


async def test_what_is_gone_for_good_is_switched_off_at_once(told: Told) -> None:
    async with misbehaving(answering(410)) as program:
        id_ = await told.add(program.endpoint)
        await change(told)
        await told.work()
    assert (await told.endpoint(id_)).switched_off is SwitchedOff.GONE
    assert [each.state for each in await told.deliveries()] == [DeliveryState.DEAD]


async def test_what_waits_when_somebody_switches_it_off_is_not_sent(told: Told) -> None:
    administrator = told.home.actor("administrator")
    async with misbehaving(answering(200)) as program:
        id_ = await told.add(program.endpoint)
        async with told.database.transaction(SYSTEM) as session:
            await write_deliveries(session, event="sign_in.changed", happened=Happened(told.home.institution.id))
        async with told.database.transaction(administrator) as session:
            await switch_off(session, actor=administrator, endpoint_id=id_)
        await told.work()
    assert program.asked == []
    assert [each.state for each in await told.deliveries()] == [DeliveryState.DEAD]


async def test_redirects_are_not_followed_and_the_wish_to_wait_is_heeded(told: Told) -> None:
    async with misbehaving(
        answering(302, "", Location="http://169.254.169.254/"), answering(429, Retry_After="7200")
    ) as (program):
        id_ = await told.add(program.endpoint)
        await change(told)
        await told.work()
        (delivery,) = await told.deliveries()
        assert "another address" in delivery.failure
        await told.wait()
        await ask_for_due(told.database)
        await told.work()
        assert len(program.asked) == 2
    endpoint = await told.endpoint(id_)
    assert endpoint.not_before is not None
    assert endpoint.not_before > clock.now() + timedelta(minutes=115)
