"""Days in files: which of two numbers is the month, names of months, serials of spreadsheets.

The order of day and month belongs to the whole column. A day that does not exist is no day: it is
never rolled over into the next month.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from onelead.domain.limits import LINE_CHARS_MAX

DateOrder = Literal["dmy", "mdy"]

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?!\d)", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})(?!\d)", re.ASCII)
_COMPACT = re.compile(r"([12]\d{3})(\d\d)(\d\d)", re.ASCII)
_NUMBERS = re.compile(r"(\d{1,2})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{4}|\d\d)(?!\d)", re.ASCII)
_DAY_MONTH = re.compile(
    r"(\d{1,2})(?:\.|st|nd|rd|th|er|[\u00ba\u00aa])?[\s/-]*(?:de |of )?([^\W\d_]{3,12})\.?"
    r"(?:[\s,/-]|del? )*(\d{4}|\d\d)(?!\d)"
)
_MONTH_DAY = re.compile(r"([^\W\d_]{3,12})\.?[\s-]+(\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(\d{4})(?!\d)")
_WEEKDAY = re.compile(r"[^\W\d_]{2,10}\.?,\s+(?=\d|[^\W\d_])")
_SERIAL = re.compile(r"([2-7]\d{4})(\.\d+)?", re.ASCII)
_SECONDS = re.compile(r"\d{9,13}", re.ASCII)
_TIME = re.compile(
    r"[T\s,]*(?:at |um |\u00e0 )?(\d{1,2}):(\d\d)(?::(\d\d))?(?:[.,]\d+)?"
    r"\s*(?:([ap])\.?m\.?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
#: A spreadsheet counts days from here, from 1 March 1900 on.
_SERIAL_START = date(1899, 12, 30)
#: Two digits mean the years 1970 to 2069.
_CENTURY_BREAK = 70
_DAY_S = 86_400
_MILLISECONDS_MIN = 100_000_000_000
_MONTHS_IN_A_YEAR = 12

_MONTH_NAMES = (
    "january jan januar janner jaenner januari janvier janv enero ene gennaio gen janeiro",
    "february feb februar feber februari fevrier fevr fev febrero febbraio febb fevereiro",
    "march mar marz maerz mrz maart mrt mars marzo marco",
    "april apr avril avr abril abr aprile",
    "may mai mei mayo maggio mag maio",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug augustus aout agosto ago",
    "september sep sept septembre septiembre setiembre set settembre sett setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez decembre diciembre dic dicembre dezembro",
)
_MONTHS = {
    name: month for month, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()
}


class Read(NamedTuple):
    """What a text begins with: the day, and what follows it."""

    day: date
    rest: str


def order_evidence(text: str) -> DateOrder | Literal["open"] | None:
    """Return which order of day and month a date shows; None if it makes no difference."""
    found = _NUMBERS.match(text.strip())
    if found is None or found[2] == ".":
        return None
    first, second = int(found[1]), int(found[3])
    if first == second or max(first, second) > 31:  # noqa: PLR2004 - no month has more days
        return None
    if first > _MONTHS_IN_A_YEAR:
        return "dmy"
    return "mdy" if second > _MONTHS_IN_A_YEAR else "open"


def api_day(text: str, order: DateOrder | None) -> str | None:
    """Return a day as the API reads it; None if there is no such day.

    What the API reads itself, ISO texts and Unix seconds, is returned as it is.
    """
    return _api_day(text, order) if len(text) <= LINE_CHARS_MAX else None


@lru_cache(maxsize=4096)
def _api_day(text: str, order: DateOrder | None) -> str | None:
    read = _read(text, order)
    if _SECONDS.fullmatch(text) or (read is not None and _ISO.match(text)):
        return text
    return None if read is None or not _is_time(read.rest) else read.day.isoformat()


def seconds_of(text: str, order: DateOrder | None, zone: ZoneInfo) -> int | None:
    """Return the Unix seconds of a moment, or of the midnight of a day; None for anything else."""
    if len(text) > LINE_CHARS_MAX:
        return None
    if _SECONDS.fullmatch(text):
        seconds = int(text)
        return seconds // 1000 if seconds >= _MILLISECONDS_MIN else seconds
    read = _read(text, order)
    if read is None:
        return None
    at = datetime(read.day.year, read.day.month, read.day.day, tzinfo=zone)
    if rest := read.rest.strip():
        found = _TIME.fullmatch(rest)
        if found is None or (timed := _with_time(at, found)) is None:
            return None
        at = timed
    return int(at.timestamp())


def _is_time(rest: str) -> bool:
    return not rest.strip() or _TIME.fullmatch(rest) is not None


def _with_time(at: datetime, found: re.Match[str]) -> datetime | None:
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[4]:
        hour = hour % 12 + (12 if found[4].lower() == "p" else 0)
    try:
        at = at.replace(hour=hour, minute=minute, second=second)
    except ValueError:
        return None
    if not (offset := found[5]):
        return at
    if offset[0] not in "+-":
        return at.replace(tzinfo=UTC)
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    if minutes >= _DAY_S // 60:
        return None
    return at.replace(tzinfo=timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)))


def _read(text: str, order: DateOrder | None) -> Read | None:
    """Return the day that a text begins with; None if it begins with none, or with none that is."""
    text = text.strip()
    try:
        if (found := _YEAR_FIRST.match(text)) is not None:
            return Read(date(int(found[1]), int(found[2]), int(found[3])), text[found.end() :])
        if (found := _COMPACT.fullmatch(text)) is not None:
            return Read(date(int(found[1]), int(found[2]), int(found[3])), "")
        if (found := _NUMBERS.match(text)) is not None:
            return _of_numbers(found, order)
        if (found := _SERIAL.fullmatch(text)) is not None:
            return _of_serial(found)
        return _of_words(text)
    except ValueError:
        return None


def _of_numbers(found: re.Match[str], order: DateOrder | None) -> Read | None:
    first, second = int(found[1]), int(found[3])
    if found[2] == "." or first == second:
        order = "dmy"
    if order is None:
        evidence = order_evidence(found[0])
        if evidence is None or evidence == "open":
            return None
        order = evidence
    day, month = (first, second) if order == "dmy" else (second, first)
    return Read(date(_year(found[4]), month, day), found.string[found.end() :])


def _of_serial(found: re.Match[str]) -> Read:
    day = _SERIAL_START + timedelta(days=int(found[1]))
    seconds = round(float(found[2] or 0) * _DAY_S)
    if seconds == _DAY_S:
        return Read(day + timedelta(days=1), "")
    time = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" if seconds else ""
    return Read(day, time)


def _of_words(text: str) -> Read | None:
    """Read a date with the name of a month, which may begin with that of a weekday."""
    text = _WEEKDAY.sub("", text, count=1)
    if (found := _DAY_MONTH.match(text)) is not None and (month := _month(found[2])):
        return Read(date(_year(found[3]), month, int(found[1])), text[found.end() :])
    if (found := _MONTH_DAY.match(text)) is not None and (month := _month(found[1])):
        return Read(date(int(found[3]), month, int(found[2])), text[found.end() :])
    return None


def _month(word: str) -> int:
    plain = unicodedata.normalize("NFD", word.lower())
    return _MONTHS.get("".join(char for char in plain if not unicodedata.combining(char)), 0)


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) > 2:  # noqa: PLR2004 - two digits are a year of this century or the last
        return year
    return year + (2000 if year < _CENTURY_BREAK else 1900)
