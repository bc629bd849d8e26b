"""Apple's push service, against hypercorn as an HTTP/2 peer with TLS, and against one that closes its connections."""

import asyncio
import contextlib
import json
import uuid

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import jwt
import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config

from notifier.providers import bodies
from notifier.providers.base import SetupError
from tests.e2e.server import free_port
from tests.providers.contract import ProviderContract, failure
from tests.providers.peers import certificate, ec_key, server_context

DEVICE = "a" * 64


class Apple:
    """An ASGI application that answers as it is told."""

    def __init__(self):
        self.requests = []
        self.answer = (200, {}, b"")
        self.release = asyncio.Event()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            while (await receive())["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while (event := await receive())["type"] == "http.request":
            body += event["body"]
            if not event.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append((scope["http_version"], scope["path"], headers, body))
        if self.answer is None:
            await self.release.wait()
            return
        status, more, content = self.answer
        given = [(b"apns-id", headers["apns-id"].encode()), *((n.encode(), v.encode()) for n, v in more.items())]
        await send({"type": "http.response.start", "status": status, "headers": given})
        await send({"type": "http.response.body", "body": content})


@pytest.fixture
def apple(loop, tmp_path):
    app, stop, config = Apple(), asyncio.Event(), Config()
    cert, key = certificate(tmp_path)
    app.port = free_port()
    config.bind = [f"127.0.0.1:{app.port}"]
    config.certfile, config.keyfile, config.alpn_protocols = str(cert), str(key), ["h2"]
    config.accesslog = config.errorlog = None
    config.graceful_timeout = 0.1
    app.ca = cert
    server = loop.create_task(serve(app, config, shutdown_trigger=stop.wait))
    loop.run_until_complete(_listens(app.port))
    yield app
    app.release.set()
    stop.set()
    loop.run_until_complete(asyncio.wait_for(server, 5))


async def _listens(port):
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.01)


@pytest.fixture
def apns(build, tmp_path):
    key, pem = ec_key()
    (tmp_path / "apns.p8").write_text(pem)

    def make(port, ca, **options):
        url = f"apns://?key={tmp_path}/apns.p8&key_id=KEY1&team=TEAM1&topic=com.example.app&ca={ca}"
        provider = build(f"{url}&base=https://127.0.0.1:{port}", "push:ios", **options)
        provider.public = key.public_key()
        return provider

    return make


class TestContract(ProviderContract):
    @pytest.fixture
    def make(self, apple, apns):  # what is set up first is closed last
        return lambda **options: apns(apple.port, apple.ca, **options)

    @pytest.fixture
    def sample(self, message):
        return message("push", DEVICE)


async def test_apns(apple, apns, message):
    provider = apns(apple.port, apple.ca)
    sent = message("push", DEVICE, expires_at=1_800_000_060.0, data={"order": 7, "aps": "not yours"})
    assert await provider.send(sent) == sent.id
    ((version, path, headers, body),) = apple.requests
    assert (version, path) == ("2", f"/3/device/{DEVICE}")
    assert (headers["apns-topic"], headers["apns-priority"], headers["apns-push-type"]) == (
        "com.example.app",
        "10",
        "alert",
    )
    assert headers["apns-expiration"] == "1800000060"
    token = headers["authorization"].removeprefix("bearer ")
    claims = jwt.decode(token, provider.public, ["ES256"], options={"verify_iat": False})
    assert (claims["iss"], jwt.get_unverified_header(token)["kid"]) == ("TEAM1", "KEY1")
    assert json.loads(body) == {
        "order": 7,
        "aps": {"alert": {"title": "Order 7", "body": "It is on its way ☃"}, "sound": "default"},
        "notification_id": sent.id,
    }


@pytest.mark.parametrize(
    "token",
    ["../../evil?x=1", "..", ".", "a/b", "a?b", "a#b", "a%2fb", "a\\b", "", "a b", "a\r\nx: y", "é", "a@evil:1"],
)
async def test_a_token_never_changes_the_path(apple, apns, message, token):
    error = await failure(apns(apple.port, apple.ca), message("push", token))
    assert (error.reason, error.permanent, error.unregistered, apple.requests) == ("rejected", True, False, [])


