"""A refused write leaves nothing behind: its refusal keeps nothing of the plan alive."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from tests.support.domain.builders import a_lead, a_settings, a_write
from tests.support.domain.planned_leads import PlannedLeads

from onelead.domain.writes import Action, LeadWrite, Outcome

EMAIL = {"field_name": "email", "field_value": "nora@field.example"}
REFUSED: dict[str, LeadWrite] = {
    "several leads match": a_write(Action.UPSERT, match=EMAIL, properties={"title": "Buyer"}),
    "the lead does not exist": a_write(Action.DELETE, lead_id=99),
    "a value is wrong": a_write(Action.UPDATE, lead_id=1, properties={"first_name": "x" * 999}),
}


@pytest.mark.parametrize("write", REFUSED.values(), ids=REFUSED)
def test_a_refusal_goes_with_its_result(write: LeadWrite) -> None:
    """The garbage collector does not look into results, so nothing but its refusal may have one."""
    leads = PlannedLeads(a_settings(), [a_lead(id=1), a_lead(id=2)])
    (result,) = leads.write(write).results
    assert result.outcome is Outcome.REFUSED
    refusal: Any = result.refusal
    assert refusal.__traceback__ is None
    gone = weakref.ref(refusal)
    del refusal, result, leads
    gc.collect()
    assert gone() is None
