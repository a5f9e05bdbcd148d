"""What writes do: the pure plan of a batch of lead writes.

A batch is folded in arrival order, each write seeing the ones before it, so a plan is one serial
order of its writes by construction. An engine reads a `Snapshot`, calls `plan_batch` and writes
the `BatchPlan`; nothing here touches a database or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import structs

from onelead.domain.account import AccountSettings
from onelead.domain.acts.deciding import decided, is_decided, pinned_by_edit, with_origins
from onelead.domain.acts.decisions import applied_before, separated, settle_delivery
from onelead.domain.acts.edits import edited
from onelead.domain.acts.finding import (
    chosen_of,
    claimant,
    found_by,
    is_certain,
    keys_stale,
    precondition_refusal,
    told_match,
)
from onelead.domain.acts.merge import merged
from onelead.domain.acts.other_values import patch_of
from onelead.domain.acts.policies import OVERWRITE_ALL
from onelead.domain.acts.repeats import done_before, refused_with, remembered
from onelead.domain.acts.state import BatchPlan, LeadState, Snapshot
from onelead.domain.acts.undo import undone
from onelead.domain.errors import (
    InputInvalid,
    LeadMerged,
    MatchAmbiguous,
    OneleadError,
    Problem,
    ResourceNotFound,
    VersionConflict,
)
from onelead.domain.lead import (
    CUSTOM_PREFIX,
    OTHER_VALUE_PREFIX,
    Changes,
    Lead,
    changes_between,
)
from onelead.domain.limits import LINE_CHARS_MAX, MATCH_IDS_MAX
from onelead.domain.matching import (
    CheckedMatch,
    checked_match,
    checked_steps,
    claim_key,
    identifying_keys,
    settle,
)
from onelead.domain.names import NAME_PARTS
from onelead.domain.properties import CheckedPatch, LeadPatch, applied, checked
from onelead.domain.text import quoted, too_long
from onelead.domain.writes import (
    DELIVERED,
    Action,
    CheckedWrite,
    Kept,
    LeadWrite,
    Outcome,
    RowDetails,
    WriteResult,
)

#: The fields whose values are keys, besides the custom fields.
_KEYED = frozenset({"name", "email", "phone_numbers", "socials", "tags"})
#: What the names of other changes that can change keys begin with.
_KEYED_PREFIXES = (CUSTOM_PREFIX, OTHER_VALUE_PREFIX)
_NAME_ATTRIBUTES = frozenset({"name", *NAME_PARTS})


def checked_write(write: LeadWrite, settings: AccountSettings) -> CheckedWrite:
    """Check a write against the settings; its problems become its refusal."""
    if write.unread is not None:
        return CheckedWrite(write, refusal=write.unread)
    problems = list(write.problems)
    patch = match = None
    steps: _Steps = []
    added: list[CheckedMatch] = []
    retry_after_s = None
    if write.patch is not None:
        patch = checked(write.patch, settings, is_named=_is_named(write))
        problems += patch.problems
        if write.action is Action.CREATE and _leaves_unnamed(patch, problems):
            problems.append(Problem("name", "can't be blank", "blank"))
    try:
        match, steps, added = _checked_matches(write, settings)
    except InputInvalid as error:
        problems += error.problems
        retry_after_s = error.retry_after_s
    if problems:
        refusal = InputInvalid(*problems, retry_after_s=retry_after_s)
        return CheckedWrite(write, refusal=refusal)
    if added:
        keys = [key for one in added for key in (one.key, claim_key(one.key))]
        return CheckedWrite(write, patch, keys=keys, added=added)
    return (
        CheckedWrite(write) if patch is None else _with_keys(write, patch, match, steps, settings)
    )


_Steps = list[list[CheckedMatch]]
#: Never changed.
_NOTHING_KEPT: dict[str, Kept] = {}


def _checked_matches(
    write: LeadWrite, settings: AccountSettings
) -> tuple[CheckedMatch | None, _Steps, list[CheckedMatch]]:
    """Check the match of a write, its steps, and the values that it adds. Raises InputInvalid."""
    added: list[CheckedMatch] = []
    if write.edit is not None:
        added = [checked_match(one.match, settings) for one in write.edit.add_values]
    if write.lead_id is not None:
        # A delivery that is applied to a lead needs no match.
        return None, [], added
    if write.match_steps:
        steps = checked_steps(write.match_steps, settings)
        return steps[0][0], steps, added
    return checked_match(write.match, settings) if write.match else None, [], added


def _with_keys(
    write: LeadWrite,
    patch: CheckedPatch,
    match: CheckedMatch | None,
    steps: _Steps,
    settings: AccountSettings,
) -> CheckedWrite:
    """Return the checked write with the keys whose leads its plan has to know."""
    if match is None:
        keys = identifying_keys(patch, settings)
        return CheckedWrite(write, patch, None, None, keys, keys)
    matches = [one for step in steps for one in step] if steps else [match]
    for one in matches:
        settle(one, patch, settings)
    # Nobody else has the key of the match. Of several steps, an earlier one can decide.
    identifying = identifying_keys(patch, settings, but=None if steps else match.key)
    for one in matches:
        by_properties = one.key_by_properties
        if by_properties is not None and by_properties not in identifying:
            # Whatever its type is, the same request finds the lead by it.
            identifying.append(by_properties)
    sought = [one.key for one in matches] if steps else [match.key]
    keys = [*sought, *identifying]
    return CheckedWrite(write, patch, match, None, identifying, keys, steps)


def _is_named(write: LeadWrite) -> bool:
    """Return whether a match gives the lead a name."""
    if write.match is not None:
        return bool(write.match.field_name == "name")
    return any(one.field_name == "name" for step in write.match_steps for one in step)


def _leaves_unnamed(patch: CheckedPatch, problems: list[Problem]) -> bool:
    """Return whether a new lead would have no name, and no problem says so yet."""
    is_named = patch.name is not None or any(patch.name_parts.values())
    return not is_named and all(problem.attribute not in _NAME_ATTRIBUTES for problem in problems)


def keys_needed(writes: Iterable[CheckedWrite]) -> set[tuple[str, str]]:
    """Return the match keys, by field and value, whose leads the plan has to know."""
    return {(key.field, key.value) for write in writes for key in write.keys}


def matches_needed(writes: Sequence[CheckedWrite]) -> int:
    """Return how many matching ids of a match key the plan can need.

    One more than a refusal or a receipt names, plus one for each write of the batch that can take a
    lead out of the matches of a later write, or leave its own lead out of those that it names.
    """
    return MATCH_IDS_MAX + 1 + _removers(writes)


def matches_read_in_full(writes: Sequence[CheckedWrite]) -> int:
    """Return how many matches a match key may have for the plan to read their leads in full.

    With more, the match is still ambiguous after all writes of the batch that can remove one.
    """
    return max(_removers(writes), 1)


def _removers(writes: Sequence[CheckedWrite]) -> int:
    return sum(
        write.refusal is None and write.write.action is not Action.CREATE for write in writes
    )


def leads_needed(
    writes: Sequence[CheckedWrite], matches: dict[tuple[str, str], list[int]]
) -> set[int]:
    """Return the ids of the leads that the plan can need in full."""
    ids = {
        write.write.lead_id
        for write in writes
        if write.refusal is None and write.write.lead_id is not None
    }
    most = matches_read_in_full(writes)
    for found in matches.values():
        if len(found) <= most:
            ids.update(found)
    return ids


def plan_batch(
    writes: Iterable[CheckedWrite],
    snapshot: Snapshot,
    settings: AccountSettings,
    *,
    now: int,
    last_id: int,
    first_seq: int = 1,
) -> BatchPlan:
    """Fold the writes in order; new leads get the ids after `last_id`. `now` is Unix seconds.

    The first write has the ledger number `first_seq`, and so on without a gap; those that an
    idempotency key shows to be done have none.
    """
    fold = _Fold(snapshot, settings, now, last_id)
    results: list[WriteResult] = []
    seqs: list[int] = []
    for write in writes:
        result = fold.result_of(write, first_seq)
        results.append(result)
        if result.replayed_seq is not None:
            seqs.append(result.replayed_seq)
        else:
            seqs.append(first_seq)
            first_seq += 1
    return fold.state.plan(results, seqs)


#: What plans the acts of people on what is there.
_ACTS: dict[Action, Callable[[LeadState, LeadWrite, int], WriteResult]] = {
    Action.MERGE: merged,
    Action.UNDO: undone,
    Action.DISMISS: settle_delivery,
    Action.REOPEN: settle_delivery,
    Action.SEPARATE: separated,
}


class _Fold:
    """Plans one write after the other."""

    def __init__(
        self, snapshot: Snapshot, settings: AccountSettings, now: int, last_id: int
    ) -> None:
        self.state = LeadState(snapshot, settings, now, last_id)
        self._settings = settings
        self._now = now

    def result_of(self, write: CheckedWrite, seq: int) -> WriteResult:
        """Plan a write whose ledger row would have this number."""
        key = write.write.delivery.idempotency
        if key is not None and (done := done_before(self.state.facts, key)) is not None:
            return done
        try:
            result = self._planned(write, seq)
        except OneleadError as error:
            result = WriteResult(Outcome.REFUSED, refusal=error.with_traceback(None))
        if result.replayed_seq is not None:
            return result
        if result.refusal is not None:
            return refused_with(result, write.write)
        if key is not None:
            result = remembered(self.state.facts, key, result, seq)
        self.state.record(seq, result, write.write.action, write.write.about_seq)
        return result

    def _planned(self, write: CheckedWrite, seq: int) -> WriteResult:
        if write.refusal is not None:
            raise write.refusal
        request = write.write
        if request.action not in DELIVERED:
            return _ACTS[request.action](self.state, request, seq)
        if request.about_seq is not None and (done := applied_before(self.state, request)):
            return done
        if request.action is Action.DELETE:
            return self._delete(request)
        return self._explained(write, self._written(write))

    def _written(self, write: CheckedWrite) -> WriteResult:
        match write.write.action:
            case Action.CREATE:
                return self._create(write)
            case Action.UPSERT:
                return self._upsert(write)
        return self._update(write, *self._named(write.write))

    def _named(self, request: LeadWrite) -> tuple[Lead | None, int | None]:
        """Return the lead that a write names, and the id that was named if it was merged."""
        assert request.lead_id is not None
        lead = self.state.lead(request.lead_id)
        if lead is not None:
            _require_version(request, lead)
            return lead, None
        gone = self.state.merged(request.lead_id)
        if gone is None:
            return None, None
        lead = self.state.lead(gone.lead_id)
        if lead is None:
            raise ResourceNotFound.of_merged(gone.id, gone.lead_id)
        if request.expected_version is not None:
            # It was the version of a lead that is part of another one now.
            raise VersionConflict(lead.version)
        return lead, request.lead_id

    def _explained(self, write: CheckedWrite, result: WriteResult) -> WriteResult:
        """Add what the lead did not take, and what it shares with others from now on."""
        ignored = write.patch.ignored if write.patch else ()
        if result.lead is None or not (ignored or write.identifying):
            return result
        shares = self._shares(write, result.lead, result.changes) if result.changes else {}
        if not ignored and not shares:
            return result
        return structs.replace(result, ignored=tuple(ignored), shares=shares)

    def _shares(
        self, write: CheckedWrite, lead: Lead, changes: Changes
    ) -> dict[str, tuple[int, ...]]:
        shares: dict[str, set[int]] = {}
        for key in write.identifying:
            name = self._settings.names_by_key_field.get(key.field, key.field)
            others = {*self.state.matching(key)} - {lead.id}
            # Where a ruling says that the value means this lead, upserts go on finding it.
            is_meant = others and claimant(self.state, key, [lead.id, *others]) == lead.id
            if others and name in changes and not is_meant:
                # A text can have several addresses.
                shares.setdefault(name, set()).update(others)
        return {name: tuple(sorted(ids)[: MATCH_IDS_MAX + 1]) for name, ids in shares.items()}

    def _upsert(self, write: CheckedWrite) -> WriteResult:
        request = write.write
        if request.lead_id is not None:
            return self._update(write, *self._named(request))
        found = found_by(self.state, write)
        ids = found.ids
        named = tuple(ids) if len(ids) <= MATCH_IDS_MAX else ()
        by = found.by
        if len(ids) > 1:
            chosen, how = chosen_of(self.state, request, found)
            if chosen is not None:
                ids, by = [chosen], how
        lead = self.state.lead(ids[0]) if len(ids) == 1 else None
        if self._settings.are_keys_stale and not is_certain(self.state, write, found, lead, ids):
            result = WriteResult(Outcome.REFUSED, refusal=keys_stale())
        elif len(ids) > 1:
            result = WriteResult(Outcome.REFUSED, refusal=MatchAmbiguous(named))
        elif refusal := precondition_refusal(request, lead):
            result = WriteResult(Outcome.REFUSED, refusal=refusal)
        elif ids:
            assert lead is not None, "a match key names a lead that does not exist"
            result = self._update(write, lead, None)
        else:
            result = self._create(write, _given_by_match(write))
        told = told_match(found, named, by)
        if found.step is None:
            return structs.replace(result, match=told)
        details = structs.replace(result.details or RowDetails(), step=found.step)
        return structs.replace(result, match=told, details=details)

    def _create(self, write: CheckedWrite, matched: Sequence[LeadPatch] = ()) -> WriteResult:
        patch = _patch_of(write)
        blank = Lead(
            id=self.state.last_id + 1,
            version=1,
            name="",
            status_id=self._settings.default_status.id,
            date_created=write.write.date_created or self._now,
            date_modified=self._now,
        )
        for given in matched:
            blank = applied(blank, checked(given, self._settings), self._settings)
        lead = applied(blank, patch, self._settings)
        refusal = _name_refusal(lead) or _currency_refusal(patch, None, lead, self._settings)
        if refusal is not None:
            return WriteResult(Outcome.REFUSED, refusal=refusal)
        if self._settings.deciding is not OVERWRITE_ALL:
            delivery = write.write.delivery
            lead = with_origins(None, lead, patch, delivery, self._settings, self._now)
        self.state.new_id()
        self.state.put(lead.id, lead)
        details = _details(write.write, None, {})
        return WriteResult(Outcome.CREATED, lead, changes_between(None, lead), details=details)

    def _update(self, write: CheckedWrite, lead: Lead | None, via_id: int | None) -> WriteResult:
        if lead is None:
            return WriteResult(Outcome.REFUSED, refusal=ResourceNotFound())
        after, kept, refusal = self._applied(write, lead)
        if refusal is not None:
            return WriteResult(Outcome.REFUSED, refusal=refusal)
        details = _details(write.write, via_id, kept)
        changes = changes_between(lead, after)
        if not changes:
            if after.origins != lead.origins:
                self.state.put_with_same_keys(after)
            return WriteResult(Outcome.UNCHANGED, after, details=details)
        if refusal := _name_refusal(after):
            return WriteResult(Outcome.REFUSED, refusal=refusal)
        after = self.state.changed(lead, after)
        if _change_keys(changes):
            self.state.put(lead.id, after)
        else:
            self.state.put_with_same_keys(after)
        return WriteResult(Outcome.UPDATED, after, changes, details=details)

    def _applied(
        self, write: CheckedWrite, lead: Lead
    ) -> tuple[Lead, dict[str, Kept], OneleadError | None]:
        """Return the lead after the write, what it did not take, and why it cannot be."""
        request, settings = write.write, self._settings
        after, kept = lead, _NOTHING_KEPT
        if write.patch is not None:
            patch = write.patch
            if is_decided(lead, request, settings):
                patch, kept = decided(lead, patch, request, settings, self._now)
            after = applied(lead, patch, settings)
            if refusal := _currency_refusal(patch, lead, after, settings):
                return lead, {}, refusal
            if settings.deciding is not OVERWRITE_ALL:
                after = pinned_by_edit(lead, after, patch, request, settings)
                after = with_origins(lead, after, patch, request.delivery, settings, self._now)
        if request.edit is not None:
            after = edited(self.state, lead, after, request.edit, write.added)
        return after, kept, None

    def _delete(self, request: LeadWrite) -> WriteResult:
        lead, via_id = self._named(request)
        if lead is None:
            return WriteResult(Outcome.REFUSED, refusal=ResourceNotFound())
        if via_id is not None:
            # Someone who removes a duplicate must not remove the person.
            return WriteResult(Outcome.REFUSED, refusal=LeadMerged(via_id, lead.id))
        self.state.put(lead.id, None)
        details = RowDetails(deleted=lead)
        return WriteResult(Outcome.DELETED, lead, changes_between(lead, None), details=details)


def _given_by_match(write: CheckedWrite) -> list[LeadPatch]:
    """Return what makes a new lead match when its properties do not; the first step wins."""
    assert write.match is not None
    matches = [one for step in write.steps for one in step] or [write.match]
    return [patch_of(one) for one in reversed(matches) if not one.is_given]


def _details(request: LeadWrite, via_id: int | None, kept: dict[str, Kept]) -> RowDetails | None:
    observed_at, line = request.delivery.observed_at, request.delivery.line
    if via_id is None and observed_at is None and line is None and not kept:
        return None
    return RowDetails(kept=kept, via_id=via_id, observed_at=observed_at, line=line)


def _change_keys(changes: Changes) -> bool:
    """Return whether a lead may have other keys after these changes; see `lead_keys`."""
    is_keyed = not _KEYED.isdisjoint(changes)
    return is_keyed or any(name.startswith(_KEYED_PREFIXES) for name in changes)


def _require_version(request: LeadWrite, lead: Lead) -> None:
    """Refuse a write that was made for another version of the lead, even if it changes nothing."""
    if request.expected_version not in (None, lead.version):
        raise VersionConflict(lead.version)


def _patch_of(write: CheckedWrite) -> CheckedPatch:
    assert write.patch is not None
    return write.patch


def _name_refusal(lead: Lead) -> OneleadError | None:
    if not lead.name:
        return InputInvalid(Problem("name", "can't be blank", "blank"))
    if len(lead.name) > LINE_CHARS_MAX:
        return InputInvalid(Problem("name", too_long(LINE_CHARS_MAX), "too_long"))
    return None


def _currency_refusal(
    patch: CheckedPatch, before: Lead | None, after: Lead, settings: AccountSettings
) -> OneleadError | None:
    """Refuse a currency that is not the account's.

    A lead that was fetched can be sent back even if its amount has an earlier currency.
    """
    unit = patch.monetary_unit
    if unit in (None, settings.currency):
        return None
    if before and (unit, after.monetary_value) == (before.monetary_unit, before.monetary_value):
        return None
    text = f"is {quoted(unit)}; this account's amounts are in {settings.currency}"
    return InputInvalid(Problem("monetary_unit", text, "inclusion"))
