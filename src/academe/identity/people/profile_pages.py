"""One's own profile, and the pictures of people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Body
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from academe.identity.models import Person, PersonParticulars
from academe.identity.people.forms import ProfileForm
from academe.identity.people.pictures import (
    LARGEST_BYTES,
    MEDIA_TYPE,
    picture_digest,
    picture_store,
    remove_picture,
    set_picture,
)
from academe.identity.people.queries import has_picture
from academe.identity.people.service import (
    choose_preferred_name,
    set_preferences,
    time_zones,
)
from academe.identity.service import known_person, set_particulars
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError, FieldError, InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import api_router, page_router
from academe.platform.pages import FormView, parse_form, redirect, render
from academe.platform.pages.render import page_kit

router = page_router()
api = api_router("/people", tag="people")

PROFILE: Final = "/account/profile"
LOCALES: Final = (
    ("", "As the browser says"),
    ("en-GB", "English (United Kingdom)"),
    ("en-US", "English (United States)"),
    ("de-DE", "German (Germany)"),
    ("de-AT", "German (Austria)"),
    ("de-CH", "German (Switzerland)"),
    ("fr-FR", "French (France)"),
    ("es-ES", "Spanish (Spain)"),
    ("ar", "Arabic"),
)
"""Languages and regions that the form offers; programs may set any other."""


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """What one says about oneself, and one's picture."""

    person: Person
    form: FormView
    has_picture: bool
    picture_form: FormView
    zones: Sequence[tuple[str, str]]
    pages: Sequence[tuple[str, str]]
    locales: Sequence[tuple[str, str]] = LOCALES
    largest_mebibytes: int = LARGEST_BYTES // 2**20


@router.get(PROFILE)
async def show_profile(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """What one says about oneself."""
    return await _profile(request, session, actor)


@router.post(PROFILE)
async def take_profile(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Save what one says about oneself, all of it or nothing."""
    parsed = parse_form(ProfileForm, await request.form())
    if parsed.data is None or actor.person_id is None:
        return await _profile(request, session, actor, form=parsed.view, status=422)
    said = parsed.data
    try:
        async with session.begin_nested():
            await choose_preferred_name(session, actor=actor, preferred_name=said.preferred_name)
            await set_particulars(
                session,
                actor=actor,
                person_id=actor.person_id,
                contact_email=said.contact_email,
                phone=said.phone,
                date_of_birth=said.date_of_birth,
            )
            await set_preferences(
                session,
                actor=actor,
                person_id=actor.person_id,
                locale=said.locale,
                time_zone=said.time_zone,
                start_page=said.start_page,
            )
    except InvalidInputError as error:
        view = parsed.view.with_errors(error.errors)
        return await _profile(request, session, actor, form=view, status=error.status)
    return redirect(request, PROFILE, "Your profile was saved.")


@router.get("/people/{person_id}/picture")
async def show_picture(request: Request, person_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The picture of a person whom one may know."""
    digest = await picture_digest(session, actor=actor, person_id=person_id)
    headers = {"ETag": f'"{digest}"', "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    content = await picture_store(request.app.state.settings).get(digest)
    return Response(content, media_type=MEDIA_TYPE, headers=headers)


@router.post("/people/{person_id}/picture")
async def take_picture(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Take a picture for oneself, or for somebody whose record one keeps."""
    async with request.form(max_files=1) as form:  # closes the file that the framework keeps on disk
        file = form.get("picture")
        content = await file.read(LARGEST_BYTES + 1) if isinstance(file, UploadFile) else b""
    person = await known_person(session, actor, person_id)
    try:
        if not content:
            raise InvalidInputError(errors=[FieldError("picture", "Please choose a picture.")])
        files = picture_store(request.app.state.settings)
        await set_picture(session, actor=actor, person_id=person_id, content=content, files=files)
    except InvalidInputError as error:
        if person.id != actor.person_id:
            return redirect(request, f"/people/{person_id}", error.errors[0].message, kind="warning")
        view = FormView().with_errors(error.errors)
        return await _profile(request, session, actor, picture_form=view, status=error.status)
    return redirect(request, _back(actor, person_id), "The picture was saved.")


@router.post("/people/{person_id}/picture/remove")
async def take_removal(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Remove one's picture, or somebody's whose record one keeps."""
    await remove_picture(session, actor=actor, person_id=person_id)
    return redirect(request, _back(actor, person_id), "The picture was removed.")


@api.get("/{person_id}/picture", response_class=Response)
async def get_picture(request: Request, person_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """A person's picture as JPEG of 512 x 512 pixels."""
    return await show_picture(request, person_id, actor, session)


@api.put("/{person_id}/picture", status_code=204)
async def put_picture(
    request: Request,
    person_id: UUID,
    actor: SignedIn,
    session: WriteSession,
    content: Annotated[bytes, Body(media_type="application/octet-stream", min_length=1)],
) -> None:
    """Take a JPEG, PNG or WebP of at most 8 MiB and 40 million pixels; its middle is drawn anew."""
    files = picture_store(request.app.state.settings)
    await set_picture(session, actor=actor, person_id=person_id, content=content, files=files)


@api.delete("/{person_id}/picture", status_code=204)
async def delete_picture(person_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Remove a person's picture."""
    await remove_picture(session, actor=actor, person_id=person_id)


async def _profile(
    request: Request,
    session: Session | ReadSession,
    actor: Actor,
    *,
    form: FormView | None = None,
    picture_form: FormView | None = None,
    status: int = 200,
) -> Response:
    if actor.person_id is None:
        raise AuthenticationRequiredError
    person = await known_person(session, actor, actor.person_id)
    if form is None:
        known = await session.get(PersonParticulars, person.id)
        values = {field: getattr(known, field, None) for field in ProfileForm.model_fields}
        form = FormView(values | {"preferred_name": person.preferred_name})
    links = [link for section in page_kit(request).navigation_for(actor, PROFILE) for link in section.links]
    page = ProfilePage(
        person,
        form,
        await has_picture(session, person.id),
        picture_form or FormView(),
        [("", "As the browser says"), *((zone, zone.replace("_", " ")) for zone in await time_zones(session))],
        [("", "The first that I may see"), *((link.href, link.label) for link in links if link.href != "/")],
    )
    return render(request, "identity/profile.html", page, status=status)


def _back(actor: Actor, person_id: UUID) -> str:
    return PROFILE if person_id == actor.person_id else f"/people/{person_id}"
