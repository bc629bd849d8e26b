""":` goes to anything, also when text and Enter come in one piece or before the server's answer."""

from __future__ import annotations

import uuid

import pytest

from tests.tui.answers import problem
from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.details.delivery import DeliveryDetail
from tui.details.notification import NotificationDetail
from tui.details.record import RecordDetail
from tui.details.user import OneUserDetail
from tui.dialogs.goto import GoTo
from tui.found import Found, guessed, read_found, the_one, views_named
from tui.model import UserKey
from tui.page import Page
from tui.screens.deliveries import Deliveries
from tui.screens.instances import Instances
from tui.widgets.tabs import Tabs
from tui.widgets.words import Words

FIND = "/api/v1/admin/find"
BATCH = "0d5c8f4e-1111-4222-8333-944455566677"


def named() -> FakeCluster:
    """One of every kind that the server finds."""
    cluster = small_cluster()
    name = cluster.cockpit.name
    name("login", "1-alice", "alice", user_id=1, login="alice")
    name("login", "7-alina", "alina", user_id=7, login="alina")
    name("delivery", cluster.deliveries.rows[0]["id"], "sms to +905551234567, sent")
    unread = cluster.inboxes["3-carol"][0]
    name("notification", unread["notification_id"], "waiting for carol", user_id=3, login="carol")
    name("address", "+905551234567", "2 deliveries")
    name("user", "customer-88", "4 deliveries", user_id="customer-88")
    name("instance", "pod-b", "alive")
    name("batch", BATCH, "a batch of 3")
    cluster.cockpit.batches[BATCH] = {"batch_id": BATCH, "total": 3, "statuses": {"sent": 2, "failed": 1}}
    return cluster


def shown(stage: Stage) -> bool:
    return isinstance(stage.app.screen, GoTo)


async def settled(stage: Stage) -> None:
    await stage.until(lambda: not stage.app.typed.busy and stage.app.asking is None)


@pytest.mark.parametrize(
    ("typed", "page", "seen"),
    [
        ("1-alice", OneUserDetail, "User 1-alice"),
        ("+905551234567", Deliveries, "recipient:+905551234567"),
        ("customer-88", Deliveries, "user:customer-88"),
        ("pod-b", Instances, "›pod-b"),
        (BATCH, RecordDetail, "a batch of 3"),
        ("delivery", DeliveryDetail, "Attempts 1"),
        ("notification", NotificationDetail, "waiting for carol"),
    ],
)
@pytest.mark.parametrize("burst", [True, False], ids=["in one piece", "key by key"])
def test_everything_is_reached_by_its_name(typed: str, page: type[Page], seen: str, burst: bool) -> None:
    cluster = named()
    rows = {row["kind"]: row["id"] for row in cluster.cockpit.names or []}
    typed = rows.get(typed, typed)

    async def story(stage: Stage) -> None:
        if burst:
            stage.burst(":", typed, "enter")
        else:
            await stage.press("colon")
            await stage.until(lambda: shown(stage))
            await stage.type(typed)
            await stage.until(lambda: stage.app.screen.query_one("#found").selected)
            await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, page))
        await stage.sees(seen)
        await stage.until(lambda: stage.page.query_one(Tabs).plain.rstrip("… ").endswith(stage.page.crumb[:39]))
        await stage.press("escape")
        await stage.until(lambda: stage.page is stage.app.views["overview"])

    play(story, cluster=cluster, size=(140, 36))


@pytest.mark.parametrize(
    ("typed", "view"),
    [("dead", "dead_letters"), ("letters", "dead_letters"), ("prov", "providers"), ("clients", "clients")],
)
def test_views_are_known_without_asking(typed: str, view: str) -> None:
    async def story(stage: Stage) -> None:
        stage.burst(":", typed, "enter")
        await stage.until(lambda: stage.page is stage.app.views[view])
        assert not stage.asked("GET", FIND)

    play(story)


def test_suggestions_are_the_servers_and_the_arrows_choose() -> None:
    async def story(stage: Stage) -> None:
        await stage.press("colon")
        await stage.until(lambda: shown(stage))
        await stage.type("ali")
        await stage.sees("login", "alice", "7-alina")
        await stage.press("down", "enter")
        await stage.sees("User 7-alina")

    play(story, cluster=named())


def test_several_of_a_name_are_a_choice_and_no_guess() -> None:
    async def story(stage: Stage) -> None:
        stage.burst(":", "ali", "enter")
        await stage.sees("2 are named so: choose one")
        await stage.until(lambda: shown(stage) and stage.app.asking is None)
        await stage.press("enter")
        await stage.sees("User 1-alice")

    play(story, cluster=named())