async def test_each_device_has_an_id_of_its_own(apple, apns, message):
    provider, identity = apns(apple.port, apple.ca), str(uuid.uuid4())
    for key in (identity, f"{identity}/2", f"{identity}/2"):
        await provider.send(message("push", DEVICE, id=identity, key=key))
    first, second, again = (headers["apns-id"] for _, _, headers, _ in apple.requests)
    assert (first, second) == (identity, again)
    assert first != second
    assert str(uuid.UUID(second)) == second


@pytest.mark.parametrize(
    ("status", "reason", "permanent", "unregistered", "said"),
    [
        (410, "Unregistered", True, True, "unregistered"),
        (410, "ExpiredToken", True, True, "unregistered"),
        (410, "SomethingElse", True, False, "rejected"),
        (410, None, True, False, "rejected"),
        (410, ["Unregistered"], True, False, "rejected"),
        (400, "BadDeviceToken", True, False, "rejected"),  # or a wrong env=
        (400, "DeviceTokenNotForTopic", True, False, "rejected"),  # or a wrong topic=
        (500, "Unregistered", False, False, "server_error"),
        (400, "PayloadEmpty", True, False, "rejected"),
        (403, "ExpiredProviderToken", False, False, "login_refused"),
        (429, "TooManyRequests", False, False, "throttled"),
        (500, "InternalServerError", False, False, "server_error"),
        (503, "Shutdown", False, False, "server_error"),
    ],
)
async def test_answers(apple, apns, message, status, reason, permanent, unregistered, said):
    apple.answer = (status, {"retry-after": "9"}, json.dumps({"reason": reason}).encode())
    error = await failure(apns(apple.port, apple.ca), message("push", DEVICE))
    assert (error.permanent, error.unregistered, error.reason) == (permanent, unregistered, said)


@pytest.mark.parametrize("body", [b"", b"<html>gone</html>", b"[]", b'"Unregistered"', b"null"])
async def test_a_410_of_something_in_between(apple, apns, message, body):
    apple.answer = (410, {}, body)
    error = await failure(apns(apple.port, apple.ca), message("push", DEVICE))
    assert (error.permanent, error.unregistered) == (True, False)


@pytest.mark.parametrize(
    ("timestamp", "gone_at"),
    [(1_799_999_999_500, 1_799_999_999.5), (None, None), ("x", None), (True, None), ([], None), (float("nan"), None)],
)
async def test_since_when_a_device_is_gone(apple, apns, message, timestamp, gone_at):
    apple.answer = (410, {}, json.dumps({"reason": "Unregistered", "timestamp": timestamp}).encode())
    error = await failure(apns(apple.port, apple.ca), message("push", DEVICE))
    assert (error.unregistered, error.gone_at) == (True, gone_at)


async def test_silent_and_gone(apple, apns, message):
    apple.answer = None
    error = await failure(apns(apple.port, apple.ca, timeout=0.3), message("push", DEVICE))
    assert (error.reason, error.permanent) == ("timeout", False)
    error = await failure(apns(free_port(), apple.ca), message("push", DEVICE))
    assert (error.reason, error.permanent) == ("connect", False)


class Closing:
    """An HTTP/2 peer that closes its first connection by GOAWAY without having taken the request."""

    def __init__(self):
        self.ids = []
        self.connections = 0

    async def __call__(self, reader, writer):
        self.connections += 1
        first = self.connections == 1
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.ids.append(dict(event.headers)[b"apns-id"].decode())
                    if first:
                        connection.close_connection(last_stream_id=0)
                        writer.write(connection.data_to_send())
                        writer.close()
                        return
                if isinstance(event, h2.events.StreamEnded):
                    connection.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
            writer.write(connection.data_to_send())
        writer.close()


async def test_goaway_is_repeated_under_the_same_id(apns, message, tmp_path):
    peer, (cert, key) = Closing(), certificate(tmp_path)
    context = server_context(cert, key)
    context.set_alpn_protocols(["h2"])
    server = await asyncio.start_server(peer, "127.0.0.1", 0, ssl=context)
    sent = message("push", DEVICE)
    provider = apns(server.sockets[0].getsockname()[1], cert)
    await provider.send(sent)
    assert peer.ids == [sent.id, sent.id]
    assert peer.connections == 2
    await provider.close()
    server.close()


