"""What writes do: the pure plan of a batch of lead writes.

A batch is folded in arrival order, each write seeing the ones before it, so a plan is one serial
order of its writes by construction. An engine reads a `Snapshot`, calls `plan_batch` and writes
the `BatchPlan`; nothing here touches a database or a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from onelead.domain.account import AccountSettings
from onelead.domain.errors import (
    InputInvalid,
    MatchAmbiguous,
    OneleadError,
    Problem,
    ResourceNotFound,
    VersionConflict,
)
from onelead.domain.lead import CUSTOM_PREFIX, Changes, Lead, changes_between
from onelead.domain.limits import LINE_CHARS_MAX, MATCH_IDS_MAX, RETRY_AFTER_S
from onelead.domain.matching import (
    CheckedMatch,
    MatchKey,
    checked_match,
    identifying_keys,
    lead_keys,
    settle,
)
from onelead.domain.names import NAME_PARTS
from onelead.domain.properties import CheckedPatch, LeadPatch, applied, checked
from onelead.domain.text import quoted, too_long
from onelead.domain.writes import Action, CheckedWrite, LeadWrite, MatchResult, Outcome, WriteResult

#: In the key of a name that may have had another one; of a long name, the key has only a digest.
_CHANGED_NAME = re.compile("^ |['-]")
#: The fields whose values are keys, besides the custom fields.
_KEYED = frozenset({"name", "email", "phone_numbers", "socials", "tags"})
_NAME_ATTRIBUTES = frozenset({"name", *NAME_PARTS})


@dataclass(frozen=True)
class Snapshot:
    """What the plan of a batch needs of the stored leads, read under the lane."""

    #: The leads that writes name by id, and those that a match may turn out to name.
    leads: dict[int, Lead]
    #: By (field, value): ascending lead ids, at most `matches_needed` of them.
    matches: dict[tuple[str, str], list[int]]


@dataclass
class BatchPlan:
    """What an engine has to write, and what to answer."""

    #: One for each write, in arrival order.
    results: list[WriteResult]
    #: The last id that was given out, even if the batch deleted that lead again.
    last_id: int
    created: list[Lead] = field(default_factory=list)
    updated: list[Lead] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    keys_added: list[tuple[MatchKey, int]] = field(default_factory=list)
    keys_removed: list[tuple[MatchKey, int]] = field(default_factory=list)


def checked_write(write: LeadWrite, settings: AccountSettings) -> CheckedWrite:
    """Check a write against the settings; its problems become its refusal."""
    if write.unread is not None:
        return CheckedWrite(write, refusal=write.unread)
    problems = list(write.problems)
    patch = match = None
    retry_after_s = None
    if write.patch is not None:
        is_named = write.match is not None and write.match.field_name == "name"
        patch = checked(write.patch, settings, is_named=is_named)
        problems += patch.problems
        if write.action is Action.CREATE and _leaves_unnamed(patch, problems):
            problems.append(Problem("name", "can't be blank", "blank"))
    if write.match is not None:
        try:
            match = checked_match(write.match, settings)
        except InputInvalid as error:
            problems += error.problems
            retry_after_s = error.retry_after_s
    if problems:
        refusal = InputInvalid(*problems, retry_after_s=retry_after_s)
        return CheckedWrite(write, refusal=refusal)
    return CheckedWrite(write) if patch is None else _with_keys(write, patch, match, settings)


def _with_keys(
    write: LeadWrite, patch: CheckedPatch, match: CheckedMatch | None, settings: AccountSettings
) -> CheckedWrite:
    """Return the checked write with the keys whose leads its plan has to know."""
    if match is None:
        keys = identifying_keys(patch, settings)
        return CheckedWrite(write, patch, None, None, keys, keys)
    settle(match, patch, settings)
    identifying = identifying_keys(patch, settings)
    by_properties = match.key_by_properties
    if by_properties is not None and by_properties not in identifying:
        # Whatever its type is, the same request finds the lead by it.
        identifying.append(by_properties)
    if match.key in identifying:
        identifying.remove(match.key)
    return CheckedWrite(write, patch, match, None, identifying, [match.key, *identifying])


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
) -> BatchPlan:
    """Fold the writes in order; new leads get the ids after `last_id`. `now` is Unix seconds."""
    fold = _Fold(snapshot, settings, now, last_id)
    results = [fold.result_of(write) for write in writes]
    return fold.plan(results)


class _Fold:
    """The leads as the writes so far left them."""

    def __init__(
        self, snapshot: Snapshot, settings: AccountSettings, now: int, last_id: int
    ) -> None:
        self._stored = snapshot.leads
        self._matches = snapshot.matches
        self._settings = settings
        self._now = now
        self._last_id = last_id
        #: Leads touched by this batch; None for a deleted one.
        self._touched: dict[int, Lead | None] = {}
        #: The keys of the touched leads: before the batch, and now.
        self._keys_before: dict[int, set[MatchKey]] = {}
        self._keys: dict[int, set[MatchKey]] = {}
        self._gained: dict[tuple[str, str], set[int]] = {}
        self._lost: dict[tuple[str, str], set[int]] = {}

    def result_of(self, write: CheckedWrite) -> WriteResult:
        if write.refusal is not None:
            return WriteResult(Outcome.REFUSED, refusal=write.refusal)
        match write.write.action:
            case Action.CREATE:
                result = self._create(_patch_of(write))
            case Action.UPDATE:
                lead = self._lead(write.write.lead_id)
                result = _conflict(write, lead) or self._update(lead, _patch_of(write))
            case Action.DELETE:
                lead = self._lead(write.write.lead_id)
                return _conflict(write, lead) or self._delete(lead)
            case Action.UPSERT:
                result = self._upsert(write)
        return self._explained(write, result)

    def _explained(self, write: CheckedWrite, result: WriteResult) -> WriteResult:
        """Add what the lead did not take, and what it shares with others from now on."""
        ignored = _patch_of(write).ignored
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
            others = {*self._matching(key)} - {lead.id}
            if others and name in changes:
                # A text can have several addresses.
                shares.setdefault(name, set()).update(others)
        return {name: tuple(sorted(ids)[: MATCH_IDS_MAX + 1]) for name, ids in shares.items()}

    def _lead(self, lead_id: int | None) -> Lead | None:
        assert lead_id is not None
        if lead_id in self._touched:
            return self._touched[lead_id]
        return self._stored.get(lead_id)

    def _upsert(self, write: CheckedWrite) -> WriteResult:
        assert write.match is not None
        match, patch = write.match, _patch_of(write)
        key, ids = self._found(match)
        named = tuple(ids) if len(ids) <= MATCH_IDS_MAX else ()
        found = MatchResult(
            match.field_name,
            key.value,
            min(len(ids), MATCH_IDS_MAX + 1),
            named,
            None if key is match.key else "properties",
            match.definition.id if match.definition else None,
        )
        lead = self._lead(ids[0]) if len(ids) == 1 else None
        if self._settings.are_keys_stale and not self._is_certain(key, lead, len(ids)):
            result = WriteResult(Outcome.REFUSED, refusal=_keys_stale())
        elif len(ids) > 1:
            result = WriteResult(Outcome.REFUSED, refusal=MatchAmbiguous(named))
        elif ids:
            assert lead is not None, "a match key names a lead that does not exist"
            result = self._update(lead, patch)
        else:
            result = self._create(patch, None if match.is_given else match.patch)
        return structs.replace(result, match=found)

    def _found(self, match: CheckedMatch) -> tuple[MatchKey, list[int]]:
        """Return the key that finds somebody, or else the match's own, and the ids it finds."""
        ids = self._matching(match.key)
        if not ids and match.key_by_properties is not None:
            other = self._matching(match.key_by_properties)
            if other:
                return match.key_by_properties, other
        return match.key, ids

    def _is_certain(self, key: MatchKey, lead: Lead | None, matches: int) -> bool:
        """Return whether older leads whose keys are not rebuilt can make no difference.

        Only the rules of e-mails have changed, and those of names with apostrophes and hyphens. One
        lead that has the key by today's rules is the one that is meant.
        """
        is_name = key.field == "name" and _CHANGED_NAME.search(key.value) is not None
        if matches > 1 or not (is_name or key.field == "email"):
            return True
        return lead is not None and key in lead_keys(lead, self._settings)

    def _matching(self, key: MatchKey) -> list[int]:
        at = (key.field, key.value)
        ids = self._matches.get(at, [])
        lost, gained = self._lost.get(at), self._gained.get(at)
        if lost or gained:
            ids = sorted({*ids} - (lost or set()) | (gained or set()))
        if self._settings.may_have_old_keys and len(ids) == 1 and self._lead(ids[0]) is None:
            # A process of the version before knew only some of the keys of a lead that it deleted.
            return []
        return ids

    def _create(self, patch: CheckedPatch, matched: LeadPatch | None = None) -> WriteResult:
        self._last_id += 1
        blank = Lead(
            id=self._last_id,
            version=1,
            name="",
            status_id=self._settings.default_status.id,
            date_created=self._now,
            date_modified=self._now,
        )
        if matched is not None:
            blank = applied(blank, checked(matched, self._settings), self._settings)
        lead = applied(blank, patch, self._settings)
        refusal = _name_refusal(lead) or _currency_refusal(patch, None, lead, self._settings)
        if refusal is not None:
            self._last_id -= 1
            return WriteResult(Outcome.REFUSED, refusal=refusal)
        self._put(lead.id, lead)
        return WriteResult(Outcome.CREATED, lead, changes_between(None, lead))

    def _update(self, lead: Lead | None, patch: CheckedPatch) -> WriteResult:
        if lead is None:
            return WriteResult(Outcome.REFUSED, refusal=ResourceNotFound())
        after = applied(lead, patch, self._settings)
        if refusal := _currency_refusal(patch, lead, after, self._settings):
            return WriteResult(Outcome.REFUSED, refusal=refusal)
        changes = changes_between(lead, after)
        if not changes:
            return WriteResult(Outcome.UNCHANGED, lead)
        if refusal := _name_refusal(after):
            return WriteResult(Outcome.REFUSED, refusal=refusal)
        after = structs.replace(
            after,
            version=lead.version + 1,
            # It never goes back, even when the clock does.
            date_modified=max(self._now, lead.date_modified),
        )
        if _change_keys(changes):
            self._put(lead.id, after)
        else:
            self._touched[lead.id] = after
        return WriteResult(Outcome.UPDATED, after, changes)

    def _delete(self, lead: Lead | None) -> WriteResult:
        if lead is None:
            return WriteResult(Outcome.REFUSED, refusal=ResourceNotFound())
        self._put(lead.id, None)
        return WriteResult(Outcome.DELETED, lead, changes_between(lead, None))

    def _put(self, lead_id: int, after: Lead | None) -> None:
        if lead_id not in self._keys:
            stored = self._stored.get(lead_id)
            keys = lead_keys(stored, self._settings) if stored else set()
            self._keys_before[lead_id] = self._keys[lead_id] = keys
        before_keys = self._keys[lead_id]
        after_keys = lead_keys(after, self._settings) if after else set()
        self._touched[lead_id] = after
        self._keys[lead_id] = after_keys
        for key in before_keys - after_keys:
            self._move(lead_id, key, self._gained, self._lost)
        for key in after_keys - before_keys:
            self._move(lead_id, key, self._lost, self._gained)

    @staticmethod
    def _move(
        lead_id: int,
        key: MatchKey,
        leave: dict[tuple[str, str], set[int]],
        enter: dict[tuple[str, str], set[int]],
    ) -> None:
        at = (key.field, key.value)
        if lead_id in leave.get(at, ()):
            leave[at].remove(lead_id)
        else:
            enter.setdefault(at, set()).add(lead_id)

    def plan(self, results: list[WriteResult]) -> BatchPlan:
        plan = BatchPlan(results, self._last_id)
        for lead_id, after in self._touched.items():
            before = self._stored.get(lead_id)
            if before is None and after is None:
                continue
            if lead_id in self._keys:
                before_keys, after_keys = self._keys_before[lead_id], self._keys[lead_id]
                plan.keys_removed += [(key, lead_id) for key in before_keys - after_keys]
                plan.keys_added += [(key, lead_id) for key in after_keys - before_keys]
            if after is None:
                plan.deleted.append(lead_id)
            elif before is None:
                plan.created.append(after)
            else:
                plan.updated.append(after)
        return plan


def _change_keys(changes: Changes) -> bool:
    """Return whether a lead may have other keys after these changes; see `lead_keys`."""
    return any(name in _KEYED or name.startswith(CUSTOM_PREFIX) for name in changes)


def _conflict(write: CheckedWrite, lead: Lead | None) -> WriteResult | None:
    """Refuse a write that was made for another version of the lead, even if it changes nothing."""
    expected = write.write.expected_version
    if expected is None or lead is None or lead.version == expected:
        return None
    return WriteResult(Outcome.REFUSED, refusal=VersionConflict(lead.version))


def _keys_stale() -> InputInvalid:
    text = "names and e-mails are being indexed again after an upgrade; try again shortly"
    return InputInvalid(Problem("match", text, "building"), retry_after_s=RETRY_AFTER_S)


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
