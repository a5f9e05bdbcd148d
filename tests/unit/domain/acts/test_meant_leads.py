"""Which lead an upsert means: rulings, several values, and what its request allows."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs
from tests.support.domain.act_writes import edit, keyed, merge, replay, rule
from tests.support.domain.builders import a_field, a_lead, a_settings
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.domain.planned_acts import PlannedAccount

from onelead.domain.acts.policies import Deciding, Policy
from onelead.domain.custom_fields import IndexState
from onelead.domain.errors import (
    ClaimTaken,
    IdempotencyKeyReused,
    InputInvalid,
    MatchAmbiguous,
    OneleadError,
    PreconditionFailed,
    ResourceNotFound,
)
from onelead.domain.lead import Email
from onelead.domain.limits import MATCH_IDS_MAX
from onelead.domain.matching import Match
from onelead.domain.writes import LeadWrite, Outcome, WriteResult

A, B, C = 71_000_001, 71_000_002, 71_000_003
NUMBER = a_field(id=4101, is_filterable=True, index_state=IndexState.READY)
SETTINGS = a_settings(fields=(NUMBER,))
BY_NAME = upsert("name", "Nora Field", title="Buyer")


def account_of(*leads: dict[str, Any]) -> PlannedAccount:
    """Return an account with the leads A, B, ... of these attributes."""
    found = [a_lead(id=A + number, **more) for number, more in enumerate(leads)]
    return PlannedAccount(SETTINGS, found)


def refusal_of(result: WriteResult) -> OneleadError:
    assert result.outcome is Outcome.REFUSED
    assert result.refusal is not None
    return result.refusal


def meant(result: WriteResult) -> tuple[int | None, str | None]:
    """Return the lead that a match meant, and by what."""
    assert result.match is not None
    return result.lead.id if result.lead else None, result.match.by


def by_steps(*steps: tuple[Match, ...], **properties: Any) -> LeadWrite:
    return structs.replace(upsert("name", "x", **properties), match=None, match_steps=steps)


def test_a_ruling_decides_and_says_so() -> None:
    account = account_of({}, {})
    account.result(rule(B, "name", "nora  field"))
    assert meant(account.result(BY_NAME)) == (B, "ruling")
    # The value itself is found by it, too, although the lead has another one.
    account.result(rule(A, "email", "a@x.example"))
    assert meant(account.result(upsert("email", "a@x.example"))) == (A, None)


def test_a_ruling_on_a_value_of_many_decides() -> None:
    account = account_of(*({} for _ in range(MATCH_IDS_MAX + 5)))
    account.result(rule(B, "name", "Nora Field"))
    assert meant(account.result(BY_NAME)) == (B, "ruling")


def test_a_ruling_in_the_same_batch_decides() -> None:
    account = account_of({}, {})
    results = account.write(rule(B, "name", "Nora Field"), BY_NAME).results
    assert meant(results[1]) == (B, "ruling")


def test_a_ruling_decides_when_the_value_becomes_ambiguous_in_the_batch() -> None:
    account = account_of({})
    account.result(rule(A, "name", "Nora Field"))
    results = account.write(create(name="Nora Field"), BY_NAME).results
    assert meant(results[1]) == (A, "ruling")
    assert "name" not in results[0].shares


def test_a_value_that_means_the_lead_by_a_ruling_is_not_said_to_be_shared() -> None:
    account = account_of({}, {})
    account.result(rule(A, "email", "a@x.example"))
    # By this one, upserts mean the other lead.
    assert account.result(update(B, email="a@x.example")).shares == {"email": (A,)}
    assert account.result(update(A, email="a@x.example")).shares == {}
    account.result(update(A, email="b@x.example"))
    assert account.result(update(B, email="b@x.example")).shares == {"email": (A,)}


def test_two_leads_cannot_claim_one_value() -> None:
    account = account_of({}, {})
    results = account.write(
        rule(A, "email", "a@x.example"), rule(B, "email", "A@X.example")
    ).results
    refusal = refusal_of(results[1])
    assert isinstance(refusal, ClaimTaken)
    assert refusal.lead_id == A
    # A value that only finds the lead as well is no claim.
    assert account.result(rule(B, "email", "a@x.example", claims=False)).refusal is None


def test_the_same_value_is_not_added_twice() -> None:
    account = account_of({})
    account.result(rule(A, "email", "a@x.example"))
    for claims in (True, False):
        again = account.result(rule(A, "email", "a@x.example", claims=claims))
        assert again.outcome is Outcome.UNCHANGED
    account.result(rule(A, "custom", _number("A-1"), claims=False))
    account.result(rule(A, "custom", _number("A-1")))
    assert [value.claims for value in account.leads[A].other_values.values()] == [True, False, True]


def _number(value: str) -> dict[str, Any]:
    return {"custom_field_definition_id": 4101, "value": value}


def test_a_ruling_that_is_taken_back_decides_no_longer() -> None:
    account = account_of({}, {})
    account.result(rule(B, "name", "Nora Field"))
    (value_id,) = account.leads[B].other_values
    account.result(edit(B, remove_values=(value_id,)))
    assert isinstance(refusal_of(account.result(BY_NAME)), MatchAmbiguous)
    refusal = refusal_of(account.result(edit(B, remove_values=(value_id,))))
    assert isinstance(refusal, ResourceNotFound)


def test_a_value_that_identifies_nobody_is_no_other_value() -> None:
    account = account_of({})
    for field, value in (("email", "n/a"), ("name", "n/a"), ("custom", {}), ("phone", "5")):
        assert isinstance(refusal_of(account.result(rule(A, field, value))), InputInvalid)


def test_a_pin_is_a_field_of_leads() -> None:
    account = account_of({})
    pinned = account.result(edit(A, pin=("title", "custom_fields.4101")))
    assert pinned.changes == {"pins.custom_fields.4101": (None, True), "pins.title": (None, True)}
    assert account.result(edit(A, unpin=("title",))).changes == {"pins.title": (True, None)}
    assert "no such field" in refusal_of(account.result(edit(A, pin=("nonsense",)))).message


def test_an_upsert_onto_a_lead_needs_no_match() -> None:
    account = account_of({}, {})
    account.result(BY_NAME)
    assert isinstance(refusal_of(account.result(replay(BY_NAME, 1, 99))), ResourceNotFound)
    assert account.result(replay(BY_NAME, 1, B)).outcome is Outcome.UPDATED
    assert (account.leads[A].title, account.leads[B].title) == (None, "Buyer")
    # It is applied once, even if it is asked for again.
    assert account.result(replay(BY_NAME, 1, A)).replayed_seq == 3


def test_the_first_step_that_finds_anybody_decides() -> None:
    account = account_of({"email": Email("a@x.example", "work")}, {"name": "Sam Roe"})
    steps = ((Match("email", "z@x.example"),), (Match("name", "Sam Roe"),))
    result = account.result(by_steps(*steps, title="Buyer"))
    assert meant(result) == (B, None)
    assert result.details is not None
    assert result.details.step == 2


def test_a_step_that_finds_several_is_ambiguous() -> None:
    account = account_of({}, {}, {"name": "Sam Roe"})
    steps = ((Match("name", "Nora Field"),), (Match("name", "Sam Roe"),))
    assert isinstance(refusal_of(account.result(by_steps(*steps))), MatchAmbiguous)


def test_all_values_of_a_step_have_to_match() -> None:
    account = account_of(
        {"email": Email("a@x.example", "work")}, {"email": Email("b@x.example", "work")}
    )
    both = (Match("name", "Nora Field"), Match("email", "b@x.example"))
    assert meant(account.result(by_steps(both, title="Buyer"))) == (B, None)
    # Leads that the batch changed or made count as they are now.
    results = account.write(
        update(B, email="c@x.example"),
        create(name="Nora Field", email="b@x.example"),
        by_steps(both),
    ).results
    assert meant(results[2]) == (C, None)


def test_nobody_gets_all_values_of_the_match() -> None:
    account = account_of()
    steps = (
        (Match("email", "a@x.example"),),
        (Match("name", "Sam Roe"), Match("custom", _number("7"))),
    )
    result = account.result(by_steps(*steps, title="Buyer"))
    assert result.lead is not None
    assert (result.outcome, result.lead.name) == (Outcome.CREATED, "Sam Roe")
    assert result.lead.email == Email("a@x.example", "work")
    assert result.lead.custom_fields == {4101: "7"}
    assert account.result(by_steps(*steps, title="Buyer")).outcome is Outcome.UNCHANGED


def test_a_repeated_match_of_several_finds_what_its_properties_gave() -> None:
    account = account_of()
    steps = ((Match("email", "a@x.example"),), (Match("name", "Sam Roe"),))
    write = by_steps(*steps, name="Pat Lake", email="b@x.example")
    assert account.result(write).outcome is Outcome.CREATED
    again = account.result(write)
    assert (again.outcome, meant(again)[1]) == (Outcome.UNCHANGED, "properties")


@pytest.mark.parametrize(("how", "lead_id"), [("oldest", A), ("newest", C)])
def test_a_request_can_say_which_of_several_is_meant(how: Any, lead_id: int) -> None:
    account = account_of({}, {}, {})
    write = structs.replace(BY_NAME, on_ambiguous=how)
    assert meant(account.result(write)) == (lead_id, how)


def test_of_too_many_none_is_chosen() -> None:
    account = account_of(*({} for _ in range(MATCH_IDS_MAX + 1)))
    write = structs.replace(BY_NAME, on_ambiguous="oldest")
    assert isinstance(refusal_of(account.result(write)), MatchAmbiguous)


def test_a_ruling_is_above_what_a_request_says() -> None:
    account = account_of({}, {}, {})
    account.result(rule(B, "name", "Nora Field"))
    write = structs.replace(BY_NAME, on_ambiguous="oldest")
    assert meant(account.result(write)) == (B, "ruling")


def test_an_upsert_can_be_only_a_creation_or_only_an_update() -> None:
    account = account_of()
    update_only = structs.replace(BY_NAME, only="update")
    create_only = structs.replace(BY_NAME, only="create")
    assert isinstance(refusal_of(account.result(update_only)), PreconditionFailed)
    assert account.result(create_only).outcome is Outcome.CREATED
    assert isinstance(refusal_of(account.result(create_only)), PreconditionFailed)
    assert account.result(update_only).outcome is Outcome.UNCHANGED


def test_a_keyed_write_is_done_once_and_answered_as_it_was() -> None:
    account = account_of({}, {})
    write = keyed(update(B, title="Buyer"), "1", "body")
    first = account.result(write)
    account.result(merge(A, B))
    account.result(delete(A))
    again = account.result(write)
    assert (again.replayed_seq, again.lead, again.changes) == (1, first.lead, first.changes)
    other = account.result(keyed(update(B, title="Owner"), "1", "other body"))
    assert isinstance(refusal_of(other), IdempotencyKeyReused)


def test_a_refused_write_does_not_use_its_key_up() -> None:
    account = account_of()
    write = keyed(update(A, title="Buyer"), "1")
    refused, twice = account.write(write, write).results
    assert (refused.outcome, twice.replayed_seq) == (Outcome.REFUSED, None)
    account.result(create(name="Nora Field"))
    assert account.result(write).outcome is Outcome.UPDATED


def test_a_key_counts_for_a_write_that_would_be_refused_by_now() -> None:
    account = account_of({})
    write = keyed(update(A, custom_fields={4101: "7"}), "1")
    first = account.result(write)
    account.settings = a_settings()
    assert account.result(write).lead == first.lead


def test_a_repeated_value_is_as_new_as_its_newest_delivery() -> None:
    account = account_of({"title": "Buyer"})
    account.settings = a_settings(deciding=Deciding({"title": Policy.NEWEST}))
    plan = account.write(update(A, title="Buyer"))
    assert (plan.results[0].outcome, plan.results[0].changes) == (Outcome.UNCHANGED, {})
    assert account.leads[A].origins["title"].date == account.now
