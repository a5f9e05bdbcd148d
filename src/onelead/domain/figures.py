"""What ledger rows add to the figures: deliveries by hour, leads by value, refusals by lead.

Pure: the storage reads rows in order and writes the result. The figures of a ledger are sums over
its rows, however the rows are split into runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec
from msgspec import Struct

from onelead.domain.custom_fields import TYPES_WITH_OPTIONS, CustomField
from onelead.domain.lead import custom_name
from onelead.domain.writes import Outcome

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
#: Fields of a lead whose values are counted, besides its custom fields.
COUNTED_FIELDS = frozenset({"status_id", "customer_source_id", "assignee_id"})
#: The value that counts the leads with any value of a custom field.
ANY_VALUE = ""


class DeliveryRow(NamedTuple):
    """The part of a lead write's ledger row that the figures need; `date` is Unix seconds."""

    seq: int
    date: int
    outcome: str
    user_id: int | None
    api_key_id: int | None
    #: JSON, as in the ledger.
    match: str | None
    changes: str | None


class DeliveryKey(NamedTuple):
    """What deliveries are counted by; `hour` is the Unix second in which the hour begins."""

    hour: int
    outcome: str
    #: 0 for none.
    user_id: int
    api_key_id: int


class Grouping(StrEnum):
    """How the deliveries of an hour are grouped."""

    #: The values are those of `Outcome`.
    OUTCOME = "outcome"
    #: The values are those of `caller_value`.
    CALLER = "caller"
    #: Only upserts that match by a custom field; the values are those of `match_value`.
    MATCH = "match"


class HourKey(NamedTuple):
    """One group of an hour's deliveries; `hour` is the Unix second in which it begins."""

    grouping: Grouping
    value: str
    hour: int


class CallerKey(NamedTuple):
    """As `DeliveryKey`, but for a UTC day, which begins in the Unix second `day`."""

    day: int
    user_id: int
    api_key_id: int
    outcome: str


class LeadKey(NamedTuple):
    """What leads are counted by: a field as changes name it, and a value as text."""

    field: str
    value: str


def caller_value(user_id: int, api_key_id: int) -> str:
    """Return the caller of a delivery as one text; an id is 0 for none.

    An API key counts as a caller of its own; a user is the caller only in the web application.
    """
    if api_key_id:
        return f"key-{api_key_id}"
    return f"user-{user_id}" if user_id else "server"


def match_value(definition_id: int, caller: str) -> str:
    """Return the custom field that an upsert matched by and the caller as one text."""
    return f"{definition_id} {caller}"


class _Match(Struct):
    ids: tuple[int, ...]
    definition_id: int | None = None


_read_match = msgspec.json.Decoder(_Match).decode
# Most values are never needed: they stay JSON.
_read_changes = msgspec.json.Decoder(dict[str, tuple[msgspec.Raw, msgspec.Raw]]).decode
_read_ids = msgspec.json.Decoder(int | tuple[int, ...] | None).decode
_NULL = b"null"


class FigureChanges:
    """What a run of ledger rows adds to each figure."""

    def __init__(self, fields: Mapping[int, CustomField]) -> None:
        """Take the account's definitions; values of deleted ones are not counted."""
        self._custom = {custom_name(id_): field for id_, field in fields.items()}
        self.deliveries: Counter[DeliveryKey] = Counter()
        self._matches: Counter[HourKey] = Counter()
        #: By how much the number of leads with the value grows; never zero.
        self.leads: Counter[LeadKey] = Counter()
        #: Lead id and ledger number, for each lead that a refusal named.
        self.named_leads: list[tuple[int, int]] = []

    @property
    def hours(self) -> Counter[HourKey]:
        """The deliveries by hour, grouped by outcome, by caller, and by match."""
        hours = self._matches.copy()
        for (hour, outcome, user_id, key_id), count in self.deliveries.items():
            hours[HourKey(Grouping.OUTCOME, outcome, hour)] += count
            hours[HourKey(Grouping.CALLER, caller_value(user_id, key_id), hour)] += count
        return hours

    @property
    def callers(self) -> Counter[CallerKey]:
        """The deliveries by caller and day."""
        days: Counter[CallerKey] = Counter()
        for (hour, outcome, user_id, key_id), count in self.deliveries.items():
            days[CallerKey(hour - hour % DAY_S, user_id, key_id, outcome)] += count
        return days

    def add(self, row: DeliveryRow) -> None:
        """Add the next row."""
        hour = row.date - row.date % HOUR_S
        key = DeliveryKey(hour, row.outcome, row.user_id or 0, row.api_key_id or 0)
        self.deliveries[key] += 1
        if row.match:
            self._add_match(key, row.seq, _read_match(row.match))
        if row.changes:
            for field, (before, after) in _read_changes(row.changes).items():
                definition = self._custom.get(field)
                if definition is not None or field in COUNTED_FIELDS:
                    self._change(field, definition, bytes(before), bytes(after))

    def _add_match(self, key: DeliveryKey, seq: int, match: _Match) -> None:
        if match.definition_id is not None:
            caller = caller_value(key.user_id, key.api_key_id)
            value = match_value(match.definition_id, caller)
            self._matches[HourKey(Grouping.MATCH, value, key.hour)] += 1
        if key.outcome == Outcome.REFUSED:
            self.named_leads += [(lead_id, seq) for lead_id in match.ids]

    def _change(
        self, field: str, definition: CustomField | None, before: bytes, after: bytes
    ) -> None:
        if definition is not None:
            self._count(LeadKey(field, ANY_VALUE), (after != _NULL) - (before != _NULL))
        if definition is None or definition.data_type in TYPES_WITH_OPTIONS:
            for id_ in _ids(after):
                self._count(LeadKey(field, str(id_)), 1)
            for id_ in _ids(before):
                self._count(LeadKey(field, str(id_)), -1)

    def _count(self, key: LeadKey, difference: int) -> None:
        self.leads[key] += difference
        if not self.leads[key]:
            del self.leads[key]


def _ids(value: bytes) -> tuple[int, ...]:
    found = _read_ids(value)
    if found is None:
        return ()
    return (found,) if isinstance(found, int) else found
