"""System Settings, Custom Fields: the list and the form of a definition."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from msgspec import structs
from starlette.responses import Response

from onelead.domain.account import OPTION_RESOURCE
from onelead.domain.custom_fields import RESOURCES, CustomField, IndexState
from onelead.domain.errors import ResourceNotFound, SettingsConflict
from onelead.domain.figures import ANY_VALUE
from onelead.domain.limits import LINE_CHARS_MAX, OPTIONS_MAX
from onelead.domain.settings.change import Resource
from onelead.domain.settings.definitions import definition_attributes
from onelead.domain.text import fold, known_id, tidy
from onelead.domain.writes import Action, Outcome
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, problems_of
from onelead.web.settings.changes import change_settings
from onelead.web.settings.field_form import (
    TYPES,
    FieldForm,
    currency_choices,
    digest,
    form_of,
    is_only_edited,
    new_form,
    read_form,
    row_at_hand,
)
from onelead.web.settings.field_usage import figure_of, is_counting, losses_of, usage_of
from onelead.web.settings.senders import sent_lately, still_sent
from onelead.web.words.lead_texts import plain_text
from onelead.web.words.ledger_lines import setting_label

PATH = "/settings/custom-fields"
_DEFINITION = Resource.CUSTOM_FIELD_DEFINITION
#: A list of at least this many definitions has a search box.
_SEARCHED_FROM = 8
#: Of options that are removed together, the senders of the first ones are shown.
_SENDERS_OF_OPTIONS_MAX = 20


async def field_list(visit: Visit) -> Response:
    """List the definitions, and how many leads have a value for each."""
    wanted = visit.query("q").strip()
    figures = await visit.store.lead_figures(visit.account_id, value=ANY_VALUE)
    fields = sorted(visit.settings.fields, key=lambda field: (fold(field.name), field.id))
    return visit.page(
        "custom_fields/list.html",
        fields=[field for field in fields if _is_found(field, wanted)],
        total=len(fields),
        wanted=wanted,
        is_searched=len(fields) >= _SEARCHED_FROM or bool(wanted),
        types=TYPES,
        leads={one.id: figures.get(figure_of(one), {}).get(ANY_VALUE, 0) for one in fields},
        is_counting=await is_counting(visit),
        progress=await visit.store.index_progress(visit.account_id),
        still_sent=await still_sent(visit, (_DEFINITION, OPTION_RESOURCE)),
    )


def _is_found(field: CustomField, wanted: str) -> bool:
    label = TYPES[field.data_type].label
    texts = (field.name, field.canonical_name or "", field.data_type.value, label)
    return any(fold(wanted) in fold(text) for text in texts)


async def new_field(visit: Visit) -> Response:
    """Show the form of a new definition."""
    return _form_page(visit, None, new_form(visit.settings))


async def create_field(visit: Visit) -> Response:
    """Create a definition, or show its problems."""
    form = await visit.form()
    typed = read_form(form, None)
    if is_only_edited(form):
        return _form_page(visit, None, typed, moved=row_at_hand(form, len(typed.options)))
    result = await change_settings(visit, _DEFINITION, Action.CREATE, body=typed.body(None))
    if result.refusal is not None:
        return _form_page(visit, None, typed, problems_of(result.refusal))
    assert result.resource_id is not None
    field = result.settings.fields_by_id[result.resource_id]
    return visit.redirect(
        f"{PATH}/{field.id}", f"{field.name} was created. {_filter_text(field)}".rstrip()
    )


async def field_page(visit: Visit) -> Response:
    """Show a definition, its form, and how it is used."""
    field = _field(visit)
    return await _shown(visit, field, form_of(field))


async def _shown(
    visit: Visit,
    field: CustomField,
    typed: FieldForm,
    problems: Problems = NO_PROBLEMS,
    **more: Any,
) -> Response:
    """Show the form of an existing definition, with its usage next to it."""
    return _form_page(visit, field, typed, problems, usage=await usage_of(visit, field), **more)


async def update_field(visit: Visit) -> Response:
    """Save a definition; ask first when that takes something away."""
    field, form = _field(visit), await visit.form()
    typed = read_form(form, field)
    if is_only_edited(form):
        return await _shown(visit, field, typed, moved=row_at_hand(form, len(typed.options)))
    if typed.seen != digest(field):
        return await _conflict_page(visit, field, typed)
    losses = losses_of(typed, field)
    if losses.token and form.get("confirmed") != losses.token:
        ids = [option.id for option in losses.options[:_SENDERS_OF_OPTIONS_MAX]]
        sent = dict(zip(ids, await sent_lately(visit, *ids), strict=True))
        return await _shown(visit, field, typed, losses=losses, sent=sent)
    return await _saved(visit, field, typed)


async def _saved(visit: Visit, field: CustomField, typed: FieldForm) -> Response:
    result = await change_settings(
        *(visit, _DEFINITION, Action.UPDATE),
        resource_id=field.id,
        body=typed.body(field),
        seen=definition_attributes(field),
    )
    if isinstance(result.refusal, SettingsConflict):
        # Somebody changed it between reading and writing.
        return await _conflict_page(visit, result.settings.fields_by_id[field.id], typed)
    if result.refusal is not None:
        return await _shown(visit, field, typed, problems_of(result.refusal))
    after = result.settings.fields_by_id[field.id]
    if result.outcome is Outcome.UNCHANGED:
        return visit.redirect(_path(visit, field), "Nothing changed.")
    more = f" {_filter_text(after)}" if after.is_indexed != field.is_indexed else ""
    return visit.redirect(_path(visit, field), f"{after.name} was saved.{more.rstrip()}")


async def _conflict_page(visit: Visit, field: CustomField, typed: FieldForm) -> Response:
    """Show a form whose definition was changed after the form was loaded."""
    typed_over = structs.replace(typed, seen=digest(field))
    return await _shown(visit, field, typed_over, conflicts=_conflicts(typed, field))


def _path(visit: Visit, field: CustomField) -> str:
    again = known_id(visit.query("again"))
    return f"{PATH}/{field.id}" + (f"?again={again}" if again else "")


def _filter_text(field: CustomField) -> str:
    """Say whether upserts and searches can use a definition now."""
    match field.index_state:
        case IndexState.READY:
            return "Upserts and searches can use it now."
        case IndexState.BUILDING:
            # The page says so itself while the index is being built.
            return ""
        case IndexState.NONE:
            return "It is not included in filters, so upserts by it are refused."


def _conflicts(typed: FieldForm, field: CustomField) -> list[tuple[str, str]]:
    """Return what is stored now in the attributes that a form changes: names and values."""
    attributes = definition_attributes(field)
    return [
        (setting_label(name), plain_text(attributes[name]) or "nothing")
        for name in typed.body(field)
    ]


async def delete_page(visit: Visit) -> Response:
    """Show what a deletion takes away, and ask for the definition's name."""
    return await _delete_page(visit, _field(visit))


