"""What one write of a lead does: outcomes, versions, ids, and what a match finds."""

from __future__ import annotations

import pytest
from tests.support.domain.lead_writes import create, delete, update, upsert, upsert_custom
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.domain.errors import (
    IdsExhausted,
    InputInvalid,
    MatchAmbiguous,
    Problem,
    ResourceNotFound,
)
from onelead.domain.lead import Email, Lead
from onelead.domain.limits import IDS_PER_ACCOUNT_MAX, MATCH_IDS_MAX
from onelead.domain.writes import LeadWrite, MatchResult, Outcome, WriteResult

NOBODY = 1_999_999_999


def lead_of(result: WriteResult) -> Lead:
    assert result.lead is not None, result.refusal
    return result.lead


async def stored_lead(account: AccountStore, lead_id: int) -> Lead:
    return (await account.store.lead(account.account_id, lead_id)).lead


async def assert_unknown(account: AccountStore, lead_id: int) -> None:
    with pytest.raises(ResourceNotFound):
        await account.store.lead(account.account_id, lead_id)


async def test_a_created_lead_is_stored_as_it_is_answered(account: AccountStore) -> None:
    result = await account.result(
        create(name="Dr. Nora Field", email="Nora@Field.example", tags=["fair"], monetary_value=2.5)
    )
    assert result.outcome is Outcome.CREATED
    read = await account.store.lead(account.account_id, lead_of(result).id)
    assert read.lead == result.lead
    assert read.settings == await account.settings()
    assert (read.lead.prefix, read.lead.last_name) == ("Dr.", "Field")
    assert read.lead.email == Email("Nora@Field.example", "work")


async def test_a_created_lead_starts_at_version_1_with_both_dates_at_now(
    account: AccountStore, clock: Clock
) -> None:
    clock.advance(60)
    lead = await account.created()
    assert lead.version == 1
    assert (lead.date_created, lead.date_modified) == (clock.now, clock.now)
    assert lead.status_id == (await account.settings()).default_status.id


async def test_ids_go_up_and_are_shared_with_everything_else_of_the_account(
    account: AccountStore,
) -> None:
    first = await account.created()
    field = await account.field(data_type="Dropdown")
    second = await account.created()
    user_id = account.database.account.user_id
    option_ids = [option.id for option in field.options]
    ids = [user_id, first.id, field.id, *option_ids, second.id]
    assert ids == sorted(set(ids))
    assert all(account.account_id * IDS_PER_ACCOUNT_MAX < one for one in ids)


async def test_an_id_is_never_given_twice(account: AccountStore) -> None:
    first = await account.created()
    results = await account.results(create(name="Sam Roe"), delete(first.id + 1))
    assert [result.outcome for result in results] == [Outcome.CREATED, Outcome.DELETED]
    assert (await account.created()).id == first.id + 2


async def test_the_id_of_a_deleted_lead_is_not_given_again(account: AccountStore) -> None:
    lead = await account.created()
    await account.result(delete(lead.id))
    assert (await account.created()).id == lead.id + 1


async def test_an_account_never_gives_an_id_of_the_next_ones_range(account: AccountStore) -> None:
    last = (account.account_id + 1) * IDS_PER_ACCOUNT_MAX - 1
    account.database.execute(f"UPDATE lane SET last_id = {last - 1}")
    lead = await account.created()
    assert lead.id == last
    with pytest.raises(IdsExhausted):
        await account.created()
    assert (await account.result(update(lead.id, title="Buyer"))).outcome is Outcome.UPDATED


async def test_a_create_matches_nothing(account: AccountStore) -> None:
    leads = [await account.created(email="nora@field.example") for _ in range(2)]
    assert await account.leads() == leads


async def test_an_update_changes_what_it_names_and_makes_the_next_version(
    account: AccountStore, clock: Clock
) -> None:
    lead = await account.created(title="Buyer", company_name="Field Supplies")
    clock.advance(60)
    result = await account.result(update(lead.id, title="Head buyer"))
    after = lead_of(result)
    assert result.outcome is Outcome.UPDATED
    assert result.changes == {"title": ("Buyer", "Head buyer")}
    assert (after.title, after.company_name) == ("Head buyer", "Field Supplies")
    assert (after.version, after.date_created) == (2, lead.date_created)
    assert after.date_modified == clock.now
    assert await stored_lead(account, lead.id) == after


async def test_what_is_derived_from_a_lead_follows_each_of_its_updates(
    account: AccountStore,
) -> None:
    settings = await account.settings()
    lead = await account.created(address={"city": "Austin"})
    for change in (
        {"name": "Nora Meadow"},
        {"address": {"city": "Dallas", "state": "TX", "postal_code": "75001", "country": "US"}},
        {"address": {"city": "Dallas", "state": "OK", "postal_code": "73001", "country": "US"}},
        {"status_id": settings.statuses[1].id},
        {"assignee_id": settings.users[0].id},
        {"customer_source_id": settings.sources[0].id},
        {"email": "nora@meadow.example", "company_name": "Meadow Ltd", "monetary_value": 5},
        {"address": None, "assignee_id": None, "customer_source_id": None},
    ):
        assert (await account.result(update(lead.id, **change))).outcome is Outcome.UPDATED
        assert await account.unexplained() == []


async def test_an_update_that_changes_nothing_leaves_version_and_dates(
    account: AccountStore, clock: Clock
) -> None:
    lead = await account.created(title="Buyer")
    clock.advance(60)
    result = await account.result(update(lead.id, title="Buyer"))
    assert (result.outcome, result.lead, result.changes) == (Outcome.UNCHANGED, lead, {})
    assert await stored_lead(account, lead.id) == lead


