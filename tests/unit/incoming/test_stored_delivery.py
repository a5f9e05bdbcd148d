"""A delivery that the ledger keeps is read again."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from onelead.contract.ledger import AccountLedgerRow
from onelead.domain.errors import Erased, InputInvalid
from onelead.domain.matching import Match
from onelead.domain.writes import LEAD, Action, Delivery, RowDetails
from onelead.incoming.stored_delivery import replay_write

NOW = Delivery("request-2", user_id=5, api_key_id=None, payload="{}")
UPSERT = (
    '{"properties": {"title": "Buyer"}, "match": {"field_name": "name", "field_value": "Nora"}}'
)
STORED = AccountLedgerRow(
    seq=7,
    date=100,
    request_id="request-1",
    action="upsert",
    outcome="refused",
    version=None,
    user_id=1,
    api_key_id=2,
    match=None,
    changes=None,
    message="Invalid input",
    payload=UPSERT,
    resource=LEAD,
    resource_id=None,
)


def stored(**changes: Any) -> AccountLedgerRow:
    return structs.replace(STORED, **changes)


def test_it_is_as_it_came_and_as_old() -> None:
    write = replay_write(STORED, NOW)
    assert (write.action, write.lead_id, write.about_seq) == (Action.UPSERT, None, 7)
    assert write.match == Match("name", "Nora")
    assert write.delivery == structs.replace(NOW, payload=UPSERT, observed_at=100)


def test_it_was_observed_when_it_said_so() -> None:
    write = replay_write(stored(details=RowDetails(observed_at=40)), NOW)
    assert write.delivery.observed_at == 40


def test_a_lead_takes_the_place_of_whatever_the_match_was() -> None:
    write = replay_write(stored(payload='{"properties": {"title": "Buyer"}}'), NOW, lead_id=3)
    assert (write.lead_id, write.problems) == (3, ())


def test_another_match_takes_the_place_of_one_that_could_not_be_read() -> None:
    row = stored(payload='{"properties": {"title": "Buyer"}, "match": 5}')
    write = replay_write(row, NOW, match=Match("email", "a@b.example"))
    assert (write.match, write.problems) == (Match("email", "a@b.example"), ())


@pytest.mark.parametrize("payload", ["5", "[]", ""])
def test_a_body_that_is_no_object_stays_one(payload: str) -> None:
    write = replay_write(stored(action="update", payload=payload), NOW)
    assert write.problems


def test_a_delete_has_no_body() -> None:
    write = replay_write(stored(action="delete", payload="", resource_id=3), NOW)
    assert (write.action, write.lead_id, write.problems) == (Action.DELETE, 3, ())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"details": RowDetails(erased={"date": 1})}, Erased),
        ({"resource": "account"}, InputInvalid),
        ({"action": "merge"}, InputInvalid),
        ({"outcome": "updated"}, InputInvalid),
        ({"unread_bytes": 9}, InputInvalid),
    ],
)
def test_what_cannot_be_applied(changes: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        replay_write(stored(**changes), NOW)
