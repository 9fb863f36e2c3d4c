"""Who a request comes from: Basic credentials and tokens, how long they are believed, and how they end."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from academe.lrs.senders import credentials as module
from academe.lrs.senders.credentials import Accepts, Credentials, KnownSender
from academe.lrs.senders.errors import CredentialsError, CredentialsRefusedError, TokenRefusedError
from academe.lrs.senders.models import Sender
from academe.lrs.senders.secret import hashed, new_secret
from academe.lrs.senders.service import Issued, create_sender, revoke_sender, rotate_secret
from academe.lrs.senders.tokens import Token, TokenSigner
from academe.lrs.senders.types import Scope
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.database.session import Database, Session
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

NOW = datetime(2030, 11, 21, 12, 0, tzinfo=UTC)


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def credentials(database: JoinedDatabase, seconds: Seconds) -> Credentials:
    return Credentials(database, monotonic=seconds)


@pytest.fixture
async def issued(session: Session, actor: Actor) -> Issued:
    """A sender of the installation that may write and read all statements."""
    scopes = (Scope.WRITE_STATEMENTS, Scope.READ_STATEMENTS)
    return await create_sender(
        session, actor=actor, name="Moodle", key="moodle", home_page="https://lrs.example.org", scopes=scopes
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time that the database was asked."""
    entries: list[str] = []
    look_up = module.look_up

    async def counted(database: Database, named: object, accepts: Accepts) -> KnownSender | None:
        entries.append("asked")
        return await look_up(database, named, accepts)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "look_up", counted)
    return entries


