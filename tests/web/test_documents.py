"""Pages under /docs, and the description of the WebSocket's messages."""

import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from urllib.parse import unquote

import jsonschema_rs
import msgspec
import pytest

from notifier.web.documents.guide import Guide
from notifier.web.documents.library import Library
from notifier.web.documents.message_types import BY_CLIENT, BY_SERVER, CLOSE_CODES
from notifier.web.documents.reference import reference_page
from notifier.web.endpoints.deliveries import DeliveryEndpoints
from notifier.web.endpoints.notify import NotifyEndpoints
from notifier.web.endpoints.page import CSP
from tests.support import Inbox, notify

BY_TYPE = {msgspec.to_builtins(said.example)["type"]: said for said in (*BY_SERVER, *BY_CLIENT)}


@pytest.fixture(scope="module")
def library():
    return Library("1.2.3", guarded=False, routes=(*NotifyEndpoints.routes(), *DeliveryEndpoints.routes()))


def html_of(library, path, up=1):
    return library.get(path, up).body.decode()


# -- guides


def guide(text, name="g", language="en"):
    return Guide(name, language, text).page()


def test_markdown_becomes_html_with_named_headings():
    page = guide("# One\n\n## A `b`, c!\n\n## A b c\n\n| x | y |\n| - | - |\n| 1 | 2 |\n")
    assert [heading.id for heading in page.headings] == ["a-b-c", "a-b-c-1"]
    assert '<h2 id="a-b-c">' in page.html and "<td>2</td>" in page.html


def test_marks_of_generated_parts_are_not_shown():
    assert guide("<!-- settings -->\n| a |\n| - |\n<!-- /settings -->\n").html.count("--") == 0


def test_html_and_scripts_in_a_guide_are_shown_not_taken():
    page = guide("<script>alert(1)</script>\n\n[x](javascript:alert(1)) <b onclick=x>")
    assert "<script" not in page.html and "<b" not in page.html and "href=" not in page.html


@pytest.mark.parametrize(
    ("language", "link", "target"),
    [
        ("en", "install.md#a", "root:docs/install#a"),
        ("en", "index.md", "root:docs"),
        ("en", "ru/install.md", "root:docs/ru/install"),
        ("ru", "install.md", "root:docs/ru/install"),
        ("ru", "../page.png", "root:docs/page.png"),
        ("ru", "../api", "root:docs/api"),
        ("en", "/metrics", "root:metrics"),
        ("en", "#there", "#there"),
        ("en", "https://example.org/x.md", "https://example.org/x.md"),
    ],
)
def test_links_between_guides_lead_to_pages(language, link, target):
    assert f'<a href="{target}">' in guide(f"[x]({link})", language=language).html


def test_every_link_and_picture_leads_somewhere(library):
    known = {path.rstrip("/") for path in library.paths} | {"", "docs", "metrics", "base.css", "theme.js", "icon.svg"}
    for path in library.paths:
        file = library.get(path, 1)
        if not file.content_type.startswith("text/html"):
            continue
        html = file.body.decode()
        ids = set(re.findall(r' id="?([^ ">]+)', html))
        for target in re.findall(r'(?:href|src)="?([^ ">]+)', html):
            if target.startswith("#"):
                assert unquote(target[1:]) in ids, f"{path}: {target}"
            elif not target.startswith("https://"):
                assert target.startswith("../") and target[3:].partition("#")[0].rstrip("/") in known, (
                    f"{path}: {target}"
                )


@pytest.mark.parametrize(("language", "folder"), [("en", "docs"), ("ru", "docs/ru")])
def test_the_list_of_guides_follows_the_index(library, language, folder):
    index = files("notifier.web").joinpath(folder, "index.md").read_text()
    wanted = [f"../{folder}/{name}" for name in Guide("", language, index).links]
    side = html_of(library, f"{folder}/" if language == "en" else folder).partition("<nav class=side")[2]
    listed = re.findall(r'href="([^"]+)"', side.partition("<h2>")[0])
    assert listed[0].rstrip("/") == f"../{folder}" and listed[1 : len(wanted) + 1] == wanted


def test_languages(library):
    english, russian = html_of(library, "docs/"), html_of(library, "docs/ru")
    assert "<html lang=en>" in english and 'href="../docs/ru" lang=ru' in english
    assert "<html lang=ru>" in russian and 'href="../docs/" lang=en' in russian
    assert 'href="../docs/ru" lang=ru' in html_of(library, "docs/api")  # not translated


