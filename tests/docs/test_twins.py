"""Each Russian page, guide or README, is the twin of an English one: the same structure, code, links, names, numbers."""

import re
from itertools import zip_longest
from pathlib import Path
from urllib.parse import unquote

import pytest

from notifier.config.reference import reference
from notifier.web.documents.guide import Guide, markdown

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "notifier" / "web" / "docs"
RUSSIAN = DOCS / "ru"
NAMES = sorted(path.name for path in DOCS.glob("*.md"))
TWINS = {ROOT / "README.md": RUSSIAN / "README.md"} | {DOCS / name: RUSSIAN / name for name in NAMES}
ORIGINALS = {twin: original for original, twin in TWINS.items()}
NUMBER = re.compile(r"\d+(?:[.,\u00a0]\d+)*")  # 1,000 and 0.1 are 1 000 and 0,1 in Russian
LETTERS = re.compile(r"[^\W\d_]")
CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
SHORT = 20  # letters: a cell with fewer may be a name that is the same in both languages

each_page = pytest.mark.parametrize("original", TWINS, ids=lambda path: path.name)


def parse(path):
    return markdown().parse(path.read_text())


def both(original):
    return parse(original), parse(TWINS[original])


def opened(tokens):
    """The parts of the page, in order: headings with levels, paragraphs, items of lists, cells of tables, blocks."""
    line, found = 0, []
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        if token.nesting >= 0:
            found.append((line, (token.type, token.tag, token.level)))
    return found


def code(tokens):
    return [
        (token.map[0] + 1, (token.info, token.content)) for token in tokens if token.type in ("fence", "code_block")
    ]


def inlines(tokens):
    """Headings, paragraphs, cells: everything that has words."""
    return [token for token in tokens if token.type == "inline"]


def each(tokens, fact):
    return [(inline.map[0] + 1, fact(inline)) for inline in inlines(tokens)]


def place(path, line):
    return f"{path.relative_to(ROOT)}:{line}"


def differences(original, of_original, of_twin):
    """Facts in which the twins differ; each is a line and what is there. One too many shifts all that follow it."""
    found = [
        f"{place(TWINS[original], there[0])} has {there[1]}, {place(original, here[0])} has {here[1]}"
        for here, there in zip_longest(of_original, of_twin, fillvalue=("end", None))
        if here[1] != there[1]
    ]
    return "\n".join(found if len(of_original) == len(of_twin) else found[:1])


def children(inline, *kinds):
    return [child for child in inline.children if child.type in kinds]


def spans(inline):
    return sorted(child.content for child in children(inline, "code_inline"))


def said(inline):
    """The words outside code spans."""
    return " ".join(child.content for child in children(inline, "text"))


def numbers(inline):
    """By their digits alone, in any order: a sentence may turn round in the other language."""
    return sorted(re.sub(r"\D", "", number) for number in NUMBER.findall(said(inline)))


def bold(inline):
    """The number of bold words: a goal that was missed is, in either language."""
    return len(children(inline, "strong_open"))


def anchors(path):
    """The places of a guide by their anchors: equal places of twins have equal numbers."""
    html = Guide("", "en", path.read_text()).page().html
    return {anchor: number for number, anchor in enumerate(re.findall(r'<h\d id="([^"]*)">', html))}


def links(inline, path):
    """Targets of links and pictures: a page's is its original and whether that is the other language's, an anchor's the
    number of its heading, a file's its path."""
    found = []
    for child in children(inline, "link_open", "image"):
        target, _, anchor = unquote(child.attrs.get("href") or child.attrs["src"]).partition("#")
        if target.startswith(("/", "http://", "https://")):
            found.append((target, anchor))
            continue
        file = (path.parent / target).resolve() if target else path
        page = file in TWINS or file in ORIGINALS
        crosses = page and (file in ORIGINALS) != (path in ORIGINALS)
        where = str(ORIGINALS.get(file, file).relative_to(ROOT))
        found.append((where, "other language" if crosses else "", anchor and anchors(file)[anchor]))
    return found


def rows(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_every_guide_has_a_twin_and_every_twin_an_original():
    assert NAMES and sorted(path.name for path in RUSSIAN.glob("*.md")) == ["README.md", *NAMES]


@each_page
def test_the_structure_is_the_same(original):
    english, russian = both(original)
    differing = differences(original, opened(english), opened(russian))
    assert not differing, differing


@each_page
def test_the_code_is_the_same(original):
    english, russian = both(original)
    differing = differences(original, code(english), code(russian))
    assert not differing, differing


@each_page
@pytest.mark.parametrize("fact", [spans, numbers, bold])
def test_the_same_stands_in_every_paragraph_and_cell(original, fact):
    english, russian = both(original)
    differing = differences(original, each(english, fact), each(russian, fact))
    assert not differing, differing


@each_page
def test_the_links_lead_to_the_same_places_in_the_same_order(original):
    english, russian = both(original)
    there = each(russian, lambda inline: links(inline, TWINS[original]))
    differing = differences(original, each(english, lambda inline: links(inline, original)), there)
    assert not differing, differing


def test_the_settings_are_the_codes():
    text = (RUSSIAN / "operating.md").read_text()
    translated = rows(text.partition("<!-- settings -->\n")[2].partition("\n<!-- /settings -->")[0])
    generated = rows(reference())
    assert [row[:2] for row in translated[1:]] == [row[:2] for row in generated[1:]]
    assert [row[3] for row in translated[1:]] == [row[3].replace("yes", "да") for row in generated[1:]]


@each_page
def test_the_words_are_russian(original):
    english, russian = both(original)
    for here, there in zip(inlines(english), inlines(russian), strict=True):
        words = said(there)
        letters = len(LETTERS.findall(words))
        if letters >= SHORT:
            assert words != said(here), place(TWINS[original], there.map[0] + 1)
            assert len(CYRILLIC.findall(words)) > letters / 4, place(TWINS[original], there.map[0] + 1)
    words = " ".join(said(inline) for inline in inlines(russian))
    assert len(CYRILLIC.findall(words)) > 0.75 * len(LETTERS.findall(words))
