"""No file uses the words that `docs/glossary.md` rules out; the page is the list of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "glossary.md"
SECTIONS = {
    part.partition("\n")[0]: part
    for part in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
}

#: Between two words of a phrase: blanks, hyphens, or a line end inside a comment or docstring.
_GAP = r"(?:[ \t-]|\n[ \t]*(?:#:?[ \t])?)+"
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CODE_MARKS = re.compile(r"`([^`]+)`")
#: The strings and comments of a Python file; names are what is left without them.
_PYTHON_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"""|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[^\n]*', re.DOTALL
)
#: What is outside of a template's tags.
_TEMPLATE_TEXT = re.compile(r"(?:\A|[%}]\}).*?(?:\{[{%]|\Z)", re.DOTALL)
#: The names of tests are sentences.
_TEST_NAME = re.compile(r"\bdef test_\w+")


class Text:
    """What is searched: a file, or the part of it that has the names."""

    def __init__(self, place: str, content: str) -> None:
        self.place = place
        self.words = spaced(content)


@dataclass(frozen=True)
class Exceptions:
    """What the page allows: longer words, and words in the files of a folder."""

    phrases: tuple[str, ...] = ()
    folders: tuple[tuple[str, str], ...] = ()

    def allow(self, word: str, place: str) -> bool:
        return any(word == spaced(a) and place.startswith(folder) for a, folder in self.folders)


def spaced(text: str) -> str:
    """Write names as words: `LeadWrite` and `lead_write` as `lead write`."""
    return _CAMEL.sub(" ", text).replace("_", " ").lower()


def occurrences(
    texts: Iterable[Text], words: Iterable[str], exceptions: Exceptions
) -> Iterator[str]:
    """Find words and phrases, in the plural too and inside names, as `file:line word`."""
    patterns = {
        spaced(word): re.compile(rf"\b{_GAP.join(map(re.escape, spaced(word).split()))}s?\b")
        for word in words
    }
    allowed = [spaced(phrase) for phrase in exceptions.phrases]
    for text in texts:
        searched = text.words
        for phrase in allowed:
            searched = searched.replace(phrase, "")
        for word, pattern in patterns.items():
            # Most files have none of the words, and looking for plain text is many times as fast.
            if word.split()[0] not in searched or exceptions.allow(word, text.place):
                continue
            for found in pattern.finditer(searched):
                line = searched.count("\n", 0, found.start()) + 1
                yield f"{text.place}:{line} {word}"


def names_in(place: str, content: str) -> str:
    """Return the path and the names of a file, without its texts; the lines keep their numbers."""
    text = _PYTHON_TEXT if place.endswith(".py") else _TEMPLATE_TEXT
    names = text.sub(lambda found: "\n" * found[0].count("\n"), content)
    return f"{place} {_TEST_NAME.sub('', names)}"


