"""Who decides a value, as a change of the settings."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.domain.builders import a_delivery, a_field, a_settings
from tests.support.domain.settings_changes import LAST_ID, change

from onelead.domain.account import AccountSettings
from onelead.domain.acts.policies import OVERWRITE_ALL, Deciding, Policy
from onelead.domain.errors import InputInvalid
from onelead.domain.settings.account_details import (
    DECIDING_MEMBERS,
    changed_details,
    details_of,
    has_policy_field,
    with_details,
)
from onelead.domain.settings.change import Resource, SettingsWrite, plan_settings_change
from onelead.domain.writes import Action, Outcome

SIZE = a_field(id=4101, name="Size")
NOT_ON_LEADS = a_field(id=4102, name="Budget", available_on=("person",))
SETTINGS = a_settings(fields=(SIZE, NOT_ON_LEADS))


def callers() -> set[str]:
    return {"key-951"}


def not_asked() -> set[str]:
    pytest.fail("the API keys were looked up for nothing")


def changed(body: dict[str, Any], settings: AccountSettings = SETTINGS) -> Deciding:
    return changed_details(body, settings, callers).deciding


def problem(body: dict[str, Any], settings: AccountSettings = SETTINGS) -> str:
    with pytest.raises(InputInvalid) as caught:
        changed_details(body, settings, callers)
    (found,) = caught.value.problems
    return f"{found.attribute} {found.text}"


def test_policies_are_replaced_and_overwriting_needs_none() -> None:
    body = {"policies": {"title": "fill", "custom_fields.4101": "ranked", "tags": "overwrite"}}
    policies = {"title": Policy.FILL, "custom_fields.4101": Policy.RANKED}
    assert changed(body) == Deciding(policies)
    assert changed({"policies": {}}, a_settings(deciding=Deciding(policies))) == OVERWRITE_ALL


def test_ranks_are_replaced_and_the_lowest_needs_none() -> None:
    assert changed({"ranks": {"key-951": 7, "web": 0}}) == Deciding(ranks={"key-951": 7})


def test_nothing_that_is_left_out_or_null_changes() -> None:
    deciding = Deciding({"title": Policy.FILL}, {"web": 2}, pins_edits=True)
    settings = a_settings(deciding=deciding, payload_days=9)
    body = dict.fromkeys(("policies", "ranks", "pins_edits", "payload_days"))
    after = changed_details(body, settings, callers)
    assert (after.deciding, after.payload_days) == (deciding, 9)
    assert after == details_of(settings)


def test_pins_and_retention_are_changed() -> None:
    after = changed_details({"pins_edits": True, "payload_days": 36500}, SETTINGS)
    assert (after.pins_edits, after.payload_days) == (True, 36500)
    assert with_details(SETTINGS, after).payload_days == 36500
    assert with_details(SETTINGS, after).deciding.pins_edits


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"policies": {"title": "newer"}}, "policies must be an object of fields"),
        ({"policies": ["title"]}, "policies must be an object of fields"),
        ({"policies": {"first_name": "fill"}}, "policies name fields that do not exist: "),
        ({"policies": {"custom_fields.04101": "fill"}}, "policies name fields that do not exist"),
        ({"policies": {"custom_fields.4102": "fill"}}, "policies name fields that do not exist"),
        ({"policies": {"custom_fields.9": "fill"}}, "policies name fields that do not exist"),
        ({"ranks": {"key-952": 1}}, "ranks name callers that do not exist: "),
        ({"ranks": {"user-901": 1}}, "ranks name callers that do not exist"),
        ({"ranks": {"web": -1}}, "ranks must be an object of callers"),
        ({"ranks": {"web": 1001}}, "ranks must be an object of callers"),
        ({"ranks": {"web": 1.5}}, "ranks must be an object of callers"),
        ({"pins_edits": "yes"}, "pins_edits must be true or false"),
        ({"payload_days": -1}, "payload_days must be a whole number from 0 to 36500"),
        ({"payload_days": 36501}, "payload_days must be a whole number from 0 to 36500"),
        ({"payload_days": "9"}, "payload_days must be a whole number from 0 to 36500"),
    ],
)
def test_what_cannot_be_is_refused(body: dict[str, Any], text: str) -> None:
    assert problem(body).startswith(text)


def test_what_a_deleted_field_has_may_stay_and_nothing_new() -> None:
    settings = a_settings(deciding=Deciding({"custom_fields.9": Policy.FILL}))
    assert changed({"policies": {"custom_fields.9": "newest"}}, settings).policies
    assert "do not exist" in problem({"policies": {"custom_fields.8": "fill"}}, settings)


def test_known_callers_are_not_looked_up_again() -> None:
    settings = a_settings(deciding=Deciding(ranks={"key-1": 3}))
    after = changed_details({"ranks": {"key-1": 4, "web": 1}}, settings, not_asked)
    assert after.ranks == {"key-1": 4, "web": 1}


def test_which_fields_can_have_a_policy() -> None:
    names = ("title", "name", "last_name", "custom_fields.4101", "pins.title", "custom_fields.x")
    assert [name for name in names if has_policy_field(name, SETTINGS)] == [
        *("title", "name", "custom_fields.4101")
    ]


def test_it_is_a_change_of_the_account() -> None:
    body = {"policies": {"title": "fill"}, "payload_days": 30}
    plan = change(Resource.ACCOUNT, Action.UPDATE, body, of=1, settings=SETTINGS)
    assert (plan.outcome, plan.last_id) == (Outcome.UPDATED, LAST_ID)
    assert plan.changes == {"policies": ({}, {"title": "fill"}), "payload_days": (0, 30)}


def test_only_the_members_that_are_offered_can_be_sent() -> None:
    write = SettingsWrite(
        *(Resource.ACCOUNT, Action.UPDATE, a_delivery(), 1, {"name": "B", "payload_days": 3}),
        members=DECIDING_MEMBERS,
    )
    plan = plan_settings_change(write, SETTINGS, last_id=LAST_ID, in_use=lambda: 0)
    assert isinstance(plan.refusal, InputInvalid)
    assert "Unrecognized attributes specified: name" in plan.refusal.message
