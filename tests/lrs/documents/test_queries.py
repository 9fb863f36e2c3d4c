"""Lists are answered by an index, whatever the kind."""

import pytest
from sqlalchemy import ColumnElement, select, text

from academe.lrs.documents.models import XapiDocument
from academe.lrs.documents.queries import in_context
from academe.lrs.documents.types import Context, DocumentKind
from academe.platform.database.session import Session
from academe.platform.ids import new_id

pytestmark = pytest.mark.anyio

ACTIVITY, AGENT = "https://example.com/activities/quiz", "mbox:ada@example.com"


async def plan_of(session: Session, condition: ColumnElement[bool]) -> str:
    """The plan for all that a condition finds, where reading the whole table is no choice."""
    await session.execute(text("SELECT set_config('enable_seqscan', 'off', true)"))
    query = select(XapiDocument.document_id).where(condition)
    sql = str(query.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
    return "\n".join(await session.scalars(text(f"EXPLAIN {sql}".replace(":", r"\:"))))


@pytest.mark.parametrize(
    ("context", "index", "columns"),
    [
        (Context(DocumentKind.STATE, ACTIVITY, AGENT), "agent", ("agent_key", "activity_key")),
        (Context(DocumentKind.STATE, ACTIVITY, AGENT, new_id()), "agent", ("agent_key", "activity_key")),
        (Context(DocumentKind.AGENT_PROFILE, agent=AGENT), "agent", ("agent_key", "activity_key")),
        (Context(DocumentKind.ACTIVITY_PROFILE, ACTIVITY), "activity", ("activity_key",)),
    ],
)
async def test_an_index_finds_a_context(
    session: Session, context: Context, index: str, columns: tuple[str, ...]
) -> None:
    plan = await plan_of(session, in_context(context))
    assert f"ix_xapi_document_{index}" in plan, plan
    condition = next(line for line in plan.splitlines() if "Index Cond" in line)
    assert all(column in condition for column in columns), plan
