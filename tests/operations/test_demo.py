"""The demo institution: built whole, built once, and open to those who were given its passwords."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console
from sqlalchemy import func, select

from academe.academics.models import Attendance, Enrollment, Meeting, OfferingStaff, StudentRecord
from academe.academics.types import StaffRole
from academe.identity.api import sign_in
from academe.identity.errors import SignInRefusedError
from academe.identity.models import Account, Person, RoleGrant
from academe.identity.sign_in.throttle import AttemptThrottle
from academe.identity.types import AT_NODE, Role
from academe.insight.models import LearnerDay, RiskModel, RiskScore
from academe.operations.demo import building
from academe.operations.demo.accounts import completed, file_of, read_passwords, write_passwords
from academe.operations.demo.plan import LIKELY, PEOPLE, SHOWN_WEEK, WEEKS
from academe.operations.demo.progress import Steps
from academe.operations.demo.running import NotInProductionError, is_built, listener_for, prepare, welcome
from academe.operations.demo.standing import Standing, as_of, read_standing
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Database
from academe.platform.http.server import PortBusyError
from academe.platform.settings import Environment, Settings
from tests.support.databases import ServerOfTests

TESTER: Final = system_actor("test of the demo")
COUNTED: Final = (
    Account, Attendance, AuditEntry, Enrollment, LearnerDay, Meeting, OfferingStaff, Person, RiskModel, RiskScore,
    RoleGrant,
)  # fmt: skip


class TestPasswords:
    def test_each_installation_has_its_own(self) -> None:
        ours, theirs = completed({}), completed({})
        assert ours.keys() == theirs.keys() == {person.email for person in PEOPLE}
        assert not set(ours.values()) & set(theirs.values())
        assert min(map(len, ours.values())) >= 16

    def test_those_that_are_kept_stay(self) -> None:
        kept = completed({})
        del kept["advisor@demo.example"]
        again = completed(kept)
        assert again["lecturer@demo.example"] == kept["lecturer@demo.example"]
        assert again["advisor@demo.example"]

    def test_only_the_owner_can_read_the_file(self, tmp_path: Path) -> None:
        file = file_of(tmp_path / "not" / "yet there")
        write_passwords(file, {"advisor@demo.example": "secret"})
        assert file.stat().st_mode & 0o777 == 0o600
        assert read_passwords(file) == {"advisor@demo.example": "secret"}
        assert list(file.parent.iterdir()) == [file]
        assert file.parent.stat().st_mode & 0o777 == 0o700

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"a@demo.example": 1}', '"text"'])
    def test_a_file_that_nobody_understands_is_no_file(self, tmp_path: Path, content: str) -> None:
        file_of(tmp_path).write_text(content)
        assert read_passwords(file_of(tmp_path)) == {}


class TestPeople:
    def test_there_is_one_for_every_role_that_signs_in(self) -> None:
        assert sorted(person.role for person in PEOPLE) == sorted(set(Role) - {Role.SERVICE})


class TestPrepare:
    def test_production_is_refused(self, settings: Settings) -> None:
        production = settings.model_copy(update={"environment": Environment.PRODUCTION})
        with pytest.raises(NotInProductionError):
            prepare(production, Steps(Console(file=io.StringIO())))


class TestListener:
    def test_the_usual_port_gives_way_and_one_that_was_asked_for_does_not(self, settings: Settings) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as other:
            taken = other.getsockname()[1]
            usual = settings.model_copy(update={"host": "127.0.0.1", "port": taken})
            with closing(listener_for(usual, None)) as found:
                assert found.getsockname()[1] not in {0, taken}
            with pytest.raises(PortBusyError):
                listener_for(usual, taken)


@dataclass(frozen=True)
class Demo:
    """A demo that was built, with what was said meanwhile."""

    settings: Settings
    said: str

    @property
    def passwords(self) -> dict[str, str]:
        return read_passwords(file_of(self.settings.data_dir))

    def build(self) -> str:
        """Build what is missing; what was said."""
        heard = io.StringIO()
        building.build(self.settings, Steps(Console(file=heard)))
        return heard.getvalue()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    try:
        yield database
    finally:
        await database.close()


def asked(demo: Demo, question: Any) -> list[Any]:
    """The rows that answer a query, as the system sees them."""

    async def ask() -> list[Any]:
        async with opened(demo.settings) as database, database.reading(TESTER) as session:
            return list((await session.execute(question)).all())

    return asyncio.run(ask())


def counts(demo: Demo) -> dict[str, int]:
    return {model.__name__: asked(demo, select(func.count()).select_from(model))[0][0] for model in COUNTED}


def standing(demo: Demo) -> Standing:
    async def ask() -> Standing:
        async with opened(demo.settings) as database, database.reading(TESTER) as session:
            return await read_standing(session)

    return asyncio.run(ask())


def let_in(demo: Demo, email: str, password: str) -> bool:
    async def attempt() -> bool:
        async with opened(demo.settings) as database:
            try:
                await sign_in(
                    database, throttle=AttemptThrottle(), email=email, password=password, network="test of the demo"
                )
            except SignInRefusedError:
                return False
            return True

    return asyncio.run(attempt())


@pytest.fixture(scope="module")
def demo(server: ServerOfTests, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The whole demo in a database of this file."""
    name = f"academe_demo_{worker_id}"
    settings = server.clone(name).model_copy(update={"data_dir": tmp_path_factory.mktemp("demo")})
    demo = Demo(settings, "")
    yield Demo(settings, demo.build())
    server.drop(name)


