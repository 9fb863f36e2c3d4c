"""The token endpoint by the sections of RFC 6749 that it follows."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from academe.lrs.http.exchange import Answer
from academe.lrs.http.token import FORM, grant_token
from academe.lrs.senders.credentials import Credentials
from academe.lrs.senders.secret import new_secret
from academe.lrs.senders.service import Issued, create_sender
from academe.lrs.senders.types import Scope
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

SCOPES = (Scope.WRITE_STATEMENTS, Scope.READ_STATEMENTS)
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def credentials(database: JoinedDatabase) -> Credentials:
    return Credentials(database)


@pytest.fixture
async def issued(session: Session, actor: Actor) -> Issued:
    """A sender whose key has a character that forms encode."""
    return await create_sender(
        session, actor=actor, name="Moodle", key="my~moodle", home_page="https://lrs.example.org", scopes=SCOPES
    )


def basic(key: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


async def ask(
    credentials: Credentials,
    form: dict[str, Any] | str,
    authorization: str | None = None,
    content_type: str = FORM,
) -> tuple[Answer, dict[str, Any]]:
    body = form if isinstance(form, str) else urlencode(form)
    answer = await grant_token(credentials, authorization=authorization, content_type=content_type, body=body.encode())
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return answer, json.loads(answer.body)


async def error_of(credentials: Credentials, form: dict[str, Any] | str, *more: str) -> tuple[int, str]:
    answer, told = await ask(credentials, form, *more)
    assert "access_token" not in told
    return answer.status, told["error"]


class TestGrant:
    @pytest.mark.parametrize("where", ["header", "encoded header", "form"])
    async def test_key_and_secret_get_a_token(self, credentials: Credentials, issued: Issued, where: str) -> None:
        """2.3.1, 4.4.2, 5.1"""
        pair = {"client_id": "my~moodle", "client_secret": issued.secret}
        form = GRANT | (pair if where == "form" else {})
        key = "my%7Emoodle" if where == "encoded header" else "my~moodle"
        answer, told = await ask(credentials, form, None if where == "form" else basic(key, issued.secret))
        assert answer.status == 200
        assert (told["token_type"], told["expires_in"]) == ("Bearer", 3600)
        assert told["scope"] == "statements/write statements/read"
        sender = await credentials.sender_of(f"Bearer {told['access_token']}")
        assert sender.id == issued.sender.id
        assert sender.scopes == set(SCOPES)

    async def test_a_part_of_what_the_sender_may(self, credentials: Credentials, issued: Issued) -> None:
        """3.3: what a scope implies may be asked for too."""
        header = basic("my~moodle", issued.secret)
        _, told = await ask(credentials, GRANT | {"scope": "statements/read/mine"}, header)
        assert told["scope"] == "statements/read/mine"
        sender = await credentials.sender_of(f"Bearer {told['access_token']}")
        assert sender.scopes == {Scope.READ_OWN_STATEMENTS}

    async def test_a_parameter_without_a_value_is_left_out(self, credentials: Credentials, issued: Issued) -> None:
        """3.2"""
        header = basic("my~moodle", issued.secret)
        answer, _ = await ask(credentials, GRANT | {"scope": "", "client_secret": "", "unknown": "x"}, header)
        assert answer.status == 200


class TestRefusal:
    async def test_the_client_is_not_known(self, credentials: Credentials, issued: Issued) -> None:
        """5.2: invalid_client is 401 and says which scheme to use."""
        wrong = [
            (GRANT, basic("my~moodle", new_secret())),
            (GRANT, "Basic !"),
            (GRANT, f"Bearer {issued.secret}"),
            (GRANT | {"client_id": "my~moodle", "client_secret": new_secret()}, None),
            (GRANT | {"client_id": "my~moodle"}, None),
            (GRANT, None),
        ]
        for form, header in wrong:
            answer, told = await ask(credentials, form, header)
            assert (answer.status, told["error"]) == (401, "invalid_client")
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")

    async def test_credentials_are_given_once(self, credentials: Credentials, issued: Issued) -> None:
        """2.3"""
        header = basic("my~moodle", issued.secret)
        twice = GRANT | {"client_id": "my~moodle", "client_secret": issued.secret}
        assert await error_of(credentials, twice, header) == (400, "invalid_request")
        assert await error_of(credentials, GRANT | {"client_id": "other"}, header) == (400, "invalid_request")
        answer, _ = await ask(credentials, GRANT | {"client_id": "my~moodle"}, header)
        assert answer.status == 200

    async def test_the_grant_is_of_another_kind(self, credentials: Credentials, issued: Issued) -> None:
        header = basic("my~moodle", issued.secret)
        assert await error_of(credentials, {"grant_type": "password"}, header) == (400, "unsupported_grant_type")
        assert await error_of(credentials, {"scope": "all"}, header) == (400, "invalid_request")

    async def test_more_is_asked_than_the_sender_may(self, credentials: Credentials, issued: Issued) -> None:
        header = basic("my~moodle", issued.secret)
        for scope in ("state", "all", "statements/write state", "nonsense"):
            assert await error_of(credentials, GRANT | {"scope": scope}, header) == (400, "invalid_scope")

    async def test_the_form_cannot_be_read(self, credentials: Credentials, issued: Issued) -> None:
        header = basic("my~moodle", issued.secret)
        broken = (
            "grant_type=client_credentials&grant_type=client_credentials",
            "&".join(f"f{number}=x" for number in range(30)),
            "grant_type=client_credentials&x=" + "y" * 9000,
        )
        for form in broken:
            assert await error_of(credentials, form, header) == (400, "invalid_request")
        assert await error_of(credentials, json.dumps(GRANT), header, "application/json") == (400, "invalid_request")
