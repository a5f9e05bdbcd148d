"""A refused delivery is applied once, and only fields that exist are pinned."""

from __future__ import annotations

import pytest
from tests.support.domain.act_writes import edit, replay
from tests.support.domain.builders import a_lead, a_settings
from tests.support.domain.lead_writes import create
from tests.support.domain.planned_leads import PlannedLeads

from onelead.domain.acts.facts import ActFact, Facts, LedgerFact
from onelead.domain.acts.state import BatchPlan, Snapshot
from onelead.domain.errors import InputInvalid, ResourceNotFound
from onelead.domain.fold import checked_write, plan_batch
from onelead.domain.writes import LEAD, LeadWrite, Outcome, RowDetails

REFUSED = LedgerFact(7, LEAD, "create", "refused", None, None, None, RowDetails())
ACCEPTED = LedgerFact(8, LEAD, "create", "created", 1, 1, None, RowDetails())


def planned(*writes: LeadWrite, acts: list[ActFact] | None = None) -> BatchPlan:
    settings = a_settings()
    facts = Facts(rows={7: REFUSED, 8: ACCEPTED}, acts={7: acts or []})
    checked = [checked_write(write, settings) for write in writes]
    snapshot = Snapshot({}, {}, facts)
    return plan_batch(checked, snapshot, settings, now=0, last_id=1, first_seq=20)


def test_an_open_delivery_is_applied_once() -> None:
    write = replay(create(name="Nora"), 7)
    plan = planned(write, write)
    assert [result.outcome for result in plan.results] == [Outcome.CREATED, Outcome.UNCHANGED]
    assert (plan.seqs, len(plan.created)) == ([20, 20], 1)


def test_one_that_was_applied_before_has_no_row() -> None:
    plan = planned(replay(create(name="Nora"), 7), acts=[ActFact(12, "create", "created")])
    assert (plan.results[0].replayed_seq, plan.seqs, plan.created) == (12, [12], [])


def test_one_that_was_refused_again_is_still_open() -> None:
    plan = planned(replay(create(name="Nora"), 7), acts=[ActFact(12, "create", "refused")])
    assert plan.results[0].outcome is Outcome.CREATED


@pytest.mark.parametrize(("seq", "error"), [(8, InputInvalid), (9, ResourceNotFound)])
def test_only_what_was_refused_is_applied(seq: int, error: type[Exception]) -> None:
    plan = planned(replay(create(name="Nora"), seq))
    assert isinstance(plan.results[0].refusal, error)


@pytest.mark.parametrize(
    ("pins", "is_refused"),
    [
        ({"pin": ("title",)}, False),
        ({"pin": ("titel",)}, True),
        ({"pin": ("custom_fields.999",)}, True),
        ({"unpin": ("custom_fields.999",)}, False),
        ({"unpin": ("titel",)}, True),
    ],
)
def test_only_fields_that_exist_are_pinned(
    pins: dict[str, tuple[str, ...]], *, is_refused: bool
) -> None:
    leads = PlannedLeads(a_settings(), [a_lead(id=1)])
    (result,) = leads.write(edit(1, **pins)).results
    assert (result.outcome is Outcome.REFUSED) is is_refused
