"""The words of channels and priorities, and their copy for the scripts."""

import re

from notifier.domain.channels import CHANNELS, PRIORITIES, lua_words
from notifier.store.keys import DELIVERY_LUA
from tests.test_imports import SOURCE


def test_the_scripts_are_given_the_same_words():
    assert lua_words() == (
        "local CHANNELS = {'sms', 'email', 'push', 'webhook', 'inapp'}\nlocal PRIORITIES = {'high', 'normal', 'low'}\n"
        "local IS_CHANNEL = {sms = true, email = true, push = true, webhook = true, inapp = true}\n"
        "local IS_PRIORITY = {high = true, normal = true, low = true}\n"
    )
    assert lua_words() in DELIVERY_LUA


def lists_of(words):
    """The files that hold all of these words as texts next to each other, in whatever order."""
    word = f"""["']({"|".join(words)})["']"""
    whole = re.compile(rf"""{word}(,\s*{word}){{{len(words) - 1}}}""")
    files = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.lua")]
    return {str(path.relative_to(SOURCE)) for path in files if whole.search(path.read_text())}


def test_they_are_listed_once():
    assert lists_of(CHANNELS) == lists_of(PRIORITIES) == {"domain/channels.py"}
