"""What refused deliveries have in common that one answer can settle."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.domain.act_writes import undo
from tests.support.domain.builders import a_settings

from onelead.domain.acts.facts import ActFact, Facts, LedgerFact, delivery_state, undo_of
from onelead.domain.acts.queue import (
    QueueRow,
    delivery_group,
    is_refused_delivery,
    kind_of,
)
from onelead.domain.acts.state import LeadState, Snapshot
from onelead.domain.acts.undo import undone
from onelead.domain.writes import MatchResult, Outcome, RowDetails

PREFIX = "Invalid input: Validation errors: "


def row(message: str = "", match: MatchResult | None = None, **parts: object) -> QueueRow:
    text = msgspec.json.encode(match).decode() if match else None
    usual = QueueRow(5, 0, "upsert", "refused", 3, None, text, message, None, None, None)
    return usual._replace(**parts)  # type: ignore[arg-type]


def group(message: str) -> str:
    return delivery_group(row(PREFIX + message))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Name: can't be blank", "Name: can't be blank\nEmail: is invalid"),
        ('Email: "a@x" is no e-mail', 'Email: "b\\"@y" is no e-mail'),
        ("Status Id: 12 does not exist", "Status Id: 13 does not exist"),
        ("Name: must be text, not 1", 'Name: must be text, not {"a": 1'),
        (
            "Id: Invalid value for Id: IDs must be positive integers: a",
            "Id: Invalid value for Id: IDs must be positive integers: b",
        ),
    ],
)
def test_the_values_in_a_reason_make_no_difference(one: str, other: str) -> None:
    assert group(one) == group(other)


def test_reasons_differ_by_attribute_and_kind() -> None:
    texts = ("Name: can't be blank", "Email: can't be blank", "Name: is too long")
    assert len({group(text) for text in texts}) == 3
    versions = "The lead has changed in the meantime; its version is "
    first, second = (delivery_group(row(versions + number)) for number in ("3 now", "4 now"))
    assert first == second


def test_a_long_reason_is_cut() -> None:
    assert len(group("x" * 5_000)) < 200


def test_an_ambiguous_match_is_a_group_by_its_value() -> None:
    def of(*match: object) -> str:
        return delivery_group(row("Invalid input: Multiple", MatchResult(*match)))  # type: ignore[arg-type]

    assert of("email", "a@x.example", 2, (1, 2)) == "match email a@x.example"
    assert of("email", "a@x.example", 2, (1, 2), "properties") == "match email a@x.example"
    assert of("custom", "A-77", 31, (), None, 12) == "match custom-12 A-77"
    assert kind_of(of("name", "nora field", 2, (1, 2))) == "match"
    # One of the leads was meant, and the delivery was refused for another reason.
    assert kind_of(of("email", "a@x.example", 2, (1, 2), "ruling")) == "reason"
    assert kind_of(of("email", "a@x.example", 1, (1,))) == "reason"


def test_bodies_that_could_not_be_read_are_apart() -> None:
    found = row("The body is not readable JSON", unread_bytes=7)
    assert delivery_group(found) == "unread The body is not readable JSON"
    assert delivery_group(row(None)) == "reason "  # type: ignore[arg-type]
    assert delivery_group(row(None, unread_bytes=7)) == "unread "  # type: ignore[arg-type]


def test_only_refused_deliveries_are_in_the_queue() -> None:
    assert is_refused_delivery(row())
    assert not is_refused_delivery(row(outcome="updated"))
    assert not is_refused_delivery(row(action="merge"))
    assert not is_refused_delivery(row(about_seq=3))


def test_a_long_chain_of_undos_is_no_problem() -> None:
    acts = {1: [ActFact(2, "dismiss", "decided")]}
    acts |= {seq: [ActFact(seq + 1, "undo", "decided")] for seq in range(2, 5_000)}
    assert delivery_state(acts, 1).state == "dismissed"
    acts[5_000] = [ActFact(5_001, "undo", "decided")]
    assert delivery_state(acts, 1).state == "open"


def test_what_became_of_a_delivery() -> None:
    dismissed, reopened = ActFact(2, "dismiss", "decided"), ActFact(3, "reopen", "decided")
    refused, applied = ActFact(4, "upsert", "refused"), ActFact(5, "upsert", "unchanged")
    acts = {1: [dismissed]}
    assert delivery_state(acts, 1) == ("dismissed", 2)
    acts[1] += [reopened, refused, ActFact(4, "undo", "unchanged")]
    assert delivery_state(acts, 1) == ("open", 3)
    acts[1].append(applied)
    assert delivery_state(acts, 1) == ("applied", 5)
    acts[5] = [ActFact(6, "undo", "unchanged"), ActFact(7, "undo", "decided")]
    assert undo_of(acts, 5) == 7
    assert undo_of(acts, 2) is None
    assert delivery_state(acts, 1) == ("open", 3)


@pytest.mark.parametrize(
    ("about_seq", "outcome"), [(3, Outcome.DECIDED), (None, Outcome.UNCHANGED)]
)
def test_an_applied_delivery_that_changed_nothing_can_be_taken_back(
    about_seq: int | None, outcome: Outcome
) -> None:
    row = LedgerFact(5, "lead", "upsert", "unchanged", None, None, None, RowDetails(), about_seq)
    state = LeadState(Snapshot({}, {}, Facts(rows={5: row})), a_settings(), 0, 0)
    assert undone(state, undo(5), 9).outcome is outcome
