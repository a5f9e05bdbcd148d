"""The past of the demo looks like six weeks of a real account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.support.process.clock import Clock

from onelead.demo.company import ADS, ENRICHMENT, FORM, IMPORT, SCANNER, Company, set_up
from onelead.demo.weeks import DAYS, Call, Weeks
from onelead.domain.writes import Action
from onelead.storage.sqlite.store import SqliteStore

ZONE = ZoneInfo("America/Los_Angeles")
#: A Friday morning in California, whose clocks were put back three weeks before.
NOW = int(datetime(2026, 11, 20, 17, 30, tzinfo=UTC).timestamp())


@pytest.fixture
async def company(tmp_path: Path) -> Company:
    store = SqliteStore(tmp_path / "demo.db", Clock())
    try:
        return await set_up(store)
    finally:
        await store.close()


def _calls(company: Company, *, now: int = NOW, seed: int = 1) -> list[Call]:
    return Weeks(company, ZONE, now, seed).calls()


def _shown(calls: Sequence[Call]) -> list[tuple[object, ...]]:
    return [(call.at, call.user_id, call.action, call.body) for call in calls]


async def test_the_same_seed_draws_the_same_weeks(company: Company) -> None:
    assert _shown(_calls(company)) == _shown(_calls(company))
    assert _shown(_calls(company)) != _shown(_calls(company, seed=2))


@pytest.mark.parametrize("hours", [0, 7, 13, 16, 24, 48, 72])
async def test_everything_happens_in_order_within_the_weeks_before_now(
    company: Company, hours: int
) -> None:
    now = NOW + hours * 3_600
    moments = [call.at for call in _calls(company, now=now)]
    assert moments == sorted(moments)
    assert now - (DAYS + 1) * 86_400 <= moments[0]
    assert now - 2 * 86_400 < moments[-1] < now


async def test_work_is_done_in_the_hours_of_work_and_enrichment_at_night(company: Company) -> None:
    by_hand = Counter[int]()
    at_night = Counter[int]()
    for call in _calls(company):
        at = datetime.fromtimestamp(call.at, ZONE)
        if call.sender is None and call.action is Action.UPDATE:
            by_hand[at.hour] += 1
            assert at.weekday() < 5
        elif call.sender and call.sender.label == ENRICHMENT:
            at_night[at.hour] += 1
    # An hour either way: the day on which daylight saving time ends is longer.
    assert min(by_hand) >= 8
    assert max(by_hand) <= 18
    assert at_night.keys() <= {1, 2, 3, 4}


async def test_every_source_delivers(company: Company) -> None:
    senders = Counter(call.sender.label for call in _calls(company) if call.sender)
    for label in (FORM, ADS, SCANNER, ENRICHMENT, IMPORT):
        assert senders[label] > 300
