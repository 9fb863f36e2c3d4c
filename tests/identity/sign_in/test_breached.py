"""Breached passwords: the list in both of its forms, and every place where a password is set."""

from collections.abc import AsyncIterator, Sequence
from hashlib import sha1
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from academe.app import create_app
from academe.identity.errors import WeakPasswordError
from academe.identity.models import Account
from academe.identity.sign_in.breached import PREFIX, BreachedPasswords
from academe.identity.sign_in.passwords import verified
from academe.identity.sign_in.service import set_password
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from academe.platform.settings import Settings
from tests.identity.conftest import PASSWORD, browser_of, give_password
from tests.schools import School
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

STOLEN = ("correct horse battery staple", "äpfel und birnen 12", "password1password1")
OTHERS = tuple(f"somebody's password {number}" for number in range(500))


def hash_of(password: str) -> str:
    return sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def sorted_file(place: Path, passwords: Sequence[str], *, ending: str = "\r\n", last: str = "\r\n") -> Path:
    lines = [f"{digest}:{count}" for count, digest in enumerate(sorted(map(hash_of, passwords)), start=1)]
    place.write_bytes((ending.join(lines) + last).encode())
    return place


def folder(place: Path, passwords: Sequence[str], *, suffix: str = "") -> Path:
    """As the range API answers: CRLF between lines, none after the last."""
    place.mkdir()
    ranges: dict[str, list[str]] = {}
    for digest in sorted(map(hash_of, passwords)):
        ranges.setdefault(digest[:PREFIX], []).append(f"{digest[PREFIX:]}:3")
    for prefix, lines in ranges.items():
        (place / f"{prefix}{suffix}").write_bytes("\r\n".join(lines).encode())
    return place


@pytest.fixture
def breached(tmp_path: Path) -> BreachedPasswords:
    return BreachedPasswords(sorted_file(tmp_path / "list.txt", [*STOLEN, *OTHERS]))


class TestList:
    async def test_without_one_every_password_passes(self) -> None:
        assert not await BreachedPasswords().has(STOLEN[0])

    @pytest.mark.parametrize("suffix", ["", ".txt"])
    async def test_ranges(self, tmp_path: Path, suffix: str) -> None:
        breached = BreachedPasswords(folder(tmp_path / "ranges", [*STOLEN, *OTHERS], suffix=suffix))
        breached.check()
        assert all([await breached.has(each) for each in (*STOLEN, *OTHERS)])
        assert not any([await breached.has(f"{each}!") for each in (*STOLEN, *OTHERS)])

    @pytest.mark.parametrize(("ending", "last"), [("\r\n", "\r\n"), ("\n", "\n"), ("\n", ""), ("\n", "\n\n")])
    async def test_one_file(self, tmp_path: Path, ending: str, last: str) -> None:
        breached = BreachedPasswords(sorted_file(tmp_path / "list", [*STOLEN, *OTHERS], ending=ending, last=last))
        breached.check()
        assert all([await breached.has(each) for each in (*STOLEN, *OTHERS)])
        assert not any([await breached.has(f"{each}!") for each in (*STOLEN, *OTHERS)])

    @given(listed=st.sets(st.text(max_size=8), min_size=1, max_size=12), asked=st.text(max_size=8))
    async def test_one_file_of_any_size(
        self, tmp_path_factory: pytest.TempPathFactory, listed: set[str], asked: str
    ) -> None:
        breached = BreachedPasswords(sorted_file(tmp_path_factory.mktemp("any") / "list", sorted(listed)))
        assert all([await breached.has(each) for each in listed])
        assert await breached.has(asked) == (asked in listed)

    async def test_small_letters_and_no_counts(self, tmp_path: Path) -> None:
        (tmp_path / "list").write_text("\n".join(sorted(hash_of(each).lower() for each in STOLEN)))
        breached = BreachedPasswords(tmp_path / "list")
        breached.check()
        assert all([await breached.has(each) for each in STOLEN])

    def test_what_is_no_list_is_said_at_the_start(self, tmp_path: Path) -> None:
        (tmp_path / "words").write_text("password\n")
        (tmp_path / "ntlm").write_text("8846F7EAEE8FB117AD06BDD830B7586C:1\n")
        (tmp_path / "nothing").write_text("")
        (tmp_path / "empty").mkdir()
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "README").write_text("0" * 35)
        for name in ("words", "ntlm", "nothing", "empty", "other", "not there"):
            with pytest.raises(ValueError, match="ACADEME_BREACHED_PASSWORDS: "):
                BreachedPasswords(tmp_path / name).check()


class TestSetting:
    @pytest.fixture
    async def browser(
        self, settings: Settings, database: JoinedDatabase, breached: BreachedPasswords
    ) -> AsyncIterator[httpx.AsyncClient]:
        listed = settings.model_copy(update={"breached_passwords": breached.place})
        async with browser_of(create_app(listed, database)) as client:
            yield client

    async def test_ones_own(
        self, browser: httpx.AsyncClient, session: Session, home: School, password_hash: str
    ) -> None:
        account = home.accounts["lecturer"]
        await give_password(session, account, password_hash)
        await browser.post("/sign-in", data={"email": account.email, "password": PASSWORD})
        for new, status in ((STOLEN[0], 422), (f"{STOLEN[0]}!", 303)):
            form = {"present_password": PASSWORD, "new_password": new, "repeated_password": new}
            answer = await browser.post("/account/password", data=form)
            assert answer.status_code == status
            assert ("known from a theft of passwords" in answer.text) == (status == 422)
            stored = (await session.scalars(select(Account.password_hash).where(Account.id == account.id))).one()
            assert (await verified(new, stored))[0] == (status == 303)

    async def test_by_the_operator(self, session: Session, home: School, breached: BreachedPasswords) -> None:
        with pytest.raises(WeakPasswordError) as refused:
            await set_password(
                session,
                actor=system_actor("test"),
                account_id=home.accounts["lecturer"].id,
                password=STOLEN[1],
                breached=breached,
            )
        assert [error.field for error in refused.value.errors] == ["password"]

    def test_a_wrong_setting_stops_the_start(
        self, settings: Settings, database: JoinedDatabase, tmp_path: Path
    ) -> None:
        with pytest.raises(ValueError, match="ACADEME_BREACHED_PASSWORDS"):
            create_app(settings.model_copy(update={"breached_passwords": tmp_path / "gone"}), database)