@pytest.mark.parametrize("missing", ["key", "key_id", "team", "topic"])
def test_urls_that_are_wrong(build, tmp_path, missing):
    (tmp_path / "k").write_text(ec_key()[1])
    given = {"key": f"{tmp_path}/k", "key_id": "K", "team": "T", "topic": "x"}
    with pytest.raises(SetupError, match=f"{missing}= is needed"):
        build("apns://?" + "&".join(f"{name}={value}" for name, value in given.items() if name != missing), "push:ios")


class Odd:
    """An HTTP/2 peer whose answers' bodies end badly, or not at all."""

    def __init__(self, then):
        self.then = then
        self.requests = 0
        self.stop = asyncio.Event()

    async def __call__(self, reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    self.requests += 1
                    await self.answer(connection, writer, event.stream_id)
            writer.write(connection.data_to_send())
        writer.close()

    async def answer(self, connection, writer, stream):
        headers = [(":status", "200"), ("apns-id", "its-id"), ("content-encoding", "zorp")]
        connection.send_headers(stream, headers)
        connection.send_data(stream, b"{")
        writer.write(connection.data_to_send())
        await writer.drain()
        if self.then == "stream reset":
            connection.reset_stream(stream)
        elif self.then == "connection reset":
            await asyncio.sleep(0.02)  # the headers are read before, or there is no answer
            writer.transport.abort()


@pytest.mark.parametrize("then", ["stream reset", "connection reset", "nothing"])
async def test_a_2xx_is_sent_whatever_its_body_does(apns, message, tmp_path, monkeypatch, then):
    monkeypatch.setattr(bodies.read_body, "__defaults__", (0.05,))
    peer, (cert, key) = Odd(then), certificate(tmp_path)
    context = server_context(cert, key)
    context.set_alpn_protocols(["h2"])
    server = await asyncio.start_server(peer, "127.0.0.1", 0, ssl=context)
    provider = apns(server.sockets[0].getsockname()[1], cert)
    assert await provider.send(message("push", DEVICE)) == "its-id"
    assert peer.requests == 1
    await provider.close()
    server.close()


class Refused:
    """An HTTP/2 peer whose headers come in one packet with a DATA frame that breaks the protocol."""

    def __init__(self, status, data):
        self.status = status
        self.data = data
        self.requests = 0

    async def __call__(self, reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        with contextlib.suppress(h2.exceptions.ProtocolError, ConnectionError):
            while data := await reader.read(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.StreamEnded):
                        self.requests += 1
                        headers = [(":status", self.status), ("apns-id", "its-id"), ("content-length", "1")]
                        connection.send_headers(event.stream_id, headers)
                        writer.write(connection.data_to_send() + self.data(event.stream_id))
                writer.write(connection.data_to_send())
        writer.close()


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


REFUSED = {
    "a body longer than its length": lambda stream: frame(0, 1, stream, b"{}{}{}"),
    "a body shorter than its length": lambda stream: frame(0, 1, stream, b""),
    "data behind the end": lambda stream: frame(0, 1, stream, b"{") + frame(0, 1, stream, b"}"),
    "padding beyond the frame": lambda stream: frame(0, 9, stream, b"\xff{"),
    "a frame too large": lambda stream: frame(0, 1, stream, b"{" * 16385),
    "data of no stream": lambda stream: frame(0, 1, 0, b"{"),
}


@pytest.mark.parametrize("status", ["200", "410"])
@pytest.mark.parametrize("case", REFUSED)
async def test_a_status_counts_whatever_comes_with_it(apns, message, tmp_path, case, status):
    peer, (cert, key) = Refused(status, REFUSED[case]), certificate(tmp_path)
    context = server_context(cert, key)
    context.set_alpn_protocols(["h2"])
    server = await asyncio.start_server(peer, "127.0.0.1", 0, ssl=context)
    provider = apns(server.sockets[0].getsockname()[1], cert)
    for number in (1, 2):  # on a new connection, where the first is of no use any more
        if status == "200":
            assert await provider.send(message("push", DEVICE)) == "its-id"
        else:
            error = await failure(provider, message("push", DEVICE))
            assert (error.reason, error.permanent, error.unregistered) == ("rejected", True, False)
        assert peer.requests == number
    await provider.close()
    server.close()
