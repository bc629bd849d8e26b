"""One connection to a mail server: opening it, handing a mail over, and the meaning of its refusals."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import NamedTuple

import aiosmtplib

from notifier.providers.base import ProviderError

FAILURES = (aiosmtplib.SMTPException, OSError, TimeoutError)
LOGIN_CODES = frozenset({530, 534, 535, 538})  # a login or TLS is wanted first (RFC 4954 §6, RFC 3207 §4)
TOO_LARGE = 552
CLOSING = 421
GREYLISTED = 450  # the mailbox, not the session: the same answer would come on a new one
NO_TLS = "the server offers no STARTTLS: add tls=none or use tls=implicit"
MAYBE_TAKEN = "the mail was handed over, it may have been taken; it is sent again under the same Message-ID"


class Peer(NamedTuple):
    """A mail server and the settings to reach it: `tls` is `starttls`, `implicit` or `none`; `timeout` is in seconds
    and for each reply; `own_name` is what EHLO says."""

    host: str
    port: int
    tls: str
    context: ssl.SSLContext | None
    user: str
    password: str
    timeout: float
    own_name: str


class Busy(ProviderError):
    """The server takes no further connection now."""


class Link:
    """A connection. `mails` counts those handed over; what fails on one that had some may do on a new one."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.mails = 0
        self._utf8 = False
        self._may_be_taken = False
        self._smtp = aiosmtplib.SMTP(
            hostname=peer.host,
            port=peer.port,
            timeout=peer.timeout,
            use_tls=peer.tls == "implicit",
            start_tls=False,
            tls_context=peer.context,
            local_hostname=peer.own_name,
        )

    @property
    def is_open(self) -> bool:
        """True until the server is known to have closed it."""
        return self._smtp.is_connected

    async def open(self) -> None:
        """Connects, encrypts and logs in. Raises `ProviderError`: none of it is a mail's fault."""
        try:
            await self._smtp.connect()
            await self._hello()
            if self._peer.tls == "starttls":
                await self._start_tls()
            if self._peer.user:
                await self._login()
        except FAILURES as error:
            raise self._not_opened(error) from None

    async def hand_over(self, sender: str, to: str, mail: bytes) -> None:
        """One transaction (RFC 5321 §3.3). Raises `ProviderError`; see `may_do_on_another`."""
        self._utf8 = not (sender + to).isascii()
        options = ["SMTPUTF8"] if self._utf8 else []
        if self._smtp.supports_extension("size"):
            options.append(f"SIZE={len(mail)}")
        encoding = "utf-8" if self._utf8 else "ascii"
        self._may_be_taken = False
        await self._smtp.mail(sender, options=options, encoding=encoding)
        await self._smtp.rcpt(to, encoding=encoding)
        self._may_be_taken = True
        await self._smtp.data(mail)
        self.mails += 1

    @property
    def takes_utf8(self) -> bool:
        """True where the server takes mailboxes beyond ASCII (SMTPUTF8, RFC 6531)."""
        return self._smtp.supports_extension("smtputf8")

    async def reset(self) -> bool:
        """Sends RSET after a refusal; False where the connection is of no use any more."""
        try:
            await self._smtp.rset()
        except FAILURES:
            return False
        return True

    async def quit(self) -> None:
        """Sends QUIT, waits a second for the answer, and closes."""
        try:
            await self._smtp.quit(timeout=1.0)
        except FAILURES:
            self.close()

    def close(self) -> None:
        """Closes the connection at once."""
        self._smtp.close()

    def may_do_on_another(self, error: BaseException) -> bool:
        """True of a failure that comes from this session's age: a server ends a session after so many mails or minutes
        with 421, 451, 452 or without a word. A mail that may already have been taken is not sent twice."""
        if not self.mails:
            return False
        if isinstance(error, aiosmtplib.SMTPResponseException):
            return 400 <= error.code < 500 and error.code != GREYLISTED
        ended = isinstance(error, OSError) and not isinstance(error, TimeoutError)
        return ended and not self._may_be_taken

    def failure(self, error: BaseException) -> ProviderError:
        """The `ProviderError` for a failed `hand_over`."""
        if isinstance(error, aiosmtplib.SMTPResponseException):
            return _refusal(error, self._utf8)
        reason, text = ("timeout", "no answer in time") if isinstance(error, TimeoutError) else ("connect", "")
        if self._may_be_taken:
            return ProviderError(reason, f"{text or 'the connection ended'}: {MAYBE_TAKEN}")
        return ProviderError(reason, text or "the server ended the connection")

    # -- opening

    async def _hello(self) -> None:
        try:
            await self._smtp.ehlo()
        except aiosmtplib.SMTPHeloError as error:
            if not 500 <= error.code < 600:
                raise
            await self._smtp.helo()

    async def _start_tls(self) -> None:
        if not self._smtp.supports_extension("starttls"):
            raise ProviderError("connect", NO_TLS)
        await self._smtp.starttls()
        await self._hello()

    async def _login(self) -> None:
        offered = self._smtp.server_auth_methods
        if not offered:
            first = "it may after tls=starttls or tls=implicit; else " if self._peer.tls == "none" else ""
            raise ProviderError("login_refused", f"the server offers no login: {first}leave user and password out")
        if not self._smtp.supported_auth_methods:
            methods = ", ".join(method.upper() for method in aiosmtplib.SMTP.AUTH_METHODS)
            raise ProviderError(
                "login_refused", f"the server offers none of {methods}: {_printable(' '.join(offered))}"
            )
        await self._smtp.login(self._peer.user, self._peer.password)

    def _not_opened(self, error: BaseException) -> ProviderError:
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return ProviderError("login_refused", str(error.code))  # the text may repeat what the server was told
        if isinstance(error, aiosmtplib.SMTPResponseException):
            kind = Busy if 400 <= error.code < 500 else ProviderError
            return kind("server_error", _said(error))
        if isinstance(error, TimeoutError):
            hint = "; if it speaks TLS from the first byte, use tls=implicit" if self._peer.tls != "implicit" else ""
            return ProviderError("timeout", f"no answer in time{hint}")
        return ProviderError("connect", _trouble(error))


