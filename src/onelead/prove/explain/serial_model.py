"""The model that a history is compared with: the leads of an account, one write at a time.

The rules are those of `onelead.domain.fold`. The model has no clock, so its leads have no dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from onelead.domain.account import AccountSettings
from onelead.domain.acts.state import BatchPlan, Snapshot
from onelead.domain.custom_fields import (
    DataType,
    IndexState,
    match_values,
    whole_match_value,
)
from onelead.domain.fold import checked_write, plan_batch
from onelead.domain.lead import Lead
from onelead.domain.matching import email_match_keys, key_value
from onelead.domain.properties import CheckedPatch
from onelead.domain.text import fold
from onelead.domain.writes import LEAD, CheckedWrite, LeadWrite, Outcome
from onelead.prove.answers import difference, differs_from_claim
from onelead.prove.operations import (
    Claim,
    Operation,
    matched_definition,
    named_definitions,
    read_lead_write,
    with_index_state,
)

# Equal leads encode equally, as custom fields are always in the order of their ids.
_encode = msgspec.json.Encoder().encode
Value = tuple[str, str]
Ids = dict[Value, tuple[int, ...]]
#: The definitions that are not ready, each with the state of its index.
Indexes = tuple[tuple[int, IndexState], ...]


class State:
    """The leads at one moment; never changed, only followed by another state."""

    __slots__ = ("_key", "ids_by_key", "indexes", "leads")

    def __init__(
        self, leads: dict[int, Lead], ids_by_key: Ids, indexes: dict[int, IndexState]
    ) -> None:
        self.leads = leads
        self.ids_by_key = ids_by_key
        #: By definition id; those not named are ready. Only the index work knows whether one that
        #: is being built is already complete.
        self.indexes = indexes
        self._key: bytes | None = None

    @property
    def key(self) -> bytes:
        """The same bytes for equal states, and only for them."""
        if self._key is None:
            leads = [_encode(self.leads[lead_id]) for lead_id in sorted(self.leads)]
            self._key = b"".join([*leads, repr(sorted(self.indexes.items())).encode()])
        return self._key


@dataclass(frozen=True)
class Write:
    """An operation, read once for all the states it is tried on."""

    operation: Operation
    lead_write: LeadWrite | None
    #: What happened, by the answer or else by the ledger; None if neither says.
    claim: Claim | None
    #: What a switch sets the definition to.
    is_filterable: bool = False
    #: A lead and the version it must have before the operation; 0 if it must not exist.
    needs: tuple[int, int] | None = None
    #: The definition that it matches by, and all that it names.
    matched_definition: int | None = None
    definitions: frozenset[int] = frozenset()

    @property
    def outcome(self) -> str | None:
        """Its outcome; None if it is unknown."""
        return self.claim.outcome if self.claim else None


def read_write(operation: Operation, claim: Claim | None) -> Write:
    """Read what an operation asked for; `claim` is what the ledger says about it."""
    if operation.answer is not None:
        claim = operation.answer.claim
    if operation.resource == LEAD:
        asked = read_lead_write(operation.action, operation.resource_id, operation.payload)
        return Write(
            operation,
            asked,
            claim,
            needs=_needs(claim),
            matched_definition=matched_definition(asked.match),
            definitions=frozenset(named_definitions(asked)),
        )
    body = msgspec.json.decode(operation.payload)
    return Write(operation, None, claim, bool(body.get("is_filterable")))


def _needs(claim: Claim | None) -> tuple[int, int] | None:
    """Return what the outcome says about the lead before; it rules out states without planning."""
    if claim is None or claim.lead_id is None:
        return None
    if claim.outcome == Outcome.CREATED:
        return claim.lead_id, 0
    if claim.version is None:
        return None
    return claim.lead_id, claim.version - (claim.outcome == Outcome.UPDATED)


class SerialModel:
    """What an operation does to a state, and whether its answer allows that."""

    def __init__(self, settings: AccountSettings) -> None:
        # The match keys of every lead definition are kept; the state says whether they can be read.
        for field in settings.fields:
            kept = IndexState.READY if field.on_leads else IndexState.NONE
            settings = with_index_state(settings, field.id, kept)
        self.settings = settings
        self._settings_by_indexes: dict[Indexes, AccountSettings] = {(): settings}
        self._checked_writes: dict[tuple[int, Indexes], CheckedWrite] = {}
        #: What an operation does, by the ids that it finds and then by the leads it may write.
        self._plans: dict[
            tuple[int, Indexes, tuple[tuple[int, ...], ...]],
            list[tuple[list[Lead], BatchPlan | None]],
        ] = {}

    def after(self, write: Write, state: State) -> State | None:
        """Return the state after the operation, or None if its answer cannot be right.

        Returns the same object if nothing changes.
        """
        if write.lead_write is None:
            return self._switched(write, state)
        if write.needs is not None:
            lead = state.leads.get(write.needs[0])
            if (lead.version if lead else 0) != write.needs[1]:
                return None
        for known in _possible_indexes(write, state):
            after = self._written(write, known)
            if after is not None:
                return after
        return None

    def _switched(self, write: Write, state: State) -> State | None:
        definition_id = write.operation.resource_id
        assert definition_id is not None
        was_on = state.indexes.get(definition_id) is not IndexState.NONE
        outcome = Outcome.UNCHANGED if was_on == write.is_filterable else Outcome.UPDATED
        if write.outcome not in (None, outcome):
            return None
        if outcome is Outcome.UNCHANGED:
            return state
        now = IndexState.BUILDING if write.is_filterable else IndexState.NONE
        return State(state.leads, state.ids_by_key, {**state.indexes, definition_id: now})

    def _written(self, write: Write, state: State) -> State | None:
        indexes: Indexes = ()
        if state.indexes:
            states = state.indexes.items()
            indexes = tuple(sorted(one for one in states if one[0] in write.definitions))
        checked = self._checked(write, indexes)
        found: Ids = {}
        for key in checked.keys:
            value = (key.field, key.value)
            found[value] = state.ids_by_key.get(value, ())
        # Nothing else in the state affects what the operation does.
        leads = _leads_needed(write, checked, found, state)
        at = (write.operation.number, indexes, tuple(found.values()))
        known = self._plans.setdefault(at, [])
        for before, plan in known:
            if before == leads:
                return self._with(plan, state)
        plan = self._plan(write, checked, found, leads)
        known.append((leads, plan))
        return self._with(plan, state)

    def _plan(
        self, write: Write, checked: CheckedWrite, found: Ids, leads: list[Lead]
    ) -> BatchPlan | None:
        """Plan the operation alone; None if the result is not what was answered."""
        matches = {at: list(ids) for at, ids in found.items()}
        snapshot = Snapshot({lead.id: lead for lead in leads}, matches)
        new_id = _new_id(write)
        plan = plan_batch([checked], snapshot, self.settings, now=0, last_id=new_id - 1)
        (result,) = plan.results
        if write.operation.answer is not None:
            is_so = difference(write.operation, result, self.settings) is None
        else:
            is_so = write.claim is None or not differs_from_claim(write.claim, result)
        return plan if is_so else None

    def _checked(self, write: Write, indexes: Indexes = ()) -> CheckedWrite:
        at = (write.operation.number, indexes)
        if at not in self._checked_writes:
            assert write.lead_write is not None
            self._checked_writes[at] = checked_write(write.lead_write, self._settings_with(indexes))
        return self._checked_writes[at]

    def _settings_with(self, indexes: Indexes) -> AccountSettings:
        if indexes not in self._settings_by_indexes:
            settings = self.settings
            for definition_id, state in indexes:
                settings = with_index_state(settings, definition_id, state)
            self._settings_by_indexes[indexes] = settings
        return self._settings_by_indexes[indexes]

    @staticmethod
    def _with(plan: BatchPlan | None, state: State) -> State | None:
        if plan is None:
            return None
        if not (plan.created or plan.updated or plan.deleted):
            return state
        leads, ids_by_key = dict(state.leads), dict(state.ids_by_key)
        for lead_id in plan.deleted:
            del leads[lead_id]
        for lead in plan.created + plan.updated:
            leads[lead.id] = lead
        for key, lead_id in plan.keys_removed:
            at = (key.field, key.value)
            ids_by_key[at] = tuple(one for one in ids_by_key.get(at, ()) if one != lead_id)
        for key, lead_id in plan.keys_added:
            at = (key.field, key.value)
            ids_by_key[at] = tuple(sorted({*ids_by_key.get(at, ()), lead_id}))
        return State(leads, ids_by_key, state.indexes)

    def values_given(self, write: Write) -> set[Value]:
        """Return the fields and values that a lead created by the upsert is certain to have."""
        checked = self._checked(write) if write.lead_write else None
        if checked is None or checked.patch is None or checked.match is None:
            return set()
        values = self._brought(checked.patch)
        if not checked.match.is_given:
            values.add((checked.match.key.field, checked.match.key.value))
        return values

    def values_of(self, write: Write) -> set[Value]:
        """Return every field and value that a write may make a lead match by."""
        checked = self._checked(write) if write.lead_write else None
        if checked is None or checked.patch is None:
            return set()
        # A new lead gets a value that was looked for.
        values = _values_of_every_lead(self.settings) | self.looked_for(write)
        name = write.operation.shown.name if checked.patch.name_parts else ""
        return values | self._brought(checked.patch, name)

    def _brought(self, patch: CheckedPatch, answered_name: str = "") -> set[Value]:
        names = (answered_name, patch.name)
        values = {("name", key_value(fold(name))) for name in names if name}
        if email := patch.fields.get("email"):
            values.update((key.field, key.value) for key in email_match_keys(email.email))
        for definition_id, value in patch.custom_fields.items():
            field = self.settings.fields_by_id[definition_id]
            found = {*match_values(field, value), whole_match_value(field, value)}
            values.update((field.key_field, key_value(one)) for one in found)
        return values

    def looked_for(self, write: Write) -> set[Value]:
        """Return the fields and values that an upsert looks for to find its lead."""
        match = self._checked(write).match if write.lead_write else None
        keys = (match.key, match.key_by_properties) if match else ()
        return {(key.field, key.value) for key in keys if key is not None}

    def read(self, write: Write) -> set[Value]:
        """Return the fields and values on whose leads the answer depends.

        These are what an upsert looks for, and what others may share with the lead that is written.
        """
        keys = self._checked(write).keys if write.lead_write else ()
        return {(key.field, key.value) for key in keys}


def _values_of_every_lead(settings: AccountSettings) -> set[tuple[str, str]]:
    """Return the values that every lead may have: a checkbox counts as false until it is set."""
    return {
        (field.key_field, value)
        for field in settings.lead_fields
        if field.data_type is DataType.CHECKBOX
        for value in ("true", "false")
    }


def _possible_indexes(write: Write, state: State) -> Sequence[State]:
    """Return the state with what the answer may say about indexes that are being built.

    An index that is matched by says which it was. One that is only given a value was complete if
    the answer says who shares it; if the answer does not, it may still be either.
    """
    if not state.indexes:
        return (state,)
    building = {one for one in write.definitions if state.indexes.get(one) is IndexState.BUILDING}
    matched = building & {write.matched_definition}
    if matched and not _says_building(write):
        state = _ready(state, matched)
    given = building - matched
    return (state, _ready(state, given)) if given else (state,)


def _ready(state: State, definition_ids: set[int]) -> State:
    indexes = state.indexes | dict.fromkeys(definition_ids, IndexState.READY)
    return State(state.leads, state.ids_by_key, indexes)


def _leads_needed(write: Write, checked: CheckedWrite, found: Ids, state: State) -> list[Lead]:
    """Return the leads that the operation may write."""
    match = checked.match
    if match is None:
        ids = [write.operation.resource_id]
    else:
        keys = [match.key, match.key_by_properties] if match.key_by_properties else [match.key]
        matches = [found[key.field, key.value] for key in keys]
        ids = [only[0] for only in matches if len(only) == 1]
    return [state.leads[one] for one in ids if one in state.leads]


def _says_building(write: Write) -> bool:
    answer = write.operation.answer
    return answer is not None and b"is still being indexed" in answer.body


def _new_id(write: Write) -> int:
    """Return the id that a new lead gets."""
    if write.claim is not None and write.claim.outcome == Outcome.CREATED:
        return write.claim.lead_id or 1
    # An id that is never in use; a creation that is known to have happened has its id above.
    return 2**53 + write.operation.number
