"""The Russian guides are twins of the English ones: the same structure, code, links, names and numbers, in Russian."""

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

from notifier.config.reference import reference
from notifier.web.documents.guide import Guide, markdown

DOCS = Path(__file__).parent.parent.parent / "notifier" / "web" / "docs"
RUSSIAN = DOCS / "ru"
NAMES = sorted(path.name for path in DOCS.glob("*.md"))
NUMBER = re.compile(r"\d+(?:[.,\u00a0]\d+)*")  # 1,000 and 0.1 are 1 000 and 0,1 in Russian
LETTERS = re.compile(r"[^\W\d_]")
CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
SHORT = 20  # letters: a cell with fewer may be a name that is the same in both languages

each_guide = pytest.mark.parametrize("name", NAMES)


def parse(path):
    return markdown().parse(path.read_text())


def both(name):
    return parse(DOCS / name), parse(RUSSIAN / name)


def shape(tokens):
    """What the page is made of, in order: headings with levels, paragraphs, items of lists, cells of tables, blocks."""
    return [(token.type, token.tag, token.level) for token in tokens]


def code(tokens):
    return [(token.info, token.content) for token in tokens if token.type in ("fence", "code_block")]


def sections(tokens):
    """The inline contents under each heading, with it."""
    found = [[]]
    for token in tokens:
        if token.type == "heading_open":
            found.append([])
        elif token.type == "inline":
            found[-1].append(token)
    return found


def children(inlines, kind):
    return [child for inline in inlines for child in inline.children if child.type == kind]


def spans(inlines):
    return Counter(child.content for child in children(inlines, "code_inline"))


def said(inlines):
    """The words outside code spans."""
    return " ".join(child.content for child in children(inlines, "text"))


def numbers(inlines):
    return Counter(re.sub(r"\D", "", number) for number in NUMBER.findall(said(inlines)))


def anchors(path):
    """The places of a guide by their anchors: equal places of twins have equal numbers."""
    html = Guide("", "en", path.read_text()).page().html
    return {anchor: place for place, anchor in enumerate(re.findall(r'<h\d id="([^"]*)">', html))}


def links(inlines, path):
    """Where the links lead: a guide's is its name, an anchor is the number of its heading, a file's is its path."""
    found = []
    for child in children(inlines, "link_open"):
        target, _, anchor = unquote(child.attrs["href"]).partition("#")
        if target.startswith(("/", "http://", "https://")):
            found.append((target, anchor))
            continue
        file = (path.parent / target).resolve() if target else path
        beside = file.suffix == ".md" and file.parent == path.parent
        found.append((file.name if beside else str(file.relative_to(DOCS)), anchor and anchors(file)[anchor]))
    return found


def first_cells(tokens):
    """The code spans in the first cell of every row; a row is followed by its first cell, and that by its content."""
    return [spans([tokens[place + 2]]) for place, token in enumerate(tokens) if token.type == "tr_open"]


def rows(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_every_guide_has_a_twin_and_every_twin_an_original():
    assert NAMES and sorted(path.name for path in RUSSIAN.glob("*.md")) == NAMES


@each_guide
def test_the_structure_is_the_same(name):
    english, russian = both(name)
    assert shape(russian) == shape(english)


@each_guide
def test_the_code_is_the_same(name):
    english, russian = both(name)
    assert code(russian) == code(english)


@each_guide
def test_the_same_names_and_numbers_stand_under_the_same_headings(name):
    english, russian = both(name)
    for original, twin in zip(sections(english), sections(russian), strict=True):
        assert spans(twin) == spans(original), said(twin[:1])
        assert numbers(twin) == numbers(original), said(twin[:1])


@each_guide
def test_the_links_lead_to_the_same_places_in_the_same_order(name):
    english, russian = both(name)
    for original, twin in zip(sections(english), sections(russian), strict=True):
        assert links(twin, RUSSIAN / name) == links(original, DOCS / name), said(twin[:1])


@each_guide
def test_the_first_column_of_every_table_names_the_same(name):
    english, russian = both(name)
    assert first_cells(russian) == first_cells(english)


def test_the_settings_are_the_codes():
    text = (RUSSIAN / "operating.md").read_text()
    translated = rows(text.partition("<!-- settings -->\n")[2].partition("\n<!-- /settings -->")[0])
    generated = rows(reference())
    assert [row[:2] for row in translated[1:]] == [row[:2] for row in generated[1:]]
    assert [row[3] for row in translated[1:]] == [row[3].replace("yes", "да") for row in generated[1:]]


@each_guide
def test_the_words_are_russian(name):
    english, russian = both(name)
    for original, twin in zip(sections(english), sections(russian), strict=True):
        untranslated = {said([inline]) for inline in original}
        for inline in twin:
            words = said([inline])
            letters = len(LETTERS.findall(words))
            if letters >= SHORT:
                assert words not in untranslated, words
                assert len(CYRILLIC.findall(words)) > letters / 4, words
    words = said([inline for twin in sections(russian) for inline in twin])
    assert len(CYRILLIC.findall(words)) > 0.75 * len(LETTERS.findall(words))
