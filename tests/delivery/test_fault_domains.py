"""One recipient hangs, fails or greylists; all others' deliveries arrive within a second, on every channel that leads
out. Real peers, a real store, and the slots that a default installation has."""

import asyncio
import base64
import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.delivery.client import create, ended, look
from tests.providers.peers import HttpPeer, SmtpPeer, ec_key
from tests.support import eventually

BAD, GOOD = 25, 20  # deliveries to the one recipient that is in the way, and to others
P99 = 1.0  # seconds
HANGS, FAILS = None, (503, {}, b"")


class Target:
    """A host that answers as it is told, and notes when it was called."""

    def __init__(self, peer, answer=(200, {}, b"{}")):
        self.peer = peer
        self.calls = []  # (moment, path, body)
        self.answer = answer
        peer.answers[:] = [self._serve]

    def _serve(self, request, body):
        self.calls.append((time.monotonic(), request.path, body))
        return self.answer(body) if callable(self.answer) else self.answer


@pytest.fixture
def target(loop):
    """Starts hosts."""
    peers = []

    async def start(*answer):
        peers.append(await HttpPeer().start())
        return Target(peers[-1], *answer)

    yield start
    for peer in peers:
        loop.run_until_complete(peer.stop())


@pytest.fixture
def start(start_pod, tmp_path):
    """Starts a pod for these peers."""

    async def build(name="pod-a", **changes):
        (tmp_path / "vapid.pem").write_text(ec_key()[1])
        values = {"webhook_allow_private": "127.0.0.0/8", "rate_limit_per_user": "1000"}
        values |= {"provider_push_web": f"webpush://?key={tmp_path}/vapid.pem&subject=mailto:a@example.com"}
        return await start_pod(name, **(values | changes))

    return build


async def waits(client, channel, recipients, calls):
    """Sends one delivery to each recipient, one every 20 ms, and waits until `calls` have come: the seconds that each
    took, at the worst, from its acceptance."""
    began, ids = [], []
    for recipient in recipients:
        began.append(time.monotonic())
        ids.append(await create(client, channel, recipient))
        await asyncio.sleep(0.02)
    await eventually(lambda: len(calls()) >= len(ids), "the calls of others")
    return [came - at for at, came in zip(began, sorted(calls())[: len(ids)], strict=True)]


async def held_up(client, channel, recipient, calls):
    """The one in the way has all that it can get."""
    await asyncio.gather(*(create(client, channel, recipient) for _ in range(BAD)))
    await eventually(calls, "the first call")


@pytest.mark.slow
@pytest.mark.parametrize("answer", [HANGS, FAILS], ids=["hangs", "fails"])
@pytest.mark.parametrize("channel", ["webhook", "push"])
async def test_a_recipients_host(start, target, channel, answer):
    bad, good = await target(answer), await target()
    client = await start()
    url, keys = f"{bad.peer.url}/x", _subscription_keys()
    if channel == "webhook":
        await held_up(client, channel, url, lambda: bad.calls)
        found = await waits(client, channel, [f"{good.peer.url}/{n}" for n in range(GOOD)], lambda: _moments(good))
    else:
        for user, endpoint in [("bad", url), *((f"u{n}", f"{good.peer.url}/{n}") for n in range(GOOD))]:
            body = {"user_id": user, "platform": "web", "subscription": {"endpoint": endpoint, "keys": keys}}
            assert (await client.post("/api/v1/sessions", json=body)).status_code == 201
        await asyncio.gather(*(create(client, "push", "", user_id="bad") for _ in range(BAD)))
        await eventually(lambda: bad.calls, "the first call")
        found = await users(client, good)
    assert max(found) < P99, found
    assert (await client.get("/health")).json()["components"]["providers"]["status"] == "ok"


async def users(client, good):
    began = []
    for number in range(GOOD):
        began.append(time.monotonic())
        await create(client, "push", "", user_id=f"u{number}")
        await asyncio.sleep(0.02)
    await eventually(lambda: len(good.calls) >= GOOD, "the calls of others")
    return [came - at for at, came in zip(began, _moments(good), strict=True)]


def _moments(one):
    return sorted(moment for moment, _, _ in one.calls)


def _subscription_keys():
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    encode = lambda value: base64.urlsafe_b64encode(value).rstrip(b"=").decode()  # noqa: E731
    return {"p256dh": encode(point), "auth": encode(b"0123456789abcdef")}


@pytest.mark.slow
@pytest.mark.parametrize("answer", [HANGS, FAILS, (429, {}, b"")], ids=["hangs", "fails", "throttled"])
@pytest.mark.parametrize("channel", ["sms", "push"])
async def test_one_recipient_of_a_service_that_takes_all(start, target, channel, answer):
    bad = "+905550000000" if channel == "sms" else "device-bad"
    service = await target(lambda body: answer if json.loads(body)["to"] == bad else (200, {}, b"{}"))
    client = await start(provider_sms=service.peer.url, provider_push_android=service.peer.url)

    def of(ours):
        return [moment for moment, _, body in service.calls if (json.loads(body)["to"] == bad) is ours]

    await held_up(client, channel, bad, lambda: of(True))
    others = [f"+90555{n:07d}" if channel == "sms" else f"device-{n}" for n in range(1, GOOD + 1)]
    assert max(await waits(client, channel, others, lambda: of(False))) < P99


