"""Whole move-ins: what comes in, how often, and what is said before and after."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.support.copper.moving import by_copper_id, forecast, moved_in, planned
from tests.support.copper.stand_in import KEY, START, StandIn, refused
from tests.support.domain.lead_writes import update
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.domain.account import Role
from onelead.domain.lead import Address, Lead
from onelead.domain.writes import Action, Delivery, LeadWrite, Outcome
from onelead.incoming.stored_delivery import replay_write
from onelead.move_in.copper_settings import COPPER_ID, own_field

MIDNIGHT = int(datetime(2025, 7, 4, tzinfo=ZoneInfo("America/Los_Angeles")).timestamp())


def custom(**values: Any) -> list[dict[str, Any]]:
    """Return custom fields as Copper sends them; `c4101` names a definition."""
    return [
        {"custom_field_definition_id": int(name[1:]), "value": value}
        for name, value in values.items()
    ]


def full(there: StandIn, number: int = 1) -> dict[str, Any]:
    """Add a lead that has everything."""
    address = {"street": "8 Elm Row", "city": "Austin", "state": "TX", "postal_code": "73301"}
    return there.add(
        number,
        prefix="Dr.",
        address=address | {"country": "US"},
        assignee_id=901,
        company_name="Field Supplies",
        customer_source_id=3101,
        details="Met at the fair",
        monetary_unit="USD",
        monetary_value=2500,
        name=f"Dr. Nora Field{number}",
        status="Called",
        status_id=2002,
        tags=["fair", "warm"],
        title="Buyer",
        socials=[{"url": "https://www.linkedin.com/in/nora", "category": "linkedin"}],
        websites=[{"url": "https://field.example", "category": "work"}],
        phone_numbers=[{"number": "512-555-0100", "category": "mobile"}],
        custom_fields=custom(
            c4101="A-77",
            c4103=5102,
            c4104=[5201, 5202],
            c4105=MIDNIGHT,
            c4106=55.5,
            c4107=[88],
            c4110=True,
        ),
    )


async def values_by_name(account: AccountStore, lead: Lead) -> dict[str, Any]:
    fields = (await account.settings()).fields_by_id
    return {fields[field_id].name: value for field_id, value in lead.custom_fields.items()}


async def test_a_lead_comes_in_with_everything(account: AccountStore, there: StandIn) -> None:
    sent = full(there)
    done = await moved_in(account, there)
    assert done.outcomes == {"created": 1}
    (lead,) = await account.leads()
    settings = await account.settings()
    assert (lead.name, lead.prefix, lead.last_name) == ("Dr. Nora Field1", "Dr.", "Field1")
    assert lead.email
    assert lead.email.email == "nora1@field.example"
    assert lead.address == Address("8 Elm Row", "Austin", "TX", "73301", "US")
    assert lead.date_created == sent["date_created"]
    assert settings.statuses_by_id[lead.status_id].name == "Called"
    assert settings.sources_by_id[lead.customer_source_id or 0].name == "Fair"
    assert settings.users_by_id[lead.assignee_id or 0].email == "dana@shop.example"
    assert (lead.monetary_value, lead.monetary_unit) == (2500, "USD")
    assert (lead.tags, lead.title, lead.details) == (("fair", "warm"), "Buyer", "Met at the fair")
    assert [one.url for one in (*lead.socials, *lead.websites)] == [
        "https://www.linkedin.com/in/nora",
        "https://field.example",
    ]
    assert [(one.number, one.category) for one in lead.phone_numbers] == [
        ("512-555-0100", "mobile")
    ]
    options = {one.id: one.name for field in settings.fields for one in field.options}
    values = await values_by_name(account, lead)
    assert options[values.pop("Tier")] == "Gold"
    assert [options[one] for one in values.pop("Wants")] == ["Roof", "Wall"]
    assert values == {
        "Copper id": str(sent["id"]),
        "Contract": "A-77",
        "Signed": "2025-07-04",
        "Budget": 55.5,
        "Agreed": True,
    }
    assert done.comparison
    assert (done.comparison.compared, done.comparison.differences) == (1, [])
    assert (done.comparison.leads_there, done.comparison.leads_here) == (1, 1)


async def test_a_forecast_says_everything_and_writes_nothing(
    account: AccountStore, there: StandIn
) -> None:
    full(there)
    there.add(2, assignee_id=902, monetary_unit="EUR", monetary_value=5, title="x" * 300)
    there.add(3, converted_at=START, tags=[f"tag {number}" for number in range(250)])
    before = account.ledger("seq"), await account.settings()
    said = await forecast(account, there)
    assert (account.ledger("seq"), await account.settings()) == before
    assert [key.is_source for key in await account.store.api_keys(account.account_id)] == [False]
    assert (said.new, said.changed, said.leads, said.converted) == (3, 0, 3, 1)
    assert [text.split(" (")[0] for text in said.changes] == [
        'make the lead status "Called"',
        'make the customer source "Fair"',
        'make the custom field "Copper id"',
        'make the custom field "Converted in Copper"',
        'make the custom field "Contract"',
        'make the custom field "Notes"',
        'make the custom field "Tier"',
        'make the custom field "Wants"',
        'make the custom field "Signed"',
        'make the custom field "Budget"',
        'make the custom field "Agreed"',
    ]
    assert said.not_mapped == [
        '"kim@shop.example" is not a user here: their leads get no owner',
        'the custom field "Partner" has the type "Connect", which onelead does not have',
    ]
    assert dict(said.remarks.counts) == {
        'a value of the custom field "Partner", which is not here': 1,
        'no owner: "kim@shop.example" is not a user here': 1,
        'no value: it is in "EUR", and this account counts in USD': 1,
        "title was cut: it is too long or has too many entries": 1,
        "tags was cut: it is too long or has too many entries": 1,
    }
    assert 'lead status "Called"' in said.text()


async def test_the_run_does_what_the_forecast_said(account: AccountStore, there: StandIn) -> None:
    for number in range(1, 31):
        there.add(number, title="x" * (number * 10), assignee_id=901 if number % 2 else 902)
    said = await forecast(account, there)
    done = await moved_in(account, there)
    assert done.outcomes == {"created": said.new}
    assert done.remarks == said.remarks
    assert done.comparison
    assert done.comparison.differences == []


async def test_a_second_run_brings_only_what_changed(account: AccountStore, there: StandIn) -> None:
    for number in range(1, 451):
        there.add(number)
    first = await moved_in(account, there)
    assert first.outcomes == {"created": 450}
    ledger = account.ledger("seq")
    again = await moved_in(account, there, batch_id="b2")
    assert again.outcomes.keys() == {"not changed there"}
    assert account.ledger("seq") == ledger
    there.add(7, title="Buyer", date_modified=START + 90_000)
    there.add(500, name="Sam Roe", first_name="Sam", last_name="Roe", date_modified=START + 90_001)
    third = await moved_in(account, there, batch_id="b3")
    assert {name: third.outcomes.get(name) for name in ("created", "updated")} == {
        "created": 1,
        "updated": 1,
    }
    assert len(await account.leads()) == len(await by_copper_id(account)) == 451
    # Only what changed since was asked for.
    asked = [body for call, body in there.requests if "minimum_modified_date" in body]
    assert asked[-1]["minimum_modified_date"] > START


async def test_local_edits_stay_until_copper_changes_the_same_field(
    account: AccountStore, there: StandIn
) -> None:
    full(there)
    await moved_in(account, there)
    (lead,) = await account.leads()
    await account.results(update(lead.id, title="Head buyer", details="Called on Monday"))
    full(there).update(company_name="Field & Co", details="Met twice", date_modified=START + 5_000)
    await moved_in(account, there)
    (lead,) = await account.leads()
    assert (lead.title, lead.company_name, lead.details) == (
        "Head buyer",
        "Field & Co",
        "Met twice",
    )


async def test_what_copper_clears_is_cleared(account: AccountStore, there: StandIn) -> None:
    full(there)
    await moved_in(account, there)
    there.add(1, title=None, tags=[], custom_fields=custom(c4101=None, c4104=[], c4110=False))
    there.add(1, date_modified=START + 9_000)
    await moved_in(account, there)
    (lead,) = await account.leads()
    assert (lead.title, lead.tags) == (None, ())
    assert (await values_by_name(account, lead)).keys() == {
        *("Copper id", "Tier", "Signed", "Budget"),
    }


async def test_an_owner_who_comes_later_is_given_when_asked_for_all(
    account: AccountStore, there: StandIn
) -> None:
    there.add(1, assignee_id=902, title="Buyer")
    await moved_in(account, there)
    (lead,) = await account.leads()
    await account.results(update(lead.id, title="Head buyer"))
    kim = await account.store.create_user(
        account.account_id, "Kim@shop.example", "Kim Roe", Role.MEMBER
    )
    await moved_in(account, there, since=0)
    (lead,) = await account.leads()
    assert (lead.assignee_id, lead.title) == (kim.id, "Head buyer")


async def test_a_lead_that_was_deleted_here_comes_only_when_it_changes(
    account: AccountStore, there: StandIn
) -> None:
    there.add(1)
    await moved_in(account, there)
    (lead,) = await account.leads()
    await account.results(LeadWrite(Action.DELETE, Delivery("r", None, None, ""), lead.id))
    assert (await moved_in(account, there)).outcomes == {"done before": 1}
    assert await account.leads() == []
    await moved_in(account, there, since=0)
    (lead,) = await account.leads()
    assert lead.name == "Nora Field1"


async def test_leads_that_are_gone_there_are_listed_and_stay(
    account: AccountStore, there: StandIn
) -> None:
    for number in range(1, 4):
        there.add(number)
    await moved_in(account, there)
    gone = there.leads.pop(71_000_002)
    done = await moved_in(account, there)
    assert done.comparison
    assert done.comparison.gone == [gone["id"]]
    assert (done.comparison.leads_there, done.comparison.leads_here) == (2, 3)
    assert len(await account.leads()) == 3
    assert "Gone there: 1 lead (71000002)" in done.comparison.text()


async def test_a_difference_is_listed(account: AccountStore, there: StandIn) -> None:
    there.add(1, title="Buyer")
    await moved_in(account, there)
    (lead,) = await account.leads()
    await account.results(update(lead.id, title="Head buyer"))
    done = await moved_in(account, there)
    assert done.comparison
    (one,) = done.comparison.differences
    assert (one.field, one.here, one.there) == ("title", "Head buyer", "Buyer")
    assert 'title is "Head buyer" here, "Buyer" there' in done.comparison.text()


@pytest.mark.parametrize("account", ["postgresql"], indirect=True)
async def test_the_same_on_postgresql(account: AccountStore, there: StandIn) -> None:
    for number in range(1, 251):
        there.add(number)
    full(there, 300)
    assert (await moved_in(account, there)).outcomes == {"created": 251}
    there.add(300, title="Head buyer", date_modified=START + 90_000)
    done = await moved_in(account, there)
    assert done.outcomes["updated"] == 1
    assert done.comparison
    assert done.comparison.differences == []
    assert len(await by_copper_id(account)) == 251


async def test_killed_after_each_page_it_goes_on(account: AccountStore, there: StandIn) -> None:
    for number in range(1, 651):
        there.add(number)
    committed = [0]

    class Killed(BaseException):
        pass

    def kill(text: str) -> None:
        if "as batch" in text:
            committed.append(len(account.ledger("seq")))
            if committed[-1] > committed[-2]:
                raise Killed

    for _ in range(10):
        try:
            await moved_in(account, there, on_progress=kill)
        except Killed:
            continue
        break
    else:
        raise AssertionError("it does not end")
    assert len(committed) > 4
    assert len(await account.leads()) == len(await by_copper_id(account)) == 650


async def test_two_at_once_make_one_lead_of_each(account: AccountStore, there: StandIn) -> None:
    for number in range(1, 301):
        there.add(number)
    full(there, 400)
    store = await account.database.open(Clock())
    other = await AccountStore.of(store, account.account_id, account.database)
    both = await asyncio.gather(moved_in(account, there), moved_in(other, there, batch_id="b2"))
    await store.close()
    assert [done.settings_refused for done in both] == [[], []]
    assert len(await account.leads()) == len(await by_copper_id(account)) == 301
    names = [field.name for field in (await account.settings()).fields]
    assert len(names) == len(set(names))


async def test_a_refused_lead_can_be_applied_later(account: AccountStore, there: StandIn) -> None:
    there.add(1, title="Buyer")
    await moved_in(account, there)
    (first,) = await account.leads()
    field = own_field(COPPER_ID, await account.settings())
    assert field
    await account.created(name="Other", custom_fields={field.id: "71000001"})
    there.add(1, title="Head buyer", date_modified=START + 90_000)
    done = await moved_in(account, there)
    assert done.refusals == {"match_ambiguous": 1}
    assert done.comparison
    assert done.comparison.differing == 1
    seq = account.ledger("seq")[-1][0]
    row = (await account.store.ledger_row(account.account_id, seq)).row
    write = replay_write(row, Delivery("r", None, None, ""), lead_id=first.id)
    assert (await account.result(write)).outcome is Outcome.UPDATED


async def test_what_retention_has_removed_is_not_brought_again(
    account: AccountStore, there: StandIn
) -> None:
    there.add(1)
    await moved_in(account, there)
    account.database.execute("UPDATE ledger SET payload = 'null' WHERE resource = 'lead'")
    again = await moved_in(account, there)
    assert again.outcomes == {"done before": 1}
    there.add(1, title="Buyer", date_modified=START + 90_000)
    assert (await moved_in(account, there)).outcomes == {"updated": 1}


async def test_a_comparison_that_fails_is_said_and_the_leads_stay(
    account: AccountStore, there: StandIn
) -> None:
    there.add(1)
    there.on_request = lambda _number: (
        refused(422, "unknown: ids") if "ids" in there.requests[-1][1] else None
    )
    done = await moved_in(account, there)
    assert done.outcomes == {"created": 1}
    assert done.comparison is None
    assert done.not_compared
    assert "unknown: ids" in done.not_compared


async def test_a_page_of_large_leads_is_written_in_parts(
    account: AccountStore, there: StandIn
) -> None:
    for number in range(1, 16):
        there.add(number, details="x" * 700_000)
    done = await moved_in(account, there)
    assert done.outcomes == {"created": 15}
    assert done.remarks.counts == {"details was cut: it is too long or has too many entries": 15}


async def test_the_key_is_nowhere(account: AccountStore, there: StandIn, caplog: Any) -> None:
    there.add(1, title="x" * 300)
    caplog.set_level("DEBUG")
    plan = await planned(account, there)
    done = await moved_in(account, there)
    stored = account.database.rows("SELECT * FROM ledger")
    said = (plan.forecast, done, [str(row) for row in stored], caplog.text)
    assert KEY not in str(msgspec.to_builtins(said))


async def test_the_progress_says_how_many_leads_of_how_many(
    account: AccountStore, there: StandIn
) -> None:
    for number in range(1, 6):
        there.add(number)
    told: list[str] = []
    await moved_in(account, there, on_progress=told.append)
    read = [text for text in told if text.startswith("reading ") and "leads" in text]
    assert read[-1].startswith("reading 5 of 5 leads; 5 leads/s, 0:00 left; nothing is written yet")
    assert "5 of 5 leads; 5 leads/s, 0:00 left, as batch b1" in told
