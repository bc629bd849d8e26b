"""FCM, Web Push and Twilio against a real HTTP peer; Web Push is decrypted by an implementation of its own."""

import base64
import ipaddress
import json
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.providers.base import Message, ProviderError, SetupError
from notifier.providers.webpush import MAX_BODY, content_of
from tests.providers.contract import check_contract, failure
from tests.providers.peers import RawPeer, ec_key

# -- FCM


@pytest.fixture(scope="module")
def account_key():
    return rsa.generate_private_key(65537, 2048)


class Google:
    """Answers for the token and for messages."""

    def __init__(self, peer):
        self.tokens = 0
        self.message = (200, {}, b'{"name": "projects/p/messages/1"}')
        self.accepted = "token-1"
        peer.answers[:] = [self.answer]

    def answer(self, request, body):
        if request.path == "/token":
            self.tokens += 1
            self.assertion = parse_qs(body.decode())["assertion"][0]
            return 200, {}, json.dumps({"access_token": f"token-{self.tokens}", "expires_in": 3600}).encode()
        if request.headers["Authorization"] != f"Bearer {self.accepted}":
            return 401, {}, b"{}"
        return self.message


@pytest.fixture
def fcm(build, peer, account_key, tmp_path):
    pem = account_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file = tmp_path / "account.json"
    account = {"client_email": "a@p.example", "private_key": pem, "project_id": "p", "token_uri": f"{peer.url}/token"}
    file.write_text(json.dumps(account))

    def make(**options):
        return build(f"fcm://?key={file}&base={peer.url}", "push:android", **options)

    return make


async def test_fcm(fcm, peer, message, account_key):
    google, provider = Google(peer), fcm()
    sent = message("push", "device-1", expires_at=1_800_000_090.0)
    assert await provider.send(sent) == "projects/p/messages/1"
    await provider.send(sent)
    assert google.tokens == 1
    claims = jwt.decode(
        google.assertion,
        account_key.public_key(),
        ["RS256"],
        options={"verify_signature": True, "verify_exp": False, "verify_iat": False, "verify_aud": False},
    )
    assert (claims["iss"], claims["aud"]) == ("a@p.example", f"{peer.url}/token")
    body = json.loads(peer.requests[1][3])["message"]
    assert peer.requests[1][1] == "/v1/projects/p/messages:send"
    assert (body["token"], body["notification"]) == ("device-1", {"title": "Order 7", "body": "It is on its way ☃"})
    assert body["android"] == {"priority": "HIGH", "ttl": "90s"}
    assert body["data"] == {"n": "7", "notification_id": sent.id}


async def test_fcm_asks_for_another_token_when_one_is_revoked(fcm, peer, message):
    google, provider = Google(peer), fcm()
    await provider.send(message("push", "d"))
    google.accepted = "token-2"
    await provider.send(message("push", "d"))
    assert google.tokens == 2


def fcm_error(code):
    return json.dumps({"error": {"details": [{"errorCode": code}]}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "permanent", "unregistered"),
    [
        (404, fcm_error("UNREGISTERED"), True, True),
        (403, fcm_error("SENDER_ID_MISMATCH"), True, False),
        (400, fcm_error("INVALID_ARGUMENT"), True, False),
        (404, b"<html>not found</html>", True, False),
        (404, b"", True, False),
        (404, b'{"error": "not_found"}', True, False),
        (404, b'{"error": {"code": 404, "status": "NOT_FOUND", "details": null}}', True, False),
        (404, b'{"error": {"details": {"errorCode": "UNREGISTERED"}}}', True, False),
        (404, fcm_error(["UNREGISTERED"]), True, False),
        (404, fcm_error("OTHER"), True, False),
        (410, b"", True, False),
        (500, fcm_error("UNREGISTERED"), False, False),
        (503, b"<html>UNREGISTERED</html>", False, False),
    ],
)
async def test_only_firebase_itself_says_that_a_device_is_gone(
    fcm, peer, message, status, body, permanent, unregistered
):
    google, provider = Google(peer), fcm()
    google.message = (status, {}, body)
    error = await failure(provider, message("push", "d"))
    assert (error.permanent, error.unregistered) == (permanent, unregistered)


