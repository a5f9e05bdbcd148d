"""What a lead has besides its fields: pins, other values, rulings, and values it did not take.

Each is changed by an ordinary update of the lead, with its own line in the history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from onelead.contract.ledger import AccountLedgerRow
from onelead.domain.account import AccountSettings
from onelead.domain.acts.other_values import main_keys
from onelead.domain.acts.policies import Policy, is_field
from onelead.domain.custom_fields import CustomField, DataType, day_on_the_wire
from onelead.domain.errors import BodyMalformed, OneleadError, ResourceNotFound
from onelead.domain.lead import MERGE_ORIGIN, Lead, OtherValue
from onelead.domain.matching import is_matchable, value_keys
from onelead.domain.text import isolated, known_id, shortened
from onelead.domain.writes import LEAD, Action, LeadEdit, LeadWrite, Outcome, ValueToAdd
from onelead.incoming.lead_json import one_match_from
from onelead.web.frame.pages import Page
from onelead.web.frame.rendering import minute
from onelead.web.frame.visit import Visit, error_line
from onelead.web.leads.form import Choices, lead_write, properties
from onelead.web.leads.merge_form import field_value_text
from onelead.web.words.lead_texts import custom_field_of, field_label, field_text, origin_text
from onelead.web.words.ledger_lines import (
    ApiKeyLabels,
    KeptLine,
    LongText,
    by_choices,
    kept_lines,
)
from onelead.web.words.ledger_rows import visible_row

_RULES = {
    Policy.NEWEST: "The newest value wins",
    Policy.RANKED: "The sender with the highest rank wins",
}


class OtherLine(Struct, frozen=True):
    """Another value of a lead."""

    id: int
    label: str
    text: LongText
    #: Where it came from, as in `from lead 12`.
    origin: str
    #: The lead that had it before a merge.
    from_id: int | None
    #: Deliveries by it mean this lead, even if others have it.
    is_ruling: bool


class NotTaken(Struct, frozen=True):
    """A value that a recent delivery brought and the lead did not take."""

    seq: int
    kept: KeptLine


def other_lines(lead: Lead, settings: AccountSettings) -> list[OtherLine]:
    """Put the other values of a lead into words, without those that repeat its own."""
    return [
        OtherLine(
            value_id,
            field_label(value.field, settings),
            LongText(_other_text(value.field, value.value, settings)),
            origin_text(value),
            value.from_id if value.origin == MERGE_ORIGIN and value.from_id != lead.id else None,
            value.claims,
        )
        for value_id, value in lead.other_values.items()
        if value.claims or not _is_own(lead, value, settings)
    ]


def _is_own(lead: Lead, value: OtherValue, settings: AccountSettings) -> bool:
    keys = value_keys(value, settings)
    return bool(keys) and keys <= main_keys(lead, value.field, settings)


def _other_text(field: str, value: Any, settings: AccountSettings) -> str:
    return value if field in ("name", "email") else field_text(field, value, settings)


def addable_fields(settings: AccountSettings) -> Choices:
    """Return the fields that another value can be typed for: filter values and labels."""
    custom = [(str(field.id), field.name) for field in settings.lead_fields if _is_typed(field)]
    return [("email", "E-mail"), ("name", "Name"), *custom]


def _is_typed(field: CustomField) -> bool:
    is_text = not field.options and field.data_type not in (DataType.CHECKBOX, DataType.DATE)
    return is_text and is_matchable(field)


def origin_texts(lead: Lead, settings: AccountSettings, labels: ApiKeyLabels) -> dict[str, str]:
    """Say which rule decided a field's value, and who gave it, by field."""
    callers = dict(by_choices(settings, labels))
    texts = {}
    for field, origin in lead.origins.items():
        rule = _RULES.get(settings.deciding.policies.get(field, Policy.OVERWRITE))
        if rule is not None:
            who = isolated(callers.get(origin.caller) or "an earlier sender")
            texts[field] = f"{rule}: from {who}, {minute(origin.date, settings.zone)}"
    return texts


def not_taken(
    lead: Lead, rows: Sequence[AccountLedgerRow], settings: AccountSettings
) -> dict[str, NotTaken]:
    """Return the newest value of each field that the rows brought and the lead did not take."""
    found: dict[str, NotTaken] = {}
    for row in rows:
        if row.details is None or row.resource_id != lead.id:
            continue
        for line in kept_lines(row.details.kept, settings):
            if line.is_takeable and line.value.text != field_value_text(lead, line.field, settings):
                found.setdefault(line.field, NotTaken(row.seq, line))
    return found


