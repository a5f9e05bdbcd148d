"""What ledger rows add to the figures: deliveries by hour, leads by value, rows by lead.

Acts of people, such as a merge, are no deliveries: they only change how many leads have a value. Of
what a delivery sent, only references to settings are counted: `domain/references.py`.

Pure: the storage reads rows in order and writes the result. The figures of a ledger are sums over
its rows, however the rows are split into runs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec
from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS, CustomField
from onelead.domain.lead import changes_between, custom_name
from onelead.domain.matching import key_value
from onelead.domain.references import References
from onelead.domain.text import fold
from onelead.domain.writes import DELIVERED, Action, Outcome, RowDetails

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
    #: The lead, if it names one.
    resource_id: int | None
    outcome: str
    user_id: int | None
    api_key_id: int | None
    #: JSON, as in the ledger; the payload only if it is not too long.
    match: str | None
    changes: str | None
    ignored: str | None = None
    shares: str | None = None
    payload: str | None = None
    action: str = Action.UPSERT
    #: JSON: `RowDetails`; of a row that merged leads or let leads stand again.
    details: str | None = None


class DeliveryKey(NamedTuple):
    """What deliveries are counted by; `hour` is the Unix second in which the hour begins."""

    hour: int
    outcome: str
    #: 0 for none.
    user_id: int
    api_key_id: int


class Grouping(StrEnum):
    """How the deliveries of an hour are grouped; a delivery can be in several groups of one kind.

    Unlike the others, `SENT` and `GONE` are counted by day, and only for SENT_FIGURES_KEPT_S.
    """

    #: The values are those of `Outcome`.
    OUTCOME = "outcome"
    #: The values are those of `caller_value`.
    CALLER = "caller"
    #: Upserts that match by a custom field; the values are those of `value_of_caller`.
    MATCH = "match"
    #: By definition, option, lead status or customer source that the delivery named, and caller.
    SENT = "sent"
    #: The same for those that had been deleted before.
    GONE = "gone"
    #: By name of what the lead did not take, and caller.
    IGNORED = "ignored"
    #: By field, as changes name it, whose new value other leads have as well.
    SHARED = "shared"


BY_DAY = (Grouping.SENT, Grouping.GONE)


class HourKey(NamedTuple):
    """One group of an hour's deliveries, or of a day's: `hour` is the Unix second it begins in."""

    grouping: Grouping
    value: str
    hour: int


class CallerKey(NamedTuple):
    """As `DeliveryKey`, but for a UTC day, which begins in the Unix second `day`."""

    day: int
    user_id: int
    api_key_id: int
    outcome: str


class NameKey(NamedTuple):
    """A name that deliveries gave to a lead that had another one, folded as its match key is."""

    hour: int
    lead_id: int
    name: str


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


def value_of_caller(of: int | str, caller: str) -> str:
    """Return what is counted, the id of a setting or a name of a field, and the caller as a text.

    All callers of one begin with `value_of_caller(of, "")`.
    """
    return f"{of} {caller}"


class _Match(Struct):
    ids: tuple[int, ...]
    definition_id: int | None = None


_read_match = msgspec.json.Decoder(_Match).decode
# Most values are never needed: they stay JSON.
_read_changes = msgspec.json.Decoder(dict[str, tuple[msgspec.Raw, msgspec.Raw]]).decode
_read_ids = msgspec.json.Decoder(int | tuple[int, ...] | None).decode
_read_details = msgspec.json.Decoder(RowDetails).decode
_read_text = msgspec.json.Decoder(str).decode
_read_ignored = msgspec.json.Decoder(tuple[str, ...]).decode
_read_shares = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NULL = b"null"


class FigureChanges:
    """What a run of ledger rows adds to each figure."""

    def __init__(self, settings: AccountSettings) -> None:
        """Take the account's settings; values of deleted definitions are not counted."""
        self._custom = {custom_name(field.id): field for field in settings.fields}
        self._deleted = settings.deleted
        self._references = References(settings)
        self.deliveries: Counter[DeliveryKey] = Counter()
        #: Of each grouping by hour or day and caller: how many deliveries had what.
        self._of_callers = {
            grouping: defaultdict[tuple[int, int, int], Counter[int | str]](Counter)
            for grouping in (Grouping.MATCH, Grouping.SENT, Grouping.GONE, Grouping.IGNORED)
        }
        self._shares: Counter[HourKey] = Counter()
        #: By how much the number of leads with the value grows; never zero.
        self.leads: Counter[LeadKey] = Counter()
        self.names: Counter[NameKey] = Counter()
        #: Lead id and ledger number, for each lead that a refusal named, and for each that was
        #: merged into the lead of its row, or stands again beside it.
        self.named_leads: list[tuple[int, int]] = []

    @property
    def hours(self) -> Counter[HourKey]:
        """The deliveries by hour and day, in all their groupings."""
        hours = self._shares.copy()
        for (hour, outcome, user_id, key_id), count in self.deliveries.items():
            hours[HourKey(Grouping.OUTCOME, outcome, hour)] += count
            hours[HourKey(Grouping.CALLER, caller_value(user_id, key_id), hour)] += count
        for grouping, by_caller in self._of_callers.items():
            for (begin, user_id, key_id), counts in by_caller.items():
                caller = caller_value(user_id, key_id)
                for of, count in counts.items():
                    hours[HourKey(grouping, value_of_caller(of, caller), begin)] += count
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
        if row.action in DELIVERED:
            self._add_delivery(row)
        elif row.changes:
            self._add_changes(_read_changes(row.changes))
        if row.details:
            self._add_moved(row, _read_details(row.details))

    def _add_delivery(self, row: DeliveryRow) -> None:
        hour = row.date - row.date % HOUR_S
        key = DeliveryKey(hour, row.outcome, row.user_id or 0, row.api_key_id or 0)
        self.deliveries[key] += 1
        if row.match:
            self._add_match(key, row.seq, _read_match(row.match))
        if row.changes:
            changes = _read_changes(row.changes)
            self._add_name(row, hour, changes)
            self._add_changes(changes)
        if row.payload:
            self._add_sent(key, row.date, row.payload)
        if row.ignored:
            self._add_of_caller(key, Grouping.IGNORED, _read_ignored(row.ignored))
        if row.shares:
            for field in _read_shares(row.shares):
                self._shares[HourKey(Grouping.SHARED, field, hour)] += 1

    def _add_moved(self, row: DeliveryRow, details: RowDetails) -> None:
        """Add what became of other leads than that of the row, whose changes the row has."""
        restored = [lead for lead in details.restored if lead.id != row.resource_id]
        moved = [(lead, changes_between(lead, None)) for lead in details.merged]
        moved += [(lead, changes_between(None, lead)) for lead in restored]
        for lead, changes in moved:
            self._add_changes(_read_changes(msgspec.json.encode(changes)))
            self.named_leads.append((lead.id, row.seq))

    def _add_match(self, key: DeliveryKey, seq: int, match: _Match) -> None:
        if match.definition_id is not None:
            self._add_of_caller(key, Grouping.MATCH, [match.definition_id])
        if key.outcome == Outcome.REFUSED:
            self.named_leads += [(lead_id, seq) for lead_id in match.ids]

    def _add_sent(self, key: DeliveryKey, date: int, payload: str) -> None:
        sent = self._references.named_in(payload)
        if not sent:
            return
        gone = {id_ for id_ in sent & self._deleted.keys() if self._deleted[id_].date <= date}
        self._add_of_caller(key, Grouping.SENT, sent - gone)
        if gone:
            self._add_of_caller(key, Grouping.GONE, gone)

    def _add_of_caller(
        self, key: DeliveryKey, grouping: Grouping, found: Iterable[int | str]
    ) -> None:
        begin = key.hour - key.hour % (DAY_S if grouping in BY_DAY else HOUR_S)
        self._of_callers[grouping][begin, key.user_id, key.api_key_id].update(found)

    def _add_name(
        self, row: DeliveryRow, hour: int, changes: Mapping[str, tuple[msgspec.Raw, msgspec.Raw]]
    ) -> None:
        if row.outcome == Outcome.UPDATED and "name" in changes and row.resource_id is not None:
            name = key_value(fold(_read_text(changes["name"][1])))
            self.names[NameKey(hour, row.resource_id, name)] += 1

    def _add_changes(self, changes: Mapping[str, tuple[msgspec.Raw, msgspec.Raw]]) -> None:
        for field, (before, after) in changes.items():
            definition = self._custom.get(field)
            if definition is not None or field in COUNTED_FIELDS:
                self._change(field, definition, bytes(before), bytes(after))

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
