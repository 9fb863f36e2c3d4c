"""What health, metrics and the command line say while statements wait."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from academe.app import create_app
from academe.lrs.spool.cli import spool
from academe.platform.settings import Settings
from tests.lrs.spool.conftest import NewStore
from tests.lrs.spool.wire import Wire
from tests.lrs.statements.brought import a_statement

pytestmark = pytest.mark.anyio


async def test_away_is_degraded_and_not_down(
    settings_of: Callable[..., Settings], wire: Wire, auth: tuple[str, str]
) -> None:
    app = create_app(settings_of())
    headers = {"X-Experience-API-Version": "2.0.0"}
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://lrs") as client,
    ):

        async def ready() -> tuple[int, bool, bool, dict[str, str]]:
            answer = await client.get("/health/ready")
            told = answer.json()
            failed = {each["name"]: each["detail"] for each in told["checks"] if not each["ok"]}
            return answer.status_code, told["ready"], told["degraded"], failed

        assert (await client.get("/xapi/statements", auth=auth, headers=headers)).status_code == 200
        assert await ready() == (200, True, False, {})
        await wire.cut()
        answer = await client.post("/xapi/statements", json=[a_statement()] * 1, auth=auth, headers=headers)
        assert answer.status_code == 200
        status, is_ready, is_degraded, failed = await ready()
        assert (status, is_ready, is_degraded) == (200, True, True)
        assert set(failed) == {"database", "migrations", "jobs", "spool", "forwards"}
        assert failed["spool"].startswith("1 statements wait since 20")
        told = (await client.get("/metrics")).text
        assert "academe_xapi_spool_statements 1.0" in told
        assert "academe_xapi_spool_limit_bytes 6.7108864e+07" in told
        await wire.mend()


async def test_a_process_that_never_saw_its_database_is_down(settings_of: Callable[..., Settings], wire: Wire) -> None:
    await wire.cut()
    app = create_app(settings_of())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://lrs") as client,
    ):
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()["degraded"]) == (503, False)


async def test_the_command_line_lists_verifies_and_stores(
    opened: NewStore, wire: Wire, settings_of: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of()
    monkeypatch.setattr("academe.lrs.spool.cli.settings_of_command", lambda: settings)

    def command(name: str) -> tuple[int, dict[str, object]]:
        # The store beside it writes its log while the runner holds everybody's output.
        with capture_logs():
            result = CliRunner().invoke(spool, [name, "--json"])
        return result.exit_code, json.loads(result.stdout) if result.stdout else {}

    assert command("list")[1]["files"] == []
    async with opened() as store:
        await store.known()
        await wire.cut()
        await store.client.post("/statements", json=[a_statement(), a_statement()])
        (file,) = store.files
        code, told = command("list")
        assert (code, told["statements"], told["damaged"]) == (0, 2, 0)
        assert command("verify")[0] == 0
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    code, told = command("verify")
    assert code == 1
    assert "damaged" in str(told)
    file.write_bytes(data)
    await wire.mend()
    # In a thread: the command has a loop of its own.
    code, told = await _in_thread(command, "replay")
    assert (code, told["segments"], told["stored"]) == (0, 1, 2)
    assert not file.exists()
    assert command("list")[1]["statements"] == 0


async def _in_thread(work: Callable[[str], tuple[int, dict[str, object]]], name: str) -> tuple[int, dict[str, object]]:
    return await asyncio.to_thread(work, name)
