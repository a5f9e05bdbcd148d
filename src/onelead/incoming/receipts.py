"""Receipts: the headers that explain a write, in API answers and on the page to try calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onelead.domain.limits import CHANGED_HEADER_CHARS_MAX, MATCH_IDS_MAX
from onelead.domain.writes import MatchResult, WriteResult


def receipt_headers(result: WriteResult) -> dict[str, str]:
    """Return the headers that explain a write."""
    headers = {
        "Lead-Outcome": result.outcome.value,
        "Lead-Changed": _listed(result.changes),
    }
    if result.lead is not None:
        headers["ETag"] = f'"{result.lead.version}"'
    if result.match is not None:
        headers["Lead-Match"] = _match_header(result.match)
    return headers | {name: _listed(texts) for name, texts in _remarks(result).items() if texts}


def bulk_receipt_headers(results: Sequence[WriteResult]) -> dict[str, str]:
    """Return the headers that explain a bulk call; items are numbered from 0."""
    remarks: dict[str, list[str]] = {}
    for number, result in enumerate(results):
        for name, texts in _remarks(result).items():
            remarks.setdefault(name, []).extend(f"[{number}] {text}" for text in texts)
    headers = {"Lead-Outcome": ", ".join(result.outcome.value for result in results)}
    return headers | {name: _listed(texts) for name, texts in remarks.items() if texts}


def _remarks(result: WriteResult) -> dict[str, Sequence[str]]:
    """Return what most writes have nothing to say about."""
    if not result.ignored and not result.shares:
        return {}
    shares = [_share(*share) for share in result.shares.items()]
    return {"Lead-Ignored": result.ignored, "Lead-Shares": shares}


def _listed(names: Iterable[str]) -> str:
    """List names, as many as fit in a header; the ledger has them all."""
    fields = ", ".join(names)
    if len(fields) <= CHANGED_HEADER_CHARS_MAX:
        return fields
    return fields[: fields.rindex(", ", 0, CHANGED_HEADER_CHARS_MAX)] + ", ..."


def _match_header(match: MatchResult) -> str:
    count = match.matches if match.matches <= MATCH_IDS_MAX else f"{MATCH_IDS_MAX}+"
    definition = f"; definition={match.definition_id}" if match.definition_id else ""
    by = f"; by={match.by}" if match.by else ""
    return f"field={match.field_name}{definition}; matches={count}{by}"


def _share(name: str, ids: Sequence[int]) -> str:
    """Name a field and the other leads with its value, when they are not too many."""
    shown = map(str, ids) if len(ids) <= MATCH_IDS_MAX else [f"{MATCH_IDS_MAX}+"]
    return f"{name}; {' '.join(shown)}"
