"""The rules of the version before: which leads have other keys today, and what writes clear."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.domain.builders import a_field, a_lead, a_settings
from tests.support.storage.old_process import old_row

from onelead.domain.acts.state import BatchPlan
from onelead.domain.custom_fields import CustomField, DataType, IndexState
from onelead.domain.lead import (
    Address,
    CustomValue,
    Email,
    Lead,
    Link,
    PhoneNumber,
    changes_between,
)
from onelead.domain.matching import MatchKey, lead_keys
from onelead.domain.text import fold, fold_case
from onelead.storage.leads.old_keys import (
    CHANGED_CHARS,
    clear_old_keys,
    is_unaffected,
    keys_left_behind,
    old_keys,
)
from onelead.storage.leads.rows import json_text, lead_row


def indexed_field(definition_id: int, data_type: DataType) -> CustomField:
    ready = {"is_filterable": True, "index_state": IndexState.READY, "index_generation": 1}
    return a_field(id=definition_id, data_type=data_type, **ready)


MULTI_SELECT, STRING = 4101, 4102
SETTINGS = a_settings(
    fields=(
        indexed_field(MULTI_SELECT, DataType.MULTI_SELECT),
        indexed_field(STRING, DataType.STRING),
    )
)
OLD_NAME = a_lead(name="Nora O\u2019Brien")

texts = st.text(
    st.sampled_from([*CHANGED_CHARS, *"aB '-\u00e9\u00df<>@.1\u0661\u200b"]), max_size=8
)
emails = texts | st.builds("{}@{}.example".format, texts, texts)
numbers = texts | st.sampled_from(["512 555 0100 ext. 7", "0100;ext=7", "0100#7", "512 555 0100"])
leads = st.builds(
    a_lead,
    name=texts.map("Nora {}".format),
    first_name=st.none() | texts,
    company_name=st.none() | texts,
    address=st.none() | st.builds(Address, city=st.none() | texts, country=st.none() | texts),
    email=st.none() | st.builds(Email, emails, st.just("work")),
    phone_numbers=st.lists(st.builds(PhoneNumber, numbers, st.just("work")), max_size=2).map(tuple),
    socials=st.lists(st.builds(Link, texts, st.just("other")), max_size=2).map(tuple),
    tags=st.lists(texts, max_size=2, unique_by=fold).map(tuple),
    custom_fields=st.fixed_dictionaries(
        {},
        optional={MULTI_SELECT: st.sampled_from([(5101,), (5101, 5102)]), STRING: texts},
    ),
)


def test_the_rules_of_the_version_before_never_change() -> None:
    values: dict[DataType, CustomValue] = {
        DataType.STRING: " A\u2019 7",
        DataType.DROPDOWN: 5101,
        DataType.MULTI_SELECT: (5101, 5102),
        DataType.DATE: "2020-12-15",
        DataType.FLOAT: 1.5,
        DataType.CHECKBOX: True,
    }
    fields = [indexed_field(n, data_type) for n, data_type in enumerate(values, 1)]
    lead = a_lead(
        name=" Zo\u0065\u0308 O\u2019Brien\u2013Wei\u00df",
        email=Email("Nora <Wei\u00df@Field.example>", "work"),
        phone_numbers=(PhoneNumber("512-0100 ext. 7", "work"), PhoneNumber("none", "work")),
        socials=(Link("https://Social.example/O\u2019B", "other"),),
        tags=("Wei\u00df\u2019s", "A`b"),
        custom_fields=dict(enumerate(values.values(), 1)),
    )
    assert old_keys(lead, a_settings(fields=tuple(fields))) == {
        MatchKey("name", "zo\u00eb o\u2019brien\u2013weiss"),
        MatchKey("email", "nora <weiss@field.example>"),
        MatchKey("phone", "70010215"),
        MatchKey("social", "https://social.example/o\u2019b"),
        MatchKey("tag", "weiss\u2019s", "Wei\u00df\u2019s"),
        MatchKey("tag", "a`b", "A`b"),
        MatchKey("custom:1.1", "A\u2019 7"),
        MatchKey("custom:2.1", "5101"),
        MatchKey("custom:3.1", "5101"),
        MatchKey("custom:3.1", "5102"),
        MatchKey("custom:4.1", "2020-12-15"),
        MatchKey("custom:5.1", "bff8000000000000"),
        MatchKey("custom:6.1", "true"),
    }


@given(lead=leads)
@example(lead=OLD_NAME)
def test_an_unaffected_lead_has_the_same_keys_and_columns_by_both_rules(lead: Lead) -> None:
    if is_unaffected(lead, json_text(lead)):
        assert old_keys(lead, SETTINGS) == lead_keys(lead, SETTINGS)
        assert old_row(1, lead) == lead_row(1, lead)


def test_ordinary_leads_are_unaffected_in_any_script() -> None:
    for name in ("Nora Field-Poe", "No\u00ebl M\u00fcller", "\u738b\u5c0f\u660e"):
        lead = a_lead(
            name=name,
            email=Email("Nora@Field.example", "work"),
            phone_numbers=(PhoneNumber("+1 (512) 555-0100", "work"),),
            custom_fields={MULTI_SELECT: (5101,)},
        )
        assert is_unaffected(lead, json_text(lead))
        assert old_keys(lead, SETTINGS) == lead_keys(lead, SETTINGS)


def test_the_changed_characters_are_those_that_are_folded_in_another_way() -> None:
    every = [chr(n) for n in range(0x20, 0x20000) if not 0xD800 <= n < 0xE000]
    changed = set()
    for start in range(0, len(every), 32):
        chars = every[start : start + 32]
        joined = "\0".join(f"a{char}b" for char in chars)
        pairs = zip(fold(joined).split("\0"), fold_case(joined).split("\0"), strict=True)
        changed |= {char for char, (now, then) in zip(chars, pairs, strict=True) if now != then}
    assert changed == {*CHANGED_CHARS}


@given(before=leads, after=leads)
def test_what_a_write_can_leave_behind_has_all_keys_of_what_it_changed(
    before: Lead, after: Lead
) -> None:
    left = keys_left_behind(json_text(changes_between(before, after)), SETTINGS)
    for lead, other in ((before, after), (after, before)):
        for rules in (old_keys, lead_keys):
            assert rules(lead, SETTINGS) - rules(other, SETTINGS) <= left


def test_a_plan_clears_the_old_keys_of_the_leads_that_it_writes() -> None:
    deleted = a_lead(id=2, name="Sam O\u2019Brien")
    after = a_lead(id=OLD_NAME.id, name="Nora O\u2019Brien", title="Buyer")
    plan = BatchPlan([], 0, updated=[after], deleted=[deleted.id])
    clear_old_keys(plan, {OLD_NAME.id: OLD_NAME, deleted.id: deleted}, SETTINGS)
    assert set(plan.keys_removed) == {
        (MatchKey("name", "nora o\u2019brien"), after.id),
        (MatchKey("name", "sam o\u2019brien"), deleted.id),
    }
    assert plan.keys_added == [(MatchKey("name", "nora o'brien"), after.id)]
