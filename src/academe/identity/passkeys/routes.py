"""JSON of passkeys. Making and using one is a matter of a browser, and done by the scripts of the pages."""

from uuid import UUID

from academe.identity.passkeys.schemas import PasskeyOut
from academe.identity.passkeys.service import remove_passkey
from academe.identity.sign_in.queries import passkeys_of
from academe.platform.errors import AuthenticationRequiredError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import api_router, safe_to_repeat

router = api_router("/me/passkeys", tag="identity")


@router.get("")
async def list_passkeys(actor: SignedIn, session: ReadOnlySession) -> list[PasskeyOut]:
    """The caller's passkeys, oldest first."""
    if actor.person_id is None:
        raise AuthenticationRequiredError
    return [PasskeyOut.model_validate(key, from_attributes=True) for key in await passkeys_of(session, actor.person_id)]


@router.delete("/{passkey_id}", status_code=204)
@safe_to_repeat
async def delete_passkey(passkey_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Take one of them away; every other browser is signed out."""
    await remove_passkey(session, actor=actor, passkey_id=passkey_id)
