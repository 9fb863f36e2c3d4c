"""The zip of a copy: JSON and CSV for programs, pages for people, and an index of both."""

import io
import json
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from html import escape
from typing import Any, Final
from uuid import UUID

from sqlalchemy import MetaData, RowMapping, select

from academe.operations.subject_access.walking import LEFT_OUT, Part, parts_about
from academe.platform.clock import now
from academe.platform.database.session import ReadSession
from academe.platform.spreadsheet import lines

Report = Callable[[int, int], Awaitable[None]]
"""Told how many tables of how many are packed."""

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}.wide{overflow-x:auto}"
    "th,td{border:1px solid #888;padding:.25rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
)


async def packed(session: ReadSession, metadata: MetaData, person_id: UUID, *, report: Report) -> bytes:
    """The zip about a person, read as the system in one transaction."""
    parts = parts_about(metadata, person_id)
    content = io.BytesIO()
    listed = []
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, part in enumerate(parts, start=1):
            rows = (await session.execute(select(*part.columns).where(part.condition))).mappings().all()
            if rows:
                name = f"{part.table.name}-done-by-you-{part.columns[-1].name}" if part.is_acted else part.table.name
                listed.append((name, len(rows)))
                _write(archive, name, part, rows)
            await report(number, len(parts))
        archive.writestr("index.html", _index(listed))
    return content.getvalue()


def _write(archive: zipfile.ZipFile, name: str, part: Part, rows: Sequence[RowMapping]) -> None:
    names = [column.name for column in part.columns]
    plain = [{key: _plain(row[key]) for key in names} for row in rows]
    archive.writestr(f"json/{name}.json", json.dumps(plain, ensure_ascii=False, indent=1))
    cells = [[_cell(row[key]) for key in names] for row in plain]
    archive.writestr(f"csv/{name}.csv", lines([names, *cells]))
    heads = "".join(f'<th scope="col">{escape(_words(each))}</th>' for each in names)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in cells)
    table = (
        f'<p><a href="../index.html">All records</a></p><div class="wide"><table><tr>{heads}</tr>{body}</table></div>'
    )
    archive.writestr(f"html/{name}.html", _page(_words(name), table))


def _index(listed: Sequence[tuple[str, int]]) -> str:
    rows = "".join(
        f'<tr><th scope="row"><a href="html/{name}.html">{escape(_words(name))}</a></th><td>{count:,}</td>'
        f'<td><a href="json/{name}.json">JSON</a> <a href="csv/{name}.csv">CSV</a></td></tr>'
        for name, count in listed
    )
    left_out = "".join(f"<li>{escape(_words(name))}: {escape(why)}</li>" for name, why in LEFT_OUT.items())
    body = (
        f"<p>Everything that is kept about you, as of {now():%-d %B %Y, %H:%M} UTC. What you did to records of other"
        " people is listed by number and time only. Passwords and other secrets are left out.</p>"
        f'<div class="wide"><table><tr><th scope="col">Records</th><th scope="col">How many</th><th scope="col">For'
        f" programs</th></tr>{rows}</table></div><h2>Not in this copy</h2><ul>{left_out}</ul>"
    )
    return _page("What is kept about you", body)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    )


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else "" if value is None else value
