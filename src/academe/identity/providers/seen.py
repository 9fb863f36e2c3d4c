"""What providers have signed and may say once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from academe.identity.providers.errors import SignInNotFinishedError
from academe.identity.providers.models import SeenToken
from academe.platform import clock
from academe.platform.database.session import Session


async def first_time(session: Session, provider_id: UUID, token_id: str, until: datetime) -> None:
    """Note what a provider has signed, until it is too old anyway; raises when it was said before."""
    await session.execute(delete(SeenToken).where(SeenToken.expires_at < clock.now()))
    seen = insert(SeenToken).values(provider_id=provider_id, token_id=token_id, expires_at=until)
    added = await session.execute(seen.on_conflict_do_nothing().returning(SeenToken.token_id))
    if added.first() is None:
        raise SignInNotFinishedError
