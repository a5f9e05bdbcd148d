"""Upserts as people and programs send them: any settings, match and properties, in any spelling.

There are few values, so that leads share them; each is spelled in many ways.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import strategies as st
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.random_leads import texts

from onelead.domain.account import AccountSettings, DeletedReference
from onelead.domain.custom_fields import (
    NUMBER_TYPES,
    TEXT_TYPES,
    TYPES_WITH_OPTIONS,
    CustomField,
    DataType,
    IndexState,
    Option,
)
from onelead.domain.placeholders import DEFAULT_PLACEHOLDERS

Body = dict[str, Any]
Sent = st.SearchStrategy[Any]

#: Hypothesis prefers what comes first: the types with the most rules.
_TYPES = (
    *(DataType.MULTI_SELECT, DataType.STRING, DataType.CHECKBOX, DataType.DROPDOWN, DataType.FLOAT),
    *(DataType.DATE, DataType.TEXT, DataType.URL, DataType.PERCENTAGE, DataType.CURRENCY),
)
_OPTIONS = (Option(5101, "Silver"), Option(5102, "Gold"), Option(5103, "None"), Option(5104, "7"))
_READY: dict[str, Any] = {"is_filterable": True, "index_state": IndexState.READY}
_FIELDS = tuple(
    a_field(
        id=4101 + number,
        data_type=data_type,
        name=f"Field {number}",
        options=_OPTIONS if data_type in TYPES_WITH_OPTIONS else (),
        **_READY,
    )
    for number, data_type in enumerate(_TYPES)
)
FIELD_IDS = {field.data_type: field.id for field in _FIELDS}
FILTERABLE = a_settings(fields=_FIELDS)
_GONE = {
    "custom_field_definition": 4190,
    "custom_field_option": 5190,
    "lead_status": 2090,
    "customer_source": 3190,
}
_GONE_ENTRY = {"custom_field_definition_id": 4190, "value": "A-77"}
#: An address that an account lists as a placeholder.
_LISTED = "test@field.example"

_NAMES = (
    *("Nora Field", "Seán O'Neill", "Anne-Marie Weiß", "山田 太郎", "نورا الحقل", "Nora 🌷 Field"),
    *("Dr. Nora M. Field Jr.", "Field, Nora", "X Ltd.", "Nora"),
)
_EMAILS = (
    *("nora@field.example", "o'neill+1@field.example", "weiß@straße.example"),
    *("nora@bücher.example", "nora@xn--bcher-kva.example"),
)
_TEXTS = ("A-77", "a-77", "A  77", "7", "O'Neill", "山田", "🌷", "x" * 250)
_BLANKS: Sent = st.sampled_from(["", " ", "\u200b", "\u00a0\n", None])
_PLACEHOLDERS: Sent = st.sampled_from(
    [*DEFAULT_PLACEHOLDERS[::5], "{{ email }}", " N/A ", "-", "lost and found"]
)


def _spelled(text: str) -> list[str]:
    return [
        *(text, text.upper(), text.title(), f" {text}\n", f"\ufeff{text}\u200b"),
        *(unicodedata.normalize("NFD", text), text.replace(" ", " \u00a0 ")),
        *(text.replace("'", "\u2019"), text.replace("-", "\u2011")),
        # Full width.
        text.translate({ord(char): ord(char) + 0xFEE0 for char in "ANar7"}),
    ]


def _wrapped(address: str) -> list[str]:
    local, _, domain = address.partition("@")
    return [
        *(f"mailto:{address}", f"MAILTO:{address}?subject=Hello", f"<{address}>", f'"{address}"'),
        *(f"Nora Field <{address}>", f'"Field, Nora" <{address}>', f"({address})."),
        *(f"{address};", f"{local}@{domain.upper()}"),
    ]


def _often(usual: Sent, *rare: Sent) -> Sent:
    # Hypothesis prefers small numbers.
    return st.integers(0, 9).flatmap(lambda number: st.one_of(*rare) if number == 7 else usual)


_plain_names = st.sampled_from([spelled for name in _NAMES for spelled in _spelled(name)])
_odd_names = _PLACEHOLDERS | texts()
_names = _often(_plain_names, _odd_names)
_addresses = st.sampled_from(
    [spelled for text in _EMAILS for spelled in (*_spelled(text), *_wrapped(text))]
)
_odd_addresses = st.one_of(
    *(_PLACEHOLDERS, texts(), st.just(_LISTED)),
    st.lists(_addresses, min_size=2, max_size=3).map("; ".join),
)
_emails = _often(_addresses, _odd_addresses)
_numbers = (7, 7.0, "7", " 7.0 ", 7.9, 0, -0.0, "0", "7e0", 10**15)
_options = (5101, 5102, 5103, 5101.0, "5101", "Silver", " Gold", "7", "None", 5104)
_lines = tuple(spelled for text in _TEXTS for spelled in _spelled(text))
#: What may be refused, or lists nobody.
_unusual: dict[DataType, Sent] = {
    **dict.fromkeys(TEXT_TYPES, texts() | _PLACEHOLDERS | _emails | st.sampled_from([True, []])),
    **dict.fromkeys(NUMBER_TYPES, st.sampled_from(["seven", "n/a", True])),
    DataType.DATE: st.sampled_from(["2020-12-15", "2020-12-15T23:30:00Z", 1_608_012_000_000]),
    DataType.DROPDOWN: st.sampled_from([7, "gold", 5190, True]),
    DataType.MULTI_SELECT: st.sampled_from(
        ["5101", 5101.0, "Silver;Gold", "Silver, Gold", "5101; ", [None, 5101], [""], "gold", 5190]
    ),
    DataType.CHECKBOX: st.sampled_from(["true", "false", 1, 0, "yes", "no", "n/a", 7]),
}
_usual: dict[DataType, Sent] = {
    **dict.fromkeys(TEXT_TYPES, st.sampled_from([*_lines, 7, 7.0, 0])),
    **dict.fromkeys(NUMBER_TYPES, st.sampled_from(_numbers)),
    DataType.DATE: st.sampled_from(
        ["12/15/2020", " 12/15/2020", "12/5/2020", 1_607_990_400, 1_608_012_000, "1608012000"]
    ),
    DataType.DROPDOWN: st.sampled_from(_options),
    DataType.MULTI_SELECT: st.sampled_from(
        [
            *(5101, "Silver", " Gold", "7", ["Silver"], [5101, "Gold"], ["Gold", "None"]),
            *([5102, "None", 5102], [5103, 5104], [5101, 5102, 5103], ["7", "Gold"]),
        ]
    ),
    DataType.CHECKBOX: st.booleans(),
}


def _entry_of(field: CustomField, values: Sent) -> Sent:
    return values.map(lambda value: {"custom_field_definition_id": field.id, "value": value})


def _with_email(text: Any) -> Body:
    return {"email": text}


_stored = st.one_of(*(_entry_of(field, _usual[field.data_type]) for field in _FIELDS))
_matched = {
    "name": _names,
    "email": _emails,
    "custom": st.one_of(
        *(
            _entry_of(field, _often(_usual[field.data_type], _unusual[field.data_type]))
            for field in _FIELDS
        )
    ),
}
#: What properties give a field: by field, and for a custom field by its definition.
_given: dict[Any, dict[str, Sent]] = {
    "name": {"a value": _plain_names, "nothing": _BLANKS, "something odd": _odd_names},
    "email": {
        "a value": _addresses.map(_with_email),
        "nothing": _BLANKS | _BLANKS.map(_with_email) | st.just({}),
        "something odd": st.one_of(
            *(_odd_addresses.map(_with_email), _addresses),
            st.lists(_addresses.map(_with_email), min_size=1, max_size=2),
        ),
    },
    **{
        field.id: {
            "a value": _entry_of(field, _usual[field.data_type]),
            "nothing": _entry_of(field, _BLANKS | st.just([])),
            "something odd": _entry_of(field, _unusual[field.data_type]),
        }
        for field in _FIELDS
    },
}
_texts = texts() | _BLANKS
#: What has nothing to do with matching, unless a part of the name becomes the name.
_others: dict[str, Sent] = {
    "first_name": _names | _BLANKS,
    "last_name": _names | _BLANKS,
    "prefix": st.sampled_from(["Dr.", None, ""]),
    "suffix": st.sampled_from(["Jr.", None]),
    "title": _texts,
    "details": _texts,
    "tags": st.sampled_from([None, [], ["fair", "Fair", " vip"]]),
    "phone_numbers": st.sampled_from(
        [None, [], [{"number": "512-555-0100 x12"}], [{"number": " ", "category": "home"}]]
    ),
    "address": st.sampled_from([None, {}, {"country": "Germany"}, {"city": "Austin"}]),
    "websites": st.sampled_from([None, [{"url": "https://field.example"}]]),
    "monetary_value": st.sampled_from([None, "", 5, "5.0", 7.5]),
    "status": _often(st.sampled_from([None, "open", "New"]), st.just("Unheard of")),
    "customer_source_id": _often(st.sampled_from([None, 3101]), st.just(3190)),
}
_some_others = st.lists(st.sampled_from(list(_others)), max_size=3, unique=True).flatmap(
    lambda chosen: st.fixed_dictionaries({name: _others[name] for name in chosen})
)


@st.composite
def accounts(draw: st.DrawFn) -> AccountSettings:
    """Draw settings: a definition of every type, and references to what was deleted."""
    plain = draw(st.sets(st.sampled_from(_FIELDS).map(lambda field: field.id), max_size=2))
    settings = a_settings(
        time_zone=draw(st.sampled_from(["America/Chicago", "UTC", "Pacific/Kiritimati"])),
        placeholder_texts=draw(
            st.sampled_from([DEFAULT_PLACEHOLDERS, (), (_LISTED, "lost...found", "A-...")])
        ),
        deleted={
            number: DeletedReference(number, resource, "Gone", 4101, 1_600_000_000)
            for resource, number in _GONE.items()
        },
    )
    off: dict[str, Any] = {"is_filterable": False, "index_state": IndexState.NONE}
    fields = (
        msgspec.structs.replace(field, **off) if field.id in plain else field for field in _FIELDS
    )
    return replace(settings, fields=tuple(fields))


@st.composite
def upserts(draw: st.DrawFn, by: str, before: list[Body]) -> Body:
    """Draw the body of an upsert by one kind of field.

    It often names a lead that is there before. Its properties often give the matched field a
    value, too, or nothing, or something odd.
    """
    sent: Body = dict(draw(_some_others))
    value = draw(_match_values(by, before))
    entries = draw(st.lists(_stored, max_size=1))
    if by == "name":
        # The parts of a name have a meaning of their own beside a match by name.
        sent |= draw(_name_parts)
    elif draw(st.integers(0, 4)) != 3:
        sent["name"] = draw(_names)
    if by != "email" and draw(st.integers(0, 3)) == 2:
        sent["email"] = _with_email(draw(_emails))
    is_custom = by == "custom"
    field = value["custom_field_definition_id"] if is_custom else by
    how = draw(_how)
    if how != "left out":
        given = draw(_given[field][how])
        if is_custom:
            entries.append(given)
        else:
            sent[by] = given
    if draw(st.integers(0, 19)) == 17:
        entries.append(_GONE_ENTRY)
    if entries:
        sent["custom_fields"] = entries
    match = {"field_name": by, "field_value": value}
    if draw(st.integers(0, 9)) == 7:
        sent, match = _in_other_members(sent, match)
    return {"properties": sent, "match": match}


def _in_other_members(sent: Body, match: Body) -> tuple[Body, Body]:
    """Name definitions by their names, and have a list of e-mails, as other programs do."""
    sent = dict(sent)
    if "email" in sent:
        sent["emails"] = [sent.pop("email")]
    if "custom_fields" in sent:
        sent["custom_fields"] = list(map(_by_name, sent["custom_fields"]))
    if match["field_name"] == "email":
        match = {"field_name": "emails", "field_value": _with_email(match["field_value"])}
    elif match["field_name"] == "custom":
        match = match | {"field_value": _by_name(match["field_value"])}
    return sent, match


def _by_name(entry: Body) -> Body:
    names = {field.id: field.name for field in _FIELDS}
    name = names.get(entry["custom_field_definition_id"], "Gone")
    return {"name": name, "value": entry["value"]}


_name_parts = st.fixed_dictionaries({}, optional={"first_name": _names | _BLANKS})
_how = st.sampled_from(["a value", "a value", "left out", "nothing", "something odd"])


@st.composite
def _match_values(draw: st.DrawFn, by: str, before: list[Body]) -> Any:
    is_known = draw(st.booleans())
    if not before or not is_known:
        return draw(_matched[by])
    known = draw(st.sampled_from(before))
    if by == "name":
        return draw(st.sampled_from(_spelled(known["name"])))
    if by == "email":
        text = known["email"]["email"]
        return draw(st.sampled_from([*_spelled(text), f"Nora Field <{text}>"]))
    entry = draw(st.sampled_from(known["custom_fields"]))
    if isinstance(entry["value"], list):
        return entry | {"value": draw(st.sampled_from(entry["value"]))}
    return entry


@st.composite
def creations(draw: st.DrawFn) -> Body:
    """Draw the body of a creation, which can be written."""
    entries = draw(st.lists(_stored, min_size=2, max_size=6))
    return {"name": draw(_names), "email": _with_email(draw(_emails)), "custom_fields": entries}
