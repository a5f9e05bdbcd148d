"""Properties in the spellings that people and programs send: read as the documented ones are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_field, a_lead, a_settings
from tests.support.domain.patches import FIELD_IDS, FULL_LEAD, SETTINGS, custom

from onelead.domain.custom_fields import DataType
from onelead.domain.lead import Lead
from onelead.domain.names import NAME_PARTS
from onelead.domain.properties import applied, checked
from onelead.incoming.lead_json import lead_patch

TEXTS = (*NAME_PARTS, "company_name", "details", "title")


def written(lead: Lead, /, **properties: Any) -> Lead:
    """Apply properties as they are read from JSON; nothing may be wrong with them."""
    patch, problems = lead_patch(properties, "properties")
    assert patch is not None
    change = checked(patch, SETTINGS)
    assert (problems, change.problems, change.ignored) == ((), [], [])
    return applied(lead, change, SETTINGS)


def of(data_type: DataType, value: Any) -> dict[str, Any]:
    """Return properties with one custom field."""
    return {"custom_fields": [custom(data_type, value)]}


STRING = FIELD_IDS[DataType.STRING]

#: Properties as somebody sends them, and as they are documented.
SPELLINGS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"name": 5125550100}, {"name": "5125550100"}),
    *(({text: 12345.0}, {text: "12345"}) for text in ("company_name", "details", "title")),
    ({"title": 12345678901234567890}, {"title": "12345678901234567890"}),
    ({"last_name": 7.5}, {"last_name": "7.5"}),
    ({"address": {"postal_code": 73301}}, {"address": {"postal_code": "73301"}}),
    ({"address": {"id": 9, "city": "Austin"}}, {"address": {"city": "Austin"}}),
    ({"assignee_id": "901.0", "status_id": 2003.0}, {"assignee_id": 901, "status_id": 2003}),
    ({"customer_source_id": " 3102 "}, {"customer_source_id": 3102}),
    ({"email": "a@b.example"}, {"email": {"email": "a@b.example"}}),
    ({"email": ["a@b.example", None]}, {"email": {"email": "a@b.example"}}),
    ({"email": {"id": 9, "email": "a@b.example"}}, {"email": {"email": "a@b.example"}}),
    ({"emails": ["a@b.example"]}, {"email": {"email": "a@b.example"}}),
    ({"emails": "a@b.example"}, {"email": {"email": "a@b.example"}}),
    (
        {"emails": [None, {"id": 9, "email": "a@b.example", "category": "other"}, {}]},
        {"email": {"email": "a@b.example", "category": "other"}},
    ),
    (
        {"email": "A@b.example", "emails": ["a@B.example", "mailto:a@b.example"]},
        {"email": {"email": "A@b.example"}},
    ),
    ({"email": None, "emails": ["a@b.example"]}, {"email": {"email": "a@b.example"}}),
    ({"email": {"category": "other"}, "emails": []}, {"email": None}),
    ({"emails": []}, {"email": None}),
    ({"monetary_value": " 2500 "}, {"monetary_value": 2500}),
    ({"monetary_value": "2.5e3"}, {"monetary_value": 2500}),
    ({"monetary_unit": " usd", "monetary_value": 5}, {"monetary_value": 5}),
    ({"monetary_unit": None, "monetary_value": 5}, {"monetary_value": 5}),
    ({"monetary_unit": "\u200b", "monetary_value": 5}, {"monetary_value": 5}),
    ({"phone_numbers": 5125550100}, {"phone_numbers": [{"number": "5125550100"}]}),
    ({"phone_numbers": ["512, 5"]}, {"phone_numbers": [{"number": "512, 5"}]}),
    ({"phone_numbers": {"number": 5.0}}, {"phone_numbers": [{"number": "5"}]}),
    (
        {"phone_numbers": [{"id": 9, "number": "5"}, "6", "", None, {}]},
        {"phone_numbers": [{"number": "5"}, {"number": "6"}]},
    ),
    ({"websites": "b.example"}, {"websites": [{"url": "b.example"}]}),
    ({"socials": ["x.example/n", {"id": 9}]}, {"socials": [{"url": "x.example/n"}]}),
    ({"tags": "warm, fair"}, {"tags": ["warm", "fair"]}),
    ({"tags": "warm;fair"}, {"tags": ["warm", "fair"]}),
    ({"tags": [2026, None, " ", "a, b"]}, {"tags": ["2026", "a, b"]}),
    ({"tags": 2026.0}, {"tags": ["2026"]}),
    (
        {"custom_fields": {"custom_field_definition_id": f"{STRING}.0", "value": "x"}},
        of(DataType.STRING, "x"),
    ),
    (
        {"custom_fields": [None, {"id": 9, **custom(DataType.STRING, "x")}, {}, "", {"value": ""}]},
        of(DataType.STRING, "x"),
    ),
    ({"custom_fields": ""}, {"custom_fields": []}),
    ({"custom_fields": {}}, {"custom_fields": []}),
    (of(DataType.STRING, 608048.0), of(DataType.STRING, "608048")),
    (of(DataType.CHECKBOX, "Yes"), of(DataType.CHECKBOX, value=True)),
    (of(DataType.CHECKBOX, "0"), of(DataType.CHECKBOX, value=False)),
    (of(DataType.DROPDOWN, "5102.0"), of(DataType.DROPDOWN, 5102)),
    (of(DataType.MULTI_SELECT, "Gold;Silver"), of(DataType.MULTI_SELECT, [5101, 5102])),
    (of(DataType.MULTI_SELECT, "5101, Gold"), of(DataType.MULTI_SELECT, [5101, 5102])),
    (of(DataType.PERCENTAGE, "95.0"), of(DataType.PERCENTAGE, 95)),
    (of(DataType.DATE, "2020-12-15"), of(DataType.DATE, "12/15/2020")),
]

BLANKS: list[Any] = [None, "", " \u200b", [], {}, [None], ["", {}]]


@pytest.mark.parametrize(("sent", "documented"), SPELLINGS)
@pytest.mark.parametrize("lead", [a_lead(), FULL_LEAD])
def test_a_spelling_is_read_as_the_documented_one(
    lead: Lead, sent: dict[str, Any], documented: dict[str, Any]
) -> None:
    after = written(lead, **sent)
    assert after == written(lead, **documented)
    assert written(after, **sent) == after


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize(
    "attribute",
    [
        *("address", "assignee_id", "customer_source_id", "email", "emails", "monetary_value"),
        *("socials", "websites", "phone_numbers", "tags", "status", "status_id", "monetary_unit"),
        *(part for part in TEXTS if part not in NAME_PARTS),
    ],
)
def test_blank_is_empty_everywhere(attribute: str, blank: Any) -> None:
    lead = FULL_LEAD
    assert written(lead, **{attribute: blank}) == written(lead, **{attribute: None})


@pytest.mark.parametrize("part", ["street", "city", "state", "postal_code", "country"])
@pytest.mark.parametrize("blank", BLANKS)
def test_a_part_of_an_address_may_be_blank(part: str, blank: Any) -> None:
    assert written(FULL_LEAD, address={part: blank}).address is None


@pytest.mark.parametrize("blank", BLANKS)
def test_a_blank_category_is_as_good_as_none(blank: Any) -> None:
    sent = {"email": "x@field.example", "category": blank}
    assert written(a_lead(), email=sent) == written(a_lead(), email="x@field.example")


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("data_type", DataType)
def test_a_blank_custom_value_clears(data_type: DataType, blank: Any) -> None:
    assert written(FULL_LEAD, **of(data_type, blank)) == written(FULL_LEAD, **of(data_type, None))


@pytest.mark.parametrize("blank", BLANKS)
def test_a_name_may_not_be_blank(blank: Any) -> None:
    patch, problems = lead_patch({"name": blank}, "properties")
    assert patch is not None
    (problem,) = (*problems, *checked(patch, SETTINGS).problems)
    assert (problem.attribute, problem.text) == ("name", "can't be blank")


class TestNamedDefinition:
    """A custom field may be named by its name, or its canonical name, in the place of its id."""

    settings = a_settings(
        fields=(
            a_field(id=4101, name="Customer number", canonical_name="customer_no"),
            a_field(id=4102, name="Colour"),
            a_field(id=4103, name=" COLOUR "),
            a_field(id=4104, name="Badge", available_on=("person",)),
            a_field(id=4105, name="customer_no", available_on=("person",)),
        )
    )

    def check(self, entry: dict[str, Any]) -> tuple[dict[int, Any], list[str], list[str]]:
        """Return the values, what is ignored and the problems of one entry."""
        patch, problems = lead_patch({"custom_fields": [entry]}, "properties")
        assert patch is not None
        assert problems == ()
        result = checked(patch, self.settings)
        texts = [problem.text for problem in result.problems]
        return result.custom_fields, result.ignored, texts

    @pytest.mark.parametrize("name", ["Customer number", " CUSTOMER\u00a0number", "Customer_No"])
    @pytest.mark.parametrize("more", [{}, {"custom_field_definition_id": " "}])
    def test_it_is_found_in_any_case(self, name: str, more: dict[str, Any]) -> None:
        assert self.check({"name": name, "value": 7} | more) == ({4101: "7"}, [], [])

    def test_the_id_comes_first(self) -> None:
        entry = {"custom_field_definition_id": 4102, "name": "Customer number", "value": "x"}
        assert self.check(entry) == ({4102: "x"}, [], [])

    def test_one_that_is_not_on_leads_is_left_out(self) -> None:
        assert self.check({"name": "badge", "value": "x"}) == ({}, ["custom_fields.4104"], [])

    @pytest.mark.parametrize(("name", "many"), [("colour", "2"), ("Size", "no")])
    def test_it_must_be_one(self, name: str, many: str) -> None:
        text = f'custom_fields[0].name is the name of {many} definitions: "{name}"'
        assert self.check({"name": name, "value": "x"}) == ({}, [], [text])

    @pytest.mark.parametrize("name", [None, "", [], {}])
    def test_a_value_needs_one(self, name: Any) -> None:
        text = "custom_fields[0] needs custom_field_definition_id, or the name of a definition"
        assert self.check({"name": name, "value": 0}) == ({}, [], [text])


numbers = st.integers(0, 10**20) | st.floats(0, 1e15).map(lambda x: round(x, 2))
plain = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("name", "title", "details"), numbers.map(str)),
        "address": st.fixed_dictionaries(
            {}, optional={"city": st.just("Rome"), "state": st.none()}
        ),
        "assignee_id": st.sampled_from([901, None]),
        "status_id": st.sampled_from([2001, 2004]),
        "email": st.fixed_dictionaries(
            {"email": st.sampled_from(["a@b.example", "", None])},
            optional={"category": st.sampled_from(["other", None])},
        ),
        "monetary_value": st.sampled_from([None, 5, 7.5, -1]),
        "tags": st.lists(st.sampled_from(["warm", "5", "7.5"]), max_size=3),
        "phone_numbers": st.lists(
            st.fixed_dictionaries({"number": st.sampled_from(["5", "0049 30", ""])}), max_size=3
        ),
        "custom_fields": st.lists(
            st.sampled_from(
                [
                    *(custom(DataType.STRING, "608048"), custom(DataType.DATE, "12/15/2020")),
                    *(custom(DataType.CHECKBOX, value=box) for box in (True, False)),
                    *(custom(DataType.MULTI_SELECT, [5101, 5102]), custom(DataType.FLOAT, 7.5)),
                    *(custom(DataType.DROPDOWN, 5102), custom(DataType.PERCENTAGE, None)),
                ]
            ),
            max_size=3,
        ),
    },
)


def respelled(value: Any, draw: Any) -> Any:
    """Spell a value of properties in another way that means the same."""
    if isinstance(value, dict):
        return {"id": 9} | {key: respelled(entry, draw) for key, entry in value.items()}
    if isinstance(value, list):
        blank = draw(st.sampled_from([[], [None], [""], [{}]]))
        return [respelled(entry, draw) for entry in value] + blank
    return draw(st.sampled_from(spellings_of(value)))


def spellings_of(value: Any) -> list[Any]:
    """Return the spellings of a value that is neither a list nor an object."""
    if value is None:
        return [None, "", " ", [], {}]
    if isinstance(value, bool):
        return [value, str(value), int(value), "yes" if value else "no"]
    if isinstance(value, int):
        return [value, str(value), f" {value}.0 ", float(value)]
    if isinstance(value, str) and value.isdecimal() and not value.startswith("0"):
        return [value, int(value)]
    return [value, str(value)]


@given(st.data(), st.sampled_from([a_lead(), FULL_LEAD]), plain)
def test_any_spelling_is_read_as_the_plain_one(
    data: st.DataObject, lead: Lead, properties: dict[str, Any]
) -> None:
    sent = {key: respelled(value, data.draw) for key, value in properties.items()}
    after = written(lead, **sent)
    assert after == written(lead, **properties)
    assert written(after, **sent) == after
