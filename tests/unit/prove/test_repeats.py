"""Upserts that were written more than once: what became of each, whatever the planner says."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs
from tests.support.prove.account import FIELD, ProveAccount, answered_lead

from onelead.contract.ledger import RowExtras
from onelead.domain.lead import PERSON_ORIGIN, OtherValue, custom_name
from onelead.prove.check.repeats import Repeats
from onelead.prove.check.replay import Replayed
from onelead.prove.check.verdict import Verdict, judge
from onelead.prove.operations import Operation
from onelead.prove.report import verdict_lines

OLD, NEW = "old@field.example", "new@field.example"


def deliver(account: ProveAccount, **rest: Any) -> Operation:
    """Deliver what is repeated: it changes the e-mail by which it is matched."""
    return account.upsert("email", OLD, name="Nora Field", email=NEW, **rest)


def verdict_on(account: ProveAccount) -> Verdict:
    return judge(account.operations, account.rows(), account.beginning)


def repeats_of(account: ProveAccount) -> Repeats:
    verdict = verdict_on(account)
    assert verdict.is_kept, verdict_lines(verdict)
    return verdict.repeats


def counts(repeats: Repeats) -> tuple[int, int, int]:
    assert repeats.number == repeats.found + repeats.shared + repeats.disturbed
    return repeats.found, repeats.shared, repeats.disturbed


def test_a_repeated_upsert_finds_the_lead_that_it_wrote() -> None:
    account = ProveAccount()
    for _ in range(3):
        deliver(account)
        # What has nothing to do with it does not come between.
        account.upsert("email", "sam@roe.example", name="Sam Roe", number="C-7")
        account.switch(is_filterable=len(account.operations) % 4 == 0)
    verdict = verdict_on(account)
    # The upsert of the other person is delivered again, too.
    assert counts(verdict.repeats) == (4, 0, 0)
    assert verdict_lines(verdict)[2:4] == [
        "  of 4 repeated upserts, 4 found the lead of the first one unchanged,",
        "  0 came after another change, 0 were refused as the first receipt had said",
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda account, lead_id: account.update(lead_id, title="Buyer"),
        lambda account, lead_id: account.delete(lead_id),
        lambda account, _: account.create(name="Sam Roe", email=OLD),
        lambda account, _: account.create(name="Sam Roe", email=NEW),
    ],
)
def test_what_comes_between_is_another_write_of_the_lead_or_of_its_values(change: Any) -> None:
    account = ProveAccount()
    change(account, answered_lead(deliver(account)))
    deliver(account)
    assert counts(repeats_of(account)) == (0, 0, 1)


def test_what_comes_between_is_a_change_of_the_definition() -> None:
    account = ProveAccount()
    for is_filterable in (False, True):
        account.upsert_custom("C-1", name="Nora Field")
        account.switch(is_filterable=is_filterable)
    account.upsert_custom("C-1", name="Nora Field")
    assert counts(repeats_of(account)) == (0, 0, 2)


@pytest.mark.parametrize("others", [1, 29, 31, 40])
def test_an_upsert_is_refused_if_the_first_receipt_named_the_others(others: int) -> None:
    account = ProveAccount()
    account.create(name="Nora Field", email=OLD)
    for _ in range(others):
        account.create(name="Sam Roe", email=NEW)
    first, again = deliver(account), deliver(account)
    assert first.answer is not None
    assert first.answer.shares is not None
    assert again.answer is not None
    assert again.answer.outcome == "refused"
    repeats = repeats_of(account)
    assert counts(repeats) == (0, 1, 0)
    assert verdict_lines(verdict_on(account))[3].endswith(
        ", 1 was refused as the first receipt had said"
    )


def test_an_upsert_after_a_refused_one_repeats_nothing() -> None:
    account = ProveAccount()
    lead_ids = [answered_lead(account.create(name="Sam Roe", email=OLD)) for _ in range(2)]
    deliver(account)
    account.delete(lead_ids[0])
    deliver(account)
    assert repeats_of(account).number == 0


def test_a_repeated_upsert_that_makes_a_new_lead_is_found() -> None:
    account = ProveAccount()
    deliver(account)
    deliver(account, leads={})
    verdict = verdict_on(account)
    (violation,) = verdict.repeats.violations
    assert violation.startswith(
        "row 2 repeats row 1 (created, lead 10001, version 1) with nothing between them, but was "
        "created, lead 10002, version 1: "
    )
    assert not verdict.is_kept
    assert "repeated:" in verdict_lines(verdict)
    (contradiction,) = verdict.contradictions
    assert contradiction.operations == tuple(account.operations)


def test_a_repeated_upsert_that_is_refused_without_a_word_before_is_found() -> None:
    account = ProveAccount()
    account.create(name="Sam Roe", email=NEW)
    account.create(name="Nora Field", email=OLD)
    # The first is answered as if nobody else had the new address.
    deliver(account, leads={10_002: account.leads[10_002]})
    deliver(account)
    (violation,) = verdict_on(account).repeats.violations
    assert "but was refused" in violation


def test_what_comes_between_is_a_change_of_the_definition_of_another_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add = Repeats.add

    def with_other_value(repeats: Repeats, replayed: Replayed, extras: RowExtras | None) -> None:
        """Add a row as if its lead had another number, which filters find or do not find."""
        if replayed.result is not None and replayed.result.lead is not None:
            value = OtherValue(custom_name(FIELD.id), "C-2", PERSON_ORIGIN)
            lead = structs.replace(replayed.result.lead, other_values={1: value})
            result = structs.replace(replayed.result, lead=lead)
            replayed = structs.replace(replayed, result=result)
        add(repeats, replayed, extras)

    monkeypatch.setattr(Repeats, "add", with_other_value)
    account = ProveAccount()
    for is_filterable in (False, True):
        deliver(account)
        account.switch(is_filterable=is_filterable)
    deliver(account)
    assert counts(repeats_of(account)) == (0, 0, 2)
