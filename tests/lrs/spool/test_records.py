"""What requests brought, as bytes and back: nothing is lost on the way."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from academe.lrs.spool.records import decoded, encoded
from academe.platform.ids import new_id
from tests.lrs.statements.brought import SENDER, a_statement, batch_of

AT = datetime(2026, 11, 28, 4, 12, 30, 123456, tzinfo=UTC)


@pytest.mark.parametrize("institution_id", [None, new_id()])
def test_a_sender_comes_back_as_it_was(institution_id: UUID | None) -> None:
    sender = replace(SENDER, institution_id=institution_id)
    sent = replace(batch_of(a_statement(), a_statement(id=None), may_define=False), sender=sender)
    back = list(decoded(encoded([sent], AT), 0))
    assert [one.batch.statements[0].id for one in back] == [one.id for one in sent.statements]
    for one in back:
        for each in fields(sender):
            assert getattr(one.batch.sender, each.name) == getattr(sender, each.name), each.name
        assert (one.received_at, one.batch.version, one.batch.may_define) == (AT, sent.version, False)
