"""What a delivery leaves behind: when it was observed, and what its id has become."""

from __future__ import annotations

from msgspec import structs
from tests.support.domain.act_writes import merge
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.domain.planned_leads import PlannedLeads
from tests.support.domain.random_upserts import FILTERABLE

from onelead.domain.errors import LeadMerged, ResourceNotFound, VersionConflict
from onelead.domain.writes import LeadWrite, Outcome

FIRST_ID = 71_000_001


def observed(write: LeadWrite, at: int) -> LeadWrite:
    return structs.replace(write, delivery=structs.replace(write.delivery, observed_at=at))


def test_a_refused_delivery_remembers_when_it_was_observed() -> None:
    leads = PlannedLeads(FILTERABLE)
    twins = [create(name="Nora Field"), create(name="Nora Field")]
    sent = [observed(upsert("name", "Nora Field"), 7), observed(create(title="Buyer"), 8)]
    plain = upsert("name", "Nora Field")
    *_, ambiguous, unnamed, other = leads.write(*twins, *sent, plain).results
    assert ambiguous.details is not None
    assert unnamed.details is not None
    assert (ambiguous.details.observed_at, unnamed.details.observed_at) == (7, 8)
    assert (other.outcome, other.details) == (Outcome.REFUSED, None)


def test_an_old_id_leads_to_the_survivor_as_long_as_there_is_one() -> None:
    leads = PlannedLeads(FILTERABLE)
    survivor, old = FIRST_ID, FIRST_ID + 1
    leads.write(create(name="Nora Field"), create(name="N. Field"), merge(survivor, old))
    seen = structs.replace(update(old, title="Owner"), expected_version=1)
    changed, conflict, kept = leads.write(update(old, title="Buyer"), seen, delete(old)).results
    assert changed.lead is not None
    assert changed.details is not None
    assert (changed.lead.id, changed.details.via_id) == (survivor, old)
    assert isinstance(conflict.refusal, VersionConflict)
    assert isinstance(kept.refusal, LeadMerged)
    _, *refused = leads.write(delete(survivor), update(old), delete(old), update(7)).results
    text = f"Lead {old} was merged into lead {survivor}, which was deleted"
    messages = [text, text, "Resource not found"]
    assert [one.refusal.message for one in refused if one.refusal] == messages
    assert all(isinstance(one.refusal, ResourceNotFound) for one in refused)
