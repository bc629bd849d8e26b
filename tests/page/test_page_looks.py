"""Looks and use of the page: widths, themes, contrast, keyboard, names for screen readers, its weight."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .browser import PageUser, Tab, Tabs

pytestmark = pytest.mark.slow

STATIC = Path(__file__).resolve().parents[2] / "notifier" / "web" / "static"
LONG = "a-word-without-any-place-to-break-" * 12

WIDTHS = (320, 360, 500, 768, 1000, 1280, 1920)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

NAMELESS = """
() => [...document.querySelectorAll("input, select, textarea, button, a, img")]
  .filter((node) => node.checkVisibility())
  .filter((node) => !(node.labels?.length || node.getAttribute("aria-label") || node.textContent.trim()
    || node.alt !== undefined && node.hasAttribute("alt")))
  .map((node) => node.outerHTML)
"""

CONTRAST = """
([text, ground]) => {
  const probe = document.body.appendChild(document.createElement("i"));
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (name) => {
    probe.style.color = `var(--${name})`;
    canvas.fillStyle = getComputedStyle(probe).color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low, high] = [luminance(text), luminance(ground)].sort((a, b) => a - b);
  probe.remove();
  return (high + 0.05) / (low + 0.05);
}
"""

TEXT_PAIRS = [
    ("ink", "paper"), ("ink", "surface"), ("ink-soft", "paper"), ("ink-soft", "surface"), ("ink-soft", "sunken"),
    ("accent", "surface"), ("on-accent", "accent"), ("on-accent", "accent-hover"), ("flag", "flag-wash"),
    ("danger", "surface"), ("danger", "danger-wash"), ("flag", "surface"), ("ink", "flag-wash"),
    ("accent", "accent-wash"), ("ink", "accent-wash"),
]  # fmt: skip
SHAPE_PAIRS = [("line-strong", "surface"), ("accent", "paper"), ("flag", "surface")]


def fill(tab: Tab, user: PageUser) -> None:
    """Brings every list on the page into use, with words that find no place to break."""
    user = PageUser(user.id, f"{user.login}-{LONG}"[:128])
    tab.connect(user).send(str(user), LONG, title=LONG[:200], source=LONG[:128], url=f"https://example.org/{LONG}")
    tab.show_history(user)
    expect(tab.find("#history-rows > li")).to_have_count(1)
    expect(tab.pending(user)).to_have_count(1)
    tab.client(user).get_by_role("checkbox").check()
    expect(tab.find("#selected-list > li")).to_have_count(1)


def test_no_width_scrolls_sideways(tab: Tab, user: PageUser) -> None:
    overflow = {("empty", width): overflow_at(tab, width) for width in WIDTHS}
    fill(tab, user)
    overflow |= {("full", width): overflow_at(tab, width) for width in WIDTHS}
    tab.page.click("#open-access")
    overflow |= {("dialog", width): overflow_at(tab, width) for width in WIDTHS}
    assert {key: pixels for key, pixels in overflow.items() if pixels} == {}


def overflow_at(tab: Tab, width: int) -> int:
    tab.page.set_viewport_size({"width": width, "height": 780})
    return int(tab.page.evaluate(OVERFLOW))


def test_the_theme_is_chosen_and_remembered(tab: Tab) -> None:
    tab.page.emulate_media(color_scheme="light")
    assert ground(tab.page) == "rgb(243, 245, 242)"
    button = tab.find("#theme")
    for choice in ("light", "dark"):
        button.click()
        expect(button).to_have_accessible_name(f"Theme: {choice}. Change")
    tab.page.reload()
    assert ground(tab.page) == "rgb(14, 19, 17)"
    button.click()
    expect(button).to_contain_text("auto")
    assert ground(tab.page) == "rgb(243, 245, 242)"


def ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_contrast_is_enough_in_both_themes(tab: Tab) -> None:
    measured = {}
    for theme in ("light", "dark"):
        tab.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        for pair, least in [(pair, 4.5) for pair in TEXT_PAIRS] + [(pair, 3.0) for pair in SHAPE_PAIRS]:
            measured[(theme, *pair, least)] = tab.page.evaluate(CONTRAST, list(pair))
    assert {key: ratio for key, ratio in measured.items() if ratio < key[-1]} == {}


def test_everything_has_a_name_and_no_id_twice(tab: Tab, user: PageUser) -> None:
    fill(tab, user)
    tab.find("details").evaluate("node => { node.open = true; }")
    assert tab.page.evaluate(NAMELESS) == []
    ids = tab.page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))
    for role in ("banner", "navigation", "main", "contentinfo"):
        expect(tab.page.get_by_role(role)).to_have_count(1)
    for name in ("Send", "Inbox", "Connected clients", "Pending", "Recent deliveries", "History", "Counters"):
        expect(tab.page.get_by_role("region", name=name, exact=True).first).to_be_visible()
    broken = (
        "[...document.querySelectorAll('[aria-describedby], [aria-labelledby]')].flatMap((node) => (node"
        ".getAttribute('aria-describedby') ?? node.getAttribute('aria-labelledby')).split(' '))"
        ".filter((id) => !document.getElementById(id))"
    )
    assert tab.page.evaluate(broken) == []


def test_the_keyboard_alone_is_enough(tab: Tab, user: PageUser) -> None:
    keys = tab.page.keyboard
    keys.press("Tab")
    expect(tab.page.get_by_role("link", name="Skip to content")).to_be_focused()
    keys.press("Enter")
    for selector, ring in (("input[name=to][value=hand]", "input[value=hand] + span"), ("#recipients", "#recipients")):
        keys.press("Tab")
        expect(tab.find(selector)).to_be_focused()
        expect(tab.find(ring)).to_have_css("outline-style", "solid")
    keys.press("Control+a")
    keys.type(str(user))
    keys.press("Tab")
    keys.type("by keyboard")
    keys.press("Control+Enter")
    expect(tab.find("#send-result")).to_contain_text("Accepted for 1 user.")
    expect(tab.find("#message")).to_be_focused()
    tab.find("#inbox-id").focus()
    keys.press("Control+a")
    keys.type(str(user.id))
    keys.press("Tab")
    keys.press("Control+a")
    keys.type(user.login)
    keys.press("Enter")
    tab.expect_unread(1)
    tab.message("by keyboard").get_by_role("button", name="Mark read").focus()
    keys.press("Enter")
    tab.expect_unread(0)
    expect(tab.find("#messages")).to_be_focused()
    expect(tab.find("#messages")).to_have_css("outline-style", "solid")


def test_a_refresh_keeps_the_focus(tab: Tab, open_tab: Callable[[], Tab], user: PageUser) -> None:
    tab.connect(user)
    box = tab.client(user).get_by_role("checkbox")
    box.focus()
    other = PageUser(user.id, f"second-{user.login}")
    open_tab().connect(other)
    expect(tab.client(other)).to_have_count(1)
    expect(box).to_be_focused()


def test_the_page_is_guarded_and_whole_by_itself(tabs: Tabs, base_url: str) -> None:
    tab = tabs.blank(base_url)
    answer = tab.page.goto(base_url + "/")
    assert answer is not None
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    tab.live()
    html = (STATIC / "index.html").read_text()
    for inline in (" style=", " onclick=", "<style"):
        assert inline not in html


def test_it_weighs_little() -> None:
    """No build step squeezes the files, so their plain sum is what a browser loads. 31 kB of it is the client, which
    knows the states of an inbox."""
    assert sum(path.stat().st_size for path in STATIC.iterdir() if path.is_file()) < 120_000
    for path in STATIC.glob("*.js"):
        assert "innerHTML" not in path.read_text(), path.name
