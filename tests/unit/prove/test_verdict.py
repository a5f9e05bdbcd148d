"""The verdict on a history and on what is stored: it finds everything that must never happen."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import msgspec
import pytest
from tests.support.prove.account import ProveAccount, answered_lead
from tests.support.prove.histories import random_account

from onelead.contract.ledger import AccountRows
from onelead.prove.check.verdict import Verdict, judge
from onelead.prove.check.witness import find_witness
from onelead.prove.report import verdict_lines

NORA = "nora@field.example"


def an_account() -> ProveAccount:
    account = ProveAccount()
    lead_id = answered_lead(account.upsert("email", NORA, name="Nora Field", number="C-1"))
    account.upsert("name", "nora field", title="Buyer")
    account.switch(is_filterable=False)
    account.update(lead_id, title="Owner", tags=["fair"])
    account.upsert_custom("C-1", title="Buyer")
    account.switch(is_filterable=True)
    account.delete(answered_lead(account.create(name="Sam Roe")))
    account.upsert_custom("C-1", title="Head buyer")
    return account


def verdict_on(account: ProveAccount, rows: AccountRows | None = None) -> Verdict:
    return judge(account.operations, rows or account.rows(), account.beginning)


def test_a_history_that_the_ledger_explains_is_kept() -> None:
    verdict = verdict_on(an_account())
    assert verdict.is_kept, verdict
    assert verdict_lines(verdict)[0].startswith("KEPT")


def test_a_long_history_is_explained_too() -> None:
    account = random_account(1, 500, people=20, switches=0)
    assert verdict_on(account).is_kept


def test_an_unanswered_write_that_happened_is_in_the_ledger() -> None:
    account = an_account()
    account.upsert("email", "sam@roe.example", name="Sam Roe", sent=20, answered=inf)
    account.upsert("email", "sam@roe.example", title="Buyer", sent=21, answered=22)
    assert verdict_on(account).is_kept


def test_an_acknowledged_write_that_is_not_in_the_ledger_is_found() -> None:
    account = an_account()
    rows = account.rows()
    account.upsert("email", "sam@roe.example", name="Sam Roe")
    verdict = verdict_on(account, rows)
    assert "is not in the ledger" in verdict.deliveries[0]
    assert [len(one.operations) for one in verdict.contradictions] == [1]


def test_a_delivery_that_was_written_twice_is_found() -> None:
    account = an_account()
    account.create(name="Sam Roe")
    account.create(name="Sam Roe")
    account.operations.pop()
    verdict = verdict_on(account)
    assert "was written more often than it was sent" in verdict.deliveries[0]


def test_a_delivery_that_was_sent_twice_may_be_written_twice() -> None:
    account = an_account()
    account.create(name="Sam Roe", sent=20, answered=inf)
    account.create(name="Sam Roe", sent=21, answered=22)
    assert verdict_on(account).is_kept


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_replay_may_write_nothing_when_a_delivery_with_the_key_was_accepted(
    *, is_replaced: bool
) -> None:
    account = an_account()
    refused = account.update(999, title="Buyer")
    accepted = account.create(name="Mia Lake")
    shown = {"seq": len(account.entries), "lead_id": answered_lead(accepted)}
    assert accepted.answer is not None
    answer = msgspec.structs.replace(
        accepted.answer, outcome="unchanged", request_id="replay", body=msgspec.json.encode(shown)
    )
    keys = ("prove-1", "prove-1" if is_replaced else "prove-2")
    operations = [
        *account.operations[:-2],
        msgspec.structs.replace(refused, key=keys[0]),
        msgspec.structs.replace(accepted, key=keys[1]),
        msgspec.structs.replace(
            refused, number=900, answer=answer, about_seq=len(account.entries) - 1, sent=900
        ),
    ]
    witness = find_witness(operations, account.entries, {})
    assert (witness.violations == []) is is_replaced


def test_a_failure_of_the_server_is_found() -> None:
    account = an_account()
    answer = account.operations[1].answer
    assert answer is not None
    failed = msgspec.structs.replace(answer, status=500, outcome="", body=b"Internal error")
    account.operations[1] = msgspec.structs.replace(account.operations[1], answer=failed)
    verdict = verdict_on(account)
    assert "was answered with 500" in verdict.deliveries[0]
    assert verdict.contradictions == []


def test_two_creations_of_one_person_are_found() -> None:
    account = an_account()
    before = account.leads_now()
    account.upsert("email", "sam@roe.example", name="Sam Roe", sent=20, answered=23)
    account.upsert("email", "sam@roe.example", name="Sam Roe", sent=21, answered=24, leads=before)
    verdict = verdict_on(account)
    (contradiction,) = verdict.contradictions
    assert contradiction.operations == tuple(account.operations[-2:])
    text = "\n".join(verdict_lines(verdict))
    assert text.startswith("BROKEN")
    assert "no serial order explains 2 operations" in text
    assert text.count("created, lead") >= 2


def test_a_ledger_in_another_order_than_time_is_found() -> None:
    account = ProveAccount()
    account.create(name="Nora Field", sent=5, answered=6)
    account.create(name="Sam Roe", sent=1, answered=2)
    verdict = verdict_on(account)
    assert verdict.disorder == [(account.operations[0], account.operations[1])]
    assert verdict.contradictions == []
    assert not verdict.is_kept
    assert any("not that in time" in line for line in verdict_lines(verdict))


def changed_row(place: int, **changed: Any) -> Callable[[AccountRows], AccountRows]:
    def change(rows: AccountRows) -> AccountRows:
        ledger = list(rows.ledger)
        ledger[place] = ledger[place]._replace(**changed)
        return msgspec.structs.replace(rows, ledger=ledger)

    return change


def without_row(rows: AccountRows) -> AccountRows:
    return msgspec.structs.replace(rows, ledger=[*rows.ledger[:2], *rows.ledger[3:]])


def changed_lead(old: str, new: str) -> Callable[[AccountRows], AccountRows]:
    def change(rows: AccountRows) -> AccountRows:
        leads = [
            tuple(value.replace(old, new) if isinstance(value, str) else value for value in row)
            for row in rows.leads
        ]
        return msgspec.structs.replace(rows, leads=leads)

    return change


def with_key(rows: AccountRows) -> AccountRows:
    return msgspec.structs.replace(
        rows, keys=[*rows.keys, ("email", "old@field.example", 10_001, None)]
    )


def without_keys(rows: AccountRows) -> AccountRows:
    return msgspec.structs.replace(rows, keys=rows.keys[1:])


@pytest.mark.parametrize(
    "spoil",
    [
        changed_row(1, version=3),
        changed_row(1, outcome="unchanged"),
        changed_row(1, resource_id=10_002),
        changed_row(1, changes='{"title":[null,"Owner"]}'),
        changed_row(4, message="another reason"),
        changed_row(0, date=1_600_000_000),
        without_row,
        changed_lead("Head buyer", "Owner"),
        changed_lead('"version":4', '"version":5'),
        with_key,
        without_keys,
        lambda rows: msgspec.structs.replace(rows, leads=[]),
        lambda rows: msgspec.structs.replace(rows, lane=(rows.lane[0] + 1, *rows.lane[1:])),
    ],
)
def test_what_is_stored_otherwise_is_found(spoil: Callable[[AccountRows], AccountRows]) -> None:
    account = an_account()
    verdict = verdict_on(account, spoil(account.rows()))
    assert verdict.stored != []
    assert not verdict.is_kept
