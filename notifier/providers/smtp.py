"""Email by SMTP."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib

from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl

PORTS = {"starttls": 587, "implicit": 465, "none": 25}
IDLE_MAX = 30.0  # seconds that a connection is kept; servers close theirs after minutes, and unannounced
POOL = 4


class Smtp(Provider):
    """`smtp://user:pass@host:587?from=shop@example.com&tls=starttls|implicit|none`; `name=` is the sender's name,
    `ca=FILE` further certificates to trust, `base=host:port` another peer.

    A reply of 4xx may be repeated, one of 5xx not (RFC 5321 §4.2.1). A refused login is the operator's to mend, so that
    it may be repeated too.
    """

    schemes = ("smtp",)

    def __init__(self, url: ProviderUrl, channel: str, tools: Tools) -> None:
        self._tls = url.choice("tls", tuple(PORTS), "starttls")
        self._from = url.needed("from", "the sender's mailbox")
        self._sender = url.text("name")
        self._ca = url.text("ca")
        host, _, port = url.text("base").rpartition(":")
        self._host = host or url.host
        self._port = int(port) if host and port.isdecimal() else url.port or PORTS[self._tls]
        if not self._host:
            raise url.error("a host is needed")
        if "\r" in self._from + self._sender or "\n" in self._from + self._sender:
            raise url.error("from= and name= must be one line")
        self._user, self._password = url.user, url.password
        url.done()
        super().__init__(f"smtp:{self._host}:{self._port}")
        self._tools = tools
        self._idle: deque[tuple[float, aiosmtplib.SMTP]] = deque()

    async def send(self, message: Message) -> str:
        mail = self._compose(message)
        connection = await self._connection()
        try:
            await connection.send_message(mail, sender=self._from, recipients=[message.to])
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            connection.close()
            raise _failure(error) from None
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)
        return str(mail["Message-ID"]).strip("<>")

    async def close(self) -> None:
        while self._idle:
            _, connection = self._idle.popleft()
            try:
                await connection.quit(timeout=1.0)
            except (aiosmtplib.SMTPException, OSError, TimeoutError):
                connection.close()

    def _compose(self, message: Message) -> EmailMessage:
        """The library refuses line breaks in headers; the recipient was checked at the door."""
        mail = EmailMessage(policy=SMTP)
        mail["From"] = f'"{_quoted(self._sender)}" <{self._from}>' if self._sender else self._from
        mail["To"] = message.to
        mail["Subject"] = " ".join(message.subject.split()) or " ".join(message.content.split())[:78]
        mail["Date"] = format_datetime(datetime.fromtimestamp(self._tools.now(), UTC))
        mail["Message-ID"] = f"<{message.key.replace('/', '.')}@{self._from.rpartition('@')[2] or self._host}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic reply is wanted
        if message.priority == "high":
            mail["X-Priority"] = "1"
        mail.set_content(message.content)
        return mail

    async def _connection(self) -> aiosmtplib.SMTP:
        loop = asyncio.get_running_loop()
        while self._idle:
            since, connection = self._idle.pop()
            if connection.is_connected and loop.time() - since < IDLE_MAX:
                return connection
            connection.close()
        connection = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            timeout=self._tools.timeout,
            use_tls=self._tls == "implicit",
            start_tls=self._tls == "starttls",
            tls_context=self._context() if self._tls != "none" else None,
            username=self._user or None,
            password=self._password or None,
        )
        try:
            await connection.connect()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            connection.close()
            raise _failure(error) from None
        return connection

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca or None)

    def _give_back(self, connection: aiosmtplib.SMTP) -> None:
        self._idle.append((asyncio.get_running_loop().time(), connection))
        while len(self._idle) > POOL:
            self._idle.popleft()[1].close()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _failure(error: BaseException) -> ProviderError:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        refused = error.recipients[0]
        return _by_code(refused.code, refused.message, "recipient_refused", about_recipient=True)
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return ProviderError("login_refused", str(error.code))  # what the server says may repeat what it was told
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _by_code(error.code, error.message, "rejected")
    if isinstance(error, (aiosmtplib.SMTPTimeoutError, TimeoutError)):
        return ProviderError("timeout", "no answer in time")
    return ProviderError("connect", type(error).__name__)


def _by_code(code: int, said: str, reason: str, *, about_recipient: bool = False) -> ProviderError:
    permanent = 500 <= code < 600
    text = "".join(char if char.isprintable() else " " for char in said)
    word = reason if permanent or about_recipient else "server_error"
    return ProviderError(word, f"{code} {text}", permanent=permanent, about_recipient=about_recipient)
