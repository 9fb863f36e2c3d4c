"""Alive, ready, measured - and to whom that is said."""

import asyncio

import httpx
import pytest
from pydantic import SecretStr

from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.errors import ServiceUnavailableError
from academe.platform.http import health
from academe.platform.http.application import build_application
from academe.platform.http.health import (
    Check,
    count_jobs,
    database_check,
    disk_check,
    migrations_check,
    queue_check,
    run_check,
)
from academe.platform.jobs.models import Job
from academe.platform.settings import Settings
from tests.platform.http.conftest import Client, client_of

pytestmark = pytest.mark.anyio


async def is_fine() -> str:
    return "fine"


async def is_broken() -> str:
    raise RuntimeError("at 10.0.0.1 with password x")


async def is_down() -> str:
    raise ServiceUnavailableError("the queue stands still")


async def hangs() -> str:
    await asyncio.sleep(60)
    return "never"


class TestLive:
    async def test_needs_nothing(self, client: Client) -> None:
        async with client() as c:
            answer = await c.get("/health/live")
        assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


class TestReady:
    async def test_a_working_application_is_ready(
        self, plain_settings: Settings, worker_database: Database, settings: Settings
    ) -> None:
        app = build_application(
            plain_settings,
            (),
            database=worker_database,
            checks_of=lambda opened: (database_check(opened), disk_check(settings.data_dir)),
        )
        async with client_of(app) as c:
            answer = await c.get("/health/ready")
        assert answer.status_code == 200
        assert answer.json()["ready"] is True
        checks = {check["name"]: check for check in answer.json()["checks"]}
        assert set(checks) == {"database", "disk"}
        assert checks["database"]["milliseconds"] > 0
        assert checks["disk"]["detail"].endswith("GiB free")

    async def test_one_fault_is_503_and_the_others_are_still_told(
        self, plain_settings: Settings, worker_database: Database
    ) -> None:
        checks = (Check("good", is_fine), Check("bad", is_broken), Check("queue", is_down))
        app = build_application(plain_settings, (), database=worker_database, checks_of=lambda _opened: checks)
        async with client_of(app) as c:
            answer = await c.get("/health/ready")
        assert answer.status_code == 503
        told = {check["name"]: (check["ok"], check["detail"]) for check in answer.json()["checks"]}
        assert told == {
            "good": (True, "fine"),
            "bad": (False, "does not answer"),
            "queue": (False, "the queue stands still"),
        }
        assert "10.0.0.1" not in answer.text

    async def test_a_check_that_hangs_is_cut_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)
        result = await run_check(Check("slow", hangs))
        assert not result.ok
        assert result.milliseconds < 1000

    async def test_migrations_must_be_those_of_the_release(self, worker_database: Database) -> None:
        behind = await run_check(migrations_check(worker_database, lambda: "a newer one"))
        assert not behind.ok
        assert "this release needs a newer one" in behind.detail
        at = behind.detail.removeprefix("at ").partition(",")[0]
        level = await run_check(migrations_check(worker_database, lambda: at))
        assert level.ok

    async def test_waiting_jobs_are_told(self, own_database: Database) -> None:
        check = queue_check(own_database)
        assert (await run_check(check)).detail == "no job waits"
        async with own_database.transaction(system_actor("test")) as session:
            session.add(Job(kind="trial.job", title="Trial", arguments={}, actor={}))
        result = await run_check(check)
        assert result.ok
        assert result.detail.startswith("1 waiting, the oldest for ")
        assert await count_jobs(own_database) == {("trial.job", "queued"): 1}

    async def test_a_full_disk_is_a_fault(self, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
        monkeypatch.setattr(health, "LEAST_FREE_BYTES", 2**62)
        result = await run_check(disk_check(settings.data_dir))
        assert not result.ok
        assert "MiB free" in result.detail


class TestMetrics:
    async def test_this_machine_may_read_them(self, plain_settings: Settings, worker_database: Database) -> None:
        app = build_application(plain_settings, (), database=worker_database)
        async with client_of(app) as c:
            answer = await c.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        assert "# TYPE academe_jobs gauge" in answer.text
        assert "academe_http_request_seconds_bucket" in answer.text

    async def test_other_machines_may_not_without_a_token(self, plain_settings: Settings) -> None:
        app = build_application(plain_settings, ())
        transport = httpx.ASGITransport(app, client=("192.0.2.1", 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://academe.test") as c:
            answer = await c.get("/metrics")
        assert answer.status_code == 403

    @pytest.mark.parametrize(("header", "status"), [("", 401), ("Bearer wrong", 401), ("Bearer right", 200)])
    async def test_with_a_token_only_who_has_it_may(
        self, plain_settings: Settings, worker_database: Database, header: str, status: int
    ) -> None:
        settings = plain_settings.model_copy(update={"metrics_token": SecretStr("right")})
        app = build_application(settings, (), database=worker_database)
        async with client_of(app) as c:
            answer = await c.get("/metrics", headers={"authorization": header})
        assert answer.status_code == status
