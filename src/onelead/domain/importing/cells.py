"""Cells: what spreadsheets and exports put around a value, and cells that say nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from onelead.domain.account import AccountSettings
from onelead.domain.emails import addresses_in
from onelead.domain.limits import LINE_CHARS_MAX, LIST_ENTRIES_MAX
from onelead.domain.placeholders import Placeholders
from onelead.domain.text import fold

#: A cell that begins so is run as a formula by some spreadsheet: some lose control characters and
#: blanks, some know wide signs, and where lists have semicolons, one begins a cell as well.
_RUN = r"'*[\x00-\x20\xa0\u3000]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(rf"(^|;)(?={_RUN})")
_FORMULA_MARK = re.compile(rf"(^|;)'(?={_RUN})")
#: How Excel is told that digits are text.
_TEXT_FORMULA = re.compile(r'="((?:[^"]|"")*)"')
#: A number that a spreadsheet has cut to a few digits.
_CUT = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+?\d{1,3}")
_WHOLE_FLOAT = re.compile(r"(\d+)\.0+")
#: What only files have in the place of nothing: errors of spreadsheets.
_FILE_PLACEHOLDERS = ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!", "#DIV/0!")
#: How the rows begin that Facebook's testing tool sends; no person is in them.
TEST_LEAD = "<test lead: dummy data"
#: How the last row of a table begins when it is about all rows.
_TOTALS = {
    *("total", "totals", "grand total", "subtotal", "sum", "summe", "gesamt", "gesamtsumme"),
    *("somme", "suma", "soma", "totale", "totaal"),
}


def harmless(text: str) -> str:
    """Return a cell for a spreadsheet that does not run it; `unmarked` is the way back."""
    return _FORMULA.sub(r"\1'", text)


def unmarked(text: str) -> str:
    """Return a cell without the marks of `harmless`."""
    return _FORMULA_MARK.sub(r"\1", text)


def file_placeholders(settings: AccountSettings) -> Placeholders:
    """Return the account's placeholders with those that only files have."""
    return Placeholders((*settings.placeholder_texts, *_FILE_PLACEHOLDERS, f"{TEST_LEAD}..."))


def is_total(cells: Sequence[str]) -> bool:
    """Return whether a row looks like the total of those above it."""
    return fold(next(filter(None, map(str.strip, cells)), "").rstrip(" :")) in _TOTALS


def unwrapped(text: str) -> str:
    """Return a trimmed cell without what a spreadsheet needs around it."""
    text = text.strip()
    if text[:1] in ("'", "=") or ";'" in text:
        if (formula := _TEXT_FORMULA.fullmatch(text)) is not None:
            return formula[1].replace('""', '"').strip()
        return unmarked(text)
    return text


def without_apostrophe(text: str) -> str:
    """Return digits without the apostrophe that keeps them text in a spreadsheet."""
    return text[1:].strip() if text[:1] == "'" and text[1:2].isdigit() else text


def is_cut(text: str) -> bool:
    """Return whether a number was cut by a spreadsheet, as in 4.47911E+11."""
    return ("E" in text or "e" in text) and _CUT.fullmatch(unwrapped(text)) is not None


def is_whole_float(text: str) -> bool:
    """Return whether a whole number has a fraction of zeros, as data frames write it."""
    return text.endswith("0") and _WHOLE_FLOAT.fullmatch(unwrapped(text)) is not None


def whole(text: str) -> str:
    """Return a whole number without its fraction of zeros."""
    found = _WHOLE_FLOAT.fullmatch(text)
    return found[1] if found else text


Clean = Callable[[str], str]


#: Of each column, so many different cells are known; most columns repeat a few.
_KNOWN_CELLS_MAX = 1_000


def cleaner(placeholders: Placeholders) -> Clean:
    """Return the function that takes a cell to its value; one that says nothing is empty."""
    known: dict[str, str] = {}
    may_have, have, get = placeholders.may_have, placeholders.have, known.get

    def cleaned(text: str) -> str:
        if (found := get(text)) is not None:
            return found
        bare = text.strip()
        if bare[:1] in ("'", "="):
            bare = unwrapped(bare)
        if may_have(bare) and have(bare):
            bare = ""
        if len(known) < _KNOWN_CELLS_MAX and len(text) <= LINE_CHARS_MAX:
            known[text] = bare
        return bare

    return cleaned


#: What people and programs put between several values of a cell: Google Contacts writes colons.
_BETWEEN = re.compile(r"[;|\r\n]|:::")


def parts(text: str) -> list[str]:
    """Return the values of a cell with several, which may each be in quotes."""
    return [part for one in _BETWEEN.split(text) if (part := one.strip().strip('"').strip())]


def cell_addresses(text: str) -> tuple[Sequence[str], Sequence[str]]:
    """Return the e-mail addresses of a cell in their order, and what else is in it."""
    if text.count("@") < 2 and (found := addresses_in(text)):  # noqa: PLR2004 - a list has two
        return found, ()
    addresses: list[str] = []
    others: list[str] = []
    for part in parts(text):
        is_one = part.count("@") < 2 and addresses_in(part)  # noqa: PLR2004 - the same
        for piece in (part,) if is_one else parts(part.replace(",", ";")):
            found = addresses_in(piece)
            addresses += found
            others += () if found else (piece,)
    if len(addresses) + len(others) > LIST_ENTRIES_MAX:
        # Nobody has as many, and each would have its line or its remark.
        return (), (text,)
    return addresses, others


#: A tag in quotes may have what is between others; Google puts an asterisk before its own groups.
_TAG = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?=[;,|\r\n]|:::|$)|((?:(?!:::)[^;,|\r\n])+)|:::')


_IN_QUOTES = re.compile(r'[";,|\r\n]|:::')


def tags_in(text: str) -> tuple[str, ...]:
    """Return the tags of a cell: `fair; vip`, or `"fair","vip"` as Mailchimp writes them."""
    return _short_tags_in(text) if len(text) <= LINE_CHARS_MAX else _tags_in(text)


def _tags_in(text: str) -> tuple[str, ...]:
    found = (
        (one[1] or "").replace('""', '"') or (one[2] or "").strip().removeprefix("* ")
        for one in _TAG.finditer(text)
    )
    return tuple(tag for one in found if (tag := one.strip()))


_short_tags_in = lru_cache(maxsize=1024)(_tags_in)


def written_tags(tags: Iterable[str]) -> str:
    """Return the cell of which `tags_in` makes these tags."""
    return "; ".join(
        '"{}"'.format(tag.replace('"', '""')) if _IN_QUOTES.search(tag) else tag for tag in tags
    )
