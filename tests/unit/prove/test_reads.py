"""Reads are held against the moments of the ledger: an older or a mixed state is found."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.prove.account import ProveAccount, answered_lead

from onelead.api.wire import lead_body
from onelead.domain.lead import Lead
from onelead.prove.check.verdict import Verdict, judge
from onelead.prove.operations import Read, ReadKind
from onelead.prove.report import verdict_lines

NORA = "nora@field.example"


class Reader:
    """What a client would be answered, now or from the leads as they were."""

    def __init__(self, account: ProveAccount) -> None:
        self._account = account
        self.reads: list[Read] = []

    def lead(self, lead_id: int, times: tuple[float, float], seen: Lead | None) -> None:
        if seen is None:
            self._add(ReadKind.LEAD, lead_id, times, status=404, body=b"{}")
        else:
            self._add(
                *(ReadKind.LEAD, lead_id, times),
                body=self._body(seen),
                etag=f'"{seen.version}"',
            )

    def found(
        self, kind: ReadKind, times: tuple[float, float], seen: list[Lead], about: str | None = None
    ) -> None:
        body = b"[" + b",".join(map(self._body, seen)) + b"]"
        self._add(kind, about, times, body=body, total=str(len(seen)))

    def history(self, lead_id: int, times: tuple[float, float], rows: int) -> None:
        seen = [
            {"seq": row.seq, "lead_id": lead_id, "outcome": row.outcome, "version": row.version}
            for row in self._account.entries[:rows][::-1]
            if row.resource_id == lead_id
        ]
        body = msgspec.json.encode(seen)
        self._add(ReadKind.HISTORY, lead_id, times, status=200 if seen else 404, body=body)

    def failure(self, status: int) -> None:
        self._add(ReadKind.LIST, None, (90, 91), status=status, body=b"Internal error")

    def _body(self, lead: Lead) -> bytes:
        return msgspec.json.encode(lead_body(lead, self._account.settings))

    def _add(
        self, kind: ReadKind, about: int | str | None, times: tuple[float, float], **rest: Any
    ) -> None:
        sent, answered = times
        given = {"status": 200} | rest
        self.reads.append(
            Read(kind=kind, about=about, client=1, sent=sent, answered=answered, **given)
        )

    def verdict(self) -> Verdict:
        account = self._account
        reads = sorted(self.reads, key=lambda read: read.sent)
        return judge(account.operations, account.rows(), account.beginning, reads)


@pytest.fixture
def account() -> ProveAccount:
    """Nora is created from 1 to 2, gets a title from 11 to 12, and is deleted from 21 to 22."""
    account = ProveAccount()
    lead_id = answered_lead(account.upsert("email", NORA, name="Nora Field", sent=1, answered=2))
    account.update(lead_id, title="Owner", sent=11, answered=12)
    account.delete(lead_id, sent=21, answered=22)
    return account


@pytest.fixture
def versions() -> list[Lead | None]:
    """Nora after each of the three writes."""
    account = ProveAccount()
    lead_id = answered_lead(account.upsert("email", NORA, name="Nora Field"))
    first = account.leads[lead_id]
    account.update(lead_id, title="Owner")
    return [first, account.leads[lead_id], None]


def lead_of(account: ProveAccount) -> int:
    return answered_lead(account.operations[0])


@pytest.mark.parametrize(
    ("times", "possible"),
    [
        # Between two writes only one state is right; during one, both are.
        ((3, 4), {0}),
        ((10.5, 11.5), {0, 1}),
        ((12.5, 13), {1}),
        ((3, 30), {0, 1, 2}),
        ((21.5, 21.6), {1, 2}),
        ((23, 24), {2}),
    ],
)
@pytest.mark.parametrize("kind", [*ReadKind])
def test_a_read_shows_a_state_that_was_current_while_it_ran(
    account: ProveAccount,
    versions: list[Lead | None],
    times: tuple[float, float],
    possible: set[int],
    kind: ReadKind,
) -> None:
    for place, seen in enumerate(versions):
        reader, lead_id = Reader(account), lead_of(account)
        leads = [seen] if seen else []
        match kind:
            case ReadKind.LEAD:
                reader.lead(lead_id, times, seen)
            case ReadKind.HISTORY:
                reader.history(lead_id, times, place + 1)
            case ReadKind.SEARCH:
                reader.found(kind, times, leads, about=f" {NORA.upper()}")
            case ReadKind.LIST:
                reader.found(kind, times, leads)
        verdict = reader.verdict()
        assert verdict.is_kept is (place in possible), (place, verdict.reads)
        assert verdict.reads.explained == (place in possible)


def test_a_read_is_never_older_than_one_that_was_answered_before(
    account: ProveAccount, versions: list[Lead | None]
) -> None:
    lead_id = lead_of(account)
    for seen, is_kept in (((1, 1), True), ((1, 0), False), ((0, 1), True)):
        reader = Reader(account)
        for place, times in zip(seen, ((11.1, 11.2), (11.3, 11.4)), strict=True):
            reader.lead(lead_id, times, versions[place])
        assert reader.verdict().is_kept is is_kept, seen


def test_reads_at_the_same_moment_may_show_different_states(
    account: ProveAccount, versions: list[Lead | None]
) -> None:
    reader = Reader(account)
    reader.lead(lead_of(account), (11.1, 11.4), versions[1])
    reader.lead(lead_of(account), (11.2, 11.3), versions[0])
    assert reader.verdict().is_kept


def test_a_list_that_mixes_two_states_is_found() -> None:
    account = ProveAccount()
    nora = answered_lead(account.create(name="Nora Field", sent=1, answered=2))
    sam = answered_lead(account.create(name="Sam Roe", sent=3, answered=4))
    before = account.leads_now()
    account.update(nora, title="Owner", sent=11, answered=19)
    account.update(sam, title="Buyer", sent=11, answered=19)
    after = account.leads_now()
    for seen, is_kept in (
        ([before[nora], before[sam]], True),
        ([after[nora], before[sam]], True),
        ([before[nora], after[sam]], False),
        ([after[nora]], False),
    ):
        reader = Reader(account)
        reader.found(ReadKind.LIST, (12, 18), seen)
        assert reader.verdict().is_kept is is_kept


def test_an_answer_that_is_no_read_is_found(account: ProveAccount) -> None:
    reader = Reader(account)
    reader.failure(500)
    verdict = reader.verdict()
    assert not verdict.is_kept
    assert "reads:" in verdict_lines(verdict)
    assert "was answered with 500: Internal error" in verdict.reads.violations[0]


def test_the_verdict_says_what_was_read_and_where_it_should_have_been(
    account: ProveAccount, versions: list[Lead | None]
) -> None:
    reader = Reader(account)
    reader.lead(lead_of(account), (13, 14), versions[0])
    (text,) = reader.verdict().reads.violations
    assert 'read a lead 10001 was answered with 200, version "1", which no moment' in text
    assert "from row 2 to row 2 explains" in text
