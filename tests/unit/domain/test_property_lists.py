"""Properties with several entries: their categories, their limits, custom fields, tags."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_field, a_lead, a_patch, a_settings
from tests.support.domain.patches import (
    ELSEWHERE,
    FIELD_IDS,
    FULL_LEAD,
    SETTINGS,
    custom,
    patched,
    problems,
)

from onelead.domain.custom_fields import DataType
from onelead.domain.lead import (
    EMAIL_CATEGORIES,
    PHONE_CATEGORIES,
    SOCIAL_CATEGORIES,
    WEBSITE_CATEGORIES,
    Lead,
    Link,
    PhoneNumber,
)
from onelead.domain.properties import applied, checked, tags_changed
from onelead.domain.text import fold


class Kind(NamedTuple):
    """A property whose entries have categories."""

    attribute: str
    member: str
    categories: tuple[str, ...]
    default: str

    def sent(self, **more: Any) -> dict[str, Any]:
        """Return the property with one entry."""
        entry = {self.member: "x"} | more
        return {self.attribute: entry if self.attribute == "email" else [entry]}

    def category_in(self, lead: Lead) -> str:
        """Return the category of the only entry."""
        value = msgspec.to_builtins(getattr(lead, self.attribute))
        entry = value if self.attribute == "email" else value[0]
        return str(entry["category"])


KINDS = [
    Kind("email", "email", EMAIL_CATEGORIES, "work"),
    Kind("phone_numbers", "number", PHONE_CATEGORIES, "work"),
    Kind("socials", "url", SOCIAL_CATEGORIES, "other"),
    Kind("websites", "url", WEBSITE_CATEGORIES, "work"),
]
LIST_KINDS = KINDS[1:]


@pytest.mark.parametrize("kind", KINDS)
class TestCategories:
    def test_each_is_accepted_in_any_case(self, kind: Kind) -> None:
        for category in kind.categories:
            for sent in (category, category.upper(), f" {category.title()} "):
                after = patched(a_lead(), **kind.sent(category=sent))
                assert kind.category_in(after) == category

    @pytest.mark.parametrize("none", [{}, {"category": None}, {"category": ""}])
    def test_none_means_the_default(self, kind: Kind, none: dict[str, Any]) -> None:
        assert kind.category_in(patched(a_lead(), **kind.sent(**none))) == kind.default

    def test_another_one_becomes_other_and_is_said(self, kind: Kind) -> None:
        patch = checked(a_patch(**kind.sent(category="Yacht")), SETTINGS)
        assert (patch.problems, patch.ignored) == ([], [f"{kind.attribute}.category"])
        assert kind.category_in(applied(a_lead(), patch, SETTINGS)) == "other"


class TestLists:
    def test_a_list_replaces_the_old_one(self) -> None:
        after = patched(
            FULL_LEAD,
            phone_numbers=[{"number": "1"}, {"number": "2", "category": "home"}],
            socials=[],
            websites=[{"url": "https://a.example"}],
        )
        assert after.phone_numbers == (PhoneNumber("1", "work"), PhoneNumber("2", "home"))
        assert after.socials == ()
        assert after.websites == (Link("https://a.example", "work"),)

    @pytest.mark.parametrize("kind", LIST_KINDS)
    def test_blank_entries_are_left_out(self, kind: Kind) -> None:
        blank = [{}, {kind.member: None}, {kind.member: " ", "category": "x"}]
        after = patched(FULL_LEAD, **{kind.attribute: [*blank, {kind.member: "kept"}]})
        (entry,) = getattr(after, kind.attribute)
        assert getattr(entry, kind.member) == "kept"

    @pytest.mark.parametrize("kind", LIST_KINDS)
    def test_a_list_has_a_limit(self, kind: Kind) -> None:
        assert problems(**{kind.attribute: [{kind.member: "x"}] * 100}) == []
        assert problems(**{kind.attribute: [{kind.member: "x"}] * 101}) == [
            (kind.attribute, "has too many entries (maximum is 100)", "too_long")
        ]

    @pytest.mark.parametrize(
        ("attribute", "member", "limit"),
        [("phone_numbers", "number", 255), ("socials", "url", 2_048), ("websites", "url", 2_048)],
    )
    def test_an_entry_has_a_limit(self, attribute: str, member: str, limit: int) -> None:
        assert problems(**{attribute: [{member: "x" * limit}]}) == []
        assert problems(**{attribute: [{member: "x" * (limit + 1)}]}) == [
            (
                attribute,
                f"{attribute}[0].{member} is too long (maximum is {limit} characters)",
                "too_long",
            )
        ]

    def test_tags_replace_the_old_ones(self) -> None:
        assert patched(FULL_LEAD, tags=["cold"]).tags == ("cold",)
        assert patched(FULL_LEAD, tags=[]).tags == ()

    def test_tags_that_differ_only_by_case_are_one_in_the_first_spelling(self) -> None:
        sent = ["VIP", "fair", "vip", " Fair ", "", "  ", "Andre\u0301", "ANDR\u00c9"]
        assert patched(a_lead(), tags=sent).tags == ("VIP", "fair", "Andre\u0301")

    def test_tags_are_trimmed(self) -> None:
        assert patched(a_lead(), tags=["\u00a0 warm lead\n"]).tags == ("warm lead",)

    def test_tags_have_a_limit(self) -> None:
        names = [str(n) for n in range(201)]
        assert problems(tags=names[:200]) == []
        assert problems(tags=names) == [
            ("tags", "has too many entries (maximum is 200)", "too_long")
        ]
        assert problems(tags=["x" * 256]) == [
            ("tags", "tags[0] is too long (maximum is 255 characters)", "too_long")
        ]


class TestCustomFields:
    def test_each_entry_changes_only_its_own_field(self) -> None:
        after = patched(
            FULL_LEAD,
            custom_fields=[custom(DataType.DATE, "01/31/2021"), custom(DataType.FLOAT, 7)],
        )
        assert after.custom_fields == {
            FIELD_IDS[DataType.STRING]: "A-77",
            FIELD_IDS[DataType.DATE]: "2021-01-31",
            FIELD_IDS[DataType.FLOAT]: 7.0,
        }

    @pytest.mark.parametrize("sent", [None, []])
    def test_null_or_an_empty_list_changes_nothing(self, sent: list[Any] | None) -> None:
        assert patched(FULL_LEAD, custom_fields=sent) == FULL_LEAD

    @pytest.mark.parametrize("empty", [None, "", " "])
    def test_an_empty_value_clears(self, empty: str | None) -> None:
        after = patched(FULL_LEAD, custom_fields=[custom(DataType.STRING, empty)])
        assert after.custom_fields == {FIELD_IDS[DataType.DATE]: "2020-12-15"}

    def test_values_are_in_the_order_of_the_definitions(self) -> None:
        sent = [custom(data_type, None) for data_type in DataType]
        sent += [custom(DataType.URL, "https://a.example"), custom(DataType.CHECKBOX, value=True)]
        after = patched(a_lead(), custom_fields=sent)
        assert list(after.custom_fields) == [4101, 4110]

    def test_a_day_begins_in_the_time_zone_of_the_account(self) -> None:
        field = a_field(id=4101, data_type=DataType.DATE)
        settings = a_settings(time_zone="America/Los_Angeles", fields=(field,))
        sent = [{"custom_field_definition_id": 4101, "value": 1_608_019_200}]
        assert patched(a_lead(), settings, custom_fields=sent).custom_fields == {4101: "2020-12-15"}

    def test_a_computed_value_is_ignored(self) -> None:
        sent = custom(DataType.STRING, "A-78") | {"computed_value": ["anything"]}
        assert patched(a_lead(), custom_fields=[sent]).custom_fields == {
            FIELD_IDS[DataType.STRING]: "A-78"
        }

    def test_the_value_of_a_deleted_definition_is_dropped_by_the_next_write(self) -> None:
        lead = a_lead(custom_fields={77: "of a deleted definition"})
        after = patched(lead, custom_fields=[custom(DataType.STRING, "A-78")])
        assert after.custom_fields == {FIELD_IDS[DataType.STRING]: "A-78"}

    def test_a_value_stays_while_its_definition_is_not_on_leads(self) -> None:
        lead = a_lead(custom_fields={ELSEWHERE: "kept"})
        after = patched(lead, custom_fields=[custom(DataType.CHECKBOX, value=True)])
        assert after.custom_fields[ELSEWHERE] == "kept"

    def test_a_definition_must_exist(self) -> None:
        sent = {"custom_field_definition_id": 77, "value": None}
        text = "definition 77 does not exist"
        assert problems(custom_fields=[sent]) == [("custom_fields", text, "inclusion")]

    def test_a_wrong_value_is_refused_by_the_name_of_its_field(self) -> None:
        text = 'value of Customer number (definition 4105) is not a number: "many"'
        assert FIELD_IDS[DataType.FLOAT] == 4105
        assert problems(custom_fields=[custom(DataType.FLOAT, "many")]) == [
            ("custom_fields", text, "invalid")
        ]


TAGS = st.lists(st.sampled_from(["fair", "Fair", "VIP", "été", "spring"]), max_size=5)


def test_a_tag_is_added_at_the_end_once_in_any_case() -> None:
    assert tags_changed(["Fair"], added=["VIP", "fair", "vip"]) == ["Fair", "VIP"]


def test_a_tag_is_removed_in_any_case() -> None:
    assert tags_changed(["Fair", "VIP"], removed=["FAIR", "other"]) == ["VIP"]


@given(TAGS, TAGS, TAGS)
def test_doing_it_again_changes_nothing(
    tags: list[str], added: list[str], removed: list[str]
) -> None:
    once = tags_changed(tags, added=added, removed=removed)
    again = tags_changed(once, added=added, removed=removed)
    assert {*map(fold, again)} == {*map(fold, once)}
    assert tags_changed(once, added=added) == once
    folded = [fold(tag) for tag in once]
    assert len(set(folded)) == len(folded)
    assert {fold(tag) for tag in added} <= set(folded)
    kept = {fold(tag) for tag in tags} - {fold(tag) for tag in removed}
    assert set(folded) == kept | {fold(tag) for tag in added}
