"""Signing in by SAML 2.0: with an independent provider, and with everything that must not be believed."""

import base64
import re
import zlib
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from lxml import etree, html
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from sqlalchemy import select

from academe.identity.providers.models import IdentityProvider
from academe.identity.providers.types import ProviderKind, UnknownPerson
from academe.identity.sign_in.models import SignInIdentity
from academe.platform.database.session import Session
from tests.identity.conftest import SignIn, browser_of
from tests.schools import School
from tests.support.saml import A, MadeSaml, P, independent_saml, posted

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
DS = "http://www.w3.org/2000/09/xmldsig#"
BASE = "http://academe.test/sign-in/providers"


@pytest.fixture(scope="module")
def made() -> MadeSaml:
    return MadeSaml()


async def configured(session: Session, school: School, made: MadeSaml, **more: Any) -> IdentityProvider:
    values: dict[str, Any] = {"sso_url": "https://idp.example/sso", "certificates": made.certificate}
    values |= {"unknown_person": UnknownPerson.REFUSE, "name": "Library", "client_id": "", **more}
    provider = IdentityProvider(
        institution_id=school.institution.id, kind=ProviderKind.SAML, issuer=made.issuer, **values
    )
    session.add(provider)
    await session.flush()
    identity = SignInIdentity(provider_id=provider.id, auth_provider="Library", auth_provider_id="subject")
    identity.person_id = school.people["lecturer"].id
    session.add(identity)
    await session.flush()
    return provider


async def asked(browser: httpx.AsyncClient, provider: IdentityProvider) -> Any:
    """The request that the browser is sent with."""
    answer = await browser.get(f"/sign-in/providers/{provider.id}?next=/account")
    assert answer.status_code == 303, answer.text
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert set(query) == {"SAMLRequest"}
    return etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15))


def answer_to(made: MadeSaml, provider: IdentityProvider, request: Any, **changes: Any) -> Any:
    return made.response(request.get("ID"), f"{BASE}/{provider.id}/saml", f"{BASE}/{provider.id}/metadata", **changes)


async def post(browser: httpx.AsyncClient, provider: IdentityProvider, response: Any) -> httpx.Response:
    """As a page of another site has a browser post it: without cookies."""
    cookies, browser.cookies = browser.cookies, httpx.Cookies()
    data = {"SAMLResponse": response if isinstance(response, str) else posted(response), "RelayState": "//evil.example"}
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = await browser.post(f"/sign-in/providers/{provider.id}/saml", data=data, headers=headers)
    browser.cookies = cookies
    return answer


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/api/v1/me", headers=JSON)).status_code == 200


class TestIndependentProvider:
    """saml-idp, as a process of its own."""

    async def test_signs_in(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeSaml, tmp_path: Path
    ) -> None:
        provider = await configured(session, home, made)
        places = f"{BASE}/{provider.id}"
        with independent_saml(tmp_path, made, f"{places}/saml", f"{places}/metadata") as sso_url:
            provider.sso_url = sso_url
            await session.flush()
            way = await browser.get(f"/sign-in/providers/{provider.id}?next=/account")
            async with httpx.AsyncClient(trust_env=False, base_url=sso_url) as elsewhere:
                asked_there = await elsewhere.get(way.headers["location"])
                forms = html.fromstring(asked_there.text).forms
                chosen = next(each for each in forms if each.action == "/signin")
                form = dict(chosen.form_values())
                form["nameIdentifier"] = form["userName"] = "subject"
                sent = await elsewhere.post(sso_url.replace("/saml/sso", "/signin"), data=form)
            back = html.fromstring(sent.text).forms[0]
        assert back.action == f"{places}/saml"
        answer = await post(browser, provider, dict(back.form_values())["SAMLResponse"])
        assert answer.status_code == 303, answer.text
        answer = await browser.get(answer.headers["location"])
        assert (answer.status_code, answer.headers["location"]) == (303, "/account"), answer.text
        assert (await browser.get("/api/v1/me", headers=JSON)).json()["person_id"] == str(home.people["lecturer"].id)


class TestAsking:
    async def test_the_request_and_our_metadata(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeSaml
    ) -> None:
        provider = await configured(session, home, made)
        request = await asked(browser, provider)
        assert request.get("Destination") == provider.sso_url
        told = await browser.get(f"/sign-in/providers/{provider.id}/metadata")
        root = etree.fromstring(told.content)
        assert root.get("entityID") == request.find(f"{{{A}}}Issuer").text
        consumer = root.find(".//{*}AssertionConsumerService")
        assert consumer.get("Location") == request.get("AssertionConsumerServiceURL")


