"""Other values of a lead: names, e-mails and custom values by which it is found besides its own."""

from __future__ import annotations

from collections.abc import Iterator

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField
from onelead.domain.lead import (
    PERSON_ORIGIN,
    RULING_ORIGIN,
    Lead,
    OtherValue,
    custom_name,
    definition_id_of,
)
from onelead.domain.matching import (
    CheckedMatch,
    MatchKey,
    value_keys,
)
from onelead.domain.properties import CustomFieldPatch, EmailPatch, LeadPatch, checked


def patch_of(match: CheckedMatch) -> LeadPatch:
    """Return the properties by which a new lead matches."""
    if match.definition is not None:
        entry = CustomFieldPatch(match.definition.id, match.value)
        return LeadPatch(custom_fields=[entry])
    if match.field_name == "name":
        return LeadPatch(name=match.value)
    return LeadPatch(email=EmailPatch(match.value))


def value_added(match: CheckedMatch, *, claims: bool, settings: AccountSettings) -> OtherValue:
    """Return the other value that a checked match describes."""
    origin = RULING_ORIGIN if claims else PERSON_ORIGIN
    patch = checked(patch_of(match), settings)
    if match.field_name == "name":
        assert patch.name is not None
        return OtherValue("name", patch.name, origin, claims=claims)
    if match.field_name == "email":
        return OtherValue("email", patch.fields["email"].email, origin, claims=claims)
    assert match.definition is not None
    field_id = match.definition.id
    value = patch.custom_fields[field_id]
    assert value is not None
    return OtherValue(custom_name(field_id), value, origin, claims=claims)


def values_of(lead: Lead, settings: AccountSettings) -> Iterator[tuple[str, OtherValue]]:
    """Yield what a lead is matched by, each as another value of no origin, with its field."""
    yield "name", OtherValue("name", lead.name, "")
    if lead.email:
        yield "email", OtherValue("email", lead.email.email, "")
    for field_id, value in lead.custom_fields.items():
        if field_id in settings.fields_by_id:
            name = custom_name(field_id)
            yield name, OtherValue(name, value, "")


def main_keys(lead: Lead, field: str, settings: AccountSettings) -> set[MatchKey]:
    """Return the keys of the lead's own value of a field."""
    own = (value for name, value in values_of(lead, settings) if name == field)
    return {key for value in own for key in value_keys(value, settings)}


def field_definition(name: str, settings: AccountSettings) -> CustomField | None:
    """Return the definition that a field's name means; None for any other, or a deleted one."""
    return settings.fields_by_id.get(definition_id_of(name) or 0)
