"""Reads: each was answered with what a single moment of the account's history was.

A moment is a row of the ledger: the leads as that row left them. What was answered before a read
was sent came before its moment, whether it was a write or another read; what was sent after the
read was answered came after it. So a read that shows an older state than one that somebody has seen
is found, and so is a page that mixes two states.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf
from typing import Any

import msgspec
from msgspec import Struct

from onelead.api.wire import lead_body
from onelead.contract.ledger import LedgerEntry
from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead
from onelead.domain.limits import PAGE_SIZE_MAX
from onelead.domain.matching import email_match_keys
from onelead.domain.writes import LEAD, Outcome
from onelead.prove.check.replay import VIOLATIONS_MAX, Replay
from onelead.prove.operations import Operation, Read, ReadKind

_OK, _NOT_FOUND = 200, 404
_SHOWN_CHARS = 200
_encode = msgspec.json.Encoder().encode


class _HistoryRow(Struct, frozen=True, gc=False):
    seq: int
    lead_id: int | None
    outcome: str
    version: int | None


class _Shown(Struct, frozen=True, gc=False):
    id: int


_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_shown = msgspec.json.Decoder(_Shown).decode
_history = msgspec.json.Decoder(list[_HistoryRow]).decode


class _Window(Struct, gc=False):
    """A read, and the first and the last row that can be its moment."""

    read: Read
    first: int
    last: int
    #: By lead, what the answer shows, byte by byte, in its order.
    leads: dict[int, bytes] = {}
    rows: Sequence[_HistoryRow] = ()


class _Bounds:
    """Between which rows of the ledger the moment of a read has to be."""

    def __init__(self, operations: Mapping[int, Operation], first: int, last: int) -> None:
        self._first, self._last = first, last
        in_time = sorted((one.answered, seq) for seq, one in operations.items())
        self._answered = [answered for answered, _seq in in_time]
        self._last_answered = [*accumulate((seq for _answered, seq in in_time), max)]
        self._seqs = sorted(operations)
        # A row that comes after one that was sent late is later still.
        self._sent = [*accumulate((operations[seq].sent for seq in self._seqs), max)]

    def of(self, read: Read) -> tuple[int, int]:
        """Return the first and the last row."""
        place = bisect_left(self._answered, read.sent)
        first = self._last_answered[place - 1] if place else self._first
        place = bisect_left(self._sent, read.answered)
        last = self._seqs[place] - 1 if place < len(self._seqs) else self._last
        return first, last


class _Moment:
    """What reads should show at the row of the ledger that the replay has reached."""

    def __init__(self) -> None:
        #: By lead, the rows of its history that were not refused, oldest first.
        self._histories: dict[int, list[_HistoryRow]] = defaultdict(list)
        self._bodies: dict[int, tuple[Lead, bytes]] = {}

    def add(self, entry: LedgerEntry) -> None:
        """Remember a row for the histories."""
        if entry.resource == LEAD and entry.outcome != Outcome.REFUSED and entry.resource_id:
            row = _HistoryRow(entry.seq, entry.resource_id, entry.outcome, entry.version)
            self._histories[entry.resource_id].append(row)

    def explains(self, window: _Window, replay: Replay) -> bool:
        """Return whether this moment is what a read was answered with."""
        match window.read.kind:
            case ReadKind.LEAD:
                return self._explains_lead(window.read, replay)
            case ReadKind.HISTORY:
                return self._explains_history(window)
            case ReadKind.SEARCH:
                return self._explains_search(window, replay)
            case ReadKind.LIST:
                return self._explains_list(window, replay)

    def _explains_lead(self, read: Read, replay: Replay) -> bool:
        assert isinstance(read.about, int)
        merged = None if read.about in replay.leads else replay.merged.get(read.about)
        lead = replay.leads.get(merged.lead_id if merged else read.about)
        if lead is None:
            return read.status == _NOT_FOUND
        survivor = str(merged.lead_id) if merged else None
        shown = (read.status, read.etag, read.merged_into)
        if shown != (_OK, f'"{lead.version}"', survivor):
            return False
        return read.body == self._body(lead, replay.settings)

    def _explains_history(self, window: _Window) -> bool:
        """Compare the rows of the lead itself; refusals that name it come a moment later."""
        assert isinstance(window.read.about, int)
        rows = self._histories.get(window.read.about, [])
        if window.read.status == _NOT_FOUND:
            return not rows
        own = [
            row
            for row in window.rows
            if row.lead_id == window.read.about and row.outcome != Outcome.REFUSED
        ]
        if len(window.rows) == PAGE_SIZE_MAX:
            # There may be older ones.
            rows = rows[-len(own) :] if own else []
        return own == rows[::-1]

    def _explains_search(self, window: _Window, replay: Replay) -> bool:
        assert isinstance(window.read.about, str)
        keys = email_match_keys(window.read.about)
        ids = {one for key in keys for one in replay.ids_by_key.get((key.field, key.value), ())}
        if window.read.total != str(len(ids)):
            return False
        return (ids == {*window.leads} or len(ids) > PAGE_SIZE_MAX) and self._are_shown(
            window, replay
        )

    def _explains_list(self, window: _Window, replay: Replay) -> bool:
        leads = replay.leads
        if window.read.total != str(len(leads)) or not self._are_shown(window, replay):
            return False
        dates = sorted((lead.date_modified for lead in leads.values()), reverse=True)
        return [leads[one].date_modified for one in window.leads] == dates[:PAGE_SIZE_MAX]

    def _are_shown(self, window: _Window, replay: Replay) -> bool:
        return all(
            one in replay.leads and shown == self._body(replay.leads[one], replay.settings)
            for one, shown in window.leads.items()
        )

    def _body(self, lead: Lead, settings: AccountSettings) -> bytes:
        """Return a lead as it is shown; nothing about that changes during a proof."""
        known = self._bodies.get(lead.id)
        if known is None or known[0] is not lead:
            known = self._bodies[lead.id] = lead, _encode(lead_body(lead, settings))
        return known[1]


@dataclass
class Reads:
    """The reads of a history, compared while its ledger is replayed."""

    #: How many were explained.
    explained: int = 0
    #: Those that no moment explains.
    violations: list[str] = field(default_factory=list)
    _waiting: list[_Window] = field(default_factory=list)
    _active: list[_Window] = field(default_factory=list)
    _moment: _Moment = field(default_factory=_Moment)

    @classmethod
    def of(
        cls, reads: Sequence[Read], operations: Mapping[int, Operation], *, first: int, last: int
    ) -> Reads:
        """Take the reads, in the order of sending; `operations` are those of the ledger's rows.

        `first` and `last` are the rows before the first operation and after the last one.
        """
        found = cls()
        bounds = _Bounds(operations, first, last)
        # The next one is the last of the list.
        for read in reversed(reads):
            if read.status in (_OK, _NOT_FOUND):
                found._waiting.append(_window(read, *bounds.of(read)))
            else:
                found._violation(f"{_named(read)} was answered with {read.status}: {_text(read)}")
        return found

    def add(self, replay: Replay, entry: LedgerEntry) -> None:
        """Look at the moment after a row."""
        self._moment.add(entry)
        self._compare(replay, entry.seq)

    def finish(self) -> None:
        """Find the reads that no row explained."""
        for window in [*self._active, *reversed(self._waiting)]:
            self._unexplained(window)

    def _compare(self, replay: Replay, seq: int) -> None:
        while self._waiting and self._waiting[-1].first <= seq:
            self._active.append(self._waiting.pop())
        left: list[_Window] = []
        # When the first of those was answered that have no moment yet.
        answered = inf
        for window in self._active:
            read = window.read
            if read.sent <= answered and self._moment.explains(window, replay):
                self.explained += 1
            elif window.last <= seq:
                self._unexplained(window)
            else:
                left.append(window)
                answered = min(answered, read.answered)
        self._active = left

    def _unexplained(self, window: _Window) -> None:
        read = window.read
        headers = (read.etag, read.merged_into, read.total)
        names = ("version", "merged into", "in all")
        shown = [f", {name} {value}" for name, value in zip(names, headers, strict=True) if value]
        self._violation(
            f"{_named(read)} was answered with {read.status}{''.join(shown)}, which no moment from "
            f"row {window.first} to row {window.last} explains: {_text(read)}"
        )

    def _violation(self, text: str) -> None:
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(text)


def _window(read: Read, first: int, last: int) -> _Window:
    window = _Window(read, first, last)
    if read.status != _OK:
        return window
    if read.kind is ReadKind.HISTORY:
        window.rows = _history(read.body)
    elif read.kind is not ReadKind.LEAD:
        window.leads = {_shown(item).id: bytes(item) for item in _items(read.body)}
    return window


def _text(read: Read) -> str:
    return read.body.decode(errors="replace")[:_SHOWN_CHARS]


def _named(read: Read) -> str:
    about: Any = "" if read.about is None else f" {read.about}"
    return f"client {read.client}: {read.kind}{about}"
