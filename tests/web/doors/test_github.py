"""GitHub's webhooks: signatures, redeliveries, and the text of each event."""

import json

import pytest

from notifier.domain.access import KeyRequest, Scope
from notifier.domain.doors import DoorTerms
from notifier.domain.users import User
from tests.web.doors.recorded import COMMIT, EVENTS, GITLAB, github, signature
from tests.web.doors.test_alerts import items
from tests.web.http.test_auth import ADMIN, SETTINGS

SECRET = "it is a secret to everybody"
ALICE, AS_ADMIN = User(1, "alice"), {"Authorization": f"Bearer {ADMIN}"}
HOOK = "/hooks/github?to=1-alice"


async def post(client, delivery, path=HOOK, **more):
    body, headers = delivery
    return await client.post(path, content=body, headers=headers | more)


@pytest.fixture
def guarded(loop, start_pod):
    """A pod with tokens, and the address of a hook whose key has a secret."""

    async def start():
        client = await start_pod(**SETTINGS)
        _, token = await client.pod.access.create_key(
            KeyRequest("repository", (), None, DoorTerms("hooks", (ALICE,), secret=SECRET))
        )
        return client, f"/hooks/github?token={token}"

    return loop.run_until_complete(start())


async def test_a_signed_delivery_is_stored_once(guarded):
    client, path = guarded
    first = await post(client, github("push", secret=SECRET), path)
    again = await post(client, github("push", secret=SECRET), path)
    assert first.status_code == again.status_code == 200 and first.json() == again.json()
    (item,) = await items(client, headers=AS_ADMIN)
    assert [item["notification_id"]] == first.json()["notifications"] and item["source"] == "repository"
    assert (await post(client, github("push", delivery="another", secret=SECRET), path)).status_code == 200
    assert len(await items(client, headers=AS_ADMIN)) == 2


async def test_a_redelivery_in_other_words_is_the_same(guarded):
    """The texts may be others after an upgrade: it is its id that makes it the same."""
    client, path = guarded
    first = await post(client, github("push", secret=SECRET), path)
    again = await post(client, github("push", secret=SECRET, ref="refs/heads/other"), path)
    assert again.status_code == 200 and first.json() == again.json()


@pytest.mark.parametrize(
    "wrong",
    [None, "", "sha256=", "sha256=00", f"sha256={signature('another', github('push')[0])}", "sha1=" + "0" * 40],
)
@pytest.mark.parametrize("kind", ["push", "ping"])
async def test_an_unsigned_delivery_is_refused(guarded, wrong, kind):
    client, path = guarded
    more = {} if wrong is None else {"X-Hub-Signature-256": wrong}
    response = await post(client, github(kind), path, **more)
    assert (response.status_code, set(response.json())) == (401, {"error"})
    assert await items(client, headers=AS_ADMIN) == []


async def test_a_signature_without_its_prefix_is_none(guarded):
    client, path = guarded
    body, headers = github("push", secret=SECRET)
    headers["X-Hub-Signature-256"] = headers["X-Hub-Signature-256"].removeprefix("sha256=")
    assert (await post(client, (body, headers), path)).status_code == 401


async def test_a_body_changed_on_its_way(guarded):
    client, path = guarded
    body, headers = github("push", secret=SECRET)
    assert (await post(client, (body + b" ", headers), path)).status_code == 401


async def test_keys_without_a_secret_and_no_keys(guarded):
    client, path = guarded
    _, bare = await client.pod.access.create_key(KeyRequest("bare", (), None, DoorTerms("hooks", (ALICE,))))
    assert (await post(client, github("push", secret=SECRET), f"/hooks/github?token={bare}")).status_code == 401
    assert (await post(client, github("push", secret=SECRET), "/hooks/github")).status_code == 401
    assert (await post(client, github("push", secret=SECRET), f"{path}0")).status_code == 401
    _, key = await client.pod.access.create_key(KeyRequest("shop", (Scope.NOTIFY,)))
    response = await post(client, github("push"), Authorization=f"Bearer {key}")
    assert response.status_code == 200 and len(await items(client, headers=AS_ADMIN)) == 1


async def test_a_form_is_signed_as_it_comes(guarded):
    client, path = guarded
    assert (await post(client, github("issues", secret=SECRET, form=True), path)).status_code == 200
    (item,) = await items(client, headers=AS_ADMIN)
    assert item["title"] == "octo/hello: issue #1 opened"


async def test_ping_is_answered_alone(guarded):
    client, path = guarded
    response = await post(client, github("ping", secret=SECRET, zen="Keep it logically awesome."), path)
    assert (response.status_code, response.json()) == (200, {"pong": True})
    assert await items(client, headers=AS_ADMIN) == []


SHOWN = {
    "push": ("2 commits pushed to main", "0d1a26e Fix the door (Mona Lisa)\n0d1a26e Shut it (Mona Lisa)", "normal"),
    "pull_request": ("pull request #2 merged", "Update the README", "normal"),
    "issues": ("issue #1 opened", "Spelling\n\nIn the title.", "normal"),
    "issue_comment": ("comment on issue #1 Spelling", "I agree.", "normal"),
    "workflow_run": ("workflow CI failure", "main 0d1a26e Fix the door", "high"),
    "check_suite": ("checks Checker success", "main 0d1a26e", "normal"),
    "release": ("release One published", "The first.", "normal"),
    "deployment_status": ("deployment to production failure", "Out of room", "high"),
    "dependabot_alert": ("dependabot alert created: critical django", "SQL injection in Django", "high"),
    "star": ("star created", "by mona", "normal"),
}


