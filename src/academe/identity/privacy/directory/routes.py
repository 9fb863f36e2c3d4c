"""JSON of the directory opt-out."""

from pydantic import BaseModel

from academe.identity.privacy.directory.service import choose_directory, is_listed
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import api_router

router = api_router("/me/directory", tag="privacy")


class ListingIn(BaseModel):
    """Whether one wants to be found in the directory."""

    listed: bool


class ListingOut(BaseModel):
    """Whether one is found in the directory."""

    listed: bool


@router.get("")
async def read_listing(actor: SignedIn, session: ReadOnlySession) -> ListingOut:
    """Whether staff find the caller in the directory."""
    return ListingOut(listed=await is_listed(session, actor=actor))


@router.put("")
async def put_listing(body: ListingIn, actor: SignedIn, session: WriteSession) -> ListingOut:
    """Be in the directory, or not."""
    await choose_directory(session, actor=actor, listed=body.listed)
    return ListingOut(listed=body.listed)
