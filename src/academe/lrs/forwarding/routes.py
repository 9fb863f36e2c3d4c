"""JSON of forwards."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.lrs.forwarding import policy, service
from academe.lrs.forwarding.access import ShownForward, forward_for, forwards_for, shown_for
from academe.lrs.forwarding.queries import BY_NAME, NEWEST_LETTERS, forward_of, letter_of, letters
from academe.lrs.forwarding.schemas import CountOut, ForwardAddIn, ForwardIn, ForwardOut, LetterOut, answers_of
from academe.lrs.senders.access import institution_to_manage
from academe.lrs.senders.policy import require
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router
from academe.platform.settings import Settings

router = api_router("/lrs/forwards", tag="forwards")


@router.get("")
async def list_forwards(
    request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging
) -> Page[ForwardOut]:
    """The forwards of the institutions that the caller administers or operates, by name."""
    page = await fetch_page(session, forwards_for(actor), BY_NAME, paging, forward_of)
    shown = await shown_for(database_of(request), page.items)
    return Page[ForwardOut](
        items=[_out(each) for each in shown], next_cursor=page.next_cursor, previous_cursor=page.previous_cursor
    )


@router.post("", status_code=201)
async def add_forward(request: Request, body: ForwardAddIn, actor: SignedIn, session: WriteSession) -> ForwardOut:
    """Forward what the senders of an institution send to another store."""
    settings: Settings = request.app.state.settings
    # Before what was sent is looked at: whoever may not add one is told that, and nothing of its contents.
    institution_id = institution_to_manage(actor, body.institution_id)
    forward = await service.add_forward(
        session,
        actor=actor,
        settings=settings,
        wanted=body.wanted(),
        institution_id=institution_id,
        since=body.since,
    )
    return _out(ShownForward.new(await forward_for(session, actor=actor, forward_id=forward.id)))


@router.get("/{forward_id}")
async def show_forward(request: Request, forward_id: UUID, actor: SignedIn, session: ReadOnlySession) -> ForwardOut:
    """One forward and how it does."""
    forward = await forward_for(session, actor=actor, forward_id=forward_id)
    return _out((await shown_for(database_of(request), [forward]))[0])


@router.put("/{forward_id}", status_code=204)
async def change_forward(
    request: Request, forward_id: UUID, body: ForwardIn, actor: SignedIn, session: WriteSession
) -> Response:
    """Change a forward; its position stays. Another address needs its credentials anew."""
    settings: Settings = request.app.state.settings
    forward = await forward_for(session, actor=actor, forward_id=forward_id)
    require(policy.can_manage(actor, forward.institution_id), actor, policy.MANAGERS_ONLY)
    await service.change_forward(session, actor=actor, settings=settings, forward_id=forward_id, wanted=body.wanted())
    return Response(status_code=204)


@router.delete("/{forward_id}", status_code=204)
async def remove_forward(forward_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Remove a forward with its credentials and dead letters; what was sent stays there."""
    await service.remove_forward(session, actor=actor, forward_id=forward_id)
    return Response(status_code=204)


@router.post("/{forward_id}/pause", status_code=204)
async def pause_forward(forward_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Send nothing more until it is resumed."""
    await service.pause_forward(session, actor=actor, forward_id=forward_id)
    return Response(status_code=204)


@router.post("/{forward_id}/resume", status_code=204)
async def resume_forward(forward_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Go on where it stopped."""
    await service.resume_forward(session, actor=actor, forward_id=forward_id)
    return Response(status_code=204)


@router.post("/{forward_id}/retry", status_code=204)
async def retry_forward(forward_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Try again now, and not only when the wait is over."""
    await service.retry_forward(session, actor=actor, forward_id=forward_id)
    return Response(status_code=204)


@router.post("/{forward_id}/skip", status_code=204)
async def skip_statement(request: Request, forward_id: UUID, actor: SignedIn) -> Response:
    """Make a dead letter of the statement that would be sent next."""
    await service.skip_statement(database_of(request), actor=actor, forward_id=forward_id)
    return Response(status_code=204)


@router.get("/{forward_id}/letters")
async def list_letters(forward_id: UUID, actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Page[LetterOut]:
    """The statements that the other store refuses, the last one first."""
    forward = await forward_for(session, actor=actor, forward_id=forward_id)
    with_answer = policy.can_manage(actor, forward.institution_id)
    return await fetch_page(
        session,
        letters(forward_id),
        NEWEST_LETTERS,
        paging,
        lambda row: LetterOut.model_validate(letter_of(row, with_answer=with_answer), from_attributes=True),
    )


@router.post("/{forward_id}/letters/retry")
async def retry_letters(forward_id: UUID, actor: SignedIn, session: WriteSession) -> CountOut:
    """Send all dead letters again."""
    return CountOut(count=await service.retry_letters(session, actor=actor, forward_id=forward_id))


@router.delete("/{forward_id}/letters")
async def dismiss_letters(forward_id: UUID, actor: SignedIn, session: WriteSession) -> CountOut:
    """Forget the dead letters that are not to be sent again: the statements stay here and are not there."""
    return CountOut(count=await service.dismiss_letters(session, actor=actor, forward_id=forward_id))


@router.post("/{forward_id}/letters/{letter_id}/retry", status_code=204)
async def retry_letter(forward_id: UUID, letter_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Send one dead letter again."""
    await service.retry_letters(session, actor=actor, forward_id=forward_id, letter_id=letter_id)
    return Response(status_code=204)


@router.delete("/{forward_id}/letters/{letter_id}", status_code=204)
async def dismiss_letter(forward_id: UUID, letter_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Forget a dead letter: the statement stays here and is not there."""
    await service.dismiss_letters(session, actor=actor, forward_id=forward_id, letter_id=letter_id)
    return Response(status_code=204)


def _out(shown: ShownForward) -> ForwardOut:
    forward, wanted = shown.forward, shown.forward.filter
    return ForwardOut(
        id=forward.id,
        institution_id=forward.institution_id,
        name=forward.name,
        endpoint=forward.endpoint,
        version=forward.version,
        state=forward.state,
        verbs=wanted.verbs,
        activities=wanted.activities,
        activity_types=wanted.activity_types,
        senders=wanted.senders,
        agents=len(wanted.agents),
        registration=wanted.registration,
        voiding=wanted.voiding,
        references=wanted.references,
        position=forward.position,
        pause_reason=forward.pause_reason,
        failure=forward.failure,
        failing_since=forward.failing_since,
        next_attempt_at=forward.next_attempt_at,
        delivered=forward.delivered,
        delivered_at=forward.delivered_at,
        dead_letters=forward.letters,
        behind_seconds=shown.behind.seconds(shown.now),
        waiting=shown.behind.statements,
        statements_minute=shown.rates.minute,
        statements_hour=shown.rates.hour,
        statements_day=shown.rates.day,
        answers=answers_of(forward.answers),
    )