def _rows(section: str) -> list[list[str]]:
    """Return the cells of a section's table, without its head."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def _marked(cells: Iterable[str]) -> list[str]:
    return [word for cell in cells for word in _CODE_MARKS.findall(cell)]


_LISTS = ("Parts of names", "Habits", "Exceptions")
_WORDS = [row for section in SECTIONS if section not in _LISTS for row in _rows(section)]
SYNONYMS = sorted(set(_marked(row[2] for row in _WORDS)))
PARTS_OF_NAMES = _marked(row[0] for row in _rows("Parts of names"))
HABITS = _marked(row[0] for row in _rows("Habits"))


def _exceptions() -> Exceptions:
    pairs = [tuple(_marked(row[:2])) for row in _rows("Exceptions")]
    return Exceptions(
        tuple(phrase for _, phrase in pairs if "/" not in phrase),
        tuple((word, folder) for word, folder in pairs if "/" in folder),
    )


EXCEPTIONS = _exceptions()


def _read(folder: str, *suffixes: str) -> dict[str, str]:
    return {
        file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8")
        for suffix in suffixes
        for file in sorted((ROOT / folder).rglob(f"*{suffix}"))
    }


@pytest.fixture(scope="module")
def code() -> dict[str, str]:
    return _read("src", ".py", ".html", ".js") | _read("tests", ".py")


@pytest.fixture(scope="module")
def texts(code: dict[str, str]) -> list[Text]:
    pages = _read("docs", ".md") | {
        page.name: page.read_text(encoding="utf-8") for page in ROOT.glob("*.md")
    }
    # The glossary itself has in code marks what is not used.
    glossary = PAGE.relative_to(ROOT).as_posix()
    pages[glossary] = _CODE_MARKS.sub("", pages[glossary])
    # A file's path is a name too.
    return [Text(place, f"{place} {content}") for place, content in (code | pages).items()]


def test_no_synonym_is_used(texts: list[Text]) -> None:
    found = list(occurrences(texts, SYNONYMS, EXCEPTIONS))
    assert not found, "\n".join(found)


def test_no_name_has_a_part_that_is_not_used(code: dict[str, str]) -> None:
    names = [
        Text(place, names_in(place, content))
        for place, content in code.items()
        if not place.endswith(".js")
    ]
    found = list(occurrences(names, PARTS_OF_NAMES, EXCEPTIONS))
    assert not found, "\n".join(found)


def test_no_sentence_has_the_habits(texts: list[Text]) -> None:
    found = list(occurrences(texts, HABITS, EXCEPTIONS))
    assert not found, "\n".join(found)


def test_the_page_has_each_kind_of_word() -> None:
    for words in (SYNONYMS, PARTS_OF_NAMES, HABITS):
        assert len(words) >= 5
        assert all(re.fullmatch(r"[A-Za-z_ ]+", word) for word in words)


def test_no_word_of_the_glossary_is_explained_twice() -> None:
    words = [row[0] for row in _WORDS]
    assert sorted(words) == sorted(set(words))


def test_every_exception_is_needed(code: dict[str, str]) -> None:
    for word, exception in (_marked(row[:2]) for row in _rows("Exceptions")):
        if "/" in exception:
            inside = [content for place, content in code.items() if place.startswith(exception)]
            texts = (Text("", content) for content in inside)
            assert any(occurrences(texts, [word], Exceptions())), exception
        else:
            assert spaced(word) in spaced(exception)
            assert any(exception in content for content in code.values()), exception


@pytest.mark.parametrize(
    "text",
    [
        "gadget",
        "Two gadgets.",
        "self._gadget_count = 1",
        "class GadgetStore(Protocol):",
        "def test_a_gadget_is_found",
        "<p>No Gadget yet</p>",
    ],
)
def test_the_finder_finds_a_word(text: str) -> None:
    assert list(occurrences([Text("a.py", text)], ["gadget"], Exceptions())) == ["a.py:1 gadget"]


@pytest.mark.parametrize(
    "text",
    [
        "made-up word",
        "made_up_word",
        "MadeUpWord",
        "# a made\n    # up word",
        "a made\n    up words",
    ],
)
def test_the_finder_finds_a_phrase(text: str) -> None:
    assert list(occurrences([Text("a.py", text)], ["made up word"], Exceptions())) == [
        "a.py:1 made up word"
    ]


def test_the_finder_says_on_which_line() -> None:
    assert list(occurrences([Text("a.md", "one\ntwo\nthree")], ["three"], Exceptions())) == [
        "a.md:3 three"
    ]


@pytest.mark.parametrize("text", ["megagadget", "gadgetry", "made up, word", "made.up_word"])
def test_the_finder_leaves_other_words_alone(text: str) -> None:
    words = ["gadget", "made up word"]
    assert list(occurrences([Text("a.py", text)], words, Exceptions())) == []


def test_the_finder_allows_the_exceptions() -> None:
    texts = [Text("wire/a.py", "gadget"), Text("b.py", "old_gadgets and\na gadget")]
    exceptions = Exceptions(("old_gadget",), (("gadget", "wire/"),))
    assert list(occurrences(texts, ["gadget"], exceptions)) == ["b.py:2 gadget"]


def test_names_are_what_is_neither_text_nor_comment() -> None:
    content = '"""A gadget."""\nname = "gadget"  # gadget\n\'\'\ngadget = f(1)\n'
    texts = [Text("a.py", names_in("a.py", content))]
    assert list(occurrences(texts, ["gadget"], Exceptions())) == ["a.py:4 gadget"]


def test_names_of_a_template_are_in_its_code() -> None:
    content = "<p>gadget</p>\n{% if other %}gadget{{ gadget }}{% endif %}gadget"
    names = Text("a.html", names_in("a.html", content))
    assert list(occurrences([names], ["gadget"], Exceptions())) == ["a.html:2 gadget"]


def test_the_name_of_a_test_is_a_sentence() -> None:
    content = "async def test_a_gadget_is_found(gadget: str) -> None:"
    names = Text("a.py", names_in("a.py", content))
    assert list(occurrences([names], ["gadget"], Exceptions())) == ["a.py:1 gadget"]


def test_a_file_is_a_name_too() -> None:
    names = Text("src/gadgets.py", names_in("src/gadgets.py", ""))
    assert list(occurrences([names], ["gadget"], Exceptions())) == ["src/gadgets.py:1 gadget"]
