"""Sessions with mail servers as they are: greetings, TLS, logins, and refusals at every step."""

import asyncio

import pytest

from notifier.providers.base import ProviderError
from tests.providers.contract import failure
from tests.providers.smtp_script import TO, ScriptedSmtp, plain, url_of


@pytest.mark.parametrize(
    ("answers", "reason", "permanent", "about", "said"),
    [
        ({"greeting": "554 no service here"}, "server_error", False, False, "554 no service here"),
        ({"greeting": "220-peer\r\n421-not\r\n421 now"}, "server_error", False, False, ""),
        ({"greeting": "SSH-2.0-OpenSSH"}, "server_error", False, False, "Malformed"),
        ({"greeting": None}, "connect", False, False, "ended the connection"),
        ({"EHLO": "421 no"}, "server_error", False, False, "421"),
        ({"EHLO": "500 what", "HELO": "500 what"}, "server_error", False, False, "500"),
        ({"MAIL": "550 5.1.0 sender rejected"}, "sender_refused", False, False, "from="),
        ({"MAIL": "553 not yours"}, "sender_refused", False, False, "553"),
        ({"MAIL": "530 Must issue a STARTTLS command first"}, "login_refused", False, False, "STARTTLS"),
        ({"MAIL": "552 message size exceeds fixed limit"}, "rejected", True, False, "552"),
        ({"MAIL": "451 later"}, "server_error", False, False, "451"),
        ({"MAIL": None}, "connect", False, False, "ended the connection"),
        ({"RCPT": "550 no such user"}, "recipient_refused", True, True, "550"),
        ({"RCPT": "553-no\r\n553 such user"}, "recipient_refused", True, True, "553 no such user"),
        ({"RCPT": "450 4.2.0 greylisted"}, "recipient_refused", False, True, "greylisted"),
        ({"RCPT": "451 4.7.1 greylisted"}, "recipient_refused", False, True, "greylisted"),
        ({"RCPT": "452 4.2.2 mailbox full"}, "recipient_refused", False, True, "full"),
        ({"RCPT": "552 mailbox full"}, "recipient_refused", True, True, "full"),
        ({"RCPT": "421 closing"}, "server_error", False, False, "421"),
        ({"RCPT": "530 authentication required"}, "login_refused", False, False, "530"),
        ({"RCPT": "what?"}, "server_error", False, False, "Malformed"),
        ({"DATA": "554 no"}, "rejected", True, False, "554"),
        ({"DATA": "451 later"}, "server_error", False, False, "451"),
        ({"dot": "554 spam"}, "rejected", True, False, "spam"),
        ({"dot": "552 too large"}, "rejected", True, False, "552"),
        ({"dot": "452 disk full"}, "server_error", False, False, "452"),
        ({"dot": "421 going down"}, "server_error", False, False, "421"),
        ({"dot": None}, "connect", False, False, "may have been taken"),
        ({"dot": "554 \x1b[31m" + "long " * 200}, "rejected", True, False, "554  [31m"),
    ],
)
async def test_whose_fault_a_refusal_is(build, message, answers, reason, permanent, about, said):
    """A refusal for good, or of one recipient, leaves the provider well; no session of its own age is to blame here."""
    async with ScriptedSmtp(**answers) as peer:
        provider = build(plain(peer), "email")
        error = await failure(provider, message("email", TO))
        assert (error.reason, error.permanent, error.about_recipient) == (reason, permanent, about)
        assert said in str(error)
        assert len(str(error)) < 400
        assert str(error).isprintable()
        for name in answers:
            del peer.answers[name]
        if "EHLO" in answers or "greeting" in answers:
            peer.answers.update(EHLO="250 peer", greeting="220 peer")
        await provider.send(message("email", TO))
    assert len(peer.mails) == 1
    assert peer.sessions == (1 if permanent or about else 2)


async def test_a_mail_that_may_have_been_taken_is_not_sent_twice_at_once(build, message):
    """The connection ends behind the dot, on one that has carried a mail before: the next try has the same id."""
    async with ScriptedSmtp(
        dot=lambda session: "250 OK" if session["number"] > 1 or not session["mails"] else None
    ) as peer:
        provider, sent = build(plain(peer), "email"), message("email", TO)
        await provider.send(message("email", TO))
        error = await failure(provider, sent)
        assert (error.reason, len(peer.mails), peer.sessions) == ("connect", 1, 1)
        identity = await provider.send(sent)
    assert f"Message-ID: <{identity}>\r\n".encode() in peer.mails[-1][2]


async def test_greylisting_on_a_connection_in_use_is_no_reason_for_another(build, message):
    def answer(session):
        return "450 greylisted" if "slow@b.c" in session["lines"][-1] else "250 OK"

    async with ScriptedSmtp(RCPT=answer) as peer:
        provider = build(plain(peer), "email")
        for to in (TO, "slow@b.c", TO, "slow@b.c", TO):
            try:
                await provider.send(message("email", to))
            except ProviderError as error:
                assert error.about_recipient
    assert (len(peer.mails), peer.sessions) == (3, 1)


