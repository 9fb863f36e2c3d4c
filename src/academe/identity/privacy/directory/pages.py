"""The page on which one says whether one is in the directory."""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.privacy.directory.service import choose_directory, is_listed
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import redirect, render

PAGE: Final = "/account/directory"

router = page_router(PAGE)


@dataclass(frozen=True, slots=True)
class ListingPage:
    """Whether one is in the directory, and whether one may leave it."""

    listed: bool
    may_leave: bool


@router.get("")
async def show_listing(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """Whether one is in the directory."""
    page = ListingPage(await is_listed(session, actor=actor), not policy.can_search_people(actor))
    return render(request, "identity/privacy/listing.html", page)


@router.post("")
async def take_listing(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Leave the directory, or come back."""
    listed = (await request.form()).get("listed") == "yes"
    await choose_directory(session, actor=actor, listed=listed)
    told = "You are in the directory again." if listed else "You are out of the directory."
    return redirect(request, PAGE, told)
