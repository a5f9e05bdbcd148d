"""Which values of a delivery a lead takes: pins, policies, and what the delivery itself asks for.

A request can ask for less than the account's policies allow, never for more. What a person types
is taken. A person who applies a refused delivery does not decide its values: they were observed
before, and the policies decide as they would have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from msgspec import structs

from onelead.domain.account import AccountSettings
from onelead.domain.acts.changes import value_in
from onelead.domain.acts.other_values import main_keys
from onelead.domain.acts.policies import WITH_ORIGIN, Policy, field_of, members_of, rank_of
from onelead.domain.custom_fields import DataType
from onelead.domain.figures import caller_value
from onelead.domain.lead import FieldOrigin, Lead, custom_name, definition_id_of
from onelead.domain.limits import OBSERVED_AHEAD_S
from onelead.domain.matching import value_keys
from onelead.domain.properties import CheckedPatch, applied
from onelead.domain.writes import Action, Delivery, Kept, KeptReason, LeadWrite


def observed_at(delivery: Delivery, now: int) -> int:
    """Return when a delivery's values were observed, in Unix seconds.

    A source's clock may be ahead by OBSERVED_AHEAD_S; a later time counts as the time of arrival.
    """
    if delivery.observed_at is None or delivery.observed_at > now + OBSERVED_AHEAD_S:
        return now
    return delivery.observed_at


def caller_of(delivery: Delivery) -> str:
    """Return the caller of a delivery, as ranks name it."""
    return caller_value(delivery.user_id or 0, delivery.api_key_id or 0)


def is_typed(delivery: Delivery) -> bool:
    """Return whether its values come from a person, who decides them."""
    return delivery.api_key_id is None and delivery.observed_at is None


class Held(NamedTuple):
    """What a policy needs to know about a lead's value."""

    is_empty: bool
    #: None when nobody knows it.
    origin: FieldOrigin | None


class Brought(NamedTuple):
    """The same of a value that a delivery brings."""

    is_empty: bool
    origin: FieldOrigin


def kept_by(
    policy: Policy, ranks: Mapping[str, int], present: Held, brought: Brought
) -> KeptReason | None:
    """Return why a policy keeps a lead's value that another one is brought for; None if not.

    What was observed in the same second counts as later, and equal ranks as higher.
    """
    if policy is Policy.OVERWRITE or present.is_empty:
        return None
    if policy is Policy.FILL:
        return KeptReason.FILL
    reason = KeptReason(policy.value)
    if brought.is_empty:
        # A source that does not know a value says nothing about it.
        return reason
    if present.origin is None or is_as_strong(policy, ranks, brought.origin, present.origin):
        return None
    return reason


def is_as_strong(
    policy: Policy, ranks: Mapping[str, int], one: FieldOrigin, other: FieldOrigin
) -> bool:
    """Return whether a value of one origin replaces that of another, under a policy that asks."""
    if policy is Policy.NEWEST:
        return one.date >= other.date
    return rank_of(one.caller, ranks) >= rank_of(other.caller, ranks)


def is_decided(lead: Lead, write: LeadWrite, settings: AccountSettings) -> bool:
    """Return whether any value could stay, so that a usual write costs no more than this."""
    return bool(lead.pins or lead.other_values or write.if_empty or settings.deciding.policies)


def decided(
    lead: Lead, patch: CheckedPatch, write: LeadWrite, settings: AccountSettings, now: int
) -> tuple[CheckedPatch, dict[str, Kept]]:
    """Return the patch without the values that the lead does not take, and why, by field."""
    after = applied(lead, patch, settings)
    origin = _origin(write.delivery, now)
    kept: dict[str, Kept] = {}
    for field in _fields_in(patch):
        if _changes_nothing(lead, after, field):
            continue
        if write.action is Action.UPSERT and _is_other_value(lead, after, field, settings):
            kept[field] = Kept(KeptReason.OTHER_VALUE, value_in(after, field))
            continue
        brought = Brought(_brings_none(after, patch, field, settings), origin)
        if (reason := _reason(lead, field, brought, write, settings)) is not None:
            kept[field] = Kept(reason, value_in(after, field))
    return (_without(patch, kept.keys()), kept) if kept else (patch, {})


def _fields_in(patch: CheckedPatch) -> Iterator[str]:
    if patch.name is not None or patch.name_parts:
        yield "name"
    yield from patch.fields
    if patch.monetary_unit and "monetary_value" not in patch.fields:
        yield "monetary_value"
    yield from map(custom_name, patch.custom_fields)


