"""A form's values for custom fields that leads no longer have, for example deleted ones.

They cannot be written, but are not dropped silently either: the user gets them back to read.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, DataType
from onelead.domain.lead import Lead, definition_id_of
from onelead.web.frame.forms import Form
from onelead.web.frame.visit import Visit
from onelead.web.leads.form import wanted_values
from onelead.web.words.deleted_names import settings_to_write_by
from onelead.web.words.lead_texts import custom_field_of, field_label
from onelead.web.words.ledger_lines import LongText


class LostValue(Struct, frozen=True):
    """What was typed for a field that leads no longer have."""

    #: As in the form: `custom_fields.1000000010`.
    name: str
    label: str
    #: What happened to the field.
    problem: str
    typed: LongText


async def lost_values(
    visit: Visit, form: Form, lead: Lead, settings: AccountSettings
) -> list[LostValue]:
    """Return what a form, made from the lead, has for fields that the settings lack."""
    names = list(dict.fromkeys(name for name, _text in form.fields if _is_lost(name, settings)))
    known = await settings_to_write_by(visit, settings, (), [(name, None) for name in names])
    fields = {name: field for name in names if (field := custom_field_of(name, known))}
    wanted = wanted_values(form, lead, fields, known)
    # Clearing a field that is gone loses nothing. For a field that nothing is known about, any
    # text that was typed counts.
    typed = [name for name in names if wanted.get(name) or (name not in fields and form.get(name))]
    return [_lost(name, form.all(name), fields.get(name), settings) for name in typed]


def _is_lost(name: str, settings: AccountSettings) -> bool:
    if definition_id_of(name) is None:
        return False
    field = custom_field_of(name, settings)
    return field is None or not field.on_leads


def _lost(
    name: str, texts: Sequence[str], field: CustomField | None, settings: AccountSettings
) -> LostValue:
    is_deleted = custom_field_of(name, settings) is None
    return LostValue(
        name=name,
        label=field.name if field else field_label(name, settings),
        problem="this field has been deleted"
        if is_deleted
        else "this field is no longer available on leads",
        typed=LongText(", ".join(_read(text, field) for text in texts)),
    )


def _read(text: str, field: CustomField | None) -> str:
    """Return what the form showed for the text that an input sent."""
    if field is not None and field.data_type is DataType.CHECKBOX:
        return "yes"
    options = {str(option.id): option.name for option in field.options} if field else {}
    return options.get(text, text)
