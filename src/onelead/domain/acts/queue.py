"""The queue of refused deliveries: what puts a ledger row in it, and what one answer can settle."""

from __future__ import annotations

import re
from typing import NamedTuple, Protocol

import msgspec
from msgspec import Struct

from onelead.domain.writes import DELIVERED, MatchResult, Outcome

#: What the groups of ambiguous matches, of bodies that could not be read and of reasons begin with.
AMBIGUOUS, UNREAD, REASON = "match", "unread", "reason"
#: Of a reason; the database could not index a long one.
_REASON_CHARS_MAX = 120
#: What a message quotes from the delivery: JSON texts, numbers, and all after “not”.
_VALUES = re.compile(r'"(?:[^"\\]|\\.)*"|\d+')
_SENT = re.compile(r"(, not |must be positive integers: |; its version is ).*")

_read_match = msgspec.json.Decoder(MatchResult).decode


class _Mark(Struct):
    erased: msgspec.Raw | None = None


_read_mark = msgspec.json.Decoder(_Mark).decode


class QueueRow(NamedTuple):
    """The part of a lead write's ledger row that the queue needs; `date` is Unix seconds."""

    seq: int
    date: int
    action: str
    outcome: str
    user_id: int | None
    api_key_id: int | None
    #: JSON, as in the ledger.
    match: str | None
    message: str | None
    unread_bytes: int | None
    about_seq: int | None
    #: JSON: `RowDetails`.
    details: str | None

    @property
    def erased(self) -> object:
        """The mark of an erased row."""
        return None if self.details is None else _read_mark(self.details).erased


class LeadRow(Protocol):
    """A lead write's ledger row, as the queue or a front end reads it."""

    @property
    def action(self) -> str:
        """What was asked for."""

    @property
    def outcome(self) -> str:
        """What became of it."""

    @property
    def about_seq(self) -> int | None:
        """The row that it is about."""

    @property
    def erased(self) -> object:
        """The mark of an erased row."""


def is_refused_delivery(row: LeadRow) -> bool:
    """Return whether a row belongs in the queue: a delivery, and not one that is tried again."""
    is_delivery = row.action in DELIVERED and row.about_seq is None
    # Nobody decides about what has been erased.
    return is_delivery and row.outcome == Outcome.REFUSED and row.erased is None


def delivery_group(row: QueueRow) -> str:
    """Return what a refused delivery has in common with others that one answer settles with it.

    For an ambiguous match that is the field, the definition and the value; else the reason, which
    is its first problem without the values in it.
    """
    if row.unread_bytes is not None:
        return f"{UNREAD} {_reason(row.message or '')}"
    match = _read_match(row.match) if row.match else None
    if match is not None and match.matches > 1 and match.by in (None, "properties"):
        of = "" if match.definition_id is None else f"-{match.definition_id}"
        return f"{AMBIGUOUS} {match.field_name}{of} {match.value}"
    return f"{REASON} {_reason(row.message or '')}"


def kind_of(group: str) -> str:
    """Return what kind of group a group is: ambiguous, unread or a reason."""
    return group.partition(" ")[0]


def _reason(message: str) -> str:
    problem = message.removeprefix("Invalid input: Validation errors: ").partition("\n")[0]
    return _VALUES.sub("…", _SENT.sub(r"\1…", problem))[:_REASON_CHARS_MAX]
