"""Limits and times that the guides name are those of the code. (The Russian guides' numbers are held to the English ones'.)"""

import re
from pathlib import Path

import pytest

from notifier.client.listening import FIRST_DELAY, MAX_DELAY, STABLE_AFTER
from notifier.config import load
from notifier.domain.limits import BAD_MESSAGES_IN_A_ROW, MESSAGE_BURST, MESSAGES_PER_SECOND, TOLERATED_SECONDS
from notifier.domain.notifications import MAX_TARGETS
from notifier.domain.protocol import MAX_RETENTION_DAYS, SYNC_LIMIT
from notifier.live import frames
from notifier.live.connection import TOKEN_EXPIRED
from notifier.live.websocket import PING_INTERVAL, SILENCE, STALL
from notifier.pod.providers import HOSTS_SHOWN
from notifier.providers.bodies import MAX_BODY
from notifier.store.embedded.binary import MINIMUM
from notifier.store.inbox_values import HISTORY
from notifier.store.redis.client import SPOILT_LIFE_MS
from notifier.store.sessions import MAX_SESSIONS
from notifier.web.http.descriptors import RESERVE
from notifier.web.http.protocol import REQUEST_DEADLINE

DOCS = Path(__file__).parents[2] / "notifier" / "web" / "docs"
SETTINGS = load({}, {})
RETRIES = (SETTINGS.retry_backoff_1, SETTINGS.retry_backoff_2, SETTINGS.retry_backoff_3)

SAID = [
    ("protocol", f"`limit` (1-{SYNC_LIMIT}, default 50)"),
    ("protocol", f"`days` (1-{MAX_RETENTION_DAYS})"),
    ("protocol", f"no longer among the newest {SETTINGS.stream_maxlen}"),
    ("protocol", f"pings every {PING_INTERVAL:g} s and drops a client that is silent for another {SILENCE:g} s"),
    ("protocol", f"Over {MESSAGES_PER_SECOND:g} messages a second (burst {MESSAGE_BURST:g}): `rate_limited`"),
    ("protocol", f"kept up for {TOLERATED_SECONDS:g} s: closed with {frames.POLICY_VIOLATION}"),
    ("protocol", f"`MAX_FRAME` closes with {frames.TOO_BIG}, invalid UTF-8 with {frames.INVALID_DATA}"),
    ("protocol", f"{BAD_MESSAGES_IN_A_ROW} messages in a row that are no JSON with {frames.POLICY_VIOLATION}"),
    ("frontend", f"the rest of the last {HISTORY}, each group oldest first"),
    ("frontend", f"doubles from {FIRST_DELAY:g} s to {MAX_DELAY:g} s; it begins anew after {STABLE_AFTER:g} s in sync"),
    ("frontend", f"a client that does not read for {STALL:g} s"),
    ("frontend", f"| {frames.NORMAL} | an operator closed it"),
    ("frontend", f"| {frames.SERVICE_RESTART} | the server restarts"),
    ("frontend", f"| {frames.TRY_AGAIN_LATER} | you did not read"),
    ("frontend", f"| {frames.INVALID_DATA}, {frames.TOO_BIG} | a frame was no UTF-8, or too large"),
    ("frontend", f"| {frames.POLICY_VIOLATION} | too many messages, or {BAD_MESSAGES_IN_A_ROW} bad ones in a row"),
    ("frontend", f"| {TOKEN_EXPIRED} | the token has expired"),
    ("backend", f"Up to {MAX_TARGETS:,} users in one request"),
    ("backend", f"It lives {SETTINGS.session_ttl / 3600:g} hours and is renewed"),
    ("backend", f"A user has {MAX_SESSIONS} at most"),
    ("providers", f"(`hosts`, at most {HOSTS_SHOWN})"),
    ("providers", f"longer than {MAX_BODY // 1024} KiB"),
    ("operating", f"where it stays for {SPOILT_LIFE_MS / 86_400_000:g} days"),
    ("troubleshooting", f"the last {RESERVE} are kept"),
    ("security", f"a whole request must arrive within {REQUEST_DEADLINE:g} s"),
    ("providers", "tried again after {:g} s, {:g} s and {:g} s".format(*RETRIES)),
    ("providers", f"open the provider's circuit for {SETTINGS.breaker_reset:g} s"),
    ("operating", f"they are kept {SETTINGS.delivery_retention / 86400:g} days"),
    ("cluster", "Redis {}.{} or newer".format(*MINIMUM)),
]


@pytest.mark.parametrize(("guide", "words"), SAID, ids=[f"{guide}: {words[:40]}" for guide, words in SAID])
def test_it_is_so(guide, words):
    text = re.sub(r"\s+", " ", (DOCS / f"{guide}.md").read_text())
    assert words in text
