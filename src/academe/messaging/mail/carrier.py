"""Carries the letters: claims them, offers them to the server, and records every step before and after it is taken."""

import asyncio
import logging
import smtplib
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from academe.messaging.mail.conversation import Conversation, RefusedError, Reply
from academe.messaging.mail.letters import LetterWriter, wish_of
from academe.messaging.mail.mailbox import read_mailbox
from academe.messaging.mail.service import (
    Claimed,
    begin_handing_over,
    catch,
    claim,
    end,
    mark_undeliverable,
    moment,
    note_doubt,
    note_sent,
    release,
    settle,
    try_again,
)
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.embedded import EmbeddedServerError
from academe.platform.database.session import Database
from academe.platform.errors import ServiceUnavailableError
from academe.platform.ids import new_id
from academe.platform.settings import Settings

logger = logging.getLogger(__name__)

ACTOR: Final = system_actor("carry mail")
BATCH: Final = 20
IDLE_SECONDS: Final = 1.0
LEASE_SECONDS: Final = 120.0
"""Longer than a batch takes; a claimed letter of a dead worker waits for as long."""

_LETTERS_OF_A_CONNECTION: Final = 100
_UNREACHABLE: Final = (DBAPIError, NoConnectionError, ServiceUnavailableError, EmbeddedServerError)
_BROKEN: Final = (OSError, smtplib.SMTPException)


@dataclass(slots=True)
class Carrier:
    """One connection's worth of work. `lease_seconds` and `first_wait_seconds` are shorter in tests."""

    database: Database
    writer: LetterWriter
    settings: Settings
    lease_seconds: float = LEASE_SECONDS
    first_wait_seconds: float = 60.0
    _conversation: Conversation | None = field(default=None, init=False)
    _carried: int = field(default=0, init=False)

    async def run(self, stopping: asyncio.Event) -> None:
        """Carry until told to stop; the letter in hand is finished first."""
        try:
            while not stopping.is_set():
                try:
                    if not await self.carry_some(stopping):
                        await self.hang_up()
                        await _wait(stopping, IDLE_SECONDS)
                except _UNREACHABLE as error:
                    logger.warning("mail waits for the database: %s", type(error).__name__)
                    await _wait(stopping, 2.0)
        finally:
            await self.hang_up()

    async def carry_some(self, stopping: asyncio.Event | None = None) -> int:
        """Carry one batch; returns how many letters were claimed."""
        async with self.database.transaction(ACTOR) as session:
            batch = await claim(
                session, most=BATCH, per_minute=self.settings.mail_per_minute, lease_seconds=self.lease_seconds
            )
        for place, mail in enumerate(batch):
            if stopping is not None and stopping.is_set():
                async with self.database.transaction(ACTOR) as session:
                    await release(session, [each.id for each in batch[place:]])
                break
            await self._carry(mail)
        return len(batch)

    async def _carry(self, mail: Claimed) -> None:
        if mail.address is None or mail.undeliverable is not None:
            why = mail.undeliverable or "There is no address."
            async with self.database.transaction(ACTOR) as session:
                await end(session, mail.id, "suppressed", code=None, reply=why, address=mail.address)
            return
        wish = wish_of(mail.person_id, mail.kind)
        try:
            message = self.writer.written(
                mail.template, mail.content, wish, token=mail.token, receiver=mail.address, at=clock.now()
            )
            source = message.as_bytes()
        except Exception:
            # One letter that cannot be written must not keep the others: it waits for somebody to look.
            logger.exception("letter %s cannot be written", mail.id)
            async with self.database.transaction(ACTOR) as session:
                await end(session, mail.id, "failed", code=None, reply="It cannot be written.", address=mail.address)
            return
        if not self.settings.smtp_host:
            await self._catch(mail, str(message["Subject"]), source)
            return
        await self._send(mail, mail.address, source)

    async def _catch(self, mail: Claimed, subject: str, source: bytes) -> None:
        async with self.database.transaction(ACTOR) as session:
            await catch(session, mail, caught_id=new_id(), subject=subject, source=source)
            await note_sent(session, mail.id, Reply(250, "Caught; no mail server is configured."), address=mail.address)

    async def _send(self, mail: Claimed, address: str, source: bytes) -> None:
        try:
            conversation = await self._connected()
            has_copy = await asyncio.to_thread(
                conversation.offer, self.writer.return_address, address, self.settings.mail_return_address, source
            )
        except RefusedError as refused:
            await self._refused(mail, address, refused.reply, of_receiver=refused.of_receiver)
            return
        except _BROKEN as error:
            self._drop_conversation()
            async with self.database.transaction(ACTOR) as session:
                said = f"The server could not be spoken to: {type(error).__name__}"
                await try_again(session, mail.id, code=None, reply=said, first_seconds=self.first_wait_seconds)
            return
        try:
            async with self.database.transaction(ACTOR) as session:
                mine = await begin_handing_over(
                    session, mail.id, address=address, has_copy=has_copy, lease_seconds=self.lease_seconds
                )
        except BaseException:
            self._drop_conversation()  # without the dot there is no letter
            raise
        if not mine:
            self._drop_conversation()
            return
        await self._hand_over(conversation, mail, address)

    async def _hand_over(self, conversation: Conversation, mail: Claimed, address: str) -> None:
        try:
            reply = await asyncio.to_thread(conversation.hand_over)
        except _BROKEN as error:
            self._drop_conversation()
            why = f"The connection broke while it was handed over: {type(error).__name__}"
            await self._insist_doubt(mail, why)
            return
        if reply.code == 250:
            await self._insist_sent(mail, reply)
        else:
            await self._refused(mail, address, reply, of_receiver=False)

    async def _insist_sent(self, mail: Claimed, reply: Reply) -> None:
        """Record what the server has said, for as long as it takes: forgetting it would be a doubt."""
        while True:
            try:
                async with self.database.transaction(ACTOR) as session:
                    await note_sent(session, mail.id, reply)
            except _UNREACHABLE:
                await asyncio.sleep(0.5)
            else:
                return

    async def _insist_doubt(self, mail: Claimed, why: str) -> None:
        async with self.database.transaction(ACTOR) as session:
            await note_doubt(session, mail.id, why=why, settle_seconds=self.settings.mail_settle_seconds)

    async def _refused(self, mail: Claimed, address: str, reply: Reply, *, of_receiver: bool) -> None:
        async with self.database.transaction(ACTOR) as session:
            if not reply.is_permanent:
                first = self.first_wait_seconds
                await try_again(session, mail.id, code=reply.code, reply=reply.text, first_seconds=first)
                return
            await end(session, mail.id, "failed", code=reply.code, reply=reply.text, address=address)
            if of_receiver and reply.is_of_address:
                await mark_undeliverable(session, mail.institution_id, address, f"{reply.code} {reply.text}")

    async def _connected(self) -> Conversation:
        if self._conversation is not None and self._carried >= _LETTERS_OF_A_CONNECTION:
            await self.hang_up()
        if self._conversation is None:
            self._conversation, self._carried = await asyncio.to_thread(Conversation, self.settings), 0
        self._carried += 1
        return self._conversation

    def _drop_conversation(self) -> None:
        if self._conversation is not None:
            self._conversation.drop()
            self._conversation = None

    async def hang_up(self) -> None:
        """End the conversation with the server, if there is one."""
        if self._conversation is not None:
            conversation, self._conversation = self._conversation, None
            await asyncio.to_thread(conversation.end)


