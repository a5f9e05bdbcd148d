"""A lead and its ledger row as table rows: tuples in the order of the tables' columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from onelead.domain.acts.state import BatchPlan
from onelead.domain.emails import email_keys
from onelead.domain.lead import Address, Lead
from onelead.domain.limits import SORT_KEY_CHARS_MAX
from onelead.domain.matching import KEY_RULES
from onelead.domain.phones import phone_digits
from onelead.domain.text import fold
from onelead.domain.writes import LEAD, CheckedWrite, LeadWrite, RowDetails, WriteResult

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Lead)
_NO_ADDRESS = Address()
_NO_DETAILS = RowDetails()


class PlanEntries(NamedTuple):
    """Rows in the order of the tables' columns."""

    ledger: list[tuple[Any, ...]]
    #: Of `ledger_detail`.
    details: list[tuple[Any, ...]]
    #: Of `idempotency_key`.
    keys: list[tuple[Any, ...]]


def lead_from(document: str) -> Lead:
    """Read the stored form of a lead."""
    return _decoder.decode(document)


def json_text(value: Any) -> str:
    """Write a value as JSON text."""
    return _encode(value).decode()


def lead_row(account_id: int, lead: Lead) -> tuple[Any, ...]:
    """Return the row of a lead: the document, and what is derived from it."""
    address = lead.address or _NO_ADDRESS
    return (
        account_id,
        lead.id,
        lead.version,
        json_text(lead),
        _key(lead.name),
        _key(lead.first_name),
        _key(lead.last_name),
        _key(lead.middle_name),
        _key(lead.company_name),
        _key(lead.title),
        " ".join(email_keys(lead.email.email))[:SORT_KEY_CHARS_MAX] if lead.email else "",
        phone_digits(lead.phone_numbers[0].number) if lead.phone_numbers else "",
        _key(lead.socials[0].url) if lead.socials else "",
        _key(address.city),
        _key(address.state),
        _key(address.postal_code),
        _key(address.country),
        lead.assignee_id,
        lead.status_id,
        lead.customer_source_id,
        lead.monetary_value,
        lead.interaction_count,
        lead.date_created,
        lead.date_modified,
        lead.date_last_contacted,
    )


def _key(text: str | None) -> str:
    return fold(text)[:SORT_KEY_CHARS_MAX] if text else ""


def plan_entries(
    account_id: int, writes: Sequence[CheckedWrite], plan: BatchPlan, now: int
) -> PlanEntries:
    """Return the ledger rows of a plan, and what they have to say besides.

    A write that was done before has none.
    """
    entries = PlanEntries([], [], [])
    for write, result, seq in zip(writes, plan.results, plan.seqs, strict=True):
        if result.replayed_seq is not None:
            continue
        request = write.write
        entries.ledger.append(ledger_entry(account_id, seq, now, request, result))
        delivery, details = request.delivery, result.details
        if details or delivery.batch_id is not None or request.about_seq is not None:
            text = json_text(details or _NO_DETAILS)
            entries.details.append((account_id, seq, request.about_seq, delivery.batch_id, text))
        if (key := delivery.idempotency) is not None and result.refusal is None:
            entries.keys.append((account_id, key.key_hash, key.body_hash, seq))
    return entries


def ledger_entry(
    account_id: int, seq: int, now: int, write: LeadWrite, result: WriteResult
) -> tuple[Any, ...]:
    """Return the ledger row of a lead write."""
    delivery = write.delivery
    return (
        account_id,
        seq,
        now,
        delivery.request_id,
        LEAD,
        result.lead.id if result.lead else write.lead_id,
        write.action,
        result.outcome,
        result.lead.version if result.lead else None,
        delivery.user_id,
        delivery.api_key_id,
        delivery.payload,
        json_text(result.match) if result.match else None,
        json_text(result.changes) if result.changes else None,
        result.refusal.message if result.refusal else None,
        json_text(result.ignored) if result.ignored else None,
        json_text(result.shares) if result.shares else None,
        delivery.unread_bytes,
        KEY_RULES,
    )