@pytest.mark.parametrize("kind", EVENTS)
async def test_the_text_of_each_event(client, kind):
    assert (await post(client, github(kind))).status_code == 200
    (item,) = await items(client)
    title, message, priority = SHOWN[kind]
    assert (item["title"], item["message"], item["priority"]) == (f"octo/hello: {title}", message, priority)
    assert item["url"].startswith("https://github.example/octo/hello")
    assert (item["data"]["event"], item["data"]["repository"], item["data"]["sender"]) == (kind, "octo/hello", "mona")


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({"ref": "refs/tags/v1", "commits": [], "created": True}, "tag v1 new"),
        ({"deleted": True}, "main deleted"),
        ({"forced": True, "commits": [COMMIT]}, "1 commit force-pushed to main"),
        ({"ref": "refs/heads/a/b"}, "2 commits pushed to a/b"),
    ],
)
async def test_pushes_of_other_kinds(client, change, title):
    await post(client, github("push", **change))
    assert (await items(client))[0]["title"] == f"octo/hello: {title}"


async def test_a_push_of_many_commits(client):
    await post(client, github("push", commits=[COMMIT] * 25))
    (item,) = await items(client)
    assert item["title"] == "octo/hello: 25 commits pushed to main" and item["message"].endswith("\n+15 more")


NOTHING = [{}, {"repository": None, "sender": 7}, {"commits": {}, "alert": [], "release": "x", "action": ["a"]}]
STRANGE = {"number": {}, "title": ["t"], "body": "\0\x1b" + "b" * 9000, "html_url": "javascript:1", "state": None}
BENT = [dict.fromkeys(("pull_request", "issue", "comment", "workflow_run", "check_suite", "release"), STRANGE)]


@pytest.mark.parametrize("kind", [*EVENTS, "security_advisory", "x" * 200])
@pytest.mark.parametrize("event", [*NOTHING, *BENT], ids=range(4))
async def test_whatever_an_event_holds_it_is_stored(client, kind, event):
    """GitHub never tries again: an event that lacks what its text wants is still one line."""
    body = json.dumps(event).encode()
    response = await post(client, (body, {"X-GitHub-Event": kind, "Content-Type": "application/json"}))
    assert response.status_code == 200, response.text
    (item,) = await items(client)
    assert item["title"] and item["message"] and "\0" not in item["message"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{", {"X-GitHub-Event": "push"}),
        (b"[]", {"X-GitHub-Event": "push"}),
        (b"{}", {}),
        (b"other=1", {"X-GitHub-Event": "push", "Content-Type": "application/x-www-form-urlencoded"}),
        (b"&a=" * 50, {"X-GitHub-Event": "push", "Content-Type": "application/x-www-form-urlencoded"}),
    ],
)
async def test_bad_input(client, body, headers):
    response = await client.post(HOOK, content=body, headers={"Content-Type": "application/json"} | headers)
    assert (response.status_code, set(response.json())) == (400, {"error"})


async def test_gitea_sends_the_same_headers(guarded):
    """services/webhook/deliver.go of go-gitea/gitea sets GitHub's names beside its own."""
    client, path = guarded
    body, headers = github("push", secret=SECRET)
    gitea = {name.replace("GitHub", "Gitea"): value for name, value in headers.items() if "GitHub" in name}
    made = signature(SECRET, body)
    response = await post(
        client, (body, headers | gitea), path, **{"X-Gitea-Signature": made, "X-Hub-Signature": "sha1=0"}
    )
    assert response.status_code == 200


GITLABS = {
    "Issue Hook": ("issue #23 open", "New API", "normal"),
    "Pipeline Hook": ("pipeline #3 failed", "by mona", "high"),
    "Push Hook": ("push", "refs/heads/main", "normal"),
}


@pytest.mark.parametrize("kind", GITLAB)
async def test_gitlab_names_the_secret_itself(guarded, kind):
    client, path = guarded
    body, headers = json.dumps(GITLAB[kind]).encode(), {"X-Gitlab-Event": kind, "Content-Type": "application/json"}
    for wrong in ({}, {"X-Gitlab-Token": ""}, {"X-Gitlab-Token": SECRET[:-1]}, {"X-Hub-Signature-256": "sha256="}):
        assert (await post(client, (body, headers), path, **wrong)).status_code == 401
    for _ in range(2):
        sent = headers | {"X-Gitlab-Token": SECRET, "Idempotency-Key": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"}
        assert (await post(client, (body, sent), path)).status_code == 200
    (item,) = await items(client, headers=AS_ADMIN)
    title, message, priority = GITLABS[kind]
    assert (item["title"], item["message"], item["priority"]) == (f"octo/hello: {title}", message, priority)
    assert item["url"].startswith("https://gitlab.example/octo/hello") and item["data"]["sender"] == "mona"
