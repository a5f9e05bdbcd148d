"""The outcomes of rows, and how they are counted."""

from __future__ import annotations

import re
from collections.abc import Mapping

from onelead.domain.errors import MatchAmbiguous
from onelead.domain.writes import Outcome, WriteResult

#: Refused because several leads match.
AMBIGUOUS = "ambiguous"
#: Done before: the same row of the same source.
SKIPPED = "skipped"
#: How the API names the value of a custom field.
_CUSTOM_VALUE = re.compile(r"^Custom Fields: value of (.*?) \(definition \d+\) ")
OUTCOMES = (
    *(Outcome.CREATED.value, Outcome.UPDATED.value, Outcome.UNCHANGED.value),
    *(Outcome.REFUSED.value, AMBIGUOUS, SKIPPED),
)
#: Rows with these can be corrected and imported again.
NOT_TAKEN = (Outcome.REFUSED.value, AMBIGUOUS)


def outcome_of(result: WriteResult) -> str:
    """Return what became of a row."""
    if result.replayed_seq is not None:
        return SKIPPED
    if isinstance(result.refusal, MatchAmbiguous):
        return AMBIGUOUS
    return result.outcome.value


def why(result: WriteResult) -> str | None:
    """Return why a row was refused, for people."""
    return None if result.refusal is None else reason_text(result.refusal.message)


def reason_text(message: str) -> str:
    """Return a message of the API without what only programs need."""
    for beginning in ("Invalid input: Validation errors: ", "Invalid input: "):
        message = message.removeprefix(beginning)
    lines = (line.removeprefix("Base: ") for line in message.splitlines())
    return "; ".join(_CUSTOM_VALUE.sub(r"\1: ", line, count=1) for line in lines)


def total(counts: Mapping[str, int]) -> int:
    """Return how many rows are counted."""
    return sum(counts.values())
