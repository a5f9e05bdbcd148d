"""Receipts: the headers that explain a write, in API answers and on the page to try calls."""

from __future__ import annotations

from onelead.domain.lead import Changes
from onelead.domain.limits import CHANGED_HEADER_CHARS_MAX, MATCH_IDS_MAX
from onelead.domain.writes import MatchResult, WriteResult


def receipt_headers(result: WriteResult) -> dict[str, str]:
    """Return the headers that explain a write."""
    headers = {
        "Lead-Outcome": result.outcome.value,
        "Lead-Changed": _changed_header(result.changes),
    }
    if result.lead is not None:
        headers["ETag"] = f'"{result.lead.version}"'
    if result.match is not None:
        headers["Lead-Match"] = _match_header(result.match)
    return headers


def _changed_header(changes: Changes) -> str:
    """List the changed fields, as many as fit in a header; the ledger has them all."""
    fields = ", ".join(changes)
    if len(fields) <= CHANGED_HEADER_CHARS_MAX:
        return fields
    return fields[: fields.rindex(", ", 0, CHANGED_HEADER_CHARS_MAX)] + ", ..."


def _match_header(match: MatchResult) -> str:
    count = match.matches if match.matches <= MATCH_IDS_MAX else f"{MATCH_IDS_MAX}+"
    definition = f"; definition={match.definition_id}" if match.definition_id else ""
    return f"field={match.field_name}{definition}; matches={count}"
