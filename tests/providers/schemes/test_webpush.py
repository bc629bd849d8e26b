"""Web Push against a real HTTP peer; bodies are decrypted by an implementation of its own."""

import base64
import ipaddress
import json
from urllib.parse import parse_qsl

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.providers.base import Message, ProviderError
from notifier.providers.schemes.webpush import MAX_BODY, content_of
from tests.providers.contract import HttpContract, failure
from tests.providers.peers import ec_key


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


@pytest.mark.parametrize("path", ["/wp?token=a%2Fb+c&x=%C3%BC", "/w/?a=1&a=2", "/w", "/w%20x?y=..%2f..", "/?q"])
async def test_an_endpoint_keeps_its_path_and_query_behind_the_base(webpush, peer, message, browser, path):
    """The push services of some browsers name the subscription in the query."""
    await webpush().send(message("push", f"https://push.example{path}", subscription=browser.keys))
    ((found, _, query),) = [target.partition("?") for target in peer.targets]
    assert found == path.partition("?")[0]
    assert parse_qsl(query, True) == parse_qsl(path.partition("?")[2], True)


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


class TestContract(HttpContract):
    secrets = (b64(b"0123456789abcdef"),)

    @pytest.fixture
    def make(self, webpush):
        return webpush

    @pytest.fixture
    def sample(self, message, browser):
        return message("push", ENDPOINT, subscription=browser.keys)


async def test_web_push_does_not_call_private_endpoints(build, tmp_path, peer, message, browser):
    (tmp_path / "vapid.pem").write_text(ec_key()[1])
    provider = build(f"webpush://?key={tmp_path}/vapid.pem&subject=mailto:a@b.example", "push:web")
    error = await failure(provider, message("push", f"{peer.url}/x", subscription=browser.keys))
    assert error.reason == "blocked"
    assert peer.requests == []
