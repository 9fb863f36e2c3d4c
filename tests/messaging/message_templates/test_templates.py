"""Templates from the page to the reader: who words messages, versions, previews, and what people are then told."""

import html
import re
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select, text

from academe.academics.audiences import SOURCES
from academe.academics.facts import EnrollmentCreated
from academe.academics.notices import ENROLLED, tell_enrolled
from academe.identity.models import PersonParticulars
from academe.messaging.announcements.service import plan_announcement, send_announcement
from academe.messaging.api import register_audience
from academe.messaging.mail.letters import LetterWriter
from academe.messaging.mail.models import MailMessage
from academe.messaging.mail.unsubscribing import Unsubscribing
from academe.messaging.message_templates.models import MessageTemplateText
from academe.messaging.message_templates.rendering import Wording
from academe.messaging.message_templates.service import change_template, make_template, word_template
from academe.messaging.notifications.models import Notification
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import InvalidInputError
from tests.schools import School
from tests.support.client import ClientOf
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

LIST, JSON = "/message-templates", "/api/v1/message-templates"
SYSTEM = system_actor("test")
FORM = {
    "kind": "announcement",
    "name": "Letterhead",
    "language": "en",
    "subject": "{{ title }}",
    "text": "Dear {{ person_name }},\n\n{{ message }}\n\n{{ author_name }}",
    "html": "<p>Dear <b>{{ person_name }}</b></p><script>x</script>",
}
BODY = {"kind": "announcement", "name": "Letterhead", "language": "en"} | {
    "wording": {name: FORM[name] for name in ("subject", "text", "html")}
}


@pytest.fixture(autouse=True)
def known_audiences() -> None:
    """What the composition roots register."""
    for source in SOURCES:
        register_audience(source)


async def made(session: Session, home: School, kind: str, **languages: Wording) -> UUID:
    """A template in these languages."""
    administrator = home.actor("administrator")
    async with as_actor(session, administrator):
        (first, wording), *others = languages.items()
        template = await make_template(
            session,
            actor=administrator,
            institution_id=home.institution.id,
            kind=kind,
            name="Ours",
            language=first,
            wording=wording,
        )
        for language, other in others:
            await word_template(session, actor=administrator, template_id=template.id, language=language, wording=other)
    return template.id


async def speaks(session: Session, home: School, who: str, locale: str) -> None:
    async with as_actor(session, SYSTEM):
        person_id = home.people[who].id
        particulars = await session.get(PersonParticulars, person_id)
        if particulars is None:
            particulars = PersonParticulars(person_id=person_id)
            session.add(particulars)
        particulars.locale = locale
        await session.flush()


async def told(session: Session, home: School, who: str) -> list[tuple[str, str]]:
    async with as_actor(session, SYSTEM):
        wanted = select(Notification.title, Notification.body).where(Notification.person_id == home.people[who].id)
        return [(row[0], row[1]) for row in await session.execute(wanted.order_by(Notification.id))]


class TestWho:
    async def test_nobody_is_asked_to_sign_in(self, client_of: ClientOf) -> None:
        client = client_of()
        for address in (LIST, f"{LIST}/new"):
            assert (await client.get(address)).status_code == 303
        assert (await client.get(JSON)).status_code == 401
        assert (await client.post(JSON, json=BODY)).status_code == 401

    async def test_only_administrators_of_the_institution(
        self, client_of: ClientOf, session: Session, home: School, away: School
    ) -> None:
        id_ = await made(session, home, "announcement", en=Wording("a", "b"))
        preview = {"person_id": str(home.people["student0"].id)}
        for who in ("registrar", "faculty_administrator", "lecturer", "student0"):
            client = client_of(home.actor(who))
            for address in (LIST, f"{LIST}/new", f"{LIST}/{id_}", f"{LIST}/{id_}/words", JSON, f"{JSON}/{id_}"):
                assert (await client.get(address)).status_code == 403, (who, address)
            assert (await client.get(f"{LIST}/{id_}/preview", params=preview)).status_code == 403
            assert (await client.post(f"{LIST}/new", data=FORM)).status_code == 403
            assert (await client.post(f"{LIST}/{id_}/words", data=FORM)).status_code == 403
            assert (await client.post(f"{JSON}/{id_}/preview", json=preview)).status_code == 403
            assert (await client.post(JSON, json=BODY)).status_code == 403
        client = client_of(away.actor("administrator"))
        for address in (f"{LIST}/{id_}", f"{LIST}/{id_}/words", f"{LIST}/{id_}/preview", f"{JSON}/{id_}"):
            assert (await client.get(address)).status_code == 404, address
        assert (await client.put(f"{JSON}/{id_}/wordings/en", json=BODY["wording"])).status_code == 404
        for school, who, rows in ((home, "lecturer", 1), (home, "student0", 0), (away, "administrator", 0)):
            async with as_actor(session, school.actor(who)):
                found = await session.execute(text("SELECT FROM message_template_text"))
                assert len(found.all()) == rows, who


