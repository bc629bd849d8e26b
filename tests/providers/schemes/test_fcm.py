"""FCM against a real HTTP peer that issues tokens too."""

import json
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from notifier.providers.base import SetupError
from tests.providers.conftest import NOW
from tests.providers.contract import HttpContract, failure
from tests.providers.peers import RawPeer


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


class TestContract(HttpContract):
    secrets = ("token-1",)

    @pytest.fixture
    def make(self, fcm):
        def make(**options):
            provider = fcm(**options)
            provider._token, provider._until = "token-1", NOW + 3600  # it has been asked for
            return provider

        return make

    @pytest.fixture
    def sample(self, message):
        return message("push", "d")


async def test_fcm_and_its_token_in_pieces(fcm, message, loop):
    raw = await RawPeer().start()
    provider = fcm()
    provider._base = provider._token_url = raw.url
    body = b'{"access_token": "t", "expires_in": 3600, "name": "projects/p/messages/1"}'
    raw.answer, raw.piece = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body), 1
    assert await provider.send(message("push", "d")) == "projects/p/messages/1"
    assert (provider._token, raw.requests) == ("t", 2)
    await raw.stop()


@pytest.mark.parametrize(
    ("project", "path"), [("a/../b", "a%2F..%2Fb"), ("p?x#y", "p%3Fx%23y"), ("ö", "%C3%B6"), ("a%2fb", "a%252fb")]
)
async def test_a_project_never_changes_the_path(fcm, peer, message, project, path):
    provider = fcm()
    provider._token, provider._until, provider._project = "t", NOW + 3600, project
    await provider.send(message("push", "d"))
    assert peer.targets == [f"/v1/projects/{path}/messages:send"]


@pytest.mark.parametrize("project", [".", ".."])
def test_a_project_that_leads_upwards_is_none(build, fcm, tmp_path, project):
    with pytest.raises(SetupError, match="project= is needed"):
        build(f"fcm://?key={tmp_path}/account.json&project={project}", "push:android")


def test_fcm_files(build, tmp_path):
    with pytest.raises(SetupError, match="cannot be read: FileNotFoundError"):
        build(f"fcm://?key={tmp_path}/none", "push:android")
    (tmp_path / "bad").write_text('{"client_email": "x"}')
    with pytest.raises(SetupError, match="service account's JSON"):
        build(f"fcm://?key={tmp_path}/bad", "push:android")
