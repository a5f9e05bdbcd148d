"""Changes to an account's own details."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.domain.builders import a_settings
from tests.support.domain.settings_changes import LAST_ID, change

from onelead.domain.currencies import currencies, is_currency
from onelead.domain.errors import InputInvalid, ResourceNotFound
from onelead.domain.limits import LINE_CHARS_MAX, PLACEHOLDERS_MAX
from onelead.domain.placeholders import DEFAULT_PLACEHOLDERS
from onelead.domain.settings.account_details import AccountDetails, time_zones
from onelead.domain.settings.change import Resource, SettingsPlan
from onelead.domain.writes import Action, Outcome

BEFORE = AccountDetails("Shop Ltd", "America/Chicago", "USD", DEFAULT_PLACEHOLDERS)


_X60 = "x" * 60
_COVERS = "would cover every text, because it has nothing beside ..."


def update(**body: Any) -> SettingsPlan:
    """Plan a change to the account."""
    return change(Resource.ACCOUNT, Action.UPDATE, body, of=1, settings=a_settings())


def test_each_detail_can_be_changed() -> None:
    plan = update(name="Shop GmbH", time_zone="Europe/Berlin", currency="eur")
    assert plan.outcome is Outcome.UPDATED
    after = AccountDetails("Shop GmbH", "Europe/Berlin", "EUR", DEFAULT_PLACEHOLDERS)
    assert plan.saved_account == after
    assert plan.changes == {
        "name": ("Shop Ltd", "Shop GmbH"),
        "time_zone": ("America/Chicago", "Europe/Berlin"),
        "currency": ("USD", "EUR"),
    }
    assert (plan.resource_id, plan.last_id) == (1, LAST_ID)


def test_the_placeholders_can_be_changed() -> None:
    plan = update(placeholders=["N/A", " {{...}} ", "n/a", ""])
    assert plan.saved_account is not None
    assert plan.saved_account.placeholders == ("N/A", "{{...}}")
    assert plan.changes == {"placeholders": (DEFAULT_PLACEHOLDERS, ("N/A", "{{...}}"))}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"time_zone": None, "currency": None},
        {"name": "Shop Ltd", "time_zone": "America/Chicago", "currency": "USD"},
        {"placeholders": [" ", *DEFAULT_PLACEHOLDERS, "N/A"]},
    ],
)
def test_an_absent_or_equal_value_changes_nothing(body: dict[str, Any]) -> None:
    plan = update(**body)
    assert (plan.outcome, plan.saved_account, plan.changes) == (Outcome.UNCHANGED, None, {})
    assert plan.last_id == LAST_ID


@pytest.mark.parametrize(
    ("body", "attribute", "text"),
    [
        ({"name": " "}, "name", "can't be blank"),
        ({"name": "Shop\x1b[2J"}, "name", "must be one line of printable text"),
        ({"name": 5}, "name", "must be a string"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", 'is not an IANA time zone: "Mars/Olympus"'),
        ({"time_zone": "../etc/passwd"}, "time_zone", 'is not an IANA time zone: "../etc/passwd"'),
        ({"time_zone": "europe/berlin"}, "time_zone", 'is not an IANA time zone: "europe/berlin"'),
        ({"time_zone": ""}, "time_zone", 'is not an IANA time zone: ""'),
        ({"time_zone": ["UTC"]}, "time_zone", 'is not an IANA time zone: ["UTC"]'),
        ({"currency": "EURO"}, "currency", 'is not an ISO 4217 code: "EURO"'),
        ({"currency": ""}, "currency", 'is not an ISO 4217 code: ""'),
        ({"currency": 978}, "currency", "is not an ISO 4217 code: 978"),
        ({"placeholders": "n/a"}, "placeholders", "must be a list of texts"),
        ({"placeholders": ["..."]}, "placeholders", f'{_COVERS}: "..."'),
        ({"placeholders": [" \u200b... "]}, "placeholders", f'{_COVERS}: "\u200b..."'),
        ({"placeholders": ["a...b...c"]}, "placeholders", 'may have ... only once: "a...b...c"'),
        (
            {"placeholders": ["x" * (LINE_CHARS_MAX + 1)]},
            "placeholders",
            f'is too long (maximum is 255 characters): "{_X60}..."',
        ),
        (
            {"placeholders": [f"none {number}" for number in range(PLACEHOLDERS_MAX + 1)]},
            "placeholders",
            "has too many entries (maximum is 500)",
        ),
        ({"url": "x"}, "base", "Unrecognized attributes specified: url"),
    ],
)
def test_an_impossible_value_is_refused(body: dict[str, Any], attribute: str, text: str) -> None:
    plan = update(**body)
    assert (plan.outcome, plan.saved_account) == (Outcome.REFUSED, None)
    assert isinstance(plan.refusal, InputInvalid)
    (problem,) = plan.refusal.problems
    assert (problem.attribute, problem.text) == (attribute, text)


@pytest.mark.parametrize(
    ("action", "of"), [(Action.CREATE, None), (Action.DELETE, 1), (Action.UPDATE, 2)]
)
def test_an_account_is_only_changed_and_only_this_one(action: Action, of: int | None) -> None:
    plan = change(Resource.ACCOUNT, action, {"name": "x"}, of=of, settings=a_settings())
    assert isinstance(plan.refusal, ResourceNotFound)


def test_every_time_zone_can_be_chosen_and_no_file() -> None:
    assert {"UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Asia/Kolkata"} <= {*time_zones()}
    assert list(time_zones()) == sorted(time_zones())
    assert len(time_zones()) > 400
    for zone in time_zones():
        assert a_settings(time_zone=zone).zone.key == zone


def test_every_currency_is_one() -> None:
    assert ("EUR", "Euro") in currencies()
    assert all(is_currency(code) for code, _name in currencies())
    assert not any(map(is_currency, ("", "EU", "Euro", None, 5, "U\u017fD")))