async def change_pin(visit: Visit) -> Response:
    """Pin a field, or take its pin away."""
    lead_id, form = visit.path_id(), await visit.form()
    field, is_pin = form.get("field"), form.get("pin") == "1"
    # An unknown lead is not there, whatever is sent.
    await visit.store.lead(visit.account_id, lead_id)
    if not is_field(field):
        raise BodyMalformed("The form does not say what it pins")
    edit = LeadEdit(pin=(field,)) if is_pin else LeadEdit(unpin=(field,))
    label = isolated(field_label(field, visit.settings))
    text = (
        f"{label} is pinned: deliveries do not change it." if is_pin else f"{label}: pin removed."
    )
    return await _edited(visit, lead_id, edit, {"pin" if is_pin else "unpin": [field]}, text)


async def change_other_values(visit: Visit) -> Response:
    """Add another value to a lead, or take one away."""
    lead_id, form = visit.path_id(), await visit.form()
    removed = known_id(form.get("remove"))
    if removed is not None:
        edit = LeadEdit(remove_values=(removed,))
        text = "Deliveries no longer find the lead by that value."
        return await _edited(visit, lead_id, edit, {"remove_values": [removed]}, text)
    field, value = form.get("field"), form.get("value")
    definition_id = known_id(field)
    raw: dict[str, Any] = {"field_name": field, "field_value": value}
    if definition_id is not None:
        wanted = {"custom_field_definition_id": definition_id, "value": value}
        raw = {"field_name": "custom", "field_value": wanted}
    match, _problems = one_match_from(raw)
    assert match is not None, "the form sends texts"
    claims = form.has("claims")
    edit = LeadEdit(add_values=(ValueToAdd(match, claims),))
    shown = f"“{isolated(shortened(value))}”"
    text = f"Deliveries by {shown} {'mean' if claims else 'find'} this lead from now on."
    body = {"add_values": [raw | ({"claims": True} if claims else {})]}
    return await _edited(visit, lead_id, edit, body, text)


async def _edited(
    visit: Visit, lead_id: int, edit: LeadEdit, body: Mapping[str, Any], text: str
) -> Response:
    write = LeadWrite(Action.UPDATE, visit.delivery(body), lead_id, edit=edit)
    return await _answered(visit, lead_id, write, text)


async def _answered(visit: Visit, lead_id: int, write: LeadWrite, text: str) -> Response:
    """Write, and show the lead with what that did."""
    path = f"/leads/{lead_id}"
    receipt = await visit.written(write)
    if isinstance(receipt.result.refusal, ResourceNotFound):
        raise receipt.result.refusal
    if receipt.result.refusal is not None:
        return visit.redirect(path, _reason(receipt.result.refusal), is_problem=True)
    if receipt.result.outcome is Outcome.UNCHANGED:
        return visit.redirect(path, "Nothing was changed.")
    return visit.redirect(path, text, undo_seq=receipt.seq)


def _reason(refusal: OneleadError) -> str:
    return f"Nothing was saved. {error_line(refusal)}"


async def take_value(visit: Visit) -> Response:
    """Give a lead a value that a delivery brought and it did not take."""
    lead_id, form = visit.path_id(), await visit.form()
    row = (await visible_row(visit, known_id(form.get("seq")) or 0)).row
    field = form.get("field")
    kept = row.details.kept.get(field) if row.details else None
    if row.resource != LEAD or row.resource_id != lead_id or kept is None:
        raise ResourceNotFound
    settings = visit.settings
    (line,) = kept_lines({field: kept}, settings)
    if not line.is_takeable:
        raise ResourceNotFound
    raw = properties({field: _as_sent(field, kept.value, settings)}, settings)
    text = f"{isolated(line.label)} was taken: {isolated(shortened(line.value.text))}."
    return await _answered(visit, lead_id, lead_write(visit, Action.UPDATE, raw, lead_id), text)


def _as_sent(field: str, value: Any, settings: AccountSettings) -> Any:
    """Return a stored value as the JSON that the API would have received."""
    definition = custom_field_of(field, settings)
    if definition is not None and definition.data_type is DataType.DATE:
        return day_on_the_wire(str(value))
    return msgspec.to_builtins(value)


PAGES = (
    Page("POST", "/leads/{id}/pins", change_pin),
    Page("POST", "/leads/{id}/other-values", change_other_values),
    Page("POST", "/leads/{id}/take", take_value),
)