class TestPages:
    async def test_one_is_made_worded_and_restored(self, client_of: ClientOf, home: School, session: Session) -> None:
        client = client_of(home.actor("administrator"))
        assert "No templates yet" in (await client.get(LIST)).text
        done = await client.post(f"{LIST}/new", data=FORM)
        assert done.status_code == 303, done.text
        address = done.headers["location"]
        german = FORM | {"language": "de", "text": "Guten Tag {{ person_name }},\n{{ message }}"}
        assert (await client.post(f"{address}/words", data=german)).status_code == 303
        page = html.unescape((await client.get(address)).text)
        assert "Dear {{ person_name }}" in page
        assert "Guten Tag {{ person_name }}" in page
        assert (await client.post(f"{address}/versions/1/restore")).status_code == 303
        assert "Guten Tag" not in (await client.get(address)).text
        # What was, is kept.
        versions = (await session.scalars(select(MessageTemplateText.version).order_by(MessageTemplateText.id))).all()
        assert versions == [1, 2, 2, 3]
        assert (await client.post(address, data={"name": "Old letterhead"})).status_code == 303
        listed = (await client.get(LIST)).text
        assert "Old letterhead" in listed
        assert "Not used" in listed
        actions = (
            await session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("message_template%")))
        ).all()
        assert sorted(actions) == [f"message_template.{what}" for what in ("changed", "made", "restored", "worded")]

    async def test_what_is_wrong_is_said_with_line_and_variable(self, client_of: ClientOf, home: School) -> None:
        client = client_of(home.actor("administrator"))
        for wrong, words in (
            ({"text": "Dear\n{{ name }}"}, "Line 2: There is no variable name; there are person_name"),
            ({"html": "{{ title.x }}"}, "Line 1: A template holds variables"),
            ({"language": "xx"}, "Please give a language"),
            ({"kind": "nothing"}, "There is no such kind of message."),
        ):
            answer = await client.post(f"{LIST}/new", data=FORM | wrong)
            assert answer.status_code == 422, wrong
            assert words in html.unescape(answer.text), wrong
        assert "No templates yet" in (await client.get(LIST)).text

    async def test_a_preview_shows_a_real_person_and_is_noted(
        self, client_of: ClientOf, home: School, session: Session
    ) -> None:
        client = client_of(home.actor("administrator"))
        address = (await client.post(f"{LIST}/new", data=FORM)).headers["location"]
        student = home.people["student0"]
        found = (await client.get(f"{address}/preview", params={"search": student.display_name})).text
        assert f"person_id={student.id}" in found
        shown = (await client.get(f"{address}/preview", params={"person_id": str(student.id)})).text
        assert f"Dear {student.display_name}," in shown
        assert "The hall is being painted." in shown
        frame = await client.get(f"{address}/preview/html", params={"person_id": str(student.id)})
        assert f"<b>{student.display_name}</b>" in frame.text
        assert "<script>" not in frame.text
        assert "sandbox" in frame.headers["content-security-policy"]
        async with as_actor(session, SYSTEM):
            noted = select(AuditEntry).where(AuditEntry.person_id == student.id, AuditEntry.purpose.is_not(None))
            assert {each.actor_person_id for each in await session.scalars(noted)} == {home.people["administrator"].id}

    async def test_a_kind_of_notice_has_one_template(self, client_of: ClientOf, home: School) -> None:
        client = client_of(home.actor("administrator"))
        form = FORM | {"kind": ENROLLED.name, "text": "{{ unit }}", "subject": "{{ unit }}", "html": ""}
        assert (await client.post(f"{LIST}/new", data=form)).status_code == 303
        assert (await client.post(f"{LIST}/new", data=form)).status_code == 409
        for name in ("one", "two"):
            assert (await client.post(f"{LIST}/new", data=FORM | {"name": name})).status_code == 303


class TestJson:
    async def test_what_pages_do_programs_do_too(self, client_of: ClientOf, home: School) -> None:
        client = client_of(home.actor("administrator"))
        kinds = {each["name"]: each for each in (await client.get(f"{JSON}/kinds")).json()}
        types = {each["name"]: each["type"] for each in kinds["enrollment.created"]["variables"]}
        assert (types["effective_on"], types["link"], types["person_name"]) == ("date", "link", "person name")
        template = (await client.post(JSON, json=BODY)).json()
        one = f"{JSON}/{template['id']}"
        wrong = await client.put(f"{one}/wordings/de", json={"subject": "{{ nothing }}", "text": "x"})
        assert wrong.status_code == 422
        assert wrong.json()["errors"][0]["line"] == 1
        worded = (await client.put(f"{one}/wordings/de", json={"subject": "{{ title }}", "text": "Hallo"})).json()
        assert (worded["version"], sorted(worded["wordings"])) == (2, ["de", "en"])
        assert (await client.get(f"{one}/versions/1")).json()["wordings"].keys() == {"en"}
        assert (await client.get(f"{one}/versions/9")).status_code == 404
        assert (await client.post(f"{one}/versions/1/restore")).json()["version"] == 3
        assert (await client.put(one, json={"name": "Ours", "is_active": False})).status_code == 204
        (listed,) = (await client.get(JSON)).json()["items"]
        assert (listed["name"], listed["is_active"], listed["languages"]) == ("Ours", False, ["en"])
        person = str(home.people["student0"].id)
        shown = (await client.post(f"{one}/preview", json={"person_id": person})).json()
        assert shown["text"].startswith(f"Dear {home.people['student0'].display_name}")


