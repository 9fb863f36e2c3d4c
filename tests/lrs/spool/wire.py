"""A wire to the database that can be cut: who is connected is cut off, and nobody gets through until it is mended."""

import asyncio
from contextlib import suppress
from pathlib import Path

from pydantic import PostgresDsn
from sqlalchemy import make_url


class Wire:
    """Passes bytes between a port of this machine and the socket of a PostgreSQL server."""

    def __init__(self, address: str) -> None:
        self._url = make_url(address)
        self._socket = Path(str(self._url.query["host"])) / f".s.PGSQL.{self._url.query.get('port', self._url.port)}"
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = 0

    @property
    def address(self) -> PostgresDsn:
        """The database behind the wire."""
        url = self._url.set(host="127.0.0.1", port=self._port).difference_update_query(["host", "port"])
        return PostgresDsn(url.render_as_string(hide_password=False))

    async def mend(self) -> None:
        """Let everybody through."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Cut off whoever is connected, and let nobody through."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            database = await asyncio.open_unix_connection(self._socket)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, database[1]}
        await asyncio.gather(_copy(reader, database[1]), _copy(database[0], writer))
        self._writers -= {writer, database[1]}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
