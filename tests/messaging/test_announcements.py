"""Announcements: who may address whom, that they are sent once and at their time, and what is told of the readers."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from academe.academics.audiences import SOURCES
from academe.messaging.announcements.audiences import audiences_for
from academe.messaging.announcements.models import Announcement
from academe.messaging.announcements.queries import count_read
from academe.messaging.announcements.service import (
    announcement_for,
    cancel_announcement,
    change_announcement,
    plan_announcement,
    send_announcement,
)
from academe.messaging.api import register_audience
from academe.messaging.errors import AnnouncementNotFoundError, AnnouncementStateError, AudienceNotFoundError
from academe.messaging.notifications.models import Notification
from academe.messaging.notifications.service import mark_read
from academe.messaging.types import AnnouncementStatus
from academe.platform import clock
from academe.platform.actor import ANONYMOUS, Actor, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import AuthenticationRequiredError, InvalidInputError, PermissionDeniedError
from academe.platform.ids import new_id
from academe.platform.jobs.models import Job
from tests.schools import School
from tests.support.client import ClientOf
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

API = "/api/v1/announcements"
SYSTEM = system_actor("test")


@pytest.fixture(autouse=True)
def known_audiences() -> None:
    """What the composition roots register."""
    for source in SOURCES:
        register_audience(source)


async def plan(session: Session, actor: Actor, kind: str, audience_id: UUID, **more: object) -> Announcement:
    given: dict[str, object] = {"title": "No lecture", "body": "On Monday.", "send_at": None} | more
    async with as_actor(session, actor):
        return await plan_announcement(
            session,
            actor=actor,
            audience_kind=kind,
            audience_id=audience_id,
            **given,  # type: ignore[arg-type]  # of many types
        )


async def told(session: Session) -> set[UUID]:
    return set((await session.scalars(select(Notification.person_id))).all())


def people(school: School, *who: str) -> set[UUID]:
    return {school.people[each].id for each in who}


class TestAudiences:
    @pytest.mark.parametrize(
        ("who", "kinds"),
        [
            ("student0", []),
            ("advisor", []),
            ("auditor", []),
            ("lecturer", ["offering MATH101 2026A"]),
            ("colleague", ["offering HIST101 2026A"]),
            (
                "faculty_administrator",
                [
                    "offering MATH101 2026A",
                    "programme BSC Bachelor of Science",
                    "node Department of Mathematics",
                    "node Faculty of Science",
                ],
            ),
        ],
    )
    async def test_who_may_address_whom(self, session: Session, home: School, who: str, kinds: list[str]) -> None:
        actor = home.actor(who)
        async with as_actor(session, actor):
            found = await audiences_for(session, actor)
        assert [f"{audience.kind} {audience.label}" for _, audience in found] == kinds

    async def test_members(self, session: Session, home: School) -> None:
        offering, programme, node, _ = SOURCES
        students = [f"student{number}" for number in range(4)]
        in_class = people(home, *students, "lecturer", "convenor")
        assert set(await session.scalars(offering.members(home.offering.id))) == in_class
        of_node = in_class | people(home, "advisor")
        assert set(await session.scalars(node.members(home.department.id))) == of_node
        of_faculty = of_node | people(home, "faculty_administrator")
        assert set(await session.scalars(node.members(home.faculty.id))) == of_faculty
        everybody = people(home, *(f"student{number}" for number in range(6)))
        assert set(await session.scalars(programme.members(home.program.id))) == everybody
        assert set(await session.scalars(node.members(home.institution.id))) == people(home, *home.people)


class TestPlan:
    async def test_anonymous(self, session: Session, home: School) -> None:
        with pytest.raises(AuthenticationRequiredError):
            await plan(session, ANONYMOUS, "offering", home.offering.id)

    async def test_others_may_not_address_the_class(self, session: Session, home: School, away: School) -> None:
        for actor in (home.actor("student0"), home.actor("colleague"), home.actor("advisor"), away.actor("registrar")):
            with pytest.raises(AudienceNotFoundError) as caught:
                await plan(session, actor, "offering", home.offering.id)
            assert caught.value.errors[0].field == "audience"

    async def test_who_teaches_may(self, session: Session, home: School) -> None:
        lecturer = home.actor("lecturer")
        made = await plan(session, lecturer, "offering", home.offering.id)
        assert (made.status, made.audience_label) == (AnnouncementStatus.PLANNED, "MATH101 2026A")
        async with as_actor(session, lecturer):
            await session.finish()
        actions = await session.scalars(select(AuditEntry.action))
        assert "announcement.planned" in actions.all()

    @pytest.mark.parametrize(
        ("wrong", "field"), [({"title": " "}, "title"), ({"body": ""}, "body"), ({"title": "x" * 201}, "title")]
    )
    async def test_what_is_wrong_is_named(
        self, session: Session, home: School, wrong: dict[str, object], field: str
    ) -> None:
        with pytest.raises(InvalidInputError) as caught:
            await plan(session, home.actor("lecturer"), "offering", home.offering.id, **wrong)
        assert caught.value.errors[0].field == field

    async def test_an_unknown_audience_is_refused(self, session: Session, home: School) -> None:
        for kind, audience_id in (("galaxy", home.offering.id), ("offering", new_id())):
            with pytest.raises(AudienceNotFoundError):
                await plan(session, home.actor("administrator"), kind, audience_id)


class TestSending:
    async def test_the_class_is_told_once(self, session: Session, home: School) -> None:
        made = await plan(session, home.actor("lecturer"), "offering", home.offering.id)
        assert await send_announcement(session, announcement_id=made.id) == 6
        assert await send_announcement(session, announcement_id=made.id) is None
        students = [f"student{number}" for number in range(4)]
        assert await told(session) == people(home, *students, "lecturer", "convenor")

    async def test_not_before_its_time(self, session: Session, home: School) -> None:
        later = clock.now() + timedelta(hours=1)
        made = await plan(session, home.actor("lecturer"), "offering", home.offering.id, send_at=later)
        assert await send_announcement(session, announcement_id=made.id) is None
        with clock.frozen(later + timedelta(seconds=1)):
            assert await send_announcement(session, announcement_id=made.id) == 6

    async def test_what_was_cancelled_tells_nobody(self, session: Session, home: School) -> None:
        lecturer = home.actor("lecturer")
        made = await plan(session, lecturer, "offering", home.offering.id)
        async with as_actor(session, lecturer):
            await cancel_announcement(session, actor=lecturer, announcement_id=made.id)
        assert await send_announcement(session, announcement_id=made.id) is None
        assert await told(session) == set()

    async def test_how_many_have_read_it(self, session: Session, home: School) -> None:
        made = await plan(session, home.actor("lecturer"), "offering", home.offering.id)
        await send_announcement(session, announcement_id=made.id)
        student = home.actor("student0")
        async with as_actor(session, student):
            mine = (await session.scalars(select(Notification))).one()
            await mark_read(session, actor=student, notification_id=mine.id)
        assert await count_read(session, made.id) == 1


class TestChanging:
    async def test_others_do_not_find_it(self, session: Session, home: School, away: School) -> None:
        made = await plan(session, home.actor("lecturer"), "offering", home.offering.id)
        for actor in (home.actor("convenor"), home.actor("registrar"), away.actor("administrator")):
            async with as_actor(session, actor):
                with pytest.raises(AnnouncementNotFoundError):
                    await announcement_for(session, actor=actor, announcement_id=made.id)
                with pytest.raises(AnnouncementNotFoundError):
                    await cancel_announcement(session, actor=actor, announcement_id=made.id)

    async def test_an_administrator_may_cancel_and_not_change(self, session: Session, home: School) -> None:
        made = await plan(session, home.actor("lecturer"), "offering", home.offering.id)
        administrator = home.actor("administrator")
        async with as_actor(session, administrator):
            with pytest.raises(PermissionDeniedError):
                await change_announcement(
                    session,
                    actor=administrator,
                    announcement_id=made.id,
                    audience_kind="offering",
                    audience_id=home.offering.id,
                    title="x",
                    body="x",
                )
            cancelled = await cancel_announcement(session, actor=administrator, announcement_id=made.id)
        assert cancelled.status is AnnouncementStatus.CANCELLED

    async def test_what_was_sent_stays(self, session: Session, home: School) -> None:
        lecturer = home.actor("lecturer")
        made = await plan(session, lecturer, "offering", home.offering.id)
        await send_announcement(session, announcement_id=made.id)
        async with as_actor(session, lecturer):
            with pytest.raises(AnnouncementStateError):
                await cancel_announcement(session, actor=lecturer, announcement_id=made.id)


class TestHttp:
    async def test_nobody_and_who_addresses_nobody(self, client_of: ClientOf, home: School) -> None:
        for address in ("/announcements", "/announcements/new", f"/announcements/{new_id()}"):
            assert (await client_of().get(address)).status_code == 303
        assert (await client_of().get(API)).status_code == 401
        student = client_of(home.actor("student0"))
        for address in ("/announcements", "/announcements/new"):
            assert (await student.get(address)).status_code == 403
        assert (await student.get(f"{API}/audiences")).json() == []

    async def test_a_lecturer_announces_by_form(
        self, client_of: ClientOf, session: Session, home: School, away: School
    ) -> None:
        client = client_of(home.actor("lecturer"))
        form = {"audience": f"offering:{home.offering.id}", "title": "No <lecture>", "body": "On Monday."}
        done = await client.post("/announcements/new", data=form | {"send_at": "2026-12-24T08:00"})
        assert done.status_code == 303, done.text
        address = done.headers["location"]
        page = (await client.get(address)).text
        assert "No &lt;lecture&gt;" in page
        assert f"{address}/edit" in page
        assert 'value="2026-12-24T08:00"' in (await client.get(f"{address}/edit")).text
        changed = await client.post(f"{address}/edit", data=form | {"title": "Changed"})
        assert changed.status_code == 303
        assert "Changed" in (await client.get("/announcements")).text
        jobs = (await session.scalars(select(Job.kind).where(Job.kind == "messaging.announcement"))).all()
        assert len(jobs) == 2
        assert (await client_of(away.actor("administrator")).get(address)).status_code == 404
        client = client_of(home.actor("lecturer"))
        assert (await client.post(f"{address}/cancel")).status_code == 303
        assert (await client.post(f"{address}/cancel")).status_code == 409

    async def test_what_is_wrong_stands_beside_its_field(self, client_of: ClientOf, home: School) -> None:
        client = client_of(home.actor("lecturer"))
        form = {"audience": f"offering:{home.other_offering.id}", "title": "x", "body": "y"}
        for wrong, status in (({}, 404), ({"title": ""}, 422), ({"audience": "x"}, 422), ({"send_at": "soon"}, 422)):
            page = await client.post("/announcements/new", data=form | wrong)
            assert page.status_code == status, wrong
            assert ">y</textarea>" in page.text

    async def test_json(self, client_of: ClientOf, session: Session, home: School) -> None:
        client = client_of(home.actor("lecturer"))
        (audience,) = (await client.get(f"{API}/audiences")).json()
        body = {"audience_kind": "offering", "audience_id": audience["id"], "title": "Hello", "body": "All."}
        made = (await client.post(API, json=body)).json()
        assert made["status"] == "planned"
        await send_announcement(session, announcement_id=UUID(made["id"]))
        seen = (await client.get(f"{API}/{made['id']}")).json()
        assert (seen["told"], seen["read"]) == (6, 0)
        assert [each["title"] for each in (await client.get(API)).json()["items"]] == ["Hello"]
        assert (await client.put(f"{API}/{made['id']}", json=body)).status_code == 409
        assert (await client.post(f"{API}/{made['id']}/cancel")).status_code == 409
        assert (await client.post(API, json=body | {"audience_id": str(new_id())})).status_code == 404
