"""Receipts: the headers that explain a write, in API answers and on the page to try calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onelead.domain.errors import LeadMerged
from onelead.domain.limits import CHANGED_HEADER_CHARS_MAX, MATCH_IDS_MAX
from onelead.domain.writes import MatchResult, RowDetails, WriteResult


def receipt_headers(result: WriteResult) -> dict[str, str]:
    """Return the headers that explain a write."""
    headers = {
        "Lead-Outcome": result.outcome,
        "Lead-Changed": _listed(result.changes),
    }
    if result.lead is not None:
        headers["ETag"] = f'"{result.lead.version}"'
    if result.match is not None:
        headers["Lead-Match"] = _match_header(result.match, result.details)
    if result.replayed_seq is not None:
        headers["Idempotency-Replayed"] = "true"
    if result.ignored or result.shares or result.details is not None or result.refusal is not None:
        remarks = _remarks(result)
        headers |= {name: _listed(texts) for name, texts in remarks.items() if texts}
    return headers


def row_headers(seqs: Iterable[int | None]) -> dict[str, str]:
    """Return the header that names the ledger rows of a call, or that there are none.

    An item of a dry run has no ledger number.
    """
    numbers = [str(seq) for seq in seqs if seq is not None]
    return {"Ledger-Row": _listed(numbers)} if numbers else {"Lead-Dry-Run": "true"}


def bulk_receipt_headers(results: Sequence[WriteResult]) -> dict[str, str]:
    """Return the headers that explain a bulk call; items are numbered from 0."""
    remarks: dict[str, list[str]] = {}
    for number, result in enumerate(results):
        for name, texts in _remarks(result).items():
            remarks.setdefault(name, []).extend(f"[{number}] {text}" for text in texts)
    headers = {"Lead-Outcome": ", ".join(result.outcome.value for result in results)}
    replayed = [f"[{n}]" for n, result in enumerate(results) if result.replayed_seq is not None]
    if replayed:
        is_whole = len(replayed) == len(results)
        headers["Idempotency-Replayed"] = "true" if is_whole else ", ".join(replayed)
    return headers | {name: _listed(texts) for name, texts in remarks.items() if texts}


def _remarks(result: WriteResult) -> dict[str, Sequence[str]]:
    """Return what most writes have nothing to say about."""
    remarks: dict[str, Sequence[str]] = {}
    if result.ignored or result.shares:
        shares = [_share(*share) for share in result.shares.items()]
        remarks = {"Lead-Ignored": result.ignored, "Lead-Shares": shares}
    if result.details is not None:
        kept = [f"{name} ({one.reason})" for name, one in result.details.kept.items()]
        remarks["Lead-Kept"] = kept
    if (survivor_id := _survivor_id(result)) is not None:
        remarks["Lead-Merged-Into"] = [str(survivor_id)]
    return remarks


def _survivor_id(result: WriteResult) -> int | None:
    """Return the lead that stands for the merged one which the write named."""
    if isinstance(result.refusal, LeadMerged):
        return result.refusal.into_id
    is_merged = result.details is not None and result.details.via_id is not None
    return result.lead.id if is_merged and result.lead is not None else None


def _listed(names: Iterable[str]) -> str:
    """List names, as many as fit in a header; the ledger has them all."""
    fields = ", ".join(names)
    if len(fields) <= CHANGED_HEADER_CHARS_MAX:
        return fields
    return fields[: fields.rindex(", ", 0, CHANGED_HEADER_CHARS_MAX)] + ", ..."


def _match_header(match: MatchResult, details: RowDetails | None) -> str:
    count = match.matches if match.matches <= MATCH_IDS_MAX else f"{MATCH_IDS_MAX}+"
    definition = f"; definition={match.definition_id}" if match.definition_id else ""
    by = f"; by={match.by}" if match.by else ""
    step = f"; step={details.step}" if details is not None and details.step else ""
    return f"field={match.field_name}{definition}; matches={count}{by}{step}"


def _share(name: str, ids: Sequence[int]) -> str:
    """Name a field and the other leads with its value, when they are not too many."""
    shown = map(str, ids) if len(ids) <= MATCH_IDS_MAX else [f"{MATCH_IDS_MAX}+"]
    return f"{name}; {' '.join(shown)}"