async def carry_mail(
    database: Database,
    stopping: asyncio.Event,
    *,
    lease_seconds: float = LEASE_SECONDS,
    first_wait_seconds: float = 60.0,
) -> None:
    """Carry letters with as many connections as the settings allow, and look after what is in doubt, until stopped.

    In production without a mail server, letters wait.
    """
    settings = database.settings
    if not settings.smtp_host and settings.is_production:
        logger.warning("no mail is sent: ACADEME_SMTP_HOST is not set")
        return
    writer = LetterWriter(settings)
    carriers = [
        Carrier(database, writer, settings, lease_seconds, first_wait_seconds) for _ in range(settings.mail_connections)
    ]
    async with asyncio.TaskGroup() as tasks:
        for carrier in carriers:
            tasks.create_task(carrier.run(stopping), name="mail")
        tasks.create_task(_look_after(database, writer, stopping), name="mail in doubt")


async def look_once(database: Database, writer: LetterWriter) -> None:
    """Read our mailbox, and settle what can be settled; the mailbox first, so that no copy in it is overlooked."""
    settings = database.settings
    read_since = None
    if settings.mail_return_folder is not None:
        async with database.transaction(ACTOR) as session:
            read_since = await moment(session)
        await read_mailbox(database, writer)
    async with database.transaction(ACTOR) as session:
        dropped, doubted, arrived, absent = await settle(
            session, settle_seconds=settings.mail_settle_seconds, read_since=read_since
        )
    if dropped or doubted or arrived or absent:
        logger.warning(
            "mail of dead workers: %d put back, %d in doubt; doubts settled: %d had arrived, %d had not",
            *(dropped, doubted, arrived, absent),
        )


async def _look_after(database: Database, writer: LetterWriter, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await look_once(database, writer)
        except (*_UNREACHABLE, OSError) as error:
            logger.warning("could not look after mail in doubt: %s", type(error).__name__)
        await _wait(stopping, IDLE_SECONDS)


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
