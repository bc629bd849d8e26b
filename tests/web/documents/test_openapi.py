"""The served description: it names every route, its examples are by its schemas, and the program does as it says."""

import re

import jsonschema_rs
import msgspec
import pytest

from notifier.web.documents.problems import Problem
from notifier.web.endpoints import (
    channels,
    clients,
    cluster,
    dead_letters,
    deliveries,
    inboxes,
    keys,
    metrics,
    sessions,
)
from notifier.web.endpoints.health import InstanceHealth
from notifier.web.endpoints.notify import NotifyAnswer
from tests.e2e.schemathesis_run import LEFT_OUT, NOTIFY, TOKEN, everything, run
from tests.support import ALICE, Inbox, eventually, notify

ADMIN = "/api/v1/admin"
DELIVERIES = "/api/v1/notifications"
BRIEFLY = ("--max-examples", "2", "--seed", "1", "--phases", "examples,coverage,stateful")


@pytest.fixture
async def document(client):
    response = await client.get("/openapi.json")
    assert response.status_code == 200 and response.headers["content-type"] == "application/json"
    return response.json()


async def test_every_route_is_described_but_pages(client, document):
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    served = {(method, f"/{route.path}") for route in client.app.router.routes for method in route.methods}
    answers = re.compile(r"/(api/v1|health|metrics|ws|send|ratelimit)(/.*)?").fullmatch
    plain = {(method, re.sub(r"<(\w+):str>", r"{\1}", path)) for method, path in served if answers(path)}
    assert described - {("GET", "/openapi.json"), ("GET", "/asyncapi.json")} == plain


async def test_without_tokens_they_are_optional(document):
    assert document["paths"][NOTIFY]["post"]["security"] == [{}, {"bearer": ["notify"]}]


def answers_of(document, operation):
    """Status and answer of each, those too that are described once for all routes."""
    for status, answer in operation["responses"].items():
        name = answer.get("$ref", "").rpartition("/")[2]
        yield status, document["components"]["responses"][name] if name else answer


