"""JSON of identity."""

from academe.identity.schemas import MeOut, ScopeOut
from academe.platform.errors import AuthenticationRequiredError
from academe.platform.http.dependencies import SignedIn
from academe.platform.http.routing import api_router

router = api_router("", tag="identity")


@router.get("/me", response_model=MeOut)
async def show_me(actor: SignedIn) -> MeOut:
    """Who is signed in, and with which roles where."""
    if actor.person_id is None:
        raise AuthenticationRequiredError
    scopes = [
        ScopeOut(
            role=scope.role,
            institution_id=scope.institution_id,
            org_unit_id=scope.org_unit_id,
            offering_id=scope.offering_id,
        )
        for scope in actor.scopes
    ]
    return MeOut(person_id=actor.person_id, name=actor.label, scopes=scopes)
