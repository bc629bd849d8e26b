"""Real peers on loopback for the providers: HTTP, SMTP, HTTP/2 with TLS; and what they need."""

import asyncio
import contextlib
import datetime
import ipaddress
import ssl

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class HttpPeer:
    """Answers requests as it is told, and remembers them."""

    def __init__(self):
        self.requests = []
        self.targets = []  # path and query as they were sent
        self.answers = []  # functions of a request, or (status, headers, body); the last one stays
        self.silent = asyncio.Event()

    async def start(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def stop(self):
        self.silent.set()
        await self._runner.cleanup()

    async def _serve(self, request):
        body = await request.read()
        self.requests.append((request.method, request.path, dict(request.headers), body))
        self.targets.append(request.raw_path)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(request, body)
        if answer is None:
            await self.silent.wait()
            return web.Response()
        status, headers, body = answer
        return web.Response(status=status, headers=headers, body=body)


class SmtpPeer:
    """An SMTP server that takes mail, or refuses it with the reply it is told."""

    def __init__(self, context=None, login=None, require_tls=False):
        self.mails = []
        self.reply = "250 OK"
        self.recipient_reply = "250 OK"
        self.sessions = 0
        self._context = context
        self._login = login
        self._require_tls = require_tls

    async def start(self, implicit=False):
        loop = asyncio.get_running_loop()
        context = self._context if implicit else None
        self._server = await loop.create_server(self._protocol(implicit), "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self):
        self._server.close()

    def _protocol(self, implicit):
        def build():
            self.sessions += 1
            return SMTP(
                self,
                hostname="peer",
                tls_context=None if implicit else self._context,
                require_starttls=self._require_tls,
                authenticator=self._authenticate if self._login else None,
                auth_required=bool(self._login) and self._context is not None,
                auth_require_tls=bool(self._login),
                enable_SMTPUTF8=True,
            )

        return build

    def _authenticate(self, server, session, envelope, mechanism, data):
        known = (data.login, data.password) == self._login
        return AuthResult(success=known, handled=known)  # "not handled" is what makes the peer answer 535

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.recipient_reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_reply

    async def handle_DATA(self, server, session, envelope):
        if self.reply.startswith("250"):
            self.mails.append(envelope)
        return self.reply


def ec_key():
    """A P-256 key, and the same in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certificate(folder):
    """A certificate of 127.0.0.1 that signs itself: the paths of its file and of its key."""
    key, pem = ec_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(built.public_bytes(Encoding.PEM))
    key_file.write_text(pem)
    return cert_file, key_file


def server_context(cert_file, key_file):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert_file, key_file)
    return context


@contextlib.asynccontextmanager
async def silent_port():
    """A port where connections are taken and never answered."""
    server = await asyncio.start_server(lambda reader, writer: asyncio.Event().wait(), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class RawPeer:
    """Answers each request with bytes as they are, in pieces where it is told so, and then closes or holds on."""

    def __init__(self):
        self.requests = 0
        self.connections = 0
        self.closed = 0
        self.answer = b""
        self.piece = 0  # bytes in each; 0: all at once
        self.then = "hold"  # or `close`, `reset`, `drip` (more of the body without an end)
        self._stopped = asyncio.Event()

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def stop(self):
        self._stopped.set()
        self._server.close()
        await asyncio.sleep(0)

    async def _serve(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(ConnectionError, RuntimeError, asyncio.IncompleteReadError):  # uvloop: closed
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(length[0].partition(b":")[2]) if length else 0)
                self.requests += 1
                await self._answer(writer)
                if not await self._after(writer):
                    break
        self.closed += 1
        writer.close()

    async def _answer(self, writer):
        step = self.piece or len(self.answer)
        for start in range(0, len(self.answer), step):
            writer.write(self.answer[start : start + step])
            await writer.drain()
            if self.piece:
                await asyncio.sleep(0)

    async def _after(self, writer):
        if self.then == "reset":
            writer.transport.abort()
        while self.then == "drip" and not self._stopped.is_set():
            writer.write(b"data: x\n\n")
            await writer.drain()
            await asyncio.sleep(0.02)
        return self.then == "hold"
