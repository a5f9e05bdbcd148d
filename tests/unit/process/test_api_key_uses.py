"""The last use of API keys: what is noted, when it is written, and what a failure leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.support.commands.process import DEADLINE_S

from onelead.contract.access import ApiKeyUse
from onelead.domain.account import Caller
from onelead.domain.errors import StoreUnavailable
from onelead.process.api_key_uses import ApiKeyUses, ApiKeyUseWork

FORM = Caller(1, 901, "dana@shop.example", 951)
FAIR = Caller(2, 902, "omar@other.example", 952)


class Written:
    """Replaces the store: these tests are not about the database."""

    def __init__(self) -> None:
        self.uses: list[tuple[int, ApiKeyUse]] = []
        self.failures = 0
        self.done = asyncio.Event()

    async def record(self, account_id: int, uses: Sequence[ApiKeyUse]) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable
        self.uses += [(account_id, use) for use in uses]
        self.done.set()


async def test_only_the_last_use_of_each_key_is_written() -> None:
    uses, written = ApiKeyUses(), Written()
    uses.note(FORM, 100, "192.0.2.1")
    uses.note(FAIR, 101, "192.0.2.2")
    uses.note(FORM, 102, "192.0.2.3")
    await uses.write(written.record)
    assert written.uses == [
        (1, ApiKeyUse(951, 102, "192.0.2.3")),
        (2, ApiKeyUse(952, 101, "192.0.2.2")),
    ]
    await uses.write(written.record)
    assert len(written.uses) == 2


async def test_an_unwritten_use_is_written_later_unless_there_is_a_newer_one() -> None:
    uses, written = ApiKeyUses(), Written()
    written.failures = 1
    uses.note(FORM, 100, "192.0.2.1")
    uses.note(FAIR, 101, "192.0.2.2")
    with pytest.raises(StoreUnavailable):
        await uses.write(written.record)
    uses.note(FORM, 103, "192.0.2.4")
    await uses.write(written.record)
    assert {use for _account, use in written.uses} == {
        ApiKeyUse(951, 103, "192.0.2.4"),
        ApiKeyUse(952, 101, "192.0.2.2"),
    }


async def test_the_work_writes_after_each_rest() -> None:
    uses, written = ApiKeyUses(), Written()
    work = ApiKeyUseWork(written.record, uses, rest_s=0)
    uses.note(FORM, 100, "192.0.2.1")
    await asyncio.wait_for(written.done.wait(), DEADLINE_S)
    await work.stop()
    assert written.uses == [(1, ApiKeyUse(951, 100, "192.0.2.1"))]


@pytest.mark.usefixtures("restored_logging")
async def test_stopping_writes_what_is_left_and_a_failure_does_not_end_the_work() -> None:
    uses, written = ApiKeyUses(), Written()
    written.failures = 1
    work = ApiKeyUseWork(written.record, uses, rest_s=0)
    uses.note(FORM, 100, "192.0.2.1")
    await asyncio.wait_for(written.done.wait(), DEADLINE_S)
    await work.stop()
    later = ApiKeyUseWork(written.record, uses, rest_s=3_600)
    uses.note(FAIR, 101, "192.0.2.2")
    await later.stop()
    assert [account_id for account_id, _use in written.uses] == [1, 2]
