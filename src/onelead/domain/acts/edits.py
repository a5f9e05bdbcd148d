"""What people change about a lead besides its properties: other values, rulings and pins."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from onelead.domain.account import AccountSettings
from onelead.domain.acts.other_values import field_definition, value_added
from onelead.domain.acts.policies import POLICY_FIELDS, is_field
from onelead.domain.acts.state import LeadState
from onelead.domain.errors import ClaimTaken, InputInvalid, Problem, ResourceNotFound
from onelead.domain.lead import Lead, OtherValue
from onelead.domain.limits import OTHER_VALUES_MAX
from onelead.domain.matching import CheckedMatch, claim_key
from onelead.domain.text import quoted
from onelead.domain.writes import LeadEdit


def edited(
    state: LeadState, before: Lead, after: Lead, edit: LeadEdit, added: Sequence[CheckedMatch]
) -> Lead:
    """Return the lead with an edit; `added` are the checked values to add.

    Raises ClaimTaken, ResourceNotFound for another value that the lead does not have, and
    InputInvalid.
    """
    values = dict(after.other_values)
    for value_id in edit.remove_values:
        if values.pop(value_id, None) is None:
            raise ResourceNotFound
    for match, wanted in zip(added, edit.add_values, strict=True):
        _require_free_claim(state, before.id, match, claims=wanted.claims)
        value = value_added(match, claims=wanted.claims, settings=state.settings)
        if not _has(values, value):
            values[state.new_id()] = value
    if len(values) > OTHER_VALUES_MAX:
        text = f"has too many other values (maximum is {OTHER_VALUES_MAX})"
        raise InputInvalid(Problem("other_values", text, "too_long"))
    unknown = [name for name in edit.pin if not _exists(name, state.settings)]
    unknown += [name for name in edit.unpin if not is_field(name)]
    if unknown:
        text = f"has no such field: {quoted(unknown[0])}"
        raise InputInvalid(Problem("pins", text, "inclusion"))
    pins = {*after.pins, *edit.pin} - {*edit.unpin}
    return structs.replace(after, other_values=values, pins=tuple(sorted(pins)))


def _exists(name: str, settings: AccountSettings) -> bool:
    return name in POLICY_FIELDS or field_definition(name, settings) is not None


def _require_free_claim(
    state: LeadState, lead_id: int, match: CheckedMatch, *, claims: bool
) -> None:
    others = {*state.matching(claim_key(match.key))} - {lead_id} if claims else set()
    if others:
        raise ClaimTaken(match.key.value, min(others))


def _has(values: dict[int, OtherValue], wanted: OtherValue) -> bool:
    """Return whether a value like the wanted one is there, so that it is not added twice."""
    return any(
        (value.field, value.value) == (wanted.field, wanted.value) and value.claims >= wanted.claims
        for value in values.values()
    )
