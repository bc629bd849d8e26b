"""The documentation as its readers see it: search, copy, themes, widths; and nothing that the policy refuses."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .browser import Tab, Tabs
from .test_page_looks import CONTRAST, NAMELESS, WIDTHS, overflow_at

pytestmark = pytest.mark.slow

PAGES = ("/docs", "/docs/descriptions", "/docs/api", "/docs/websocket", "/docs/ru", "/docs/ru/operating")


@pytest.fixture
def reader(tabs: Tabs, base_url: str) -> Tab:
    """A tab at the reference."""
    tab = tabs.blank(base_url)
    tab.page.goto(f"{base_url}/docs/api")
    return tab


def test_the_reference_is_searched(reader: Tab) -> None:
    shown = reader.find("article:visible h3")
    whole = shown.count()
    reader.page.fill("#search", "delete KEYS")
    expect(shown).to_have_text(["DELETE /api/v1/admin/keys/{key_id}"])
    reader.page.fill("#search", "no such thing")
    expect(shown).to_have_count(0)
    expect(reader.find("#nothing")).to_be_visible()
    reader.page.fill("#search", "")
    expect(shown).to_have_count(whole)


def test_an_example_is_copied(reader: Tab) -> None:
    reader.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    block = reader.find(".code").first
    block.hover()
    block.get_by_role("button", name="Copy").click()
    expect(block.get_by_role("button")).to_have_text("Copied")
    copied = reader.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl http://localhost:8080/api/v1/notify") and "--json" in copied


def test_it_is_read_in_another_theme_and_language(reader: Tab) -> None:
    reader.page.emulate_media(color_scheme="light")
    reader.find("#theme").click()
    reader.find("#theme").click()
    expect(reader.find("body")).to_have_css("background-color", "rgb(14, 19, 17)")
    reader.page.get_by_role("link", name="Русский").click()
    expect(reader.page.get_by_role("heading", level=1)).to_have_text("Обзор")
    expect(reader.find("body")).to_have_css("background-color", "rgb(14, 19, 17)")
    reader.page.get_by_role("link", name="English").click()
    expect(reader.page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_a_guide_is_read_on_in_the_other_language_and_its_anchors_lead_there(reader: Tab, base_url: str) -> None:
    reader.page.goto(f"{base_url}/docs/backend")
    reader.page.get_by_role("link", name="Русский").click()
    expect(reader.page.get_by_role("heading", level=1)).to_have_text("Подключение бэкенда")
    sessions = reader.page.get_by_role("heading", name="Сессии")
    expect(sessions).not_to_be_in_viewport()
    reader.page.get_by_role("main").get_by_role("link", name="сессии").click()
    expect(sessions).to_be_in_viewport()
    reader.page.get_by_role("link", name="English").click()
    expect(reader.page.get_by_role("heading", level=1)).to_have_text("Integrating a backend")


def test_every_page_fits_and_has_names(reader: Tab, base_url: str) -> None:
    overflow = {}
    for path in PAGES:
        reader.page.goto(base_url + path)
        overflow |= {(path, width): overflow_at(reader, width) for width in WIDTHS}
        assert reader.page.evaluate(NAMELESS) == []
        expect(reader.page.get_by_role("main")).to_have_count(1)
    assert {key: pixels for key, pixels in overflow.items() if pixels} == {}


def test_links_of_the_page_lead_to_the_documentation(tab: Tab) -> None:
    tab.page.get_by_role("link", name="API reference").click()
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("HTTP API")
    tab.page.get_by_role("link", name="notifier", exact=True).click()
    tab.live()


def test_contrast_of_methods_and_codes(reader: Tab) -> None:
    for theme in ("light", "dark"):
        reader.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        for text in ("accent", "flag", "danger", "ink", "ink-soft"):
            assert reader.page.evaluate(CONTRAST, [text, "paper"]) >= 4.5, (theme, text)
