"""Consents: texts in versions, decisions that stay, and what holds now."""

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from academe.identity.api import consenting_to, has_consented
from academe.identity.facts import ConsentAskedAgain
from academe.identity.models import Person
from academe.identity.privacy.consents.models import ConsentDecision, ConsentText
from academe.messaging.notices import tell_consent_asked_again
from academe.messaging.notifications.models import Notification
from academe.platform.database.session import Session
from academe.platform.outbox.models import OutboxMessage
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
TEXT = {"purpose": "photographs", "title": "Photographs", "body": "We show your picture on our pages."}


async def publish(client: httpx.AsyncClient, school: School) -> str:
    body = TEXT | {"institution_id": str(school.institution.id)}
    answer = await client.post("/api/v1/consent-texts", headers=JSON, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def decide(client: httpx.AsyncClient, text_id: str, decision: str) -> httpx.Response:
    return await client.post(f"/account/consents/{text_id}", data={"decision": decision})


class TestPublishing:
    async def test_only_administrators_of_the_institution(
        self, browser: httpx.AsyncClient, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        assert (await browser.get("/settings/consents")).headers["location"].startswith("/sign-in")
        body = TEXT | {"institution_id": str(home.institution.id)}
        for school, who in ((home, "registrar"), (home, "faculty_administrator"), (away, "administrator")):
            client = await sign_in_as(school, who)
            assert (await client.post("/api/v1/consent-texts", headers=JSON, json=body)).status_code == 403
        assert (await (await sign_in_as(home, "registrar")).get("/settings/consents")).status_code == 403

    async def test_what_is_wrong_is_said(self, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "administrator")
        wrong = await client.post("/settings/consents", data={"purpose": "Our Pictures", "title": " ", "body": " "})
        assert wrong.status_code == 422
        body = {"purpose": "X", "title": "", "body": "", "institution_id": str(home.institution.id)}
        answer = await client.post("/api/v1/consent-texts", headers=JSON, json=body)
        assert [each["field"] for each in answer.json()["errors"]] == ["purpose", "title", "body"]


class TestDeciding:
    async def test_silence_is_no_consent_and_the_last_word_counts(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        text_id = await publish(await sign_in_as(home, "administrator"), home)
        student, person_id = await sign_in_as(home, "student0"), home.people["student0"].id
        assert "You have not decided yet" in (await student.get("/account/consents")).text
        for decision, holds in (("", False), ("give", True), ("give", True), ("refuse", False), ("give", True)):
            if decision:
                assert (await decide(student, text_id, decision)).status_code == 303
            assert await has_consented(session, person_id=person_id, purpose="photographs") is holds
        assert await has_consented(session, person_id=person_id, purpose="research") is False
        assert await session.scalar(select(func.count()).select_from(ConsentDecision)) == 3
        everybody = select(Person.id).where(consenting_to("photographs"))
        assert (await session.scalars(everybody)).all() == [person_id]
        page = (await student.get("/account/consents")).text
        assert (page.count("Consent given"), page.count("No consent")) == (2, 1)

    async def test_a_new_version_asks_again(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        administrator, student = await sign_in_as(home, "administrator"), await sign_in_as(home, "student0")
        first, person_id = await publish(administrator, home), home.people["student0"].id
        await decide(student, first, "give")
        second = await publish(administrator, home)
        assert await has_consented(session, person_id=person_id, purpose="photographs") is False
        facts = select(OutboxMessage.payload).where(OutboxMessage.kind == ConsentAskedAgain.KIND)
        assert (await session.scalars(facts)).one() == {"text_id": second, "before_id": first}
        texts = {str(each.id): each.id for each in await session.scalars(select(ConsentText))}
        for _ in range(2):  # a fact may arrive twice
            await tell_consent_asked_again(session, ConsentAskedAgain(texts[second], texts[first]))
        assert (await session.scalars(select(Notification.person_id))).all() == [person_id]
        assert (await decide(student, first, "give")).status_code == 409
        asked = (await student.get("/api/v1/me/consents", headers=JSON)).json()
        assert [(each["version"], each["is_given"]) for each in asked] == [(2, None)]
        path = f"/api/v1/me/consents/{second}"
        assert (await student.put(path, headers=JSON, json={"is_given": True})).status_code == 204
        assert await has_consented(session, person_id=person_id, purpose="photographs") is True
        counts = (await administrator.get("/api/v1/consent-texts", headers=JSON)).json()
        assert [(each["version"], each["is_current"], each["consenting"]) for each in counts] == [
            (2, True, 1),
            (1, False, 1),
        ]
        assert (await administrator.post(f"/settings/consents/{second}/retire")).status_code == 303
        assert await has_consented(session, person_id=person_id, purpose="photographs") is False

    async def test_only_in_ones_own_institution_and_name(
        self, session: Session, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        administrator = await sign_in_as(home, "administrator")
        text_id = await publish(administrator, home)
        assert (await decide(await sign_in_as(away, "student0"), text_id, "give")).status_code == 404
        await administrator.post(f"/people/{home.people['student0'].id}/masquerade")
        assert (await decide(administrator, text_id, "give")).status_code == 403
        text = (await session.scalars(select(ConsentText))).one()
        forged = ConsentDecision(person_id=home.people["student0"].id, text_id=text.id, is_given=True)
        async with as_actor(session, home.actor("administrator")):
            with pytest.raises(DBAPIError):
                async with session.begin_nested():
                    session.add(forged)
