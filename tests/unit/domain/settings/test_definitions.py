"""The attributes, the options and the index of a custom field definition."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.settings_changes import (
    DEFINITION,
    LAST_ID,
    TOO_LONG,
    assert_nothing_saved,
    assert_refused,
    create,
    saved_field,
    saved_options,
    update_field,
)

from onelead.domain.custom_fields import RESOURCES, TYPES_WITH_OPTIONS, DataType, IndexState
from onelead.domain.errors import Problem
from onelead.domain.limits import OPTIONS_MAX
from onelead.domain.text import quoted
from onelead.domain.writes import Outcome


class TestCanonicalName:
    @pytest.mark.parametrize(
        ("sent", "stored"),
        [
            ("size", "size"),
            ("SIZE_2", "size_2"),
            ("_", "_"),
            ("0", "0"),
            ("a" * 255, "a" * 255),
            ("", None),
            ("  ", None),
            (None, None),
        ],
    )
    def test_is_stored_in_lower_case(self, sent: str | None, stored: str | None) -> None:
        field = a_field(canonical_name="old")
        assert saved_field(update_field(field, {"canonical_name": sent})).canonical_name == stored

    @pytest.mark.parametrize(
        ("sent", "text", "symbol"),
        [
            ("a b", "may have only letters a to z, digits and underscores", "invalid"),
            ("a-b", "may have only letters a to z, digits and underscores", "invalid"),
            ("a\n", "may have only letters a to z, digits and underscores", "invalid"),
            ("caf\u00e9", "may have only letters a to z, digits and underscores", "invalid"),
            # Their lower case is an ASCII letter, or they are digits of another script.
            ("\u212a", "may have only letters a to z, digits and underscores", "invalid"),
            ("\u0661", "may have only letters a to z, digits and underscores", "invalid"),
            ("a" * 256, TOO_LONG, "too_long"),
            (7, "must be a string", "invalid"),
            (False, "must be a string", "invalid"),
            (["a"], "must be a string", "invalid"),
        ],
    )
    def test_has_a_form(self, sent: Any, text: str, symbol: str) -> None:
        plan = update_field(a_field(), {"canonical_name": sent})
        assert_refused(plan, Problem("canonical_name", text, symbol))

    def test_is_unique_among_all_definitions(self) -> None:
        other = a_field(id=4102, canonical_name="size", available_on=("task",))
        taken = Problem("canonical_name", "has already been taken", "taken")
        assert_refused(update_field(a_field(), {"canonical_name": "SIZE"}, other), taken)
        body = {"name": "X", "data_type": "Text", "canonical_name": "Size"}
        assert_refused(create(DEFINITION, body, settings=a_settings(fields=(other,))), taken)

    def test_may_be_sent_again(self) -> None:
        plan = update_field(a_field(canonical_name="size"), {"canonical_name": "Size"})
        assert_nothing_saved(plan, Outcome.UNCHANGED)

    def test_null_clears_it_and_absence_does_not(self) -> None:
        field = a_field(canonical_name="size")
        plan = update_field(field, {"canonical_name": None})
        assert plan.changes == {"canonical_name": ("size", None)}
        assert saved_field(update_field(field, {"name": "X"})).canonical_name == "size"


class TestAvailableOn:
    @pytest.mark.parametrize(
        ("sent", "stored"),
        [
            ([], ()),
            (["person"], ("person",)),
            (
                ["task", "project", "opportunity", "company", "person", "lead", "lead"],
                ("lead", "person", "company", "opportunity", "project", "task"),
            ),
        ],
    )
    def test_is_stored_in_one_order(self, sent: list[str], stored: tuple[str, ...]) -> None:
        field = saved_field(update_field(a_field(), {"available_on": sent}))
        assert field.available_on == stored

    @pytest.mark.parametrize(
        ("sent", "text", "symbol"),
        [
            ("lead", "must be a list", "invalid"),
            (1, "must be a list", "invalid"),
            (False, "must be a list", "invalid"),
            ({"lead": 1}, "must be a list", "invalid"),
            (
                ["lead", "Person", 1, None, ["lead"], {}],
                f'may have only {", ".join(RESOURCES)}: "Person", 1, null, ["lead"], {{}}',
                "inclusion",
            ),
        ],
    )
    def test_has_only_resources(self, sent: Any, text: str, symbol: str) -> None:
        plan = update_field(a_field(), {"available_on": sent})
        assert_refused(plan, Problem("available_on", text, symbol))

    def test_the_same_set_is_no_change(self) -> None:
        field = a_field(available_on=("lead", "task"))
        plan = update_field(field, {"available_on": ["task", "lead", "task"]})
        assert_nothing_saved(plan, Outcome.UNCHANGED)


class TestCurrency:
    @pytest.mark.parametrize(("sent", "stored"), [("eur", "EUR"), ("Usd", "USD"), (None, "CHF")])
    def test_is_an_iso_code_or_the_account_s(self, sent: str | None, stored: str) -> None:
        body = {"name": "Budget", "data_type": "Currency", "currency": sent}
        plan = create(DEFINITION, body, settings=a_settings(currency="CHF"))
        assert saved_field(plan).currency == stored
        assert plan.changes["currency"] == (None, stored)

    @pytest.mark.parametrize(
        "wrong", ["", "US", "USDX", "ZZZ", "US$", " USD", "840", "\u017fek", 840, True, ["USD"], {}]
    )
    def test_is_nothing_else(self, wrong: Any) -> None:
        plan = update_field(a_field(data_type=DataType.CURRENCY), {"currency": wrong})
        problem = Problem("currency", f"is not an ISO 4217 code: {quoted(wrong)}", "inclusion")
        assert_refused(plan, problem)

    @pytest.mark.parametrize("data_type", sorted(set(DataType) - {DataType.CURRENCY}))
    def test_belongs_to_one_type(self, data_type: DataType) -> None:
        plan = update_field(a_field(data_type=data_type), {"currency": "USD"})
        assert_refused(plan, Problem("currency", "is only for the type Currency"))

    def test_can_change_and_stays_when_not_named(self) -> None:
        field = a_field(data_type=DataType.CURRENCY, currency="EUR")
        assert update_field(field, {"currency": "gbp"}).changes == {"currency": ("EUR", "GBP")}
        assert saved_field(update_field(field, {"name": "X", "currency": None})).currency == "EUR"


class TestOptions:
    @pytest.mark.parametrize(("data_type", "least"), [("Dropdown", 1), ("MultiSelect", 2)])
    @pytest.mark.parametrize("missing", [{}, {"options": None}, {"options": []}])
    def test_a_type_needs_so_many(
        self, data_type: str, least: int, missing: dict[str, Any]
    ) -> None:
        body = {"name": "X", "data_type": data_type}
        too_few = Problem("options", f"has too few entries (minimum is {least})", "too_short")
        assert_refused(create(DEFINITION, body | missing), too_few)
        enough = [{"name": str(number)} for number in range(least)]
        assert_refused(create(DEFINITION, body | {"options": enough[1:]}), too_few)
        assert create(DEFINITION, body | {"options": enough}).refusal is None

    @pytest.mark.parametrize("data_type", sorted(set(DataType) - TYPES_WITH_OPTIONS))
    @pytest.mark.parametrize("sent", [[{"name": "a"}], "a", 0, {}])
    def test_other_types_have_none(self, data_type: DataType, sent: Any) -> None:
        problem = Problem("options", "are only for the types Dropdown and MultiSelect")
        assert_refused(update_field(a_field(data_type=data_type), {"options": sent}), problem)
        empty = update_field(a_field(data_type=data_type), {"options": []})
        assert_nothing_saved(empty, Outcome.UNCHANGED)

    @pytest.mark.parametrize(
        ("sent", "problems"),
        [
            ("Gold", [Problem("options", "must be a list")]),
            ({"name": "Gold"}, [Problem("options", "must be a list")]),
            (0, [Problem("options", "must be a list")]),
            (["Gold", None, 1, []], [Problem("options", "must be objects with a name")]),
            ([{}], [Problem("options", "name can't be blank", "blank")]),
            (
                [{"name": "a\nb"}],
                [Problem("options", "name must be one line of printable text", "invalid")],
            ),
            (
                [{"name": None}, {"name": " "}],
                [Problem("options", "name can't be blank", "blank")],
            ),
            ([{"name": 5}], [Problem("options", "name must be a string")]),
            ([{"name": "x" * 256}], [Problem("options", f"name {TOO_LONG}", "too_long")]),
            (
                [{"name": "a", "z": 1}, {"name": "b", "y": 1, "z": 1}],
                [Problem("base", "Unrecognized attributes specified: y, z", "unknown")],
            ),
            (
                [{"name": "a"}, {"name": "b"}, {"name": " a\u200b"}],
                [Problem("options", 'has the name "a" more than once', "taken")],
            ),
            (
                [{"id": 5101, "name": "a"}, {"id": 5101, "name": "b"}],
                [Problem("options", "has the id 5101 more than once", "taken")],
            ),
            (
                [{"id": True, "name": "a"}, {"rank": False, "name": "b"}],
                [
                    Problem("options", "id must be an integer: true"),
                    Problem("options", "rank must be an integer: false"),
                ],
            ),
            (
                [{"id": "5101", "name": "a"}, {"id": [1], "rank": 1.5, "name": "b"}],
                [
                    Problem("options", 'id must be an integer: "5101"'),
                    Problem("options", "id must be an integer: [1]"),
                    Problem("options", "rank must be an integer: 1.5"),
                ],
            ),
            (
                [{"name": str(number)} for number in range(OPTIONS_MAX + 1)],
                [Problem("options", "has too many entries (maximum is 1000)", "too_long")],
            ),
        ],
    )
    def test_have_a_form(self, sent: Any, problems: list[Problem]) -> None:
        field = a_field(data_type=DataType.DROPDOWN)
        assert_refused(update_field(field, {"options": sent}), *problems)

    def test_names_may_differ_by_case_alone(self) -> None:
        body = {"name": "X", "data_type": "MultiSelect", "options": [{"name": "a"}, {"name": "A"}]}
        assert create(DEFINITION, body).refusal is None

    def test_the_greatest_number_is_taken(self) -> None:
        options = [{"name": str(number)} for number in range(OPTIONS_MAX)]
        plan = create(DEFINITION, {"name": "X", "data_type": "Dropdown", "options": options})
        assert len(saved_options(plan)) == OPTIONS_MAX
        assert plan.last_id == LAST_ID + 1 + OPTIONS_MAX

    @pytest.mark.parametrize(
        ("sent", "names"),
        [
            ([("a", 2), ("b", 0), ("c", 1)], "bca"),
            ([("a", 0), ("b", 0), ("c", -1)], "cab"),
            ([("a", 2), ("b", None), ("c", 1)], "abc"),
            ([("c", None), ("b", None), ("a", None)], "cba"),
        ],
    )
    def test_ranks_order_them_when_all_have_one(
        self, sent: list[tuple[str, int | None]], names: str
    ) -> None:
        options = [{"name": name, "rank": rank} for name, rank in sent]
        plan = create(DEFINITION, {"name": "X", "data_type": "Dropdown", "options": options})
        ids = range(LAST_ID + 2, LAST_ID + 5)
        assert saved_options(plan) == list(zip(ids, names, strict=True))

    def test_ids_mean_nothing_for_a_new_definition(self) -> None:
        options = [{"id": 5101, "name": "a"}, {"id": 0, "name": "b"}, {"id": -1, "name": "c"}]
        settings = a_settings(fields=(a_field(data_type=DataType.DROPDOWN),))
        body = {"name": "X", "data_type": "Dropdown", "options": options}
        plan = create(DEFINITION, body, settings=settings)
        assert [option_id for option_id, _ in saved_options(plan)] == [9002, 9003, 9004]

    @pytest.mark.parametrize(
        ("sent", "stored"),
        [
            # An id keeps the option, even under a new name or in a new place.
            ([{"id": 5102, "name": "Gold"}], [(5102, "Gold")]),
            ([{"id": 5101, "name": "Bronze"}], [(5101, "Bronze")]),
            (
                [{"id": 5101, "name": "Gold"}, {"id": 5102, "name": "Silver"}],
                [(5101, "Gold"), (5102, "Silver")],
            ),
            (
                [
                    {"id": 5101, "name": "Silver", "rank": 1},
                    {"id": 5102, "name": "Gold", "rank": 0},
                ],
                [(5102, "Gold"), (5101, "Silver")],
            ),
            # So does a name, by the comparison of options.
            ([{"name": "Gold"}, {"name": "Silver"}], [(5102, "Gold"), (5101, "Silver")]),
            ([{"name": " Gold", "id": None}], [(5102, " Gold")]),
            ([{"name": "gold"}], [(9001, "gold")]),
            # An id that the definition does not have is ignored.
            ([{"id": 77, "name": "Gold"}], [(5102, "Gold")]),
            ([{"id": 77, "name": "Iron"}], [(9001, "Iron")]),
            # An id takes precedence over a name.
            (
                [{"name": "Silver"}, {"id": 5101, "name": "Gold"}],
                [(9001, "Silver"), (5101, "Gold")],
            ),
            (
                [{"name": "A"}, {"name": "Silver"}, {"name": "B"}],
                [(9001, "A"), (5101, "Silver"), (9002, "B")],
            ),
        ],
    )
    def test_an_update_keeps_what_it_names(
        self, sent: list[dict[str, Any]], stored: list[tuple[int, str]]
    ) -> None:
        plan = update_field(a_field(data_type=DataType.DROPDOWN), {"options": sent})
        assert saved_options(plan) == stored
        assert plan.last_id == max(LAST_ID, *(option_id for option_id, _ in stored))
        assert plan.changes == {
            "options": (
                [{"id": 5101, "name": "Silver"}, {"id": 5102, "name": "Gold"}],
                [{"id": option_id, "name": name} for option_id, name in stored],
            )
        }

    @pytest.mark.parametrize(
        "sent",
        [
            None,
            [{"name": "Silver"}, {"name": "Gold"}],
            [{"id": 5102, "name": "Gold", "rank": 1}, {"id": 5101, "name": "Silver", "rank": 0}],
        ],
    )
    def test_the_same_options_are_no_change(self, sent: Any) -> None:
        plan = update_field(a_field(data_type=DataType.MULTI_SELECT), {"options": sent})
        assert_nothing_saved(plan, Outcome.UNCHANGED)

    @pytest.mark.parametrize(("data_type", "least"), [("Dropdown", 1), ("MultiSelect", 2)])
    def test_an_update_cannot_leave_too_few(self, data_type: str, least: int) -> None:
        plan = update_field(a_field(data_type=DataType(data_type)), {"options": []})
        text = f"has too few entries (minimum is {least})"
        assert_refused(plan, Problem("options", text, "too_short"))


class TestIndex:
    @pytest.mark.parametrize("data_type", DataType)
    def test_a_new_definition_is_complete_unless_every_lead_has_a_value(
        self, data_type: DataType
    ) -> None:
        body: dict[str, Any] = {
            "name": "X",
            "data_type": data_type.value,
            "available_on": ["lead"],
            "is_filterable": True,
        }
        if data_type in TYPES_WITH_OPTIONS:
            body["options"] = [{"name": "a"}, {"name": "b"}]
        field = saved_field(create(DEFINITION, body))
        building = data_type is DataType.CHECKBOX
        assert field.index_state is (IndexState.BUILDING if building else IndexState.READY)
        assert field.index_generation == 1

    @pytest.mark.parametrize(
        ("available_on", "is_filterable"), [(["person"], True), (["lead"], False), ([], True)]
    )
    def test_a_new_definition_that_cannot_be_matched_has_none(
        self, available_on: list[str], *, is_filterable: bool
    ) -> None:
        body: dict[str, Any] = {"name": "X", "data_type": "Checkbox"}
        body |= {"available_on": available_on, "is_filterable": is_filterable}
        field = saved_field(create(DEFINITION, body))
        assert (field.index_state, field.index_generation) == (IndexState.NONE, 0)

    @pytest.mark.parametrize("data_type", [DataType.STRING, DataType.CHECKBOX])
    @pytest.mark.parametrize(
        ("before", "body"),
        [
            ({"is_filterable": False}, {"is_filterable": True}),
            ({"available_on": ("task",), "is_filterable": True}, {"available_on": ["lead"]}),
            ({"available_on": ()}, {"available_on": ["lead", "task"], "is_filterable": True}),
        ],
    )
    def test_becoming_indexed_starts_a_new_generation(
        self, data_type: DataType, before: dict[str, Any], body: dict[str, Any]
    ) -> None:
        before_field = a_field(data_type=data_type, index_generation=4, **before)
        field = saved_field(update_field(before_field, body))
        assert (field.index_state, field.index_generation) == (IndexState.BUILDING, 5)

    @pytest.mark.parametrize("state", [IndexState.BUILDING, IndexState.READY])
    @pytest.mark.parametrize(
        "body", [{"is_filterable": False}, {"available_on": ["task"]}, {"available_on": []}]
    )
    def test_ceasing_to_be_indexed_keeps_the_generation(
        self, state: IndexState, body: dict[str, Any]
    ) -> None:
        before = a_field(is_filterable=True, index_state=state, index_generation=4)
        field = saved_field(update_field(before, body))
        assert (field.index_state, field.index_generation) == (IndexState.NONE, 4)

    @pytest.mark.parametrize("state", [IndexState.BUILDING, IndexState.READY])
    @pytest.mark.parametrize("body", [{"name": "X"}, {"available_on": ["lead", "task"]}])
    def test_another_change_leaves_it_alone(self, state: IndexState, body: dict[str, Any]) -> None:
        before = a_field(is_filterable=True, index_state=state, index_generation=4)
        field = saved_field(update_field(before, body))
        assert (field.index_state, field.index_generation) == (state, 4)

    def test_it_is_not_reported_as_a_change(self) -> None:
        plan = update_field(a_field(), {"is_filterable": True})
        assert plan.changes == {"is_filterable": (False, True)}
