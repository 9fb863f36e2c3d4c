"""What a route asks for in its signature: the caller, and a session on the caller's behalf.

    @router.post("/offerings/{offering_id}/enrollments", status_code=201)
    async def enrol(offering_id: UUID, body: EnrollmentIn, actor: SignedIn, session: WriteSession): ...

The session's transaction ends when the function returns and before the response is sent (`scope="function"`),
so that a commit that fails is an error to the client and never a success.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from academe.platform.actor import ANONYMOUS, Actor
from academe.platform.database.session import Database, ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError
from academe.platform.http.cookies import changed_cookie_name, cookie_with_answer
from academe.platform.http.cross_site import SAFE_METHODS

ActorResolver = Callable[[Request], Awaitable[Actor]]
"""How a request becomes an actor; `identity` provides it and the composition root sets
`app.state.resolve_actor`.
"""


async def nobody(request: Request) -> Actor:  # noqa: ARG001 - the shape of a resolver
    """The resolver of an application without `identity`: every caller is anonymous."""
    return ANONYMOUS


async def actor_of(request: Request) -> Actor:
    """Who calls, resolved once per request and kept at `request.state.actor`."""
    state = request.state
    known: Actor | None = getattr(state, "actor", None)
    if known is None:
        resolve: ActorResolver = request.app.state.resolve_actor
        known = state.actor = await resolve(request)
        _remember_change(request)
    return known


def _remember_change(request: Request) -> None:
    """Let a browser that changes something read from the primary for as long as the replica may not know of it."""
    database: Database | None = getattr(request.app.state, "database", None)
    if request.method in SAFE_METHODS or database is None or not database.has_replica or not request.cookies:
        return
    settings = database.settings
    seconds, secure = settings.database_replica_lag_seconds, settings.cookies_need_https
    cookie_with_answer(request, changed_cookie_name(settings), "1", seconds, secure=secure)


def _has_just_changed(request: Request, database: Database) -> bool:
    return database.has_replica and changed_cookie_name(database.settings) in request.cookies


async def signed_in_actor(request: Request) -> Actor:
    """Who calls; nobody raises AuthenticationRequiredError, which sends browsers to the sign-in page."""
    actor = await actor_of(request)
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    return actor


def database_of(request: Request) -> Database:
    """The database of this process."""
    database: Database = request.app.state.database
    return database


async def write_session(request: Request) -> AsyncIterator[Session]:
    """A transaction of the caller that commits when the route's function has returned."""
    async with database_of(request).transaction(await actor_of(request)) as session:
        yield session


async def read_session(request: Request) -> AsyncIterator[ReadSession]:
    """A read-only transaction of the caller, on the replica when there is one and the caller has changed nothing."""
    database = database_of(request)
    newest = _has_just_changed(request, database)
    async with database.reading(await actor_of(request), newest=newest) as session:
        yield session


CurrentActor = Annotated[Actor, Depends(actor_of)]
"""Who calls, who may be nobody: for pages that everybody may see."""

SignedIn = Annotated[Actor, Depends(signed_in_actor)]
"""Who calls; nobody gets 401, or the sign-in page in a browser."""

WriteSession = Annotated[Session, Depends(write_session, scope="function")]
"""The request's transaction, for verbs."""

ReadOnlySession = Annotated[ReadSession, Depends(read_session, scope="function")]
"""The request's read-only transaction, for lists and pages that only show."""
