"""Days and moments in searches, whose bounds come as Unix seconds or as ISO 8601 texts.

The time zone of the account, in which its days begin, is known only when a search is checked.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from onelead.domain.coercions import are_milliseconds
from onelead.domain.custom_fields import ValueInvalid, day_seconds, number
from onelead.domain.text import quoted

#: How an ISO 8601 day or moment begins.
_ISO = re.compile(r"\s*\d{4}-\d\d-\d\d", re.ASCII)
#: In years between these, no time zone leaves Python's calendar.
_YEAR_MIN, _YEAR_MAX = 2, 9998


class LocalBound(Struct, frozen=True):
    """A bound of a date range as the account's time zone has it."""

    #: The range: `created_date`, `modified_date` or `interaction_date`.
    range_name: str
    is_maximum: bool
    #: `YYYY-MM-DD`, of which the whole day belongs to the range, or `YYYY-MM-DDThh:mm:ss`.
    text: str

    def seconds(self, zone: ZoneInfo) -> int:
        """Return the first or the last second of the range."""
        if "T" in self.text:
            at = datetime.fromisoformat(self.text).replace(tzinfo=zone)
            return _whole(at.timestamp(), is_maximum=self.is_maximum)
        if self.is_maximum:
            return day_seconds(day_after(self.text), zone) - 1
        return day_seconds(self.text, zone)


def date_bound(range_name: str, raw: Any, *, is_maximum: bool) -> int | LocalBound:
    """Read a bound of a date range: Unix seconds, a day, or an ISO 8601 moment.

    Raises ValueInvalid.
    """
    at = _iso_moment(raw)
    if at is None:
        seconds = _seconds_in(raw)
        if seconds is None:
            raise ValueInvalid(f"is not Unix seconds or yyyy-mm-dd: {quoted(raw)}")
        if are_milliseconds(seconds):
            raise ValueInvalid(f"looks like milliseconds; send Unix seconds: {quoted(raw)}")
        return _whole(seconds, is_maximum=is_maximum)
    if not _YEAR_MIN <= at.year <= _YEAR_MAX:
        raise ValueInvalid(f"is out of range: {quoted(raw)}")
    if at.tzinfo is not None:
        return _whole(at.timestamp(), is_maximum=is_maximum)
    is_day = len(raw.strip()) == len("YYYY-MM-DD")
    text = at.date().isoformat() if is_day else at.isoformat()
    return LocalBound(range_name, is_maximum, text)


def _whole(seconds: float, *, is_maximum: bool) -> int:
    # The index of a column is used for bounds of its own type only.
    return math.floor(seconds) if is_maximum else math.ceil(seconds)


def day_after(day: str) -> str:
    """Return the day after a day (`YYYY-MM-DD`)."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _iso_moment(raw: Any) -> datetime | None:
    """Return the moment that an ISO 8601 text names, for a day its midnight.

    None for anything else. Raises ValueInvalid.
    """
    if not isinstance(raw, str) or _ISO.match(raw) is None:
        return None
    try:
        return datetime.fromisoformat(raw.strip().upper())
    except ValueError:
        raise ValueInvalid(f"is not a date: {quoted(raw)}") from None


def _seconds_in(raw: Any) -> float | None:
    try:
        return number(raw)
    except ValueInvalid:
        return None
