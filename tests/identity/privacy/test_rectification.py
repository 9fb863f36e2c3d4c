"""People ask that their record be corrected; registrars decide, and what they accept is written."""

from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from academe.identity.facts import RectificationAsked, RectificationDecided
from academe.identity.models import PersonParticulars
from academe.identity.privacy.erasing import forget_identity
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.privacy.rectification.service import MOST_OPEN
from academe.identity.privacy.rectification.types import RectificationStatus
from academe.messaging.notices import tell_rectification_asked, tell_rectification_decided
from academe.messaging.notifications.models import Notification
from academe.platform.database.session import Session
from academe.platform.outbox.models import OutboxMessage
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
OWN = "/api/v1/me/rectifications"
WHY = "As on my passport"


async def asking(client: httpx.AsyncClient) -> str:
    """Where the person of a browser asks."""
    me = (await client.get("/api/v1/me", headers=JSON)).json()
    return f"/api/v1/people/{me['person_id']}/rectifications"


async def ask(client: httpx.AsyncClient, field: str = "family_name", wanted: str = "Núñez") -> str:
    body = {"field": field, "wanted": wanted, "reason": WHY}
    answer = await client.post(await asking(client), headers=JSON, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def decide(client: httpx.AsyncClient, request_id: str, decision: str, answer: str = "") -> httpx.Response:
    return await client.post(f"/corrections/{request_id}", data={"decision": decision, "answer": answer})


class TestAsking:
    async def test_it_takes_a_person(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.get("/account/corrections")).headers["location"].startswith("/sign-in")
        assert (await browser.get(OWN, headers=JSON)).status_code == 401

    async def test_nobody_asks_for_another(self, home: School, sign_in_as: SignIn) -> None:
        path = f"/api/v1/people/{home.people['student1'].id}/rectifications"
        body = {"field": "other", "wanted": "x", "reason": "y"}
        client = await sign_in_as(home, "student0")
        assert (await client.post(path, headers=JSON, json=body)).status_code == 403

    @pytest.mark.parametrize(
        ("field", "wanted", "message"),
        [
            ("date_of_birth", "yesterday", "Please give a date"),
            ("date_of_birth", "2999-01-01", "from 1900 until today"),
            ("given_name", "x" * 101, "at most 100"),
            ("contact_email", "nobody", "address"),
            ("phone", "none", "number"),
            ("other", " ", "Please write 1 to 1,000"),
        ],
    )
    async def test_what_cannot_be_written_is_refused(
        self, home: School, sign_in_as: SignIn, field: str, wanted: str, message: str
    ) -> None:
        client = await sign_in_as(home, "student0")
        refused = await client.post(
            await asking(client), headers=JSON, json={"field": field, "wanted": wanted, "reason": WHY}
        )
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "wanted"
        form = await client.post("/account/corrections", data={"field": field, "wanted": wanted, "reason": WHY})
        assert form.status_code == 422
        assert message in form.text

    async def test_not_without_end(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "student0")
        mine = {"institution_id": home.institution.id, "person_id": home.people["student0"].id, "field": "other"}
        session.add_all([RectificationRequest(**mine) for _ in range(MOST_OPEN)])
        await session.flush()
        body = {"field": "other", "wanted": "x", "reason": "y"}
        assert (await client.post(await asking(client), headers=JSON, json=body)).status_code == 409
        assert "please wait" in (await client.post("/account/corrections", data=body)).text

    async def test_registrars_are_told(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        request_id = await ask(await sign_in_as(home, "student0"))
        kind = OutboxMessage.kind == RectificationAsked.KIND
        assert (await session.scalars(select(OutboxMessage.payload).where(kind))).one()["request_id"] == request_id
        asked = (await session.scalars(select(RectificationRequest))).one()
        await tell_rectification_asked(session, RectificationAsked(asked.id, home.institution.id))
        told = (await session.scalars(select(Notification))).one()
        assert (told.person_id, told.link) == (home.people["registrar"].id, f"/corrections/{request_id}")

    async def test_taken_back(self, home: School, sign_in_as: SignIn) -> None:
        client, other = await sign_in_as(home, "student0"), await sign_in_as(home, "student1")
        request_id = await ask(client)
        assert (await other.post(f"{OWN}/{request_id}/withdraw", headers=JSON)).status_code == 404
        assert (await client.post(f"/account/corrections/{request_id}/withdraw")).status_code == 303
        assert (await client.post(f"{OWN}/{request_id}/withdraw", headers=JSON)).status_code == 409
        assert "Withdrawn" in (await client.get("/account/corrections")).text


class TestDeciding:
    async def test_only_who_keeps_records_there(self, home: School, away: School, sign_in_as: SignIn) -> None:
        request_id = await ask(await sign_in_as(home, "student0"))
        for school, who in ((home, "lecturer"), (home, "advisor"), (away, "registrar")):
            client = await sign_in_as(school, who)
            assert (await client.get(f"/corrections/{request_id}")).status_code == 404
            assert (await decide(client, request_id, "accept")).status_code == 404
        assert (await (await sign_in_as(home, "lecturer")).get("/corrections")).status_code == 403

    async def test_accepted_names_and_days_are_written(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        student, registrar = await sign_in_as(home, "student0"), await sign_in_as(home, "registrar")
        person = home.people["student0"]
        for field, wanted in (("family_name", "Núñez"), ("date_of_birth", "2004-11-21")):
            request_id = await ask(student, field, wanted)
            assert wanted in (await registrar.get(f"/corrections/{request_id}")).text
            assert (await decide(registrar, request_id, "accept")).status_code == 303
            assert (await decide(registrar, request_id, "decline", "No")).status_code == 409
        await session.refresh(person)
        assert person.family_name == "Núñez"
        kept = select(PersonParticulars).where(PersonParticulars.person_id == person.id)
        particulars = (await session.scalars(kept.execution_options(populate_existing=True))).one()
        assert (particulars.date_of_birth, particulars.contact_email) == ("2004-11-21", "first@home.example")
        assert (await student.get("/account/corrections")).text.count("Accepted") == 2

    async def test_a_decline_needs_a_reason_which_the_person_reads(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        student, registrar = await sign_in_as(home, "student0"), await sign_in_as(home, "registrar")
        request_id = await ask(student, "result", "90 of 100")
        assert "Corrected by hand" in (await registrar.get(f"/corrections/{request_id}")).text
        assert (await decide(registrar, request_id, "decline")).status_code == 422
        assert (await decide(registrar, request_id, "decline", "It was marked twice")).status_code == 303
        assert "It was marked twice" in (await student.get("/account/corrections")).text
        assert home.people["student0"].display_name in (await registrar.get("/corrections?status=declined")).text
        assert "Nothing to decide" in (await registrar.get("/corrections")).text
        person_id = home.people["student0"].id
        asked = (await session.scalars(select(RectificationRequest))).one()
        await tell_rectification_decided(session, RectificationDecided(asked.id, person_id, accepted=False))
        told = (await session.scalars(select(Notification))).one()
        assert (told.person_id, told.title) == (person_id, "A correction of your record was declined")

    async def test_never_about_oneself(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        registrar = await sign_in_as(home, "registrar")
        request_id = await ask(registrar)
        assert (await decide(registrar, request_id, "accept")).status_code == 403
        decided = update(RectificationRequest).where(RectificationRequest.id == UUID(request_id))
        values = {"status": RectificationStatus.DECLINED, "decided_at": home.people["registrar"].created_at}
        async with as_actor(session, home.actor("registrar")), session.begin_nested() as savepoint:
            with pytest.raises(DBAPIError):
                await session.execute(decided.values(values))
            await savepoint.rollback()


async def test_nothing_of_it_is_left_of_who_is_erased(session: Session, home: School, sign_in_as: SignIn) -> None:
    await ask(await sign_in_as(home, "student0"))
    await forget_identity(session, person_id=home.people["student0"].id)
    asked = (await session.execute(select(RectificationRequest.wanted, RectificationRequest.reason))).one()
    assert tuple(asked) == (None, None)