def test_the_switch_of_languages_leads_to_the_same_guide(library):
    russian = {path.removeprefix("docs/ru/") for path in library.paths if path.startswith("docs/ru/")}
    assert {"operating", "quick-start"} <= russian
    for name in russian:
        assert f'href="../docs/ru/{name}" lang=ru' in html_of(library, f"docs/{name}")
        html = html_of(library, f"docs/ru/{name}")
        assert "<html lang=ru>" in html and f'href="../docs/{name}" lang=en' in html


def test_links_are_relative_to_where_the_browser_stands(library):
    assert 'href="./base.css"' in html_of(library, "docs/", 0)
    assert 'href="../../base.css"' in html_of(library, "docs/ru", 2)
    assert library.get("docs/api", 50) is None


# -- over the wire


@pytest.mark.parametrize(
    "path", ["/docs", "/docs/", "/docs/api", "/docs/websocket", "/docs/ru", "/docs/ru/", "/docs/ru/operating"]
)
async def test_pages_are_html_with_the_pages_policy(client, path):
    response = await client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == CSP and "unsafe" not in CSP
    assert response.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<style|<script>| style=| on\w+=|https?://(?!localhost)", response.text)


async def test_a_page_is_not_sent_twice(client):
    first = await client.get("/docs/api")
    again = await client.get("/docs/api", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["/docs/nothing", "/docs/..%2fpage.py", "/docs/../page.py", "/docs/%2e%2e/auth.py", "/docs/index", "/docs/a%00"],
)
async def test_nothing_else_of_the_disk_can_be_asked_for(client, path):
    response = await client.get(path)
    assert response.status_code in (400, 404)
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("page.png", "image/png"), ("assets/docs.css", "text/css; charset=utf-8"), ("assets/docs.js", "text/javascript")],
)
async def test_pictures_and_assets(client, path, kind):
    response = await client.get(f"/docs/{path}")
    assert response.status_code == 200 and response.headers["content-type"].startswith(kind)


# -- the reference


async def test_the_reference_shows_every_route(client):
    document = (await client.get("/openapi.json")).json()
    html = (await client.get("/docs/api")).text
    for path, item in document["paths"].items():
        for operation in item.values():
            assert f"<code>{path}</code>" in html and f"id={operation['operationId']}" in html.replace('"', "")
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in html


def tags_of(html):
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append(tag)
    parser.feed(html)
    return found


def test_what_is_described_is_text_not_markup(library):
    document = json.loads(json.dumps(library.openapi))
    hostile = "<img src=x onerror=alert(1)>"
    operation = document["paths"]["/api/v1/notify"]["post"]
    operation |= {"summary": hostile, "description": hostile}
    operation["requestBody"]["content"]["application/json"]["example"] = {hostile: hostile}
    document["components"]["schemas"][hostile] = {"type": "object", "properties": {hostile: {"description": hostile}}}
    assert "img" not in tags_of(reference_page(document).html)


# -- messages


def message_schema(document, name):
    payload = document["components"]["messages"][name]["payload"]
    return {**payload, "components": {"schemas": document["components"]["schemas"]}}


async def test_messages_are_described_with_examples(client):
    document = (await client.get("/asyncapi.json")).json()
    assert document["asyncapi"] == "3.0.0"
    for name, message in document["components"]["messages"].items():
        (example,) = message["examples"]
        jsonschema_rs.validate(message_schema(document, name), example["payload"])
        assert f"#/channels/inbox/messages/{name}" in json.dumps(document["operations"])


async def test_what_the_server_says_is_of_the_described_types(client):
    """A greeting with every option, pushes, acknowledgements, pages, an error, and all that `events` brings: each read by
    its type and back, and valid by its description."""
    await notify(client, title="t", url="/x", category="c", priority="low", data={"a": {"b": 1}}, ttl="1h")
    inbox = await Inbox.open(client)
    (pushed,) = inbox.greeting
    said = [{"type": "notification.push", "data": pushed}, {"type": "sync.complete", "data": inbox.synced}]
    await notify(client)
    said.append(await inbox.receive())
    await inbox.read(pushed)
    said.append(await inbox.receive())
    await inbox.say("notification.read_all", up_to=said[2]["data"]["stream_id"])
    said.append(await inbox.receive())
    await inbox.say("sync.request", limit=2)
    said.append(await inbox.receive())
    await inbox.say("retention.set", days=3)
    said.append(await inbox.receive())
    await inbox.say("nonsense")
    said.append(await inbox.receive())
    said += await states_said(client, pushed["notification_id"])
    document = (await client.get("/asyncapi.json")).json()
    for message in said:
        kind = BY_TYPE[message["type"]].struct
        assert msgspec.to_builtins(msgspec.convert(message, kind)) == message
        jsonschema_rs.validate(message_schema(document, kind.__name__), message)
    assert {message["type"] for message in said} == {msgspec.to_builtins(one.example)["type"] for one in BY_SERVER}
    pushed = [message["data"] for message in said if message["type"] == "notification.push"]
    assert {push["status"] for push in pushed} == {"unread", "read", "auto_cleared"}
    assert {push.get("revision") for push in pushed} == {None, 2}


