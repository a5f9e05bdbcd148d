"""A history is explained if some serial order explains it; otherwise the culprits are named."""

from __future__ import annotations

import random
from math import inf

import msgspec
import pytest
from tests.support.prove.account import FIELD, SETTINGS, ProveAccount, answered_lead
from tests.support.prove.histories import overlapped, random_account

from onelead.domain.custom_fields import IndexState
from onelead.prove.check.verdict import judge
from onelead.prove.check.witness import find_witness, latest_ends
from onelead.prove.explain.contradictions import Contradiction, contradictions
from onelead.prove.operations import Operation, with_index_state

NORA = "nora@field.example"


def found(account: ProveAccount) -> list[Contradiction]:
    return contradictions(account.operations, SETTINGS, stored=account.leads)


def culprits(account: ProveAccount) -> set[int]:
    """Return the numbers of the operations of the only contradiction."""
    (contradiction,) = found(account)
    assert not contradiction.is_undecided
    return {operation.number for operation in contradiction.operations}


def outcome(operation: Operation) -> str:
    assert operation.answer is not None
    return operation.answer.outcome


def test_writes_one_after_the_other_are_explained() -> None:
    account = ProveAccount()
    lead_id = answered_lead(account.upsert("email", NORA, name="Nora Field"))
    account.upsert("email", NORA.upper(), title="Buyer")
    account.update(lead_id, email=None)
    account.upsert("email", NORA, name="Nora Field")
    account.upsert("name", "nora field", title="Owner")
    account.delete(lead_id)
    account.update(lead_id, title="Buyer")
    account.upsert_custom("C-1", name="Sam Roe")
    assert found(account) == []


@pytest.mark.parametrize("seed", range(6))
def test_writes_that_overlap_are_explained(seed: int) -> None:
    account = random_account(seed, 300, people=10)
    account.operations = overlapped(account, random.Random(seed))
    account.operations.sort(key=lambda operation: operation.answered)
    assert found(account) == []


@pytest.mark.parametrize("seed", range(3))
def test_they_are_explained_even_if_some_were_never_answered(seed: int) -> None:
    account = random_account(seed, 40, people=10)
    account.operations = overlapped(account, random.Random(seed), unanswered=0.05)
    lost = [operation for operation in account.operations if operation.answer is None]
    created = [one for one in lost if one.action in ("create", "upsert")]
    # A lead that is in no answer is named only by the ledger, which this check does not have.
    account.operations = [one for one in account.operations if one not in created]
    if not created:
        assert found(account) == []


@pytest.mark.parametrize("seed", range(3))
def test_they_are_explained_by_what_the_ledger_says_about_them(seed: int) -> None:
    account = random_account(seed, 300, people=10)
    account.operations = overlapped(account, random.Random(seed), unanswered=0.05)
    witness = find_witness(account.operations, account.entries, {})
    assert witness.violations == []
    ends = latest_ends(account.operations, witness.claims)
    assert (
        contradictions(
            account.operations, SETTINGS, claims=witness.claims, ends=ends, stored=account.leads
        )
        == []
    )


def test_two_upserts_that_both_created_are_found() -> None:
    account = ProveAccount()
    account.upsert("email", NORA, name="Nora Field", sent=0, answered=5)
    account.upsert("email", NORA.upper(), name="Nora Field", sent=1, answered=6, leads={})
    assert culprits(account) == {1, 2}


def test_they_are_found_when_one_looked_by_name_and_the_other_by_email() -> None:
    account = ProveAccount()
    account.upsert("email", NORA, name="Nora Field", sent=0, answered=5)
    account.upsert("name", "Nora Field", email=NORA, sent=1, answered=6, leads={})
    assert culprits(account) == {1, 2}


def test_they_are_explained_when_the_first_lead_may_have_been_deleted_in_between() -> None:
    account = ProveAccount()
    lead_id = answered_lead(account.upsert("email", NORA, name="Nora Field", sent=0, answered=5))
    account.delete(lead_id, sent=1, answered=inf)
    account.upsert("email", NORA, name="Nora Field", sent=2, answered=6)
    assert found(account) == []


