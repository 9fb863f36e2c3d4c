"""Pages of forwards: the list, the form, and one of them with what it could not deliver.

The figures keep themselves up to date where scripts run, and the page loads anew when the state is another one.
"""

from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.lrs.forwarding import policy, service
from academe.lrs.forwarding.access import agents_for, choices_for, forward_for, forwards_for, one_for, shown_for
from academe.lrs.forwarding.forms import ForwardForm, Start
from academe.lrs.forwarding.queries import BY_NAME, NEWEST_LETTERS, Forward, forward_of, letter_of, letters
from academe.lrs.forwarding.shown import (
    COLUMNS,
    LETTER_COLUMNS,
    LIST,
    ForwardFormPage,
    ForwardPage,
    ForwardsPage,
    Row,
)
from academe.lrs.forwarding.types import ForwardVersion
from academe.lrs.senders.access import institution_to_manage
from academe.lrs.senders.policy import institutions_of, require
from academe.lrs.watching import policy as watching_policy
from academe.platform.actor import Actor
from academe.platform.errors import InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Paging, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, NavigationEntry, TableView, parse_form, redirect, render
from academe.platform.pages.filters import plural
from academe.platform.settings import Settings

router = page_router(LIST)

NAVIGATION: Final = (
    NavigationEntry("Forwarding", LIST, "upload", visible=policy.can_see_forwards, section="Learning records"),
)

_VERSIONS: Final = ((ForwardVersion.ONE.value, "xAPI 1.0.3"), (ForwardVersion.TWO.value, "xAPI 2.0"))
_STARTS: Final = (
    (Start.NOW.value, "From now on", ""),
    (Start.DAY.value, "From a day on", "by the time at which statements were stored, UTC"),
    (Start.BEGINNING.value, "Everything that is stored", ""),
)


