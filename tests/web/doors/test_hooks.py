"""Rules of all hooks: names that there are not, and text as it may be shown."""

import json

import pytest

from notifier.domain.access import KeyRequest, Scope
from notifier.domain.checks import data_problem
from notifier.domain.doors import DoorTerms, new_token
from notifier.domain.users import User
from notifier.web.doors.hooks import fitting, is_signed, message_of, one_line, plain, title_of
from tests.web.doors.recorded import ALERTMANAGER, EVENTS, GRAFANA, JSON, signature
from tests.web.doors.test_alerts import items
from tests.web.http.test_auth import ADMIN, SETTINGS


@pytest.mark.parametrize(
    "path", ["/hooks/novu", "/hooks/alertmanager/api/v2/alerts", "/hooks/github2", "/hooks/%C3%A9"]
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
async def test_any_other_name_is_not_there(client, path, method):
    response = await getattr(client, method)(path, headers=JSON)
    assert (response.status_code, set(response.json())) == (404, {"error"})
    assert response.headers["content-type"] == "application/json"


async def test_any_other_name_is_not_there_for_nobody_either(start_pod):
    client = await start_pod(**SETTINGS)
    assert (await client.post("/hooks/novu", content="{}", headers=JSON)).status_code == 404


@pytest.mark.parametrize("path", ["alertmanager", "grafana", "github", "cloudevents"])
async def test_a_hook_is_not_looked_at(client, path):
    assert (await client.get(f"/hooks/{path}")).status_code in (404, 405)
    response = await client.post(f"/hooks/{path}", content="x" * (1 << 21), headers=JSON)
    assert (response.status_code, set(response.json())) == (413, {"error"})


async def test_without_the_door_there_are_no_hooks(start_pod):
    client = await start_pod(doors="ntfy")
    assert (await client.post("/hooks/github", content="{}", headers=JSON)).status_code == 404


def test_text_is_cut_and_cleaned():
    assert plain("a\0b\x1b[31m\r\nc\td\x85\ud800") == "ab[31m\nc\td"
    assert plain("x" * 300) == "x" * 255 + "…" and len(title_of("y" * 10**6)) == 256
    assert one_line(" a\n\n b\tc ") == "a b c" and one_line(7) == "7"
    assert [plain(value) for value in (None, True, [], {})] == ["", "", "", ""]
    assert message_of("", None, " \n", "said") == "said" and message_of("", {}) == "-"


def test_data_that_do_not_fit_are_left_out_in_order():
    data = {"status": "firing", "empty": "", "labels": {"a": "l" * 3000}, "values": {"b": "v" * 3000}}
    assert set(fitting(data, "values", "labels")) == {"status", "labels"}
    assert set(fitting(data, "labels", "values")) == {"status", "values"}
    assert data_problem(fitting({"bad": "\0", "good": 1}, "bad")) is None


def test_signatures():
    good = signature("secret", b"body")
    assert is_signed("secret", b"body", good) and is_signed("secret", b"body", f" {good.upper()} ")
    for given in (
        "",
        "x",
        good[:-1],
        good + "0",
        "\u00e9" * 64,
        signature("other", b"body"),
        signature("secret", b"b"),
    ):
        assert not is_signed("secret", b"body", given)


FITTING = {
    "alertmanager": (ALERTMANAGER, {}),
    "grafana": (GRAFANA, {}),
    "github": (EVENTS["push"], {"X-GitHub-Event": "push"}),
    "cloudevents": ({}, {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "t"}),
}


async def tokens(pod):
    """Keys that open no hook: by the reason why."""

    async def make(door="hooks", scopes=(), expires_at=None):
        terms = DoorTerms(door, (User(1, "alice"),)) if door else None
        return await pod.access.create_key(KeyRequest(door or "api", scopes, expires_at, terms))

    revoked, revoked_token = await make()
    await pod.access.revoke_key(revoked.id)
    return {
        "none": "",
        "made up": new_token("hooks"),
        "cut": (await make())[1][:-1],
        "revoked": revoked_token,
        "at its end": (await make(expires_at=pod.redis.clock.now() - 1))[1],
        "of another door": (await make("ntfy"))[1],
        "that only looks": (await make(None, (Scope.READ,)))[1],
        "of a device": (await pod.devices.create(User(1, "alice"), "phone", None))[1],
    }


@pytest.mark.parametrize("hook", FITTING)
async def test_no_other_key_opens_it(start_pod, hook):
    client = await start_pod(**SETTINGS)
    body, more = FITTING[hook]
    for why, token in (await tokens(client.pod)).items():
        for headers, query in (({"Authorization": f"Bearer {token}"}, ""), ({}, f"?token={token}")):
            sent = JSON | more | (headers if token else {})
            response = await client.post(f"/hooks/{hook}{query}", content=json.dumps(body), headers=sent)
            assert response.status_code in (401, 403) and set(response.json()) == {"error"}, why
    assert await items(client, headers={"Authorization": f"Bearer {ADMIN}"}) == []
