"""Email against aiosmtpd and against a server that says what is written down for it."""

import asyncio
import base64
import email
from email.policy import default

import pytest

from notifier.providers.base import SetupError
from tests.providers.contract import ProviderContract, failure
from tests.providers.peers import silent_port
from tests.providers.smtp_script import TO, ScriptedSmtp, plain, url_of
from tests.providers.test_mail import BROKEN, TEXTS, canonical, check

NONE = ("recipient_refused", True)
BAD_SENDERS = ("a@b%0D%0AX:y", "=?utf-8?q?a?=@b.c", "a%0Ab@c.d", "Shop%20%3Ca@b.c%3E", "a@b..c", "shop", "a@b,c@d")


def content(envelope):
    return email.message_from_bytes(envelope.content, policy=default)


class TestContract(ProviderContract):
    secrets = ("p@ss", "p%40ss")

    @pytest.fixture
    def make(self, build, smtp, loop):
        peer = loop.run_until_complete(smtp(login=(b"user", b"p@ss")))
        return lambda **options: build(url_of(peer, login="user:p%40ss@"), "email", **options)

    @pytest.fixture
    def sample(self, message):
        return message("email", TO)


@pytest.mark.parametrize(("tls", "implicit"), [("starttls", False), ("implicit", True), ("none", False)])
async def test_a_mail_arrives(build, smtp, message, tls, implicit):
    peer = await smtp(implicit, tls != "none", require_tls=tls == "starttls")
    sent = message("email", TO, subject="Grüße\r\nBcc: evil@example.com")
    identity = await build(url_of(peer, tls, more='&name=The "Shop"'), "email").send(sent)
    (envelope,) = peer.mails
    mail = content(envelope)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("shop@example.com", [TO])
    assert (mail["Subject"], mail["To"], mail["Bcc"]) == ("Grüße Bcc: evil@example.com", TO, None)
    assert mail["From"] == '"The \\"Shop\\"" <shop@example.com>'
    assert mail["Message-ID"] == f"<{identity}>" == f"<{sent.id}@example.com>"
    assert mail.get_content().strip() == "It is on its way ☃"


async def test_login_and_reuse_of_the_connection(build, smtp, message):
    peer = await smtp(login=(b"user", b"p@ss"))
    provider = build(url_of(peer, login="user:p%40ss@"), "email")
    for _ in range(3):
        await provider.send(message("email", TO))
    assert (len(peer.mails), peer.sessions) == (3, 1)
    assert "p@ss" not in provider.name


async def test_a_wrong_login_may_be_repeated_and_shows_no_secret(build, smtp, message):
    peer = await smtp(login=(b"user", b"right"))
    error = await failure(build(url_of(peer, login="user:wrong@"), "email"), message("email", TO))
    assert (error.reason, error.permanent) == ("login_refused", False)
    assert "wrong" not in str(error)


@pytest.mark.parametrize(
    ("reply", "recipient_reply", "reason", "permanent", "about"),
    [
        ("250 OK", "550 no such user", "recipient_refused", True, True),
        ("250 OK", "450 greylisted", "recipient_refused", False, True),
        ("250 OK", "451 greylisted", "recipient_refused", False, True),
        ("250 OK", "452 mailbox full", "recipient_refused", False, True),
        ("554 spam", "250 OK", "rejected", True, False),
        ("452 full", "250 OK", "server_error", False, False),
    ],
)
async def test_refusals(build, smtp, message, reply, recipient_reply, reason, permanent, about):
    peer = await smtp()
    peer.reply, peer.recipient_reply = reply, recipient_reply
    provider = build(url_of(peer), "email")
    error = await failure(provider, message("email", TO))
    assert (error.reason, error.permanent, error.about_recipient) == (reason, permanent, about)
    peer.reply = peer.recipient_reply = "250 OK"
    await provider.send(message("email", TO))


async def test_a_certificate_that_nobody_vouches_for(build, smtp, message):
    peer = await smtp()
    error = await failure(build(url_of(peer).partition("&ca=")[0], "email"), message("email", TO))
    assert (error.permanent, len(peer.mails)) == (False, 0)


