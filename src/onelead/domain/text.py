"""How text that people typed is compared: Unicode forms, case, and white space.

Storage keeps what was sent; only what these functions return is ever compared.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any, Literal

from onelead.domain.limits import ID_MAX

#: Characters that show nothing (Unicode: Default_Ignorable_Code_Point), such as zero-width
#: spaces, joiners, direction marks and variation selectors.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SPACE = re.compile(r"\s")
_SHORT_CHARS_MAX = 80
#: Python sorts the marks on a letter in a time that grows with their square: no more than these
#: are left to it. No writing has as many.
_MARKS_MAX = 30
_FEW_CHARS_MAX = 1_000
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]


def normalised(form: Form, text: str) -> str:
    """Return a Unicode form of a text, in a time that grows evenly with its length."""
    if len(text) > _FEW_CHARS_MAX and not text.isascii():
        text = _with_sorted_marks(text, "NFKD" if "K" in form else "NFD")
    return unicodedata.normalize(form, text)


def _with_sorted_marks(text: str, parts: Form) -> str:
    """Return an equivalent text whose long runs of marks are in the order of the forms."""
    marks = "".join(map(re.escape, filter(lambda char: _is_mark(char, parts), set(text))))
    if not marks:
        return text

    def in_order(run: re.Match[str]) -> str:
        apart = "".join(unicodedata.normalize(parts, char) for char in run[0])
        return "".join(sorted(apart, key=unicodedata.combining))

    return re.sub(f"[{marks}]{{{_MARKS_MAX},}}", in_order, text)


def _is_mark(char: str, parts: Form) -> bool:
    return all(map(unicodedata.combining, unicodedata.normalize(parts, char)))


def fold(text: str) -> str:
    """Return the form in which names, e-mails and tags are equal.

    Compatibility-composed, without case, without invisible characters, white space folded.
    `fold(fold(x)) == fold(x)`.
    """
    # One write folds the same few texts again and again: for its match, its keys and its row.
    return _fold_short(text) if len(text) <= _SHORT_CHARS_MAX else _fold(text)


def _fold(text: str) -> str:
    if text.isascii():
        return " ".join(text.lower().split())
    # Folding case can undo a composed form, and composing can bring out a case to fold.
    once = normalised("NFKC", normalised("NFD", text).casefold())
    visible = _INVISIBLE.sub("", once)
    return " ".join(normalised("NFKC", visible.casefold()).split())


_fold_short = lru_cache(maxsize=4096)(_fold)


def tidy(text: str) -> str:
    """Return the form in which external ids and other exact-case values are equal.

    Canonically composed, without invisible characters, trimmed, every white space a plain one;
    case and the width of inner spacing stay.
    """
    if text.isascii():
        return _SPACE.sub(" ", text.strip())
    text = _INVISIBLE.sub("", normalised("NFC", text))
    return normalised("NFC", _SPACE.sub(" ", text)).strip()


def is_blank(text: str) -> bool:
    """Say whether nothing in the text can be seen."""
    return not (text.strip() if text.isascii() else tidy(text))


#: Characters that write nothing themselves, but end a line, move a terminal's cursor, or turn the
#: order of what comes behind them around. Joiners and direction marks are not among them:
#: languages are written with those.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def is_one_line(text: str) -> bool:
    """Say whether a text stays within its line, and shows in the order in which it is written."""
    return _STEERING.search(text) is None


def as_one_line(text: str) -> str:
    """Spell out what would take a text out of its line."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def too_long(chars_max: int) -> str:
    """Say that a text has more characters than it may."""
    return f"is too long (maximum is {chars_max} characters)"


#: Characters that begin a stretch whose direction its surroundings do not see, and the one that
#: ends it.
_ISOLATES, _END_OF_ISOLATE = "\u2066\u2067\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN", "RLE", "RLO", "LRE", "LRO", "RLI", "LRI", "FSI"})


def isolated(text: str) -> str:
    """Return a text for a line that has others beside it, none of whose directions it can change.

    Right-to-left letters and direction marks of one value would else put its neighbours into
    another order. A text that has neither comes back as it is, to be searched and copied.
    """
    if text.isascii() or not any(map(_turns, text)):
        return text
    kept, depth = [], 0
    for char in text:
        depth += char in _ISOLATES
        # What ends more than the text begins would end what is put around it.
        if char != _END_OF_ISOLATE:
            kept.append(char)
        elif depth:
            kept.append(char)
            depth -= 1
    return f"{_ISOLATES[-1]}{''.join(kept)}{_END_OF_ISOLATE * (depth + 1)}"


def _turns(char: str) -> bool:
    return unicodedata.bidirectional(char) in _RIGHT_TO_LEFT or char == _END_OF_ISOLATE


_LAST_CHARACTER = "\U0010ffff"
#: Between these lie code points that are no characters.
_BEFORE_GAP, _AFTER_GAP = "\ud7ff", "\ue000"


def after_start(start: str) -> str | None:
    """Return the smallest text, byte by byte, above every text that begins so; None for none."""
    start = start.rstrip(_LAST_CHARACTER)
    if not start:
        return None
    last = start[-1]
    return start[:-1] + (_AFTER_GAP if last == _BEFORE_GAP else chr(ord(last) + 1))


#: More digits than any number that is an id, a page or a size.
_DIGITS_MAX = 20


def whole_number(value: Any) -> Any:
    """Return the integer that a text of digits spells; anything else comes back as it is.

    Clients send ids and page numbers as text, too.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < _DIGITS_MAX:
        return int(value)
    return value


def known_id(value: Any) -> int | None:
    """Return the id, ledger number or version that a text spells; None for what is none."""
    number = whole_number(value)
    is_whole = isinstance(number, int) and not isinstance(number, bool)
    return number if is_whole and 1 <= number <= ID_MAX else None


#: How much of a rejected value a message repeats.
_SHOWN_CHARS_MAX = 60


def quoted(raw: Any) -> str:
    """Spell a rejected value in a message, shortened."""
    text = str(raw)
    return text if len(text) <= _SHOWN_CHARS_MAX else text[:_SHOWN_CHARS_MAX] + "..."
