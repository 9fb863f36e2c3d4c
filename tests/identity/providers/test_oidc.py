"""Signing in by OpenID Connect: with an independent provider, and with one that says what it must not be believed."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select, update

from academe.identity.errors import SecondFactorRequiredError
from academe.identity.models import Account, AccountSession
from academe.identity.providers.models import IdentityProvider, ProviderSignIn
from academe.identity.providers.oidc import discovery
from academe.identity.providers.oidc.tokens import LOGOUT_EVENT
from academe.identity.providers.types import ProviderKind, UnknownPerson
from academe.identity.second_factor.service import set_roles_in_need
from academe.identity.sign_in.models import Passkey, SignInIdentity
from academe.identity.types import Role
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.identity.conftest import SignIn, browser_of
from tests.schools import School
from tests.support.oidc import MadeProvider, independent_provider, made_provider, tell_user

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
CLIENT = "academe"


@pytest.fixture(scope="module")
def independent() -> Iterator[str]:
    with independent_provider() as url:
        yield url


@pytest.fixture
def made() -> Iterator[MadeProvider]:
    with made_provider() as provider:
        yield provider


async def configured(session: Session, school: School, issuer: str, **more: Any) -> IdentityProvider:
    values = {"kind": ProviderKind.OIDC, "name": "Campus", "client_id": CLIENT, "client_secret": "sesame % +"}
    values |= {"unknown_person": UnknownPerson.REFUSE, **more}
    provider = IdentityProvider(institution_id=school.institution.id, issuer=issuer, **values)
    session.add(provider)
    await session.flush()
    return provider


async def connected(session: Session, provider: IdentityProvider, school: School, who: str, subject: str) -> None:
    person_id = school.people[who].id
    session.add(
        SignInIdentity(provider_id=provider.id, auth_provider="Campus", auth_provider_id=subject, person_id=person_id)
    )
    await session.flush()


async def sent(browser: httpx.AsyncClient, provider: IdentityProvider, path: str = "/account") -> str:
    answer = await browser.get(f"/sign-in/providers/{provider.id}", params={"next": path})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def back_from(browser: httpx.AsyncClient, made: MadeProvider, provider: IdentityProvider) -> httpx.Response:
    return await browser.get(made.authorize(await sent(browser, provider)))


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/api/v1/me", headers=JSON)).status_code == 200


class TestIndependentProvider:
    """oidc-provider-mock, as a process of its own."""

    async def authorized(self, address: str, subject: str) -> str:
        async with httpx.AsyncClient(trust_env=False) as elsewhere:
            answer = await elsewhere.post(address, data={"sub": subject})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    async def test_signs_in_who_is_connected(
        self, session: Session, home: School, browser: httpx.AsyncClient, independent: str
    ) -> None:
        provider = await configured(session, home, independent)
        await connected(session, provider, home, "lecturer", "ada")
        assert "Campus" in (await browser.get("/sign-in")).text
        address = await sent(browser, provider)
        asked = parse_qs(urlsplit(address).query)
        assert asked["code_challenge_method"] == ["S256"]
        answer = await browser.get(await self.authorized(address, "ada"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert (await browser.get("/api/v1/me", headers=JSON)).json()["person_id"] == str(home.people["lecturer"].id)
        entry = await session.scalar(select(AuditEntry.summary).where(AuditEntry.action == "account.signed_in"))
        assert entry == "Signed in with Campus"
        again = await browser.get("/api/v1/me/sign-in-identities", headers=JSON)
        assert again.json()[0]["auth_provider_id"] == "ada"

    async def test_connects_by_a_verified_address(
        self, session: Session, home: School, browser: httpx.AsyncClient, independent: str
    ) -> None:
        provider = await configured(
            session, home, independent, unknown_person=UnknownPerson.LINK, domains=["home.example"]
        )
        address = home.accounts["lecturer"].email
        tell_user(independent, "verified", email=address.upper(), email_verified=True)
        answer = await browser.get(await self.authorized(await sent(browser, provider), "verified"))
        assert answer.status_code == 303, answer.text
        assert await is_signed_in(browser)
        assert await session.scalar(select(SignInIdentity.auth_provider_id)) == "verified"

    async def test_connects_nobody_else(
        self, session: Session, home: School, away: School, browser: httpx.AsyncClient, independent: str
    ) -> None:
        provider = await configured(
            session, home, independent, unknown_person=UnknownPerson.LINK, domains=["home.example", "away.example"]
        )
        for who, address, verified in (
            ("unverified", home.accounts["lecturer"].email, False),
            ("verified in words", home.accounts["lecturer"].email, "true"),
            ("administrator", home.accounts["administrator"].email, True),
            ("registrar", home.accounts["registrar"].email, True),
            ("other school", away.accounts["lecturer"].email, True),
            ("nobody", "nobody@home.example", True),
            ("other domain", "lecturer@elsewhere.example", True),
        ):
            tell_user(independent, who, email=address, email_verified=verified)
            answer = await browser.get(await self.authorized(await sent(browser, provider), who))
            assert answer.status_code == 422, who
            assert not await is_signed_in(browser), who
        assert (await session.scalars(select(SignInIdentity))).all() == []

    async def test_its_refusal(
        self, session: Session, home: School, browser: httpx.AsyncClient, independent: str
    ) -> None:
        provider = await configured(session, home, independent)
        await sent(browser, provider)
        answer = await browser.get(f"/sign-in/providers/{provider.id}/callback?error=access_denied&state=x")
        assert answer.status_code == 422
        assert "did not sign you in" in answer.text

    async def test_administrators_try_it(
        self, session: Session, home: School, sign_in_as: SignIn, independent: str
    ) -> None:
        provider = await configured(session, home, independent)
        wrong = await configured(session, home, f"{independent}/elsewhere")
        administrator = await sign_in_as(home, "administrator")
        page = await administrator.post(f"/settings/providers/{provider.id}/try")
        assert "It publishes 1 key" in page.text
        assert f"/sign-in/providers/{provider.id}/callback" in page.text
        tried = await administrator.post(f"/api/v1/sign-in-providers/{provider.id}/try", headers=JSON)
        assert tried.json()["algorithms"] == ["RS256"]
        failed = await administrator.post(f"/settings/providers/{wrong.id}/try")
        assert (failed.status_code, "404" in failed.text) == (422, True)


class TestRefused:
    """Everything that must not sign anybody in."""

    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "https://elsewhere.example"},
            {"aud": "somebody-else"},
            {"aud": [CLIENT, "somebody-else"]},
            {"azp": "somebody-else"},
            {"aud": [CLIENT, "other"], "azp": "other"},
            {"exp": 1},
            {"iat": 1},
            {"iat": 99999999999},
            {"nbf": 99999999999},
            {"nonce": "another"},
            {"nonce": None},
            {"sub": ""},
            {"sub": 5},
            {"sub": "x" * 256},
            {"at_hash": "AAAA"},
            {"exp": "never"},
        ],
    )
    async def test_claims(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider, claims: dict[str, Any]
    ) -> None:
        provider = await configured(session, home, made.issuer)
        await connected(session, provider, home, "lecturer", "subject")
        made.claims = claims
        assert (await back_from(browser, made, provider)).status_code == 422
        assert not await is_signed_in(browser)

    @pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "nonce", "sub"])
    async def test_missing_claims(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider, claim: str
    ) -> None:
        provider = await configured(session, home, made.issuer)
        await connected(session, provider, home, "lecturer", "subject")
        made.change = lambda claims: claims.pop(claim)
        assert (await back_from(browser, made, provider)).status_code == 422

    async def test_signatures(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        await connected(session, provider, home, "lecturer", "subject")
        own, foreign = made.key, RSAKey.generate_key(2048, {"kid": "first"})
        real = made.signed
        for signed in (
            lambda claims, **_: _plain(claims),
            lambda claims, **_: _by(foreign, claims),
            lambda claims, **_: real(claims)[:-4] + "AAAA",
            lambda claims, **_: _by_secret(claims, own),
            lambda claims, **_: "not.a.token",
        ):
            made.signed = signed  # type: ignore[method-assign]
            assert (await back_from(browser, made, provider)).status_code == 422
        made.signed = real  # type: ignore[method-assign]
        assert (await back_from(browser, made, provider)).status_code == 303

    async def test_the_state_is_of_this_browser_and_counts_once(
        self, app: FastAPI, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        await connected(session, provider, home, "lecturer", "subject")
        back = made.authorize(await sent(browser, provider))
        async with browser_of(app) as stranger:
            assert (await stranger.get(back)).status_code == 422
            await sent(stranger, provider)
            assert (await stranger.get(back)).status_code == 422
        assert (await browser.get(back.replace("state=", "state=x"))).status_code == 422
        cookie = browser.cookies["academe_provider"]
        assert (await browser.get(back)).status_code == 303
        browser.cookies.set("academe_provider", cookie, domain="academe.test", path="/")
        await browser.post("/sign-out")
        assert (await browser.get(back)).status_code == 422

    async def test_too_late(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        back = made.authorize(await sent(browser, provider))
        await session.execute(update(ProviderSignIn).values(expires_at=clock.now()))
        assert (await browser.get(back)).status_code == 422

    async def test_the_answer_of_another_provider(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        await connected(session, provider, home, "lecturer", "subject")
        other = await configured(session, home, made.issuer, client_id="other")
        back = made.authorize(await sent(browser, provider))
        assert (await browser.get(back.replace(str(provider.id), str(other.id)))).status_code == 422
        assert (await browser.get(f"{back}&iss=https://elsewhere.example")).status_code == 422

    async def test_who_may_not_sign_in(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        assert (await back_from(browser, made, provider)).status_code == 422  # nobody is connected
        await connected(session, provider, home, "lecturer", "subject")
        await session.execute(update(Account).values(is_active=False))
        assert (await back_from(browser, made, provider)).status_code == 422
        provider.is_active = False
        await session.flush()
        assert (await browser.get(f"/sign-in/providers/{provider.id}")).status_code == 404

    @pytest.mark.parametrize(
        "document",
        [
            {"issuer": "https://elsewhere.example"},
            {"token_endpoint": "ftp://elsewhere.example"},
            {"jwks_uri": None},
            {"id_token_signing_alg_values_supported": ["none", "HS256"]},
            {"code_challenge_methods_supported": ["plain"]},
        ],
    )
    async def test_what_it_publishes(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider, document: dict[str, Any]
    ) -> None:
        made.document = document
        provider = await configured(session, home, made.issuer)
        assert (await browser.get(f"/sign-in/providers/{provider.id}")).status_code == 422

    async def test_no_redirect_is_followed(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        made.redirects_to = f"{made.issuer}/elsewhere"
        provider = await configured(session, home, made.issuer)
        answer = await browser.get(f"/sign-in/providers/{provider.id}")
        assert "answers with 302" in answer.text

    async def test_addresses_that_nothing_may_be_asked_of(
        self, session: Session, home: School, browser: httpx.AsyncClient
    ) -> None:
        provider = await configured(session, home, "http://169.254.169.254")
        answer = await browser.get(f"/sign-in/providers/{provider.id}")
        assert "ACADEME_SIGN_IN_PROVIDER_NETWORKS" in answer.text


class TestKeys:
    async def test_a_new_key_is_asked_for(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        await connected(session, provider, home, "lecturer", "subject")
        assert (await back_from(browser, made, provider)).status_code == 303
        await browser.post("/sign-out")
        made.key = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
        assert (await back_from(browser, made, provider)).status_code == 303

    async def test_how_the_client_shows_itself(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        await back_from(browser, made, provider)
        assert made.authorization == httpx.BasicAuth("academe", "sesame%20%25%20%2B")._auth_header
        assert "client_secret" not in made.form
        made.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        other = await configured(session, home, f"{made.issuer}", client_id="by-post")
        made.issuer = other.issuer
        discovery._metadata.clear()
        await back_from(browser, made, other)
        assert (made.authorization, made.form["client_secret"]) == ("", "sesame % +")


class TestSecondFactor:
    async def test_our_own_is_asked_for(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer, second_factor_values=["mfa"])
        await connected(session, provider, home, "lecturer", "subject")
        account_id = home.accounts["lecturer"].id
        session.add(Passkey(account_id=account_id, credential_id=b"x", public_key=b"x", sign_count=0, name="x"))
        await session.flush()
        made.claims = {"amr": ["pwd"]}
        answer = await back_from(browser, made, provider)
        assert answer.headers["location"].startswith("/sign-in/code")
        assert not await is_signed_in(browser)
        made.claims = {"amr": ["pwd", "mfa"]}
        assert (await back_from(browser, made, provider)).headers["location"] == "/account"
        assert await is_signed_in(browser)

    async def test_theirs_is_believed_where_the_administrator_says_so(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer, second_factor_values=["https://refeds.org/profile/mfa"])
        await connected(session, provider, home, "lecturer", "subject")
        await set_roles_in_need(
            session, actor=system_actor("test"), institution_id=home.institution.id, roles=[Role.LECTURER]
        )
        await back_from(browser, made, provider)
        refused = await browser.get("/api/v1/me", headers=JSON)
        assert refused.status_code == SecondFactorRequiredError.status
        await browser.post("/sign-out")
        made.claims = {"acr": "https://refeds.org/profile/mfa"}
        await back_from(browser, made, provider)
        assert await is_signed_in(browser)


def logout_token(made: MadeProvider, **claims: Any) -> str:
    now = int(time.time())
    said = {"iss": made.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "jti": f"j{time.monotonic_ns()}"}
    return made.signed({**said, "events": {LOGOUT_EVENT: {}}, **claims}, typ="logout+jwt")


class TestLogout:
    """Back-channel logout."""

    async def order(self, browser: httpx.AsyncClient, provider: IdentityProvider, token: str) -> int:
        headers = {"Sec-Fetch-Site": "", "Accept": "*/*"}
        path = f"/sign-in/providers/{provider.id}/logout"
        browser.cookies, kept = httpx.Cookies(), browser.cookies
        del browser.headers["Sec-Fetch-Site"]
        answer = await browser.post(path, data={"logout_token": token}, headers={"Accept": headers["Accept"]})
        browser.cookies = kept
        browser.headers["Sec-Fetch-Site"] = "same-origin"
        return answer.status_code

    async def test_ends_the_session_of_the_provider(
        self, app: FastAPI, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        await connected(session, provider, home, "lecturer", "subject")
        made.claims = {"sid": "one"}
        await back_from(browser, made, provider)
        async with browser_of(app) as other:
            made.claims = {"sid": "two"}
            await back_from(other, made, provider)
            token = logout_token(made, sid="one")
            assert await self.order(browser, provider, token) == 200
            assert (await is_signed_in(browser), await is_signed_in(other)) == (False, True)
            assert await self.order(browser, provider, token) == 400  # it counts once
            assert await self.order(browser, provider, logout_token(made, sub="subject")) == 200
            assert not await is_signed_in(other)

    async def test_refused(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        await connected(session, provider, home, "lecturer", "subject")
        await back_from(browser, made, provider)
        for wrong in (
            {"nonce": "n", "sub": "subject"},
            {"events": {}, "sub": "subject"},
            {"events": {LOGOUT_EVENT: 1}, "sub": "subject"},
            {"aud": "other", "sub": "subject"},
            {"iss": "https://elsewhere.example", "sub": "subject"},
            {"exp": 1, "sub": "subject"},
            {"jti": None, "sub": "subject"},
            {},
        ):
            assert await self.order(browser, provider, logout_token(made, **wrong)) == 400, wrong
        foreign = RSAKey.generate_key(2048, {"kid": "foreign"})
        made.key, own = foreign, made.key
        assert await self.order(browser, provider, logout_token(made, sub="subject")) == 400
        made.key = own
        assert await is_signed_in(browser)


class TestConnecting:
    async def test_asks_and_connects(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        administrator = await sign_in_as(home, "administrator")
        assert "Connect" in (await administrator.get("/account/security")).text
        way = await administrator.get(f"/account/security/providers/{provider.id}/connect")
        back = made.authorize(way.headers["location"])
        assert (await administrator.get(back)).headers["location"] == "/account/security/connect"
        assert (await session.scalars(select(SignInIdentity))).all() == []
        other = await sign_in_as(home, "lecturer")
        other.cookies.set("academe_provider", administrator.cookies["academe_provider"], domain="academe.test")
        assert (await other.post("/account/security/connect")).status_code == 422
        assert "subject" in (await administrator.get("/account/security/connect")).text
        answer = await administrator.post("/account/security/connect")
        assert answer.status_code == 303, answer.text
        async with browser_of(app) as elsewhere:
            await back_from(elsewhere, made, provider)
            assert await is_signed_in(elsewhere)
            identity = await session.scalar(select(SignInIdentity.id))
            ended = await administrator.post(f"/account/security/identities/{identity}/remove")
            assert ended.status_code == 303
            assert not await is_signed_in(elsewhere)

    async def test_what_somebody_else_has(
        self, session: Session, home: School, sign_in_as: SignIn, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        await connected(session, provider, home, "student0", "subject")
        lecturer = await sign_in_as(home, "lecturer")
        way = await lecturer.get(f"/account/security/providers/{provider.id}/connect")
        await lecturer.get(made.authorize(way.headers["location"]))
        assert (await lecturer.post("/account/security/connect")).status_code == 409

    async def test_only_shortly_after_signing_in(
        self, session: Session, home: School, sign_in_as: SignIn, made: MadeProvider
    ) -> None:
        provider = await configured(session, home, made.issuer)
        lecturer = await sign_in_as(home, "lecturer")
        long_ago = clock.now().replace(year=2020)
        await session.execute(update(AccountSession).values(created_at=long_ago))
        way = await lecturer.get(f"/account/security/providers/{provider.id}/connect")
        assert way.headers["location"] == "/account/security"


def _plain(claims: dict[str, Any]) -> str:

    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "none"}, claims)
    ]
    return ".".join([*parts, ""])


def _by(key: RSAKey, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, key)


def _by_secret(claims: dict[str, Any], own: RSAKey) -> str:
    """Signed with the public key, as if that were a secret."""

    def encoded(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    head = f"{encoded(json.dumps({'alg': 'HS256', 'kid': 'first'}).encode())}.{encoded(json.dumps(claims).encode())}"
    signature = hmac.new(own.as_pem(private=False), head.encode(), hashlib.sha256).digest()
    return f"{head}.{encoded(signature)}"