@pytest.mark.parametrize(
    ("grant", "asked"),
    [
        ({"access_token": "t", "expires_in": 3600}, 1),
        ({"access_token": "t", "expires_in": 10**400}, 2),
        ({"access_token": "t", "expires_in": 10**30}, 1),
        ({"access_token": "t", "expires_in": "x"}, 2),
        ({"access_token": "t", "expires_in": -5}, 2),
        ({"access_token": "t", "expires_in": float("nan")}, 2),
        ({"access_token": "t", "expires_in": True}, 2),
        ({"access_token": "t", "expires_in": None}, 2),
        ({"access_token": "t"}, 2),
    ],
)
async def test_the_life_of_an_access_token(fcm, peer, message, grant, asked):
    peer.answers[:] = [
        lambda request, body: (200, {}, json.dumps(grant).encode() if "token" in request.path else b"{}")
    ]
    provider = fcm()
    for _ in range(2):
        assert await provider.send(message("push", "d")) == ""
    assert [path for _, path, _, _ in peer.requests].count("/token") == asked
    assert provider._until <= 1_800_000_000 + 86400


@pytest.mark.parametrize(
    "grant",
    [b"", b"[]", b"null", b"{}", b'{"access_token": null}', b'{"access_token": ""}', b'{"access_token": "a\\nb"}'],
)
async def test_an_answer_without_an_access_token(fcm, peer, message, grant):
    peer.answers[:] = [(200, {}, grant)]
    error = await failure(fcm(), message("push", "d"))
    assert (error.reason, error.permanent) == ("login_refused", False)
    assert len(peer.requests) == 1


async def test_fcm_contract(fcm, peer, message):
    google, provider = Google(peer), fcm()
    await provider.send(message("push", "d"))
    quick = fcm(timeout=0.05)
    quick._token, quick._until = provider._token, provider._until
    await check_contract(provider, peer, message("push", "d"), (provider._token,), lambda: quick)
    assert google.tokens == 1


async def test_fcm_and_its_token_in_pieces(fcm, message, loop):
    raw = await RawPeer().start()
    provider = fcm()
    provider._base = provider._token_url = raw.url
    body = b'{"access_token": "t", "expires_in": 3600, "name": "projects/p/messages/1"}'
    raw.answer, raw.piece = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body), 1
    assert await provider.send(message("push", "d")) == "projects/p/messages/1"
    assert (provider._token, raw.requests) == ("t", 2)
    await raw.stop()


def test_fcm_files(build, tmp_path):
    with pytest.raises(SetupError, match="cannot be read: FileNotFoundError"):
        build(f"fcm://?key={tmp_path}/none", "push:android")
    (tmp_path / "bad").write_text('{"client_email": "x"}')
    with pytest.raises(SetupError, match="service account's JSON"):
        build(f"fcm://?key={tmp_path}/bad", "push:android")


# -- Web Push