@pytest.mark.slow
class TestBuild:
    def test_every_step_is_said_with_its_time(self, demo: Demo) -> None:
        lines = demo.said.strip().splitlines()
        assert len(lines) == 4
        assert all(line.startswith("✓ ") and line.endswith(" s") for line in lines)

    def test_it_stands_whole(self, demo: Demo) -> None:
        found = standing(demo)
        assert found.is_complete
        assert is_built(demo.settings)
        assert sorted(found.offerings) == ["2013J", "2014J"]
        assert found.scored == {as_of(found.scored_offering, week) for week in WEEKS}

    def test_only_the_later_presentation_is_scored_by_a_model_of_earlier_ones(self, demo: Demo) -> None:
        found = standing(demo)
        assert asked(demo, select(RiskScore.offering_id).distinct()) == [(found.scored_offering.id,)]
        ((card,),) = asked(demo, select(RiskModel.card))
        assert card["last_day"] <= found.scored_offering.ends_on.isoformat()
        assert not [name for name in card["trained_on"] if name.endswith("2014J")]

    def test_everybody_can_sign_in_and_holds_the_role(self, demo: Demo) -> None:
        granted = asked(
            demo, select(Account.email, RoleGrant.role).join(RoleGrant, RoleGrant.person_id == Account.person_id)
        )
        assert sorted(granted) == sorted((person.email, person.role) for person in PEOPLE if person.role in AT_NODE)
        for email, password in demo.passwords.items():
            assert let_in(demo, email, password), email

    def test_those_who_teach_do_so_in_both_offerings(self, demo: Demo) -> None:
        teaching = asked(demo, select(OfferingStaff.role, func.count()).group_by(OfferingStaff.role))
        assert sorted(teaching) == [(StaffRole.CONVENOR, 2), (StaffRole.LECTURER, 2), (StaffRole.TUTOR, 2)]

    def test_the_student_is_a_real_one_whose_risk_is_worth_a_talk(self, demo: Demo) -> None:
        found = standing(demo)
        ((name, number, probability),) = asked(
            demo,
            select(Person.display_name, StudentRecord.number, RiskScore.probability)
            .join(Account, Account.person_id == Person.id)
            .join(StudentRecord, StudentRecord.person_id == Person.id)
            .join(RiskScore, RiskScore.student_id == StudentRecord.id)
            .where(RiskScore.as_of == as_of(found.scored_offering, SHOWN_WEEK)),
        )
        assert name == f"Student {number}"
        assert probability == pytest.approx(LIKELY, abs=0.1)

    def test_no_attendance_is_made_up(self, demo: Demo) -> None:
        counted = counts(demo)
        assert counted["Meeting"] > 0
        assert counted["Attendance"] == 0

    def test_a_second_start_changes_nothing(self, demo: Demo) -> None:
        before, passwords = counts(demo), demo.passwords
        assert is_built(demo.settings)
        assert (counts(demo), demo.passwords) == (before, passwords)

    def test_what_is_printed_opens_the_accounts(self, demo: Demo) -> None:
        heard = io.StringIO()
        welcome(Console(file=heard, width=160), demo.settings, "http://localhost:1234")
        assert "http://localhost:1234" in heard.getvalue()
        for email, password in demo.passwords.items():
            assert email in heard.getvalue()
            assert password in heard.getvalue()

    def test_lost_passwords_are_replaced_and_nothing_else_changes(self, demo: Demo) -> None:
        old = demo.passwords
        before = counts(demo)
        file_of(demo.settings.data_dir).unlink()
        assert not is_built(demo.settings)
        demo.build()
        assert is_built(demo.settings)
        after = counts(demo)
        assert after.pop("AuditEntry") == before.pop("AuditEntry") + len(PEOPLE)
        assert after == before
        assert not let_in(demo, "advisor@demo.example", old["advisor@demo.example"])
        assert let_in(demo, "advisor@demo.example", demo.passwords["advisor@demo.example"])

    def test_a_start_killed_before_the_file_was_written_is_made_good(
        self, demo: Demo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file_of(demo.settings.data_dir).unlink()

        def killed(_file: Path, _passwords: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(building, "write_passwords", killed)
            with pytest.raises(KeyboardInterrupt):
                demo.build()
        assert not is_built(demo.settings)
        demo.build()
        assert is_built(demo.settings)
        assert let_in(demo, "student@demo.example", demo.passwords["student@demo.example"])
