"""What a match looks for, when it is refused, and the match keys by which leads are found."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from tests.support.domain.builders import a_field, a_lead, a_patch, a_settings

from onelead.domain.acts.other_values import patch_of
from onelead.domain.custom_fields import CustomField, DataType, IndexState, sortable_number
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.lead import Email, Link, OtherValue, PhoneNumber, custom_name
from onelead.domain.limits import ID_MAX, KEY_VALUE_BYTES_MAX
from onelead.domain.matching import (
    CheckedMatch,
    Match,
    MatchKey,
    checked_match,
    claim_key,
    custom_field_keys,
    key_value,
    lead_keys,
    settle,
)
from onelead.domain.phones import phone_digits
from onelead.domain.properties import checked

WHERE = "change it in System Settings -> Custom Fields"
BLANK: list[Any] = [None, "", " ", [], {}]
NAMES = "field_name must be name, email or custom"
DEFINITION_ID = "field_value.custom_field_definition_id"
NO_DATE = "field_value.value is not mm/dd/yyyy, yyyy-mm-dd or Unix seconds"


def a_matchable_field(**changed: Any) -> CustomField:
    """Make a definition that an upsert may match by."""
    ready = {"is_filterable": True, "index_state": IndexState.READY, "index_generation": 1}
    return a_field(**ready | changed)


#: 4101 is the first type's definition, 4110 the last one's.
FIELDS = {
    data_type: a_matchable_field(id=4101 + n, data_type=data_type)
    for n, data_type in enumerate(DataType)
}
SETTINGS = a_settings(
    time_zone="America/Los_Angeles",
    fields=(
        *FIELDS.values(),
        a_matchable_field(id=4201, name="Badge", available_on=("person",)),
        a_field(id=4202, name="Booth"),
        a_matchable_field(id=4203, name="Colour", index_state=IndexState.BUILDING),
        a_matchable_field(id=4204, name="Fax", available_on=(), is_filterable=False),
    ),
)


def match_of(field_name: Any = None, field_value: Any = None) -> CheckedMatch:
    """Check a match."""
    return checked_match(Match(field_name, field_value), SETTINGS)


def custom_match(definition_id: Any, value: Any) -> CheckedMatch:
    """Check a match by a custom field."""
    return match_of("custom", {"custom_field_definition_id": definition_id, "value": value})


def refusal_of(field_name: Any = None, field_value: Any = None) -> InputInvalid:
    """Return why a match is refused."""
    with pytest.raises(InputInvalid) as refusal:
        match_of(field_name, field_value)
    return refusal.value


def custom_refusal(definition_id: Any, value: Any) -> InputInvalid:
    """Return why a match by a custom field is refused."""
    return refusal_of("custom", {"custom_field_definition_id": definition_id, "value": value})


class TestMatch:
    def test_a_name_is_folded(self) -> None:
        match = match_of("name", "  Andre\u0301\u00a0 FIELD ")
        assert match.key == MatchKey("name", "andr\u00e9 field")
        assert (match.field_name, match.definition) == ("name", None)

    def test_an_email_is_compared_in_lower_case(self) -> None:
        match = match_of("email", " Nora@Field.example\u200b")
        assert match.key == MatchKey("email", "nora@field.example")
        assert (match.field_name, match.definition) == ("email", None)

    @pytest.mark.parametrize("field_name", ["name", "email"])
    def test_a_text_may_have_255_characters(self, field_name: str) -> None:
        text = "x" * 244 + "@field.test"
        assert match_of(field_name, text).key == MatchKey(field_name, text)

    @pytest.mark.parametrize(
        ("data_type", "sent", "value"),
        [
            (DataType.STRING, " A-77", "A-77"),
            (DataType.STRING, 77, "77"),
            (DataType.TEXT, "Andre\u0301", "Andr\u00e9"),
            (DataType.URL, "https://Field.example ", "https://Field.example"),
            (DataType.DROPDOWN, 5102, "5102"),
            (DataType.DROPDOWN, "Gold", "5102"),
            (DataType.DROPDOWN, "5102", "5102"),
            (DataType.MULTI_SELECT, 5102, "5102"),
            (DataType.MULTI_SELECT, ["Gold"], "5102"),
            (DataType.CHECKBOX, True, "true"),
            (DataType.CHECKBOX, False, "false"),
            (DataType.FLOAT, 789, sortable_number(789.0)),
            (DataType.FLOAT, "7.89e2", sortable_number(789.0)),
            (DataType.FLOAT, 0, sortable_number(-0.0)),
            (DataType.CURRENCY, "55.50", sortable_number(55.5)),
            (DataType.PERCENTAGE, 95.7, sortable_number(95)),
            (DataType.DATE, "12/15/2020", "2020-12-15"),
            (DataType.DATE, 1_608_019_200, "2020-12-15"),
            (DataType.DATE, "1608019199", "2020-12-14"),
        ],
    )
    def test_a_custom_value_is_normalised_by_its_type(
        self, data_type: DataType, sent: Any, value: str
    ) -> None:
        field = FIELDS[data_type]
        match = custom_match(field.id, sent)
        assert match.key == MatchKey(f"custom:{field.id}.1", value)
        assert (match.field_name, match.definition) == ("custom", field)

    @pytest.mark.parametrize("sent", ["4108", "004108", " 4108.0 ", 4108.0])
    def test_the_id_of_a_definition_may_be_sent_otherwise(self, sent: Any) -> None:
        assert FIELDS[DataType.STRING].id == 4108
        assert custom_match(sent, "A-77").key == custom_match(4108, "A-77").key

    @pytest.mark.parametrize("data_type", DataType)
    def test_a_lead_with_the_sent_value_has_the_key_of_the_match(self, data_type: DataType) -> None:
        sent: dict[DataType, Any] = {
            DataType.CHECKBOX: True,
            DataType.DATE: "12/15/2020",
            DataType.DROPDOWN: "Silver",
            DataType.MULTI_SELECT: "Silver",
        }
        match = custom_match(FIELDS[data_type].id, sent.get(data_type, "55"))
        value = checked(patch_of(match), SETTINGS).custom_fields[FIELDS[data_type].id]
        assert value is not None
        lead = a_lead(custom_fields={FIELDS[data_type].id: value})
        assert match.key in lead_keys(lead, SETTINGS)

    def test_a_multi_select_contains_the_option(self) -> None:
        field = FIELDS[DataType.MULTI_SELECT]
        keys = lead_keys(a_lead(custom_fields={field.id: (5101, 5102)}), SETTINGS)
        assert {custom_match(field.id, option).key for option in (5101, 5102)} <= keys

    def test_a_checkbox_that_was_never_set_is_false(self) -> None:
        match = custom_match(FIELDS[DataType.CHECKBOX].id, value=False)
        assert match.key in lead_keys(a_lead(), SETTINGS)


class TestRefusedMatch:
    @pytest.mark.parametrize(
        ("field_name", "text", "symbol"),
        [
            *((blank, "field_name can't be blank", "blank") for blank in BLANK),
            *(
                (wrong, f"{NAMES}, not {shown}", "inclusion")
                for wrong, shown in (
                    *(("Name", '"Name"'), ("phone", '"phone"')),
                    *((["name"], '["name"]'), (1, "1"), ({"name": 1}, '{"name": 1}')),
                )
            ),
        ],
    )
    def test_the_name_of_the_field(self, field_name: Any, text: str, symbol: str) -> None:
        assert refusal_of(field_name, "x").problems == (Problem("match", text, symbol),)

    @pytest.mark.parametrize("field_name", ["name", "email"])
    @pytest.mark.parametrize(
        ("value", "text", "symbol"),
        [
            (None, "field_value can't be blank", "blank"),
            ("", "field_value can't be blank", "blank"),
            (" \u200b\u00a0", "field_value can't be blank", "blank"),
            ([], "field_value can't be blank", "blank"),
            ({}, "field_value can't be blank", "blank"),
            (False, "field_value must be text, not false", "invalid"),
            (["x", "y"], 'field_value must be text, not ["x", "y"]', "invalid"),
            ("x" * 256, "field_value is too long (maximum is 255 characters)", "too_long"),
        ],
    )
    def test_the_text(self, field_name: str, value: Any, text: str, symbol: str) -> None:
        assert refusal_of(field_name, value).problems == (Problem("match", text, symbol),)

    def test_an_object_where_a_name_should_be(self) -> None:
        text = 'field_value must be text, not {"name": "x"}'
        assert refusal_of("name", {"name": "x"}).problems == (Problem("match", text),)

    @pytest.mark.parametrize("value", [None, "", " ", [], {}, [None]])
    def test_a_custom_value_that_is_blank(self, value: Any) -> None:
        expected = Problem("match", "field_value can't be blank", "blank")
        assert refusal_of("custom", value).problems == (expected,)

    @pytest.mark.parametrize(
        ("value", "shown"),
        [("A-77", '"A-77"'), (4101, "4101"), ([4101, "A-77"], '[4101, "A-77"]'), (True, "true")],
    )
    def test_a_custom_value_that_is_not_an_object(self, value: Any, shown: str) -> None:
        text = "field_value must be an object with custom_field_definition_id and value"
        assert refusal_of("custom", value).problems == (Problem("match", f"{text}, not {shown}"),)

    def test_unknown_members_are_all_named(self) -> None:
        sent = {"custom_field_definition_id": 4101, "value": "A-77", "zone": 1, "nme": 2}
        text = "Unrecognized attributes specified: nme, zone"
        assert refusal_of("custom", sent).problems == (Problem("base", text, "unknown"),)

    @pytest.mark.parametrize(
        ("definition_id", "text", "symbol"),
        [
            *((blank, f"{DEFINITION_ID} can't be blank", "blank") for blank in BLANK),
            *(
                (wrong, f"{DEFINITION_ID} must be a positive integer, not {shown}", "")
                for wrong, shown in (
                    *(
                        ("x", '"x"'),
                        ("4101.5", '"4101.5"'),
                        ("-4101", '"-4101"'),
                        (4101.5, "4101.5"),
                    ),
                    *(("\u0664", '"\u0664"'), (0, "0"), (-1, "-1"), (True, "true")),
                    *(([4101], "[4101]"), (2**63, f"{2**63}"), (ID_MAX + 1, f"{ID_MAX + 1}")),
                    *(("9" * 5_000, f'"{"9" * 60}..."'),),
                )
            ),
            (77, "custom field definition 77 does not exist", "inclusion"),
            ("77", "custom field definition 77 does not exist", "inclusion"),
        ],
    )
    def test_the_id_of_a_definition(self, definition_id: Any, text: str, symbol: str) -> None:
        expected = Problem("match", text, symbol or "invalid")
        assert custom_refusal(definition_id, "A-77").problems == (expected,)

    def test_a_missing_id(self) -> None:
        expected = Problem("match", f"{DEFINITION_ID} can't be blank", "blank")
        assert refusal_of("custom", {"value": "A-77"}).problems == (expected,)

    @pytest.mark.parametrize(
        ("definition_id", "which", "why"),
        [
            (4201, "custom field Badge (definition 4201)", "is not available on leads"),
            (4202, "custom field Booth (definition 4202)", "is not included in filters"),
            (4204, "custom field Fax (definition 4204)", "is not available on leads"),
        ],
    )
    def test_a_definition_that_cannot_match(self, definition_id: int, which: str, why: str) -> None:
        refusal = custom_refusal(definition_id, "A-77")
        text = f"{which} {why}; {WHERE}"
        assert refusal.problems == (Problem("match", text, "inclusion"),)
        assert refusal.retry_after_s is None

    def test_a_definition_that_is_being_indexed_can_be_tried_again_shortly(self) -> None:
        refusal = custom_refusal(4203, "A-77")
        text = "custom field Colour (definition 4203) is still being indexed; try again shortly"
        assert refusal.problems == (Problem("match", text, "building"),)
        assert refusal.retry_after_s == 1

    @pytest.mark.parametrize("data_type", DataType)
    @pytest.mark.parametrize("value", [None, "", " \u200b", {}, [], [None, " "]])
    def test_an_empty_custom_value(self, data_type: DataType, value: Any) -> None:
        expected = Problem("match", "field_value.value can't be blank", "blank")
        assert custom_refusal(FIELDS[data_type].id, value).problems == (expected,)

    def test_a_missing_custom_value(self) -> None:
        refusal = refusal_of("custom", {"custom_field_definition_id": 4101})
        assert refusal.message.endswith("Match: field_value.value can't be blank")

    @pytest.mark.parametrize(
        ("data_type", "value", "text"),
        [
            (DataType.STRING, ["A"], 'field_value.value must be text or null, not ["A"]'),
            (DataType.STRING, False, "field_value.value must be text or null, not false"),
            (DataType.STRING, "x" * 256, "field_value.value is too long (maximum is 255"),
            (DataType.TEXT, {"a": 1}, 'field_value.value must be text or null, not {"a": 1}'),
            (DataType.TEXT, "x" * 65_537, "field_value.value is too long (maximum is 65536"),
            (DataType.URL, True, "field_value.value must be text or null, not true"),
            (DataType.DROPDOWN, 77, "field_value.value is not an option of this field: 77"),
            (DataType.DROPDOWN, "gold", 'field_value.value is not an option of this field: "gold"'),
            (DataType.DROPDOWN, [5101], "field_value.value is not an option of this field"),
            (DataType.DROPDOWN, False, "field_value.value is not an option of this field: false"),
            (DataType.MULTI_SELECT, 77, "field_value.value is not an option of this field: 77"),
            (DataType.MULTI_SELECT, [5101, 5102], "field_value.value must be one option, not [51"),
            (DataType.MULTI_SELECT, "Silver;Gold", 'field_value.value must be one option, not "S'),
            (DataType.CHECKBOX, 2, "field_value.value must be true or false, not 2"),
            (DataType.CHECKBOX, "x", 'field_value.value must be true or false, not "x"'),
            (DataType.FLOAT, "many", 'field_value.value is not a number: "many"'),
            (DataType.FLOAT, False, "field_value.value is not a number: false"),
            (DataType.CURRENCY, 1e16, "field_value.value must lie between"),
            (DataType.PERCENTAGE, [95], "field_value.value is not a number: [95]"),
            (DataType.DATE, "15/12/2020", f'{NO_DATE}: "15/12/2020"'),
            (DataType.DATE, "soon", f'{NO_DATE}: "soon"'),
            (DataType.DATE, 10**15, "field_value.value looks like milliseconds; send Unix"),
            (DataType.DATE, -(10**15), "field_value.value is out of range"),
        ],
    )
    def test_a_wrong_custom_value(self, data_type: DataType, value: Any, text: str) -> None:
        (problem,) = custom_refusal(FIELDS[data_type].id, value).problems
        assert problem.attribute == "match"
        assert problem.text.startswith(text)

    def test_the_message_names_the_match(self) -> None:
        assert refusal_of("name", field_value=True).message == (
            "Invalid input: Validation errors: Match: field_value must be text, not true"
        )


def names(match: CheckedMatch, **properties: Any) -> bool:
    """Return whether properties give the matched field a value that identifies."""
    match = msgspec.structs.replace(match)
    settle(match, checked(a_patch(**properties), SETTINGS), SETTINGS)
    return match.is_given


def an_entry(data_type: DataType, value: Any) -> list[dict[str, Any]]:
    """Return the custom fields of a patch with one value."""
    return [{"custom_field_definition_id": FIELDS[data_type].id, "value": value}]


class TestMatchedFieldInProperties:
    def test_a_name(self) -> None:
        match = match_of("name", "Nora Field")
        assert names(match, name="Sam")
        for sent in ("", "n/a", " "):
            assert not names(match, name=sent)
        assert not names(match, last_name="Roe")
        assert not names(match, email={"email": "nora@field.example"})

    def test_an_email(self) -> None:
        match = match_of("email", "nora@field.example")
        assert names(match, email={"email": "other@field.example"})
        assert names(match, email={"email": "Nora@Field.example; other@field.example"})
        for sent in (None, {"email": " "}, {"email": "none"}, {"email": "{{email}}"}):
            assert not names(match, email=sent)
        assert not names(match, email={"email": "a@field.example; b@field.example"})
        assert not names(match, name="Nora Field")

    @pytest.mark.parametrize(
        ("data_type", "value"), [(DataType.STRING, "A-77"), (DataType.FLOAT, 0)]
    )
    def test_a_custom_field(self, data_type: DataType, value: Any) -> None:
        match = custom_match(FIELDS[data_type].id, value)
        assert names(match, custom_fields=an_entry(data_type, value))
        assert not names(match, custom_fields=an_entry(data_type, None))
        assert not names(match, custom_fields=an_entry(DataType.URL, "x"))
        assert not names(match, name="Nora Field")

    def test_a_placeholder_in_a_text_field(self) -> None:
        match = custom_match(FIELDS[DataType.STRING].id, "A-77")
        assert not names(match, custom_fields=an_entry(DataType.STRING, "N/A"))

    def test_a_checkbox(self) -> None:
        match = custom_match(FIELDS[DataType.CHECKBOX].id, value=True)
        for value in (True, False):
            assert names(match, custom_fields=an_entry(DataType.CHECKBOX, value))
        assert not names(match, custom_fields=an_entry(DataType.CHECKBOX, None))
        assert not names(match, custom_fields=[])

    def test_what_does_not_identify_is_ignored_and_said(self) -> None:
        match = match_of("email", "nora@field.example")
        patch = checked(a_patch(email=None, title="Buyer"), SETTINGS)
        settle(match, patch, SETTINGS)
        assert ("email" in patch.fields, patch.ignored) == (False, ["email"])

    def test_another_value_is_looked_for_as_well(self) -> None:
        for value, key in (([5101, 5102], None), ([5102], "5102")):
            patch = checked(a_patch(custom_fields=an_entry(DataType.MULTI_SELECT, value)), SETTINGS)
            match = custom_match(FIELDS[DataType.MULTI_SELECT].id, [5101])
            settle(match, patch, SETTINGS)
            found = match.key_by_properties
            assert (found.value if found else None) == key


class TestLeadKeys:
    def test_a_lead_is_found_by_everything_that_it_has(self) -> None:
        lead = a_lead(
            name="Andre\u0301 FIELD",
            email=Email(" Nora@Field.example", "work"),
            phone_numbers=(PhoneNumber("(512) 555-0100", "work"), PhoneNumber("none", "work")),
            socials=(Link("https://Social.example/Nora", "other"),),
            websites=(Link("https://field.example", "work"),),
            tags=("VIP", "Warm  Lead"),
            custom_fields={
                FIELDS[DataType.MULTI_SELECT].id: (5101, 5102),
                FIELDS[DataType.CHECKBOX].id: True,
                4202: "not indexed",
                4203: "being indexed",
            },
        )
        multi_select = FIELDS[DataType.MULTI_SELECT].key_field
        assert lead_keys(lead, SETTINGS) == {
            MatchKey("name", "andr\u00e9 field"),
            MatchKey("email", "nora@field.example"),
            MatchKey("phone", "0010555215"),
            MatchKey("social", "https://social.example/nora"),
            MatchKey("tag", "vip", "VIP"),
            MatchKey("tag", "warm lead", "Warm  Lead"),
            MatchKey(multi_select, "5101"),
            MatchKey(multi_select, "5102"),
            MatchKey(multi_select, "5101,5102"),
            MatchKey(FIELDS[DataType.CHECKBOX].key_field, "true"),
            MatchKey("custom:4203.1", "being indexed"),
        }

    def test_a_lead_with_only_a_name_is_found_by_it(self) -> None:
        assert lead_keys(a_lead(), a_settings()) == {MatchKey("name", "nora field")}

    def test_phone_numbers_that_are_written_differently_are_one_key(self) -> None:
        numbers = (PhoneNumber("512-555-0100", "work"), PhoneNumber("(512) 5550100", "home"))
        keys = lead_keys(a_lead(phone_numbers=numbers), a_settings())
        assert keys == {MatchKey("name", "nora field"), MatchKey("phone", "0010555215")}

    def test_a_new_generation_of_an_index_has_other_keys(self) -> None:
        lead = a_lead(custom_fields={4101: "A-77"})
        old, new = (a_matchable_field(index_generation=generation) for generation in (1, 2))
        assert custom_field_keys(lead, old) == {MatchKey("custom:4101.1", "A-77")}
        assert custom_field_keys(lead, new) == {MatchKey("custom:4101.2", "A-77")}

    @pytest.mark.parametrize("attribute", ["name", "email", "tags", "socials", "custom_fields"])
    def test_a_long_value_is_found_by_its_digest(self, attribute: str) -> None:
        long = "\U0001f600" * 243 + "@field.test"
        value = {
            "email": Email(long, "work"),
            "tags": (long,),
            "socials": (Link(long, "other"),),
            "custom_fields": {FIELDS[DataType.STRING].id: long},
        }.get(attribute, long)
        lead = msgspec.structs.replace(a_lead(), **{attribute: value})
        digest = f" {hashlib.sha256(long.encode()).hexdigest()}"
        assert digest in {key.value for key in lead_keys(lead, SETTINGS)}

    def test_a_value_is_indexed_as_it_is_up_to_the_limit(self) -> None:
        assert key_value("x" * KEY_VALUE_BYTES_MAX) == "x" * KEY_VALUE_BYTES_MAX
        assert key_value("x" * (KEY_VALUE_BYTES_MAX + 1)).startswith(" ")
        assert len(key_value("x" * 100_000)) == 65

    def test_long_values_that_differ_have_keys_that_differ(self) -> None:
        assert key_value("x" * 500 + "a") != key_value("x" * 500 + "b")

    @pytest.mark.parametrize(
        ("number", "digits"),
        [
            ("512-555-0100", "5125550100"),
            ("\uff15\uff11\uff12", "512"),
            ("\u0665\u0661\u0662-\u0660", "5120"),
            ("none", ""),
            ("1" * 10 + "2" * 32, "2" * 32),
        ],
    )
    def test_a_phone_number_is_its_digits(self, number: str, digits: str) -> None:
        assert phone_digits(number) == digits

    def test_an_index_has_the_other_values_of_a_lead_and_what_they_claim(self) -> None:
        field = a_matchable_field()
        name = custom_name(field.id)
        lead = a_lead(
            other_values={
                1: OtherValue(name, "A-78", "person"),
                2: OtherValue(name, "A-79", "ruling", claims=True),
                3: OtherValue("name", "Eva Field", "person"),
            },
        )
        claimed = MatchKey(field.key_field, "A-79")
        assert custom_field_keys(lead, field) == {
            MatchKey(field.key_field, "A-78"),
            claimed,
            claim_key(claimed),
        }