async def test_date_modified_does_not_go_back_when_the_clock_does(
    account: AccountStore, clock: Clock
) -> None:
    lead = await account.created()
    clock.advance(-3600)
    result = await account.result(update(lead.id, title="Buyer"))
    assert lead_of(result).date_modified == lead.date_modified


async def test_a_deleted_lead_is_gone_with_all_its_keys(account: AccountStore) -> None:
    field = await account.field()
    lead = await account.created(
        email="nora@field.example", tags=["fair"], custom_fields={field.id: "C-1"}
    )
    result = await account.result(delete(lead.id))
    assert (result.outcome, result.lead) == (Outcome.DELETED, lead)
    await assert_unknown(account, lead.id)
    assert account.database.rows("SELECT * FROM match_key") == []


@pytest.mark.parametrize("write", [update(NOBODY, title="Buyer"), delete(NOBODY)])
async def test_a_write_of_an_unknown_lead_is_refused(
    account: AccountStore, write: LeadWrite
) -> None:
    result = await account.result(write)
    assert result.outcome is Outcome.REFUSED
    assert isinstance(result.refusal, ResourceNotFound)


async def test_a_lead_cannot_be_deleted_twice(account: AccountStore) -> None:
    lead = await account.created()
    first, second = await account.results(delete(lead.id), delete(lead.id))
    assert first.outcome is Outcome.DELETED
    assert isinstance(second.refusal, ResourceNotFound)


async def test_an_upsert_that_finds_nobody_creates_a_lead_that_matches(
    account: AccountStore,
) -> None:
    result = await account.result(upsert("email", "Nora@Field.example", name="Nora Field"))
    assert result.outcome is Outcome.CREATED
    assert result.match == MatchResult("email", "nora@field.example", 0, ())
    assert lead_of(result).email == Email("Nora@Field.example", "work")


async def test_an_upsert_that_finds_one_lead_updates_it(account: AccountStore) -> None:
    lead = await account.created(email="nora@field.example")
    result = await account.result(upsert("email", "NORA@field.example ", title="Buyer"))
    assert result.outcome is Outcome.UPDATED
    assert result.match == MatchResult("email", "nora@field.example", 1, (lead.id,))
    assert (lead_of(result).id, lead_of(result).version) == (lead.id, 2)


async def test_an_upsert_sent_again_is_unchanged(account: AccountStore) -> None:
    write = upsert("name", "Nora Field", title="Buyer")
    created = await account.result(write)
    again = await account.result(write)
    assert (again.outcome, again.lead) == (Outcome.UNCHANGED, created.lead)


async def test_an_upsert_by_a_custom_field_finds_its_value(account: AccountStore) -> None:
    field = await account.field()
    created = await account.result(upsert_custom(field.id, "C-1", name="Nora Field"))
    updated = await account.result(upsert_custom(field.id, " C-1 ", title="Buyer"))
    assert lead_of(created).custom_fields == {field.id: "C-1"}
    assert lead_of(updated).id == lead_of(created).id
    assert updated.match is not None
    assert updated.match.definition_id == field.id


async def test_an_upsert_that_changes_the_matched_value_finds_its_lead_again(
    account: AccountStore,
) -> None:
    write = upsert("email", "old@field.example", name="Nora Field", email="new@field.example")
    first = await account.result(write)
    second = await account.result(write)
    assert lead_of(first).email == Email("new@field.example", "work")
    assert (second.outcome, second.lead) == (Outcome.UNCHANGED, first.lead)
    lead_id = lead_of(first).id
    assert second.match == MatchResult("email", "new@field.example", 1, (lead_id,), "properties")


@pytest.mark.parametrize("field_name", ["name", "email", "custom"])
@pytest.mark.parametrize("matches", [2, MATCH_IDS_MAX, MATCH_IDS_MAX + 1, MATCH_IDS_MAX + 9])
async def test_an_upsert_that_finds_several_leads_is_refused(
    account: AccountStore, field_name: str, matches: int
) -> None:
    field = await account.field()
    person = create(name="Nora Field", email="n@field.example", custom_fields={field.id: "C-1"})
    results = await account.results(*([person] * matches))
    by_field = {
        "name": upsert("name", "nora field", title="Buyer"),
        "email": upsert("email", "n@field.example", title="Buyer"),
        "custom": upsert_custom(field.id, "C-1", title="Buyer"),
    }
    before = await account.leads()
    result = await account.result(by_field[field_name])
    named = matches <= MATCH_IDS_MAX
    ids = tuple(lead_of(result).id for result in results) if named else ()
    assert (result.outcome, result.lead) == (Outcome.REFUSED, None)
    assert isinstance(result.refusal, MatchAmbiguous)
    assert result.refusal.ids == ids
    assert result.match is not None
    assert (result.match.matches, result.match.ids) == (min(matches, MATCH_IDS_MAX + 1), ids)
    assert await account.leads() == before


async def test_a_write_that_breaks_the_rules_is_refused_with_all_its_problems(
    account: AccountStore,
) -> None:
    result = await account.result(upsert("email", " ", name="Nora Field", status="Unheard of"))
    assert result.outcome is Outcome.REFUSED
    assert isinstance(result.refusal, InputInvalid)
    assert result.refusal.problems == (
        Problem("status", 'is not a lead status: "Unheard of"', "inclusion"),
        Problem("match", "field_value can't be blank", "blank"),
    )
    assert await account.leads() == []


async def test_a_create_without_a_name_is_refused(account: AccountStore) -> None:
    result = await account.result(create(email="nora@field.example"))
    assert isinstance(result.refusal, InputInvalid)
    assert result.refusal.problems == (Problem("name", "can't be blank", "blank"),)
    assert await account.leads() == []
