"""What a form says about custom fields that leads have no more, as after a deletion meanwhile.

It cannot be written, and is not dropped in silence either: the person gets it back to read.
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
    """What was typed for a field that leads do not have any more."""

    #: As in the form: `custom_fields.1000000010`.
    name: str
    label: str
    #: What happened to the field.
    problem: str
    typed: LongText


async def lost_values(
    visit: Visit, form: Form, lead: Lead, settings: AccountSettings
) -> list[LostValue]:
    """Return what a form, made for the lead, has for fields that the settings lack."""
    names = list(dict.fromkeys(name for name, _text in form.fields if _is_lost(name, settings)))
    known = await settings_to_write_by(visit, settings, (), [(name, None) for name in names])
    fields = {name: field for name in names if (field := custom_field_of(name, known))}
    wanted = wanted_values(form, lead, fields, known)
    # To empty a field that is gone is nothing that could get lost; what was typed for one that
    # nothing is known of is.
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
        problem="this field was deleted meanwhile"
        if is_deleted
        else "leads do not have this field any more",
        typed=LongText(", ".join(_read(text, field) for text in texts)),
    )


def _read(text: str, field: CustomField | None) -> str:
    """Return what a person read in the form where an input sent a text."""
    if field is not None and field.data_type is DataType.CHECKBOX:
        return "yes"
    options = {str(option.id): option.name for option in field.options} if field else {}
    return options.get(text, text)