async def test_nobody_there_and_a_silent_peer(build, smtp, message):
    peer = await smtp()
    await peer.stop()
    assert (await failure(build(url_of(peer), "email"), message("email", TO))).reason == "connect"
    async with silent_port() as port:
        provider = build(f"smtp://127.0.0.1:{port}?from=a@b.example&tls=none", "email", timeout=0.05)
        assert (await failure(provider, message("email", TO))).reason == "timeout"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("smtp://h", "from= is needed"),
        ("smtp://h?from=a@b&tls=x", "tls= must be one of"),
        ("smtp://?from=a@b", "a host"),
        *((f"smtp://h?tls=none&from={sender}", "from= must be a mailbox") for sender in BAD_SENDERS),
        ("smtp://h?tls=none&from=a@b.c&name=a%0D%0ABcc:x", "name= one line"),
        ("smtp://h?tls=none&from=a@b.c&name=a%C2%85b", "name= one line"),
        ("smtp://h?from=a@b.c&ca=/nowhere", "ca= cannot be read"),
    ],
)
def test_urls_that_are_wrong(build, url, said):
    with pytest.raises(SetupError, match=said):
        build(url, "email")


@pytest.mark.parametrize("sender", ["root@localhost", "jürgen@example.org", "shop@örnek.com", "a@b.c"])
def test_senders_that_are_mailboxes(build, sender):
    build(f"smtp://h?tls=none&from={sender}", "email")


# -- text is data


async def test_every_text_arrives_as_it_was_meant(build, smtp, message):
    peer = await smtp(tls=False)
    provider = build(url_of(peer, "none"), "email")
    for text in TEXTS:
        await provider.send(message("email", TO, subject=text, priority="normal", content=text))
        raw = peer.mails[-1].content
        check(raw, text)
        assert base64.b64decode(raw.partition(b"\r\n\r\n")[2]) == canonical(text)
    for text, line in BROKEN:
        await provider.send(message("email", TO, subject="", priority="normal", content=text))
        check(peer.mails[-1].content, line)


@pytest.mark.parametrize(
    "to",
    [
        "a@b.c\r\nRCPT TO:<evil@example.org>",
        "a@b.c\nBcc: evil@example.org",
        "=?utf-8?q?a=0d=0aBcc:_x?=@b.c",
        "Ada =?utf-8?q?=0d=0a?= <a@b.c>",
        "a@b.c>\r\nDATA",
        "a@b.c, evil@example.org",
        "a@b.c\0",
        "a\r@b.c",
        "",
    ],
)
async def test_a_recipient_that_is_no_mailbox_is_never_said_to_a_server(build, message, to):
    async with ScriptedSmtp() as peer:
        error = await failure(build(plain(peer), "email"), message("email", to))
    assert (error.reason, error.permanent, error.about_recipient, peer.sessions) == (*NONE, True, 0)


# -- mail as servers speak it


@pytest.mark.parametrize(
    ("to", "envelope"),
    [
        ("ada@örnek.com", "<ada@xn--rnek-4qa.com>"),
        ("o'neil+x=y@b.c", "<o'neil+x=y@b.c>"),
        ("a!b%c|d{e}~@b.c", "<a!b%c|d{e}~@b.c>"),
    ],
)
async def test_a_domain_travels_as_punycode(build, message, to, envelope):
    async with ScriptedSmtp() as peer:
        await build(plain(peer).replace("shop@example.com", "shop@örnek.com"), "email").send(message("email", to))
    ((sender, recipient, content),) = peer.mails
    assert (sender.partition(" ")[0], recipient) == ("<shop@xn--rnek-4qa.com>", envelope)
    assert content.isascii()
    assert f"\r\nTo: {envelope[1:-1]}\r\n".encode() in content


