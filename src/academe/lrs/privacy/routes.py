"""JSON of erasures and of retention."""

import json

from starlette.requests import Request

from academe.lrs.privacy.keeping import Retention, change_rule, retention_for
from academe.lrs.privacy.schemas import ErasureIn, ErasureOut, OverOut, RetentionOut, RuleIn, RunOut
from academe.lrs.privacy.service import erase_agent
from academe.lrs.privacy.types import HOME_PAGE
from academe.platform.http.dependencies import SignedIn, database_of
from academe.platform.http.routing import api_router

router = api_router("/lrs/erasures", tag="learning records")
retention_router = api_router("/lrs/retention", tag="learning records")


@router.post("")
async def erase(request: Request, body: ErasureIn, actor: SignedIn) -> ErasureOut:
    """Put a pseudonym in the place of an agent in all statements, and delete its states and profiles; for good."""
    erasure = await erase_agent(request.app.state.database, actor=actor, agent_key_text=json.dumps(body.agent))
    return ErasureOut(
        statements=erasure.statements,
        documents=erasure.documents,
        signatures=erasure.signatures,
        pseudonyms=list(erasure.pseudonyms),
        home_page=HOME_PAGE,
        before=erasure.before,
        after=erasure.after,
    )


@retention_router.get("")
async def show_retention(request: Request, actor: SignedIn) -> RetentionOut:
    """How long statements are kept, what the coming night deletes, and what was deleted lately."""
    return _shown(await retention_for(database_of(request), actor))


@retention_router.put("/rules")
async def set_rule(request: Request, body: RuleIn, actor: SignedIn) -> RetentionOut:
    """Set or lift the rule for a kind of statements; the answer says what is over by the rules as they are now."""
    await change_rule(database_of(request), actor, kind=body.kind, months_kept=body.months)
    return _shown(await retention_for(database_of(request), actor))


def _shown(retention: Retention) -> RetentionOut:
    return RetentionOut(
        rules=retention.rules,
        can_change=retention.can_change,
        over=[
            OverOut(
                month=each.expired.month,
                statements=each.expired.statements,
                whole=each.expired.whole,
                total=each.expired.total,
                bytes_freed=each.bytes_freed,
            )
            for each in retention.over
        ],
        runs=[RunOut(at=each.at, summary=each.summary) for each in retention.runs],
    )