async def delete_field(visit: Visit) -> Response:
    """Delete a definition once its name was typed; deleting it twice is harmless."""
    field = visit.settings.fields_by_id.get(visit.path_id())
    if field is None:
        return visit.redirect(PATH, "That field has already been deleted.")
    typed = (await visit.form()).raw("name")
    if tidy(typed) != tidy(field.name):
        return await _delete_page(visit, field, typed, {"name": ["is not the name of the field"]})
    result = await change_settings(visit, _DEFINITION, Action.DELETE, resource_id=field.id)
    if result.refusal is not None:
        return visit.redirect(PATH, "That field has already been deleted.")
    return visit.redirect(PATH, f"{field.name} was deleted.")


async def _delete_page(
    visit: Visit, field: CustomField, typed: str = "", problems: Problems = NO_PROBLEMS
) -> Response:
    return visit.page(
        "custom_fields/delete.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        field=field,
        type=TYPES[field.data_type],
        usage=await usage_of(visit, field),
        typed=typed,
        problems=problems,
    )


def _field(visit: Visit) -> CustomField:
    field = visit.settings.fields_by_id.get(visit.path_id())
    if field is None:
        raise ResourceNotFound
    return field


def _form_page(
    visit: Visit,
    field: CustomField | None,
    typed: FieldForm,
    problems: Problems = NO_PROBLEMS,
    **more: Any,
) -> Response:
    """Show a form; `more` is what the page shows next to it: see `_BESIDE`."""
    has_conflict = bool(more.get("conflicts"))
    refused = HTTPStatus.CONFLICT if has_conflict else HTTPStatus.UNPROCESSABLE_ENTITY
    return visit.page(
        "custom_fields/form.html",
        refused if problems or has_conflict else HTTPStatus.OK,
        field=field,
        typed=typed,
        problems=problems,
        types=TYPES,
        resources=[(name, name.capitalize()) for name in RESOURCES],
        currencies=currency_choices(),
        options_max=OPTIONS_MAX,
        chars_max=LINE_CHARS_MAX,
        # The delivery that was refused because of these settings.
        again=known_id(visit.query("again")),
        **(_BESIDE | more),
    )


#: How the definition is used, what saving would take away, who sent the options that it removes,
#: what somebody else changed meanwhile, and the place of the option that was moved last.
_BESIDE: dict[str, Any] = {
    "usage": None,
    "losses": None,
    "sent": {},
    "conflicts": (),
    "moved": None,
}

PAGES = (
    Page("GET", PATH, field_list, Access.ADMIN),
    Page("GET", f"{PATH}/new", new_field, Access.ADMIN),
    Page("POST", f"{PATH}/new", create_field, Access.ADMIN, once=PATH),
    Page("GET", f"{PATH}/{{id}}", field_page, Access.ADMIN),
    Page("POST", f"{PATH}/{{id}}", update_field, Access.ADMIN),
    Page("GET", f"{PATH}/{{id}}/delete", delete_page, Access.ADMIN, confirm=True),
    Page("POST", f"{PATH}/{{id}}/delete", delete_field, Access.ADMIN, confirm=True),
)