def _reason(
    lead: Lead, field: str, brought: Brought, write: LeadWrite, settings: AccountSettings
) -> KeptReason | None:
    """Return why a field stays as it is; None if it is given its new value."""
    if is_typed(write.delivery):
        return None
    if field in lead.pins:
        return KeptReason.PINNED
    present = Held(_has_none(lead, field, settings), lead.origins.get(field))
    if field in write.if_empty and not present.is_empty:
        return KeptReason.IF_EMPTY
    deciding = settings.deciding
    policy = deciding.policies.get(field, Policy.OVERWRITE)
    return kept_by(policy, deciding.ranks, present, brought)


def _origin(delivery: Delivery, now: int) -> FieldOrigin:
    return FieldOrigin(caller_of(delivery), observed_at(delivery, now))


def _has_none(lead: Lead, field: str, settings: AccountSettings) -> bool:
    """Return whether a lead has no value; a box that somebody unchecked has one."""
    is_unchecked = field in lead.origins and _is_box(field, settings)
    return value_in(lead, field) in (None, ()) and not is_unchecked


def _brings_none(after: Lead, patch: CheckedPatch, field: str, settings: AccountSettings) -> bool:
    """Return whether a patch clears a field; unchecking a box does not."""
    definition_id = definition_id_of(field)
    if definition_id is not None and _is_box(field, settings):
        return patch.custom_fields[definition_id] is None
    return value_in(after, field) in (None, ())


def _is_box(field: str, settings: AccountSettings) -> bool:
    definition = settings.fields_by_id.get(definition_id_of(field) or 0)
    return definition is not None and definition.data_type is DataType.CHECKBOX


def _changes_nothing(lead: Lead, after: Lead, field: str) -> bool:
    return all(value_in(lead, name) == value_in(after, name) for name in members_of(field))


def _is_other_value(lead: Lead, after: Lead, field: str, settings: AccountSettings) -> bool:
    """Return whether a delivery repeats another value, which does not turn the main one round."""
    if not lead.other_values:
        return False
    keys = main_keys(after, field, settings)
    if not keys or keys & main_keys(lead, field, settings):
        return False
    others = (value for value in lead.other_values.values() if value.field == field)
    return any(keys & value_keys(value, settings) for value in others)


def _without(patch: CheckedPatch, fields: Collection[str]) -> CheckedPatch:
    """Return a copy of the patch without some fields; the patch itself may be planned again."""
    has_name = "name" not in fields
    return structs.replace(
        patch,
        fields={name: value for name, value in patch.fields.items() if name not in fields},
        name=patch.name if has_name else None,
        name_parts=patch.name_parts if has_name else {},
        monetary_unit=None if "monetary_value" in fields else patch.monetary_unit,
        custom_fields={
            id_: value
            for id_, value in patch.custom_fields.items()
            if custom_name(id_) not in fields
        },
    )


def with_origins(
    before: Lead | None,
    after: Lead,
    patch: CheckedPatch,
    delivery: Delivery,
    settings: AccountSettings,
    now: int,
) -> Lead:
    """Return the lead with who gave the values of this patch, of fields whose policy asks for it.

    A value that is given again has the newest of its origins, or the highest.
    """
    policies, ranks = settings.deciding.policies, settings.deciding.ranks
    if not policies:
        return after
    origins = {
        field: origin
        for field, origin in after.origins.items()
        if policies.get(field) in WITH_ORIGIN
    }
    given = _origin(delivery, now)
    for field in _fields_in(patch):
        policy = policies.get(field, Policy.OVERWRITE)
        if policy not in WITH_ORIGIN:
            continue
        is_same = before is not None and _changes_nothing(before, after, field)
        if _brings_none(after, patch, field, settings):
            if not is_same:
                origins.pop(field, None)
            continue
        present = origins.get(field)
        if present is None or not is_same or is_as_strong(policy, ranks, given, present):
            origins[field] = given
    return after if origins == after.origins else structs.replace(after, origins=origins)


def pinned_by_edit(
    before: Lead, after: Lead, patch: CheckedPatch, write: LeadWrite, settings: AccountSettings
) -> Lead:
    """Return the lead with what a person changed pinned, where the account wants that."""
    is_person = write.delivery.user_id is not None and is_typed(write.delivery)
    if not (settings.deciding.pins_edits and is_person):
        return after
    pins = {
        field_of(field) for field in _fields_in(patch) if not _changes_nothing(before, after, field)
    }
    if pins <= {*after.pins}:
        return after
    return structs.replace(after, pins=tuple(sorted(pins | {*after.pins})))
