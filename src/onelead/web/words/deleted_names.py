"""Names for deleted statuses, sources, fields and options that ledger rows still refer to.

Such rows are written with settings that contain the deleted ones, too, marked as deleted. Use
these settings for nothing else: a deleted status must not be offered as a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import msgspec

from onelead.contract.ledger import AccountLedgerRow, DeletedSetting
from onelead.domain.account import AccountSettings, CustomerSource, LeadStatus
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS, CustomField, DataType, Option
from onelead.domain.lead import custom_name, definition_id_of
from onelead.domain.writes import LEAD, Outcome
from onelead.web.frame.visit import Visit
from onelead.web.words.ledger_lines import existing_settings

_PICKED: dict[str, Callable[[AccountSettings], Mapping[int, Any]]] = {
    "status_id": lambda settings: settings.statuses_by_id,
    "customer_source_id": lambda settings: settings.sources_by_id,
}
#: A field of a lead and its value, stored or as JSON.
FieldValue = tuple[str, Any]


async def settings_to_write_by(
    visit: Visit,
    settings: AccountSettings,
    rows: Iterable[AccountLedgerRow],
    values: Iterable[FieldValue] = (),
) -> AccountSettings:
    """Return the settings, plus the deleted ones that rows and values name.

    The store is asked once, and only when something is missing.
    """
    ids = missing_ids(rows, values, settings)
    if not ids:
        return settings
    return with_deleted(settings, await visit.store.deleted_settings(visit.account_id, ids))


def missing_ids(
    rows: Iterable[AccountLedgerRow], values: Iterable[FieldValue], settings: AccountSettings
) -> set[int]:
    """Return the ids that rows and values name and that are not in the settings.

    An option counts with the id of its definition, under which the ledger keeps it.
    """
    rows = list(rows)
    of_values = (_of_value(*pair, settings) for pair in chain(values, *map(_values_of, rows)))
    of_settings = (_of_setting(row, settings) for row in rows)
    return {*chain.from_iterable(of_values), *chain.from_iterable(of_settings)}


def _values_of(row: AccountLedgerRow) -> Iterator[FieldValue]:
    """Yield the lead values in a row: its changes, the match value, and fields without values."""
    if row.resource != LEAD:
        return
    yield from ((name, None) for name in (*(row.ignored or ()), *(row.shares or ())))
    for name, values in (row.changes or {}).items():
        yield from ((name, value) for value in values)
    if row.match and row.match["definition_id"] is not None:
        # The match value of an option is its id as text; of several, their ids with commas.
        ids = [int(text) for text in row.match["value"].split(",") if text.isdecimal()]
        yield custom_name(row.match["definition_id"]), ids


def _of_value(name: str, value: Any, settings: AccountSettings) -> Iterator[int]:
    if name in _PICKED:
        if value is not None and value not in _PICKED[name](settings):
            yield value
        return
    definition_id = definition_id_of(name)
    if definition_id is None:
        return
    field = settings.fields_by_id.get(definition_id)
    if field is None or not _has_options(field, value):
        yield definition_id


def _has_options(field: CustomField, value: Any) -> bool:
    """Say whether a definition still has all options that a value names."""
    if field.data_type not in TYPES_WITH_OPTIONS or value is None:
        return True
    chosen = value if isinstance(value, list | tuple) else [value]
    return {option.id for option in field.options}.issuperset(chosen)


def _of_setting(row: AccountLedgerRow, settings: AccountSettings) -> Iterator[int]:
    # The row of a deletion contains the name.
    existing = existing_settings(row.resource, settings)
    is_gone = existing is not None and row.resource_id not in existing
    if is_gone and row.resource_id is not None and row.outcome != Outcome.DELETED:
        yield row.resource_id


def with_deleted(
    settings: AccountSettings, deleted: Mapping[int, DeletedSetting]
) -> AccountSettings:
    """Return the settings with the deleted ones added, each marked as deleted."""
    fields = [_with_options(field, deleted.get(field.id)) for field in settings.fields]
    names = []
    for setting_id, was in deleted.items():
        if was.name is None:
            continue
        if was.data_type is None:
            names.append((setting_id, _marked(was.name)))
        else:
            fields.append(_definition(setting_id, was.name, DataType(was.data_type), was))
    # Ids are unique within an account, so a status and a source never share one.
    return replace(
        settings,
        statuses=(*settings.statuses, *(LeadStatus(*named) for named in names)),
        sources=(*settings.sources, *(CustomerSource(*named) for named in names)),
        fields=tuple(fields),
    )


def _marked(name: str) -> str:
    return f"{name} (deleted)"


def _definition(
    definition_id: int, name: str, data_type: DataType, was: DeletedSetting
) -> CustomField:
    # The field is marked as a whole, so its options are not.
    options = tuple(Option(*named) for named in was.options.items())
    return CustomField(
        definition_id, _marked(name), data_type, options=options, currency=was.currency
    )


def _with_options(field: CustomField, was: DeletedSetting | None) -> CustomField:
    if was is None:
        return field
    known = {option.id for option in field.options}
    removed = [
        Option(option_id, _marked(name))
        for option_id, name in was.options.items()
        if option_id not in known
    ]
    return msgspec.structs.replace(field, options=(*field.options, *removed))
