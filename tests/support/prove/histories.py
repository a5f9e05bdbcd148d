"""Random histories of any length, and how long it takes to check one.

`python -m tests.support.prove.histories 100000` prints the processor time in seconds: of the check
with the ledger as a witness, and of the search for an order without it.
"""

from __future__ import annotations

import random
import sys
import time
from math import inf

import msgspec
from tests.support.prove.account import FIELD, SETTINGS, ProveAccount, answered_lead

from onelead.domain.writes import Outcome
from onelead.prove.check.verdict import judge
from onelead.prove.drive.people import People
from onelead.prove.drive.requests import Request
from onelead.prove.explain.contradictions import contradictions
from onelead.prove.operations import Operation, is_act

_SWITCHES = 0.05
_UNDER_WAY = 64


def random_account(
    seed: int, operations: int, *, people: int, switches: float = _SWITCHES
) -> ProveAccount:
    """Deliver people one after another."""
    chance = random.Random(seed)
    deliveries = People(chance, people, (FIELD.id,) * 4)
    account = ProveAccount()
    while len(account.operations) < operations:
        request = deliveries.draw()
        if chance.random() < switches:
            account.switch(is_filterable=chance.random() < 0.5)
        elif not (request.is_bulk or request.reads or _is_act(request)):
            _deliver(account, deliveries, request)
    return account


def _is_act(request: Request) -> bool:
    """Return whether a request is an act, which only the order of a ledger explains."""
    (item,) = request.items
    return is_act(item.action, item.payload, item.about_seq)


def _deliver(account: ProveAccount, people: People, request: Request) -> None:
    (item,) = request.items
    operation = account.write(item.action, item.resource_id, item.payload)
    assert operation.answer is not None
    if operation.answer.outcome not in (Outcome.REFUSED, Outcome.DELETED):
        people.learn(request, answered_lead(operation))
    elif b'"ids":' in operation.answer.body:
        people.learn_surplus(request, msgspec.json.decode(operation.answer.body)["ids"])


def overlapped(
    account: ProveAccount, chance: random.Random, *, unanswered: float = 0, width: float = 8
) -> list[Operation]:
    """Let each operation begin before and end after it took effect, or never end."""
    return [
        msgspec.structs.replace(
            operation,
            sent=place - width * chance.random() ** 2,
            answered=inf if is_lost else place + width * chance.random() ** 2,
            answer=None if is_lost else operation.answer,
        )
        for place, operation in enumerate(account.operations)
        for is_lost in [chance.random() < unanswered]
    ]


def _measure(operations: int) -> None:
    account = random_account(1, operations, people=200, switches=0)
    account.operations = overlapped(account, random.Random(1), width=_UNDER_WAY)
    started = time.process_time()
    assert judge(account.operations, account.rows(), account.beginning).is_kept
    witnessed = time.process_time()
    assert contradictions(account.operations, SETTINGS, stored=account.leads, seconds=inf) == []
    searched = time.process_time()
    sys.stdout.write(
        f"{operations} operations: {witnessed - started:.1f} s with the ledger as a witness, "
        f"{searched - witnessed:.1f} s without it\n"
    )


if __name__ == "__main__":
    _measure(int(sys.argv[1]))
