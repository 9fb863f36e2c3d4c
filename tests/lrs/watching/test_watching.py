"""Pages and JSON of what the store does and of what was stated: who sees what, what they look for, what is left."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from academe.lrs.senders.activity import NOBODY_KNOWN, SenderActivity
from academe.lrs.senders.service import create_sender
from academe.lrs.watching.shown import agent_named, last_part, result_words
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from tests.lrs.conftest import ClientOf
from tests.lrs.statements.kept import ADA, QUIZ, VERB, agent
from tests.lrs.watching.conftest import SYSTEM, Sent
from tests.schools import TwoSchools
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

API = "/api/v1/lrs"
LIST = f"{API}/statements"


async def ids(client: httpx.AsyncClient, **parameters: str) -> list[UUID]:
    """The ids of the first page of a list."""
    answer = await client.get(f"{LIST}?{urlencode(parameters)}")
    assert answer.status_code == 200, answer.text
    return [UUID(item["id"]) for item in answer.json()["items"]]


async def entries(session: Session, actor: Actor) -> list[tuple[str, str, UUID, str]]:
    """The accesses that somebody has left in the audit, the oldest first."""
    async with as_actor(session, SYSTEM):
        found = await session.execute(
            text(
                "SELECT action, subject_kind, subject_id, purpose FROM audit_entry"
                " WHERE kind = 'read' AND actor_person_id = :person ORDER BY seq"
            ),
            {"person": actor.person_id},
        )
        return [(row[0], row[1], row[2], row[3]) for row in found.all()]


class TestWho:
    async def test_nobody_is_asked_to_sign_in(self, client_of: ClientOf, home: Sent) -> None:
        for address in ("/lrs", "/lrs/statements", f"/lrs/statements/{home.quiz}"):
            assert (await client_of().get(address)).status_code == 303, address
        for address in (f"{API}/figures", f"{API}/usage", LIST, f"{LIST}/{home.quiz}"):
            assert (await client_of().get(address)).status_code == 401, address

    async def test_each_role_sees_its_part(
        self, client_of: ClientOf, home: Sent, two_schools: TwoSchools, operator: Actor
    ) -> None:
        school = two_schools.home
        figures = ("/lrs", f"{API}/figures", f"{API}/usage")
        content = ("/lrs/statements", f"/lrs/statements/{home.quiz}", LIST, f"{LIST}/{home.quiz}")
        for who, sees_figures, reads in (
            (school.actor("administrator"), True, True),
            (operator, True, False),
            (school.actor("auditor"), False, True),
            (school.actor("faculty_administrator"), False, False),
            (school.actor("registrar"), False, False),
            (school.actor("lecturer"), False, False),
            (school.actor("student0"), False, False),
        ):
            for addresses, permitted in ((figures, sees_figures), (content, reads)):
                for address in addresses:
                    answer = await client_of(who).get(address)
                    assert answer.status_code == (200 if permitted else 403), (who.label, address)

    async def test_a_wrong_filter_tells_others_nothing(self, client_of: ClientOf, operator: Actor) -> None:
        assert (await client_of(operator).get("/lrs/statements?verb=x")).status_code == 403

    async def test_the_next_school_finds_its_own(
        self, client_of: ClientOf, home: Sent, away: Sent, two_schools: TwoSchools
    ) -> None:
        for school, own, other in ((two_schools.home, home, away), (two_schools.away, away, home)):
            client = client_of(school.actor("administrator"))
            assert own.quiz in await ids(client)
            found = await ids(client, agent="mbox:ada@example.com")
            assert own.quiz in found
            assert other.quiz not in found
            assert await ids(client, sender=str(other.sender.id)) == []
            for address in (f"/lrs/statements/{other.quiz}", f"{LIST}/{other.quiz}"):
                assert (await client.get(address)).status_code == 404
            assert other.sender.name not in (await client.get("/lrs")).text
            usage = (await client.get(f"{API}/usage")).json()
            assert usage["statements"] == 5

    async def test_the_navigation_leads_to_what_is_permitted(
        self, client_of: ClientOf, two_schools: TwoSchools, operator: Actor
    ) -> None:
        for who, store, statements in (
            (two_schools.home.actor("administrator"), True, True),
            (operator, True, False),
            (two_schools.home.actor("auditor"), False, True),
            (two_schools.home.actor("lecturer"), False, False),
        ):
            shown = (await client_of(who).get("/models")).text
            assert ('href="/lrs"' in shown, 'href="/lrs/statements"' in shown) == (store, statements), who.label


class TestLookingFor:
    async def test_every_filter_narrows(self, client_of: ClientOf, home: Sent, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("auditor"))
        everything = await ids(client)
        assert len(everything) == 4
        assert home.voided not in everything
        # What is about statements of Ada's is found with them, even the statement that voids one.
        found = await ids(client, agent="mbox:ada@example.com", verb=VERB)
        assert set(found) == {everything[0], home.quiz, home.remark}
        assert home.quiz in await ids(client, activity=QUIZ)
        assert home.course not in await ids(client, activity=QUIZ)
        registration = "6d969975-8d7e-4506-ac19-877c57f2921a"
        assert set(await ids(client, registration=registration)) == {home.quiz, home.remark}
        assert await ids(client, sender=str(home.sender.id)) == everything
        assert await ids(client, since="2999-01-01T00:00:00Z") == []
        assert await ids(client, until="2000-01-01T00:00:00Z") == []
        assert await ids(client, related="true", agent="mbox:nobody@example.com") == []

    async def test_people_write_an_actor_as_they_like(
        self, client_of: ClientOf, home: Sent, two_schools: TwoSchools
    ) -> None:
        client = client_of(two_schools.home.actor("auditor"))
        for written in (agent(ADA), "ada@example.com", "mailto:ada@example.com", "mbox:ada@EXAMPLE.com"):
            page = (await client.get(f"/lrs/statements?{urlencode({'agent': written})}")).text
            assert f"/lrs/statements/{home.quiz}" in page, written
            assert f"/lrs/statements/{home.course}" not in page, written
        for written in ("https://campus.example.edu|ada", "https://ada.example.com", "a" * 40):
            page = (await client.get(f"/lrs/statements?{urlencode({'agent': written})}")).text
            assert "No statements" in page, written

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("agent", "nobody in particular"),
            ("agent", '{"mbox": "no address"}'),
            ("agent", '{"objectType": "Group", "member": [{"mbox": "mailto:a@example.com"}]}'),
            ("agent", "account:no-bar"),
            ("agent", "sha1:"),
            ("verb", "completed"),
            ("activity", "a quiz"),
            ("registration", "1"),
            ("since", "yesterday"),
            ("until", "2026-13-01T00:00"),
            ("related", "maybe"),
            ("sender", "Moodle"),
            ("verb", "https://example.com/" + "x" * 5000),
        ],
    )
    async def test_a_wrong_filter_is_named(
        self, client_of: ClientOf, two_schools: TwoSchools, name: str, value: str
    ) -> None:
        client = client_of(two_schools.home.actor("auditor"))
        answer = await client.get(f"{LIST}?{urlencode({name: value})}")
        assert answer.status_code == 422
        assert name in answer.json()["errors"][0]["field"]
        page = await client.get(f"/lrs/statements?{urlencode({name: value})}")
        assert page.status_code == 422
        assert "Nothing was looked for" in page.text

    async def test_pages_lead_there_and_back(
        self, client_of: ClientOf, home: Sent, away: Sent, two_schools: TwoSchools
    ) -> None:
        client = client_of(two_schools.home.actor("auditor"))
        everything = await ids(client)
        forward: list[UUID] = []
        answer = (await client.get(f"{LIST}?limit=1")).json()
        forward += [UUID(item["id"]) for item in answer["items"]]
        while answer["next_cursor"]:
            answer = (await client.get(f"{LIST}?limit=1&cursor={answer['next_cursor']}")).json()
            forward += [UUID(item["id"]) for item in answer["items"]]
        assert forward == everything
        back = answer["previous_cursor"]
        answer = (await client.get(f"{LIST}?limit=1&cursor={back}")).json()
        assert [UUID(item["id"]) for item in answer["items"]] == [everything[-2]]
        refused = await client.get(f"{LIST}?limit=1&cursor={back}&verb={VERB}")
        assert refused.status_code == 400


class TestPages:
    async def test_the_list_says_who_did_what(self, client_of: ClientOf, home: Sent, two_schools: TwoSchools) -> None:
        page = await client_of(two_schools.home.actor("administrator")).get("/lrs/statements")
        assert page.status_code == 200
        for words in (
            "Ada of home",
            "completed",
            "7 of 10, passed, in 4 min",
            "Moodle of home",
            "Course&gt; &amp; one",
        ):
            assert words in page.text, words
        assert "<Course>" not in page.text

    async def test_it_asks_for_itself_until_it_is_paused(
        self, client_of: ClientOf, home: Sent, two_schools: TwoSchools
    ) -> None:
        auditor = two_schools.home.actor("auditor")
        newest = (await ids(client_of(auditor)))[0]
        page = await client_of(auditor).get("/lrs/statements?agent=")
        assert f"seen={newest}" in page.text
        same = await client_of(auditor, htmx=True).get(f"/lrs/statements?seen={newest}")
        assert (same.status_code, same.content) == (204, b"")
        new = await client_of(auditor, htmx=True).get(f"/lrs/statements?seen={uuid4()}")
        assert new.status_code == 200
        assert new.text.strip().startswith('<div id="statements"')
        for still in ("live=0", "until=2999-01-01T00:00Z"):
            assert "every 3s" not in (await client_of(auditor).get(f"/lrs/statements?{still}")).text

    async def test_one_statement_is_shown_whole(self, client_of: ClientOf, home: Sent, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        page = (await client.get(f"/lrs/statements/{home.quiz}")).text
        for words in ("An essay", "text/plain", "A campus", "commented", f"/lrs/statements/{home.remark}"):
            assert words in page, words
        assert 'href="javascript:' not in page
        assert "is voided" not in page
        assert "This statement is voided" in (await client.get(f"/lrs/statements/{home.voided}")).text
        one: dict[str, Any] = (await client.get(f"{LIST}/{home.quiz}")).json()
        assert one["statement"]["id"] == str(home.quiz)
        assert one["statement"]["authority"] == home.sender.authority
        assert [each["kept"] for each in one["attachments"]] == [False]
        assert [each["id"] for each in one["referring"]] == [str(home.remark)]
        assert (await client.get(f"{LIST}/{uuid4()}")).status_code == 404

    async def test_a_voiding_statement_is_not_voided_itself(
        self, client_of: ClientOf, home: Sent, two_schools: TwoSchools
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        newest = (await ids(client))[0]
        one = (await client.get(f"{LIST}/{newest}")).json()
        assert one["statement"]["verb"]["id"].endswith("voided")
        assert one["voided_at"] is None
        assert (await client.get(f"{LIST}/{home.voided}")).json()["voided_at"] is not None

    async def test_the_store_counts_what_is_used(
        self, client_of: ClientOf, home: Sent, away: Sent, two_schools: TwoSchools
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        usage = (await client.get(f"{API}/usage")).json()
        assert [each["statements"] for each in usage["verbs"]] == [3, 1, 1]
        assert usage["verbs"][0]["iri"] == VERB
        assert usage["verbs"][0]["names"] == {"de": "beendete", "en": "completed"}
        assert {each["iri"]: each["statements"] for each in usage["activities"]}[QUIZ] == 2
        page = (await client.get("/lrs")).text
        assert "Moodle of home" in page
        assert "Of the newest 5 statements" in page
        fragment = (await client_of(two_schools.home.actor("administrator"), htmx=True).get("/lrs")).text
        assert fragment.strip().startswith('<div id="figures"')

    async def test_the_store_shows_what_senders_did(
        self, client_of: ClientOf, home: Sent, away: Sent, two_schools: TwoSchools, database: JoinedDatabase
    ) -> None:
        seconds = iter((0.0, 0.0, 6.0, 6.0, 6.0))
        activity = SenderActivity(lambda: database, monotonic=lambda: next(seconds, 6.0))
        with clock.frozen(clock.now() - timedelta(minutes=1)):
            activity.note(home.sender.id, 200, 4321)
            activity.note(home.sender.id, 400, 0)
            activity.note(away.sender.id, 200, 9999)
            activity.note(None, 401, 0)
        await activity.write_when_due()
        client = client_of(two_schools.home.actor("administrator"))
        figures = (await client.get(f"{API}/figures")).json()
        assert [(each["name"], each["statements_minute"], each["refused_day"]) for each in figures["senders"]] == [
            ("Moodle of home", 4321, 1),
            ("No valid credentials", 0, 1),
        ]
        assert [(each["statements"], each["errors"]) for each in figures["minutes"][-2:]] == [(4321, 2), (0, 0)]
        assert len(figures["minutes"]) == 60
        assert figures["months"][0]["month"] == f"{clock.now():%Y-%m}"
        assert figures["months"][0]["all_bytes"] > figures["months"][0]["rows_bytes"] > 0
        page = (await client.get("/lrs")).text
        assert "4,321" in page
        assert "9,999" not in page

    async def test_senders_of_no_institution_are_told_of_to_those_who_run_the_service(
        self, client_of: ClientOf, home: Sent, two_schools: TwoSchools, operator: Actor, session: Session
    ) -> None:
        school = two_schools.home
        addresses = ("/lrs", "/lrs/statements")
        administrator = client_of(school.actor("administrator"))
        for address in addresses:
            assert "of the installation itself" not in (await administrator.get(address)).text
        assert (await administrator.get(f"{API}/figures")).json()["elsewhere"] == 0
        async with as_actor(session, SYSTEM):
            await create_sender(session, actor=SYSTEM, name="Everywhere", key="all", home_page="https://example.org")
        for address in addresses:
            page = (await administrator.get(address)).text
            assert "1 sender of the installation itself" in page
            assert "<code>academe lrs export</code>" in page
            assert "Everywhere" not in page
        assert "1 sender of the installation itself" in (await client_of(operator).get("/lrs")).text
        assert (await client_of(operator).get(f"{API}/figures")).json()["elsewhere"] == 1
        assert "installation itself" not in (await client_of(school.actor("auditor")).get("/lrs/statements")).text

    async def test_the_edge_counts_requests(
        self, client_of: ClientOf, home: Sent, monkeypatch: pytest.MonkeyPatch, session: Session
    ) -> None:
        monkeypatch.setattr("academe.lrs.senders.activity._EVERY_SECONDS", 0.0)
        client = client_of()
        version = {"X-Experience-API-Version": "2.0.0"}
        auth = (home.sender.authority["account"]["name"], home.secret)
        for method, address, credentials in (
            ("GET", "/xapi/about", None),
            ("GET", "/xapi/statements", None),
            ("GET", "/xapi/statements?limit=no", auth),
            ("GET", "/xapi/statements?limit=1", auth),
        ):
            await client.request(method, address, headers=version, auth=credentials)
        async with as_actor(session, SYSTEM):
            found = await session.execute(
                text("SELECT sender_id, sum(requests), sum(refused) FROM xapi_sender_minute GROUP BY 1 ORDER BY 1")
            )
            assert [tuple(row) for row in found.all()] == [(NOBODY_KNOWN, 1, 1), (home.sender.id, 2, 1)]


class TestAccess:
    async def test_reading_leaves_an_entry(
        self, client_of: ClientOf, home: Sent, two_schools: TwoSchools, session: Session
    ) -> None:
        auditor = two_schools.home.actor("auditor")
        institution = two_schools.home.institution.id
        await client_of(auditor).get(f"/lrs/statements/{home.quiz}")
        await client_of(auditor).get(f"{LIST}/{home.quiz}")
        await client_of(auditor).get("/lrs/statements")
        await client_of(auditor, htmx=True).get("/lrs/statements?seen=x")
        await client_of(auditor).get("/lrs/statements?agent=ada@example.com")
        left = await entries(session, auditor)
        assert [each[:3] for each in left[:3]] == [
            ("xapi_statement.read", "xapi_statement", home.quiz),
            ("xapi_statement.read", "xapi_statement", home.quiz),
            ("xapi_statements.listed", "institution", institution),
        ]
        assert [each[:2] for each in left[3:]] == [("xapi_statements.listed", "xapi_agent")]
        assert "ada" not in str(left)

    async def test_refusals_leave_none(
        self, client_of: ClientOf, away: Sent, two_schools: TwoSchools, session: Session
    ) -> None:
        auditor = two_schools.home.actor("auditor")
        assert (await client_of(auditor).get(f"{LIST}/{away.quiz}")).status_code == 404
        assert await entries(session, auditor) == []


@pytest.mark.parametrize(
    ("iri", "words"),
    [
        ("https://lab.example.com/virtual-lab", "virtual-lab"),
        ("https://lab.example.com/quiz/7/", "quiz 7"),
        ("https://lab.example.com/types#quiz", "quiz"),
        ("urn:example:quiz", "urn:example:quiz"),
    ],
)
def test_an_iri_is_called_by_its_end(iri: str, words: str) -> None:
    assert last_part(iri) == words


@pytest.mark.parametrize(
    ("duration", "words"),
    [("PT1M1S", "in 1 min 1 s"), ("PT2H", "in 2 h"), ("PT0S", "in 0 s"), ("PT0.25S", "in 0.25 s"), ("P1D", "in 24 h")],
)
def test_a_duration_is_told_as_people_say_it(duration: str, words: str) -> None:
    assert result_words({"duration": duration}) == words


def test_an_account_is_called_by_its_name() -> None:
    account = {"homePage": "https://campus.example.edu", "name": "6516"}
    assert agent_named({"account": account}).name == "6516"
    assert agent_named({"account": account}).identifier == "https://campus.example.edu|6516"
