"""How a request becomes an actor: the session cookie, looked up."""

from collections.abc import Sequence

from starlette.requests import Request

from academe.identity.sign_in.actors import ScopeSource, actor_for
from academe.platform.actor import ANONYMOUS, Actor
from academe.platform.database.session import Database
from academe.platform.http.cookies import session_cookie_name
from academe.platform.http.dependencies import ActorResolver
from academe.platform.settings import Settings


def actor_resolver(settings: Settings, sources: Sequence[ScopeSource] = ()) -> ActorResolver:
    """The resolver for `app.state.resolve_actor`; `sources` tell the scopes that other modules know of."""
    name = session_cookie_name(settings)

    async def resolve(request: Request) -> Actor:
        token = request.cookies.get(name)
        if not token:
            return ANONYMOUS
        database: Database = request.app.state.database
        return await actor_for(database, token, sources)

    return resolve