@pytest.mark.parametrize("greeting", ["220-one\r\n220-two\r\n220 three", "220", "220 \xe4" + "x" * 500, "220-\r\n220 "])
async def test_greetings(build, message, greeting):
    async with ScriptedSmtp(greeting=greeting) as peer:
        await build(plain(peer), "email").send(message("email", TO))
    assert len(peer.mails) == 1


async def test_a_greeting_in_pieces(build, message):
    async def slowly(session):
        for piece in (b"22", b"0-a\r", b"\n220-b\r\n2", b"20 "):
            session["writer"].write(piece)
            await session["writer"].drain()
            await asyncio.sleep(0)
        return "c"

    async with ScriptedSmtp(greeting=slowly) as peer:
        await build(plain(peer), "email").send(message("email", TO))
    assert len(peer.mails) == 1


async def test_a_server_that_knows_no_ehlo(build, message):
    async with ScriptedSmtp(EHLO="502 what?") as peer:
        await build(plain(peer), "email").send(message("email", TO))
    assert [line.partition(" ")[0] for line in peer.commands[:3]] == ["EHLO", "HELO", "MAIL"]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "dot"])
async def test_a_server_that_falls_silent(build, message, verb):
    silent = asyncio.Event()
    async with ScriptedSmtp(**{verb: lambda session: silent.wait()}) as peer:
        error = await failure(build(plain(peer), "email", timeout=0.05), message("email", TO))
    assert (error.reason, error.permanent, error.about_recipient) == ("timeout", False, False)
    assert ("may have been taken" in str(error)) == (verb in ("DATA", "dot"))


# -- encryption and login


async def test_no_starttls(build, message):
    async with ScriptedSmtp() as peer:
        error = await failure(build(plain(peer, "starttls"), "email"), message("email", TO))
    assert str(error) == "connect: the server offers no STARTTLS: add tls=none or use tls=implicit"
    assert (error.permanent, error.about_recipient) == (False, False)


async def test_starttls_that_is_refused(build, message):
    async with ScriptedSmtp(EHLO="250-peer\r\n250 STARTTLS", STARTTLS="454 TLS not available") as peer:
        error = await failure(build(plain(peer, "starttls"), "email"), message("email", TO))
    assert (error.reason, error.permanent) == ("server_error", False)
    assert "454 TLS not available" in str(error)


@pytest.mark.parametrize(
    ("offered", "said"),
    [("SIZE 9", "offers no login"), ("AUTH GSSAPI XOAUTH2", "none of CRAM-MD5, PLAIN, LOGIN: gssapi xoauth2")],
)
async def test_no_login_of_ours(build, message, offered, said):
    async with ScriptedSmtp(EHLO=f"250-peer\r\n250 {offered}") as peer:
        error = await failure(build(plain(peer, login="user:secret@"), "email"), message("email", TO))
    assert (error.reason, error.permanent, error.about_recipient) == ("login_refused", False, False)
    assert said in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize("reply", ["535 5.7.8 secret is wrong", "454 4.7.0 try later", "534 too weak", "421 go"])
async def test_a_login_that_is_refused(build, message, reply):
    async with ScriptedSmtp(EHLO="250-peer\r\n250 AUTH PLAIN", AUTH=reply) as peer:
        error = await failure(build(plain(peer, login="user:secret@"), "email"), message("email", TO))
    assert (str(error), error.permanent, error.about_recipient) == (f"login_refused: {reply[:3]}", False, False)


async def test_a_certificate_that_is_not_trusted_is_called_so(build, smtp, message):
    for implicit in (False, True):
        peer = await smtp(implicit)
        url = url_of(peer, "implicit" if implicit else "starttls").partition("&ca=")[0]
        error = await failure(build(url, "email"), message("email", TO))
        assert (error.reason, error.permanent, error.about_recipient) == ("connect", False, False)
        assert "the certificate is not trusted (self" in str(error)
        assert "ca=FILE" in str(error)


async def test_tls_where_there_is_none_and_none_where_there_is(build, smtp, message):
    async with ScriptedSmtp() as peer:
        error = await failure(build(plain(peer, "implicit"), "email"), message("email", TO))
    assert str(error).startswith("connect: the server speaks no TLS there: use tls=starttls or tls=none")
    peer = await smtp(implicit=True)
    for tls in ("starttls", "none"):
        error = await failure(build(url_of(peer, tls), "email", timeout=0.1), message("email", TO))
        assert (error.reason, error.permanent) == ("timeout", False)
        assert "use tls=implicit" in str(error)


async def test_a_host_that_has_no_address(build, message):
    error = await failure(build("smtp://nowhere.invalid?from=a@b.c&tls=none", "email"), message("email", TO))
    assert (str(error), error.permanent) == ("connect: the host's name has no address", False)


@pytest.mark.parametrize("name", ["höst", "my host", "a\nb", ""])
async def test_a_host_name_of_ours_that_smtp_does_not_take(build, message, monkeypatch, name):
    monkeypatch.setattr("socket.getfqdn", lambda: name)
    async with ScriptedSmtp() as peer:
        await build(plain(peer), "email").send(message("email", TO))
    assert peer.commands[0] == "EHLO [127.0.0.1]"
