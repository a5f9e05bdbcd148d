"""What a batch needs to know besides leads and matches, read while the lane is held. Portable.

A usual batch needs none of it. The statements are yielded to the engine, which runs them in its
own way and sends back the rows; each is one for the whole batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec
from sqlalchemy import Select, and_, or_, select

from onelead.domain.account import AccountSettings
from onelead.domain.acts.changes import changes_from
from onelead.domain.acts.facts import (
    ActFact,
    Combination,
    KeyedWrite,
    LaterChange,
    LedgerFact,
    MergedLead,
)
from onelead.domain.acts.finding import combinations_of
from onelead.domain.acts.policies import field_of
from onelead.domain.acts.state import Snapshot
from onelead.domain.acts.undo import claims_coming_back
from onelead.domain.limits import MATCH_IDS_MAX, UNDO_LATER_ROWS_MAX
from onelead.domain.matching import MatchKey, claim_field
from onelead.domain.writes import (
    LEAD,
    Action,
    CheckedWrite,
    MatchResult,
    Outcome,
    RowDetails,
    WriteResult,
)
from onelead.storage.leads.rows import lead_from
from onelead.storage.schema import (
    distinct_pair,
    idempotency_key,
    lead,
    ledger,
    ledger_detail,
    match_key,
    merged_lead,
)

T = TypeVar("T")
Rows: TypeAlias = Sequence[Sequence[Any]]
#: Statements to run, whose rows are sent back.
Reads: TypeAlias = Generator[Select[Any], Rows, T]

_details = msgspec.json.Decoder(RowDetails)
_names = msgspec.json.Decoder(dict[str, msgspec.Raw])
_match = msgspec.json.Decoder(MatchResult)
_ignored = msgspec.json.Decoder(tuple[str, ...])
_shares = msgspec.json.Decoder(dict[str, tuple[int, ...]])


def answered(reads: Reads[T], rows_of: Any) -> T:
    """Run the statements with a function that returns the rows of one, and return the result."""
    try:
        statement = next(reads)
        while True:
            statement = reads.send(rows_of(statement))
    except StopIteration as done:
        result: T = done.value
        return result


def needs_facts(writes: Iterable[CheckedWrite], snapshot: Snapshot) -> bool:
    """Return whether the plan of the writes needs more than leads and matches."""
    for write in writes:
        request = write.write
        if (
            request.delivery.idempotency is not None
            or request.about_seq is not None
            or request.merge is not None
            or request.pair is not None
            or write.steps
        ):
            return True
        if request.lead_id is not None and request.lead_id not in snapshot.leads:
            return True
        if any(len(snapshot.matches[(key.field, key.value)]) > 1 for key in write.keys):
            return True
    return False


def read_facts(
    settings: AccountSettings, writes: Sequence[CheckedWrite], snapshot: Snapshot, most: int
) -> Reads[None]:
    """Add to a snapshot what its writes need besides; `most` is `matches_needed`."""
    yield from _FactReads(settings, writes, snapshot, most).all()


class _FactReads:
    """The statements of one batch."""

    def __init__(
        self,
        settings: AccountSettings,
        writes: Sequence[CheckedWrite],
        snapshot: Snapshot,
        most: int,
    ) -> None:
        self._settings = settings
        self._account_id = settings.account_id
        self._writes = [write for write in writes if write.refusal is None]
        self._keyed = {
            key_hash
            for write in writes
            if (key := write.write.delivery.idempotency) is not None
            for key_hash in (key.key_hash, *key.call_hashes)
        }
        self._snapshot = snapshot
        self._facts = snapshot.facts
        self._most = most

    def all(self) -> Reads[None]:
        """Read everything in an order in which each statement knows what to look for."""
        seqs = {write.write.about_seq for write in self._writes} - {None}
        if seqs:
            yield from self._read_rows(seqs)
            yield from self._read_acts({*seqs})
        if self._keyed:
            yield from self._read_keyed()
        yield from self._read_matches()
        yield from self._read_merged()
        yield from self._read_leads(self._lead_ids())
        if any(write.write.action is Action.UNDO for write in self._writes):
            yield from self._read_later()
        if pairs := self._pairs():
            yield from self._read_pairs(pairs)

    def _read_keyed(self) -> Reads[None]:
        table = idempotency_key
        rows = yield (
            select(
                *(table.c.key_hash, table.c.body_hash, ledger.c.seq, ledger.c.outcome),
                *(ledger.c.match, ledger.c.changes, ledger.c.ignored, ledger.c.shares),
                ledger_detail.c.details,
            )
            .where(table.c.account_id == self._account_id, table.c.key_hash.in_(self._keyed))
            .join(ledger, _same(table, ledger))
            .join(ledger_detail, _same(table, ledger_detail))
        )
        for key_hash, body_hash, seq, outcome, match, changes, ignored, shares, text in rows:
            details = _details.decode(text)
            result = WriteResult(
                Outcome(outcome),
                details.answer,
                changes_from(changes) if changes else {},
                _match.decode(match) if match else None,
                ignored=_ignored.decode(ignored) if ignored else (),
                shares=_shares.decode(shares) if shares else {},
                details=details,
            )
            self._facts.keyed[key_hash] = KeyedWrite(seq, body_hash, result)

    def _read_rows(self, seqs: Iterable[int | None]) -> Reads[None]:
        rows = yield (
            select(
                *(ledger.c.seq, ledger.c.resource, ledger.c.action, ledger.c.outcome),
                *(ledger.c.resource_id, ledger.c.version, ledger.c.changes),
                *(ledger_detail.c.about_seq, ledger_detail.c.details),
            )
            .where(ledger.c.account_id == self._account_id, ledger.c.seq.in_(seqs))
            .outerjoin(ledger_detail, _same(ledger, ledger_detail))
        )
        for seq, resource, action, outcome, lead_id, version, changes, about, text in rows:
            details = _details.decode(text) if text else RowDetails()
            self._facts.rows[seq] = LedgerFact(
                seq, resource, action, outcome, lead_id, version, changes, details, about
            )
            if outcome == Outcome.REFUSED and details.key_hash is not None:
                # Whether the delivery was accepted since.
                self._keyed.add(details.key_hash)

    def _read_acts(self, about: set[Any]) -> Reads[None]:
        """Read the rows about rows, and those about these, until there are no more."""
        table = ledger_detail
        while about:
            rows = yield (
                select(table.c.about_seq, ledger.c.seq, ledger.c.action, ledger.c.outcome)
                .where(table.c.account_id == self._account_id, table.c.about_seq.in_(about))
                .join(ledger, _same(table, ledger))
                .order_by(ledger.c.seq)
            )
            about = set()
            for about_seq, seq, action, outcome in rows:
                self._facts.acts.setdefault(about_seq, []).append(ActFact(seq, action, outcome))
                about.add(seq)

    def _read_matches(self) -> Reads[None]:
        """Read the rulings on ambiguous values, and the leads that have several values."""
        ambiguous = defaultdict(set)
        for write in self._writes:
            for key in write.keys:
                if len(self._snapshot.matches[(key.field, key.value)]) > 1:
                    ambiguous[claim_field(key.field)].add(key.value)
        for fact in self._facts.rows.values():
            for key in claims_coming_back(fact, self._settings):
                ambiguous[key.field].add(key.value)
        for field, values in ambiguous.items():
            found = dict[tuple[str, str], list[int]](((field, value), []) for value in values)
            for value, lead_id in (yield self._keys(field, values)):
                found[field, value].append(lead_id)
            self._snapshot.matches.update(found)
        for combination in {one for write in self._writes for one in _combinations(write)}:
            rows = yield self._with_all(combination)
            self._facts.combinations[combination] = [lead_id for (lead_id,) in rows]

    def _keys(self, field: str, values: Iterable[str]) -> Select[Any]:
        return select(match_key.c.value, match_key.c.lead_id).where(
            match_key.c.account_id == self._account_id,
            match_key.c.field == field,
            match_key.c.value.in_(values),
        )

    def _with_all(self, combination: Combination) -> Select[Any]:
        """Select the leads that have a key of each entry, beginning with what fewest have."""

        def found(keys: Sequence[MatchKey]) -> int:
            return sum(len(self._snapshot.matches[(key.field, key.value)]) for key in keys)

        first, *others = sorted(combination, key=found)
        statement = select(match_key.c.lead_id).where(*_has(match_key, self._account_id, first))
        for number, keys in enumerate(others):
            other = match_key.alias(f"other_{number}")
            same_lead = other.c.lead_id == match_key.c.lead_id
            has_key = select(other.c.lead_id).where(*_has(other, self._account_id, keys), same_lead)
            statement = statement.where(has_key.exists())
        # A lead may have several keys of an entry.
        return statement.distinct().order_by(match_key.c.lead_id).limit(self._most)

    def _read_merged(self) -> Reads[None]:
        named = {*self._named()} - self._snapshot.leads.keys()
        moved = {*self._moved()}
        if not named and not moved:
            return
        table = merged_lead
        rows = yield (
            select(table.c.id, table.c.lead_id, table.c.into_id, table.c.seq).where(
                table.c.account_id == self._account_id,
                or_(table.c.id.in_(named), table.c.lead_id.in_(moved)),
            )
        )
        self._facts.merged.update({row[0]: MergedLead(*row) for row in rows})

    def _named(self) -> Iterator[int]:
        """Yield the leads that writes name."""
        for write in self._writes:
            request = write.write
            if request.lead_id is not None:
                yield request.lead_id
            yield from request.merge.lead_ids if request.merge else ()
            yield from request.pair or ()
        for fact in self._facts.rows.values():
            if fact.resource_id is not None and fact.resource == LEAD:
                yield fact.resource_id
            yield from (one.id for one in (*fact.details.merged, *fact.details.restored))

    def _moved(self) -> Iterator[int]:
        """Yield the leads whose merged leads may lead elsewhere afterwards."""
        for write in self._writes:
            if (merge := write.write.merge) is not None:
                yield from merge.lead_ids
        for fact in self._facts.rows.values():
            if fact.details.merged or fact.details.restored:
                yield from self._named()

    def _lead_ids(self) -> set[int]:
        ids = {*self._named()}
        ids |= {one.lead_id for one in self._facts.merged.values()}
        for write in self._writes:
            if write.match is None:
                continue
            for key in write.keys:
                found = self._snapshot.matches[(key.field, key.value)]
                claimed = self._snapshot.matches.get((claim_field(key.field), key.value), ())
                ids.update(claimed)
                if write.write.on_ambiguous != "refuse" and len(found) <= MATCH_IDS_MAX:
                    ids.update(found)
            for combination in _combinations(write):
                found = self._facts.combinations[combination]
                ids.update(found if len(found) <= MATCH_IDS_MAX else ())
        return ids - self._snapshot.leads.keys()

    def _read_leads(self, ids: set[int]) -> Reads[None]:
        if not ids:
            return
        rows = yield select(lead.c.document).where(
            lead.c.account_id == self._account_id, lead.c.id.in_(ids)
        )
        for (document,) in rows:
            found = lead_from(document)
            self._snapshot.leads[found.id] = found

    def _read_later(self) -> Reads[None]:
        facts = self._facts.rows.values()
        of_leads = [fact for fact in facts if fact.resource == LEAD and fact.resource_id]
        if not of_leads:
            return
        ids = {fact.resource_id for fact in of_leads}
        # Of several leads, neither the order nor the range may lure the database away from the
        # index by resource: PostgreSQL would read all that was written since.
        seq = ledger.c.seq if len(ids) == 1 else ledger.c.seq + 0
        rows = yield (
            select(ledger.c.resource_id, ledger.c.seq, ledger.c.changes)
            .where(
                ledger.c.account_id == self._account_id,
                ledger.c.resource_id.in_(ids),
                seq > min(fact.seq for fact in of_leads),
                ledger.c.changes.is_not(None),
            )
            .order_by(seq.desc())
            .limit(UNDO_LATER_ROWS_MAX)
        )
        self._facts.later.update({lead_id: [] for lead_id in ids if lead_id is not None})
        for lead_id, seq, changes in rows:
            fields = frozenset(map(field_of, _names.decode(changes)))
            self._facts.later[lead_id].append(LaterChange(seq, fields))

    def _pairs(self) -> set[tuple[int, int]]:
        pairs = {fact.details.pair for fact in self._facts.rows.values()}
        pairs |= {write.write.pair for write in self._writes}
        return {(min(pair), max(pair)) for pair in pairs if pair is not None}

    def _read_pairs(self, pairs: set[tuple[int, int]]) -> Reads[None]:
        table = distinct_pair
        either = (and_(table.c.first_id == one, table.c.second_id == two) for one, two in pairs)
        rows = yield select(table.c.first_id, table.c.second_id).where(
            table.c.account_id == self._account_id, or_(*either)
        )
        self._facts.pairs.update((first, second) for first, second in rows)


def _same(one: Any, other: Any) -> Any:
    return and_(one.c.account_id == other.c.account_id, one.c.seq == other.c.seq)


def _combinations(write: CheckedWrite) -> Iterator[Combination]:
    return (one for step in write.steps if len(step) > 1 for one in combinations_of(step))


def _has(table: Any, account_id: int, keys: Sequence[MatchKey]) -> tuple[Any, ...]:
    return (
        table.c.account_id == account_id,
        table.c.field == keys[0].field,
        table.c.value.in_([key.value for key in keys]),
    )