@router.get("")
async def list_forwards(request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Response:
    """The forwards by name."""
    page = await fetch_page(session, forwards_for(actor), BY_NAME, paging, forward_of)
    rows = [Row(each) for each in await shown_for(database_of(request), page.items)]
    table = TableView(
        "forwards",
        request.url,
        COLUMNS,
        rows,
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )
    return render(request, "lrs/forwards.html", ForwardsPage(table, policy.can_manage_any(actor)), block="forwards")


@router.get("/add")
async def show_add_form(request: Request, actor: SignedIn) -> Response:
    """The form to add a forward."""
    values = {"version": ForwardVersion.ONE.value, "voiding": "true", "references": "true", "start": Start.NOW.value}
    return await _add_page(request, actor, FormView(values))


@router.post("/add")
async def add_forward(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Add a forward."""
    parsed = parse_form(ForwardForm, await request.form())
    if parsed.data is None:
        return await _add_page(request, actor, parsed.view, 422)
    form, settings = parsed.data, _settings(request)
    try:
        forward = await service.add_forward(
            session,
            actor=actor,
            settings=settings,
            wanted=form.wanted(),
            institution_id=institution_to_manage(actor, form.institution_id),
            since=form.starts_at,
        )
    except InvalidInputError as error:
        return await _add_page(request, actor, parsed.view.with_errors(error.errors), 422)
    return redirect(request, f"{LIST}/{forward.id}", f"{forward.name} is added.")


@router.get("/{forward_id}")
async def show_forward(
    request: Request, forward_id: UUID, actor: SignedIn, session: ReadOnlySession, paging: Paging
) -> Response:
    """One forward: how far it is, how it does, and what it could not deliver."""
    forward = await forward_for(session, actor=actor, forward_id=forward_id)
    can_change = policy.can_manage(actor, forward.institution_id)
    found = await fetch_page(
        session, letters(forward_id), NEWEST_LETTERS, paging, lambda row: letter_of(row, with_answer=can_change)
    )
    table = TableView(
        "letters",
        request.url,
        LETTER_COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    one = await one_for(database_of(request), actor=actor, forward=forward)
    row = Row(one.shown)
    is_live = request.query_params.get("part") == "figures"
    if is_live and request.query_params.get("seen", row.forward.state) != row.forward.state:
        # What can be done about it stands outside of the figures.
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    live_href = f"{row.href}?part=figures&seen={row.forward.state}"
    page = ForwardPage(row, one, table, can_change, watching_policy.can_read(actor), live_href)
    return render(request, "lrs/forward.html", page, block="figures" if is_live else "letters")


@router.get("/{forward_id}/edit")
async def show_edit_form(request: Request, forward_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The form to change a forward; its credentials are not in it."""
    forward = await forward_for(session, actor=actor, forward_id=forward_id)
    wanted = forward.filter
    values: dict[str, Any] = {
        "name": forward.name,
        "endpoint": forward.endpoint,
        "version": forward.version.value,
        "verbs": "\n".join(wanted.verbs),
        "activities": "\n".join(wanted.activities),
        "activity_types": "\n".join(wanted.activity_types),
        "senders": [str(each) for each in wanted.senders],
        "agents": "\n".join(await agents_for(database_of(request), actor=actor, forward=forward)),
        "registration": wanted.registration,
        "voiding": str(wanted.voiding).lower(),
        "references": str(wanted.references).lower(),
    }
    return await _edit_page(request, actor, forward, FormView(values))


@router.post("/{forward_id}/edit")
async def change_forward(request: Request, forward_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Change a forward."""
    forward = await forward_for(session, actor=actor, forward_id=forward_id)
    parsed = parse_form(ForwardForm, await request.form())
    if parsed.data is None:
        return await _edit_page(request, actor, forward, parsed.view, 422)
    try:
        changed = await service.change_forward(
            session,
            actor=actor,
            settings=_settings(request),
            forward_id=forward_id,
            wanted=parsed.data.wanted(),
        )
    except InvalidInputError as error:
        return await _edit_page(request, actor, forward, parsed.view.with_errors(error.errors), 422)
    return redirect(request, f"{LIST}/{forward_id}", f"{changed.name} is changed.")


@router.post("/{forward_id}/pause")
async def pause_forward(request: Request, forward_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Send nothing more."""
    await service.pause_forward(session, actor=actor, forward_id=forward_id)
    return redirect(request, f"{LIST}/{forward_id}", "It is paused.")


@router.post("/{forward_id}/resume")
async def resume_forward(request: Request, forward_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Go on."""
    await service.resume_forward(session, actor=actor, forward_id=forward_id)
    return redirect(request, f"{LIST}/{forward_id}", "It goes on where it stopped.")


@router.post("/{forward_id}/retry")
async def retry_forward(request: Request, forward_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Try again now."""
    await service.retry_forward(session, actor=actor, forward_id=forward_id)
    return redirect(request, f"{LIST}/{forward_id}", "It tries again now.")


@router.post("/{forward_id}/skip")
async def skip_statement(request: Request, forward_id: UUID, actor: SignedIn) -> Response:
    """Skip the next statement."""
    skipped = await service.skip_statement(database_of(request), actor=actor, forward_id=forward_id)
    return redirect(request, f"{LIST}/{forward_id}", f"Statement {skipped} is skipped.")


@router.post("/{forward_id}/remove")
async def remove_forward(request: Request, forward_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Remove it."""
    await service.remove_forward(session, actor=actor, forward_id=forward_id)
    return redirect(request, LIST, "The forward is removed.")


@router.post("/{forward_id}/letters/retry")
async def retry_letters(request: Request, forward_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Send all dead letters again."""
    count = await service.retry_letters(session, actor=actor, forward_id=forward_id)
    return redirect(request, f"{LIST}/{forward_id}", f"{plural(count, 'statement')} will be sent again.")


@router.post("/{forward_id}/letters/dismiss")
async def dismiss_letters(request: Request, forward_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Forget all dead letters that are not to be sent again."""
    count = await service.dismiss_letters(session, actor=actor, forward_id=forward_id)
    return redirect(request, f"{LIST}/{forward_id}", f"{plural(count, 'dead letter')} dismissed.")


@router.post("/{forward_id}/letters/{letter_id}/retry")
async def retry_letter(
    request: Request, forward_id: UUID, letter_id: UUID, actor: SignedIn, session: WriteSession
) -> Response:
    """Send one dead letter again."""
    await service.retry_letters(session, actor=actor, forward_id=forward_id, letter_id=letter_id)
    return redirect(request, f"{LIST}/{forward_id}", "The statement will be sent again.")


@router.post("/{forward_id}/letters/{letter_id}/dismiss")
async def dismiss_letter(
    request: Request, forward_id: UUID, letter_id: UUID, actor: SignedIn, session: WriteSession
) -> Response:
    """Forget one dead letter."""
    await service.dismiss_letters(session, actor=actor, forward_id=forward_id, letter_id=letter_id)
    return redirect(request, f"{LIST}/{forward_id}", "It is dismissed; the statement stays here.")


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _add_page(request: Request, actor: Actor, form: FormView, status: int = 200) -> Response:
    managed = sorted(institutions_of(actor, *policy.MANAGING))
    require(bool(managed), actor, policy.MANAGERS_ONLY)
    several = [(str(each), str(each)) for each in managed] if len(managed) > 1 else []
    database = database_of(request)
    senders = [each for one in managed for each in await choices_for(database, actor=actor, institution_id=one)]
    page = ForwardFormPage(form, _VERSIONS, _STARTS, [(str(each.id), each.name, "") for each in senders], several)
    return render(request, "lrs/forward_form.html", page, status=status)


async def _edit_page(request: Request, actor: Actor, forward: Forward, form: FormView, status: int = 200) -> Response:
    require(policy.can_manage(actor, forward.institution_id), actor, policy.MANAGERS_ONLY)
    senders = await choices_for(database_of(request), actor=actor, institution_id=forward.institution_id)
    page = ForwardFormPage(
        form,
        _VERSIONS,
        (),
        [(str(each.id), each.name, "") for each in senders],
        (),
        forward.name,
        f"{LIST}/{forward.id}",
    )
    return render(request, "lrs/forward_form.html", page, status=status)