def b64(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """A subscription, and the decryption of RFC 8188 and RFC 8291 by hand."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.secret = b"0123456789abcdef"
        self.keys = {"p256dh": b64(self.public), "auth": b64(self.secret)}

    def decrypt(self, body):
        salt, length = body[:16], body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        first = self._derive(self.secret, shared, b"WebPush: info\0" + self.public + sender, 32)
        key = self._derive(salt, first, b"Content-Encoding: aes128gcm\0", 16)
        nonce = self._derive(salt, first, b"Content-Encoding: nonce\0", 12)
        padded = AESGCM(key).decrypt(nonce, sealed, None)
        assert padded.endswith(b"\x02")
        return json.loads(padded[:-1])

    @staticmethod
    def _derive(salt, secret, info, length):
        return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


@pytest.fixture
def browser():
    return Browser()


@pytest.fixture
def webpush(build, peer, tmp_path):
    _, pem = ec_key()
    (tmp_path / "vapid.pem").write_text(pem)

    def make(**options):
        url = f"webpush://?key={tmp_path}/vapid.pem&subject=mailto:ops@example.com&base={peer.url}"
        return build(url, "push:web", **options)

    return make


ENDPOINT = "https://push.example/send/abc"


async def test_web_push(webpush, peer, message, browser):
    peer.answers[:] = [(201, {"Location": "/m/1"}, b"")]
    provider = webpush()
    sent = message("push", ENDPOINT, subscription=browser.keys, expires_at=1_800_000_060.0)
    assert await provider.send(sent) == "/m/1"
    ((_, path, headers, body),) = peer.requests
    assert path == "/send/abc"
    assert browser.decrypt(body) == {
        "title": "Order 7",
        "body": "It is on its way ☃",
        "notification_id": sent.id,
        "data": {"n": 7},
    }
    assert (headers["TTL"], headers["Urgency"], headers["Content-Encoding"]) == ("60", "high", "aes128gcm")
    token, key = headers["Authorization"].removeprefix("vapid t=").split(", k=")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(key))
    claims = jwt.decode(token, public, ["ES256"], audience="https://push.example", options={"verify_exp": False})
    assert claims["sub"] == "mailto:ops@example.com"
    assert claims["exp"] - 1_800_000_000 <= 86400


@pytest.mark.parametrize(
    ("endpoint", "audience"),
    [
        ("https://Push.Example:443/send/abc", "https://push.example"),
        ("https://user:secret@push.example/send/abc", "https://push.example"),
        ("https://push.example:8443/send/abc", "https://push.example:8443"),
        ("https://örnek.com/send/abc", "https://xn--rnek-4qa.com"),
        ("http://[::1]:80/send/abc", "http://[::1]"),
    ],
)
async def test_the_audience_of_vapid_is_the_canonical_origin(webpush, peer, message, browser, endpoint, audience):
    peer.answers[:] = [(201, {}, b"")]
    await webpush().send(message("push", endpoint, subscription=browser.keys))
    token, key = peer.requests[0][2]["Authorization"].removeprefix("vapid t=").split(", k=")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(key))
    jwt.decode(token, public, ["ES256"], audience=audience, options={"verify_exp": False})


async def test_a_user_in_an_endpoint_does_not_take_the_place_of_the_signature(build, tmp_path, peer, message, browser):
    (tmp_path / "vapid.pem").write_text(ec_key()[1])
    url = f"webpush://?key={tmp_path}/vapid.pem&subject=mailto:a@b.example"
    provider = build(url, "push:web", allow_private=[ipaddress.ip_network("127.0.0.0/8")])
    await provider.send(message("push", f"http://u:p@127.0.0.1:{peer.port}/x?y=z", subscription=browser.keys))
    assert peer.requests[0][2]["Authorization"].startswith("vapid t=")
    error = await failure(provider, message("push", "https://a..b/x", subscription=browser.keys))
    assert (error.reason, error.permanent, error.unregistered) == ("invalid_url", True, False)


@pytest.mark.parametrize("path", ["/../../evil", "/a/../../evil", "/%2e%2e/%2e%2e/evil?x=1#y"])
async def test_an_endpoint_does_not_lead_out_of_the_base(webpush, peer, message, browser, path):
    provider = webpush()
    provider._base = f"{peer.url}/inner"
    await provider.send(message("push", f"https://push.example{path}", subscription=browser.keys))
    assert peer.requests[-1][1].startswith("/inner/") and ".." not in peer.requests[-1][1].split("/")


@pytest.mark.parametrize("path", ["/a/..%2f../evil", "/%2e%2e%2fevil", "/..%5Cevil"])
async def test_an_endpoint_with_encoded_slashes_upwards_is_none(webpush, peer, message, browser, path):
    with pytest.raises(ProviderError, match="bad_subscription"):
        await webpush().send(message("push", f"https://push.example{path}", subscription=browser.keys))
    assert peer.requests == []


async def test_web_push_shortens_what_is_too_long(webpush, peer, message, browser):
    await webpush().send(message("push", ENDPOINT, subscription=browser.keys, content='☃"\\\n' * 2000))
    found = browser.decrypt(peer.requests[0][3])
    assert found["truncated"]
    assert ('☃"\\\n' * 2000).startswith(found["body"])
    assert len(found["body"]) > 400


@pytest.mark.parametrize("char", ["\\", '"', "\n", "\x01", "☃", "é", "𝄞", "a"])
@pytest.mark.parametrize("shift", range(8))
async def test_web_push_cuts_between_characters(webpush, message, browser, char, shift):
    content = "x" * shift + char * (8192 - shift)
    body = content_of(message("push", ENDPOINT, content=content, data={}))
    found = json.loads(body)
    assert found["truncated"]
    assert content.startswith(found["body"])
    room = MAX_BODY - len(body)
    assert 0 <= room < len(json.dumps(char, ensure_ascii=False).encode()) - 2


@given(st.text(max_size=256), st.text(alphabet=st.sampled_from('a\\"\n\x02é☃𝄞'), min_size=900, max_size=8192))
@settings(max_examples=50)
def test_web_push_content_is_json_that_fits(title, content):
    sent = Message("i" * 36, "k", "push", ENDPOINT, title, content, {"n": "y" * 4000}, "high")
    body = content_of(sent)
    assert len(body) <= MAX_BODY
    assert content.startswith(json.loads(body)["body"])


async def test_web_push_stays_below_what_a_push_service_takes(webpush, peer, message, browser):
    peer.answers[:] = [(201, {}, b"")]
    await webpush().send(message("push", ENDPOINT, subscription=browser.keys, content="\\" * 8192))
    body = peer.requests[0][3]
    assert len(body) <= 4096
    assert set(browser.decrypt(body)["body"]) == {"\\"}


@pytest.mark.parametrize(
    ("status", "unregistered"), [(404, True), (410, True), (400, False), (401, False), (403, False), (413, False)]
)
async def test_web_push_gone(webpush, peer, message, browser, status, unregistered):
    peer.answers[:] = [(status, {}, b"")]
    error = await failure(webpush(), message("push", ENDPOINT, subscription=browser.keys))
    assert (error.unregistered, error.permanent) == (unregistered, True)


@pytest.mark.parametrize(
    "keys",
    [{}, {"p256dh": "AAAA", "auth": "AAAA"}, {"p256dh": "%", "auth": "%"}, {"p256dh": "☃", "auth": "☃"}],
)
async def test_web_push_keys_that_are_none(webpush, peer, message, keys):
    error = await failure(webpush(), message("push", ENDPOINT, subscription=keys))
    assert (error.reason, error.permanent, error.unregistered) == ("bad_subscription", True, False)
    assert peer.requests == []


async def test_web_push_secret_of_another_length(webpush, message, browser):
    keys = browser.keys | {"auth": b64(b"short")}
    assert (await failure(webpush(), message("push", ENDPOINT, subscription=keys))).reason == "bad_subscription"


async def test_web_push_contract(webpush, peer, message, browser):
    sent = message("push", ENDPOINT, subscription=browser.keys)
    await check_contract(webpush(), peer, sent, (browser.keys["auth"],), lambda: webpush(timeout=0.05))


async def test_web_push_does_not_call_private_endpoints(build, tmp_path, peer, message, browser):
    (tmp_path / "vapid.pem").write_text(ec_key()[1])
    provider = build(f"webpush://?key={tmp_path}/vapid.pem&subject=mailto:a@b.example", "push:web")
    error = await failure(provider, message("push", f"{peer.url}/x", subscription=browser.keys))
    assert error.reason == "blocked"
    assert peer.requests == []


# -- Twilio


async def test_twilio(build, peer, message):
    peer.answers[:] = [(201, {}, b'{"sid": "SM1"}')]
    provider = build(f"twilio://AC1:the-token@+15005550006?base={peer.url}")
    assert await provider.send(message()) == "SM1"
    ((_, path, headers, body),) = peer.requests
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"AC1:the-token").decode()
    assert parse_qs(body.decode()) == {
        "To": ["+905551234567"],
        "From": ["+15005550006"],
        "Body": ["It is on its way ☃"],
    }
    assert provider.name == "twilio:+15005550006"


@pytest.mark.parametrize(
    ("status", "code", "permanent", "unregistered"),
    [
        (400, 21610, True, True),
        (400, 21211, True, True),
        (400, 20003, True, False),
        (400, [], True, False),
        (400, {"21610": 1}, True, False),
        (400, "21610", True, False),
        (400, 21610.0, True, False),
        (400, True, True, False),
        (503, 21610, False, False),
        (401, None, False, False),
    ],
)
async def test_twilio_opted_out(build, peer, message, status, code, permanent, unregistered):
    peer.answers[:] = [(status, {}, json.dumps({"code": code, "message": "no"}).encode())]
    error = await failure(build(f"twilio://AC1:t@+15005550006?base={peer.url}"), message())
    assert (error.unregistered, error.permanent) == (unregistered, permanent)


async def test_twilio_contract(build, peer, message):
    url = f"twilio://AC1:the-token@+15005550006?base={peer.url}"
    await check_contract(build(url), peer, message(), ("the-token",), lambda: build(url, timeout=0.05))


def test_twilio_urls(build):
    with pytest.raises(SetupError, match="SID, TOKEN and FROM"):
        build("twilio://+15005550006")
