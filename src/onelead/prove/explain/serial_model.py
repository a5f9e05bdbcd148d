"""The model that a history is compared with: the leads of an account, one write at a time.

The rules are those of `onelead.domain.fold`. The model has no clock, so its leads have no dates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import msgspec

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, DataType, IndexState, match_values
from onelead.domain.fold import BatchPlan, Snapshot, checked_write, plan_batch
from onelead.domain.lead import Lead
from onelead.domain.matching import Match, key_value, names_matched_field
from onelead.domain.properties import CheckedPatch
from onelead.domain.text import fold
from onelead.domain.writes import CheckedWrite, LeadWrite, Outcome
from onelead.prove.answers import difference, differs_from_claim
from onelead.prove.operations import LEAD, Answer, Claim, Operation, lead_write

# Equal leads encode equally, as custom fields are always in the order of their ids.
_encode = msgspec.json.Encoder().encode
Ids = dict[tuple[str, str], tuple[int, ...]]


class Filter(Enum):
    """Whether upserts can match by a definition."""

    OFF = "off"
    #: Switched on; only the index work knows whether the index is complete.
    MAYBE_BUILDING = "maybe building"
    READY = "ready"


class State:
    """The leads at one moment; never changed, only followed by another state."""

    __slots__ = ("_key", "filters", "ids_by_key", "leads")

    def __init__(self, leads: dict[int, Lead], ids_by_key: Ids, filters: dict[int, Filter]) -> None:
        self.leads = leads
        self.ids_by_key = ids_by_key
        #: By definition id; those not named are ready.
        self.filters = filters
        self._key: bytes | None = None

    @property
    def key(self) -> bytes:
        """The same bytes for equal states, and only for them."""
        if self._key is None:
            leads = [_encode(self.leads[lead_id]) for lead_id in sorted(self.leads)]
            filters = sorted((field, state.value) for field, state in self.filters.items())
            self._key = b"".join([*leads, repr(filters).encode()])
        return self._key


@dataclass(frozen=True)
class Write:
    """An operation, read once for all the states it is tried on."""

    operation: Operation
    lead_write: LeadWrite | None
    claim: Claim | None = None
    #: What a switch sets the definition to.
    is_filterable: bool = False
    #: A lead and the version it must have before the operation; 0 if it must not exist.
    needs: tuple[int, int] | None = None

    @property
    def version(self) -> int | None:
        """The version of the lead, by the answer or else by the ledger."""
        answer = self.operation.answer
        if answer is not None:
            return _version(answer)
        return self.claim.version if self.claim else None


def _version(answer: Answer) -> int | None:
    """Return the version of the lead in the answer; items of bulk calls do not show it."""
    return int(answer.etag.strip('"')) if answer.etag else None


def read_write(operation: Operation, claim: Claim | None) -> Write:
    """Read what an operation asked for."""
    if operation.resource == LEAD:
        return Write(operation, lead_write(operation), claim, needs=_needs(operation, claim))
    body = msgspec.json.decode(operation.payload)
    return Write(operation, None, claim, bool(body.get("is_filterable")))


def _needs(operation: Operation, claim: Claim | None) -> tuple[int, int] | None:
    """Return what the outcome says about the lead before; it rules out states without planning."""
    answer = operation.answer
    if answer is not None:
        outcome, lead_id = answer.outcome, answered_id(operation)
        version = _version(answer)
    elif claim is not None:
        outcome, lead_id, version = claim.outcome, claim.lead_id, claim.version
    else:
        return None
    if lead_id is None:
        return None
    if outcome == Outcome.CREATED:
        return lead_id, 0
    if version is None:
        return None
    return lead_id, version - (outcome == Outcome.UPDATED)


class SerialModel:
    """What an operation does to a state, and whether its answer allows that."""

    def __init__(self, settings: AccountSettings) -> None:
        # The match keys of every lead definition are kept; the state says whether they can be read.
        ready = {True: IndexState.READY}
        fields = tuple(
            msgspec.structs.replace(
                field, is_filterable=field.on_leads, index_state=ready.get(field.on_leads, _NONE)
            )
            for field in settings.fields
        )
        self.settings = replace(settings, fields=fields)
        self._not_ready = {
            (field.id, state): _with_field(self.settings, changed)
            for field in fields
            for state, changed in (
                (Filter.OFF, _changed(field, IndexState.NONE)),
                (Filter.MAYBE_BUILDING, _changed(field, IndexState.BUILDING)),
            )
        }
        self._checked_writes: dict[tuple[int, Filter], CheckedWrite] = {}
        #: What an operation does, by the ids that it finds and then by the lead that it writes.
        self._plans: dict[
            tuple[int, Filter, tuple[int, ...]], list[tuple[Lead | None, BatchPlan | None]]
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
        ready = state.filters.get(field_id, Filter.READY) if field_id else Filter.READY
        if ready is not Filter.MAYBE_BUILDING:
            return self._written(write, ready, state)
        if _says_building(write):
            return self._written(write, ready, state)
        assert field_id is not None
        known = State(state.leads, state.ids_by_key, {**state.filters, field_id: Filter.READY})
        return self._written(write, Filter.READY, known)

    def _switched(self, write: Write, state: State) -> State | None:
        definition_id = write.operation.resource_id
        assert definition_id is not None
        was_on = state.filters.get(definition_id, Filter.READY) is not Filter.OFF
        outcome = Outcome.UNCHANGED if was_on == write.is_filterable else Outcome.UPDATED
        answer = write.operation.answer
        given = answer.outcome if answer else write.claim.outcome if write.claim else outcome
        if given != outcome:
            return None
        if outcome is Outcome.UNCHANGED:
            return state
        now = Filter.MAYBE_BUILDING if write.is_filterable else Filter.OFF
        return State(state.leads, state.ids_by_key, {**state.filters, definition_id: now})

    def _written(self, write: Write, ready: Filter, state: State) -> State | None:
        checked = self._checked(write, ready)
        ids: tuple[int, ...] = ()
        if checked.match is not None:
            ids = state.ids_by_key.get((checked.match.key.field, checked.match.key.value), ())
        # Nothing else in the state affects what the operation does.
        named = write.operation.resource_id if checked.match is None else None
        lead = state.leads.get(named or ids[0]) if named or len(ids) == 1 else None
        known = self._plans.setdefault((write.operation.number, ready, ids), [])
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

    def _checked(self, write: Write, ready: Filter) -> CheckedWrite:
        at = (write.operation.number, ready)
        if at not in self._checked_writes:
            assert write.lead_write is not None
            settings = self.settings
            if ready is not Filter.READY:
                field_id = matched_definition(write.lead_write.match)
                assert field_id is not None
                settings = self._not_ready[field_id, ready]
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
        return State(leads, ids_by_key, state.filters)

    def values_given(self, write: Write) -> set[tuple[str, str]]:
        """Return the fields and values that a lead created by the upsert is certain to have."""
        if write.lead_write is None or write.lead_write.patch is None:
            return set()
        checked = self._checked(write, Filter.READY)
        if checked.patch is None or checked.match is None:
            return set()
        values = self._brought(checked.patch, [])
        if not names_matched_field(checked.match, checked.patch):
            values.add((checked.match.key.field, checked.match.key.value))
        return values

    def values_of(self, write: Write) -> set[tuple[str, str]]:
        """Return every field and value that a write may make a lead match by."""
        if write.lead_write is None or write.lead_write.patch is None:
            return set()
        checked = self._checked(write, Filter.READY)
        if checked.patch is None:
            return set()
        values = _values_of_every_lead(self.settings)
        if key := self.looked_for(write):
            # A new lead gets the value that was looked for.
            values.add(key)
        names = answered_names(write.operation) if checked.patch.name_parts else []
        return values | self._brought(checked.patch, names)

    def _brought(self, patch: CheckedPatch, names: list[str]) -> set[tuple[str, str]]:
        values = {("name", key_value(fold(name))) for name in [*names, patch.name] if name}
        if email := patch.fields.get("email"):
            values.add(("email", key_value(fold(email.email))))
        for definition_id, value in patch.custom_fields.items():
            field = self.settings.fields_by_id[definition_id]
            values.update((field.key_field, key_value(one)) for one in match_values(field, value))
        return values

    def looked_for(self, write: Write) -> tuple[str, str] | None:
        """Return the field and value that an upsert looks for."""
        match = self._checked(write, Filter.READY).match if write.lead_write else None
        return (match.key.field, match.key.value) if match else None


_NONE = IndexState.NONE


def _values_of_every_lead(settings: AccountSettings) -> set[tuple[str, str]]:
    """Return the values that every lead may have: a checkbox counts as false until it is set."""
    return {
        (field.key_field, value)
        for field in settings.lead_fields
        if field.data_type is DataType.CHECKBOX
        for value in ("true", "false")
    }


def _changed(field: CustomField, state: IndexState) -> CustomField:
    is_on = state is not IndexState.NONE
    return msgspec.structs.replace(field, is_filterable=is_on, index_state=state)


def _with_field(settings: AccountSettings, changed: CustomField) -> AccountSettings:
    fields = (changed if field.id == changed.id else field for field in settings.fields)
    return replace(settings, fields=tuple(fields))


def matched_definition(match: Match | None) -> int | None:
    """Return the id of the definition that a match names."""
    value: Any = match.field_value if match else None
    return value.get("custom_field_definition_id") if isinstance(value, dict) else None


def _says_building(write: Write) -> bool:
    answer = write.operation.answer
    return answer is not None and b"is still being indexed" in answer.body


def _new_id(write: Write) -> int:
    """Return the id of a new lead, by the answer or else by the ledger."""
    if write.operation.answer is not None and write.operation.answer.outcome == Outcome.CREATED:
        return answered_id(write.operation) or 1
    if write.claim is not None and write.claim.outcome == Outcome.CREATED:
        return write.claim.lead_id or 1
    # An id that is never in use; a creation that is known to have happened has its id above.
    return 2**53 + write.operation.number


class _Body(msgspec.Struct):
    id: int | None = None
    name: str = ""
    ids: tuple[int, ...] = ()


_body = msgspec.json.Decoder(_Body)


def answered_id(operation: Operation) -> int | None:
    """Return the id of the lead in the answer."""
    return _body.decode(operation.answer.body).id if operation.answer else None


def answered_names(operation: Operation) -> list[str]:
    """Return the name of the lead in the answer."""
    name = _body.decode(operation.answer.body).name if operation.answer else ""
    return [name] if name else []


def answered_ids(operation: Operation) -> tuple[int, ...]:
    """Return all ids in the answer."""
    if operation.answer is None:
        return ()
    try:
        body = _body.decode(operation.answer.body)
    except msgspec.MsgspecError:
        return ()
    return body.ids if body.id is None else (body.id, *body.ids)
