"""The leads as the writes of a batch have left them so far, and what that comes to for an engine.

Every write of a batch is planned on this: it sees the writes before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from onelead.domain.account import AccountSettings
from onelead.domain.acts.facts import ActFact, Combination, Facts, LaterChange, MergedLead
from onelead.domain.acts.policies import field_of
from onelead.domain.lead import Changes, Lead
from onelead.domain.matching import MatchKey, lead_keys
from onelead.domain.writes import WriteResult


@dataclass(frozen=True)
class Snapshot:
    """What the plan of a batch needs of the stored leads, read under the lane."""

    #: The leads that writes name by id, and those that a match may turn out to name.
    leads: dict[int, Lead]
    #: By (field, value): ascending lead ids, at most `matches_needed` of them.
    matches: dict[tuple[str, str], list[int]]
    facts: Facts = field(default_factory=Facts)


@dataclass
class BatchPlan:
    """What an engine has to write, and what to answer."""

    #: One for each write, in arrival order.
    results: list[WriteResult]
    #: The last id that was given out, even if the batch deleted that lead again.
    last_id: int
    #: The ledger number of each write; that of an earlier row for one that was done before.
    seqs: list[int] = field(default_factory=list)
    created: list[Lead] = field(default_factory=list)
    updated: list[Lead] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    keys_added: list[tuple[MatchKey, int]] = field(default_factory=list)
    keys_removed: list[tuple[MatchKey, int]] = field(default_factory=list)
    #: The merged leads that are new, or lead elsewhere now.
    merged: list[MergedLead] = field(default_factory=list)
    #: The ids of those that are leads again.
    unmerged: list[int] = field(default_factory=list)
    #: Pairs of leads that are two persons, each in ascending order, with the ledger number.
    pairs_added: list[tuple[int, int, int]] = field(default_factory=list)
    pairs_removed: list[tuple[int, int]] = field(default_factory=list)


class LeadState:
    """The leads as the writes so far left them."""

    def __init__(
        self, snapshot: Snapshot, settings: AccountSettings, now: int, last_id: int
    ) -> None:
        self.settings = settings
        #: Unix seconds.
        self.now = now
        self.last_id = last_id
        self.facts = snapshot.facts
        self._stored = snapshot.leads
        self._matches = snapshot.matches
        #: Leads touched by this batch; None for one that is no longer a lead.
        self._touched: dict[int, Lead | None] = {}
        #: The keys of the touched leads: before the batch, and now.
        self._keys_before: dict[int, set[MatchKey]] = {}
        self._keys: dict[int, set[MatchKey]] = {}
        self._gained: dict[tuple[str, str], set[int]] = {}
        self._lost: dict[tuple[str, str], set[int]] = {}
        #: Merged leads that this batch changed; None for one that is a lead again.
        self._merged: dict[int, MergedLead | None] = {}
        self._pairs: dict[tuple[int, int], int | None] = {}

    def lead(self, lead_id: int) -> Lead | None:
        """Return a lead; None for a deleted, merged or unknown one."""
        if lead_id in self._touched:
            return self._touched[lead_id]
        return self._stored.get(lead_id)

    def matching(self, key: MatchKey) -> list[int]:
        """Return the ids of the leads that have a key, ascending."""
        at = (key.field, key.value)
        ids = self._matches.get(at, [])
        if at in self._lost or at in self._gained:
            lost, gained = self._lost.get(at, set()), self._gained.get(at, set())
            ids = sorted({*ids} - lost | gained)
        if self.settings.may_have_old_keys and len(ids) == 1 and self.lead(ids[0]) is None:
            # A process of the version before knew only some of the keys of a lead that it deleted.
            return []
        return ids

    def matching_all(self, keys: Combination) -> list[int]:
        """Return the ids of the leads that have one key of each entry, ascending."""
        ids = {*self.facts.combinations.get(keys, ())}
        for lead_id, has in self._keys.items():
            if not any(has.isdisjoint(entry) for entry in keys):
                ids.add(lead_id)
            else:
                ids.discard(lead_id)
        return sorted(ids)

    def new_id(self) -> int:
        """Give out the next id."""
        self.last_id += 1
        return self.last_id

    def put(self, lead_id: int, after: Lead | None) -> None:
        """Store a lead, or remove it."""
        if lead_id not in self._keys:
            stored = self._stored.get(lead_id)
            keys = lead_keys(stored, self.settings) if stored else set()
            self._keys_before[lead_id] = self._keys[lead_id] = keys
        before_keys = self._keys[lead_id]
        after_keys = lead_keys(after, self.settings) if after else set()
        self._touched[lead_id] = after
        self._keys[lead_id] = after_keys
        if before_keys:
            for key in before_keys - after_keys:
                _move(lead_id, key, self._gained, self._lost)
            after_keys = after_keys - before_keys
        for key in after_keys:
            _move(lead_id, key, self._lost, self._gained)

    def put_with_same_keys(self, lead: Lead) -> None:
        """Store a lead whose match keys stay as they are."""
        self._touched[lead.id] = lead

    def changed(self, before: Lead, after: Lead) -> Lead:
        """Return a changed lead with its new version and date."""
        return structs.replace(
            after,
            version=before.version + 1,
            # It never goes back, even when the clock does.
            date_modified=max(self.now, before.date_modified),
        )

    def merged(self, lead_id: int) -> MergedLead | None:
        """Return where a merged lead leads; None for any other."""
        if lead_id in self._merged:
            return self._merged[lead_id]
        return self.facts.merged.get(lead_id)

    def merged_into(self, lead_id: int) -> list[MergedLead]:
        """Return all merged leads that lead to a lead now, ascending by id."""
        ids = self.facts.merged.keys() | self._merged.keys()
        found = (self.merged(id_) for id_ in sorted(ids))
        return [one for one in found if one is not None and one.lead_id == lead_id]

    def put_merged(self, one: MergedLead) -> None:
        """Let a merged lead lead somewhere."""
        self._merged[one.id] = one

    def remove_merged(self, lead_id: int) -> None:
        """Note that a merged lead is a lead again."""
        self._merged[lead_id] = None

    def is_pair(self, pair: tuple[int, int]) -> bool:
        """Return whether two leads, in ascending order, are known to be two persons."""
        if pair in self._pairs:
            return self._pairs[pair] is not None
        return pair in self.facts.pairs

    def put_pair(self, pair: tuple[int, int], seq: int | None) -> None:
        """Remember by which ledger row two leads are two persons; None forgets it."""
        self._pairs[pair] = seq

    def record(self, seq: int, result: WriteResult, action: str, about_seq: int | None) -> None:
        """Let later writes of the batch know what a ledger row did."""
        if about_seq is not None:
            acts = self.facts.acts.setdefault(about_seq, [])
            acts.append(ActFact(seq, action, result.outcome))
        if result.lead is not None and result.changes and self.facts.later:
            self._note_change(result.lead.id, seq, result.changes)

    def _note_change(self, lead_id: int, seq: int, changes: Changes) -> None:
        if lead_id in self.facts.later:
            fields = frozenset(map(field_of, changes))
            self.facts.later[lead_id].insert(0, LaterChange(seq, fields))

    def plan(self, results: Sequence[WriteResult], seqs: Iterable[int]) -> BatchPlan:
        """Return what there is to write."""
        plan = BatchPlan([*results], self.last_id, [*seqs])
        for lead_id, after in self._touched.items():
            before = self._stored.get(lead_id)
            if before is None and after is None:
                continue
            if lead_id in self._keys:
                before_keys, after_keys = self._keys_before[lead_id], self._keys[lead_id]
                if before_keys:
                    plan.keys_removed += [(key, lead_id) for key in before_keys - after_keys]
                    after_keys = after_keys - before_keys
                plan.keys_added += [(key, lead_id) for key in after_keys]
            if after is None:
                plan.deleted.append(lead_id)
            elif before is None:
                plan.created.append(after)
            else:
                plan.updated.append(after)
        self._plan_decisions(plan)
        return plan

    def _plan_decisions(self, plan: BatchPlan) -> None:
        for lead_id, merged in self._merged.items():
            if merged is not None:
                plan.merged.append(merged)
            else:
                plan.unmerged.append(lead_id)
        for pair, seq in self._pairs.items():
            if seq is not None:
                plan.pairs_added.append((*pair, seq))
            else:
                plan.pairs_removed.append(pair)


def _move(
    lead_id: int,
    key: MatchKey,
    leave: dict[tuple[str, str], set[int]],
    enter: dict[tuple[str, str], set[int]],
) -> None:
    at = (key.field, key.value)
    if leave and lead_id in leave.get(at, ()):
        leave[at].remove(lead_id)
    elif at in enter:
        enter[at].add(lead_id)
    else:
        enter[at] = {lead_id}
