"""Pages and JSON that change rows of tables: one row in a form, or several after a look at what would happen."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from academe.operations.tables.changing import (
    MOST_ROWS,
    Changed,
    change_rows,
    delete_rows,
    require_editable,
    values_for,
)
from academe.operations.tables.pages import institutions_or_refuse, leave_entry, read_row, table_called, words
from academe.operations.tables.queries import BrowsedTable, shown
from academe.operations.tables.values import typed, values_of
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.errors import AcademeError, FieldError, InvalidInputError
from academe.platform.http.dependencies import SignedIn, WriteSession
from academe.platform.http.routing import api_router, page_router
from academe.platform.pages import FormView, redirect, render

router = page_router("/tables")
api = api_router("/tables", tag="tables")

Key = Annotated[list[str], Query(max_length=10)]
_PREVIEWED: Final = 20


@dataclass(frozen=True, slots=True)
class EditedColumn:
    """A column of the form; `options` when there are few values, and the kind of the field else."""

    name: str
    label: str
    kind: str
    required: bool
    options: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class EditPage:
    """The form about one row."""

    browsed: BrowsedTable
    columns: Sequence[EditedColumn]
    form: FormView
    href: str
    cancel_href: str


@dataclass(frozen=True, slots=True)
class SeveralPage:
    """What an action on several rows would do, or why it cannot."""

    browsed: BrowsedTable
    action: str
    column: str
    value: str
    rows: Sequence[str]
    changed: Sequence[tuple[str, str, str]]
    count: int
    problem: str = ""
    details: Sequence[str] = field(default=())


class RowChange(BaseModel):
    """Columns and what to set them to, as text in the way of the form; empty for nothing."""

    values: dict[str, str] = Field(min_length=1)


class RowsChange(BaseModel):
    """An action on several rows: a column to set, or `delete`. With `preview` nothing is kept."""

    keys: list[list[str]] = Field(min_length=1, max_length=MOST_ROWS)
    column: str = ""
    value: str = ""
    delete: bool = False
    preview: bool = False


class RowsChanged(BaseModel):
    """How many rows were, or with `preview` would be, changed."""

    changed: int


@router.get("/{name}/row/edit")
async def show_edit(request: Request, name: str, actor: SignedIn, session: WriteSession, key: Key) -> Response:
    """The form to edit one row; it leaves an entry in the audit when it is about people."""
    browsed = table_called(name)
    allowed = require_editable(browsed)
    row = await read_row(session, actor, browsed, key)
    form = FormView({column: typed(row[column]) for column in allowed.columns})
    return render(request, "operations/table_edit.html", _edit_page(browsed, form, key))


@router.post("/{name}/row/edit")
async def take_edit(request: Request, name: str, actor: SignedIn, session: WriteSession, key: Key) -> Response:
    """Change one row."""
    institutions, browsed = institutions_or_refuse(actor), table_called(name)
    sent = {column: str(value) for column, value in (await request.form()).items()}
    try:
        async with session.begin_nested():
            values = values_for(browsed, sent)
            changed = await change_rows(
                session, actor=actor, browsed=browsed, institutions=institutions, keys=[tuple(key)], values=values
            )
    except InvalidInputError as error:
        page = _edit_page(browsed, FormView(sent).with_errors(error.errors), key)
        return render(request, "operations/table_edit.html", page, status=422)
    told = f"Saved: {', '.join(words(each) for each in changed[0].after)}." if changed else "Nothing was different."
    return redirect(request, _row_href(browsed, key), told)


@router.post("/{name}/rows")
async def take_rows(request: Request, name: str, actor: SignedIn, session: WriteSession) -> Response:
    """Show what an action on several rows would do and, once that is confirmed, do it."""
    institutions, browsed = institutions_or_refuse(actor), table_called(name)
    form = await request.form()
    wanted = _wanted(form)
    confirmed = form.get("confirmed") == "true"
    problem = ""
    details: Sequence[str] = ()
    changed: Sequence[Changed] = ()
    try:
        changed = await _apply(session, actor, browsed, institutions, wanted, keep=confirmed)
    except AcademeError as error:
        problem, details = str(error), [f"{words(each.field)} {each.message}".strip() for each in error.errors]
    else:
        if confirmed:
            return redirect(request, f"/tables/{browsed.name}", f"{_done(wanted)}: {len(changed)} rows.")
    page = SeveralPage(
        browsed,
        "delete" if wanted.delete else "set",
        wanted.column,
        wanted.value,
        [json.dumps(key) for key in wanted.keys],
        [_line(each) for each in changed[:_PREVIEWED]],
        len(changed),
        problem,
        details,
    )
    leave_entry(session, actor, browsed, institutions)
    return render(request, "operations/table_rows.html", page, status=422 if problem else 200)


@api.patch("/{name}/row")
async def change_row(name: str, body: RowChange, actor: SignedIn, session: WriteSession, key: Key) -> RowsChanged:
    """Change one row; nothing else than what is said."""
    institutions, browsed = institutions_or_refuse(actor), table_called(name)
    values = values_for(browsed, body.values)
    changed = await change_rows(
        session, actor=actor, browsed=browsed, institutions=institutions, keys=[tuple(key)], values=values
    )
    return RowsChanged(changed=len(changed))


@api.post("/{name}/rows")
async def change_several_rows(name: str, body: RowsChange, actor: SignedIn, session: WriteSession) -> RowsChanged:
    """Set a column of several rows, or delete them: all or none."""
    institutions, browsed = institutions_or_refuse(actor), table_called(name)
    changed = await _apply(session, actor, browsed, institutions, body, keep=not body.preview)
    return RowsChanged(changed=len(changed))


async def _apply(
    session: Session,
    actor: Actor,
    browsed: BrowsedTable,
    institutions: Sequence[UUID],
    wanted: RowsChange,
    *,
    keep: bool,
) -> Sequence[Changed]:
    """Do it and, unless it is to be kept, take it back: what is shown before is what the database said."""
    require_editable(browsed)
    keys = [tuple(key) for key in wanted.keys]
    savepoint = await session.begin_nested()
    try:
        if wanted.delete:
            changed = await delete_rows(session, actor=actor, browsed=browsed, institutions=institutions, keys=keys)
        else:
            values = values_for(browsed, {wanted.column: wanted.value})
            changed = await change_rows(
                session, actor=actor, browsed=browsed, institutions=institutions, keys=keys, values=values
            )
    except AcademeError:
        await savepoint.rollback()
        raise
    await (savepoint.commit() if keep else savepoint.rollback())
    return changed


def _wanted(form: FormData) -> RowsChange:
    try:
        keys = [json.loads(str(each)) for each in form.getlist("rows")]
        return RowsChange(
            keys=keys,
            column=str(form.get("column", "")),
            value=str(form.get("value", "")),
            delete=form.get("action") == "delete",
        )
    except ValueError as error:
        message = f"Choose 1 to {MOST_ROWS} rows of the list first."
        raise InvalidInputError(message, errors=[FieldError("rows", "are not chosen")]) from error


def _edit_page(browsed: BrowsedTable, form: FormView, key: Sequence[str]) -> EditPage:
    columns = [_edited(browsed, name) for name in require_editable(browsed).columns]
    row_href = _row_href(browsed, key)
    return EditPage(browsed, columns, form, row_href.replace("/row?", "/row/edit?", 1), row_href)


def _edited(browsed: BrowsedTable, name: str) -> EditedColumn:
    column = browsed.table.c[name]
    kind = {"date": "date", "int": "number"}.get(column.type.python_type.__name__, "text")
    required = not column.nullable and column.server_default is None
    return EditedColumn(name, words(name), kind, required, [(each, each) for each in values_of(column)])


def _row_href(browsed: BrowsedTable, key: Sequence[str]) -> str:
    return f"/tables/{browsed.name}/row?{urlencode([('key', each) for each in key])}"


def _line(changed: Changed) -> tuple[str, str, str]:
    def said(values: Mapping[str, Any]) -> str:
        return ", ".join(f"{words(name)}: {shown(value) or '–'}" for name, value in list(values.items())[:6])

    return ", ".join(changed.key), said(changed.before), said(changed.after) or "deleted"


def _done(wanted: RowsChange) -> str:
    return "Deleted" if wanted.delete else f"Set {words(wanted.column)}"
