"""What signing in must not tell or allow: timing, guesses, sessions that outlive their time."""

import time
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select, update

from academe.identity.errors import SignInRefusedError, TooManyAttemptsError
from academe.identity.models import Account, AccountSession
from academe.identity.sign_in.actors import _actors, actor_for
from academe.identity.sign_in.passwords import hashed, verified
from academe.identity.sign_in.service import sign_in
from academe.identity.sign_in.sessions import OpenedSession
from academe.identity.sign_in.throttle import FREE_ATTEMPTS, AttemptThrottle
from academe.identity.types import PersonStatus
from academe.platform import clock
from academe.platform.database.session import Session
from tests.identity.conftest import PASSWORD, give_password
from tests.schools import School
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Hand:
    """A clock that is moved by hand; seconds."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def throttle(hand: Hand) -> AttemptThrottle:
    return AttemptThrottle(clock=hand)


async def open_session(
    database: JoinedDatabase, session: Session, school: School, password_hash: str, *, who: str = "lecturer"
) -> OpenedSession:
    await give_password(session, school.accounts[who], password_hash)
    opened = await sign_in(
        database, throttle=AttemptThrottle(), email=f"{who}@{school.name}.example", password=PASSWORD, network="n"
    )
    assert isinstance(opened, OpenedSession)
    return opened


class TestTiming:
    @pytest.mark.slow
    async def test_an_unknown_address_takes_as_long_as_a_wrong_password(
        self, database: JoinedDatabase, session: Session, home: School, password_hash: str
    ) -> None:
        """The processor's time, which other work on the machine does not change: argon2 dominates both."""
        await give_password(session, home.accounts["lecturer"], password_hash)

        async def spent(email: str) -> float:
            times = []
            for attempt in range(5):
                begin = time.process_time()
                with pytest.raises(SignInRefusedError):
                    await sign_in(
                        database,
                        throttle=AttemptThrottle(),
                        email=email,
                        password=f"wrong words {attempt}",
                        network="n",
                    )
                times.append(time.process_time() - begin)
            return median(times)

        known, unknown = await spent("lecturer@home.example"), await spent("nobody@home.example")
        assert unknown == pytest.approx(known, rel=0.35)

    async def test_a_missing_hash_is_never_right(self) -> None:
        assert await verified("", None) == (False, None)
        assert await verified(PASSWORD, None) == (False, None)

    async def test_an_endless_password_costs_nothing_more(self, password_hash: str) -> None:
        assert await verified(PASSWORD + "x" * 1_000_000, password_hash) == (False, None)

    async def test_hashes_are_argon2id_and_salted(self) -> None:
        first, second = await hashed(PASSWORD), await hashed(PASSWORD)
        assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert first != second
        assert await verified(PASSWORD, first) == (True, None)


class TestThrottle:
    def test_guesses_are_held_up_longer_and_longer(self, throttle: AttemptThrottle, hand: Hand) -> None:
        pauses = []
        for _ in range(FREE_ATTEMPTS + 6):
            throttle.failed("a@b.example", "net")
            try:
                throttle.check("A@b.example ", "net")
            except TooManyAttemptsError as error:
                pauses.append(error.seconds)
                hand.seconds += error.seconds
        assert pauses == [30, 60, 120, 240, 480, 900, 900]

    def test_nobody_else_is_locked_out(self, throttle: AttemptThrottle) -> None:
        for _ in range(100):
            throttle.failed("a@b.example", "attacker")
        throttle.check("a@b.example", "owner")
        throttle.check("c@b.example", "attacker")
        with pytest.raises(TooManyAttemptsError) as refused:
            throttle.check("a@b.example", "attacker")
        assert refused.value.status == 429
        assert "15 minutes" in refused.value.message

    def test_a_right_password_and_an_hour_forgive(self, throttle: AttemptThrottle, hand: Hand) -> None:
        for _ in range(FREE_ATTEMPTS - 1):
            throttle.failed("a@b.example", "net")
        throttle.succeeded("a@b.example", "net")
        throttle.failed("a@b.example", "net")
        throttle.check("a@b.example", "net")
        for _ in range(FREE_ATTEMPTS - 2):
            throttle.failed("a@b.example", "net")
        hand.seconds += 3601
        throttle.failed("a@b.example", "net")
        throttle.check("a@b.example", "net")

    def test_it_remembers_so_many(self, hand: Hand) -> None:
        throttle = AttemptThrottle(most=2, clock=hand)
        for email in ("a@b.example", "c@b.example", "d@b.example"):
            for _ in range(FREE_ATTEMPTS):
                throttle.failed(email, "net")
        throttle.check("a@b.example", "net")
        with pytest.raises(TooManyAttemptsError):
            throttle.check("d@b.example", "net")

    async def test_the_right_password_is_held_up_too(
        self, database: JoinedDatabase, session: Session, home: School, password_hash: str, throttle: AttemptThrottle
    ) -> None:
        """Otherwise the answer to a guess would still come, only among others."""
        await give_password(session, home.accounts["lecturer"], password_hash)
        for _ in range(FREE_ATTEMPTS):
            throttle.failed("lecturer@home.example", "n")
        with pytest.raises(TooManyAttemptsError):
            await sign_in(database, throttle=throttle, email="lecturer@home.example", password=PASSWORD, network="n")


