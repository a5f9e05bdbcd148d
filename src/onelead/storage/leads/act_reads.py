"""What a batch needs to know besides leads and matches, read while the lane is held. Portable.

A usual batch needs none of it. The statements are yielded to the engine, which runs them in its
own way and sends back the rows; each is one for the whole batch. They are made once, so that an
engine compiles each of them once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias, TypeVar

import msgspec
from sqlalchemy import BindParameter, Dialect, Select, and_, bindparam, or_, select
from sqlalchemy.sql.compiler import ExpandedState, SQLCompiler

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


class Read(NamedTuple):
    """A statement to run, with the values of its parameters."""

    statement: Select[Any]
    values: dict[str, Any]

    def expanded(self, dialect: Dialect) -> ExpandedState:
        """Return the text for a database and its parameters, one for each value of a list."""
        return _compiled(self.statement, dialect).construct_expanded_state(self.values)


@cache
def _compiled(statement: Select[Any], dialect: Dialect) -> SQLCompiler:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return compiled


#: Statements to run, whose rows are sent back.
Reads: TypeAlias = Generator[Read, Rows, T]

_details = msgspec.json.Decoder(RowDetails)
_names = msgspec.json.Decoder(dict[str, msgspec.Raw])
_match = msgspec.json.Decoder(MatchResult)
_ignored = msgspec.json.Decoder(tuple[str, ...])
_shares = msgspec.json.Decoder(dict[str, tuple[int, ...]])


def answered(reads: Reads[T], rows_of: Callable[[Read], Rows]) -> T:
    """Run the statements with a function that returns the rows of one, and return the result."""
    try:
        read = next(reads)
        while True:
            read = reads.send(rows_of(read))
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
        if any(_is_open(write, key, snapshot) for key in write.keys):
            return True
    return False


def _is_open(write: CheckedWrite, key: MatchKey, snapshot: Snapshot) -> bool:
    """Return whether an ambiguous match may be more than a refusal."""
    if len(snapshot.matches[(key.field, key.value)]) <= 1:
        return False
    claimed = snapshot.matches.get((claim_field(key.field), key.value))
    return claimed is None or bool(claimed) or write.write.on_ambiguous != "refuse"


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
        rows = yield self._read(_KEYED, keys=self._keyed)
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
        rows = yield self._read(_ROWS, seqs=seqs)
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
        while about:
            rows = yield self._read(_ACTS, about=about)
            about = set()
            for about_seq, seq, action, outcome in rows:
                self._facts.acts.setdefault(about_seq, []).append(ActFact(seq, action, outcome))
                about.add(seq)

    def _read_matches(self) -> Reads[None]:
        """Read the rulings on ambiguous values, and the leads that have several values."""
        ambiguous = defaultdict(set)
        matches = self._snapshot.matches
        for write in self._writes:
            for key in write.keys:
                claims = (claim_field(key.field), key.value)
                if len(matches[(key.field, key.value)]) > 1 and claims not in matches:
                    ambiguous[claims[0]].add(key.value)
        for fact in self._facts.rows.values():
            for key in claims_coming_back(fact, self._settings):
                ambiguous[key.field].add(key.value)
        for field, values in ambiguous.items():
            found = dict[tuple[str, str], list[int]](((field, value), []) for value in values)
            for value, lead_id in (yield self._read(_CLAIMS, field=field, values=values)):
                found[field, value].append(lead_id)
            matches.update(found)
        for combination in {one for write in self._writes for one in _combinations(write)}:
            rows = yield self._with_all(combination)
            self._facts.combinations[combination] = [lead_id for (lead_id,) in rows]

    def _with_all(self, combination: Combination) -> Read:
        """Look for leads that have a key of each entry, beginning with what fewest have."""

        def found(keys: Sequence[MatchKey]) -> int:
            return sum(len(self._snapshot.matches[(key.field, key.value)]) for key in keys)

        entries = sorted(combination, key=found)
        fields = {f"field_{n}": keys[0].field for n, keys in enumerate(entries)}
        values = {f"values_{n}": [key.value for key in keys] for n, keys in enumerate(entries)}
        return self._read(_with_all(len(entries)), most=self._most, **fields, **values)

    def _read_merged(self) -> Reads[None]:
        named = {*self._named()} - self._snapshot.leads.keys()
        moved = {*self._moved()}
        if not named and not moved:
            return
        rows = yield self._read(_MERGED, named=named, moved=moved)
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
        rows = yield self._read(_LEADS, ids=ids)
        for (document,) in rows:
            found = lead_from(document)
            self._snapshot.leads[found.id] = found

    def _read_later(self) -> Reads[None]:
        facts = self._facts.rows.values()
        of_leads = [fact for fact in facts if fact.resource == LEAD and fact.resource_id]
        if not of_leads:
            return
        ids = {fact.resource_id for fact in of_leads}
        statement = _LATER_OF_ONE if len(ids) == 1 else _LATER_OF_SEVERAL
        rows = yield self._read(statement, ids=ids, first=min(fact.seq for fact in of_leads))
        self._facts.later.update({lead_id: [] for lead_id in ids if lead_id is not None})
        for lead_id, seq, changes in rows:
            fields = frozenset(map(field_of, _names.decode(changes)))
            self._facts.later[lead_id].append(LaterChange(seq, fields))

    def _pairs(self) -> set[tuple[int, int]]:
        pairs = {fact.details.pair for fact in self._facts.rows.values()}
        pairs |= {write.write.pair for write in self._writes}
        return {(min(pair), max(pair)) for pair in pairs if pair is not None}

    def _read_pairs(self, pairs: set[tuple[int, int]]) -> Reads[None]:
        firsts, seconds = zip(*pairs, strict=True)
        rows = yield self._read(_PAIRS, firsts={*firsts}, seconds={*seconds})
        self._facts.pairs.update(pairs.intersection((first, second) for first, second in rows))

    def _read(self, statement: Select[Any], **values: Any) -> Read:
        lists = {name: [*of] if isinstance(of, set) else of for name, of in values.items()}
        return Read(statement, {"account_id": self._account_id, **lists})


def _combinations(write: CheckedWrite) -> Iterator[Combination]:
    return (one for step in write.steps if len(step) > 1 for one in combinations_of(step))


def _any(name: str) -> BindParameter[Any]:
    return bindparam(name, expanding=True)


def _own(table: Any) -> Any:
    return table.c.account_id == bindparam("account_id")


def _same(one: Any, other: Any) -> Any:
    return and_(one.c.account_id == other.c.account_id, one.c.seq == other.c.seq)


def _later(seq: Any) -> Select[Any]:
    return (
        select(ledger.c.resource_id, ledger.c.seq, ledger.c.changes)
        .where(_own(ledger), ledger.c.resource_id.in_(_any("ids")))
        .where(seq > bindparam("first"), ledger.c.changes.is_not(None))
        .order_by(seq.desc())
        .limit(UNDO_LATER_ROWS_MAX)
    )


_KEYED = (
    select(
        *(idempotency_key.c.key_hash, idempotency_key.c.body_hash),
        *(ledger.c.seq, ledger.c.outcome, ledger.c.match, ledger.c.changes),
        *(ledger.c.ignored, ledger.c.shares, ledger_detail.c.details),
    )
    .where(_own(idempotency_key), idempotency_key.c.key_hash.in_(_any("keys")))
    .join(ledger, _same(idempotency_key, ledger))
    .join(ledger_detail, _same(idempotency_key, ledger_detail))
)
_ROWS = (
    select(
        *(ledger.c.seq, ledger.c.resource, ledger.c.action, ledger.c.outcome),
        *(ledger.c.resource_id, ledger.c.version, ledger.c.changes),
        *(ledger_detail.c.about_seq, ledger_detail.c.details),
    )
    .where(_own(ledger), ledger.c.seq.in_(_any("seqs")))
    .outerjoin(ledger_detail, _same(ledger, ledger_detail))
)
_ACTS = (
    select(ledger_detail.c.about_seq, ledger.c.seq, ledger.c.action, ledger.c.outcome)
    .where(_own(ledger_detail), ledger_detail.c.about_seq.in_(_any("about")))
    # A refused one can be about a number that was not given yet, even its own: rows about rows
    # would never end.
    .where(ledger_detail.c.seq > ledger_detail.c.about_seq)
    .join(ledger, _same(ledger_detail, ledger))
    .order_by(ledger.c.seq)
)
_CLAIMS = select(match_key.c.value, match_key.c.lead_id).where(
    *(_own(match_key), match_key.c.field == bindparam("field")),
    match_key.c.value.in_(_any("values")),
)
_MERGED = select(
    *(merged_lead.c.id, merged_lead.c.lead_id, merged_lead.c.into_id, merged_lead.c.seq)
).where(
    _own(merged_lead),
    or_(merged_lead.c.id.in_(_any("named")), merged_lead.c.lead_id.in_(_any("moved"))),
)
_LEADS = select(lead.c.document).where(_own(lead), lead.c.id.in_(_any("ids")))
_LATER_OF_ONE = _later(ledger.c.seq)
# Of several leads, neither the order nor the range may lure the database away from the index by
# resource: PostgreSQL would read all that was written since.
_LATER_OF_SEVERAL = _later(ledger.c.seq + 0)
#: Of several pairs it may find the first of one with the second of another.
_PAIRS = select(distinct_pair.c.first_id, distinct_pair.c.second_id).where(
    *(_own(distinct_pair), distinct_pair.c.first_id.in_(_any("firsts"))),
    distinct_pair.c.second_id.in_(_any("seconds")),
)


@cache
def _with_all(entries: int) -> Select[Any]:
    """Select the leads that have a key of each of so many entries."""
    statement = select(match_key.c.lead_id).where(*_has(match_key, 0))
    for number in range(1, entries):
        other = match_key.alias(f"other_{number}")
        same_lead = other.c.lead_id == match_key.c.lead_id
        statement = statement.where(select(other).where(*_has(other, number), same_lead).exists())
    # A lead may have several keys of an entry.
    return statement.distinct().order_by(match_key.c.lead_id).limit(bindparam("most"))


def _has(table: Any, number: int) -> tuple[Any, ...]:
    field = table.c.field == bindparam(f"field_{number}")
    return _own(table), field, table.c.value.in_(_any(f"values_{number}"))
