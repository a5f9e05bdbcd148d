"""Settings that deliveries name: definitions and their options, lead statuses, customer sources.

Those that were deleted count as well, as far as the account still knows them. Anything else in a
payload, whatever it is, names nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from onelead.domain.account import (
    OPTION_RESOURCE,
    AccountSettings,
    CustomerSource,
    DeletedReference,
    LeadStatus,
)
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS, CustomField, Option
from onelead.domain.settings.change import Resource
from onelead.domain.text import fold, known_id, tidy

Named = CustomField | Option | LeadStatus | CustomerSource
_BETWEEN_OPTIONS = re.compile("[;,]")


class _Entry(Struct, gc=False):
    custom_field_definition_id: Any = None
    value: Any = None


class _Properties(Struct, gc=False):
    custom_fields: list[_Entry] | None = None
    customer_source_id: Any = None
    status: Any = None
    status_id: Any = None


class _Payload(_Properties, gc=False):
    """The properties are the payload itself, or in an upsert a part of it."""

    properties: _Properties | None = None


# Members without a type here are skipped, and never become objects.
_read = msgspec.json.Decoder(_Payload).decode


def _may_name(payload: str) -> bool:
    """Return whether a payload can name a setting; most cannot, and need not be decoded."""
    # `in` is much faster than a pattern. An escape can stand for any letter of a member's name.
    return '"custom' in payload or '"status' in payload or "\\u" in payload


class _Known(NamedTuple):
    """The settings of one kind, living and deleted; a name means the living one."""

    ids: set[int]
    names: dict[str, int]


class References:
    """Finds the settings of an account in payloads."""

    def __init__(self, settings: AccountSettings) -> None:
        self._settings = settings
        self._definitions: dict[int, CustomField | None] = {
            **dict.fromkeys(self._deleted(Resource.CUSTOM_FIELD_DEFINITION)),
            **settings.fields_by_id,
        }
        self._options: dict[int, _Known] = {}

    def named_in(self, payload: str) -> set[int]:
        """Return the ids of the settings that a delivery names."""
        if not _may_name(payload):
            return set()
        try:
            sent = _read(payload)
        except (msgspec.DecodeError, RecursionError):
            return set()
        properties = sent.properties or sent
        found = self._of_pick_lists(properties)
        for entry in properties.custom_fields or ():
            definition_id = _id(entry.custom_field_definition_id)
            if definition_id not in self._definitions:
                continue
            found.add(definition_id)
            field = self._definitions[definition_id]
            if field is not None and field.data_type in TYPES_WITH_OPTIONS:
                found |= self._of_options(field, entry.value)
        return found

    def _of_pick_lists(self, sent: _Properties) -> set[int]:
        status_id, source_id = _id(sent.status_id), _id(sent.customer_source_id)
        if sent.status_id is None and isinstance(sent.status, str):
            status_id = self._statuses.names.get(fold(sent.status), 0)
        return ({status_id} & self._statuses.ids) | ({source_id} & self._sources.ids)

    def _of_options(self, field: CustomField, value: Any) -> set[int]:
        """Return the options that a value names by their ids or names, also several in one text."""
        options = self._options.get(field.id)
        if options is None:
            options = self._known(OPTION_RESOURCE, field.options, tidy, field.id)
            self._options[field.id] = options
        found = set()
        for entry in value if isinstance(value, list) else (value,):
            option_id = _option_id(options, entry)
            if option_id in options.ids:
                found.add(option_id)
            elif isinstance(entry, str):
                parts = _BETWEEN_OPTIONS.split(entry)
                found |= {_option_id(options, part) for part in parts} & options.ids
        return found

    @cached_property
    def _statuses(self) -> _Known:
        return self._known(Resource.LEAD_STATUS, self._settings.statuses, fold)

    @cached_property
    def _sources(self) -> _Known:
        return self._known(Resource.CUSTOMER_SOURCE, self._settings.sources, fold)

    def _known(
        self,
        resource: str,
        living: Sequence[Named],
        form: Callable[[str], str],
        definition_id: int | None = None,
    ) -> _Known:
        both = (*self._deleted(resource, definition_id).values(), *living)
        return _Known({one.id for one in both}, {form(one.name): one.id for one in both})

    def _deleted(
        self, resource: str, definition_id: int | None = None
    ) -> dict[int, DeletedReference]:
        return {
            id_: one
            for id_, one in self._settings.deleted.items()
            if one.resource == resource and one.definition_id == definition_id
        }


def _id(sent: Any) -> int:
    """Return an id that was sent as a number or as text; 0 for anything else."""
    return sent if type(sent) is int else known_id(sent) or 0


def _option_id(options: _Known, sent: Any) -> int:
    """Return the id of an option that may be sent by its name, which takes precedence."""
    named = None
    if isinstance(sent, str):
        # Most texts are tidy already.
        named = options.names.get(sent) or options.names.get(tidy(sent))
    return named or _id(sent)


class Reference(NamedTuple):
    """What an id refers to, whether it exists or was deleted."""

    resource: str
    name: str
    #: Of an option: its definition.
    definition_id: int | None = None
    is_deleted: bool = False


def reference(setting_id: int, settings: AccountSettings) -> Reference | None:
    """Return what an id refers to; None when the account does not know it."""
    if gone := settings.deleted.get(setting_id):
        return Reference(gone.resource, gone.name, gone.definition_id, is_deleted=True)
    living: tuple[tuple[str, Mapping[int, Named]], ...] = (
        (Resource.CUSTOM_FIELD_DEFINITION, settings.fields_by_id),
        (Resource.LEAD_STATUS, settings.statuses_by_id),
        (Resource.CUSTOMER_SOURCE, settings.sources_by_id),
    )
    for resource, named in living:
        if setting_id in named:
            return Reference(resource, named[setting_id].name)
    for field in settings.fields:
        for option in field.options:
            if option.id == setting_id:
                return Reference(OPTION_RESOURCE, option.name, field.id)
    return None


def payload_texts(setting_id: int, settings: AccountSettings) -> tuple[tuple[str, ...], ...]:
    """Return groups of texts: a payload that names a setting has all texts of one of them.

    Another payload may have them by chance, and names in other spellings are not among them.
    """
    known = reference(setting_id, settings)
    if known is not None and known.resource == OPTION_RESOURCE:
        beside = str(known.definition_id)
    elif known is not None and known.resource == Resource.LEAD_STATUS:
        beside = '"status"'
    else:
        return ((str(setting_id),),)
    spellings = {msgspec.json.encode(known.name).decode(), json.dumps(known.name)}
    return ((str(setting_id),), *((beside, text) for text in sorted(spellings)))
