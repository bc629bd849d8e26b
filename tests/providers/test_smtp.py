"""Email against aiosmtpd."""

import email
from email.policy import default

import pytest

from notifier.providers.base import SetupError
from tests.providers.contract import failure
from tests.providers.peers import SmtpPeer, certificate, server_context, silent_port

TO = "ada@example.com"


@pytest.fixture
def smtp(loop, tmp_path):
    """Starts peers."""
    started = []

    async def start(implicit=False, tls=True, **options):
        files = certificate(tmp_path)
        context = server_context(*files) if tls else None
        started.append(await SmtpPeer(context, **options).start(implicit))
        started[-1].ca = files[0]
        return started[-1]

    yield start
    for one in started:
        loop.run_until_complete(one.stop())


def url_of(peer, tls="starttls", login="", more=""):
    return f"smtp://{login}127.0.0.1:{peer.port}?from=shop@example.com&tls={tls}&ca={peer.ca}{more}"


def content(envelope):
    return email.message_from_bytes(envelope.content, policy=default)


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
    ("reply", "recipient_reply", "reason", "permanent", "faultless"),
    [
        ("250 OK", "550 no such user", "recipient_refused", True, True),
        ("250 OK", "450 greylisted", "recipient_refused", False, True),
        ("250 OK", "451 greylisted", "recipient_refused", False, True),
        ("250 OK", "452 mailbox full", "recipient_refused", False, True),
        ("554 spam", "250 OK", "rejected", True, True),
        ("452 full", "250 OK", "server_error", False, False),
    ],
)
async def test_refusals(build, smtp, message, reply, recipient_reply, reason, permanent, faultless):
    peer = await smtp()
    peer.reply, peer.recipient_reply = reply, recipient_reply
    provider = build(url_of(peer), "email")
    error = await failure(provider, message("email", TO))
    assert (error.reason, error.permanent, error.faultless) == (reason, permanent, faultless)
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
    ],
)
def test_urls_that_are_wrong(build, url, said):
    with pytest.raises(SetupError, match=said):
        build(url, "email")
