"""A guide: Markdown from this program's own files to HTML."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from notifier.web.documents.shell import Heading, Page

_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#").match
_MARK = re.compile(r"^<!-- /?[\w-]+ -->\n", re.MULTILINE)  # where a generated part of a guide begins and ends
_NO_SLUG = re.compile(r"[^\w\- ]")


def markdown() -> MarkdownIt:
    """The dialect: CommonMark and tables. HTML within is shown, not taken."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("table_open", lambda *_: '<div class="wide-table"><table>')
    parser.add_render_rule("table_close", lambda *_: "</table></div>")
    return parser


def prose(text: str) -> str:
    """A few sentences as HTML."""
    return str(markdown().render(text))


class Guide:
    """One guide. `name` is that of its file without the ending; the index has none."""

    def __init__(self, name: str, language: str, text: str) -> None:
        self.name = name
        self._folder = "docs" if language == "en" else f"docs/{language}"
        self._text = _MARK.sub("", text)

    @cached_property
    def title(self) -> str:
        """The first heading."""
        line = next((line for line in self._text.splitlines() if line.startswith("# ")), f"# {self.name}")
        return line.removeprefix("# ").strip()

    @property
    def links(self) -> list[str]:
        """The names of the guides beside it that it links to, in their order."""
        targets = [str(token.attrs.get("href", "")) for token in _walk(markdown().parse(self._text))]
        names = [target.partition("#")[0] for target in targets if not _ELSEWHERE(target)]
        return [name.removesuffix(".md") for name in names if name.endswith(".md") and "/" not in name]

    def page(self) -> Page:
        """The guide as HTML; its links are as from the root, to be completed by the shell."""
        parser = markdown()
        tokens = parser.parse(self._text)
        headings = _name_headings(tokens)
        for token in _walk(tokens):
            for name in {"href", "src"} & token.attrs.keys():
                token.attrs[name] = self._resolve(str(token.attrs[name]))
        return Page(self.title, parser.renderer.render(tokens, parser.options, {}), headings)

    def _resolve(self, target: str) -> str:
        if _ELSEWHERE(target):
            return target
        path, mark, fragment = target.partition("#")
        if path.startswith("/"):
            return f"root:{target[1:]}"
        path = posixpath.normpath(posixpath.join(self._folder, path))
        if path.endswith(".md"):
            path = path.removesuffix(".md").removesuffix("/index")
        return f"root:{path}{mark}{fragment}"


def _walk(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _walk(token.children or [])


def _name_headings(tokens: list[Token]) -> list[Heading]:
    """Gives every heading an id, as GitHub makes them; those of the second level."""
    found: list[Heading] = []
    taken: dict[str, int] = {}
    for token, content in pairwise(tokens):
        if token.type != "heading_open":
            continue
        words = _words(content.children or [])
        slug = _NO_SLUG.sub("", words.lower()).strip().replace(" ", "-")
        taken[slug] = taken.get(slug, -1) + 1
        token.attrs["id"] = f"{slug}-{taken[slug]}" if taken[slug] else slug
        if token.tag == "h2":
            found.append(Heading(str(token.attrs["id"]), words))
    return found


def _words(children: list[Any]) -> str:
    return "".join(child.content for child in children if child.type in ("text", "code_inline"))
