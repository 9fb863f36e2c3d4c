"""One connection to a mail server (RFC 5321), cut where it matters: everything up to the final dot, and the dot.

Python's own smtplib does it, in a thread, because the last line of DATA has to be held back until the database knows
that it is about to be sent; libraries that send a message as a whole cannot.
"""

import re
import smtplib
import ssl
from dataclasses import dataclass
from typing import Final

from academe.platform.settings import Settings, SmtpSecurity

ANSWER_SECONDS: Final = 60.0
"""How long an answer is waited for; RFC 5321, 4.5.3.2.6 grants the final one ten minutes, which would keep a letter in
doubt for as long."""

_DOTS: Final = re.compile(rb"(?m)^\.")
_LONGEST_REPLY: Final = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server said: a code of three digits and its words."""

    code: int
    text: str

    @property
    def is_permanent(self) -> bool:
        """Whether trying again is of no use (RFC 5321, 4.2.1)."""
        return 500 <= self.code < 600

    @property
    def is_of_address(self) -> bool:
        """Whether the address is to blame: an enhanced code 5.1 or a mailbox that is not there (RFC 3463, 3.2)."""
        enhanced = re.match(r"5\.\d{1,3}\.\d{1,3}", self.text)
        return enhanced[0].startswith(("5.1.", "5.2.1")) if enhanced else self.code in (550, 551, 553)


class RefusedError(Exception):
    """The server refused before the letter was handed over; it has nothing of it."""

    def __init__(self, reply: Reply, *, of_receiver: bool) -> None:
        super().__init__(f"{reply.code} {reply.text}")
        self.reply = reply
        self.of_receiver = of_receiver


class Conversation:
    """A connection, for letter after letter. Every method blocks; if it breaks, OSError or smtplib's errors say so."""

    def __init__(self, settings: Settings) -> None:
        host, port = settings.smtp_host, settings.smtp_port
        if settings.smtp_security is SmtpSecurity.TLS:
            context = ssl.create_default_context()
            self._server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=ANSWER_SECONDS, context=context)
        else:
            self._server = smtplib.SMTP(host, port, timeout=ANSWER_SECONDS)
        try:
            if settings.smtp_security is SmtpSecurity.STARTTLS:
                self._server.starttls(context=ssl.create_default_context())
            if settings.smtp_user:
                self._server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            self._server.ehlo_or_helo_if_needed()
        except BaseException:
            self._server.close()
            raise

    def offer(self, sender: str, receiver: str, copy_to: str, source: bytes) -> bool:
        """Say everything but the final dot; returns whether `copy_to`, unless empty, is a receiver too.

        Raises RefusedError; the connection is then ready for the next letter.
        """
        self._require(self._server.mail(sender), of_receiver=False)
        self._require(self._server.rcpt(receiver), of_receiver=True)
        has_copy = bool(copy_to) and _reply(self._server.rcpt(copy_to)).code in (250, 251)
        self._server.putcmd("data")
        self._require(self._server.getreply(), of_receiver=False, wanted=(354,))
        self._server.send(_DOTS.sub(b"..", source) + (b"" if source.endswith(b"\r\n") else b"\r\n"))
        return has_copy

    def hand_over(self) -> Reply:
        """Say the final dot and hear the answer. If this raises, nobody knows whether the server has the letter."""
        self._server.send(b".\r\n")
        return _reply(self._server.getreply())

    def drop(self) -> None:
        """Close the connection at once: without the dot, what was offered does not exist (RFC 5321, 4.1.1.4)."""
        self._server.close()

    def end(self) -> None:
        """Say goodbye."""
        try:
            self._server.quit()
        except (OSError, smtplib.SMTPException):
            self._server.close()

    def _require(self, answer: tuple[int, bytes], *, of_receiver: bool, wanted: tuple[int, ...] = (250, 251)) -> None:
        reply = _reply(answer)
        if reply.code in wanted:
            return
        if reply.code == 421 or reply.code < 0:
            raise smtplib.SMTPServerDisconnected(f"{reply.code} {reply.text}")
        self._server.rset()
        raise RefusedError(reply, of_receiver=of_receiver)


def _reply(answer: tuple[int, bytes]) -> Reply:
    code, words = answer
    return Reply(code, words.decode("utf-8", "replace")[:_LONGEST_REPLY])
