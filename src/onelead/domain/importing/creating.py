"""The settings that an import makes on the way: custom fields, options, statuses and sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from msgspec import Struct, structs

from onelead.domain.account import (
    OPTION_RESOURCE,
    AccountSettings,
    CustomerSource,
    LeadStatus,
)
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS, CustomField, DataType, Option
from onelead.domain.importing.choices import choices_of
from onelead.domain.importing.mapping import Mapping
from onelead.domain.importing.targets import as_made, custom_field_of, new_field_of
from onelead.domain.importing.watches import ColumnFindings
from onelead.domain.limits import ID_MAX, OPTIONS_MAX
from onelead.domain.settings.change import Resource
from onelead.domain.text import fold


class Creation(Struct, frozen=True, gc=False):
    """A setting to make before the rows are imported."""

    #: One of `Resource`, or OPTION_RESOURCE.
    resource: str
    name: str
    #: The target that needs it.
    target: str
    #: Of a definition.
    data_type: DataType | None = None
    options: tuple[str, ...] = ()


def creations(
    mapping: Mapping, columns: Sequence[ColumnFindings], settings: AccountSettings
) -> tuple[Creation, ...]:
    """Return what a mapping wants to be made that the account does not have."""
    found: dict[tuple[str, str, str], Creation] = {}
    for column, findings in zip(mapping.columns, columns, strict=True):
        # A step that is repeated finds the field that it has made.
        target = as_made(column.target or "", settings)
        new = new_field_of(target)
        if new is not None:
            options = tuple(findings.unknown) if new[0] in TYPES_WITH_OPTIONS else ()
            one = Creation(
                Resource.CUSTOM_FIELD_DEFINITION, new[1], target, new[0], options[:OPTIONS_MAX]
            )
            found.setdefault((one.resource, target, fold(one.name)), one)
            continue
        choices = choices_of(target, settings, mapping.choices)
        resource = _RESOURCES.get(target, OPTION_RESOURCE)
        if choices is None:
            continue
        is_new = target != column.target
        for text in findings.unknown:
            if choices.to_create(text) or (is_new and choices.id_of(text) is None):
                one = Creation(resource, text, target)
                found.setdefault((resource, target, fold(text)), one)
    return tuple(found.values())


_RESOURCES = {
    "status": Resource.LEAD_STATUS.value,
    "customer_source": Resource.CUSTOMER_SOURCE.value,
}


def settings_with(settings: AccountSettings, made: Sequence[Creation]) -> AccountSettings:
    """Return the settings as they would be with more of them, whose ids are made up."""
    next_id = ID_MAX - len(made) - sum(len(one.options) for one in made)
    for one in made:
        next_id += 1
        if one.resource == Resource.LEAD_STATUS:
            settings = replace(
                settings, statuses=(*settings.statuses, LeadStatus(next_id, one.name))
            )
        elif one.resource == Resource.CUSTOMER_SOURCE:
            settings = replace(
                settings, sources=(*settings.sources, CustomerSource(next_id, one.name))
            )
        elif one.data_type is not None:
            first = next_id + 1
            options = tuple(Option(first + at, name) for at, name in enumerate(one.options))
            field = CustomField(
                next_id,
                one.name,
                one.data_type,
                available_on=("lead",),
                options=options,
                currency=settings.currency if one.data_type is DataType.CURRENCY else None,
            )
            settings = replace(settings, fields=(*settings.fields, field))
            next_id += len(options)
        else:
            settings = replace(settings, fields=_with_option(settings, one, next_id))
    return settings


def _with_option(settings: AccountSettings, one: Creation, id_: int) -> tuple[CustomField, ...]:
    changed = custom_field_of(one.target, settings)
    return tuple(
        structs.replace(field, options=(*field.options, Option(id_, one.name)))
        if field is changed
        else field
        for field in settings.fields
    )


def with_created(mapping: Mapping, settings: AccountSettings) -> Mapping:
    """Return the mapping with the definitions that were made for it in the place of new ones."""
    targets: dict[int, object] = {
        place: as_made(column.target, settings)
        for place, column in enumerate(mapping.columns)
        if column.target
    }
    return mapping.with_columns(target=targets)
