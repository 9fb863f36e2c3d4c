"""The way in and out, and one's own account, as a browser meets them."""

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select

from academe.app import create_app
from academe.identity.api import create_account, create_person, grant_role
from academe.identity.models import AccountSession
from academe.identity.pages import device_of
from academe.identity.sign_in.browser import local_path
from academe.identity.sign_in.renewal import token_hash
from academe.identity.types import Role
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.settings import Settings
from tests.identity.conftest import PASSWORD, SignIn, browser_of, give_password
from tests.schools import School
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio


class TestHome:
    async def test_anonymous_is_welcomed(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/")
        assert answer.status_code == 200
        assert "See early who needs help" in answer.text
        assert 'href="/sign-in"' in answer.text

    async def test_somebody_without_pages_is_told_why(self, home: School, sign_in_as: SignIn) -> None:
        student = await sign_in_as(home, "student0")
        answer = await student.get("/", follow_redirects=True)
        assert answer.status_code == 200
        assert "Student 10000" in answer.text

    async def test_somebody_whose_role_has_no_page_is_not_told_that_they_hold_none(
        self, home: School, session: Session, sign_in_as: SignIn
    ) -> None:
        tester, place = system_actor("test"), home.institution.id
        async with as_actor(session, tester):
            person = await create_person(session, actor=tester, institution_id=place, display_name="Expert")
            await grant_role(session, actor=tester, person_id=person.id, org_unit_id=place, role=Role.EXPERT)
            home.accounts["expert"] = await create_account(
                session, actor=tester, person_id=person.id, email="expert@home.example"
            )
        answer = await (await sign_in_as(home, "expert")).get("/")
        assert "No page for your role yet" in answer.text


class TestSignIn:
    async def test_the_form(self, browser: httpx.AsyncClient, home: School) -> None:
        answer = await browser.get("/sign-in?next=/account&email=a%40b.example")
        assert answer.status_code == 200
        assert 'name="next" value="/account"' in answer.text
        assert 'value="a@b.example"' in answer.text

    async def test_a_demo_lists_addresses_and_never_passwords(self, browser: httpx.AsyncClient, home: School) -> None:
        text = (await browser.get("/sign-in")).text
        assert "advisor@away.example" in text
        assert PASSWORD not in text

    async def test_production_lists_nobody(
        self, server_settings: Settings, database: JoinedDatabase, home: School
    ) -> None:
        async with browser_of(create_app(server_settings, database)) as browser:
            answer = await browser.get("/sign-in")
        assert answer.status_code == 200
        assert ".example" not in answer.text

    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("nobody@home.example", PASSWORD),
            ("lecturer@home.example", "not the right words"),
            ("student1@home.example", PASSWORD),
        ],
        ids=["unknown address", "wrong password", "account without a password"],
    )
    async def test_what_was_wrong_is_not_told(
        self,
        browser: httpx.AsyncClient,
        session: Session,
        home: School,
        password_hash: str,
        email: str,
        password: str,
    ) -> None:
        await give_password(session, home.accounts["lecturer"], password_hash)
        answer = await browser.post("/sign-in", data={"email": email, "password": password})
        assert answer.status_code == 422
        assert "The e-mail address or the password is not right." in answer.text
        assert password not in answer.text
        assert "set-cookie" not in answer.headers

    async def test_missing_fields_are_named(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.post("/sign-in", data={"email": "", "password": ""})
        assert answer.status_code == 422
        assert answer.text.count("Please fill this in.") == 2

    async def test_a_right_password_opens_a_session(
        self, browser: httpx.AsyncClient, session: Session, home: School, password_hash: str
    ) -> None:
        await give_password(session, home.accounts["lecturer"], password_hash)
        form = {"email": " Lecturer@HOME.example ", "password": PASSWORD, "next": "/account"}
        answer = await browser.post("/sign-in", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("academe_session=")
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "path=/" in cookie
        assert "domain" not in cookie
        stored = await session.scalar(select(AccountSession.token_hash))
        assert stored == token_hash(browser.cookies["academe_session"])
        actions = (await session.scalars(select(AuditEntry.action))).all()
        assert actions == ["account.signed_in"]

    async def test_over_https_the_cookie_belongs_to_this_host_alone(
        self, server_settings: Settings, database: JoinedDatabase, session: Session, home: School, password_hash: str
    ) -> None:
        await give_password(session, home.accounts["lecturer"], password_hash)
        async with browser_of(create_app(server_settings, database)) as browser:
            form = {"email": "lecturer@home.example", "password": PASSWORD}
            answer = await browser.post("/sign-in", data=form)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-academe_session=")
        assert "Secure" in cookie

    async def test_the_session_before_ends(self, home: School, sign_in_as: SignIn, app: FastAPI) -> None:
        browser = await sign_in_as(home, "lecturer")
        before = browser.cookies["academe_session"]
        await browser.post("/sign-in", data={"email": "lecturer@home.example", "password": PASSWORD})
        assert browser.cookies["academe_session"] != before
        async with browser_of(app) as thief:
            thief.cookies.set("academe_session", before)
            assert (await thief.get("/api/v1/me", headers={"Accept": "application/json"})).status_code == 401

    async def test_whoever_is_signed_in_goes_on(self, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        answer = await browser.get("/sign-in?next=/account")
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")

    async def test_a_page_of_another_site_cannot_sign_anybody_in(
        self, browser: httpx.AsyncClient, home: School
    ) -> None:
        form = {"email": "lecturer@home.example", "password": PASSWORD}
        answer = await browser.post("/sign-in", data=form, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403

    @pytest.mark.parametrize(
        ("given", "followed"),
        [
            ("/offerings?term=2026A", "/offerings?term=2026A"),
            ("", "/"),
            ("https://elsewhere.example/", "/"),
            ("//elsewhere.example/", "/"),
            ("/\\elsewhere.example", "/"),
            ("\\\\elsewhere.example", "/"),
            ("javascript:alert(1)", "/"),
            ("/a\nSet-Cookie: b", "/"),
            ("/\t/elsewhere.example", "/"),
            ("account", "/"),
            ("/sign-in?next=/sign-in", "/"),
        ],
    )
    def test_next_stays_here(self, given: str, followed: str) -> None:
        assert local_path(given) == followed


class TestSignOut:
    async def test_anonymous_loses_nothing(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.post("/sign-out")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")

    async def test_the_session_ends_at_once(self, home: School, sign_in_as: SignIn, app: FastAPI) -> None:
        browser = await sign_in_as(home, "lecturer")
        token = browser.cookies["academe_session"]
        assert (await browser.get("/api/v1/me")).status_code == 200
        answer = await browser.post("/sign-out")
        assert answer.status_code == 303
        assert "academe_session" not in browser.cookies
        async with browser_of(app) as thief:
            thief.cookies.set("academe_session", token)
            assert (await thief.get("/api/v1/me", headers={"Accept": "application/json"})).status_code == 401


class TestMe:
    async def test_anonymous(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/api/v1/me", headers={"Accept": "application/json"})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_scopes_come_from_roles_and_offerings(self, home: School, sign_in_as: SignIn) -> None:
        lecturer = (await (await sign_in_as(home, "lecturer")).get("/api/v1/me")).json()
        assert lecturer["name"] == "Lecturer of home"
        assert lecturer["scopes"] == [
            {
                "role": "lecturer",
                "institution_id": str(home.institution.id),
                "org_unit_id": None,
                "offering_id": str(home.offering.id),
            }
        ]
        administrator = (await (await sign_in_as(home, "faculty_administrator")).get("/api/v1/me")).json()
        nodes = {scope["org_unit_id"] for scope in administrator["scopes"]}
        assert nodes == {str(home.faculty.id), str(home.department.id)}


class TestAccount:
    async def test_anonymous_is_sent_to_sign_in(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/account")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=")

    async def test_it_says_why_one_sees_what_one_sees(self, home: School, sign_in_as: SignIn) -> None:
        text = (await (await sign_in_as(home, "advisor")).get("/account")).text
        assert "Department of Mathematics" in text
        assert "Firefox on Linux" in text
        text = (await (await sign_in_as(home, "convenor")).get("/account")).text
        assert "1 offering" in text

    async def test_a_stranger_cannot_end_a_session(
        self, home: School, away: School, session: Session, sign_in_as: SignIn
    ) -> None:
        owner = await sign_in_as(home, "lecturer")
        session_id = await session.scalar(select(AccountSession.id))
        for school, who in ((away, "administrator"), (home, "administrator")):
            answer = await (await sign_in_as(school, who)).post(f"/account/sessions/{session_id}/end")
            assert answer.status_code == 404
        assert (await owner.get("/api/v1/me")).status_code == 200

    async def test_one_of_ones_own_sessions_ends(self, home: School, session: Session, sign_in_as: SignIn) -> None:
        lost = await sign_in_as(home, "lecturer")
        lost_id = await session.scalar(
            select(AccountSession.id).where(AccountSession.token_hash == token_hash(lost.cookies["academe_session"]))
        )
        present = await sign_in_as(home, "lecturer")
        assert str(lost_id) in (await present.get("/account")).text
        assert (await present.post(f"/account/sessions/{lost_id}/end")).status_code == 303
        assert (await lost.get("/api/v1/me", headers={"Accept": "application/json"})).status_code == 401
        assert (await present.get("/api/v1/me")).status_code == 200

    async def test_all_others_end(self, home: School, session: Session, sign_in_as: SignIn) -> None:
        others = [await sign_in_as(home, "lecturer") for _ in range(2)]
        present = await sign_in_as(home, "lecturer")
        assert (await present.post("/account/sessions/end-others")).status_code == 303
        for other in others:
            assert (await other.get("/api/v1/me", headers={"Accept": "application/json"})).status_code == 401
        assert (await present.get("/api/v1/me")).status_code == 200
        actions = (await session.scalars(select(AuditEntry.action))).all()
        assert actions[-1] == "session.others_ended"

    @pytest.mark.parametrize(
        ("form", "said"),
        [
            ({"present_password": "wrong words here", "new_password": "five more quiet words"}, "not your present"),
            ({"present_password": PASSWORD, "new_password": "short"}, "Please choose 12 to 200 characters."),
            ({"present_password": PASSWORD, "new_password": "aaaaaaaaaaaaaaaa"}, "more different characters"),
            ({"present_password": PASSWORD, "new_password": "Lecturer@home.example"}, "not your address"),
        ],
    )
    async def test_a_password_that_will_not_do(
        self, home: School, sign_in_as: SignIn, form: dict[str, str], said: str
    ) -> None:
        browser = await sign_in_as(home, "lecturer")
        answer = await browser.post("/account/password", data=form | {"repeated_password": form["new_password"]})
        assert answer.status_code == 422
        assert said in answer.text

    async def test_a_password_not_repeated(self, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        form = {"present_password": PASSWORD, "new_password": "five more quiet words", "repeated_password": "x"}
        answer = await browser.post("/account/password", data=form)
        assert answer.status_code == 422
        assert "not the same password again" in answer.text

    async def test_a_new_password_signs_every_other_browser_out(
        self, home: School, session: Session, sign_in_as: SignIn, app: FastAPI
    ) -> None:
        other = await sign_in_as(home, "lecturer")
        browser = await sign_in_as(home, "lecturer")
        before = browser.cookies["academe_session"]
        new = "five more quiet words"
        form = {"present_password": PASSWORD, "new_password": new, "repeated_password": new}
        assert (await browser.post("/account/password", data=form)).status_code == 303
        assert browser.cookies["academe_session"] != before
        assert (await browser.get("/api/v1/me")).status_code == 200
        assert (await other.get("/api/v1/me", headers={"Accept": "application/json"})).status_code == 401
        actions = (await session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq))).all()
        assert actions[-1] == "account.password_changed"
        async with browser_of(app) as again:
            signed = await again.post("/sign-in", data={"email": "lecturer@home.example", "password": new})
            assert signed.status_code == 303


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5", "A program"),
    ],
)
def test_devices_have_names(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


@pytest.fixture
def server_settings(settings: Settings) -> Settings:
    """The settings of this worker's database as a production server would have them."""
    return Settings.model_validate(
        settings.model_dump()
        | {
            "environment": "production",
            "allowed_hosts": ("academe.test",),
            "secret_key": SecretStr("a secret of these tests alone, long enough"),
            "encryption_master_keys": (SecretStr("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),),
        }
    )
