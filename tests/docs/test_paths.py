"""Every file, folder and name of the code that the documents mention exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "onelead"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
#: The pages about the code itself.
CODE_PAGES = [
    *(ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "docs/glossary.md")),
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
]

_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w.-]*\w(?:/[\w.-]+)*(?:/|\.(?:py|md|css|js|html))|\w[\w.-]*(?:/[\w.-]+)+")
#: Folders that are made later, media types, dates and their format.
_NO_FILES = re.compile(r"(?:build|data|dist|application|text)/.*|mm/dd/yyyy|[0-9/]+")
_NAME = re.compile(r"_?[a-z]+(?:_[a-z]+)+|(?:[A-Z][a-z]+){2,}|[A-Z]+(?:_[A-Z]+)+")
#: Names of PostgreSQL and Linux.
_NAMES_OF_OTHERS = {"txid_status", "SO_REUSEPORT"}


def paths_in(text: str) -> list[str]:
    """Return the files and folders that a page names in code marks."""
    marked = _CODE.findall(text)
    return [each for each in marked if _PATH.fullmatch(each) and not _NO_FILES.fullmatch(each)]


def exists(path: str) -> bool:
    """Say whether a path exists, seen from the project, from its package or from `docs`."""
    return any((folder / path).exists() for folder in (ROOT, PACKAGE, ROOT / "docs"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_in_the_documents_exists(page: Path) -> None:
    paths = paths_in(page.read_text(encoding="utf-8"))
    assert [path for path in paths if not exists(path)] == []


@pytest.fixture(scope="module")
def names_of_the_code() -> set[str]:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *ROOT.glob("*.toml")]
    return set(re.findall(r"\w+", "\n".join(file.read_text(encoding="utf-8") for file in files)))


@pytest.mark.parametrize("page", CODE_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_name_in_the_pages_about_the_code_exists(
    page: Path, names_of_the_code: set[str]
) -> None:
    text = page.read_text(encoding="utf-8").partition("\n## Parts of names")[0]
    names = {each for each in _CODE.findall(text) if _NAME.fullmatch(each)}
    assert names - names_of_the_code - _NAMES_OF_OTHERS == set()


def test_the_map_and_the_recipes_have_paths() -> None:
    for page in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
        assert len(paths_in((ROOT / page).read_text(encoding="utf-8"))) > 20


@pytest.mark.parametrize(
    "path", ["upsert.py", "storage/gone.py", "tests/gone", "gone/folder/", "web/leads", "docs/a.md"]
)
def test_a_path_is_seen_in_code_marks_alone(path: str) -> None:
    assert paths_in(f"See `{path}`, {path} and `{path} --option`.") == [path]


@pytest.mark.parametrize(
    "text", ["PUT /leads", "/metrics", "lead.name", "3.11", "application/json"]
)
def test_other_code_is_no_path(text: str) -> None:
    assert paths_in(f"`{text}`") == []


def test_a_path_that_is_gone_is_seen() -> None:
    assert exists("domain/fold.py")
    assert exists("src/onelead/domain/fold.py")
    assert not exists("domain/upsert.py")
    assert not exists("fold.py")
