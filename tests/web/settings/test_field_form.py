"""The form of a custom field definition as data: what it contains, and what it writes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onelead.domain.custom_fields import (
    RESOURCES,
    TYPES_WITH_OPTIONS,
    CustomField,
    DataType,
    Option,
)
from onelead.web.frame.forms import Form
from onelead.web.settings.field_form import (
    TYPES,
    FieldForm,
    OptionRow,
    currency_choices,
    digest,
    form_of,
    read_form,
)

LINES = st.text(min_size=1, max_size=20)


@st.composite
def definitions(draw: st.DrawFn) -> CustomField:
    """Draw a definition as it can be stored."""
    data_type = draw(st.sampled_from(DataType))
    names = (
        draw(st.lists(LINES, unique=True, max_size=5)) if data_type in TYPES_WITH_OPTIONS else []
    )
    return CustomField(
        id=7,
        name=draw(LINES),
        data_type=data_type,
        canonical_name=draw(st.none() | st.from_regex(r"[a-z0-9_]{1,9}", fullmatch=True)),
        available_on=tuple(one for one in RESOURCES if draw(st.booleans())),
        is_filterable=draw(st.booleans()),
        options=tuple(Option(100 + number, name) for number, name in enumerate(names)),
        currency="EUR" if data_type is DataType.CURRENCY else None,
    )


def sent(typed: FieldForm, *more: tuple[str, str]) -> Form:
    """Return what a browser sends for a form; it removes line ends from an input."""
    fields = [("name", typed.name), ("canonical_name", typed.canonical_name)]
    fields += [("available_on", one) for one in typed.available_on]
    fields += [("is_filterable", "1")] * typed.is_filterable
    fields += [("currency", typed.currency)] * bool(typed.currency)
    for row in typed.options:
        fields += [("option_id", row.id), ("option_name", row.name)]
    clean = [(name, value.replace("\r", "").replace("\n", "")) for name, value in fields]
    return Form([*clean, ("seen", typed.seen), *more])


@given(definitions())
def test_a_form_that_nobody_touched_asks_for_nothing(field: CustomField) -> None:
    typed = read_form(sent(form_of(field)), field)
    assert typed.body(field) == {}
    assert typed.seen == digest(field)
    assert typed.removed_option_ids(field) == []


@given(definitions(), definitions())
def test_a_digest_is_another_one_when_the_definition_is(
    field: CustomField, other: CustomField
) -> None:
    def content(one: CustomField) -> object:
        shape = (one.data_type, one.available_on, one.is_filterable, one.currency)
        return (one.name, one.canonical_name, one.options, *shape)

    assert (digest(field) == digest(other)) == (content(field) == content(other))


@given(definitions(), st.data())
def test_only_what_was_typed_is_asked_for(field: CustomField, data: st.DataObject) -> None:
    typed = form_of(field)
    name = data.draw(st.text("abc", min_size=21, max_size=22))
    body = read_form(sent(typed, ("name", name)), field).body(field)
    assert body == {"name": name}


@given(st.lists(LINES, min_size=1, max_size=6), st.integers(0, 9), st.sampled_from(["up", "down"]))
def test_moving_an_option_loses_none(names: list[str], place: int, step: str) -> None:
    typed = FieldForm(options=tuple(OptionRow("", name) for name in names))
    moved = read_form(sent(typed, ("move", f"{place}:{step}")), None).options
    plain = read_form(sent(typed), None).options
    assert sorted(row.name for row in moved) == sorted(row.name for row in plain)
    if place < len(names):
        at = max(0, min(len(names) - 1, place + (1 if step == "down" else -1)))
        assert moved[at] == plain[place]


@given(st.text(max_size=9), st.sampled_from(["move", "remove", "add", "option_id", "pasted"]))
def test_no_button_that_somebody_made_up_breaks_the_form(value: str, button: str) -> None:
    typed = FieldForm(options=(OptionRow("5", "Silver"), OptionRow("", "Gold")))
    read_form(sent(typed, (button, value)), None).body(None)


def test_every_type_has_its_words() -> None:
    assert set(TYPES) == set(DataType)
    assert len({choice.label for choice in TYPES.values()}) == len(TYPES)


def test_the_currencies_are_sorted_by_code() -> None:
    codes = [code for code, _text in currency_choices()]
    assert codes == sorted(codes)
    assert {"EUR", "USD"} <= set(codes)
