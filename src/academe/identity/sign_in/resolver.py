"""How a request becomes an actor: the session cookie, looked up, or a bearer token, and then no cookie counts.

Whoever needs a second factor and has none gets no further than the pages that set one up.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.requests import Request

from academe.identity.errors import SecondFactorRequiredError
from academe.identity.sign_in.actors import ScopeSource, known_actor_for
from academe.platform.actor import ANONYMOUS, Actor
from academe.platform.database.session import Database
from academe.platform.http.cookies import cookie_with_answer, session_cookie_name
from academe.platform.http.dependencies import ActorResolver
from academe.platform.settings import Settings

BearerResolver = Callable[[Request, str], Awaitable[Actor]]
"""Who acts by a bearer token; raises for one that is worth nothing."""

_BEARER: Final = "bearer "
_HELPING: Final = (SecondFactorRequiredError.leads_to, "/sign-out", "/sign-in")


def _helps(path: str) -> bool:
    return any(path == way or path.startswith(f"{way}/") for way in _HELPING)


def actor_resolver(
    settings: Settings, sources: Sequence[ScopeSource] = (), *, bearer: BearerResolver | None = None
) -> ActorResolver:
    """The resolver for `app.state.resolve_actor`; `sources` tell the scopes that other modules know of."""
    name = session_cookie_name(settings)

    async def resolve(request: Request) -> Actor:
        authorization = request.headers.get("authorization", "")
        if bearer is not None and authorization[: len(_BEARER)].lower() == _BEARER:
            # Such a request passes the check of where it comes from, so its cookies must count for nothing.
            return await bearer(request, authorization[len(_BEARER) :].strip())
        token = request.cookies.get(name)
        if not token:
            return ANONYMOUS
        database: Database = request.app.state.database
        known = await known_actor_for(database, token, sources)
        if known.renewed is not None:
            renewed, seconds = known.renewed
            cookie_with_answer(request, name, renewed, seconds, secure=settings.cookies_need_https)
        if known.lacks_factor and not _helps(request.url.path):
            request.state.actor = known.actor  # for the page that says so
            raise SecondFactorRequiredError
        return known.actor

    return resolve
