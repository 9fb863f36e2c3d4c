"""JSON of tokens and service accounts, and the token endpoint of OAuth 2 with its metadata."""

import base64
from typing import Any, Final
from urllib.parse import unquote_plus
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from academe.identity import policy
from academe.identity.tokens.errors import GrantRefusedError
from academe.identity.tokens.queries import service_accounts_of, tokens_of
from academe.identity.tokens.schemas import IssuedOut, ServiceAccountIn, ServiceAccountOut, TokenIn, TokenOut
from academe.identity.tokens.scopes import EVERYWHERE
from academe.identity.tokens.service import (
    create_service_account,
    create_token,
    grant_token,
    revoke_service_account,
    revoke_token,
    rotate_secret,
)
from academe.platform.errors import AuthenticationRequiredError
from academe.platform.http.dependencies import CurrentActor, ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.routing import api_router, page_router

router = api_router("", tag="identity")
oauth = page_router()

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - an address
_NOT_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@router.get("/me/tokens")
async def list_tokens(actor: SignedIn, session: ReadOnlySession) -> list[TokenOut]:
    """The caller's tokens that are in force, newest first."""
    if actor.person_id is None:
        raise AuthenticationRequiredError
    return [TokenOut.model_validate(token) for token in await tokens_of(session, actor.person_id)]


@router.post("/me/tokens", status_code=201)
async def add_token(request: Request, body: TokenIn, actor: SignedIn, session: WriteSession) -> IssuedOut:
    """Make a token, shortly after signing in; it is told once."""
    areas = request.app.state.api_areas
    issued = await create_token(session, actor=actor, name=body.name, scopes=body.scopes, areas=areas, days=body.days)
    return IssuedOut(id=issued.id, secret=issued.secret)


@router.delete("/me/tokens/{token_id}", status_code=204)
async def end_token(token_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Revoke one of the caller's tokens."""
    await revoke_token(session, actor=actor, token_id=token_id)


@router.get("/institutions/{institution_id}/service-accounts")
async def list_service_accounts(
    institution_id: UUID, actor: SignedIn, session: ReadOnlySession
) -> list[ServiceAccountOut]:
    """The service accounts of an institution: its administrators."""
    permitted = policy.can_manage_accounts(actor, institution_id)
    policy.require(permitted, actor, "Only administrators may manage service accounts.")
    return [
        ServiceAccountOut(
            id=account.person_id,
            name=name,
            scopes=account.scopes,
            created_at=account.created_at,
            last_used_at=account.last_used_at,
        )
        for account, name in await service_accounts_of(session, institution_id)
    ]


@router.post("/institutions/{institution_id}/service-accounts", status_code=201)
async def add_service_account(
    request: Request, institution_id: UUID, body: ServiceAccountIn, actor: SignedIn, session: WriteSession
) -> IssuedOut:
    """Make a service account; its secret is told once."""
    issued = await create_service_account(
        session,
        actor=actor,
        institution_id=institution_id,
        name=body.name,
        scopes=body.scopes,
        areas=request.app.state.api_areas,
    )
    return IssuedOut(id=issued.id, secret=issued.secret)


@router.post("/service-accounts/{service_account_id}/secret")
async def renew_secret(service_account_id: UUID, actor: SignedIn, session: WriteSession) -> IssuedOut:
    """Give a service account another secret; its tokens end."""
    issued = await rotate_secret(session, actor=actor, service_account_id=service_account_id)
    return IssuedOut(id=issued.id, secret=issued.secret)


@router.delete("/service-accounts/{service_account_id}", status_code=204)
async def end_service_account(service_account_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """End a service account and its tokens for good."""
    await revoke_service_account(session, actor=actor, service_account_id=service_account_id)


@oauth.post(TOKEN_PATH)
async def give_token(request: Request, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """The client credentials grant (RFC 6749, section 4.4); its errors are those of section 5.2."""
    form = await request.form()
    fields = {name: str(form[name]) for name in form if form[name]}
    try:
        if len(form.multi_items()) != len(set(form)):
            raise GrantRefusedError("invalid_request", "A parameter must not be given twice.")
        client_id, secret = _credentials(request.headers.get("authorization"), fields)
        if "grant_type" not in fields:
            raise GrantRefusedError("invalid_request", "grant_type is missing; it is client_credentials here.")
        if fields["grant_type"] != "client_credentials":
            raise GrantRefusedError("unsupported_grant_type", "The only grant_type here is client_credentials.")
        asked = fields.get("scope", "").split()
        granted = await grant_token(database_of(request), client_id=client_id, secret=secret, scopes=asked)
    except GrantRefusedError as refusal:
        told = {"error": refusal.error, "error_description": refusal.description}
        is_client = refusal.error == "invalid_client"
        challenge = {"WWW-Authenticate": 'Basic realm="Academe", charset="UTF-8"'} if is_client else {}
        return JSONResponse(told, 401 if is_client else 400, headers=_NOT_KEPT | challenge)
    answer = {"access_token": granted.token, "token_type": "Bearer", "expires_in": granted.seconds}
    return JSONResponse(answer | {"scope": " ".join(granted.scopes)}, headers=_NOT_KEPT)


@oauth.get("/.well-known/oauth-authorization-server")
async def show_server(request: Request, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """What there is, for programs that find out by themselves (RFC 8414)."""
    base = f"{request.url.scheme}://{request.url.netloc}"
    scopes = [*EVERYWHERE, *(f"{area}:{verb}" for area in request.app.state.api_areas for verb in EVERYWHERE)]
    told: dict[str, Any] = {
        "issuer": base,
        "token_endpoint": f"{base}{TOKEN_PATH}",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": scopes,
    }
    return JSONResponse(told)


def _credentials(authorization: str | None, fields: dict[str, str]) -> tuple[str, str]:
    """Id and secret, from the header or from the form, but not from both (RFC 6749, section 2.3)."""
    if authorization is None:
        if "client_id" not in fields or "client_secret" not in fields:
            raise GrantRefusedError("invalid_client", "Give Basic credentials, or client_id and client_secret.")
        return fields["client_id"], fields["client_secret"]
    if "client_secret" in fields:
        raise GrantRefusedError("invalid_request", "Give the credentials once: in the header or in the form.")
    scheme, _, encoded = authorization.partition(" ")
    try:
        pair = base64.b64decode(encoded.strip().encode("ascii"), validate=True).decode()
    except ValueError as error:
        raise GrantRefusedError("invalid_client", "The Basic credentials cannot be read.") from error
    if scheme.lower() != "basic":
        raise GrantRefusedError("invalid_client", "The only kind of credentials here is Basic.")
    client_id, _, secret = pair.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


ROUTERS: Final[tuple[APIRouter, ...]] = (router, oauth)