class TestAnswers:
    async def test_signs_in_the_browser_that_asked(
        self, app: FastAPI, session: Session, home: School, browser: httpx.AsyncClient, made: MadeSaml
    ) -> None:
        provider = await configured(session, home, made)
        response = made.signed(answer_to(made, provider, await asked(browser, provider)))
        answered = await post(browser, provider, response)
        assert answered.headers["location"] == f"/sign-in/providers/{provider.id}/answered"
        async with browser_of(app) as stranger:
            assert (await stranger.get(answered.headers["location"])).status_code == 422
            await asked(stranger, provider)
            assert (await stranger.get(answered.headers["location"])).status_code == 422
        assert (await browser.get(answered.headers["location"])).headers["location"] == "/account"
        assert await is_signed_in(browser)
        assert (await post(browser, provider, response)).status_code == 422  # it counts once

    async def test_an_assertion_counts_once(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeSaml
    ) -> None:
        provider = await configured(session, home, made)
        for status in (303, 422):
            response = made.signed(answer_to(made, provider, await asked(browser, provider), id="_the-same"))
            assert (await post(browser, provider, response)).status_code == status

    async def test_links_by_address(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeSaml
    ) -> None:
        provider = await configured(session, home, made, unknown_person=UnknownPerson.LINK, domains=["home.example"])
        for who, status in (("convenor", 303), ("administrator", 422)):
            address = home.accounts[who].email
            request = await asked(browser, provider)
            response = made.signed(answer_to(made, provider, request, subject=who, address=address))
            answered = await post(browser, provider, response)
            assert (await browser.get(answered.headers["location"])).status_code == status, who
            await browser.post("/sign-out")

    @pytest.mark.parametrize(
        "changes",
        [
            {"issuer": "https://elsewhere.example"},
            {"audience": "https://elsewhere.example"},
            {"recipient": "https://elsewhere.example"},
            {"destination": "https://elsewhere.example"},
            {"request_id": "_another"},
            {"request_id": ""},
            {"until": datetime(2020, 1, 1, tzinfo=UTC)},
            {"ends": datetime(2020, 1, 1, tzinfo=UTC)},
            {"until": datetime.now(UTC) + timedelta(days=2)},
            {"begins": datetime.now(UTC) + timedelta(hours=1)},
            {"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"},
            {"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"},
            {"format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
            {"subject": ""},
        ],
    )
    async def test_refused(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeSaml, changes: dict[str, Any]
    ) -> None:
        provider = await configured(session, home, made)
        response = made.signed(answer_to(made, provider, await asked(browser, provider), **changes))
        assert (await post(browser, provider, response)).status_code == 422

    async def test_signatures_and_forms(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeSaml
    ) -> None:
        provider = await configured(session, home, made)
        request = await asked(browser, provider)

        def fresh() -> Any:
            return answer_to(made, provider, request)

        foreign = MadeSaml(issuer=made.issuer).signed(fresh())
        changed = made.signed(fresh())
        changed.find(f".//{{{A}}}NameID").text = "somebody else"
        whole = made.sign(fresh())
        by_sha1 = fresh()
        old = {"signature_algorithm": SignatureMethod.RSA_SHA256, "digest_algorithm": DigestAlgorithm.SHA224}
        by_sha1 = made.signed(by_sha1, **old)
        encrypted = fresh()
        encrypted.replace(encrypted.find(f"{{{A}}}Assertion"), etree.Element(f"{{{A}}}EncryptedAssertion"))
        entity = b'<!DOCTYPE x [<!ENTITY e "subject">]>' + etree.tostring(made.signed(fresh()))
        for wrong in (
            *(fresh(), foreign, changed, whole, by_sha1, encrypted, base64.b64encode(entity).decode()),
            *("not base64 at all", base64.b64encode(b"<a").decode(), "A" * 400_000),
        ):
            assert (await post(browser, provider, wrong)).status_code == 422
        assert (await post(browser, provider, made.sign(made.signed(fresh())))).status_code == 303

    async def test_a_comment_cuts_no_name_off(
        self, session: Session, home: School, browser: httpx.AsyncClient, made: MadeSaml
    ) -> None:
        provider = await configured(session, home, made)
        request = await asked(browser, provider)
        response = made.signed(answer_to(made, provider, request, subject="subject.evil.example"))
        cut = etree.tostring(response).replace(b">subject.evil", b">subject<!-- -->.evil")
        assert b"<!--" in cut
        answered = await post(browser, provider, base64.b64encode(cut).decode())
        assert (await browser.get(answered.headers["location"])).status_code == 422
        assert not await is_signed_in(browser)


def _evil(assertion: Any) -> Any:
    """The assertion in the name of somebody else, unsigned, with an id of its own."""
    evil = deepcopy(assertion)
    evil.set("ID", "_evil")
    evil.find(f".//{{{A}}}NameID").text = "victim"
    for signature in evil.findall(f"{{{DS}}}Signature"):
        evil.remove(signature)
    return evil


def _object(*children: Any) -> Any:
    holder = etree.Element(f"{{{DS}}}Object")
    holder.extend(children)
    return holder


def xsw1(response: Any, made: MadeSaml) -> Any:
    """The signed response inside the signature of another."""
    signed = made.sign(response)
    evil = deepcopy(response)
    evil.set("ID", "_evil-response")
    evil.replace(evil.find(f"{{{A}}}Assertion"), _evil(evil.find(f"{{{A}}}Assertion")))
    signature = signed.find(f"{{{DS}}}Signature")
    signed.remove(signature)
    signature.append(_object(signed))
    evil.insert(1, signature)
    return evil


def xsw2(response: Any, made: MadeSaml) -> Any:
    """The signed response before a detached signature of another."""
    signed = made.sign(response)
    evil = deepcopy(response)
    evil.set("ID", "_evil-response")
    evil.replace(evil.find(f"{{{A}}}Assertion"), _evil(evil.find(f"{{{A}}}Assertion")))
    signature = signed.find(f"{{{DS}}}Signature")
    signed.remove(signature)
    evil.insert(1, signature)
    evil.insert(1, signed)
    return evil


def xsw3(response: Any, made: MadeSaml) -> Any:
    """Another assertion before the signed one."""
    signed = made.signed(response)
    assertion = signed.find(f"{{{A}}}Assertion")
    assertion.addprevious(_evil(assertion))
    return signed


def xsw4(response: Any, made: MadeSaml) -> Any:
    """The signed assertion inside another."""
    signed = made.signed(response)
    assertion = signed.find(f"{{{A}}}Assertion")
    evil = _evil(assertion)
    signed.replace(assertion, evil)
    evil.append(assertion)
    return signed


def xsw5(response: Any, made: MadeSaml) -> Any:
    """The signature in another assertion, what it covers at the end of the response."""
    signed = made.signed(response)
    assertion = signed.find(f"{{{A}}}Assertion")
    evil = _evil(assertion)
    evil.insert(1, assertion.find(f"{{{DS}}}Signature"))
    signed.replace(assertion, evil)
    signed.append(assertion)
    return signed


def xsw6(response: Any, made: MadeSaml) -> Any:
    """What is signed inside the signature, which stands in another assertion."""
    signed = made.signed(response)
    assertion = signed.find(f"{{{A}}}Assertion")
    evil = _evil(assertion)
    signature = assertion.find(f"{{{DS}}}Signature")
    evil.insert(1, signature)
    signed.replace(assertion, evil)
    signature.append(assertion)
    return signed


def xsw7(response: Any, made: MadeSaml) -> Any:
    """Another assertion in the extensions of the response."""
    signed = made.signed(response)
    extensions = etree.Element(f"{{{P}}}Extensions")
    extensions.append(_evil(signed.find(f"{{{A}}}Assertion")))
    signed.insert(1, extensions)
    return signed


def xsw8(response: Any, made: MadeSaml) -> Any:
    """What is signed in an object of the signature of another assertion."""
    signed = made.signed(response)
    assertion = signed.find(f"{{{A}}}Assertion")
    evil = _evil(assertion)
    signature = assertion.find(f"{{{DS}}}Signature")
    evil.insert(1, signature)
    signed.replace(assertion, evil)
    signature.append(_object(assertion))
    return signed


class TestWrapping:
    """Signature wrapping, by the numbers that attackers' tools give the eight kinds."""

    @pytest.mark.parametrize("wrap", [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8], ids=lambda each: each.__name__)
    async def test_refused(
        self,
        session: Session,
        home: School,
        browser: httpx.AsyncClient,
        made: MadeSaml,
        wrap: Callable[[Any, MadeSaml], Any],
    ) -> None:
        provider = await configured(session, home, made)
        victim = SignInIdentity(provider_id=provider.id, auth_provider="Library", auth_provider_id="victim")
        victim.person_id = home.people["administrator"].id
        session.add(victim)
        await session.flush()
        response = wrap(answer_to(made, provider, await asked(browser, provider)), made)
        assert b"victim" in etree.tostring(response)
        assert (await post(browser, provider, response)).status_code == 422
        assert not await is_signed_in(browser)


class TestConfiguring:
    async def test_by_the_form(self, session: Session, home: School, sign_in_as: SignIn, made: MadeSaml) -> None:
        administrator = await sign_in_as(home, "administrator")
        assert "SAML 2.0" in (await administrator.get("/settings/providers/add?kind=saml")).text
        form = {
            "kind": "saml",
            "name": "Library",
            "issuer": made.issuer,
            "sso_url": "https://idp.example/sso",
            "certificates": made.certificate,
            "unknown_person": "refuse",
            "is_active": "true",
        }
        for name, wrong in (("certificates", "no"), ("sso_url", "idp"), ("issuer", "two words")):
            answer = await administrator.post("/settings/providers/add", data=form | {name: wrong})
            assert (answer.status_code, f'id="error-{name}"' in answer.text) == (422, True), name
        answer = await administrator.post("/settings/providers/add", data=form)
        assert answer.status_code == 303, answer.text
        page = await administrator.get(answer.headers["location"])
        assert re.search(r"/metadata</code>", page.text)
        changed = await administrator.post(answer.headers["location"], data=form | {"name": "Archive"})
        assert changed.status_code == 303, changed.text
        assert (await session.scalars(select(IdentityProvider.kind))).one() is ProviderKind.SAML
