"""Idempotency keys: a write that is asked for again is answered as it was, and not done again."""

from __future__ import annotations

from msgspec import structs

from onelead.domain.acts.facts import Facts, KeyedWrite
from onelead.domain.errors import IdempotencyKeyReused
from onelead.domain.writes import IdempotencyKey, LeadWrite, Outcome, RowDetails, WriteResult


def done_before(facts: Facts, key: IdempotencyKey) -> WriteResult | None:
    """Return what was answered to the same key; None for a new one.

    The items of a bulk call share its key: after one of them was done, no other body is taken.
    """
    hashes = (key.key_hash, *key.call_hashes)
    done = [facts.keyed[one] for one in hashes if one in facts.keyed]
    if any(one.body_hash != key.body_hash for one in done):
        return WriteResult(Outcome.REFUSED, refusal=IdempotencyKeyReused())
    same = facts.keyed.get(key.key_hash)
    return structs.replace(same.result, replayed_seq=same.seq) if same else None


def remembered(facts: Facts, key: IdempotencyKey, result: WriteResult, seq: int) -> WriteResult:
    """Return the result of a write with a key with all that answers it again, and remember it."""
    answer = result.lead if key.is_answered else None
    details = structs.replace(result.details or RowDetails(), answer=answer, key_hash=key.key_hash)
    result = structs.replace(result, details=details)
    facts.keyed[key.key_hash] = KeyedWrite(seq, key.body_hash, result)
    return result


def refused_with(result: WriteResult, request: LeadWrite) -> WriteResult:
    """Return the result of a refused delivery with what it takes to apply or replace it later."""
    delivery = request.delivery
    if delivery.observed_at is None and delivery.idempotency is None and delivery.line is None:
        return result
    details = structs.replace(
        result.details or RowDetails(),
        observed_at=delivery.observed_at,
        key_hash=delivery.idempotency.key_hash if delivery.idempotency else None,
        line=delivery.line,
    )
    return structs.replace(result, details=details)
