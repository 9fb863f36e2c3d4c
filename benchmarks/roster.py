"""`academe benchmark roster`: 50 rows of a roster over HTTP, as JSON and as a page, by one server process.

References, taken in turn with it: pgbench with 16 clients sending the statements of one such request, as the driver
sends them and with the same role, prepared; and Jinja2 rendering the page's template with the page's own context.
"""

import asyncio
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from unittest import mock

import httpx
import psycopg
from sqlalchemy import select

from academe.academics.models import Offering, Term
from academe.academics.roster import pages
from academe.app import create_app
from academe.operations.demo.plan import TERM
from academe.platform.actor import system_actor
from academe.platform.database.driver import DriverStatement
from academe.platform.database.embedded import EmbeddedServer
from academe.platform.database.engine import APP_ROLE
from academe.platform.database.session import Database
from academe.platform.pages.chrome import PageChrome
from academe.platform.pages.render import render
from benchmarks.framework import Context, Measure, relative
from benchmarks.served import Served, served_demo

CALLER: Final = "registrar@demo.example"
CONNECTIONS: Final = 16
SECONDS: Final = 6
ROUNDS: Final = 3
RENDERINGS: Final = 200


def measure(context: Context) -> Sequence[Measure]:
    """The rates of JSON and page beside their references, medians of three rounds taken in turn."""
    with served_demo(context) as served:
        cookie = served.sign_in(CALLER)
        offering = asyncio.run(offering_of(served))
        statements, render_once = asyncio.run(_one_request(served, cookie, offering))
        api, page = f"/api/v1/offerings/{offering}/roster?limit=50", f"/offerings/{offering}/roster"
        json_rate, page_rate, sql_rate, render_rate = [], [], [], []
        for number in range(1, ROUNDS + 1):
            context.say(f"Round {number} of {ROUNDS}")
            sql_rate.append(_pgbench(served, statements))
            json_rate.append(served.rate(api, cookie, "application/json", connections=CONNECTIONS, seconds=SECONDS))
            render_rate.append(render_once())
            page_rate.append(served.rate(page, cookie, "text/html", connections=CONNECTIONS, seconds=SECONDS))
    middle = statistics.median
    return [
        relative(
            "roster of 50 rows as JSON, beside pgbench",
            middle(json_rate),
            middle(sql_rate),
            "requests/s",
            "at least",
            0.4,
        ),
        relative(
            "page of the roster, beside its template",
            middle(page_rate),
            middle(render_rate),
            "pages/s",
            "at least",
            0.5,
        ),
    ]


async def offering_of(served: Served) -> str:
    """The id of an offering of the present term."""
    database = Database(served.settings)
    try:
        async with database.reading(system_actor("benchmark")) as session:
            statement = select(Offering.id).join(Offering.term).where(Term.code == TERM)
            return str((await session.execute(statement)).scalar_one())
    finally:
        await database.close()


async def _one_request(served: Served, cookie: str, offering: str) -> tuple[list[bytes], "_Rendering"]:
    """The statements that one JSON request sends, with their values, and the rendering of the page."""
    sent: list[tuple[str, Mapping[str, Any]]] = []
    contexts: list[tuple[Any, str, object]] = []
    send = DriverStatement.send

    async def listen(self: DriverStatement, driver: psycopg.AsyncConnection[Any], parameters: Mapping[str, Any]) -> Any:
        sent.append((self.sql, parameters))
        return await send(self, driver, parameters)

    def keep(request: Any, template: str, context: object, **words: Any) -> Any:
        contexts.append((request, template, context))
        return render(request, template, context, **words)

    database = Database(served.settings)
    app = create_app(served.settings, database)
    transport = httpx.ASGITransport(app)
    address = f"http://{served.host}:{served.port}"
    async with httpx.AsyncClient(transport=transport, base_url=address, headers={"Cookie": cookie}) as client:
        (await client.get(f"/api/v1/offerings/{offering}/roster?limit=50")).raise_for_status()
        with mock.patch.object(DriverStatement, "send", listen):
            (await client.get(f"/api/v1/offerings/{offering}/roster?limit=50")).raise_for_status()
        with mock.patch.object(pages, "render", keep):
            (await client.get(f"/offerings/{offering}/roster", headers={"Accept": "text/html"})).raise_for_status()
    server = EmbeddedServer(served.settings.data_dir / "postgres")
    with psycopg.connect(server.conninfo(role=APP_ROLE)) as connection:
        cursor = psycopg.ClientCursor(connection)
        statements = [cursor.mogrify(statement, values).encode() for statement, values in sent]
    await database.close()
    return statements, _Rendering(app, *contexts[-1])


class _Rendering:
    """The page's template with the page's context, without routes, database or response."""

    def __init__(self, app: Any, request: Any, template: str, context: object) -> None:
        self.template = app.state.page_kit.environment.get_template(template)
        self.words = {
            "page": context,
            "kit": app.state.page_kit,
            "chrome": PageChrome(app.state.page_kit, request.state.actor, request.url.path, request.url.query, ()),
        }

    def __call__(self) -> float:
        """Renderings a second."""
        self.template.render(**self.words)
        started = time.perf_counter()
        for _ in range(RENDERINGS):
            self.template.render(**self.words)
        return RENDERINGS / (time.perf_counter() - started)


def _pgbench(served: Served, statements: Sequence[bytes]) -> float:
    """Transactions a second of the statements between BEGIN and ROLLBACK, as a reading request ends."""
    server = EmbeddedServer(served.settings.data_dir / "postgres")
    with tempfile.NamedTemporaryFile(suffix=".sql") as script:
        body = b";\n".join(re.sub(rb"\s+", b" ", statement) for statement in statements)
        script.write(b"BEGIN;\n" + body + b";\nROLLBACK;\n")
        script.flush()
        Path(script.name).chmod(0o644)
        command = [
            str(server.tool("pgbench")), "--no-vacuum", "--protocol=prepared", f"--client={CONNECTIONS}", "--jobs=2",
            f"--time={SECONDS}", f"--file={script.name}", server.conninfo(role=APP_ROLE),
        ]  # fmt: skip
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    assert found is not None, said
    return float(found[1])
