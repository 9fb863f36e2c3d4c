"""Who looked at a record: as the person reads it, as auditors do, and that every page about somebody is counted."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import select, text

from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.audit.service import Subject, record
from academe.platform.audit.types import EntryKind
from academe.platform.database.session import Session
from academe.platform.http.route_index import RouteIndex
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
ACCESSES = "/api/v1/me/accesses"

# Routes that show one person's record to somebody else, and who looks.
SHOW_ONE: dict[str, str] = {
    "/people/{person_id}": "registrar",
    "/people/{person_id}/names": "registrar",
    "/people/{person_id}/particulars": "registrar",
    "/api/v1/people/{person_id}": "lecturer",
    "/api/v1/people/{person_id}/particulars": "registrar",
    "/api/v1/people/{person_id}/account": "administrator",
    "/api/v1/people/{person_id}/preferences": "registrar",
    "/api/v1/people/{person_id}/sign-in-identities": "administrator",
    "/people/{person_id}/merge": "administrator",
    "/offerings/{offering_id}/roster/{enrollment_id}": "lecturer",
    "/students/{student_id}": "advisor",
    "/people/{person_id}/access": "administrator",
    "/people/{person_id}/erasure": "registrar",
    "/api/v1/people/{person_id}/guardians": "registrar",
    "/api/v1/people/{person_id}/holds": "registrar",
    "/api/v1/people/{person_id}/restrictions": "registrar",
}

# Routes with an object in their address that need not be walked, each with its reason.
NOT_WALKED: dict[str, str] = {
    "/api/v1/institutions/{institution_id}/retention": "rules and counts",
    "/people/{person_id}/restriction": "a form, behind a page that leaves its own entry",
    "/corrections/{request_id}": "tests/identity/privacy/test_rectification.py",
    "/api/v1/rectifications/{request_id}": "tests/identity/privacy/test_rectification.py",
    "/people/{person_id}/emergency": "a form, behind a page that leaves its own entry",
    "/people/{person_id}/record": "tests/identity/privacy/test_emergency.py",
    "/api/v1/people/{person_id}/record": "tests/identity/privacy/test_emergency.py",
    "/emergency-access/{opening_id}": "tests/identity/privacy/test_emergency.py",
    "/api/v1/emergency-openings/{opening_id}": "tests/identity/privacy/test_emergency.py",
    "/people/{person_id}/guardians/add": "a form, behind a page that leaves its own entry",
    "/people/{person_id}/holds/add": "a form, behind a page that leaves its own entry",
    "/people/{person_id}/export": "when copies were asked for; fetching one leaves its own entry",
    "/api/v1/people/{person_id}/exports": "when copies were asked for; fetching one leaves its own entry",
    "/people/{person_id}/export/{export_id}/zip": "tests/operations/subject_access",
    "/my-children/{person_id}": "tests/identity/access/test_guardians.py",
    "/api/v1/me/children/{person_id}": "tests/identity/access/test_guardians.py",
    "/roles/{grant_id}/end": "a role",
    "/organisation/{org_unit_id}": "a part of the organisation",
    "/organisation/{org_unit_id}/add": "a part of the organisation",
    "/organisation/{org_unit_id}/names": "a part of the organisation",
    "/api/v1/org-units/{org_unit_id}": "a part of the organisation",
    "/offerings/{offering_id}/staff": "who teaches",
    "/api/v1/offerings/{offering_id}/staff": "who teaches",
    "/api/v1/institutions/{institution_id}/service-accounts": "programs",
    "/api/v1/institutions/{institution_id}/sign-in-providers": "providers",
    "/people-queries/{query_id}": "a query, and how many it finds",
    "/api/v1/people-queries/{query_id}": "a query, and how many it finds",
    "/message-templates/{template_id}": "a template",
    "/message-templates/{template_id}/words": "a template",
    "/message-templates/{template_id}/preview": "tests/messaging/message_templates",
    "/message-templates/{template_id}/preview/html": "tests/messaging/message_templates",
    "/api/v1/message-templates/{template_id}": "a template",
    "/api/v1/message-templates/{template_id}/versions/{version}": "a template",
    "/webhooks/{webhook_id}": "a program",
    "/webhooks/{webhook_id}/edit": "a program",
    "/webhooks/{webhook_id}/deliveries/{delivery_id}": "what a program was told: ids alone",
    "/api/v1/webhooks/{webhook_id}": "a program",
    "/api/v1/webhooks/{webhook_id}/deliveries": "what a program was told: ids alone",
    "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}": "what a program was told: ids alone",
    "/api/v1/sign-in-providers/{provider_id}": "a provider",
    "/settings/providers/{provider_id}": "a provider",
    "/sign-in/providers/{provider_id}": "the reader signs in",
    "/sign-in/providers/{provider_id}/answered": "the reader signs in",
    "/sign-in/providers/{provider_id}/callback": "the reader signs in",
    "/sign-in/providers/{provider_id}/metadata": "our own addresses",
    "/account/security/providers/{provider_id}/connect": "the reader's own",
    "/tables/{name}": "a list, which leaves its own entry",
    "/tables/{name}/row": "leaves its own entry, about the table",
    "/tables/{name}/row/edit": "leaves its own entry, about the table",
    "/api/v1/tables/{name}": "a list, which leaves its own entry",
    "/people/{person_id}/picture": "what the directory shows, on a page that leaves its own entry",
    "/api/v1/people/{person_id}/picture": "what the directory shows",
    "/people/{person_id}/merge/{other_id}": "leaves an entry about the other, whom the page is about",
    "/people/import/{import_id}": "a file of people who are not known yet",
    "/people/import/{import_id}/progress": "a list",
    "/people/import/{import_id}/left-out.csv": "a file of people who are not known yet",
    "/api/v1/people/imports/{import_id}": "counts",
    "/api/v1/offerings/{offering_id}": "an offering",
    "/offerings/{offering_id}": "an offering",
    "/api/v1/offerings/{offering_id}/roster": "a list",
    "/offerings/{offering_id}/roster.csv": "a list, which leaves its own entry",
    "/offerings/{offering_id}/roster/template.csv": "a form without people",
    "/offerings/{offering_id}/roster/import": "a form without people",
    "/offerings/{offering_id}/roster/import/{upload_id}": "the reader's own file",
    "/offerings/{offering_id}/roster/import/{upload_id}/progress": "the reader's own file",
    "/offerings/{offering_id}/roster": "a list",
    "/offerings/{offering_id}/roster/enrol": "a form without people",
    "/api/v1/offerings/{offering_id}/meetings": "meetings",
    "/api/v1/meetings/{meeting_id}/attendance": "a list",
    "/offerings/{offering_id}/meetings": "meetings",
    "/meetings/{meeting_id}/attendance": "a list",
    "/offerings/{offering_id}/risk": "a list",
    "/models/{model_id}": "a model",
    "/models/{model_id}/fairness": "a model",
    "/api/v1/lrs/senders/{sender_id}": "a program",
    "/lrs/senders/{sender_id}": "a program",
    "/api/v1/lrs/forwards/{forward_id}": "a program",
    "/api/v1/lrs/forwards/{forward_id}/letters": "tests/lrs/forwarding",
    "/lrs/forwards/{forward_id}": "a program",
    "/lrs/forwards/{forward_id}/edit": "a program",
    "/api/v1/lrs/statements/{statement_id}": "tests/lrs/watching",
    "/api/v1/lrs/statements/{statement_id}/attachments/{sha2}": "tests/lrs/watching",
    "/lrs/statements/{statement_id}": "tests/lrs/watching",
    "/lrs/statements/{statement_id}/attachments/{sha2}": "tests/lrs/watching",
    "/mail/{caught_id}": "tests/messaging/mail",
    "/mail/{caught_id}/html": "tests/messaging/mail",
    "/unsubscribe/{token}": "the link is the reader's own",
    "/sign-in/link/{token}": "the link is the reader's own",
    "/jobs/{job_id}": "the reader's own",
    "/audit/{entry_id}": "tests/identity/privacy/test_audit.py",
    "/api/v1/audit/{entry_id}": "tests/identity/privacy/test_audit.py",
    "/api/v1/institutions/{institution_id}/sign-in-rules": "rules",
    "/audit/export/{form}": "a list, which leaves its own entry",
    "/announcements/{announcement_id}": "an announcement",
    "/announcements/{announcement_id}/edit": "an announcement",
    "/api/v1/announcements/{announcement_id}": "an announcement",
}


async def leave(session: Session, school: School, *, count: int = 1) -> None:
    """Entries about student0 by Academe, as if the transaction had ended."""
    person = school.people["student0"]
    subject = Subject("person", person.id, school.institution.id, person.id)
    async with as_actor(session, system_actor("test")):
        for number in range(count):
            record(
                session,
                actor=system_actor("test"),
                action="person.tested",
                subject=subject,
                summary=f"Changed for the {number + 1}. time",
            )
        await session.finish()


async def what_is_said(client: httpx.AsyncClient, **query: str) -> list[dict[str, object]]:
    answer = await client.get(ACCESSES, params=query, headers=JSON)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


class TestOwnRecord:
    async def test_anonymous_signs_in_first(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.get("/account/privacy")).headers["location"].startswith("/sign-in")
        assert (await browser.get(ACCESSES, headers=JSON)).status_code == 401

    async def test_nobody_reads_entries_about_others(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        await leave(session, home)
        for who in ("student1", "lecturer", "administrator"):
            client = await sign_in_as(home, who)
            assert all(item["what"] != "Changed for the 1. time" for item in await what_is_said(client))
            assert "Changed for the 1. time" not in (await client.get("/account/privacy")).text

    async def test_who_when_in_which_role_and_what_for(self, home: School, sign_in_as: SignIn) -> None:
        person = home.people["student0"].id
        advisor = await sign_in_as(home, "advisor")
        assert (await advisor.get(f"/people/{person}")).status_code == 200
        student = await sign_in_as(home, "student0")
        (entry,) = await what_is_said(student)
        assert entry["who"] == "Advisor of home"
        assert entry["roles"] == ["advisor"]
        assert entry["purpose"] == "page about a person"
        assert entry["kind"] == "read"
        page = (await student.get("/account/privacy")).text
        assert "Advisor of home" in page
        assert "page about a person" in page

    async def test_roles_of_a_change_are_those_of_its_day(self, home: School, sign_in_as: SignIn) -> None:
        registrar = await sign_in_as(home, "registrar")
        person = home.people["student0"].id
        answer = await registrar.post(f"/people/{person}/names", data={"display_name": "Another name"})
        assert answer.status_code == 303
        student = await sign_in_as(home, "student0")
        (entry,) = await what_is_said(student, kind="write")
        assert (entry["who"], entry["roles"]) == ("Registrar of home", ["registrar"])

    async def test_filters(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        await leave(session, home)
        student = await sign_in_as(home, "student0")
        today = clock.now().date()
        assert len(await what_is_said(student)) == 1
        assert await what_is_said(student, kind="read") == []
        assert len(await what_is_said(student, since=str(today), until=str(today))) == 1
        assert await what_is_said(student, until=str(today - timedelta(days=1))) == []
        # Signing in is the student's own doing.
        assert len(await what_is_said(student, with_own="true")) > 1

    async def test_pages(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        await leave(session, home, count=5)
        student = await sign_in_as(home, "student0")
        seen: list[object] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = (await student.get(ACCESSES, params={"limit": "2", "cursor": cursor}, headers=JSON)).json()
            seen += [item["what"] for item in answer["items"]]
            cursor = answer["next_cursor"]
        assert seen == [f"Changed for the {number}. time" for number in (5, 4, 3, 2, 1)]

    async def test_names_are_told_to_nobody_else(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        person = home.people["student0"].id
        await (await sign_in_as(home, "advisor")).get(f"/people/{person}")
        entries = (await session.scalars(select(AuditEntry.id).where(AuditEntry.person_id == person))).all()
        assert entries
        statement = "SELECT display_name FROM who_acted_on_record(CAST(:entries AS uuid[]))"
        from_database = [str(entry) for entry in entries]
        for who, names in (("student1", []), ("student0", ["Advisor of home"]), ("auditor", ["Advisor of home"])):
            async with as_actor(session, home.actor(who)):
                found = await session.execute(text(statement), {"entries": from_database})
                assert sorted(set(found.scalars())) == names


class TestCard:
    @pytest.mark.parametrize(("who", "shown"), [("lecturer", False), ("registrar", False), ("auditor", True)])
    async def test_for_those_who_audit(
        self, session: Session, home: School, sign_in_as: SignIn, who: str, shown: bool
    ) -> None:
        await leave(session, home)
        client = await sign_in_as(home, who)
        page = (await client.get(f"/people/{home.people['student0'].id}")).text
        assert ("Changed for the 1. time" in page) is shown


class TestEveryPageAboutSomebody:
    def test_none_is_forgotten(self, app: FastAPI) -> None:
        with_object = {
            route.path
            for index in app.routes
            if isinstance(index, RouteIndex)
            for route in index.routes
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and "{" in route.path
        }
        unknown = with_object - set(SHOW_ONE) - set(NOT_WALKED)
        assert unknown == set(), "add each to SHOW_ONE, or to NOT_WALKED with its reason"

    @pytest.mark.parametrize("path", SHOW_ONE)
    async def test_leaves_an_entry(self, session: Session, home: School, sign_in_as: SignIn, path: str) -> None:
        person, who = home.people["student0"].id, SHOW_ONE[path]
        client = await sign_in_as(home, who)
        address = path.format(
            person_id=person,
            offering_id=home.offering.id,
            enrollment_id=home.enrollment_of(0).id,
            student_id=home.students[0].id,
        )
        answer = await client.get(address, headers=JSON if path.startswith("/api") else {})
        assert answer.status_code == 200, answer.text
        assert await readers_of(session, person) == {home.people[who].id}


async def readers_of(session: Session, person_id: UUID) -> set[UUID | None]:
    """Who has looked."""
    found = await session.scalars(
        select(AuditEntry.actor_person_id).where(AuditEntry.person_id == person_id, AuditEntry.kind == EntryKind.READ)
    )
    return set(found)
