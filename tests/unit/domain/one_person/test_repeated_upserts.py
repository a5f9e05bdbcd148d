"""The promise: after an upsert that was answered 200, the same request finds the lead it wrote."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_delivery
from tests.support.domain.planned_leads import NOW, PlannedLeads
from tests.support.domain.random_upserts import FIELD_IDS, FILTERABLE, accounts, creations, upserts

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import DataType
from onelead.domain.errors import MatchAmbiguous
from onelead.domain.lead import custom_name
from onelead.domain.writes import Action, LeadWrite, Outcome, WriteResult
from onelead.incoming.lead_json import lead_write

Body = dict[str, Any]


def a_write(action: Action, body: Body) -> LeadWrite:
    return lead_write(action, None, body, a_delivery())


def the_leads(account: AccountSettings, before: list[Body]) -> PlannedLeads:
    leads = PlannedLeads(account)
    leads.write(*(a_write(Action.CREATE, body) for body in before))
    return leads


def matched_field(result: WriteResult) -> str:
    """Return the field of a match, named as among the changes."""
    assert result.match is not None
    definition_id = result.match.definition_id
    return custom_name(definition_id) if definition_id else result.match.field_name


def require_found_again(first: WriteResult, again: WriteResult) -> None:
    """Require that the repeated upsert is unchanged, or that the first one said why it cannot."""
    assert first.lead is not None
    if again.outcome is Outcome.REFUSED:
        assert isinstance(again.refusal, MatchAmbiguous)
        others = first.shares[matched_field(first)]
        assert again.refusal.ids == tuple(sorted({first.lead.id, *others}))
    else:
        assert (again.outcome, again.lead) == (Outcome.UNCHANGED, first.lead)


@pytest.mark.parametrize("by", ["name", "email", "custom"])
@given(st.data())
def test_an_upsert_finds_the_lead_that_it_wrote(by: str, data: st.DataObject) -> None:
    account = data.draw(accounts())
    before = data.draw(st.lists(creations(), max_size=4)) * data.draw(st.sampled_from([1, 1, 2]))
    upsert = a_write(Action.UPSERT, data.draw(upserts(by, before)))
    leads = the_leads(account, before)
    (first,) = leads.write(upsert).results
    if first.outcome is Outcome.REFUSED:
        return
    require_found_again(first, leads.write(upsert, now=NOW + 60).results[0])
    require_found_again(*the_leads(account, before).write(upsert, upsert).results)


def an_upsert(by: str, value: Any, **properties: Any) -> Body:
    return {"match": {"field_name": by, "field_value": value}, "properties": properties}


def entry(data_type: DataType, value: Any) -> Body:
    return {"custom_field_definition_id": FIELD_IDS[data_type], "value": value}


OPTIONS, BOX = DataType.MULTI_SELECT, DataType.CHECKBOX


@pytest.mark.parametrize(
    ("name", "upsert", "before"),
    [
        ("name", an_upsert("name", "Sam Roe", name="Nora Field"), {}),
        (
            "email",
            an_upsert("email", "sam@roe.example", email={"email": "nora@field.example"}),
            {"email": {"email": "sam@roe.example; nora@field.example"}},
        ),
        (
            custom_name(FIELD_IDS[OPTIONS]),
            an_upsert("custom", entry(OPTIONS, 5101), custom_fields=[entry(OPTIONS, [5102])]),
            {"custom_fields": [entry(OPTIONS, [5101, 5102])]},
        ),
        (
            custom_name(FIELD_IDS[BOX]),
            an_upsert("custom", entry(BOX, value=False), custom_fields=[entry(BOX, value=True)]),
            {},
        ),
    ],
)
@pytest.mark.parametrize("others", [1, 30, 31, 40])
def test_a_receipt_says_whom_the_repeated_upsert_finds_as_well(
    name: str, upsert: Body, before: Body, others: int
) -> None:
    other = {
        "name": "Nora Field",
        "email": {"email": "nora@field.example"},
        "custom_fields": [entry(OPTIONS, 5102), entry(BOX, value=True)],
    }
    leads = the_leads(FILTERABLE, [{"name": "Sam Roe"} | before, *[other] * others])
    (first,) = leads.write(a_write(Action.UPSERT, upsert)).results
    assert first.lead is not None
    ids = [lead_id for lead_id in sorted(leads.leads) if lead_id != first.lead.id]
    assert first.shares == {name: tuple(ids[:31])}
    (again,) = leads.write(a_write(Action.UPSERT, upsert)).results
    assert isinstance(again.refusal, MatchAmbiguous)


def test_a_receipt_names_the_others_with_each_of_several_addresses() -> None:
    addresses = ["nora@field.example", "sam@roe.example"]
    leads = the_leads(FILTERABLE, [{"name": "A", "email": {"email": one}} for one in addresses])
    sent = an_upsert("name", "Nora Field", email={"email": ", ".join(addresses)})
    (first,) = leads.write(a_write(Action.UPSERT, sent)).results
    assert first.shares == {"email": (71_000_001, 71_000_002)}