class Mail(SmtpPeer):
    """An SMTP server that refuses one mailbox for now, or is silent about it."""

    def __init__(self, bad, hangs):
        super().__init__()
        self.bad, self.hangs = bad, hangs
        self.asked, self.moments = 0, []
        self.silent = asyncio.Event()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == self.bad:
            self.asked += 1
            if self.hangs:
                await self.silent.wait()
            return "450 4.2.0 greylisted, try again later"
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server, session, envelope):
        self.moments.append(time.monotonic())
        return await super().handle_DATA(server, session, envelope)


@pytest.mark.slow
@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "greylists"])
async def test_one_mailbox(start, hangs):
    mail = await Mail("bad@example.com", hangs).start()
    client = await start(provider_email=f"smtp://127.0.0.1:{mail.port}?from=shop@example.com&tls=none")
    await held_up(client, "email", mail.bad, lambda: mail.asked)
    others = [f"u{n}@example.com" for n in range(GOOD)]
    assert max(await waits(client, "email", others, lambda: mail.moments)) < P99
    assert (await client.get("/health")).json()["components"]["providers"]["status"] == "ok"
    mail.silent.set()
    await mail.stop()


# -- circuits of hosts


async def test_an_open_host_is_not_called_and_uses_up_no_retry(start, target):
    bad, good = await target(FAILS), await target()
    client = await start(breaker_failures="3", breaker_reset="1h", retry_attempts="0")
    for _ in range(3):
        await ended(client, await create(client, "webhook", f"{bad.peer.url}/x"), "failed")
    identity = await create(client, "webhook", f"{bad.peer.url}/x")
    held = await ended(client, identity, "scheduled")
    assert (held["retry_count"], len(bad.calls)) == (0, 3)
    await ended(client, await create(client, "webhook", f"{good.peer.url}/x"), "sent")


async def test_an_open_host_is_shown_where_an_operator_asks(start, target):
    bad = await target(FAILS)
    client = await start(breaker_failures="1", breaker_reset="1h", retry_attempts="0")
    await ended(client, await create(client, "webhook", f"{bad.peer.url}/secret"), "failed")
    rows = (await client.get("/api/v1/admin/providers")).json()["providers"]
    (row,) = [row for row in rows if row["channel"] == "webhook"]
    (host,) = row["hosts"]
    assert (row["state"], row["hosts_open"], host["state"]) == ("closed", 1, "open")
    assert (host["host"], host["failures"]) == (f"127.0.0.1:{bad.peer.port}", 1)
    health = (await client.get("/health")).json()["components"]["providers"]
    assert (health["status"], health["hosts_open"]) == ("ok", 1)
    metrics = (await client.get("/metrics")).text
    assert 'circuit_hosts{provider="webhook:recipient"} 1' in metrics
    assert str(bad.peer.port) not in json.dumps(health) + metrics


async def test_a_host_is_open_for_all_pods_and_closes_by_one_probe(start, target):
    bad = await target(FAILS)
    one = await start(breaker_failures="1", breaker_reset="1s", retry_attempts="0")
    other = await start("pod-b", breaker_failures="1", breaker_reset="1s", retry_attempts="0")
    url = f"{bad.peer.url}/x"
    await ended(one, await create(one, "webhook", url), "failed")
    breakers = other.pod.pipeline.breakers
    await breakers.refresh()
    assert [found.state for found in breakers.hosts("webhook:recipient")] == ["open"]
    bad.answer = (200, {}, b"{}")
    ids = [await create(other, "webhook", url) for _ in range(5)]
    for identity in ids:
        assert (await ended(other, identity))["status"] == "sent"
    assert len(bad.calls) == 6
    await asyncio.gather(breakers.refresh(), one.pod.pipeline.breakers.refresh())
    assert breakers.hosts("webhook:recipient") == one.pod.pipeline.breakers.hosts("webhook:recipient") == []


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_what_a_host_says_of_one_url_opens_nothing(start, target, status):
    bad = await target((status, {}, b""))
    client = await start(breaker_failures="1")
    for _ in range(3):
        await ended(client, await create(client, "webhook", f"{bad.peer.url}/x"), "failed")
    assert (len(bad.calls), client.pod.pipeline.breakers.hosts("webhook:recipient")) == (3, [])


async def test_a_failing_url_holds_up_no_other_of_its_host(start, target):
    """Many share a host: failures of one alone hold up that one; those of another open it for all."""
    host = await target()
    host.peer.answers[:] = [lambda request, body: FAILS if request.path == "/bad" else (200, {}, b"{}")]
    client = await start(breaker_failures="2", breaker_reset="1h", retry_attempts="0")
    url = host.peer.url
    for _ in range(2):
        await ended(client, await create(client, "webhook", f"{url}/bad"), "failed")
    await ended(client, await create(client, "webhook", f"{url}/bad"), "scheduled")
    await ended(client, await create(client, "webhook", f"{url}/good"), "sent")
    held = await create(client, "webhook", f"{url}/bad")
    assert (await ended(client, held, "scheduled"))["retry_count"] == 0
    host.peer.answers[:] = [lambda request, body: FAILS]
    for number in range(2):
        await ended(client, await create(client, "webhook", f"{url}/other{number}"), "failed")
    await ended(client, await create(client, "webhook", f"{url}/good"), "scheduled")
    assert (await look(client, held))["status"] == "scheduled"
