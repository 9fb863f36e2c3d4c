"""The endpoint of one server process: which resources there are, and what they share."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, Final

from starlette.types import ASGIApp

from academe.lrs.http import (
    about,
    activities,
    activity_profiles,
    activity_states,
    agent_profiles,
    agents,
    caliper,
    statement_reading,
    statement_writing,
)
from academe.lrs.http.edge import CONSISTENT_THROUGH, XapiEdge
from academe.lrs.http.errors import SensorScopeError
from academe.lrs.http.exchange import Answer, Call, Method, Resource
from academe.lrs.senders.activity import SenderActivity
from academe.lrs.senders.credentials import Credentials
from academe.lrs.spool.folder import SpoolFolder
from academe.lrs.spool.spool import Spool
from academe.lrs.statements.intake import Intake
from academe.lrs.xapi.grammar import timestamp_text
from academe.lrs.xapi.multipart import Limits
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Database
from academe.platform.files.choice import file_store
from academe.platform.settings import Settings

MEBIBYTE: Final = 2**20
_BEFORE: Final = timedelta(milliseconds=1)


class XapiEndpoint:
    """What the resources of a process share. `database` gives the one that is open; it is first asked in a request."""

    def __init__(self, settings: Settings, database: Callable[[], Database]) -> None:
        self._settings = settings
        self.database = database
        writing = statement_writing.StatementWriting(
            lambda: self.intake,
            file_store(settings),
            Limits(part_bytes=settings.xapi_request_limit_mebibytes * MEBIBYTE),
        )
        self.resources: Mapping[str, Resource] = {
            "statements": {
                "GET": Method(self._read, statement_reading.PARAMETERS, statement_reading.SCOPES),
                "PUT": Method(writing.put, statement_writing.PUT_PARAMETERS, statement_writing.SCOPES),
                "POST": Method(writing.post, statement_writing.POST_PARAMETERS, statement_writing.SCOPES),
            },
            "activities/state": activity_states.RESOURCE,
            "activities/profile": activity_profiles.RESOURCE,
            "agents/profile": agent_profiles.RESOURCE,
            "agents": agents.RESOURCE,
            "activities": activities.RESOURCE,
            "about": about.RESOURCE,
            "caliper": {
                "GET": Method(caliper.configuration, caliper.PARAMETERS, caliper.SCOPES, SensorScopeError),
                "POST": Method(partial(_from_sensor, writing), caliper.PARAMETERS, caliper.SCOPES, SensorScopeError),
            },
        }

    @cached_property
    def credentials(self) -> Credentials:
        """Checks who sends."""
        minutes = self._settings.xapi_spool_grace_minutes if self._settings.xapi_spool_mebibytes else 0
        return Credentials(self.database(), grace_seconds=minutes * 60)

    @cached_property
    def activity(self) -> SenderActivity:
        """What senders do, counted."""
        return SenderActivity(self.database)

    @cached_property
    def intake(self) -> Intake:
        """Where statements are stored."""
        return Intake(
            self.database(),
            limit_bytes=self._settings.xapi_intake_mebibytes * MEBIBYTE,
            grouped=self._settings.xapi_group_commit,
            spool=self.spool,
        )

    @cached_property
    def spool(self) -> Spool:
        """Where statements wait while the database is away."""
        return Spool(
            self.database,
            SpoolFolder.of(self._settings),
            limit_bytes=self._settings.xapi_spool_mebibytes * MEBIBYTE,
            store=lambda: self.intake.store_kept,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What goes on while the application does: statements that wait from before are stored."""
        self.spool.start()
        try:
            yield
        finally:
            await self.spool.close()

    def consistent_through(self) -> datetime:
        """Up to when all that this machine took in can be read."""
        through, since = self.intake.consistent_through(), self.spool.waiting_since()
        return through if since is None else min(through, since - _BEFORE)

    async def _read(self, call: Call) -> Answer:
        """Statements; what waits in the spool cannot be read yet."""
        answer = await statement_reading.read(call)
        since = self.spool.waiting_since()
        if since is None:
            return answer
        through = min(datetime.fromisoformat(answer.headers[CONSISTENT_THROUGH]), since - _BEFORE)
        return replace(answer, headers={**answer.headers, CONSISTENT_THROUGH: timestamp_text(through)})

    def edge(self) -> Callable[[ASGIApp], XapiEdge]:
        """The layer that answers what comes below `/xapi`."""
        return partial(
            XapiEdge,
            database=self.database,
            credentials=lambda: self.credentials,
            resources=lambda: self.resources,
            consistent_through=self.consistent_through,
            limit_bytes=self._settings.xapi_request_limit_mebibytes * MEBIBYTE,
            activity=lambda: self.activity,
        )


async def _from_sensor(writing: statement_writing.StatementWriting, call: Call) -> Answer:
    """Take an envelope of Caliper: its events are stored as statements, whatever version of xAPI others speak."""

    async def store(statements: list[dict[str, Any]], version: Version) -> None:
        await writing.store(replace(call, version=version), statements, {}, is_array=True)

    return await caliper.receive(call, store)
