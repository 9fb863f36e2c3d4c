"""JSON of people."""

from datetime import date
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import RedirectResponse

from academe.identity import policy
from academe.identity.errors import AccountNotFoundError
from academe.identity.models import Person, PersonParticulars
from academe.identity.people.queries import DirectoryFilter, account_of, page_of_people, person_listed
from academe.identity.people.schemas import (
    AccountIn,
    AccountOut,
    NamesIn,
    ParticularsIn,
    ParticularsOut,
    PersonIn,
    PersonOut,
    PreferencesIn,
    PreferencesOut,
    StatusIn,
)
from academe.identity.people.service import Names, change_names, read_particulars, set_preferences
from academe.identity.service import about, create_person, known_person, set_particulars, set_person_status
from academe.identity.sign_in.service import create_account
from academe.identity.types import PersonStatus, Role
from academe.platform.audit.service import record_access
from academe.platform.database.session import Session
from academe.platform.errors import PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging
from academe.platform.http.routing import API_PREFIX, api_router, safe_to_repeat

router = api_router("/people", tag="people")

PURPOSE: Final = "a program's request"


async def directory_filter(
    search: Annotated[str, Query(max_length=100, description="Words of a name, a number or an address.")] = "",
    role: Role | None = None,
    org_unit_id: UUID | None = None,
    status: PersonStatus | None = None,
    program_id: UUID | None = None,
) -> DirectoryFilter:
    """What the query string asks for."""
    return DirectoryFilter(search.strip(), role, org_unit_id, status, program_id)


@router.get("")
async def list_people(
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    wanted: Annotated[DirectoryFilter, Depends(directory_filter)],
) -> Page[PersonOut]:
    """The people whom the caller may know, by name."""
    policy.require(policy.can_search_people(actor), actor, policy.STAFF_ONLY)
    page = await page_of_people(session, actor, wanted, paging)
    shown = [PersonOut.model_validate(each, from_attributes=True) for each in page.items]
    return Page(items=shown, next_cursor=page.next_cursor, previous_cursor=page.previous_cursor)


@router.post("", status_code=201)
@safe_to_repeat
async def add_person(body: PersonIn, actor: SignedIn, session: WriteSession) -> PersonOut:
    """Make somebody known to an institution."""
    person = await create_person(
        session,
        actor=actor,
        institution_id=body.institution_id,
        display_name=body.display_name,
        sourced_id=body.sourced_id,
    )
    names = Names(**body.model_dump(exclude={"institution_id"}))
    return await _shown(session, await change_names(session, actor=actor, person_id=person.id, names=names))


@router.get("/{person_id}", response_model=PersonOut)
async def show_person(person_id: UUID, actor: SignedIn, session: WriteSession) -> PersonOut | RedirectResponse:
    """One person whom the caller may know; leaves an entry in the audit. Whoever was merged leads to the survivor."""
    person = await known_person(session, actor, person_id)
    if person.merged_into_id is not None:
        return RedirectResponse(f"{API_PREFIX}/people/{person.merged_into_id}", 308)
    record_access(session, actor=actor, subject=about(person), purpose=PURPOSE)
    return await _shown(session, person)


@router.put("/{person_id}/names")
@safe_to_repeat
async def put_names(person_id: UUID, body: NamesIn, actor: SignedIn, session: WriteSession) -> PersonOut:
    """Replace what a person is called."""
    names = Names(**body.model_dump())
    return await _shown(session, await change_names(session, actor=actor, person_id=person_id, names=names))


@router.get("/{person_id}/particulars")
async def show_particulars(person_id: UUID, actor: SignedIn, session: WriteSession) -> ParticularsOut:
    """How a person is reached and when they were born; leaves an entry in the audit."""
    person = await known_person(session, actor, person_id)
    found = await read_particulars(session, actor=actor, person=person, purpose=PURPOSE)
    if found is None:
        raise PermissionDeniedError("Only the person, registrars and administrators may see particulars.")
    return _particulars(found)


@router.put("/{person_id}/particulars")
@safe_to_repeat
async def put_particulars(
    person_id: UUID, body: ParticularsIn, actor: SignedIn, session: WriteSession
) -> ParticularsOut:
    """Replace how a person is reached and when they were born."""
    saved = await set_particulars(session, actor=actor, person_id=person_id, **body.model_dump())
    return _particulars(saved)


@router.get("/{person_id}/preferences")
async def show_person_preferences(person_id: UUID, actor: SignedIn, session: WriteSession) -> PreferencesOut:
    """How a person wants Academe, for the person and those who keep records; leaves an entry in the audit."""
    person = await known_person(session, actor, person_id)
    found = await read_particulars(session, actor=actor, person=person, purpose=PURPOSE)
    if found is None:
        raise PermissionDeniedError("Only the person, registrars and administrators may see preferences.")
    return PreferencesOut.model_validate(found, from_attributes=True)


@router.put("/{person_id}/preferences")
@safe_to_repeat
async def put_preferences(
    person_id: UUID, body: PreferencesIn, actor: SignedIn, session: WriteSession
) -> PreferencesOut:
    """Replace how a person wants Academe."""
    saved = await set_preferences(session, actor=actor, person_id=person_id, **body.model_dump())
    return PreferencesOut.model_validate(saved, from_attributes=True)


@router.put("/{person_id}/status")
@safe_to_repeat
async def put_status(person_id: UUID, body: StatusIn, actor: SignedIn, session: WriteSession) -> PersonOut:
    """Deactivate a person, or let them take part again."""
    return await _shown(session, await set_person_status(session, actor=actor, person_id=person_id, status=body.status))


@router.get("/{person_id}/account")
async def show_account(person_id: UUID, actor: SignedIn, session: WriteSession) -> AccountOut:
    """A person's account, for those who manage accounts; leaves an entry in the audit."""
    person = await known_person(session, actor, person_id)
    permitted = policy.can_manage_accounts(actor, person.institution_id)
    policy.require(permitted, actor, "Only administrators may see accounts.")
    found = await account_of(session, person_id)
    if found is None:
        raise AccountNotFoundError
    record_access(session, actor=actor, subject=about(person), purpose=PURPOSE, action="account.read")
    return AccountOut.model_validate(found, from_attributes=True)


@router.post("/{person_id}/account", status_code=201)
@safe_to_repeat
async def add_account(person_id: UUID, body: AccountIn, actor: SignedIn, session: WriteSession) -> AccountOut:
    """Let a person sign in with an address; a password or another way in is set up by the person."""
    await known_person(session, actor, person_id)
    await create_account(session, actor=actor, person_id=person_id, email=body.email)
    return AccountOut.model_validate(await account_of(session, person_id), from_attributes=True)


async def _shown(session: Session, person: Person) -> PersonOut:
    return PersonOut.model_validate(await person_listed(session, person), from_attributes=True)


def _particulars(found: PersonParticulars) -> ParticularsOut:
    return ParticularsOut(
        contact_email=found.contact_email,
        phone=found.phone,
        date_of_birth=date.fromisoformat(found.date_of_birth) if found.date_of_birth else None,
    )
