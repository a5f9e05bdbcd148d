"""Changes to the settings: what is true of all of them, and definitions as a whole."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_delivery, a_field, a_settings
from tests.support.domain.settings_changes import (
    DEFINITION,
    LAST_ID,
    SOURCE,
    STATUS,
    TOO_LONG,
    assert_nothing_saved,
    assert_refused,
    change,
    create,
    not_asked,
    saved_field,
    update_field,
)

from onelead.domain.account import OPTION_RESOURCE, DeletedReference
from onelead.domain.custom_fields import (
    TYPES_WITH_OPTIONS,
    CustomField,
    DataType,
    IndexState,
    Option,
)
from onelead.domain.errors import Problem, ResourceNotFound, SettingsConflict
from onelead.domain.limits import CUSTOM_FIELDS_MAX, DELETED_REFERENCES_MAX
from onelead.domain.settings.change import (
    Deleted,
    Resource,
    SettingsPlan,
    SettingsWrite,
    plan_settings_change,
    references_after,
)
from onelead.domain.settings.definitions import definition_attributes
from onelead.domain.text import fold, quoted
from onelead.domain.writes import Action, Outcome

#: An account exists before its settings can be changed.
CREATED = (DEFINITION, STATUS, SOURCE)
PREFIX = "Invalid input: Validation errors: "
BLANK_NAME = Problem("name", "can't be blank", "blank")
BAD_NAMES: list[tuple[dict[str, Any], Problem]] = [
    ({}, BLANK_NAME),
    ({"name": None}, BLANK_NAME),
    ({"name": ""}, BLANK_NAME),
    ({"name": " \t\u200b"}, BLANK_NAME),
    ({"name": 5}, Problem("name", "must be a string")),
    ({"name": True}, Problem("name", "must be a string")),
    ({"name": ["x"]}, Problem("name", "must be a string")),
    ({"name": {"x": 1}}, Problem("name", "must be a string")),
    ({"name": "x" * 256}, Problem("name", TOO_LONG, "too_long")),
]


class TestWhatWasSeen:
    SEEN = CustomField(5, "Tier", DataType.DROPDOWN, options=(Option(51, "A"), Option(52, "B")))
    STORED = msgspec.structs.replace(SEEN, name="Rank", options=(*SEEN.options, Option(53, "C")))

    def plan(self, field: CustomField, body: dict[str, Any]) -> SettingsPlan:
        write = SettingsWrite(
            *(DEFINITION, Action.UPDATE, a_delivery(), field.id, body),
            seen=definition_attributes(self.SEEN),
        )
        settings = a_settings(fields=(field,))
        return plan_settings_change(write, settings, last_id=LAST_ID, in_use=not_asked)

    def test_a_change_of_an_attribute_that_changed_meanwhile_is_refused(self) -> None:
        plan = self.plan(self.STORED, {"options": [{"id": 51, "name": "A"}]})
        assert isinstance(plan.refusal, SettingsConflict)
        assert_nothing_saved(plan, Outcome.REFUSED)
        assert self.plan(self.SEEN, {"options": [{"id": 51, "name": "A"}]}).refusal is None

    def test_an_attribute_that_is_left_alone_may_have_changed(self) -> None:
        plan = self.plan(self.STORED, {"is_filterable": True})
        assert plan.changes == {"is_filterable": (False, True)}

    def test_an_attribute_that_has_the_new_value_already_is_no_conflict(self) -> None:
        assert self.plan(self.STORED, {"name": "Rank"}).outcome is Outcome.UNCHANGED


class TestAnyResource:
    @pytest.mark.parametrize("resource", Resource)
    @pytest.mark.parametrize("action", [Action.UPDATE, Action.DELETE])
    @pytest.mark.parametrize("resource_id", [None, 77])
    def test_an_unknown_id_is_not_found(
        self, resource: Resource, action: Action, resource_id: int | None
    ) -> None:
        plan = change(resource, action, {"name": ""}, of=resource_id)
        assert isinstance(plan.refusal, ResourceNotFound)
        assert_nothing_saved(plan, Outcome.REFUSED)
        assert plan.resource_id == resource_id

    @pytest.mark.parametrize(
        ("resource", "of"), [(STATUS, 3101), (SOURCE, 4101), (DEFINITION, 2001)]
    )
    def test_an_id_of_another_resource_is_not_found(self, resource: Resource, of: int) -> None:
        settings = a_settings(fields=(a_field(id=4101),))
        plan = change(resource, Action.UPDATE, {"name": "x"}, of=of, settings=settings)
        assert isinstance(plan.refusal, ResourceNotFound)

    @pytest.mark.parametrize("resource", CREATED)
    @pytest.mark.parametrize(("body", "problem"), BAD_NAMES)
    def test_a_new_thing_needs_a_name(
        self, resource: Resource, body: dict[str, Any], problem: Problem
    ) -> None:
        body = body | {"data_type": "String"} if resource is DEFINITION else body
        assert_refused(create(resource, body), problem)

    @pytest.mark.parametrize(
        ("resource", "of"), [(STATUS, 2002), (SOURCE, 3102), (DEFINITION, 4101)]
    )
    @pytest.mark.parametrize(("body", "problem"), BAD_NAMES[1:])
    def test_a_name_cannot_be_taken_away(
        self, resource: Resource, of: int, body: dict[str, Any], problem: Problem
    ) -> None:
        settings = a_settings(fields=(a_field(id=4101),))
        plan = change(resource, Action.UPDATE, body, of=of, settings=settings)
        assert_refused(plan, problem)
        assert plan.resource_id == of

    @pytest.mark.parametrize(
        ("resource", "of"), [(STATUS, 2002), (SOURCE, 3102), (DEFINITION, 4101)]
    )
    @pytest.mark.parametrize("body", [{}, {"id": 5}, {"id": None}])
    def test_a_body_without_attributes_changes_nothing(
        self, resource: Resource, of: int, body: dict[str, Any]
    ) -> None:
        settings = a_settings(fields=(a_field(id=4101),))
        plan = change(resource, Action.UPDATE, body, of=of, settings=settings)
        assert_nothing_saved(plan, Outcome.UNCHANGED)
        assert plan.resource_id == of
        assert plan.refusal is None

    @pytest.mark.parametrize("resource", CREATED)
    def test_a_name_of_the_greatest_length_is_kept_as_sent(self, resource: Resource) -> None:
        name = " " + "\u00e9" * 253 + " "
        plan = create(
            resource, {"name": name, **({"data_type": "Text"} if resource is DEFINITION else {})}
        )
        assert plan.outcome is Outcome.CREATED
        assert plan.changes["name"] == (None, name)
        assert plan.resource_id == plan.last_id == LAST_ID + 1

    @pytest.mark.parametrize("resource", CREATED)
    def test_unknown_attributes_are_named_together_and_first(self, resource: Resource) -> None:
        plan = create(resource, {"b": 1, "a": None, "data_type": "Text", "name": None})
        names = "a, b" if resource is DEFINITION else "a, b, data_type"
        assert plan.refusal is not None
        assert plan.refusal.message == (
            f"{PREFIX}Base: Unrecognized attributes specified: {names}\nName: can't be blank"
        )

    def test_a_definition_has_no_order_and_a_source_no_default(self) -> None:
        unknown = "Unrecognized attributes specified: "
        assert_refused(
            create(DEFINITION, {"name": "A", "data_type": "Text", "order": 1}),
            Problem("base", unknown + "order", "unknown"),
        )
        assert_refused(
            create(SOURCE, {"name": "A", "is_default": False}),
            Problem("base", unknown + "is_default", "unknown"),
        )


class TestCreateDefinition:
    def test_the_least(self) -> None:
        plan = create(DEFINITION, {"name": "Size", "data_type": "Float"})
        assert plan == SettingsPlan(
            Outcome.CREATED,
            LAST_ID + 1,
            {
                "name": (None, "Size"),
                "data_type": (None, "Float"),
                "is_filterable": (None, False),
            },
            saved_field=CustomField(LAST_ID + 1, "Size", DataType.FLOAT),
            last_id=LAST_ID + 1,
        )

    def test_everything(self) -> None:
        body = {
            "id": 12,
            "name": "Tier",
            "canonical_name": "Tier_1",
            "data_type": "Dropdown",
            "available_on": ["task", "lead", "task"],
            "is_filterable": True,
            "options": [{"name": "Silver"}, {"name": "Gold"}],
            "connected_id": 7,
            "currency": None,
        }
        plan = create(DEFINITION, body)
        assert saved_field(plan) == CustomField(
            LAST_ID + 1,
            "Tier",
            DataType.DROPDOWN,
            canonical_name="tier_1",
            available_on=("lead", "task"),
            is_filterable=True,
            options=(Option(LAST_ID + 2, "Silver"), Option(LAST_ID + 3, "Gold")),
            index_state=IndexState.READY,
            index_generation=1,
        )
        assert plan.last_id == LAST_ID + 3
        assert plan.changes == {
            "name": (None, "Tier"),
            "canonical_name": (None, "tier_1"),
            "data_type": (None, "Dropdown"),
            "available_on": (None, ["lead", "task"]),
            "is_filterable": (None, True),
            "options": (
                None,
                [{"id": LAST_ID + 2, "name": "Silver"}, {"id": LAST_ID + 3, "name": "Gold"}],
            ),
        }

    @pytest.mark.parametrize("data_type", DataType)
    def test_every_writable_type_can_be_made(self, data_type: DataType) -> None:
        body: dict[str, Any] = {"name": "X", "data_type": str(data_type)}
        if data_type in TYPES_WITH_OPTIONS:
            body["options"] = [{"name": "a"}, {"name": "b"}]
        plan = create(DEFINITION, body)
        assert saved_field(plan).data_type is data_type
        assert type(plan.changes["data_type"][1]) is str
        json.dumps(plan.changes)

    @pytest.mark.parametrize(
        ("data_type", "problem"),
        [
            (None, Problem("data_type", "can't be blank", "blank")),
            ("", Problem("data_type", "can't be blank", "blank")),
            *(
                (
                    wrong,
                    Problem(
                        "data_type",
                        "is not one of Checkbox, Currency, Date, Dropdown, Float, MultiSelect, "
                        f"Percentage, String, Text, URL: {quoted(wrong)}",
                        "inclusion",
                    ),
                )
                for wrong in ("Connect", "string", 1, True, ["String"], {"String": 1})
            ),
        ],
    )
    def test_any_other_type_cannot(self, data_type: Any, problem: Problem) -> None:
        body = {"name": "X", "data_type": data_type, "options": [{}], "currency": 5}
        assert_refused(create(DEFINITION, body), problem)

    def test_a_type_must_be_sent(self) -> None:
        problem = Problem("data_type", "can't be blank", "blank")
        assert_refused(create(DEFINITION, {"name": "X"}), problem)

    def test_null_is_as_good_as_not_sent(self) -> None:
        names = ("canonical_name", "available_on", "is_filterable", "options", "currency", "id")
        least = {"name": "X", "data_type": "Text"}
        assert create(DEFINITION, least | dict.fromkeys(names)) == create(DEFINITION, least)

    def test_names_need_not_differ(self) -> None:
        settings = a_settings(fields=(a_field(name="X"),))
        plan = create(DEFINITION, {"name": "X", "data_type": "Text"}, settings=settings)
        assert plan.outcome is Outcome.CREATED

    def test_everything_wrong_is_said_at_once(self) -> None:
        body = {
            "extra": 1,
            "name": " ",
            "canonical_name": "a b",
            "data_type": "MultiSelect",
            "available_on": "lead",
            "is_filterable": 1,
            "options": [{"name": "a"}],
            "currency": "USD",
        }
        plan = create(DEFINITION, body)
        assert plan.refusal is not None
        assert plan.refusal.message == (
            f"{PREFIX}Base: Unrecognized attributes specified: extra\n"
            "Name: can't be blank\n"
            "Canonical Name: may have only letters a to z, digits and underscores\n"
            "Available On: must be a list\n"
            "Is Filterable: must be true or false\n"
            "Options: has too few entries (minimum is 2)\n"
            "Currency: is only for the type Currency"
        )
        assert_nothing_saved(plan, Outcome.REFUSED)

    def test_an_account_has_a_greatest_number(self) -> None:
        body = {"name": "X", "data_type": "Text"}
        fields = tuple(a_field(id=number) for number in range(1, CUSTOM_FIELDS_MAX + 1))
        assert create(DEFINITION, body, settings=a_settings(fields=fields[1:])).refusal is None
        assert_refused(
            create(DEFINITION, body, settings=a_settings(fields=fields)),
            Problem("base", "the account is full (maximum is 500 custom field definitions)"),
        )


class TestUpdateDefinition:
    def test_only_what_is_named_changes(self) -> None:
        field = a_field(
            canonical_name="size", data_type=DataType.DROPDOWN, available_on=("lead", "task")
        )
        plan = update_field(field, {"name": "Tier"})
        assert plan == SettingsPlan(
            Outcome.UPDATED,
            field.id,
            {"name": ("Customer number", "Tier")},
            saved_field=msgspec.structs.replace(field, name="Tier"),
            last_id=LAST_ID,
        )

    def test_what_a_client_read_can_be_sent_back(self) -> None:
        field = a_field(data_type=DataType.DROPDOWN, canonical_name="tier")
        body = {
            "id": 4101,
            "name": "Customer number",
            "canonical_name": "tier",
            "data_type": "Dropdown",
            "available_on": ["lead"],
            "is_filterable": False,
            "options": [
                {"id": 5101, "name": "Silver", "rank": 0},
                {"id": 5102, "name": "Gold", "rank": 1},
            ],
            "connected_id": None,
        }
        assert_nothing_saved(update_field(field, body), Outcome.UNCHANGED)

    @pytest.mark.parametrize("sent", ["Text", "string", "Connect", "", 5, True, ["String"], {}])
    def test_the_type_cannot_change(self, sent: Any) -> None:
        plan = update_field(a_field(), {"data_type": sent})
        assert_refused(plan, Problem("data_type", "can't be changed; it is String"))

    @pytest.mark.parametrize("sent", ["String", None])
    def test_the_type_may_be_sent_again(self, sent: Any) -> None:
        assert_nothing_saved(update_field(a_field(), {"data_type": sent}), Outcome.UNCHANGED)

    @pytest.mark.parametrize("sent", [0, 1, "true", [], {}])
    def test_a_flag_is_a_boolean(self, sent: Any) -> None:
        plan = update_field(a_field(), {"is_filterable": sent})
        assert_refused(plan, Problem("is_filterable", "must be true or false"))

    def test_null_leaves_everything_but_the_canonical_name(self) -> None:
        field = a_field(
            data_type=DataType.CURRENCY,
            is_filterable=True,
            index_state=IndexState.READY,
            index_generation=1,
        )
        names = ("data_type", "available_on", "is_filterable", "options", "currency")
        assert_nothing_saved(update_field(field, dict.fromkeys(names)), Outcome.UNCHANGED)

    def test_a_full_account_can_still_update(self) -> None:
        others = [a_field(id=number) for number in range(1, CUSTOM_FIELDS_MAX)]
        assert update_field(a_field(), {"name": "X"}, *others).outcome is Outcome.UPDATED


class TestDeleteDefinition:
    def test_a_deleted_definition_loses_all_its_attributes(self) -> None:
        field = a_field(data_type=DataType.DROPDOWN, index_generation=3)
        plan = change(DEFINITION, Action.DELETE, of=field.id, settings=a_settings(fields=(field,)))
        assert plan == SettingsPlan(
            Outcome.DELETED,
            field.id,
            {
                "name": ("Customer number", None),
                "data_type": ("Dropdown", None),
                "available_on": (["lead"], None),
                "is_filterable": (False, None),
                "options": ([{"id": 5101, "name": "Silver"}, {"id": 5102, "name": "Gold"}], None),
            },
            last_id=LAST_ID,
            deleted=(Deleted(4101, "custom_field_definition", "Customer number"),),
        )


#: Any JSON, and often values that the rules are about.
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["String", "Dropdown", "lead", "New", "open", "usd", "a", 1, 2001, 5101]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "rank"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)
ATTRIBUTES = (
    *("id", "name", "canonical_name", "data_type", "available_on", "is_filterable", "options"),
    *("currency", "connected_id", "order", "is_default"),
)
ANY_BODY = st.dictionaries(st.sampled_from(ATTRIBUTES) | st.text(max_size=3), ANY_JSON, max_size=6)


class TestAnyBody:
    """Every body has a plan that keeps the settings consistent."""

    @given(
        resource=st.sampled_from(Resource),
        action=st.sampled_from([Action.CREATE, Action.UPDATE, Action.DELETE]),
        of=st.sampled_from([None, 2001, 2002, 3101, 4101, 4102]),
        body=ANY_BODY,
    )
    def test_has_a_plan(
        self, resource: Resource, action: Action, of: int | None, body: dict[str, Any]
    ) -> None:
        fields = (a_field(id=4101, data_type=DataType.DROPDOWN), a_field(id=4102))
        settings = a_settings(fields=fields)
        plan = change(resource, action, body, of=of, settings=settings, in_use=lambda: 0)
        assert (plan.outcome is Outcome.REFUSED) == (plan.refusal is not None)
        assert json.loads(json.dumps(plan.changes)).keys() == plan.changes.keys()
        assert plan.last_id >= LAST_ID
        if plan.saved_field is not None:
            assert plan.saved_field.is_indexed == (
                plan.saved_field.is_filterable and plan.saved_field.on_leads
            )
        if plan.saved_statuses is not None:
            names = [fold(status.name) for status in plan.saved_statuses]
            assert len(set(names)) == len(names)
            assert sum(status.is_default for status in plan.saved_statuses) == 1


class TestDeletedReferences:
    TIER = a_field(name="Tier", data_type=DataType.DROPDOWN)

    @pytest.mark.parametrize(
        ("resource", "of", "name"),
        [(STATUS, 2002, "Open"), (SOURCE, 3102, "Cold Call"), (DEFINITION, 4101, "Tier")],
    )
    def test_what_is_deleted_keeps_its_name(self, resource: Resource, of: int, name: str) -> None:
        settings = a_settings(fields=(self.TIER,))
        plan = change(resource, Action.DELETE, of=of, settings=settings, in_use=lambda: 0)
        assert plan.deleted == (Deleted(of, resource.value, name),)

    def test_a_removed_option_keeps_its_name_and_its_definition(self) -> None:
        plan = update_field(self.TIER, {"options": [{"name": "Gold"}, {"name": "Iron"}]})
        assert plan.deleted == (Deleted(5101, OPTION_RESOURCE, "Silver", 4101),)

    def test_what_is_renamed_or_moved_is_not_deleted(self) -> None:
        options = [{"id": 5102, "name": "Silver"}, {"id": 5101, "name": "Iron"}]
        assert update_field(self.TIER, {"name": "Rank", "options": options}).deleted == ()
        for resource, of in ((STATUS, 2002), (SOURCE, 3102)):
            body = {"name": "Other", "order": 1}
            assert change(resource, Action.UPDATE, body, of=of).deleted == ()

    def test_what_is_refused_deletes_nothing(self) -> None:
        plan = change(STATUS, Action.DELETE, of=2002, in_use=lambda: 1)
        assert (plan.outcome, plan.deleted, plan.forgotten) == (Outcome.REFUSED, (), ())

    def test_a_deleted_definition_stands_for_its_removed_options(self) -> None:
        known = DeletedReference(5103, OPTION_RESOURCE, "Iron", 4101, 7)
        other = DeletedReference(5203, OPTION_RESOURCE, "Iron", 4102, 7)
        settings = a_settings(fields=(self.TIER,), deleted={5103: known, 5203: other})
        plan = change(DEFINITION, Action.DELETE, of=4101, settings=settings)
        assert references_after(settings.deleted, plan, 9) == {
            5203: other,
            4101: DeletedReference(4101, "custom_field_definition", "Tier", None, 9),
        }

    def test_the_oldest_are_forgotten(self) -> None:
        # The clock went back once: the larger ids are older.
        dates = {6000 + n: 10_000 - n for n in range(DELETED_REFERENCES_MAX)}
        known = {
            id_: DeletedReference(id_, "lead_status", "Old", None, date)
            for id_, date in dates.items()
        }
        settings = a_settings(fields=(self.TIER,), deleted=known)
        plan = change(SOURCE, Action.DELETE, of=3102, settings=settings, in_use=lambda: 0)
        after = references_after(known, plan, 20_000)
        assert len(after) == DELETED_REFERENCES_MAX
        assert known.keys() - after.keys() == {max(dates)}
        assert after.keys() - known.keys() == {3102}