def test_they_are_explained_when_the_first_lead_lost_the_value_in_between() -> None:
    account = ProveAccount()
    lead_id = answered_lead(account.upsert("email", NORA, name="Nora Field", sent=0, answered=9))
    account.update(lead_id, email=None, sent=1, answered=8)
    account.upsert("email", NORA, name="Nora Field", sent=2, answered=7)
    assert found(account) == []


def test_an_upsert_is_explained_that_finds_by_its_properties_what_another_gave() -> None:
    account = ProveAccount()
    account.upsert("email", "old@field.example", email=NORA, sent=0, answered=5, name="Nora Field")
    by_properties = account.upsert("email", "old@field.example", email=NORA, sent=1, answered=6)
    assert by_properties.answer is not None
    assert by_properties.answer.match == "field=email; matches=1; by=properties"
    account.operations.reverse()
    assert found(account) == []


def test_two_upserts_that_both_created_for_the_value_of_their_properties_are_found() -> None:
    account = ProveAccount()
    account.upsert("email", "old@field.example", email=NORA, sent=0, answered=5, name="Nora Field")
    account.upsert(
        "email", "older@field.example", email=NORA, sent=1, answered=6, name="Nora", leads={}
    )
    assert culprits(account) == {1, 2}


def without_shares(account: ProveAccount, operation: Operation) -> None:
    """Take out of the last receipt whom the lead shares its e-mail with."""
    assert operation.answer is not None
    assert operation.answer.shares == "email; 10001"
    answer = msgspec.structs.replace(operation.answer, shares=None)
    account.operations[-1] = msgspec.structs.replace(operation, answer=answer)


def test_a_receipt_that_does_not_name_who_shares_a_value_is_found() -> None:
    account = ProveAccount()
    account.upsert("email", NORA, name="Nora Field")
    without_shares(account, account.upsert("name", "Sam Roe", email=NORA))
    assert culprits(account) == {2}


def test_it_is_explained_when_the_other_write_may_never_have_happened() -> None:
    account = ProveAccount()
    account.upsert("email", NORA, name="Nora Field", sent=0, answered=inf)
    without_shares(account, account.upsert("name", "Sam Roe", email=NORA))
    del account.leads[10_001]
    assert found(account) == []


def test_a_receipt_may_or_may_not_name_who_shares_a_value_that_is_being_indexed() -> None:
    account = ProveAccount()
    account.upsert_custom("C-1", name="Nora Field")
    account.switch(is_filterable=False)
    account.switch(is_filterable=True)
    ready = account.settings
    account.settings = with_index_state(ready, FIELD.id, IndexState.BUILDING)
    building = account.create(name="Sam Roe", number="C-1")
    account.settings = ready
    complete = account.create(name="Ann Lee", number="C-1")
    assert building.answer is not None
    assert complete.answer is not None
    assert (building.answer.shares, complete.answer.shares) == (
        None,
        "custom_fields.4101; 10001 10002",
    )
    assert found(account) == []
    assert judge(account.operations, account.rows(), account.beginning).is_kept
    # Once complete, an index stays complete.
    account.settings = with_index_state(ready, FIELD.id, IndexState.BUILDING)
    account.create(name="Ben Day", number="C-1")
    account.settings = ready
    assert 6 in culprits(account)


def test_a_lost_update_is_found() -> None:
    account = ProveAccount()
    lead_id = answered_lead(account.create(name="Nora Field"))
    before = account.leads_now()
    account.update(lead_id, title="Buyer", sent=10, answered=12)
    account.update(lead_id, tags=["fair"], sent=11, answered=13, leads=before)
    assert culprits(account) == {2, 3}


def test_an_answer_from_before_an_acknowledged_update_is_found() -> None:
    account = ProveAccount()
    lead_id = answered_lead(account.upsert("email", NORA, name="Nora Field"))
    before = account.leads_now()
    account.update(lead_id, title="Buyer", sent=10, answered=11)
    stale = account.upsert("email", NORA, name="Nora Field", sent=12, answered=13, leads=before)
    assert outcome(stale) == "unchanged"
    (contradiction,) = found(account)
    assert contradiction.operations == (stale,)
    # What was already so before needs no operation.
    assert [lead.version for lead in contradiction.before] == [2]


