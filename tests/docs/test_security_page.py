"""The pages about security are complete and counted, and every test that they name exists."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ASVS = (ROOT / "docs" / "security" / "asvs.md").read_text(encoding="utf-8")

ANSWERS = ("met", "partly", "not met", "not applicable")
API_TOP_10 = [f"API{number}" for number in range(1, 11)]
#: The points of level 2 in ASVS 4.0.3: of each section the numbers, up to the last or one by one.
LEVEL_2 = """
1.1: 1-7; 1.2: 1-4; 1.4: 1 4 5; 1.5: 1-4; 1.6: 1-4; 1.7: 1-2; 1.8: 1-2; 1.9: 1-2; 1.10: 1
1.11: 1-2; 1.12: 2; 1.14: 1-6
2.1: 1-12; 2.2: 1-3; 2.3: 1-3; 2.4: 1-6; 2.5: 1-7; 2.6: 1-3; 2.7: 1-6; 2.8: 1-7; 2.9: 1-3; 2.10: 1-4
3.1: 1; 3.2: 1-4; 3.3: 1-4; 3.4: 1-5; 3.5: 1-3; 3.7: 1
4.1: 1 2 3 5; 4.2: 1-2; 4.3: 1-3
5.1: 1-5; 5.2: 1-8; 5.3: 1-10; 5.4: 1-3; 5.5: 1-4
6.1: 1-3; 6.2: 1-6; 6.3: 1-2; 6.4: 1-2
7.1: 1-4; 7.2: 1-2; 7.3: 1 3 4; 7.4: 1-3
8.1: 1-4; 8.2: 1-3; 8.3: 1-8
9.1: 1-3; 9.2: 1-4
10.2: 1-2; 10.3: 1-3
11.1: 1-8
12.1: 1-3; 12.2: 1; 12.3: 1-6; 12.4: 1-2; 12.5: 1-2; 12.6: 1
13.1: 1 3 4 5; 13.2: 1 2 3 5 6; 13.3: 1-2; 13.4: 1-2
14.1: 1-4; 14.2: 1-6; 14.3: 2 3; 14.4: 1-7; 14.5: 1-4
"""
#: Those who could want something, as the first words of their rows.
WHO = {
    *("a stranger", "somebody with a key out of a web form", "somebody with another key"),
    *("a member", "somebody at an open browser, or with its cookie", "an admin who leaves"),
    "an admin of another account on the server",
    *("somebody who reads the database or a backup", "somebody who reads the log"),
    *("somebody on the path", "a hostile page in a user's browser", "hostile delivered data"),
    *("the company's provider, or somebody in its place", "a supplier of a package"),
    "nobody: a disk, a process or a machine that fails",
}


def rows(page: str, heading: str = "") -> list[list[str]]:
    """Return the cells of the tables below a heading, without their heads."""
    part = page.partition(f"## {heading}\n")[2].partition("\n## ")[0] if heading else page
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def points(page: str, name: str) -> list[list[str]]:
    """Return the rows that begin with an id."""
    return [row for row in rows(page) if re.fullmatch(name, row[0])]


POINTS = points(ASVS, r"\d+\.\d+\.\d+")
API_POINTS = points(SECURITY, r"API\d+")
THREATS = rows(SECURITY, "Threats")[1:]


def expected_ids() -> list[str]:
    found = []
    for section, numbers in re.findall(r"([\d.]+): ([\d -]+)", LEVEL_2):
        _, dash, last = numbers.partition("-")
        which = range(1, int(last) + 1) if dash else numbers.split()
        found += [f"{section}.{number}" for number in which]
    return found


def named_tests(text: str) -> list[str]:
    return re.findall(r"`(tests/[\w/]+\.py::\w+)`", text)


@cache
def functions_of(path: str) -> frozenset[str]:
    file = ROOT / path
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return frozenset(re.findall(r"^\s*(?:async )?def (test_\w+)\(", text, re.MULTILINE))


def is_there(test: str) -> bool:
    path, _, name = test.partition("::")
    return name in functions_of(path)


@pytest.mark.parametrize("page", [SECURITY, ASVS], ids=["security", "asvs"])
def test_every_test_that_is_named_exists(page: str) -> None:
    found = named_tests(page)
    assert len(found) > 50
    assert [test for test in found if not is_there(test)] == []
    # Nothing is named in another form, which would not be looked at.
    assert page.count("::") == len(found)


def test_every_point_of_level_2_is_there_once() -> None:
    assert [row[0] for row in POINTS] == expected_ids()
    assert [row[0] for row in API_POINTS] == API_TOP_10


def test_every_point_has_an_answer_and_a_reason() -> None:
    for name, asks, answer, reason, tests in (*POINTS, *API_POINTS):
        assert answer in ANSWERS, name
        assert min(len(asks), len(reason)) > 2, name
        listed = "<br>".join(f"`{test}`" for test in named_tests(tests))
        assert tests in (listed, "-"), name


def test_the_numbers_are_counted() -> None:
    count = Counter(row[2] for row in POINTS)
    met, partly, not_met, not_applicable = (count[answer] for answer in ANSWERS)
    sentence = f"{met} are met, {partly} partly, {not_met} not met, and {not_applicable} do not"
    assert f"{sentence} apply." in ASVS
    assert f"has {len(POINTS)} points of level 2" in ASVS
    assert f"Of {len(POINTS)} points {sentence} apply;" in SECURITY


def test_the_summary_is_counted_by_chapter() -> None:
    summary = rows(SECURITY, "ASVS 4.0.3, level 2")[1:]
    chapters = re.findall(r"^## (V(\d+) .*)$", ASVS, re.MULTILINE)
    expected = [
        [name, *_counted([row for row in POINTS if row[0].startswith(f"{number}.")])]
        for name, number in chapters
    ]
    assert summary == [*expected, ["all", *_counted(POINTS)]]


def _counted(some: list[list[str]]) -> list[str]:
    count = Counter(row[2] for row in some)
    return [str(number) for number in (len(some), *(count[answer] for answer in ANSWERS))]


def test_every_threat_has_a_wall_and_a_test() -> None:
    assert {row[0] for row in THREATS} == WHO
    for who, wants, wall, where, tests in THREATS:
        assert all((wants, wall, where)), (who, wants)
        assert named_tests(tests), (who, wants)


def test_a_test_that_is_gone_is_seen() -> None:
    here = Path(__file__).relative_to(ROOT).as_posix()
    assert is_there(f"{here}::test_a_test_that_is_gone_is_seen")
    assert not is_there(f"{here}::test_gone")
    assert not is_there("tests/docs/test_gone.py::test_gone")
