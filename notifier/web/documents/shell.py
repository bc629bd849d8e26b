"""The frame of every document: the bar, the list of guides at the left, the switch of languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from html5tagger import HTML, Document, E

LANGUAGES = {"en": "English", "ru": "Русский"}
_WORDS = {
    "en": {"skip": "Skip to content", "nav": "Documentation", "here": "On this page", "reference": "Reference"},
    "ru": {"skip": "К содержанию", "nav": "Документация", "here": "На этой странице", "reference": "Справочник"},
}
_REFERENCES = {"docs/api": "HTTP API", "docs/websocket": "WebSocket"}


class Heading(NamedTuple):
    """A place on a page."""

    id: str
    text: str


class Page(NamedTuple):
    """A document's own part. Links `root:…` in its HTML are as from the server's root."""

    title: str
    html: str
    headings: list[Heading]


class Entry(NamedTuple):
    """A line of the list of guides."""

    path: str
    title: str


def render(
    page: Page,
    path: str,
    root: str,
    language: str,
    entries: Sequence[Entry],
    translations: Mapping[str, str],
    version: str,
) -> bytes:
    """The whole document as HTML. `root` leads from where the browser stands to the server's root: `../`."""
    words = _WORDS[language]
    document = Document(f"{page.title} · notifier", lang=language, _viewport=True)
    document.meta(name="color-scheme", content="light dark")
    document.link(rel="icon", href=f"{root}icon.svg", type="image/svg+xml")
    for sheet in ("base.css", "docs/assets/docs.css"):
        document.link(rel="stylesheet", href=root + sheet)
    document.script(None, src=f"{root}theme.js")
    document.script(None, src=f"{root}docs/assets/docs.js", defer=True)
    document(
        E.body(
            E.a(words["skip"], class_="skip", href="#main"),
            _bar(root, language, translations, version),
            E.div(
                _navigation(path, root, words, entries),
                E.main(HTML(page.html.replace('"root:', f'"{root}')), id="main", tabindex="-1", class_="prose"),
                _headings(page.headings, words["here"]),
                class_="columns",
            ),
        )
    )
    return str(document).encode()


def _bar(root: str, language: str, translations: Mapping[str, str], version: str) -> Any:
    switch = [
        E.a(name, href=root + translations[code], lang=code, hreflang=code, aria_current=code == language and "true")
        for code, name in LANGUAGES.items()
    ]
    brand = E.img(src=f"{root}icon.svg", alt="", width=26, height=26).span("notifier")
    theme = E.span("◐ ", aria_hidden="true").span("auto", data_slot="label")
    tools = E.nav(*switch, class_="languages", aria_label="Language").button(
        theme, type="button", class_="quiet", id="theme", aria_label="Theme"
    )
    home = E.a(brand, class_="brand", href=root).span(version, class_="version")
    return E.header(E.div(home, E.div(tools, class_="tools"), class_="bar-inner"), class_="bar")


def _navigation(path: str, root: str, words: Mapping[str, str], entries: Sequence[Entry]) -> Any:
    guides = [_line(entry.title, entry.path, path, root) for entry in entries]
    references = [_line(title, target, path, root) for target, title in _REFERENCES.items()]
    return E.nav(E.ul(*guides).h2(words["reference"]).ul(*references), class_="side", aria_label=words["nav"])


def _line(title: str, target: str, path: str, root: str) -> Any:
    return E.li(E.a(title, href=root + target, aria_current=target == path and "page"))


def _headings(headings: Sequence[Heading], title: str) -> Any:
    if len(headings) < 2:
        return E.div("", class_="here")
    lines = [E.li(E.a(heading.text, href=f"#{heading.id}")) for heading in headings]
    return E.nav(E.h2(title).ul(*lines), class_="here", aria_label=title)