class TestWhoMaySignIn:
    async def test_a_deactivated_person_may_not(
        self, database: JoinedDatabase, session: Session, home: School, password_hash: str
    ) -> None:
        home.people["lecturer"].status = PersonStatus.DEACTIVATED
        with pytest.raises(SignInRefusedError):
            await open_session(database, session, home, password_hash)

    async def test_a_closed_account_may_not(
        self, database: JoinedDatabase, session: Session, home: School, password_hash: str
    ) -> None:
        home.accounts["lecturer"].is_active = False
        with pytest.raises(SignInRefusedError):
            await open_session(database, session, home, password_hash)

    async def test_an_old_hash_is_renewed(self, database: JoinedDatabase, session: Session, home: School) -> None:
        weak = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)).hash(PASSWORD)
        await open_session(database, session, home, weak)
        session.expire_all()
        renewed = await session.scalar(select(Account.password_hash).where(Account.email == "lecturer@home.example"))
        assert renewed is not None
        assert renewed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


class TestSessions:
    async def test_the_actor_behind_a_token(
        self, database: JoinedDatabase, session: Session, home: School, password_hash: str
    ) -> None:
        opened = await open_session(database, session, home, password_hash, who="advisor")
        actor = await actor_for(database, opened.token, ())
        assert (actor.person_id, actor.session_id) == (home.people["advisor"].id, opened.session_id)
        assert actor.org_unit_ids("advisor") == {home.department.id}

    async def test_a_guessed_token_is_nobody(self, database: JoinedDatabase, home: School) -> None:
        assert (await actor_for(database, "x" * 43, ())).is_anonymous

    async def test_idle_sessions_end(
        self, database: JoinedDatabase, session: Session, home: School, password_hash: str
    ) -> None:
        with clock.frozen(NOON):
            opened = await open_session(database, session, home, password_hash)
        idle = timedelta(minutes=database.settings.session_idle_minutes)
        with clock.frozen(NOON + idle + timedelta(seconds=1)):
            assert (await actor_for(database, opened.token, ())).is_anonymous
        with clock.frozen(NOON + idle - timedelta(seconds=1)):
            assert not (await actor_for(database, opened.token, ())).is_anonymous

    async def test_use_keeps_a_session_until_its_absolute_end(
        self, database: JoinedDatabase, session: Session, home: School, password_hash: str
    ) -> None:
        with clock.frozen(NOON):
            opened = await open_session(database, session, home, password_hash)
        idle = timedelta(minutes=database.settings.session_idle_minutes)
        end = NOON + timedelta(hours=database.settings.session_absolute_hours)
        moment = NOON
        while moment < end:
            with clock.frozen(moment):
                assert not (await actor_for(database, opened.token, ())).is_anonymous, moment
            moment += idle - timedelta(minutes=1)
            _actors.clear()
        with clock.frozen(end + timedelta(seconds=1)):
            assert (await actor_for(database, opened.token, ())).is_anonymous

    async def test_last_seen_is_written_once_a_minute(
        self, database: JoinedDatabase, session: Session, home: School, password_hash: str
    ) -> None:
        with clock.frozen(NOON):
            opened = await open_session(database, session, home, password_hash)
        seen = []
        for seconds in (0, 30, 61, 100):
            _actors.clear()
            with clock.frozen(NOON + timedelta(seconds=seconds)):
                await actor_for(database, opened.token, ())
            seen.append(await session.scalar(select(AccountSession.last_seen_at)))
        assert seen == [NOON, NOON, NOON + timedelta(seconds=61), NOON + timedelta(seconds=61)]

    async def test_an_actor_is_read_once_in_a_while(
        self, database: JoinedDatabase, session: Session, home: School, password_hash: str
    ) -> None:
        opened = await open_session(database, session, home, password_hash)
        first = await actor_for(database, opened.token, ())
        await session.execute(update(AccountSession).values(revoked_at=clock.now()))
        assert await actor_for(database, opened.token, ()) is first  # somebody else's process ended it
        _actors.clear()
        assert (await actor_for(database, opened.token, ())).is_anonymous