def basic(key: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


def bearer(credentials: Credentials, known: KnownSender, *scopes: Scope) -> str:
    return f"Bearer {credentials.token_for(known, frozenset(scopes))[0]}"


NOT_OURS = (
    *("", "Basic", "Basic ", "Basic:bW9vZGxlOng=", "Basic %%%", "Basic bW9vZGxl", "Basic /////w==", "Digest x"),
    *("Basic " + "A" * 9000, "Basic \N{SNOWMAN}", basic("RobCIsNot", "AUserOnThisLRS"), basic("moodle", "ü")),
)


class TestBasic:
    async def test_key_and_secret_name_the_sender(self, credentials: Credentials, issued: Issued) -> None:
        sender = await credentials.sender_of(basic("moodle", issued.secret))
        assert (sender.id, sender.name) == (issued.sender.id, "Moodle")
        assert sender.authority_key == "account:https://lrs.example.org|moodle"
        assert sender.scopes == {Scope.WRITE_STATEMENTS, Scope.READ_STATEMENTS}
        lower = basic("moodle", issued.secret).replace("Basic ", "basic   ")
        assert (await credentials.sender_of(lower)).id == issued.sender.id

    async def test_without_a_header_the_answer_asks_for_one(self, credentials: Credentials) -> None:
        with pytest.raises(CredentialsError) as asked:
            await credentials.sender_of(None)
        assert asked.value.status == 401
        assert asked.value.challenge.startswith('Basic realm="xAPI"')
        assert "Bearer" in asked.value.challenge

    @pytest.mark.parametrize("header", NOT_OURS)
    async def test_what_cannot_be_ours_is_refused_without_asking(
        self, credentials: Credentials, issued: Issued, asked: list[str], header: str
    ) -> None:
        """XAPI-00334 sends `Basic:...` and unknown credentials, and wants 401."""
        with pytest.raises(CredentialsRefusedError) as refused:
            await credentials.sender_of(header)
        assert refused.value.status == 401
        assert asked == []

    async def test_wrong_pairs_are_refused_and_leave_no_trace(
        self, credentials: Credentials, issued: Issued, session: Session
    ) -> None:
        for key, secret in (("moodle", new_secret()), ("noodle", issued.secret), ("moodle\0", issued.secret)):
            with pytest.raises(CredentialsRefusedError):
                await credentials.sender_of(basic(key, secret))
        used = select(Sender.last_used_at).where(Sender.id == issued.sender.id)
        assert (await session.execute(used)).scalar_one() is None


class TestBelief:
    async def test_the_database_is_asked_once_in_thirty_seconds(
        self, credentials: Credentials, issued: Issued, asked: list[str], seconds: Seconds
    ) -> None:
        header = basic("moodle", issued.secret)
        for later, times in ((0.0, 1), (29.9, 1), (0.2, 2), (29.9, 2), (0.2, 3)):
            seconds.now += later
            await credentials.sender_of(header)
            assert len(asked) == times, later

    async def test_many_at_once_ask_once(self, credentials: Credentials, issued: Issued, asked: list[str]) -> None:
        header = basic("moodle", issued.secret)
        senders = await asyncio.gather(*(credentials.sender_of(header) for _ in range(20)))
        assert {sender.id for sender in senders} == {issued.sender.id}
        assert len(asked) == 1

    async def test_who_gives_up_waiting_does_not_spoil_it_for_others(
        self, credentials: Credentials, issued: Issued, asked: list[str]
    ) -> None:
        header = basic("moodle", issued.secret)
        first, second = (asyncio.create_task(credentials.sender_of(header)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).id == issued.sender.id
        assert len(asked) == 1

    async def test_a_revocation_is_known_within_thirty_seconds(
        self, credentials: Credentials, issued: Issued, session: Session, actor: Actor, seconds: Seconds
    ) -> None:
        header = basic("moodle", issued.secret)
        await credentials.sender_of(header)
        await revoke_sender(session, actor=actor, sender_id=issued.sender.id)
        seconds.now += 30
        with pytest.raises(CredentialsRefusedError):
            await credentials.sender_of(header)

    async def test_a_refusal_is_not_kept(
        self, credentials: Credentials, issued: Issued, session: Session, actor: Actor
    ) -> None:
        secret = new_secret()
        with pytest.raises(CredentialsRefusedError):
            await credentials.sender_of(basic("canvas", secret))
        await session.execute(update(Sender).values(key="canvas", secret_hash=hashed(secret)))
        assert (await credentials.sender_of(basic("canvas", secret))).id == issued.sender.id

    async def test_the_end_of_a_sender_comes_to_the_second(
        self, credentials: Credentials, session: Session, actor: Actor
    ) -> None:
        issued = await create_sender(
            session, actor=actor, name="Trial", home_page="https://x.example", expires_at=NOW + timedelta(seconds=10)
        )
        header = basic(issued.sender.key, issued.secret)
        await credentials.sender_of(header)
        with clock.frozen(NOW + timedelta(seconds=10)), pytest.raises(CredentialsRefusedError):
            await credentials.sender_of(header)
        credentials.forget()
        with clock.frozen(NOW + timedelta(seconds=10)), pytest.raises(CredentialsRefusedError):
            await credentials.sender_of(header)

    async def test_use_is_noted_at_most_once_a_minute(
        self, credentials: Credentials, issued: Issued, session: Session
    ) -> None:
        used = select(Sender.last_used_at).where(Sender.id == issued.sender.id)
        for later, noted in ((0, 0), (59, 0), (60, 60), (100, 60), (121, 121)):
            credentials.forget()
            with clock.frozen(NOW + timedelta(seconds=later)):
                await credentials.sender_of(basic("moodle", issued.secret))
            assert (await session.execute(used)).scalar_one() == NOW + timedelta(seconds=noted), later


class TestUnreachable:
    @pytest.fixture
    def gone(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Let the database be gone from when this is called: append to the list."""
        state: list[str] = []
        look_up = module.look_up

        async def failing(database: Database, named: object, accepts: Accepts) -> KnownSender | None:
            if not state:
                return await look_up(database, named, accepts)  # type: ignore[arg-type]
            state.append("asked")
            raise OperationalError("SELECT", {}, Exception("connection refused"))

        monkeypatch.setattr(module, "look_up", failing)
        return state

    async def test_known_senders_are_believed_for_the_grace(
        self, database: JoinedDatabase, issued: Issued, seconds: Seconds, gone: list[str]
    ) -> None:
        credentials = Credentials(database, grace_seconds=600, monotonic=seconds)
        header = basic("moodle", issued.secret)
        await credentials.sender_of(header)
        gone.append("gone")
        seconds.now += 31
        for _ in range(3):
            assert (await credentials.sender_of(header)).id == issued.sender.id
        assert gone.count("asked") == 1
        seconds.now += 6
        await credentials.sender_of(header)
        assert gone.count("asked") == 2
        seconds.now += 600
        with pytest.raises(OperationalError):
            await credentials.sender_of(header)

    async def test_without_grace_nobody_is(
        self, credentials: Credentials, issued: Issued, seconds: Seconds, gone: list[str]
    ) -> None:
        header = basic("moodle", issued.secret)
        await credentials.sender_of(header)
        gone.append("gone")
        assert (await credentials.sender_of(header)).id == issued.sender.id
        seconds.now += 31
        with pytest.raises(OperationalError):
            await credentials.sender_of(header)
        with pytest.raises(OperationalError):
            await credentials.sender_of(basic("canvas", new_secret()))


class TestTokens:
    async def test_a_token_is_the_sender_with_its_scopes(self, credentials: Credentials, issued: Issued) -> None:
        known = await credentials.sender_with("moodle", issued.secret)
        sender = await credentials.sender_of(bearer(credentials, known, Scope.READ_OWN_STATEMENTS))
        assert sender.id == issued.sender.id
        assert sender.scopes == {Scope.READ_OWN_STATEMENTS}

    async def test_a_token_never_allows_more_than_its_sender(self, credentials: Credentials, issued: Issued) -> None:
        known = await credentials.sender_with("moodle", issued.secret)
        sender = await credentials.sender_of(bearer(credentials, known, Scope.ALL, Scope.WRITE_STATEMENTS))
        assert sender.scopes == {Scope.WRITE_STATEMENTS}

    async def test_it_ends_after_an_hour_or_with_its_sender(self, credentials: Credentials, issued: Issued) -> None:
        known = await credentials.sender_with("moodle", issued.secret)
        with clock.frozen(NOW):
            header = bearer(credentials, known, Scope.STATE)
        with clock.frozen(NOW + timedelta(minutes=59, seconds=59)):
            await credentials.sender_of(header)
        with clock.frozen(NOW + timedelta(hours=1)), pytest.raises(TokenRefusedError) as refused:
            await credentials.sender_of(header)
        assert 'error="invalid_token"' in refused.value.challenge
        shorter = KnownSender(known.sender, known.secret_hash, 1, NOW + timedelta(minutes=5))
        with clock.frozen(NOW):
            assert credentials.token_for(shorter, frozenset())[1] == 300

    @pytest.mark.parametrize("change", ["revoked", "rotated"])
    async def test_it_ends_with_the_secret(
        self,
        credentials: Credentials,
        issued: Issued,
        session: Session,
        actor: Actor,
        seconds: Seconds,
        change: str,
    ) -> None:
        known = await credentials.sender_with("moodle", issued.secret)
        header = bearer(credentials, known, Scope.WRITE_STATEMENTS)
        await credentials.sender_of(header)
        verb = revoke_sender if change == "revoked" else rotate_secret
        await verb(session, actor=actor, sender_id=issued.sender.id)
        seconds.now += 30
        with pytest.raises(TokenRefusedError):
            await credentials.sender_of(header)

    async def test_altered_tokens_are_refused_without_asking(
        self, credentials: Credentials, issued: Issued, asked: list[str]
    ) -> None:
        known = await credentials.sender_with("moodle", issued.secret)
        asked.clear()
        sealed = bearer(credentials, known, Scope.STATE).removeprefix("Bearer ")
        altered = [sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :] for place in range(62)]
        for text_ in (*altered, sealed + "AAAA", sealed[:-4], "", "x", "\N{SNOWMAN}", "A" * 5000, "====", sealed * 2):
            with pytest.raises(TokenRefusedError):
                await credentials.sender_of(f"Bearer {text_}")
        assert asked == []

    def test_another_key_signs_other_tokens(self, issued: Issued) -> None:
        token = Token(issued.sender.id, 1, frozenset({Scope.ALL}), NOW + timedelta(hours=1))
        ours, theirs = TokenSigner(b"a" * 32), TokenSigner(b"b" * 32)
        assert ours.open(ours.seal(token)) == token
        with pytest.raises(TokenRefusedError):
            ours.open(theirs.seal(token))


async def test_secrets_are_nowhere_in_what_is_kept(credentials: Credentials, issued: Issued) -> None:
    header = basic("moodle", issued.secret)
    await credentials.sender_of(header)
    kept = repr([*vars(credentials).values(), credentials._kept._kept])
    assert issued.secret not in kept
    assert header.removeprefix("Basic ") not in kept