def _refusal(error: aiosmtplib.SMTPResponseException, utf8: bool) -> ProviderError:
    """A reply of 4xx may be repeated, one of 5xx not (RFC 5321 §4.2.1), unless it is the operator's to mend.

    With `utf8` a refused MAIL is about the mailbox beyond ASCII that came with it (RFC 6531 §3.5).
    """
    said, final = _said(error), 500 <= error.code < 600
    if error.code in LOGIN_CODES:
        return ProviderError("login_refused", said)
    if isinstance(error, aiosmtplib.SMTPRecipientRefused) and error.code >= 400 and error.code != CLOSING:
        return ProviderError("recipient_refused", said, permanent=final, about_recipient=True)
    if isinstance(error, aiosmtplib.SMTPSenderRefused) and final and error.code != TOO_LARGE:
        if utf8:
            return ProviderError("recipient_refused", said, permanent=True, about_recipient=True, unable=True)
        return ProviderError("sender_refused", f"{said} (the sender is from= of the provider's URL)")
    too_large = error.code == TOO_LARGE
    return ProviderError("rejected" if final else "server_error", said, permanent=final, unable=too_large)


def _trouble(error: BaseException) -> str:
    """The cause of a failed connection, in words for the operator."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted ({cause.verify_message}): ca=FILE names further authorities"
        if isinstance(cause, ssl.SSLError):
            return "the server speaks no TLS there: use tls=starttls or tls=none, or another port"
        if isinstance(cause, OSError) and type(cause).__name__ == "gaierror":
            return "the host's name has no address"
        if isinstance(cause, ConnectionRefusedError):
            return "nothing listens at that host and port"
    return "the server ended the connection" if isinstance(error, ConnectionError) else type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _said(error: aiosmtplib.SMTPResponseException) -> str:
    return f"{error.code} {_printable(error.message)}" if error.code > 0 else _printable(error.message)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
