"""Email by SMTP."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import deque

from notifier.domain.addresses import address_problem, ascii_domain, is_mailbox
from notifier.domain.hosts import canonical_host
from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.mail import Mail
from notifier.providers.parameters import choice, text
from notifier.providers.smtp_link import FAILURES, Busy, Link, Peer
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl

PORTS = {"starttls": 587, "implicit": 465, "none": 25}
IDLE_MAX = 30.0  # seconds that a connection is kept; servers close theirs after minutes, and unannounced
POOL = 4
TRIES = 10  # of one mail, while what fails is only the age of a connection; each of them ends one
FROM = text("from", "the sender's mailbox")
NAME = text("name", "the sender's name")
TLS = choice("tls", tuple(PORTS), "the encryption, `starttls` where it is not given")
CA = text("ca", "a file of further certificates to trust")
BASE = text("base", "`host:port` of another server than the URL's")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]").search
_OWN_NAME = re.compile(r"[A-Za-z0-9.-]{1,253}").fullmatch


class Smtp(Provider):
    """`smtp://user:pass@host:587?from=shop@example.com&tls=starttls|implicit|none`; `name=` is the sender's name,
    `ca=FILE` further certificates to trust, `base=host:port` another peer.

    Text is data: see `mail.py`. A refused login or sender is the operator's to mend, so that it may be repeated. The
    domain of a mailbox travels as punycode; a local part beyond ASCII needs a server with SMTPUTF8.
    """

    schemes = ("smtp",)
    parameters = (FROM, NAME, TLS, CA, BASE)

    def __init__(self, url: ProviderUrl, route: str, tools: Tools) -> None:
        tls = url.get(TLS, "starttls")
        self._from = url.needed(FROM)
        self._sender = url.get(NAME, "")
        ca = url.get(CA, "")
        host, _, port = url.get(BASE, "").rpartition(":")
        self._host = host or url.host
        self._port = int(port) if host and port.isdecimal() else url.port or PORTS[tls]
        name = canonical_host(self._host)
        if name is None:
            raise url.error("a host is needed: a name or an address")
        if _CONTROL(self._sender) or not is_mailbox(self._from):
            raise url.error("from= must be a mailbox, such as shop@example.com, and name= one line")
        self._from = ascii_domain(self._from)
        super().__init__(f"smtp:{self._host}:{self._port}")
        context = None if tls == "none" else _context(ca, url)
        self._peer = Peer(name, self._port, tls, context, url.user, url.password, tools.timeout, "")
        self._tools = tools
        self._idle: deque[tuple[float, Link]] = deque()
        self._waiting: list[asyncio.Future[None]] = []
        self._in_use = 0

    async def send(self, message: Message) -> str:
        if address_problem("email", message.to):
            raise ProviderError("recipient_refused", "not a mailbox", permanent=True, about_recipient=True)
        mail = self._mail(message)
        for left in range(TRIES, 0, -1):
            if await self._handed_over(mail, fresh=left < TRIES, last=left == 1):
                return mail.message_id
        raise AssertionError("unreachable")

    async def close(self) -> None:
        while self._idle:
            await self._idle.popleft()[1].quit()

    def _mail(self, message: Message) -> Mail:
        return Mail(
            sender=self._from,
            name=self._sender,
            to=ascii_domain(message.to),
            subject=message.subject,
            content=message.content,
            key=message.key,
            at=self._tools.now(),
            urgent=message.priority == "high",
        )

    async def _handed_over(self, mail: Mail, *, fresh: bool, last: bool) -> bool:
        """False when another connection is to be tried."""
        link = await self._link(fresh)
        keep = False
        try:
            _check_script(mail, link)
            await link.hand_over(mail.sender, mail.to, mail.to_bytes())
            keep = True
        except FAILURES as error:
            if link.may_do_on_another(error) and not last:
                return False
            failure = link.failure(error)
            keep = (failure.permanent or failure.about_recipient) and await link.reset()
            raise failure from None
        except ProviderError:
            keep = True  # nothing was said to the server yet
            raise
        finally:
            self._give_back(link, keep)
        return True

    # -- connections

    async def _link(self, fresh: bool) -> Link:
        """An open connection; where the server takes no further one, the next of those in use that becomes free."""
        while True:
            link = None if fresh else self._idle_link()
            self._in_use += 1
            try:
                return link or await self._open()
            except BaseException as error:
                self._in_use -= 1
                if not self._in_use:
                    self._wake()
                if not isinstance(error, Busy) or not (self._in_use or self._idle):
                    raise
                busy = error
            if not self._idle:
                await self._one_given_back(busy)
            fresh = False

    def _idle_link(self) -> Link | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            since, link = self._idle.pop()
            if link.is_open and now - since < IDLE_MAX:
                return link
            link.close()
        return None

    async def _open(self) -> Link:
        if not self._peer.own_name:
            name = await asyncio.to_thread(socket.getfqdn)
            self._peer = self._peer._replace(own_name=name if _OWN_NAME(name) else "[127.0.0.1]")
        link = Link(self._peer)
        try:
            await link.open()
        except BaseException:
            link.close()
            raise
        return link

    async def _one_given_back(self, busy: Busy) -> None:
        """Waits until a connection is free or gone; raises `busy` after the timeout of an answer."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(self._tools.timeout):
                await waiting
        except BaseException as error:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            else:  # woken, and going all the same
                self._wake()
            if isinstance(error, TimeoutError):
                raise busy from None
            raise

    def _give_back(self, link: Link, keep: bool) -> None:
        self._in_use -= 1
        if keep and link.is_open:
            self._idle.append((asyncio.get_running_loop().time(), link))
        else:
            link.close()
        while len(self._idle) > POOL:
            self._idle.popleft()[1].close()
        self._wake()

    def _wake(self) -> None:
        """Wakes the send that has waited longest for a connection, or all of them when none is in use, to be given
        back."""
        count = 1 if self._in_use else len(self._waiting)
        for waiting in self._waiting[:count]:
            if not waiting.done():
                waiting.set_result(None)
        del self._waiting[:count]


def _check_script(mail: Mail, link: Link) -> None:
    """Raises `ProviderError` where a local part is beyond ASCII and the server does not take that."""
    if link.takes_utf8:
        return
    if not mail.to.isascii():
        text = "the mail server takes no mailbox beyond ASCII (it offers no SMTPUTF8)"
        raise ProviderError("recipient_refused", text, permanent=True, about_recipient=True, unable=True)
    if not mail.sender.isascii():
        raise ProviderError("sender_refused", "from= is beyond ASCII, and the server offers no SMTPUTF8")


def _context(ca: str, url: ProviderUrl) -> ssl.SSLContext:
    """Made once: it reads every authority's certificate."""
    try:
        context = ssl.create_default_context()
        if ca:
            context.load_verify_locations(ca)
        return context
    except OSError as error:
        raise url.error(f"ca= cannot be read: {type(error).__name__}") from None
