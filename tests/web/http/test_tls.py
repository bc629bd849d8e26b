"""HTTPS and WSS with a certificate that is made here."""

import asyncio
import datetime
import ipaddress
import ssl

import httpx
import pytest
import websockets
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from notifier.web.http.tls import TlsError, server_context
from tests.support import ALICE, Inbox, notify

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])


def pem(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The paths of a certificate for localhost and its key."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    (folder / "cert.pem").write_bytes(made.sign(key, SHA256()).public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(pem(key))
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.fixture
def trusting(files):
    """A client's context that trusts that certificate."""
    return ssl.create_default_context(cafile=files[0])


@pytest.fixture
def secured(loop, start_pod, files):
    """A pod that speaks TLS."""
    return loop.run_until_complete(start_pod(tls_cert=files[0], tls_key=files[1]))


async def test_https(secured, trusting):
    async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{secured.port}", verify=trusting) as http:
        assert (await http.get("/health")).json()["status"] == "ok"
        assert await notify(http, targets=[ALICE])
        many = [notify(http, str(number)) for number in range(30)]
        assert len(await asyncio.gather(*many)) == 30
        large = {"target": [{"id": number, "login": "u"} for number in range(1, 1001)], "message": "x" * 8192}
        assert (await http.post("/api/v1/notify", json=large)).status_code == 202


async def test_wss(secured, trusting):
    uri = f"wss://localhost:{secured.port}/ws?user_id=1&login=alice"
    async with websockets.connect(uri, ssl=trusting) as socket, httpx.AsyncClient(verify=trusting) as http:
        inbox = Inbox(socket)
        assert (await inbox.receive("sync.complete")) == {"pending": 0, "total": 0}
        http.base_url = f"https://localhost:{secured.port}"
        for number in range(50):
            await notify(http, f"{number}" + "x" * 8000)
        for number in range(50):
            push = await inbox.receive("notification.push")
            assert push["message"].startswith(f"{number}x")
        await inbox.read(push)
        await inbox.receive("notification.read.ack")
        (connection,) = secured.pod.hub
        connection.close(1000, "bye")
        assert await inbox.closed() == 1000
    assert len(secured.pod.hub) == 0


async def test_no_plain_http(secured):
    with pytest.raises(httpx.HTTPError):
        await secured.get("/health")
    async with httpx.AsyncClient(verify=ssl.create_default_context()) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"https://127.0.0.1:{secured.port}/health")


async def test_old_versions_are_refused(secured, trusting):
    trusting.minimum_version = ssl.TLSVersion.TLSv1
    trusting.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await asyncio.open_connection("127.0.0.1", secured.port, ssl=trusting)


def test_what_cannot_be_used_is_one_line(files, tmp_path):
    cert, key = files
    (tmp_path / "other.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    (tmp_path / "locked.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"x")))
    (tmp_path / "text").write_text("no PEM")
    for pair, words in (
        (("/nowhere/cert.pem", key), "TLS_CERT: cannot read /nowhere/cert.pem: No such file"),
        ((cert, str(tmp_path)), f"TLS_KEY: cannot read {tmp_path}: Is a directory"),
        ((cert, str(tmp_path / "other.pem")), "the key does not belong to the certificate"),
        ((cert, str(tmp_path / "locked.pem")), "the key is encrypted"),
        ((cert, str(tmp_path / "text")), "expected PEM files"),
        ((str(tmp_path / "text"), key), "expected PEM files"),
    ):
        with pytest.raises(TlsError) as raised:
            server_context(*pair)
        assert words in str(raised.value) and "\n" not in str(raised.value)
    assert server_context("", "") is None
