"""Making one lead of several: whose values win, and what leads to the survivor from then on.

After a merge, no later delivery by any value of the leads makes another lead: every name, e-mail
and custom value of them becomes another value of the survivor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import structs

from onelead.domain.account import AccountSettings
from onelead.domain.acts.changes import added_up_changes, value_in, with_value
from onelead.domain.acts.facts import MergedLead
from onelead.domain.acts.other_values import values_of
from onelead.domain.acts.policies import POLICY_FIELDS, is_field, members_of
from onelead.domain.acts.state import LeadState
from onelead.domain.custom_fields import DataType
from onelead.domain.errors import (
    InputInvalid,
    LeadMerged,
    MergeConflict,
    OneleadError,
    Problem,
    ResourceNotFound,
    VersionConflict,
)
from onelead.domain.lead import (
    LIST_FIELDS,
    MERGE_ORIGIN,
    Changes,
    Lead,
    OtherValue,
    changes_between,
    custom_name,
    definition_id_of,
    same_value,
)
from onelead.domain.limits import LIST_ENTRIES_MAX, MERGE_LEADS_MAX, OTHER_VALUES_MAX, TAGS_MAX
from onelead.domain.matching import value_keys
from onelead.domain.text import fold, quoted
from onelead.domain.writes import LeadWrite, Merge, Outcome, RowDetails, WriteResult


def merged(state: LeadState, write: LeadWrite, seq: int) -> WriteResult:
    """Merge leads into a survivor; `seq` is the ledger number. Raises OneleadError."""
    assert write.lead_id is not None
    assert write.merge is not None
    survivor_id, merge = write.lead_id, write.merge
    _check_request(survivor_id, merge)
    survivor = _survivor(state, survivor_id, merge)
    losers = [lead for id_ in merge.lead_ids if (lead := _loser(state, id_, survivor, merge))]
    losers.sort(key=lambda lead: lead.id)
    _check_choices(survivor, losers, merge)
    if not losers:
        return WriteResult(Outcome.UNCHANGED, survivor)
    return join(state, survivor, losers, _united(state, survivor, losers, merge.choose), seq)


def join(
    state: LeadState, survivor: Lead, losers: Sequence[Lead], united: Lead, seq: int
) -> WriteResult:
    """Let `united` stand for the survivor and the losers."""
    after = state.changed(survivor, united)
    for loser in losers:
        state.put(loser.id, None)
        for inner in state.merged_into(loser.id):
            state.put_merged(inner._replace(lead_id=survivor.id))
        state.put_merged(MergedLead(loser.id, survivor.id, survivor.id, seq))
    state.put(after.id, after)
    details = RowDetails(merged=tuple(losers))
    return WriteResult(Outcome.MERGED, after, merge_changes(survivor, after), details=details)


def merge_changes(before: Lead, after: Lead) -> Changes:
    """Return the changes of a survivor, with what only merges change."""
    return changes_between(before, after) | added_up_changes(before, after)


def _check_request(survivor_id: int, merge: Merge) -> None:
    ids = merge.lead_ids
    if not ids:
        raise _invalid("lead_ids", "can't be blank", "blank")
    if len(ids) > MERGE_LEADS_MAX:
        text = f"has too many leads (maximum is {MERGE_LEADS_MAX})"
        raise _invalid("lead_ids", text, "too_long")
    if survivor_id in ids:
        raise _invalid("lead_ids", f"has the lead itself: {survivor_id}")
    if len({*ids}) < len(ids):
        raise _invalid("lead_ids", "has a lead twice")


def _check_choices(survivor: Lead, losers: Iterable[Lead], merge: Merge) -> None:
    ids = {survivor.id, *merge.lead_ids}
    for field, lead_id in merge.choose.items():
        if not is_field(field):
            raise _invalid("choose", f"has no such field: {quoted(field)}", "inclusion")
        if lead_id is not None and lead_id not in ids:
            raise _invalid("choose", f"{field}: lead {lead_id} is none of these leads", "inclusion")
        if lead_id is None and field in ("name", "status_id"):
            raise _invalid("choose", f"{field} can't be blank", "blank")
    for lead in (survivor, *losers):
        seen = merge.versions.get(lead.id)
        if seen is not None and seen != lead.version:
            raise VersionConflict(lead.version)


def _survivor(state: LeadState, survivor_id: int, merge: Merge) -> Lead:
    lead = state.lead(survivor_id)
    if lead is not None:
        return lead
    gone = state.merged(survivor_id)
    if gone is None:
        raise ResourceNotFound
    if gone.lead_id in merge.lead_ids:
        text = f"Lead {survivor_id} was merged into lead {gone.lead_id} in the meantime"
        raise MergeConflict(text)
    raise LeadMerged(survivor_id, gone.lead_id)


def _loser(state: LeadState, lead_id: int, survivor: Lead, merge: Merge) -> Lead | None:
    """Return a lead to merge; None for one that was merged into the survivor before."""
    lead = state.lead(lead_id)
    if lead is not None:
        return lead
    gone = state.merged(lead_id)
    if gone is None:
        raise _invalid("lead_ids", f"lead {lead_id} does not exist", "inclusion")
    if gone.lead_id == survivor.id or gone.lead_id in merge.lead_ids:
        return None
    text = f"Lead {lead_id} was merged into lead {gone.lead_id}; name that one instead"
    raise MergeConflict(text)


def _united(
    state: LeadState, survivor: Lead, losers: Sequence[Lead], choose: Mapping[str, int | None]
) -> Lead:
    settings = state.settings
    leads = (survivor, *losers)
    united = survivor
    for field in fields_of(leads, settings):
        if field in choose:
            source = next((lead for lead in leads if lead.id == choose[field]), None)
            united = _with_field(united, field, source)
        else:
            united = _with_default(united, field, leads)
    united = structs.replace(
        united,
        interaction_count=sum(lead.interaction_count for lead in leads),
        date_created=min(lead.date_created for lead in leads),
        date_last_contacted=max(
            (lead.date_last_contacted for lead in leads if lead.date_last_contacted is not None),
            default=None,
        ),
        pins=tuple(sorted({pin for lead in leads for pin in lead.pins})),
    )
    return structs.replace(united, other_values=_other_values(state, leads))


def fields_of(leads: Sequence[Lead], settings: AccountSettings) -> Iterator[str]:
    """Yield the fields that a merge of leads decides, as policies name them."""
    yield from POLICY_FIELDS
    ids = {field_id for lead in leads for field_id in lead.custom_fields}
    # The value of a deleted definition is dropped, as by any other write.
    yield from (custom_name(field_id) for field_id in sorted(ids & settings.fields_by_id.keys()))


def _with_field(lead: Lead, field: str, source: Lead | None) -> Lead:
    """Return the lead with a field of another one; None for no value."""
    for name in members_of(field):
        value = value_in(source, name) if source else () if name in LIST_FIELDS else None
        lead = with_value(lead, name, value)
    if source is not None and field in source.origins:
        return structs.replace(lead, origins={**lead.origins, field: source.origins[field]})
    return lead


def _with_default(united: Lead, field: str, leads: Sequence[Lead]) -> Lead:
    values = [value_in(lead, field) for lead in leads]
    if field in LIST_FIELDS:
        key, most = (fold, TAGS_MAX) if field == "tags" else (same_value, LIST_ENTRIES_MAX)
        both = _union(values, key)
        if len(both) > most:
            text = f"{field} would have too many entries (maximum is {most}); choose a lead's"
            raise _invalid("choose", text, "too_long")
        return with_value(united, field, both)
    if is_united(field, leads):
        options = {option for value in values if isinstance(value, tuple) for option in value}
        return with_value(united, field, tuple(sorted(options)))
    return _with_field(united, field, default_source(field, leads))


def is_united(field: str, leads: Iterable[Lead]) -> bool:
    """Return whether a merge unites the values of a field unless a lead's is chosen."""
    if field in LIST_FIELDS:
        return True
    is_custom = definition_id_of(field) is not None
    return is_custom and any(isinstance(value_in(lead, field), tuple) for lead in leads)


