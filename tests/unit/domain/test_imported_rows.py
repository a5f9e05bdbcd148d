"""What a write of an import has besides: its line, when its lead was created, a key for a row."""

from __future__ import annotations

from msgspec import structs
from tests.support.domain.builders import a_settings
from tests.support.domain.lead_writes import create, upsert
from tests.support.domain.planned_leads import PlannedLeads

from onelead.domain.acts.facts import Facts, KeyedWrite
from onelead.domain.acts.repeats import remembered
from onelead.domain.settings.account_details import changed_details, with_details
from onelead.domain.writes import IdempotencyKey, LeadWrite, Outcome, RowDetails, WriteResult

CREATED = 1_700_000_000


def imported(write: LeadWrite, line: int) -> LeadWrite:
    delivery = structs.replace(write.delivery, line=line)
    return structs.replace(write, delivery=delivery, date_created=CREATED)


def test_every_row_tells_its_line_and_only_a_new_lead_takes_its_date() -> None:
    leads = PlannedLeads(a_settings(), [])
    rows = (
        imported(upsert("email", "nora@field.example", name="Nora"), 2),
        imported(upsert("email", "nora@field.example", name="Nora", title="CTO"), 3),
        imported(create(name=""), 4),
    )
    created, updated, refused = leads.write(*rows).results
    assert [one.details.line for one in (created, updated, refused) if one.details] == [2, 3, 4]
    assert refused.outcome is Outcome.REFUSED
    assert created.lead
    assert created.lead.date_created == CREATED
    assert updated.lead
    assert updated.lead.date_created == CREATED


def test_a_row_is_remembered_without_its_lead() -> None:
    leads = PlannedLeads(a_settings(), [])
    (result,) = leads.write(create(name="Nora")).results
    facts = Facts()
    key = IdempotencyKey("k", "b", is_answered=False)
    kept = remembered(facts, key, result, 7)
    assert kept.details == RowDetails(key_hash="k")
    assert facts.keyed == {"k": KeyedWrite(7, "b", kept)}
    assert isinstance(kept, WriteResult)


def test_members_import_when_the_account_says_so() -> None:
    settings = a_settings()
    assert not settings.members_import
    allowed = with_details(settings, changed_details({"members_import": True}, settings))
    assert allowed.members_import
    assert changed_details({}, allowed).members_import