def test_an_answer_that_comes_before_what_it_shows_is_found() -> None:
    account = ProveAccount()
    lead_id = answered_lead(account.upsert("email", NORA, name="Nora Field"))
    account.update(lead_id, title="Buyer", sent=10, answered=11)
    account.upsert("email", NORA, title="Buyer", sent=8, answered=9)
    assert 3 in culprits(account)


def test_a_match_that_should_have_been_ambiguous_is_found() -> None:
    account = ProveAccount()
    account.create(name="Nora Field")
    before = account.leads_now()
    account.create(name="Nora Field")
    account.upsert("name", "Nora Field", title="Buyer", leads=before)
    (contradiction,) = found(account)
    assert [one.number for one in contradiction.operations] == [3]
    assert len(contradiction.before) == 2


def test_a_match_by_a_definition_that_was_switched_off_is_found() -> None:
    account = ProveAccount()
    account.upsert_custom("C-1", name="Nora Field")
    account.switch(is_filterable=False)
    account.settings = SETTINGS
    account.upsert_custom("C-1", title="Buyer")
    assert culprits(account) == {3}


def test_a_refusal_by_a_definition_that_was_never_switched_off_is_found() -> None:
    account = ProveAccount()
    account.upsert_custom("C-1", name="Nora Field")
    account.switch(is_filterable=False)
    account.upsert_custom("C-1", title="Buyer")
    del account.operations[1]
    assert culprits(account) == {3}


def test_another_body_is_found() -> None:
    account = ProveAccount()
    operation = account.create(name="Nora Field")
    assert operation.answer is not None
    body = operation.answer.body.replace(b'"title":null', b'"title":"Buyer"')
    answer = msgspec.structs.replace(operation.answer, body=body)
    account.operations = [msgspec.structs.replace(operation, answer=answer)]
    assert culprits(account) == {1}


def test_an_acknowledged_lead_that_is_not_stored_is_found() -> None:
    account = ProveAccount()
    account.create(name="Nora Field")
    account.leads = {}
    (contradiction,) = found(account)
    assert [one.number for one in contradiction.operations] == [1]
    assert contradiction.stored == ()


def test_a_stored_lead_that_nobody_made_is_found() -> None:
    account = ProveAccount()
    account.create(name="Nora Field")
    account.operations = []
    (contradiction,) = found(account)
    assert contradiction.stored == tuple(account.leads.values())


def test_an_unanswered_write_may_have_happened() -> None:
    account = ProveAccount()
    lead_id = answered_lead(account.create(name="Nora Field"))
    account.update(lead_id, title="Buyer", sent=10, answered=inf)
    account.update(lead_id, title="Owner", sent=11, answered=12)
    assert found(account) == []


def test_an_unanswered_write_may_never_have_happened() -> None:
    account = ProveAccount()
    lead_id = answered_lead(account.create(name="Nora Field"))
    before = account.leads_now()
    account.update(lead_id, title="Buyer", sent=10, answered=inf)
    account.update(lead_id, title="Owner", sent=11, answered=12, leads=before)
    assert found(account) == []


def test_a_write_that_the_history_lacks_is_missed() -> None:
    account = ProveAccount()
    lead_id = answered_lead(account.create(name="Nora Field"))
    account.update(lead_id, title="Buyer")
    account.update(lead_id, title="Owner")
    del account.operations[1]
    assert culprits(account) == {3}


@pytest.mark.parametrize("seed", range(3))
def test_among_many_operations_the_few_are_found_that_contradict_each_other(seed: int) -> None:
    account = random_account(seed, 200, people=10)
    account.upsert("email", "new@field.example", name="Ann Lee")
    before = account.leads_now()
    lead_id = account.last_id
    one = account.update(lead_id, title="Buyer", sent=1_000, answered=1_002)
    # Although both were under way at the same time, it cannot show less than an earlier answer.
    read = account.upsert("name", "Ann Lee", title="Buyer", sent=1_000, answered=1_001)
    other = account.upsert(
        "email", "new@field.example", name="Ann Lee", sent=1_001.5, answered=1_003, leads=before
    )
    assert outcome(read) == outcome(other) == "unchanged"
    assert culprits(account) == {read.number, other.number}
    assert one.number not in culprits(account)
