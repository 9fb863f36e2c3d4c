"""Pages and JSON of notifications: everybody has only their own, and pages join to the whole."""

import pytest
from sqlalchemy import select

from academe.messaging.notifications.models import Notification
from academe.messaging.notifications.service import Notice, notify
from academe.messaging.types import NotificationKind
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from tests.schools import School
from tests.support.client import ClientOf

pytestmark = pytest.mark.anyio

API = "/api/v1/notifications"
SYSTEM = system_actor("test")


async def tell(session: Session, home: School, *titles: str, kind: NotificationKind = NotificationKind.GRADE) -> None:
    for title in titles:
        notice = Notice(kind, title, "with <b>care</b>", "/my-progress")
        await notify(session, actor=SYSTEM, notice=notice, receivers=[home.people["student0"].id])


async def ids_of(session: Session, home: School) -> list[str]:
    found = (
        select(Notification.id).where(Notification.person_id == home.people["student0"].id).order_by(Notification.id)
    )
    return [str(each) for each in await session.scalars(found)]


class TestWho:
    async def test_nobody_is_asked_to_sign_in(self, client_of: ClientOf) -> None:
        for address in ("/notifications", "/notifications/preferences", "/notifications/stream"):
            assert (await client_of().get(address)).status_code == 303
        for address in (API, f"{API}/unread", f"{API}/preferences"):
            assert (await client_of().get(address)).status_code == 401
        assert (await client_of().post(f"{API}/read")).status_code == 401

    async def test_others_see_and_change_nothing(
        self, client_of: ClientOf, session: Session, home: School, away: School
    ) -> None:
        await tell(session, home, "A result of yours")
        (one,) = await ids_of(session, home)
        for actor in (home.actor("student1"), home.actor("administrator"), away.actor("student0")):
            client = client_of(actor)
            assert "A result of yours" not in (await client.get("/notifications")).text
            assert (await client.get(API)).json()["items"] == []
            assert (await client.get(f"{API}/unread")).json() == {"unread": 0}
            for verb in ("open", "read", "unread"):
                assert (await client.post(f"/notifications/{one}/{verb}")).status_code == 404
            for verb in ("read", "unread"):
                assert (await client.post(f"{API}/{one}/{verb}")).status_code == 404

    async def test_the_bell_is_there_for_whoever_is_signed_in(self, client_of: ClientOf, home: School) -> None:
        assert "data-bell" in (await client_of(home.actor("student0")).get("/notifications")).text
        assert "data-bell" not in (await client_of().get("/")).text


