"""Lead statuses and customer sources: names, order, the default, and entries in use."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.domain.builders import a_settings
from tests.support.domain.settings_changes import (
    LAST_ID,
    SOURCE,
    STATUS,
    assert_nothing_saved,
    assert_refused,
    change,
    create,
)

from onelead.domain.account import CustomerSource, LeadStatus
from onelead.domain.errors import Problem
from onelead.domain.limits import PICK_LIST_ENTRIES_MAX
from onelead.domain.settings.change import Deleted, Resource, SettingsPlan
from onelead.domain.writes import Action, Outcome


def names_and_default(plan: SettingsPlan) -> tuple[list[str], str]:
    assert plan.refusal is None
    assert plan.saved_statuses is not None
    (default,) = (status.name for status in plan.saved_statuses if status.is_default)
    return [status.name for status in plan.saved_statuses], default


class TestLeadStatuses:
    def test_a_new_one_stands_at_the_end(self) -> None:
        plan = create(STATUS, {"id": 5, "name": "Contacted", "is_default": None, "order": None})
        assert plan == SettingsPlan(
            Outcome.CREATED,
            LAST_ID + 1,
            {"name": (None, "Contacted"), "order": (None, 5), "is_default": (None, False)},
            saved_statuses=(*a_settings().statuses, LeadStatus(LAST_ID + 1, "Contacted")),
            last_id=LAST_ID + 1,
        )

    @pytest.mark.parametrize(
        ("order", "names"),
        [
            (1, ["X", "New", "Open", "Unqualified", "Junk"]),
            (2, ["New", "X", "Open", "Unqualified", "Junk"]),
            (5, ["New", "Open", "Unqualified", "Junk", "X"]),
            (10**30, ["New", "Open", "Unqualified", "Junk", "X"]),
        ],
    )
    def test_a_new_one_may_say_where_it_stands(self, order: int, names: list[str]) -> None:
        plan = create(STATUS, {"name": "X", "order": order})
        assert names_and_default(plan) == (names, "New")
        assert plan.changes["order"] == (None, names.index("X") + 1)

    @pytest.mark.parametrize(
        ("of", "order", "names"),
        [
            (2001, 2, ["Open", "New", "Unqualified", "Junk"]),
            (2001, 4, ["Open", "Unqualified", "Junk", "New"]),
            (2001, 99, ["Open", "Unqualified", "Junk", "New"]),
            (2004, 1, ["Junk", "New", "Open", "Unqualified"]),
            (2003, 2, ["New", "Unqualified", "Open", "Junk"]),
        ],
    )
    def test_one_can_move(self, of: int, order: int, names: list[str]) -> None:
        plan = change(STATUS, Action.UPDATE, {"order": order}, of=of)
        assert names_and_default(plan) == (names, "New")
        assert plan.changes == {"order": (of - 2000, min(order, 4))}
        assert (plan.outcome, plan.last_id) == (Outcome.UPDATED, LAST_ID)

    @pytest.mark.parametrize("order", [0, -1, True, False, "1", 1.0, [1], {}])
    @pytest.mark.parametrize("resource", [STATUS, SOURCE])
    def test_an_order_counts_from_1(self, resource: Resource, order: Any) -> None:
        plan = create(resource, {"name": "X", "order": order})
        assert_refused(plan, Problem("order", "must be a whole number of at least 1"))

    def test_one_can_be_renamed_and_keeps_its_place(self) -> None:
        plan = change(STATUS, Action.UPDATE, {"name": "Working"}, of=2002)
        assert names_and_default(plan) == (["New", "Working", "Unqualified", "Junk"], "New")
        assert plan.changes == {"name": ("Open", "Working")}

    def test_what_a_client_read_can_be_sent_back(self) -> None:
        body = {"id": 2001, "name": "New", "order": 1, "is_default": True}
        plan = change(STATUS, Action.UPDATE, body, of=2001)
        assert_nothing_saved(plan, Outcome.UNCHANGED)

    @pytest.mark.parametrize("name", ["Open", " open ", "OPEN", "O\u200bpen", "\uff2fpen"])
    def test_names_are_unique_as_they_are_compared(self, name: str) -> None:
        taken = Problem("name", "has already been taken", "taken")
        assert_refused(create(STATUS, {"name": name}), taken)
        assert_refused(change(STATUS, Action.UPDATE, {"name": name}, of=2001), taken)

    def test_one_may_take_another_spelling_of_its_own_name(self) -> None:
        plan = change(STATUS, Action.UPDATE, {"name": "OPEN"}, of=2002)
        assert plan.changes == {"name": ("Open", "OPEN")}

    def test_a_new_default_takes_the_place_of_the_old_one(self) -> None:
        plan = create(STATUS, {"name": "X", "is_default": True})
        assert names_and_default(plan)[1] == "X"
        assert plan.changes["is_default"] == (None, True)

    def test_another_can_be_made_the_default(self) -> None:
        plan = change(STATUS, Action.UPDATE, {"is_default": True}, of=2003)
        assert names_and_default(plan) == (["New", "Open", "Unqualified", "Junk"], "Unqualified")
        assert plan.changes == {"is_default": (False, True)}

    def test_the_default_cannot_just_stop_being_it(self) -> None:
        plan = change(STATUS, Action.UPDATE, {"is_default": False, "order": 0}, of=2001)
        assert_refused(
            plan,
            Problem("order", "must be a whole number of at least 1"),
            Problem("is_default", "can't be false; make another status the default instead"),
        )

    @pytest.mark.parametrize("sent", [False, None])
    def test_another_status_stays_not_the_default(self, sent: bool | None) -> None:  # noqa: FBT001
        plan = change(STATUS, Action.UPDATE, {"is_default": sent}, of=2002)
        assert_nothing_saved(plan, Outcome.UNCHANGED)

    @pytest.mark.parametrize("sent", [0, 1, "true", [], {}])
    def test_a_flag_is_a_boolean(self, sent: Any) -> None:
        plan = create(STATUS, {"name": "X", "is_default": sent})
        assert_refused(plan, Problem("is_default", "must be true or false"))

    def test_the_default_cannot_be_deleted(self) -> None:
        plan = change(STATUS, Action.DELETE, of=2001)
        text = "New is the default; make another status the default first"
        assert_refused(plan, Problem("base", text))

    @pytest.mark.parametrize(
        ("leads", "text"),
        [
            (1, "Open is used by 1 lead; give it another status first"),
            (12, "Open is used by 12 leads; give them another status first"),
        ],
    )
    def test_one_that_leads_have_cannot_be_deleted(self, leads: int, text: str) -> None:
        plan = change(STATUS, Action.DELETE, of=2002, in_use=lambda: leads)
        assert_refused(plan, Problem("base", text))

    def test_one_that_no_lead_has_can_be_deleted(self) -> None:
        plan = change(STATUS, Action.DELETE, of=2002, in_use=lambda: 0)
        assert names_and_default(plan) == (["New", "Unqualified", "Junk"], "New")
        assert plan.changes == {
            "name": ("Open", None),
            "order": (2, None),
            "is_default": (False, None),
        }
        assert (plan.outcome, plan.resource_id) == (Outcome.DELETED, 2002)
        assert plan.last_id == LAST_ID

    def test_a_list_has_a_greatest_length(self) -> None:
        statuses = tuple(
            LeadStatus(number, f"Status {number}", is_default=number == 1)
            for number in range(1, PICK_LIST_ENTRIES_MAX + 1)
        )
        nearly_full, full = a_settings(statuses=statuses[:-1]), a_settings(statuses=statuses)
        assert create(STATUS, {"name": "X"}, settings=nearly_full).refusal is None
        assert_refused(
            create(STATUS, {"name": "X"}, settings=full),
            Problem("base", "the list is full (maximum is 200 entries)"),
        )
        renamed = change(STATUS, Action.UPDATE, {"name": "X"}, of=5, settings=full)
        assert renamed.outcome is Outcome.UPDATED


class TestCustomerSources:
    def test_a_new_one_stands_where_it_says(self) -> None:
        plan = create(SOURCE, {"name": "Fair", "order": 2})
        email, *others = a_settings().sources
        assert plan == SettingsPlan(
            Outcome.CREATED,
            LAST_ID + 1,
            {"name": (None, "Fair"), "order": (None, 2)},
            saved_sources=(email, CustomerSource(LAST_ID + 1, "Fair"), *others),
            last_id=LAST_ID + 1,
        )

    def test_one_can_be_renamed_and_moved(self) -> None:
        plan = change(SOURCE, Action.UPDATE, {"id": 1, "name": "Ads", "order": 1}, of=3103)
        assert plan == SettingsPlan(
            Outcome.UPDATED,
            3103,
            {"name": ("Advertising", "Ads"), "order": (3, 1)},
            saved_sources=(CustomerSource(3103, "Ads"), *a_settings().sources[:2]),
            last_id=LAST_ID,
        )

    def test_names_are_unique_as_they_are_compared(self) -> None:
        taken = Problem("name", "has already been taken", "taken")
        assert_refused(create(SOURCE, {"name": "cold  CALL"}), taken)

    def test_one_that_leads_have_cannot_be_deleted(self) -> None:
        plan = change(SOURCE, Action.DELETE, of=3101, in_use=lambda: 3)
        text = "Email is used by 3 leads; give them another customer source first"
        assert_refused(plan, Problem("base", text))

    def test_the_last_one_can_be_deleted(self) -> None:
        settings = a_settings(sources=(CustomerSource(3101, "Email"),))
        plan = change(SOURCE, Action.DELETE, of=3101, settings=settings, in_use=lambda: 0)
        assert plan == SettingsPlan(
            Outcome.DELETED,
            3101,
            {"name": ("Email", None), "order": (1, None)},
            saved_sources=(),
            last_id=LAST_ID,
            deleted=(Deleted(3101, "customer_source", "Email"),),
        )

    def test_the_first_of_an_empty_list(self) -> None:
        plan = create(SOURCE, {"name": "Fair"}, settings=a_settings(sources=()))
        assert plan.saved_sources == (CustomerSource(LAST_ID + 1, "Fair"),)

    def test_a_list_has_a_greatest_length(self) -> None:
        sources = tuple(
            CustomerSource(number, f"Source {number}") for number in range(PICK_LIST_ENTRIES_MAX)
        )
        assert_refused(
            create(SOURCE, {"name": "X"}, settings=a_settings(sources=sources)),
            Problem("base", "the list is full (maximum is 200 entries)"),
        )