async def test_a_mailbox_beyond_ascii_is_for_servers_that_take_it(build, message):
    async with ScriptedSmtp() as peer:
        provider = build(plain(peer), "email")
        for to in ("jürgen@example.org", "अजय@डाटा.भारत"):
            error = await failure(provider, message("email", to))
            assert (error.reason, error.permanent, error.about_recipient) == (*NONE, True)
            assert "SMTPUTF8" in str(error)
        await provider.send(message("email", TO))
        assert (len(peer.mails), peer.sessions) == (1, 1)
        peer.answers["EHLO"] = "250-peer\r\n250-8BITMIME\r\n250 SMTPUTF8"
        await build(plain(peer), "email").send(message("email", "अजय@डाटा.भारत"))
    sender, recipient, content = peer.mails[-1]
    assert (sender, recipient) == ("<shop@example.com> SMTPUTF8", "<अजय@xn--c2bd1gb.xn--h2brj9c>")
    assert "\r\nTo: अजय@xn--c2bd1gb.xn--h2brj9c\r\n".encode() in content


async def test_a_sender_beyond_ascii_is_the_operators_to_mend(build, message):
    async with ScriptedSmtp() as peer:
        provider = build(plain(peer).replace("shop@", "jürgen@"), "email")
        error = await failure(provider, message("email", TO))
    assert (error.reason, error.permanent, error.about_recipient) == ("sender_refused", False, False)


ENDS = [(verb, f"{code} enough") for verb in ("MAIL", "RCPT", "DATA", "dot") for code in (421, 451, 452)]


@pytest.mark.parametrize(("verb", "reply"), [*ENDS, ("MAIL", None), ("RCPT", None)])
async def test_a_session_that_is_used_up_is_begun_anew(build, message, verb, reply):
    """After two mails the server has enough, and says so at any point; nobody notices."""
    usual = {"DATA": "354 go on"}.get(verb, "250 OK")
    async with ScriptedSmtp(**{verb: lambda session: reply if session["mails"] >= 2 else usual}) as peer:
        provider = build(plain(peer), "email")
        for together in (5, 1, 1, 1, 1, 5, 1):
            await asyncio.gather(*(provider.send(message("email", TO)) for _ in range(together)))
    assert len({content for _, _, content in peer.mails}) == len(peer.mails) == 15


async def test_a_server_of_few_connections_and_short_sessions_gets_all_mail(build, message):
    """Two connections at once, three mails in each: whoever finds no place waits for one."""
    limits = {
        "greeting": lambda session: "421 too many connections" if session["open"] > 2 else "220 peer",
        "MAIL": lambda session: "421 too many mails" if session["mails"] >= 3 else "250 OK",
    }
    async with ScriptedSmtp(**limits) as peer:
        provider = build(plain(peer), "email")
        await asyncio.gather(*(provider.send(message("email", TO)) for _ in range(40)))
        assert not provider._waiting
    assert len({content for _, _, content in peer.mails}) == 40


async def test_a_server_that_takes_no_connection_fails_everybody_at_once(build, message):
    async with ScriptedSmtp(greeting="421 closed for today") as peer:
        provider = build(plain(peer), "email")
        sends = (provider.send(message("email", TO)) for _ in range(5))
        errors = await asyncio.gather(*sends, return_exceptions=True)
        assert [(e.reason, e.permanent, e.about_recipient) for e in errors] == [("server_error", False, False)] * 5
        peer.answers["greeting"] = "220 peer"
        await provider.send(message("email", TO))


async def test_one_that_waits_for_a_connection_does_so_for_as_long_as_for_an_answer(build, message):
    held, reached = asyncio.Event(), asyncio.Event()

    async def hold(session):
        reached.set()
        await held.wait()
        return "250 OK"

    def greeting(session):
        return "421 one at a time" if session["open"] > 1 else "220 peer"

    async with ScriptedSmtp(greeting=greeting, dot=hold) as peer:
        provider = build(plain(peer), "email", timeout=0.5)
        first = asyncio.ensure_future(provider.send(message("email", TO)))
        await reached.wait()
        second = asyncio.ensure_future(provider.send(message("email", TO)))
        errors = await asyncio.gather(first, second, return_exceptions=True)
        held.set()
    assert [error.reason for error in errors] == ["timeout", "server_error"]