class TestTold:
    async def test_notices_come_in_the_words_and_language_of_the_reader(self, session: Session, home: School) -> None:
        enrollment = home.enrollment_of(0)
        fact = EnrollmentCreated(enrollment.id, home.offering.id, enrollment.student_id, date(2026, 2, 3))
        english = Wording(
            "Welcome to {{ unit }}", "From {{ effective_on }}: {{ link }}", "<p><a href='{{ link }}'>x</a></p>"
        )
        german = Wording("Willkommen in {{ unit }}", "Ab {{ effective_on }}")
        id_ = await made(session, home, ENROLLED.name, en=english, de=german)
        await speaks(session, home, "student0", "de-AT")
        async with as_actor(session, SYSTEM):
            await tell_enrolled(session, fact)
        assert await told(session, home, "student0") == [("Willkommen in MATH101", "Ab 3. Februar 2026")]
        # Switched off, people are told in our own words again.
        administrator = home.actor("administrator")
        async with as_actor(session, administrator):
            await change_template(session, actor=administrator, template_id=id_, name="Ours", is_active=False)
        async with as_actor(session, SYSTEM):
            await session.execute(text("DELETE FROM notification"))
            await tell_enrolled(session, fact)
        assert [each[0] for each in await told(session, home, "student0")] == ["You are enrolled in MATH101 2026A"]

    async def test_letters_show_its_html_with_whole_addresses(
        self, session: Session, home: School, database: JoinedDatabase
    ) -> None:
        enrollment = home.enrollment_of(0)
        fact = EnrollmentCreated(enrollment.id, home.offering.id, enrollment.student_id, date(2026, 2, 3))
        wording = Wording("Hello", "Look: {{ link }}", "<p>Look <a href='{{ link }}'>here</a>, {{ person_name }}</p>")
        await made(session, home, ENROLLED.name, en=wording)
        async with as_actor(session, SYSTEM):
            await tell_enrolled(session, fact)
            letter = (await session.scalars(select(MailMessage))).one()
        wish = Unsubscribing(letter.person_id, letter.kind or "")
        written = LetterWriter(database.settings).written(
            letter.template,
            letter.content,
            wish,
            token="t",
            receiver="a@example.com",
            at=clock.now(),
        )
        plain, rich = written.get_body(("plain",)), written.get_body(("html",))
        assert plain is not None
        assert rich is not None
        base = database.settings.public_url.rstrip("/")
        assert f"Look: {base}/my-progress" in plain.get_content()
        assert f'<a href="{base}/my-progress"' in rich.get_content()
        assert re.search(r"here</a>, Student", rich.get_content())

    async def test_announcements_come_in_their_frame(self, session: Session, home: School, away: School) -> None:
        frame = await made(
            session,
            home,
            "announcement",
            en=Wording("{{ title }}", "Dear {{ person_name }},\n{{ message }}\n{{ author_name }}"),
            de=Wording("{{ title }}", "Guten Tag {{ person_name }}, {{ message }}"),
        )
        foreign = await made(session, away, "announcement", en=Wording("a", "b"))
        await speaks(session, home, "student1", "de")
        lecturer = home.actor("lecturer")
        given = {
            "audience_kind": "offering",
            "audience_id": home.offering.id,
            "title": "No lecture",
            "body": "On Monday.",
        }
        async with as_actor(session, lecturer):
            with pytest.raises(InvalidInputError):
                await plan_announcement(session, actor=lecturer, template_id=foreign, **given)  # type: ignore[arg-type]  # of many types
            planned = await plan_announcement(session, actor=lecturer, template_id=frame, **given)  # type: ignore[arg-type]  # as above
        async with as_actor(session, SYSTEM):
            await send_announcement(session, announcement_id=planned.id)
        names = {who: home.people[who].display_name for who in ("student0", "student1", "lecturer")}
        assert await told(session, home, "student0") == [
            ("No lecture", f"Dear {names['student0']},\nOn Monday.\n{names['lecturer']}")
        ]
        assert await told(session, home, "student1") == [("No lecture", f"Guten Tag {names['student1']}, On Monday.")]

    async def test_without_a_template_nothing_changes(self, session: Session, home: School, away: School) -> None:
        await made(session, away, ENROLLED.name, en=Wording("Theirs", "x"))
        enrollment = home.enrollment_of(0)
        async with as_actor(session, SYSTEM):
            fact = EnrollmentCreated(enrollment.id, home.offering.id, enrollment.student_id, date(2026, 2, 3))
            await tell_enrolled(session, fact)
        assert [each[0] for each in await told(session, home, "student0")] == ["You are enrolled in MATH101 2026A"]
