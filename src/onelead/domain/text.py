"""How text that people typed is compared: Unicode forms, case, and white space.

Storage keeps texts as sent; only the results of these functions are compared.
"""

from __future__ import annotations

import json
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
#: Python sorts the marks on a letter in quadratic time, so longer runs are sorted here first. No
#: script has as many.
_MARKS_MAX = 30
_FEW_CHARS_MAX = 1_000
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]


def normalised(form: Form, text: str) -> str:
    """Return a Unicode form of a text, in a time proportional to its length."""
    if len(text) > _FEW_CHARS_MAX and not text.isascii():
        text = _with_sorted_marks(text, "NFKD" if "K" in form else "NFD")
    return unicodedata.normalize(form, text)


def _with_sorted_marks(text: str, decomposed: Form) -> str:
    """Return an equivalent text whose long runs of marks are in canonical order."""
    marks = "".join(map(re.escape, filter(lambda char: _is_mark(char, decomposed), set(text))))
    if not marks:
        return text

    def sorted_marks(run: re.Match[str]) -> str:
        apart = "".join(unicodedata.normalize(decomposed, char) for char in run[0])
        return "".join(sorted(apart, key=unicodedata.combining))

    return re.sub(f"[{marks}]{{{_MARKS_MAX},}}", sorted_marks, text)


def _is_mark(char: str, decomposed: Form) -> bool:
    return all(map(unicodedata.combining, unicodedata.normalize(decomposed, char)))


#: Apostrophes, hyphens and dashes of all kinds: keyboards and programs choose among them.
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("`\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\ua78c\uff07", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d", "-"),
    }
)


def fold(text: str) -> str:
    """Return the form in which names, tags and the like are compared.

    Compatibility-composed, without case or invisible characters, white space collapsed, with plain
    apostrophes and hyphens. `fold(fold(x)) == fold(x)`.
    """
    if text.isascii():
        # Sooner done than found in a cache, which most texts leave before they come again.
        lower = text.lower()
        return lower if lower.isalnum() else " ".join(lower.replace("`", "'").split())
    # One write folds the same few texts several times: for its match, its keys and its row.
    return _fold_short(text) if len(text) <= _SHORT_CHARS_MAX else _fold(text)


def _fold(text: str) -> str:
    # Twice: folding takes some of these characters apart, and makes others.
    return fold_case(normalised("NFD", text).translate(_ALIKE)).translate(_ALIKE)


_fold_short = lru_cache(maxsize=4096)(_fold)


def fold_case(text: str) -> str:
    """Return the same with apostrophes and hyphens as they are, as users' e-mails are compared."""
    if text.isascii():
        return " ".join(text.lower().split())
    # Folding case can undo a composed form, and composing can produce a letter with case.
    once = normalised("NFKC", normalised("NFD", text).casefold())
    visible = _INVISIBLE.sub("", once)
    return " ".join(normalised("NFKC", visible.casefold()).split())


def visible(text: str) -> str:
    """Return the text without the characters that show nothing."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def tidy(text: str) -> str:
    """Return the form in which external ids and other exact-case values are compared.

    Canonically composed, without invisible characters, trimmed, every white space character a
    plain space; case and the width of inner spacing stay.
    """
    if text.isascii():
        text = text.strip()
        return text if text.isprintable() else _SPACE.sub(" ", text)
    text = _INVISIBLE.sub("", normalised("NFC", text))
    return normalised("NFC", _SPACE.sub(" ", text)).strip()


def is_blank(text: str) -> bool:
    """Return whether nothing in the text is visible."""
    return (not text or text.isspace()) if text.isascii() else not tidy(text)


#: Characters that show nothing themselves, but end a line, move a terminal's cursor, or reverse the
#: order of the text after them. Joiners and direction marks are not among them, because some
#: languages need those.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def is_one_line(text: str) -> bool:
    """Return whether a text stays on its line and is displayed in the order it is written in."""
    return _STEERING.search(text) is None


def as_one_line(text: str) -> str:
    """Escape the characters for which `is_one_line` refuses a text."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def too_long(chars_max: int) -> str:
    """Return the problem text of a text that is too long."""
    return f"is too long (maximum is {chars_max} characters)"


#: The characters that begin a run whose direction does not affect its surroundings, and the one
#: that ends it.
_ISOLATES, _END_OF_ISOLATE = "\u2066\u2067\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN", "RLE", "RLO", "LRE", "LRO", "RLI", "LRI", "FSI"})


def isolated(text: str) -> str:
    """Return a text that cannot change the direction of other texts on its line.

    The right-to-left letters and direction marks of one value would otherwise reorder its
    neighbours. A text that has neither is returned as it is, so that it can be searched and copied.
    """
    if text.isascii() or not any(map(_turns, text)):
        return text
    kept, depth = [], 0
    for char in text:
        depth += char in _ISOLATES
        # An end without a beginning would end the isolate that is put around the text.
        if char != _END_OF_ISOLATE:
            kept.append(char)
        elif depth:
            kept.append(char)
            depth -= 1
    return f"{_ISOLATES[-1]}{''.join(kept)}{_END_OF_ISOLATE * (depth + 1)}"


def _turns(char: str) -> bool:
    return unicodedata.bidirectional(char) in _RIGHT_TO_LEFT or char == _END_OF_ISOLATE


_LAST_CHARACTER = "\U0010ffff"
#: The code points between these are not characters.
_BEFORE_GAP, _AFTER_GAP = "\ud7ff", "\ue000"


def after_start(start: str) -> str | None:
    """Return the smallest text, byte by byte, above all that begin with `start`, if any is."""
    start = start.rstrip(_LAST_CHARACTER)
    if not start:
        return None
    last = start[-1]
    return start[:-1] + (_AFTER_GAP if last == _BEFORE_GAP else chr(ord(last) + 1))


#: More digits than any id, page number or size has.
_DIGITS_MAX = 20


def whole_number(value: Any) -> Any:
    """Return the integer that a text of digits spells; anything else is returned as it is.

    Some clients send ids and page numbers as text.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < _DIGITS_MAX:
        return int(value)
    return value


def known_id(value: Any) -> int | None:
    """Return the id, ledger number or version that a text spells; None for anything else."""
    number = whole_number(value)
    is_whole = isinstance(number, int) and not isinstance(number, bool)
    return number if is_whole and 1 <= number <= ID_MAX else None


#: How much of a rejected value a message quotes.
_SHOWN_CHARS_MAX = 60


def shortened(text: str) -> str:
    """Return the beginning of a text, for a message."""
    return text if len(text) <= _SHOWN_CHARS_MAX else text[:_SHOWN_CHARS_MAX] + "..."


def quoted(raw: Any) -> str:
    """Return a value for a message as JSON, on one line, shortened."""
    if isinstance(raw, str):
        text = json.dumps(shortened(raw), ensure_ascii=False)
    else:
        text = shortened(json.dumps(raw, ensure_ascii=False))
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def span(seconds: int) -> str:
    """Write a length of time in the largest unit in which it is a whole number."""
    unit_s, unit = next(one for one in _UNITS if seconds % one[0] == 0)
    count = seconds // unit_s
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