class TestPages:
    async def test_what_one_was_told(self, client_of: ClientOf, session: Session, home: School) -> None:
        client = client_of(home.actor("student0"))
        assert "You are up to date" in (await client.get("/notifications")).text
        await tell(session, home, "A result")
        page = (await client.get("/notifications")).text
        assert "A result" in page
        assert "with &lt;b&gt;care&lt;/b&gt;" in page
        assert "You are up to date" not in page

    async def test_filters(self, client_of: ClientOf, session: Session, home: School) -> None:
        await tell(session, home, "A result")
        await tell(session, home, "An event", kind=NotificationKind.EVENT)
        client = client_of(home.actor("student0"))
        assert "A result" not in (await client.get("/notifications?kind=event")).text
        assert "An event" in (await client.get("/notifications?kind=nonsense")).text
        await client.post("/notifications/read")
        assert "No notification matches" in (await client.get("/notifications?unread=1")).text

    async def test_opening_leads_to_the_thing_and_marks_it(
        self, client_of: ClientOf, session: Session, home: School
    ) -> None:
        await tell(session, home, "A result")
        (one,) = await ids_of(session, home)
        client = client_of(home.actor("student0"))
        opened = await client.post(f"/notifications/{one}/open")
        assert (opened.status_code, opened.headers["location"]) == (303, "/my-progress")
        assert (await client.get(f"{API}/unread")).json() == {"unread": 0}
        back = await client.post(f"/notifications/{one}/unread?kind=grade")
        assert back.headers["location"] == "/notifications?kind=grade"
        assert (await client.get(f"{API}/unread")).json() == {"unread": 1}

    async def test_preferences(self, client_of: ClientOf, home: School) -> None:
        client = client_of(home.actor("student0"))
        kept = await client.post("/notifications/preferences", data={"bell": ["grade", "risk"], "email_grade": "daily"})
        assert (kept.status_code, kept.headers["location"]) == (303, "/notifications/preferences")
        chosen = {each["kind"]: each for each in (await client.get(f"{API}/preferences")).json()}
        assert chosen["grade"]["email"] == "daily"
        assert {kind for kind, each in chosen.items() if each["in_bell"]} == {"grade", "risk", "fees", "enrolment"}
        assert (await client.post("/notifications/preferences", data={"bell": "nonsense"})).status_code == 422

    async def test_times(self, client_of: ClientOf, home: School) -> None:
        client = client_of(home.actor("student0"))
        form = {"time_zone": "Europe/Berlin", "quiet_from": "22:00", "quiet_until": "07:00", "digest_at": "08:15"}
        kept = await client.post("/notifications/schedule", data=form)
        assert kept.status_code == 303, kept.text
        page = (await client.get("/notifications/preferences")).text
        assert 'value="22:00"' in page
        assert '<option value="Europe/Berlin" selected>' in page
        assert (await client.get(f"{API}/schedule")).json()["digest_at"] == "08:15"
        for wrong, status in (({"time_zone": "Mars"}, 404), ({"quiet_until": ""}, 409), ({"digest_at": "noon"}, 422)):
            answer = await client.post("/notifications/schedule", data=form | wrong)
            assert answer.status_code == status, wrong
            assert 'value="22:00"' in answer.text
        assert (await client.put(f"{API}/schedule", json={"time_zone": "Mars"})).status_code == 404
        assert (await client.put(f"{API}/schedule", json={"time_zone": "UTC"})).status_code == 200

    async def test_htmx_gets_the_list_alone(self, client_of: ClientOf, home: School) -> None:
        part = await client_of(home.actor("student0"), htmx=True).get("/notifications")
        assert part.text.lstrip().startswith('<div id="notifications"')


class TestJson:
    async def test_pages_join_to_the_whole(self, client_of: ClientOf, session: Session, home: School) -> None:
        await tell(session, home, *(f"Result {number}" for number in range(7)))
        client = client_of(home.actor("student0"))
        seen: list[str] = []
        cursor = ""
        while True:
            body = (await client.get(f"{API}?limit=3{cursor}")).json()
            seen += [each["title"] for each in body["items"]]
            if body["next_cursor"] is None:
                break
            cursor = f"&cursor={body['next_cursor']}"
        assert seen == [f"Result {number}" for number in reversed(range(7))]

    async def test_marking(self, client_of: ClientOf, session: Session, home: School) -> None:
        await tell(session, home, "One", "Two")
        client = client_of(home.actor("student0"))
        first, _ = await ids_of(session, home)
        assert (await client.post(f"{API}/{first}/read")).json()["read_at"] is not None
        assert [each["title"] for each in (await client.get(f"{API}?unread=true")).json()["items"]] == ["Two"]
        assert (await client.post(f"{API}/{first}/unread")).json()["read_at"] is None
        assert (await client.post(f"{API}/read?kind=event")).json() == {"marked": 0}
        assert (await client.post(f"{API}/read")).json() == {"marked": 2}
        assert (await client.post(f"{API}/{new_id()}/read")).status_code == 404

    async def test_preferences(self, client_of: ClientOf, home: School) -> None:
        client = client_of(home.actor("student0"))
        body = [{"kind": kind, "in_bell": False, "email": "off"} for kind in ("fees", "event")]
        kept = (await client.put(f"{API}/preferences", json=body)).json()
        assert {each["kind"] for each in kept if not each["in_bell"]} == {"event"}
        wrongs: list[object] = [[{"kind": "x", "in_bell": True, "email": "off"}], {}, [{"kind": "event"}]]
        for wrong in wrongs:
            assert (await client.put(f"{API}/preferences", json=wrong)).status_code == 422
