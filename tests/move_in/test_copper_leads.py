"""Odd leads: each value that cannot come in is left out or cut, and the rest comes in."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.copper.moving import moved_in
from tests.support.copper.stand_in import START, StandIn
from tests.support.storage.account_store import AccountStore

from onelead.domain.lead import Lead
from onelead.domain.limits import REQUEST_BODY_BYTES_MAX

TOO_LONG = "it is too long or has too many entries"
AGAINST_THE_RULES = "it does not follow the rules of onelead"


async def brought(account: AccountStore, there: StandIn, **values: Any) -> tuple[Lead, list[str]]:
    """Bring one lead with these values, and return it with the remarks."""
    there.add(1, **values)
    done = await moved_in(account, there)
    assert done.refusals == {}
    (lead,) = await account.leads()
    return lead, list(done.remarks.counts)


def custom(definition_id: Any, value: Any) -> dict[str, Any]:
    return {"custom_field_definition_id": definition_id, "value": value}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"name": " ", "company_name": "Field Supplies"}, "Field Supplies"),
        ({"name": None}, "nora1@field.example"),
        ({"name": 5, "email": "nora@field.example"}, "nora@field.example"),
        ({"name": None, "email": None}, "Copper lead 71000001"),
        ({"name": "Jim Halpert (sample2)", "first_name": "Jim Halpert (sample2)"}, None),
        ({"name": "Nora Field", "first_name": ["Nora"]}, "Nora Field"),
        ({"name": "Nora Field", "first_name": None, "last_name": None}, "Nora Field"),
        ({"name": "x" * 300}, "x" * 255),
    ],
)
async def test_every_lead_has_a_name(
    account: AccountStore, there: StandIn, values: dict[str, Any], name: str | None
) -> None:
    lead, _remarks = await brought(account, there, **{"last_name": None} | values)
    assert lead.name == (name or values["name"])


@pytest.mark.parametrize(
    ("values", "remarks"),
    [
        ({"details": "x" * 70_000}, [f"details was cut: {TOO_LONG}"]),
        ({"tags": ["ok", "x" * 300]}, [f"tags was cut: {TOO_LONG}"]),
        ({"phone_numbers": [{"number": "1" * 300}]}, [f"phone_numbers was left out: {TOO_LONG}"]),
        ({"email": {"email": "x" * 300}}, [f"email was left out: {TOO_LONG}"]),
        ({"email": [1, 2]}, [f"email was left out: {AGAINST_THE_RULES}"]),
        ({"address": ["8 Elm Row"]}, [f"address was left out: {AGAINST_THE_RULES}"]),
        ({"title": {"a": 1}}, [f"title was left out: {AGAINST_THE_RULES}"]),
        ({"monetary_value": "much"}, ["monetary_value was left out: it is not a number"]),
        ({"assignee_id": [901]}, []),
        ({"status_id": {}, "status": []}, ["a lead status that is not known here"]),
        ({"custom_fields": "none"}, []),
        ({"custom_fields": [7, custom("x", 1), custom([], 1), custom(4109, None)]}, []),
        (
            {"custom_fields": [custom(9_999, "A")]},
            ["a value of the custom field 9999, which is not here"],
        ),
        (
            {"custom_fields": [custom(4105, 10**17)]},
            [f'the custom field "Signed" was left out: {AGAINST_THE_RULES}'],
        ),
        (
            {"custom_fields": [custom(4103, 7)]},
            ['an option of the custom field "Tier" that is not known here'],
        ),
    ],
)
async def test_what_cannot_come_in_is_said(
    account: AccountStore, there: StandIn, values: dict[str, Any], remarks: list[str]
) -> None:
    lead, found = await brought(account, there, **values, company_name="Field Supplies")
    assert found == remarks
    assert lead.company_name == "Field Supplies"


@pytest.mark.parametrize(
    ("value", "zone", "day"),
    [
        # Midnights: in Chicago, in Los Angeles, in UTC; and noon in Chicago.
        (1_751_605_200, "America/Chicago", "2025-07-04"),
        (1_751_612_400, "America/Chicago", "2025-07-04"),
        (1_751_587_200, "America/Chicago", "2025-07-04"),
        (1_751_648_400, "America/Chicago", "2025-07-04"),
        (1_751_612_400, "Nowhere/At_All", "2025-07-04"),
        ("07/04/2025", "America/Chicago", "2025-07-04"),
    ],
)
async def test_a_day_stays_the_day(
    account: AccountStore, there: StandIn, value: Any, zone: str, day: str
) -> None:
    there.account["primary_timezone"] = zone
    lead, _remarks = await brought(account, there, custom_fields=[custom(4105, value)])
    assert day in lead.custom_fields.values()


async def test_a_lead_that_is_larger_than_a_delivery_is_kept_without_its_texts(
    account: AccountStore, there: StandIn
) -> None:
    large = [custom(4102, "x" * REQUEST_BODY_BYTES_MAX)]
    lead, remarks = await brought(account, there, custom_fields=large, title="Buyer")
    assert (lead.title, remarks) == (
        "Buyer",
        [f'the custom field "Notes" was left out: {AGAINST_THE_RULES}'],
    )
    (payload,) = account.database.rows("SELECT length(payload) FROM ledger WHERE resource = 'lead'")
    assert payload[0] < 1_000


async def test_a_date_of_creation_that_is_none_is_that_of_the_write(
    account: AccountStore, there: StandIn
) -> None:
    lead, _remarks = await brought(account, there, date_created="soon", date_modified=START)
    assert lead.date_created == 1_700_000_000
