"""Action buttons in both forms, as ntfy's own tests have them (server/actions_test.go)."""

import json

import pytest

from notifier.web.doors.ntfy.actions import read_actions
from notifier.web.doors.ntfy.refusals import Refusal

URL = "https://a.example/x"


def read(value):
    return [{name: value for name, value in one.items() if name != "id"} for one in read_actions(value)]


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("", []),
        (f"view, Open portal, {URL}", [{"action": "view", "label": "Open portal", "url": URL, "clear": False}]),
        (
            f"action=http, label=Close door, url={URL}, method=put, headers.X-Tag=a=b, headers.Auth = Bearer z, "
            'body=\'{"action": "close; now, 1"}\', clear=yes',
            [
                {
                    "action": "http",
                    "label": "Close door",
                    "url": URL,
                    "method": "PUT",
                    "headers": {"X-Tag": "a=b", "Auth": "Bearer z"},
                    "body": '{"action": "close; now, 1"}',
                    "clear": True,
                }
            ],
        ),
        (
            f'view, "Look ma, commas; and \\"quotes\\" too", url={URL}; BROADCAST, Take picture, '
            "extras.cmd=pic, intent=io.x, clear=0;",
            [
                {"action": "view", "label": 'Look ma, commas; and "quotes" too', "url": URL, "clear": False},
                {
                    "action": "broadcast",
                    "label": "Take picture",
                    "extras": {"cmd": "pic"},
                    "intent": "io.x",
                    "clear": False,
                },
            ],
        ),
        ("copy, Code, 1234", [{"action": "copy", "label": "Code", "value": "1234", "clear": False}]),
        ("view, 🚪 Öffnen, geo:1,2", None),
        ("view, Map, 'geo:1,2'", [{"action": "view", "label": "Map", "url": "geo:1,2", "clear": False}]),
        (
            # aiontfy's headers quote every value with Python's repr
            f"action='http', label='Call', url='{URL}', method='POST', headers.a='b', clear=0",
            [
                {
                    "action": "http",
                    "label": "Call",
                    "url": URL,
                    "method": "POST",
                    "headers": {"a": "b"},
                    "clear": False,
                }
            ],
        ),
    ],
)
def test_the_short_form(text, actions):
    if actions is None:
        with pytest.raises(Refusal):
            read_actions(text)
    else:
        assert read(text) == actions


def test_json_as_text_and_as_a_list():
    rows = [
        {
            "action": "Http",
            "label": "Turn down",
            "url": URL,
            "method": "put",
            "body": '{"t": 65}',
            "headers": {"a": "b"},
        },
        {"action": "view", "label": "See", "url": URL, "clear": True, "unknown": 1},
        {"action": "broadcast", "label": "Pic", "extras": {"a": "b"}, "intent": None, "headers": None, "clear": None},
    ]
    expected = [
        {**rows[0], "action": "http", "method": "PUT", "clear": False},
        {"action": "view", "label": "See", "url": URL, "clear": True},
        {"action": "broadcast", "label": "Pic", "extras": {"a": "b"}, "clear": False},
    ]
    assert read(json.dumps(rows)) == read(rows) == read(" " + json.dumps(rows)) == expected


def test_ids_are_the_same_at_a_repeat_and_differ_among_actions():
    text = f"view, A, {URL}; view, A, {URL}"
    first, second = [[one["id"] for one in read_actions(text)] for _ in range(2)]
    assert first == second and len(set(first)) == 2


@pytest.mark.parametrize(
    "value",
    [
        "[",
        "[1]",
        '[{"action": "view"}]',
        "[[]]",
        '[{"action": 1, "label": "l"}]',
        '[{"action": "http", "label": "l", "url": "' + URL + '", "headers": {"a": 1}}]',
        '[{"action": "view", "label": "l", "url": "' + URL + '", "clear": "maybe"}]',
        "[" * 50000,
        "call, me",
        "view",
        "view, l",
        "http, l",
        "copy, l",
        f"view, l, {URL}, more",
        f"view, l, {URL}, what=x",
        "broadcast, l, third",
        f"view, l, {URL}, clear=maybe",
        f"http, l, {URL}, method=GET, body=x",
        'view, "never closed',
        f'view, "l" x, {URL}',
        "view, l, javascript:alert(1)",
        "view, l, data:text/html",
        ";",
        f"view, a, {URL}; view, b, {URL}; view, c, {URL}; view, d, {URL}",
        [1],
        [None],
    ],
)
def test_no_actions(value):
    with pytest.raises(Refusal) as raised:
        read_actions(value)
    assert raised.value.number == 40018
