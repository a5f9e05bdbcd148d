"""The questions about a file, as they are asked in the terminal."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from tests.support.domain.imports import File

from onelead.commands.import_questions import with_answer
from onelead.domain.importing.mapping import Mapping

HEADER = ["Name", "Status", "Value"]
ROWS = (["Nora", "Hot", "1.234"], ["Sam", "Warm", "2.345"])


def asked(place: int, typed: str) -> tuple[Mapping, str]:
    """Answer a question by the keyboard; return the mapping and what is on the screen."""
    surveyed = File(HEADER, *ROWS).surveyed()
    with CliRunner().isolation(input=typed) as screens:
        found = with_answer(surveyed.questions[place], surveyed.mapping)
        return found, screens[0].getvalue().decode()


@pytest.mark.parametrize("typed", ["2\n", " point \n", ".\n", "\nno\n0\n3\n2\n"])
def test_an_answer_is_a_number_or_its_words_and_anything_else_is_asked_again(typed: str) -> None:
    mapping, screen = asked(1, typed)
    assert mapping.columns[2].decimal == "."
    assert "   1  comma\n   2  point\n" in screen
    assert screen.count("Give a number from 1 to 2.") == max(typed.count("\n") - 2, 0)


def test_enter_gives_the_usual_answer() -> None:
    mapping, screen = asked(0, "\n")
    assert "    Hot (1)\n    Warm (1)\n" in screen
    assert mapping.choices == {"status": {"*": "leave_out"}}


def test_unknown_values_can_be_decided_one_by_one() -> None:
    mapping, _ = asked(0, "decide for each of them\n2\nopen\n")
    assert mapping.choices == {"status": {"hot": "create", "warm": "map:Open"}}
