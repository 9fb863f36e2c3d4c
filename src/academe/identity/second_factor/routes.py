"""JSON of the second factor. Setting one up gives the browser a new session, so that is done on pages."""

from uuid import UUID

from academe.identity import policy
from academe.identity.second_factor.schemas import SecondFactorOut, SignInRules
from academe.identity.second_factor.service import remove_factors_of, set_roles_in_need
from academe.identity.sign_in.queries import factor_state, roles_in_need
from academe.platform.errors import AuthenticationRequiredError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import api_router, safe_to_repeat

router = api_router("", tag="identity")


@router.get("/me/second-factor")
async def show_second_factor(actor: SignedIn, session: ReadOnlySession) -> SecondFactorOut:
    """Which second factor the caller has."""
    if actor.person_id is None:
        raise AuthenticationRequiredError
    state = await factor_state(session, actor.person_id)
    return SecondFactorOut(
        authenticator_app_since=state.app_since, recovery_codes_left=state.codes_left, passkeys=state.passkeys
    )


@router.delete("/people/{person_id}/second-factor", status_code=204)
@safe_to_repeat
async def remove_second_factor(person_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Take the lost second factors of somebody away and end their sessions: administrators."""
    await remove_factors_of(session, actor=actor, person_id=person_id)


@router.get("/institutions/{institution_id}/sign-in-rules")
async def show_sign_in_rules(institution_id: UUID, actor: SignedIn, session: ReadOnlySession) -> SignInRules:
    """Which roles need a second factor in an institution: its administrators."""
    permitted = policy.can_manage_accounts(actor, institution_id)
    policy.require(permitted, actor, "Only administrators may see how people sign in.")
    return SignInRules(roles=list(await roles_in_need(session, institution_id)))


@router.put("/institutions/{institution_id}/sign-in-rules")
@safe_to_repeat
async def set_sign_in_rules(
    institution_id: UUID, body: SignInRules, actor: SignedIn, session: WriteSession
) -> SignInRules:
    """Decide it: whoever holds such a role and has no second factor gets 403 everywhere else from then on."""
    roles = await set_roles_in_need(session, actor=actor, institution_id=institution_id, roles=body.roles)
    return SignInRules(roles=list(roles))