def default_source(field: str, leads: Sequence[Lead]) -> Lead:
    """Return the lead whose value is the sensible one: pinned, or else the first that has one.

    The first of the leads is the survivor. Raises InputInvalid where pinned values differ.
    """
    have = [lead for lead in leads if value_in(lead, field) is not None]
    pinned = [lead for lead in have if field in lead.pins]
    values = [tuple(value_in(lead, name) for name in members_of(field)) for lead in pinned]
    if any(value != values[0] for value in values):
        ids = ", ".join(str(lead.id) for lead in pinned)
        raise _invalid("choose", f"{field} is pinned with different values in {ids}", "blank")
    return (*pinned, *have, leads[0])[0]


def _union(values: Iterable[tuple[Any, ...]], key: Any) -> tuple[Any, ...]:
    found: dict[Any, Any] = {}
    for entry in (entry for value in values for entry in value):
        found.setdefault(key(entry), entry)
    return tuple(found.values())


def _other_values(state: LeadState, leads: Sequence[Lead]) -> dict[int, OtherValue]:
    """Return everything by which any of the leads was found, the survivor's own values too.

    The survivor's main value may change later; what it is now has to lead to it then, too.
    """
    settings = state.settings
    values = {id_: value for lead in leads for id_, value in lead.other_values.items()}
    known = {key for value in values.values() for key in value_keys(value, settings)}
    for lead in leads:
        for name, value in values_of(lead, settings):
            if _is_checkbox(name, settings):
                continue
            keys = value_keys(value, settings)
            is_known = keys <= known if keys else value.value in _raw(values, name)
            if not is_known:
                known |= keys
                values[state.new_id()] = structs.replace(
                    value, origin=MERGE_ORIGIN, from_id=lead.id
                )
    if len(values) > OTHER_VALUES_MAX:
        text = f"lead would have too many other values (maximum is {OTHER_VALUES_MAX})"
        raise _invalid("lead_ids", text, "too_long")
    return dict(sorted(values.items()))


def _raw(values: Mapping[int, OtherValue], field: str) -> list[Any]:
    return [value.value for value in values.values() if value.field == field]


def _is_checkbox(name: str, settings: AccountSettings) -> bool:
    """Return whether a value is one of a Checkbox, which every lead has."""
    field = settings.fields_by_id.get(definition_id_of(name) or 0)
    return field is not None and field.data_type is DataType.CHECKBOX


def _invalid(attribute: str, text: str, symbol: str = "invalid") -> OneleadError:
    return InputInvalid(Problem(attribute, text, symbol))