def examples(document):
    """(where, schema, value) of every example of a body or an answer."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            contents = [("body", operation.get("requestBody", {}).get("content", {}))]
            contents += [(status, answer.get("content", {})) for status, answer in answers_of(document, operation)]
            for place, content in contents:
                for media, described in content.items():
                    values = [example["value"] for example in described.get("examples", {}).values()]
                    for value in values or [described["example"]]:
                        yield f"{method} {path} {place} {media}", described["schema"], value


async def test_examples_are_by_their_schemas(document):
    found = list(examples(document))
    assert len(found) > 100
    for where, schema, value in found:
        validator = jsonschema_rs.validator_for({**schema, "components": document["components"]})
        assert validator.is_valid(value), f"{where}: {[error.message for error in validator.iter_errors(value)]}"


async def test_every_body_and_answer_has_an_example(document):
    for path, item in document["paths"].items():
        for operation in item.values():
            assert operation["summary"] and operation["responses"], path
            for status, answer in answers_of(document, operation):
                assert status in ("101", "204") or answer["content"], (path, status)
                assert answer["headers"]["X-Request-ID"]


async def test_examples_of_bodies_are_taken(client, document):
    for path, item in document["paths"].items():
        if "requestBody" in item.get("post", {}):
            example = item["post"]["requestBody"]["content"]["application/json"]["example"]
            pair = "?user_id=1&login=alice" if path.startswith("/api/v1/inbox") else ""
            response = await client.post(f"{path}{pair}", json=example)
            assert str(response.status_code) == min(item["post"]["responses"]), f"{path}: {response.text}"


async def test_names_of_types_are_plain(document):
    """msgspec gives long names to two types that share one."""
    assert [name for name in document["components"]["schemas"] if not name.isalnum()] == []


def parts_of(value, path=""):
    """(path, object) of every object within."""
    if isinstance(value, dict):
        yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        if name not in ("example", "examples", "default"):
            yield from parts_of(child, f"{path}/{name}")


async def test_no_type_is_named_like_one_of_its_fields(document):
    """Generators name the type of a field after both, and two types would share a name."""
    for name, schema in document["components"]["schemas"].items():
        names = [field.replace("_", "").lower() for field in schema.get("properties", {})]
        assert name.lower() not in names, name


async def test_patterns_are_by_ecma_262_without_flags(document):
    """`\\p{L}` wants the flag `u`, which JSON Schema leaves to the validator."""
    patterns = [part["pattern"] for _, part in parts_of(document) if isinstance(part.get("pattern"), str)]
    assert len(patterns) > 10 and [pattern for pattern in patterns if r"\p{" in pattern] == []


async def test_a_value_has_its_type_beside_it(document):
    found = [(path, part) for path, part in parts_of(document) if not path.endswith("/properties")]
    valued = [(path, part) for path, part in found if "const" in part or "enum" in part]
    assert len(valued) > 10 and [path for path, part in valued if "type" not in part] == []


@pytest.mark.parametrize(
    ("name", "taken", "refused"),
    [
        ("UpdateRequest", {"title": "t"}, {}),
        ("MarkRequest", {"as": "read", "ids": ["x"]}, {"as": "read"}),
        ("MarkRequest", {"as": "read", "filter": {}}, {"as": "read", "filter": {}, "ids": ["x"]}),
        ("SnoozeRequest", {"for": "2h"}, {}),
        ("KeyRequest", {"name": "a", "scopes": ["read"]}, {"name": "a", "scopes": ["read"], "to": ["1-alice"]}),
        ("KeyRequest", {"name": "a", "door": "ntfy", "to": ["1-alice"]}, {"name": "a", "door": "ntfy"}),
        (
            "KeyRequest",
            {"name": "a", "door": "hooks", "to": ["1-alice"], "secret": "12345678"},
            {"name": "a", "door": "ntfy", "to": ["1-alice"], "secret": "12345678"},
        ),
        ("SnoozeRequest", {"until": "2100-01-01T00:00:00Z"}, {"for": "2h", "until": "2100-01-01T00:00:00Z"}),
    ],
)
async def test_fields_that_go_together_are_described(document, name, taken, refused):
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    validator = jsonschema_rs.validator_for(schema)
    assert validator.is_valid(taken) and not validator.is_valid(refused)


async def test_what_is_open_says_so(document):
    security = {path: [one["security"] for one in item.values()] for path, item in document["paths"].items()}
    open_to_all = {path for path, wanted in security.items() if [] in wanted}
    assert open_to_all == {"/health", "/health/live", "/health/ready", "/openapi.json", "/asyncapi.json"}


async def test_errors_are_described_with_their_headers(document):
    responses = document["paths"][NOTIFY]["post"]["responses"]
    assert {"400", "401", "403", "408", "409", "413", "415", "422", "429", "431", "500", "503"} < responses.keys()
    assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= responses["429"]["headers"].keys()
    assert "Retry-After" in responses["503"]["headers"] and "WWW-Authenticate" in responses["401"]["headers"]
    assert "426" in document["paths"]["/ws"]["get"]["responses"]


# Each answer is read by its type and written again: a field that is missing, new, or of another type shows.


def assert_is(kind, response, status=200):
    assert response.status_code == status, response.text
    value = response.json()
    assert msgspec.to_builtins(msgspec.convert(value, kind)) == value


@pytest.fixture
async def lively(client):
    """A pod with a connected user, one notification read, one unread, one with every option."""
    inbox = await Inbox.open(client)
    await notify(client)
    await inbox.read(await inbox.receive("notification.push"))
    await inbox.receive("notification.read.ack")
    options = {"title": "t", "url": "/x", "category": "c", "priority": "high", "data": {"a": [1]}, "ttl": "1h"}
    await notify(client, targets=[ALICE, {"id": 2, "login": "böb"}], **options)
    return client


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("clients", clients.ClientsPage),
        ("users", inboxes.UsersPage),
        ("users/1-alice", inboxes.UserReport),
        ("pending", inboxes.PendingPage),
        ("history?user_id=1&login=alice", inboxes.History),
        ("pods", cluster.PodList),
        ("dlq", dead_letters.DeadLetters),
        ("providers", channels.ProviderList),
        ("queues", channels.QueueList),
    ],
)
async def test_what_operators_see_is_of_the_described_type(lively, path, kind):
    assert_is(kind, await lively.get(f"{ADMIN}/{path}"))


async def test_other_answers_are_of_the_described_types(lively):
    assert_is(InstanceHealth, await lively.get("/health"))
    assert_is(metrics.ClusterMetrics, await lively.get("/api/v1/metrics"))
    assert_is(metrics.ClusterMetrics, await lively.get("/metrics", headers={"Accept": "application/json"}))
    assert_is(NotifyAnswer, await lively.post(NOTIFY, json={"target": [ALICE], "message": "x"}), 202)
    assert_is(cluster.BroadcastAnswer, await lively.post(f"{ADMIN}/broadcast", json={"message": "x"}), 202)
    assert_is(inboxes.ClearedCount, await lively.delete(f"{ADMIN}/users/1-alice/pending"))
    assert_is(keys.NewApiKey, await lively.post(f"{ADMIN}/keys", json={"name": "n", "scopes": ["read"]}), 201)
    assert_is(keys.KeysPage, await lively.get(f"{ADMIN}/keys"))
    assert_is(Problem, await lively.post(NOTIFY, json={"target": []}), 422)
    assert_is(Problem, await lively.get("/nothing"), 404)


async def test_answers_about_deliveries_are_of_the_described_types(client):
    fields = {"channel": "sms", "recipient": "+905551234567", "content": "x", "title": "t", "data": {"a": 1}}
    created = await client.post(DELIVERIES, json=fields | {"user_id": "u-1", "scheduled_at": "2100-01-01T00:00:00Z"})
    assert_is(deliveries.Delivery, created, 201)
    one = f"{DELIVERIES}/{created.json()['id']}"
    assert_is(deliveries.Delivery, await client.get(one))
    assert_is(deliveries.DeliveryStatus, await client.get(f"{one}/status"))
    assert_is(channels.RetriedDelivery, await client.post(f"{ADMIN}/notifications/{created.json()['id']}/retry"), 202)
    batch = await client.post(f"{DELIVERIES}/batch", json={"notifications": [fields, {}]})
    assert_is(deliveries.BatchAnswer, batch, 201)
    assert_is(deliveries.BatchReport, await client.get(f"/api/v1/batches/{batch.json()['batch_id']}"))
    assert_is(deliveries.SendAnswer, await client.post("/send", json={"user_id": "u-1", "body": "x"}), 202)
    sent = await eventually(lambda: find_sent(client), "a send")
    assert_is(deliveries.DeliveryStatus, await client.get(f"{DELIVERIES}/{sent}/status"))
    assert_is(deliveries.DeliveriesPage, await client.get(DELIVERIES))


async def find_sent(client):
    found = (await client.get(DELIVERIES, params={"status": "sent"})).json()["notifications"]
    return found[0]["id"] if found else None


async def test_answers_about_dead_letters_are_of_the_described_types(start_pod):
    client = await start_pod(simulator_success_rate="0", retry_attempts="0")
    await client.post(DELIVERIES, json={"channel": "sms", "recipient": "+905551234567", "content": "x"})
    entries = await eventually(lambda: dead_letters_of(client), "a dead letter")
    assert_is(dead_letters.DeadLetters, await client.get(f"{ADMIN}/dlq"))
    assert_is(dead_letters.RequeuedCounts, await client.post(f"{ADMIN}/dlq/requeue", json={"dry_run": True}), 202)
    assert_is(dead_letters.RequeuedCount, await client.post(f"{ADMIN}/dlq/{entries[0]['id']}/requeue"), 202)
    assert_is(channels.ChannelState, await client.post(f"{ADMIN}/channels/sms/pause"))
    assert_is(channels.QueueList, await client.get(f"{ADMIN}/queues"))
    assert_is(channels.ChannelState, await client.post(f"{ADMIN}/channels/sms/resume"))


async def dead_letters_of(client):
    return (await client.get(f"{ADMIN}/dlq")).json()["entries"]


async def test_answers_about_sessions_are_of_the_described_types(client):
    web = {"endpoint": "https://push.example/x", "keys": {"p256dh": "k", "auth": "a"}}
    for fields in ({"platform": "sms", "device_token": "+905551234567"}, {"platform": "web", "subscription": web}):
        assert_is(sessions.Session, await client.post("/api/v1/sessions", json={"user_id": "u-1", **fields}), 201)
    assert_is(sessions.SessionList, await client.get("/api/v1/sessions/u-1"))
    assert_is(sessions.RateLimit, await client.get("/ratelimit/u-1"))


# Requests made up by schemathesis, with the seed that is named: a failure here can be repeated. `make schemathesis`
# tries others, for longer.


@pytest.mark.slow
async def test_made_up_requests_to_every_route(start_pod):
    guarded = await start_pod(auth_mode="token", admin_token=TOKEN)
    paths = (await guarded.get("/openapi.json")).json()["paths"]
    described = [method for item in paths.values() for method in item]
    code, output = await run(guarded.make_url(""), TOKEN, *BRIEFLY, *everything())
    assert code == 0, output
    assert f"Tested: {len(described) - len(LEFT_OUT) - 1}" in output  # the document itself is where it comes from


@pytest.mark.slow
async def test_made_up_requests_to_the_express_lane(client):
    taken = []
    take = client.app.ctx.express.take
    client.app.ctx.express.take = lambda lane, data: taken.append(take(lane, data)) or taken[-1]
    code, output = await run(client.make_url(""), "", *BRIEFLY, "--include-path", NOTIFY)
    assert code == 0, output
    assert sum(map(bool, taken)) > 50


async def test_a_preflight_with_a_body_is_no_error(client, caplog):
    response = await client._request("options", NOTIFY, content=b'{"a":1}', headers={"Origin": "http://x"})
    assert response.status_code == 204
    assert (await client.get("/health")).status_code == 200
    assert [record for record in caplog.records if record.name == "sanic.error"] == []