def test_keys_behind_a_name_do_nothing_while_it_is_looked_for() -> None:
    async def story(stage: Stage) -> None:
        with stage.server.holding(FIND):
            stage.burst(":", "1-alice", "enter", "q", "D", "y")
            await stage.until(lambda: stage.app.asking is not None and not stage.app.typed.busy)
            await stage.sees("asking the server, esc gives up")
        await stage.sees("User 1-alice")
        assert stage.app._exit is False
        assert not stage.asked("DELETE", "/api/v1/admin/clients")

    play(story, cluster=named())


def test_a_question_can_be_given_up() -> None:
    async def story(stage: Stage) -> None:
        with stage.server.holding(FIND):
            stage.burst(":", "1-alice", "enter")
            await stage.sees("asking the server, esc gives up")
            await stage.press("escape")
            await settled(stage)
        assert stage.page is stage.app.views["overview"]

    play(story, cluster=named())


def test_a_row_of_another_text_is_never_taken() -> None:
    async def story(stage: Stage) -> None:
        await stage.press("colon")
        await stage.until(lambda: shown(stage))
        await stage.type("1-alice")
        await stage.until(lambda: stage.app.screen.query_one("#found").selected)
        stage.burst("x", "enter")
        await stage.sees("nothing is named 1-alicex")
        assert shown(stage)

    play(story, cluster=named())


def test_pasted_text_is_a_name() -> None:
    async def story(stage: Stage) -> None:
        from textual.events import Paste

        await stage.press("colon")
        stage.app.post_message(Paste("pod-b\nq"))
        await stage.sees("nothing is named pod-b q")
        assert shown(stage)

    play(story, cluster=named())


def test_an_older_server_knows_views_users_and_ids() -> None:
    cluster = small_cluster()
    cluster.cockpit.names = None
    identity = cluster.deliveries.rows[0]["id"]

    async def story(stage: Stage) -> None:
        stage.burst(":", "alice", "enter")
        await stage.sees("this server does not search")
        await stage.press("escape")
        stage.burst(":", "1-alice", "enter")
        await stage.sees("User 1-alice")
        stage.burst(":", identity, "enter")
        await stage.sees("Attempts 1")

    play(story, cluster=cluster)


def test_a_refusal_is_said() -> None:
    async def story(stage: Stage) -> None:
        stage.server.refuse[FIND] = problem(500, "no luck")
        stage.burst(":", "zzz", "enter")
        await stage.sees("not asked: no luck (500)")
        await stage.press("escape")
        await stage.until(lambda: not shown(stage))

    play(story)


def test_a_batch_that_is_gone_is_said_to_be() -> None:
    cluster = named()
    cluster.cockpit.batches.clear()

    async def story(stage: Stage) -> None:
        stage.burst(":", BATCH, "enter")
        await stage.until(lambda: any("there is no such batch" in said for said in stage.toasts))
        await settled(stage)

    play(story, cluster=cluster)


def test_an_empty_field_goes_nowhere_and_says_what_it_takes() -> None:
    async def story(stage: Stage) -> None:
        stage.burst(":", "enter")
        await stage.sees("A view, a user, login")
        assert stage.app.screen.query_one(".goto-said", Words).plain.startswith("A view")
        stage.burst("escape")
        await stage.until(lambda: not shown(stage))

    play(story)


def test_names_are_matched_by_the_beginnings_of_words() -> None:
    views = [("dead_letters", "Dead letters"), ("deliveries", "Deliveries")]
    assert [each.id for each in views_named("de", views)] == ["dead_letters", "deliveries"]
    assert [each.id for each in views_named(" LETTERS ", views)] == ["dead_letters"]
    assert views_named("", views) == views_named("etters", views) == []


def test_a_guess_is_by_form_alone() -> None:
    assert guessed("1:alice")[0].user == UserKey(1, "alice")
    identity = str(uuid.uuid4())
    assert guessed(identity.upper())[0].id == identity
    assert guessed("alice") == []


def test_one_is_meant_where_it_is_alone_or_exact() -> None:
    rows = [{"kind": "login", "id": f"{n}-ali{more}", "label": f"ali{more}"} for n, more in ((1, ""), (2, "ce"))]
    found = read_found({"results": [*rows, None, {"kind": "x"}]})
    assert len(found) == 2
    assert the_one("ALI", found) == found[0]
    assert the_one("al", found) is None
    assert the_one("al", found[1:]) == found[1]
    assert Found.read({}).user is None
