"""Any input takes time in proportion to its length, whatever it holds.

Each text takes a second at most; at quadratic cost it would take minutes, in which the process does
nothing else.
"""

from __future__ import annotations

import itertools
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onelead.domain.account import User
from onelead.domain.errors import InputInvalid
from onelead.domain.sign_in.passwords import require_good_password
from onelead.domain.text import Form, fold, known_id, normalised, tidy
from onelead.incoming.lead_json import lead_patch

pytestmark = pytest.mark.slow

FORMS: tuple[Form, ...] = ("NFC", "NFD", "NFKC", "NFKD")
ABOVE, BELOW = "\u0301", "\u0323"
#: Marks separated by characters that a later step removes, and marks that only a form produces.
PIECES = {
    "two marks": ABOVE + BELOW,
    "joiner": (ABOVE * 20 + "\u034f" + BELOW * 20 + "\u034f"),
    "halfwidth": "\uff9e" + ABOVE,
    "iota": "\u0345" + ABOVE,
    "vowel signs": "\u0f73" + BELOW,
    "enclosing": "\u20d0" + BELOW,
}


@contextmanager
def quick() -> Iterator[None]:
    """Fail if a block needs minutes of processor time, but not because the processor is slow."""
    began = time.process_time()
    yield
    assert time.process_time() - began < 15


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_marks_upon_marks(piece: str) -> None:
    text = "a" + piece * (400_000 // len(piece))
    with quick():
        fold(text)
    with quick():
        tidy(text)


def test_a_new_password_of_marks() -> None:
    password = "a" + (ABOVE + BELOW) * 80_000
    with quick(), pytest.raises(InputInvalid, match="too long"):
        require_good_password(password, password, User(1, "Dana", "dana@shop.example"), "Shop")


marks = st.sampled_from([*"aß가", *itertools.chain(*PIECES.values()), "\u0344", "\ufc60", "\u3099"])


@given(st.lists(st.tuples(marks, st.integers(1, 60)), min_size=30, max_size=60))
def test_a_long_text_has_the_forms_of_unicode(pieces: list[tuple[str, int]]) -> None:
    text = "a" * 1_000 + "".join(char * times for char, times in pieces)
    for form in FORMS:
        assert normalised(form, text) == unicodedata.normalize(form, text)


def test_a_key_that_looks_like_the_place_of_an_error() -> None:
    evil = " - at `$" * 50_000 + "\n"
    with quick():
        _patch, problems = lead_patch({"email": {evil: 1}}, "properties")
    (problem,) = problems
    assert problem.text.startswith("Unrecognized attributes specified: email")
    assert len(problem.text) < 200


def test_a_line_break_in_an_unknown_key_stays_on_its_line() -> None:
    (problem,) = lead_patch({"email": {"x\ny": 1}}, "properties")[1]
    assert problem.text == r"Unrecognized attributes specified: email.x\ny"


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        *(("1", 1), (7, 7), (str(2**53 - 1), 2**53 - 1)),
        *((sent, None) for sent in (str(2**53), "9" * 19, "9" * 30, "0", "-1", "1.0", "１")),
        *((sent, None) for sent in ("", None, True, 1.0, [1], -1)),
    ],
)
def test_what_can_be_an_id(sent: object, known: int | None) -> None:
    assert known_id(sent) == known
