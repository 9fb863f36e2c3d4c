"""A mail server for tests that keeps every delivery raw: what it accepted counts, whatever its Message-ID.

Addresses say how it behaves: `gone@` is refused for good, `busy@` for the moment, `full@` after the dot, and for
`silent@` it accepts the letter and breaks off without an answer. A copy to `return_address` is put into a Maildir a
moment later, as a real server would.
"""

import asyncio
import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class Delivery:
    """A letter that was accepted: envelope and source."""

    sender: str
    receivers: tuple[str, ...]
    source: bytes

    @property
    def message(self) -> EmailMessage:
        parsed: EmailMessage = BytesParser(policy=default).parsebytes(self.source)
        return parsed


@dataclass
class SmtpServer:
    """Runs in a thread of its own. `most_delay_seconds` lies between accepting a letter and saying so."""

    return_address: str = ""
    maildir: Path | None = None
    most_delay_seconds: float = 0.0
    deliveries: list[Delivery] = field(default_factory=list)
    port: int = 0
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _busy: set[str] = field(default_factory=set)
    _copies: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def __enter__(self) -> "SmtpServer":
        if self.maildir is not None:
            for part in ("new", "cur", "tmp"):
                (self.maildir / part).mkdir(parents=True, exist_ok=True)
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def to(self, address: str) -> list[Delivery]:
        """What was delivered to an address."""
        return [each for each in self.deliveries if address in each.receivers]

    def _run(self, started: threading.Event) -> None:
        self._loop = asyncio.new_event_loop()
        server = self._loop.run_until_complete(asyncio.start_server(self._talk, LOOPBACK, 0, limit=2**24))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        server.close()
        for writer in list(self._writers):
            writer.close()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side was killed: what was not ended by a dot does not exist
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 mail server of tests")
        sender = ""
        receivers: list[str] = []
        while line := await reader.readline():
            word, _, rest = line.decode().strip().partition(" ")
            address = rest.partition("<")[2].partition(">")[0]
            match word.upper():
                case "EHLO" | "HELO":
                    say("250 here")
                case "MAIL":
                    sender, receivers = address, []
                    say("250 2.1.0 fine")
                case "RCPT" if address.startswith("gone@"):
                    say("550 5.1.1 no such mailbox")
                case "RCPT" if address.startswith("busy@") and address not in self._busy:
                    self._busy.add(address)
                    say("451 4.7.1 come back later")
                case "RCPT":
                    receivers.append(address)
                    say("250 2.1.5 fine")
                case "DATA":
                    say("354 go on")
                    if not await self._take(reader, say, sender, receivers):
                        return
                case "QUIT":
                    say("221 bye")
                    return
                case _:
                    say("250 2.0.0 fine")
            await writer.drain()

    async def _take(
        self, reader: asyncio.StreamReader, say: Callable[[str], None], sender: str, receivers: list[str]
    ) -> bool:
        source = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
        if any(each.startswith("full@") for each in receivers):
            say("552 5.2.2 mailbox full")
            return True
        self.deliveries.append(Delivery(sender, tuple(receivers), source))
        if self.maildir is not None and self.return_address in receivers:
            assert self._loop is not None
            self._loop.call_later(0.2, self._copy, source)
        if self.most_delay_seconds:
            await asyncio.sleep(random.uniform(0, self.most_delay_seconds))
        if any(each.startswith("silent@") for each in receivers):
            return False
        say("250 2.0.0 it is ours now")
        return True

    def _copy(self, source: bytes) -> None:
        assert self.maildir is not None
        self._copies += 1
        name = f"{self._copies}.{os.getpid()}.tests"
        (self.maildir / "tmp" / name).write_bytes(source)
        (self.maildir / "tmp" / name).rename(self.maildir / "new" / name)
