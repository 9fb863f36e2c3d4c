"""JSON of erasures."""

import json

from starlette.requests import Request

from academe.lrs.privacy.schemas import ErasureIn, ErasureOut
from academe.lrs.privacy.service import erase_agent
from academe.lrs.privacy.types import HOME_PAGE
from academe.platform.http.dependencies import SignedIn
from academe.platform.http.routing import api_router

router = api_router("/lrs/erasures", tag="learning records")


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
