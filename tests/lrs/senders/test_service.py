"""Adding, revoking and rotating senders: who may, what is kept, what is said in the audit."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from academe.lrs.senders.errors import SenderKeyInUseError, SenderNotFoundError, SenderRevokedError
from academe.lrs.senders.models import Sender
from academe.lrs.senders.secret import hashed, is_key, is_same
from academe.lrs.senders.service import Issued, create_sender, revoke_sender, rotate_secret
from academe.lrs.senders.types import Scope
from academe.platform import clock
from academe.platform.actor import ANONYMOUS, Actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import AuthenticationRequiredError, InvalidInputError, PermissionDeniedError
from academe.platform.ids import new_id
from tests.schools import TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

HOME_PAGE = "https://lrs.example.org"


async def add(session: Session, actor: Actor, **given: Any) -> Issued:
    return await create_sender(session, actor=actor, **{"name": "Moodle", "home_page": HOME_PAGE} | given)


async def refusal(session: Session, actor: Actor, **given: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as refused:
        await add(session, actor, **given)
    return [error.field for error in refused.value.errors]


class TestCreate:
    async def test_the_secret_is_kept_as_its_hash_alone(self, session: Session, actor: Actor) -> None:
        issued = await add(session, actor)
        assert len(issued.secret) == 43
        row = (await session.execute(text("SELECT row_to_json(s)::text FROM xapi_sender s"))).scalar_one()
        assert issued.secret not in row
        assert is_same(issued.secret, issued.sender.secret_hash)
        assert not is_same(issued.secret[::-1], issued.sender.secret_hash)
        assert issued.sender.secret_hash == hashed(issued.secret)

    async def test_without_a_key_one_is_made_of_the_name(self, session: Session, actor: Actor) -> None:
        sender = (await add(session, actor, name="  Übungen & Labs, 2nd  ")).sender
        assert sender.name == "Übungen & Labs, 2nd"
        assert sender.key.startswith("bungen-labs-2nd-")
        assert is_key(sender.key)
        assert sender.key != (await add(session, actor, name=sender.name)).sender.key
        assert (await add(session, actor, name="测")).sender.key.startswith("sender-")

    async def test_its_authority_is_its_account(self, session: Session, actor: Actor) -> None:
        sender = (await add(session, actor, key="moodle")).sender
        assert sender.authority == {"objectType": "Agent", "account": {"homePage": HOME_PAGE, "name": "moodle"}}
        assert sender.authority_key == f"account:{HOME_PAGE}|moodle"
        assert sender.scopes == ["statements/write", "statements/read/mine"]

    async def test_another_authority_is_checked_like_any_agent(self, session: Session, actor: Actor) -> None:
        sender = (await add(session, actor, authority={"mbox": "mailto:lms@Example.org"})).sender
        assert sender.authority_key == "mbox:lms@example.org"
        assert await refusal(session, actor, authority={"mbox": "nobody"}) == ["authority.mbox"]
        assert await refusal(session, actor, authority={"name": "nobody"}) == ["authority"]
        assert await refusal(session, actor, home_page="not an address") == ["authority.account.homePage"]

    async def test_what_is_wrong_is_named(self, session: Session, actor: Actor) -> None:
        assert await refusal(session, actor, name=" ") == ["name"]
        assert await refusal(session, actor, name="two\nlines") == ["name"]
        past = clock.now() - timedelta(seconds=1)
        wrong = await refusal(session, actor, key="a:b", scopes=(), expires_at=past)
        assert wrong == ["key", "scopes", "expires_at"]

    async def test_a_key_is_never_used_again(self, session: Session, actor: Actor) -> None:
        first = await add(session, actor, key="moodle")
        await revoke_sender(session, actor=actor, sender_id=first.sender.id)
        with pytest.raises(SenderKeyInUseError):
            await add(session, actor, key="moodle")

    async def test_only_administrators_of_the_institution_may(
        self, session: Session, two_schools: TwoSchools, operator: Actor
    ) -> None:
        institution = two_schools.home.institution.id
        for who in ("registrar", "faculty_administrator", "lecturer", "student0"):
            with pytest.raises(PermissionDeniedError):
                await add(session, two_schools.home.actor(who), institution_id=institution)
        for stranger in (operator, two_schools.away.actor("administrator")):
            with pytest.raises(PermissionDeniedError):
                await add(session, stranger, institution_id=institution)
        with pytest.raises(AuthenticationRequiredError):
            await add(session, ANONYMOUS, institution_id=institution)
        administrator = two_schools.home.actor("administrator")
        with pytest.raises(PermissionDeniedError):
            await add(session, administrator)  # the installation's own
        with pytest.raises(PermissionDeniedError):
            await add(session, administrator, institution_id=institution, authority={"mbox": "mailto:a@example.org"})
        async with as_actor(session, administrator):
            assert (await add(session, administrator, institution_id=institution)).sender.institution_id == institution


class TestRevoke:
    async def test_it_is_revoked_for_good(self, session: Session, actor: Actor) -> None:
        sender = (await add(session, actor)).sender
        first = (await revoke_sender(session, actor=actor, sender_id=sender.id)).revoked_at
        assert first is not None
        assert (await revoke_sender(session, actor=actor, sender_id=sender.id)).revoked_at == first
        with pytest.raises(SenderRevokedError):
            await rotate_secret(session, actor=actor, sender_id=sender.id)

    async def test_strangers_do_not_know_of_it(
        self, session: Session, actor: Actor, two_schools: TwoSchools, operator: Actor
    ) -> None:
        sender = (await add(session, actor, institution_id=two_schools.home.institution.id)).sender
        with pytest.raises(SenderNotFoundError):
            await revoke_sender(session, actor=two_schools.away.actor("administrator"), sender_id=sender.id)
        with pytest.raises(SenderNotFoundError):
            await revoke_sender(session, actor=actor, sender_id=new_id())
        with pytest.raises(PermissionDeniedError):
            await revoke_sender(session, actor=two_schools.home.actor("student0"), sender_id=sender.id)
        with pytest.raises(PermissionDeniedError):
            await rotate_secret(session, actor=operator, sender_id=sender.id)


class TestRotate:
    async def test_the_secret_before_is_worth_nothing(self, session: Session, actor: Actor) -> None:
        first = await add(session, actor)
        second = await rotate_secret(session, actor=actor, sender_id=first.sender.id)
        assert second.secret != first.secret
        assert second.sender.secret_version == 2
        assert is_same(second.secret, second.sender.secret_hash)
        assert not is_same(first.secret, second.sender.secret_hash)


class TestAudit:
    async def test_each_verb_leaves_an_entry_without_the_secret(self, session: Session, actor: Actor) -> None:
        issued = await add(session, actor, key="moodle", scopes=[Scope.ALL])
        rotated = await rotate_secret(session, actor=actor, sender_id=issued.sender.id)
        await revoke_sender(session, actor=actor, sender_id=issued.sender.id)
        await session.finish()
        query = select(AuditEntry).where(AuditEntry.subject_id == issued.sender.id).order_by(AuditEntry.seq)
        entries = (await session.execute(query)).scalars().all()
        actions = [entry.action for entry in entries]
        assert actions == ["xapi_sender.created", "xapi_sender.secret_rotated", "xapi_sender.revoked"]
        changes = entries[0].changes
        assert changes is not None
        assert changes["scopes"] == ["all"]
        told = "".join(f"{entry.summary}{entry.changes}" for entry in entries)
        assert issued.secret not in told
        assert rotated.secret not in told


class TestTable:
    async def test_the_database_refuses_unknown_scopes(self, session: Session, actor: Actor) -> None:
        sender = (await add(session, actor)).sender
        with pytest.raises(DBAPIError, match="ck_xapi_sender_scopes_known"):
            async with session.begin_nested():
                await session.execute(
                    text("UPDATE xapi_sender SET scopes = '{root}' WHERE id = :id"), {"id": sender.id}
                )

    async def test_operators_read_and_do_not_write(
        self, session: Session, actor: Actor, two_schools: TwoSchools, operator: Actor
    ) -> None:
        sender = (await add(session, actor, institution_id=two_schools.home.institution.id)).sender
        async with as_actor(session, operator):
            found = (await session.execute(select(Sender.key))).scalars().all()
            assert found == [sender.key]
            changed = await session.execute(text("UPDATE xapi_sender SET name = 'x' RETURNING id"))
            assert changed.all() == []
