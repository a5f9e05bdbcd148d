"""The model that a history is compared with: the leads of an account, one write at a time.

The rules are those of `onelead.domain.fold`. The model has no clock, so its leads have no dates.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import DataType, IndexState, match_values
from onelead.domain.fold import BatchPlan, Snapshot, checked_write, plan_batch
from onelead.domain.lead import Lead
from onelead.domain.matching import key_value, names_matched_field
from onelead.domain.properties import CheckedPatch
from onelead.domain.text import fold
from onelead.domain.writes import LEAD, CheckedWrite, LeadWrite, Outcome
from onelead.prove.answers import difference, differs_from_claim
from onelead.prove.operations import (
    Claim,
    Operation,
    matched_definition,
    read_lead_write,
    with_index_state,
)

# Equal leads encode equally, as custom fields are always in the order of their ids.
_encode = msgspec.json.Encoder().encode
Ids = dict[tuple[str, str], tuple[int, ...]]


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
        return Write(operation, asked, claim, needs=_needs(claim))
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
        self._not_ready = {
            (field.id, state): with_index_state(settings, field.id, state)
            for field in settings.fields
            for state in (IndexState.NONE, IndexState.BUILDING)
        }
        self._checked_writes: dict[tuple[int, IndexState], CheckedWrite] = {}
        #: What an operation does, by the ids that it finds and then by the lead that it writes.
        self._plans: dict[
            tuple[int, IndexState, tuple[int, ...]], list[tuple[Lead | None, BatchPlan | None]]
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
        field_id = matched_definition(write.lead_write.match)
        index = state.indexes.get(field_id, IndexState.READY) if field_id else IndexState.READY
        if index is not IndexState.BUILDING or _says_building(write):
            return self._written(write, index, state)
        assert field_id is not None
        known = State(state.leads, state.ids_by_key, {**state.indexes, field_id: IndexState.READY})
        return self._written(write, IndexState.READY, known)

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

    def _written(self, write: Write, index: IndexState, state: State) -> State | None:
        checked = self._checked(write, index)
        ids: tuple[int, ...] = ()
        if checked.match is not None:
            ids = state.ids_by_key.get((checked.match.key.field, checked.match.key.value), ())
        # Nothing else in the state affects what the operation does.
        named = write.operation.resource_id if checked.match is None else None
        lead = state.leads.get(named or ids[0]) if named or len(ids) == 1 else None
        known = self._plans.setdefault((write.operation.number, index, ids), [])
        for before, plan in known:
            if before == lead:
                return self._with(plan, state)
        plan = self._plan(write, checked, ids, lead)
        known.append((lead, plan))
        return self._with(plan, state)

    def _plan(
        self, write: Write, checked: CheckedWrite, ids: tuple[int, ...], lead: Lead | None
    ) -> BatchPlan | None:
        """Plan the operation alone; None if the result is not what was answered."""
        matches = {}
        if checked.match is not None:
            matches[checked.match.key.field, checked.match.key.value] = list(ids)
        snapshot = Snapshot({lead.id: lead} if lead else {}, matches)
        new_id = _new_id(write)
        plan = plan_batch([checked], snapshot, self.settings, now=0, last_id=new_id - 1)
        (result,) = plan.results
        if write.operation.answer is not None:
            is_so = difference(write.operation, result, self.settings) is None
        else:
            is_so = write.claim is None or not differs_from_claim(write.claim, result)
        return plan if is_so else None

    def _checked(self, write: Write, index: IndexState = IndexState.READY) -> CheckedWrite:
        at = (write.operation.number, index)
        if at not in self._checked_writes:
            assert write.lead_write is not None
            settings = self.settings
            if index is not IndexState.READY:
                field_id = matched_definition(write.lead_write.match)
                assert field_id is not None
                settings = self._not_ready[field_id, index]
            self._checked_writes[at] = checked_write(write.lead_write, settings)
        return self._checked_writes[at]

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

    def values_given(self, write: Write) -> set[tuple[str, str]]:
        """Return the fields and values that a lead created by the upsert is certain to have."""
        checked = self._checked(write) if write.lead_write else None
        if checked is None or checked.patch is None or checked.match is None:
            return set()
        values = self._brought(checked.patch)
        if not names_matched_field(checked.match, checked.patch):
            values.add((checked.match.key.field, checked.match.key.value))
        return values

    def values_of(self, write: Write) -> set[tuple[str, str]]:
        """Return every field and value that a write may make a lead match by."""
        checked = self._checked(write) if write.lead_write else None
        if checked is None or checked.patch is None:
            return set()
        values = _values_of_every_lead(self.settings)
        if key := self.looked_for(write):
            # A new lead gets the value that was looked for.
            values.add(key)
        name = write.operation.shown.name if checked.patch.name_parts else ""
        return values | self._brought(checked.patch, name)

    def _brought(self, patch: CheckedPatch, answered_name: str = "") -> set[tuple[str, str]]:
        names = (answered_name, patch.name)
        values = {("name", key_value(fold(name))) for name in names if name}
        if email := patch.fields.get("email"):
            values.add(("email", key_value(fold(email.email))))
        for definition_id, value in patch.custom_fields.items():
            field = self.settings.fields_by_id[definition_id]
            values.update((field.key_field, key_value(one)) for one in match_values(field, value))
        return values

    def looked_for(self, write: Write) -> tuple[str, str] | None:
        """Return the field and value that an upsert looks for."""
        match = self._checked(write).match if write.lead_write else None
        return (match.key.field, match.key.value) if match else None


def _values_of_every_lead(settings: AccountSettings) -> set[tuple[str, str]]:
    """Return the values that every lead may have: a checkbox counts as false until it is set."""
    return {
        (field.key_field, value)
        for field in settings.lead_fields
        if field.data_type is DataType.CHECKBOX
        for value in ("true", "false")
    }


def _says_building(write: Write) -> bool:
    answer = write.operation.answer
    return answer is not None and b"is still being indexed" in answer.body


def _new_id(write: Write) -> int:
    """Return the id that a new lead gets."""
    if write.claim is not None and write.claim.outcome == Outcome.CREATED:
        return write.claim.lead_id or 1
    # An id that is never in use; a creation that is known to have happened has its id above.
    return 2**53 + write.operation.number
