"""`monetary_unit`: the account's currency, or that of a lead which is sent back as it was read."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.domain.builders import a_lead, a_settings, a_write

from onelead.domain.acts.state import Snapshot
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.fold import checked_write, plan_batch
from onelead.domain.lead import Lead
from onelead.domain.writes import Action, Outcome, WriteResult

SETTINGS = a_settings(currency="USD")
NAMELESS = a_lead(id=7)
IN_USD = a_lead(id=7, monetary_value=5, monetary_unit="USD")
IN_EUR = a_lead(id=7, monetary_value=5, monetary_unit="EUR")


def write(lead: Lead | None, **properties: Any) -> WriteResult:
    """Update a lead, or create one."""
    action = Action.UPDATE if lead else Action.CREATE
    given = properties if lead else {"name": "Nora"} | properties
    asked = a_write(action, properties=given, **({"lead_id": lead.id} if lead else {}))
    snapshot = Snapshot({lead.id: lead} if lead else {}, {})
    check = checked_write(asked, SETTINGS)
    (result,) = plan_batch([check], snapshot, SETTINGS, now=1, last_id=9).results
    return result


@pytest.mark.parametrize("unit", ["EUR", "eur", "Euro", "$", "US Dollar", "USDX"])
@pytest.mark.parametrize("lead", [None, NAMELESS, IN_USD])
@pytest.mark.parametrize("amount", [{}, {"monetary_value": 5}, {"monetary_value": None}])
def test_another_currency_is_refused(lead: Lead | None, unit: str, amount: dict[str, Any]) -> None:
    result = write(lead, monetary_unit=unit, **amount)
    assert result.outcome is Outcome.REFUSED
    assert isinstance(result.refusal, InputInvalid)
    text = f'is "{unit.upper()}"; this account\'s amounts are in USD'
    assert result.refusal.problems == (Problem("monetary_unit", text, "inclusion"),)


@pytest.mark.parametrize("unit", ["USD", "usd", " Usd\u200b", None, "", " "])
def test_the_account_s_own_is_as_good_as_none(unit: str | None) -> None:
    for lead in (None, NAMELESS, IN_USD):
        for amount in ({}, {"monetary_value": 6}, {"monetary_value": None}):
            with_unit = write(lead, monetary_unit=unit, **amount)
            assert with_unit == write(lead, **amount)


@pytest.mark.parametrize("amount", [{}, {"monetary_value": 5}, {"monetary_value": "5.0"}])
def test_a_lead_with_an_earlier_currency_can_be_sent_back(amount: dict[str, Any]) -> None:
    assert write(IN_EUR, monetary_unit="EUR", **amount) == WriteResult(Outcome.UNCHANGED, IN_EUR)
    assert write(IN_EUR, monetary_unit="EUR", title="Buyer", **amount).outcome is Outcome.UPDATED


@pytest.mark.parametrize("amount", [6, None])
def test_its_amount_cannot_be_changed_in_that_currency(amount: Any) -> None:
    result = write(IN_EUR, monetary_unit="EUR", monetary_value=amount)
    assert result.outcome is Outcome.REFUSED


@pytest.mark.parametrize("amount", [{}, {"monetary_value": 5}])
def test_the_account_s_own_currency_is_given_to_an_amount_when_it_is_sent(
    amount: dict[str, Any],
) -> None:
    result = write(IN_EUR, monetary_unit="USD", **amount)
    assert result.changes == {"monetary_unit": ("EUR", "USD")}
    assert write(IN_EUR, **amount).outcome is Outcome.UNCHANGED


def test_a_refused_lead_takes_no_id() -> None:
    wrong = a_write(properties={"name": "Nora", "monetary_unit": "EUR"})
    right = a_write(properties={"name": "Nora"})
    checks = [checked_write(one, SETTINGS) for one in (wrong, right)]
    plan = plan_batch(checks, Snapshot({}, {}), SETTINGS, now=1, last_id=9)
    assert [lead.id for lead in plan.created] == [10]
