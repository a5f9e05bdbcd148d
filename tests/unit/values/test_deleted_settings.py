"""Properties that refer to settings which were deleted: left out of the delivery, and said."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.domain.builders import a_field, a_lead, a_patch, a_settings, a_write

from onelead.domain.account import AccountSettings, DeletedReference, User
from onelead.domain.acts.state import Snapshot
from onelead.domain.custom_fields import DataType, Option
from onelead.domain.fold import checked_write, plan_batch
from onelead.domain.lead import Lead
from onelead.domain.properties import CheckedPatch, applied, checked
from onelead.domain.writes import Action, Outcome

DROPDOWN, MULTI_SELECT, ELSEWHERE = 4101, 4102, 4103
GONE = {
    one.id: one
    for one in (
        DeletedReference(77, "custom_field_definition", "Hall", None, 1),
        DeletedReference(78, "custom_field_definition", "Hall", None, 2),
        DeletedReference(81, "custom_field_option", "Tin", DROPDOWN, 1),
        DeletedReference(82, "custom_field_option", "Zinc", MULTI_SELECT, 1),
        DeletedReference(83, "custom_field_option", "Lead, soft", MULTI_SELECT, 1),
        DeletedReference(91, "lead_status", "Lost", None, 1),
        DeletedReference(92, "customer_source", "Fax", None, 1),
    )
}
SETTINGS = a_settings(
    deleted=GONE,
    users=(User(901, "Dana Poe", "dana@shop.example", is_active=False),),
    fields=(
        a_field(id=DROPDOWN, name="Tier", data_type=DataType.DROPDOWN),
        a_field(id=MULTI_SELECT, name="Metals", data_type=DataType.MULTI_SELECT),
        a_field(id=ELSEWHERE, name="Badge", available_on=("person",)),
        a_field(id=4104, name="Size", data_type=DataType.FLOAT),
    ),
)
LEAD = a_lead(
    status_id=2003, customer_source_id=3101, custom_fields={DROPDOWN: 5101, MULTI_SELECT: (5101,)}
)


def check(settings: AccountSettings = SETTINGS, /, **properties: Any) -> CheckedPatch:
    """Check properties."""
    return checked(a_patch(**properties), settings)


def entry(definition_id: int, value: Any) -> dict[str, Any]:
    """Return the properties of one custom field."""
    return {"custom_fields": [{"custom_field_definition_id": definition_id, "value": value}]}


@pytest.mark.parametrize(
    ("properties", "ignored"),
    [
        (entry(77, "B-2"), "custom_fields.77"),
        (entry(77, {"any": ["thing"]}), "custom_fields.77"),
        ({"custom_fields": [{"name": " HALL", "value": "B-2"}]}, "custom_fields.77"),
        (entry(ELSEWHERE, "B-2"), f"custom_fields.{ELSEWHERE}"),
        *((entry(DROPDOWN, tin), f"custom_fields.{DROPDOWN}") for tin in (81, "81", " Tin", 81.0)),
        *((entry(MULTI_SELECT, zinc), f"custom_fields.{MULTI_SELECT}") for zinc in (82, [82, 83])),
        (entry(MULTI_SELECT, "Zinc;Lead, soft"), f"custom_fields.{MULTI_SELECT}"),
        ({"status_id": 91}, "status_id"),
        ({"status_id": 91, "status": "New"}, "status_id"),
        ({"status": " lost"}, "status_id"),
        ({"customer_source_id": 92}, "customer_source_id"),
    ],
)
def test_what_was_deleted_is_left_out_and_said(properties: dict[str, Any], ignored: str) -> None:
    patch = check(title="Buyer", **properties)
    assert (patch.problems, patch.ignored) == ([], [ignored])
    assert applied(LEAD, patch, SETTINGS) == applied(LEAD, check(title="Buyer"), SETTINGS)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ([82, 5102], (5102,)),
        (["Zinc", "Gold", 83, "Silver"], (5101, 5102)),
        ("Gold, Zinc", (5102,)),
        ("Zinc;5101", (5101,)),
        (["Zinc", None, "Lead, soft;Gold"], (5102,)),
    ],
)
def test_of_a_multi_select_only_that_option_is_left_out(sent: Any, kept: tuple[int, ...]) -> None:
    patch = check(**entry(MULTI_SELECT, sent))
    assert (patch.problems, patch.ignored) == ([], [f"custom_fields.{MULTI_SELECT}"])
    assert applied(LEAD, patch, SETTINGS).custom_fields[MULTI_SELECT] == kept


def test_everything_is_said_once() -> None:
    twice = entry(77, 1)["custom_fields"] * 2
    patch = check(status_id=91, customer_source_id=92, custom_fields=twice)
    assert patch.ignored == ["customer_source_id", "status_id", "custom_fields.77"]


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        (entry(79, "B-2"), "definition 79 does not exist"),
        # The ids of other settings are not those of definitions, and the other way round.
        (entry(91, "B-2"), "definition 91 does not exist"),
        ({"status_id": 92}, "does not exist: 92"),
        ({"status_id": 77}, "does not exist: 77"),
        ({"customer_source_id": 91}, "does not exist: 91"),
        ({"assignee_id": 92}, "does not exist: 92"),
        ({"status": "Fax"}, 'is not a lead status: "Fax"'),
    ],
)
def test_what_never_existed_is_refused(properties: dict[str, Any], text: str) -> None:
    patch = check(**properties)
    assert ([problem.text for problem in patch.problems], patch.ignored) == ([text], [])


@pytest.mark.parametrize(
    ("definition_id", "sent", "shown"),
    [
        (DROPDOWN, 82, "82"),
        (DROPDOWN, "Zinc", '"Zinc"'),
        (MULTI_SELECT, ["Zinc", "Brass"], '"Zinc"'),
        (MULTI_SELECT, ["Brass", "Zinc"], '"Brass"'),
        (MULTI_SELECT, "Zinc;Brass", '"Zinc;Brass"'),
    ],
)
def test_an_option_that_never_existed_is_refused(definition_id: int, sent: Any, shown: str) -> None:
    patch = check(**entry(definition_id, sent))
    (problem,) = patch.problems
    assert f"is not an option of this field: {shown}" in problem.text
    assert (patch.ignored, patch.custom_fields) == ([], {})


def test_a_field_without_options_has_no_deleted_ones() -> None:
    (problem,) = check(**entry(4104, "Tin")).problems
    assert problem.text == 'value of Size (definition 4104) is not a number: "Tin"'


def test_a_name_that_is_in_use_again_is_not_the_deleted_one() -> None:
    option = Option(5109, "Tin")
    again = a_field(id=DROPDOWN, data_type=DataType.DROPDOWN, options=(option,))
    settings = a_settings(fields=(again, a_field(id=4109, name="Hall")), deleted=GONE)
    patch = check(settings, **entry(DROPDOWN, "Tin"))
    assert (patch.custom_fields, patch.ignored) == ({DROPDOWN: 5109}, [])
    patch = check(settings, custom_fields=[{"name": "hall", "value": "B-2"}])
    assert (patch.custom_fields, patch.ignored) == ({4109: "B-2"}, [])


def test_a_deactivated_user_is_still_one() -> None:
    patch = check(assignee_id=901)
    assert (patch.fields["assignee_id"], patch.problems) == (901, [])


def test_a_new_lead_gets_the_defaults() -> None:
    properties = {"name": "Nora", "status_id": 91, "customer_source_id": 92, **entry(77, "B-2")}
    write = checked_write(a_write(Action.CREATE, properties=properties), SETTINGS)
    plan = plan_batch([write], Snapshot({}, {}), SETTINGS, now=1, last_id=9)
    (result,) = plan.results
    assert result.outcome is Outcome.CREATED
    assert result.ignored == ("customer_source_id", "status_id", "custom_fields.77")
    lead = result.lead
    assert isinstance(lead, Lead)
    assert (lead.status_id, lead.customer_source_id, lead.custom_fields) == (2001, None, {})