async def states_said(client, nid):
    """Messages to a connection that asked for states and counts, of a mark, a change, a question and a retraction."""
    inbox = await Inbox.open(client, login="alice&events=states,counts")
    said = [{"type": "sync.complete", "data": inbox.synced}]
    await inbox.say("notification.mark", ids=[nid], **{"as": "archived"})
    said += [await inbox.receive() for _ in range(2)]
    await inbox.say("inbox.query", archived="only", ref="r")
    said.append(await inbox.receive())
    await client.patch(f"/api/v1/notify/{nid}", json={"message": "new"})
    said.append(await inbox.receive())
    for method, body in (("put", {"json": {"for": "1h"}}), ("delete", {})):
        await getattr(client, method)(f"/api/v1/inbox/{nid}/snooze?user_id=1&login=alice", **body)
    for _ in range(2):
        await notify(client, "again and again", key="k")
    (read,) = await notify(client, "read")
    await client.post(f"/api/v1/inbox/{read}/act?user_id=1&login=alice")
    other = await Inbox.open(client, login="alice&events=states")
    said += [{"type": "sync.complete", "data": other.synced}]
    said += [{"type": f"notification.{'state' if 'rev' in one else 'push'}", "data": one} for one in other.greeting]
    plain, (gone,) = await Inbox.open(client), await notify(client, "gone")
    said += [await plain.receive()]
    await client.delete(f"/api/v1/notify/{gone}")
    said += [await plain.receive()]
    while said[-1]["type"] != "notification.removed":
        said.append(await inbox.receive())
    return said


WRONG = {
    "Push": [
        {"read": True},
        {"status": "read"},
        {"status": "auto_cleared"},
        {"created_at": None},
        {"revision": 1},
        {"stream_id": "now"},
    ],
    "State": [{"read": True, "seen": False}, {"acted": True}, {"archived": True}, {"rev": -1}],
    "SyncComplete": [{"counts": {"unread": 0, "unseen": 0, "total": 0}}, {"rev": 1}],
    "InboxCounts": [{"rev": None}, {"unread": -1}],
    "Update": [{"revision": None}, {"read": True}],
    "Removed": [{"reason": "expired"}],
    "Mark": [
        {"ids": None},
        {"up_to": "1-1"},
        {"filter": {}},
        {"as": "opened"},
        {"ids": []},
        {"ids": None, "up_to": "x"},
    ],
    "Query": [{"status": "new"}, {"topic": "t"}, {"before": "now"}, {"limit": 101}, {"ref": "r" * 65}],
    "ReadAll": [{"up_to": "now"}],
    "Sync": [{"after": "now"}, {"limit": 0}],
    "Retention": [{"days": 16}],
}


@pytest.mark.parametrize(("name", "changes"), [(name, changes) for name, all_ in WRONG.items() for changes in all_])
async def test_what_is_never_said_is_not_described(client, name, changes):
    """None in the place of a member: it is left out. What a client may not say is answered `invalid`."""
    document = (await client.get("/asyncapi.json")).json()
    (example,) = document["components"]["messages"][name]["examples"]
    data = {key: value for key, value in (example["payload"]["data"] | changes).items() if value is not None}
    message = {"type": example["payload"]["type"], "data": data}
    assert not jsonschema_rs.is_valid(message_schema(document, name), message)
    if any(said.struct.__name__ == name for said in BY_CLIENT):
        inbox = await Inbox.open(client)
        await inbox.say(message["type"], **data)
        assert (await inbox.receive("error"))["code"] == "invalid"


async def test_what_a_client_may_say_is_taken(client):
    """The examples' ids are nobody's, and the inbox is empty."""
    answers = {"Read": "error", "ReadAll": None, "Sync": "sync.response", "Retention": "retention.ack"}
    answers |= {"Mark": "error", "Query": "inbox.result"}
    inbox = await Inbox.open(client)
    for said in BY_CLIENT:
        await inbox.socket.send(msgspec.json.encode(said.example).decode())
        if answer := answers[said.struct.__name__]:
            data = await inbox.receive(answer)
            assert answer != "error" or data["code"] == "not_found"


def test_the_page_of_messages_names_them_all(library):
    html = html_of(library, "docs/websocket")
    for kind in BY_TYPE:
        assert f'<h3 id="{kind}">' in html or f"<h3 id={kind}>" in html
    for code in CLOSE_CODES:
        assert f"<li>{code}:" in html
