"""Scans for shared values: a look starts one, unless the last is recent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from tests.support.commands.process import DEADLINE_S
from tests.support.domain.builders import a_field, a_settings
from tests.support.process.clock import Clock

from onelead.contract.figures import SharedValue, SharedValues
from onelead.domain.custom_fields import DataType, IndexState
from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import SCAN_ACCOUNTS_MAX, SCAN_CHUNK_KEYS, SCAN_REST_S, SCAN_VALUES_MAX
from onelead.process.shared_values import ScanView, SharedValueScans, scanned_fields

LEADS = 10


@dataclass
class Keys:
    """A store with match keys only; each step waits until it may go on."""

    #: The steps to answer with, by field; a field without any has one empty step.
    steps: dict[str, list[SharedValues]] = field(default_factory=dict)
    asked: list[tuple[int, str, str]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    #: The number of the step that waits again.
    stops_at: int = 0

    async def shared_values(
        self, account_id: int, key_field: str, *, after: str, limit: int
    ) -> SharedValues:
        assert limit == SCAN_CHUNK_KEYS
        self.asked.append((account_id, key_field, after))
        if len(self.asked) == self.stops_at:
            self.may_go_on.clear()
        await self.may_go_on.wait()
        if self.failures:
            raise self.failures.pop()
        steps = self.steps.get(key_field)
        return steps.pop(0) if steps else SharedValues([], None, 0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
async def scans(keys: Keys, clock: Clock) -> AsyncIterator[SharedValueScans]:
    running = SharedValueScans(keys, clock, clock.monotonic)
    yield running
    await running.stop()


async def settled() -> None:
    """Let all tasks run until they wait for the test."""
    for _ in range(50):
        await asyncio.sleep(0)


async def found(scans: SharedValueScans, keys: Keys) -> ScanView:
    """Look, and look again when the scan is over."""
    scans.look(a_settings(), LEADS)
    keys.may_go_on.set()
    await settled()
    return scans.look(a_settings(), LEADS)


def shared(*pairs: tuple[str, int]) -> list[SharedValue]:
    return [SharedValue(*pair) for pair in pairs]


async def test_the_first_look_begins_a_scan_and_later_ones_see_its_progress(
    scans: SharedValueScans, keys: Keys, clock: Clock
) -> None:
    assert scans.look(a_settings(), LEADS) == ScanView(None, 0)
    await settled()
    assert keys.asked == [(1, "name", "")]
    keys.steps["name"] = [
        SharedValues(shared(("nora", 2)), "nora", 5),
        SharedValues(shared(("omar", 4)), None, 5),
    ]
    view = await found(scans, keys)
    assert view.percent is None
    assert view.scan is not None
    assert view.scan.date == clock.now
    (name,) = view.scan.fields
    assert (name.key_field, name.shared) == ("name", 2)
    assert list(name.values) == shared(("omar", 4), ("nora", 2))
    assert keys.asked == [(1, "name", ""), (1, "name", "nora"), (1, "email", "")]


async def test_progress_is_the_part_of_the_match_keys_that_were_read(
    scans: SharedValueScans, keys: Keys
) -> None:
    keys.steps["name"] = [SharedValues([], "m", 5), SharedValues([], None, 5)]
    scans.look(a_settings(), LEADS)
    await settled()
    keys.stops_at = 2
    keys.may_go_on.set()
    await settled()
    # Half of the first of two fields.
    assert scans.look(a_settings(), LEADS).percent == 25


async def test_a_scan_is_shown_until_a_later_look_starts_another(
    scans: SharedValueScans, keys: Keys, clock: Clock
) -> None:
    first = await found(scans, keys)
    asked = len(keys.asked)
    clock.advance(SCAN_REST_S - 1)
    assert scans.look(a_settings(), LEADS) == first
    await settled()
    assert len(keys.asked) == asked
    clock.advance(1)
    assert scans.look(a_settings(), LEADS) == ScanView(first.scan, 0)
    await settled()
    later = scans.look(a_settings(), LEADS)
    assert later.scan is not None
    assert later.scan.date == clock.now


async def test_only_the_values_with_the_most_leads_are_kept_and_all_are_counted(
    scans: SharedValueScans, keys: Keys
) -> None:
    many = shared(*((f"lead {n:02}", n + 2) for n in range(SCAN_VALUES_MAX + 5)))
    keys.steps["email"] = [SharedValues(many[:8], "lead 07", 8), SharedValues(many[8:], None, 9)]
    view = await found(scans, keys)
    assert view.scan is not None
    (email,) = view.scan.fields
    assert email.shared == SCAN_VALUES_MAX + 5
    assert list(email.values) == many[: -SCAN_VALUES_MAX - 1 : -1]


async def test_placeholders_are_neither_listed_nor_counted(
    scans: SharedValueScans, keys: Keys
) -> None:
    keys.steps["name"] = [SharedValues(shared(("n/a", 40), ("nora", 2)), "nora", 42)]
    keys.steps["email"] = [SharedValues(shared(("{{email}}", 3)), None, 3)]
    view = await found(scans, keys)
    assert view.scan is not None
    (name,) = view.scan.fields
    assert (name.key_field, name.shared) == ("name", 1)
    assert list(name.values) == shared(("nora", 2))


@pytest.mark.parametrize("failure", [StoreUnavailable(), ValueError("a defect")])
async def test_a_scan_that_fails_leaves_the_last_one(
    scans: SharedValueScans, keys: Keys, clock: Clock, failure: Exception
) -> None:
    before = await found(scans, keys)
    clock.advance(SCAN_REST_S)
    keys.failures = [failure]
    scans.look(a_settings(), LEADS)
    await settled()
    assert scans.look(a_settings(), LEADS) == before


async def test_one_account_is_scanned_at_a_time_and_the_oldest_is_forgotten(
    scans: SharedValueScans, keys: Keys
) -> None:
    for account_id in range(1, SCAN_ACCOUNTS_MAX + 2):
        scans.look(a_settings(account_id=account_id), LEADS)
    await settled()
    # The first account made room for the last one, and its scan ended.
    assert {account_id for account_id, _field, _after in keys.asked} <= {1, 2}
    keys.may_go_on.set()
    for _ in range(20):
        await settled()
    assert scans.look(a_settings(account_id=2), LEADS).scan is not None
    assert scans.look(a_settings(account_id=1), LEADS) == ScanView(None, 0)


async def test_stopping_ends_a_scan(scans: SharedValueScans, keys: Keys) -> None:
    scans.look(a_settings(), LEADS)
    await settled()
    await asyncio.wait_for(scans.stop(), DEADLINE_S)
    assert scans.look(a_settings(), LEADS) == ScanView(None, None)


def test_only_fields_that_identify_people_are_scanned() -> None:
    ready = {"is_filterable": True, "index_state": IndexState.READY, "index_generation": 2}
    fields = (
        a_field(id=1, **ready),
        a_field(id=2, data_type=DataType.URL, **ready),
        a_field(id=3),
        a_field(id=4, **ready | {"index_state": IndexState.BUILDING}),
        a_field(id=5, data_type=DataType.CURRENCY, **ready),
        a_field(id=6, data_type=DataType.DROPDOWN, **ready),
        a_field(id=7, **ready | {"available_on": ("person",)}),
        # Its match keys still exist for a moment.
        a_field(id=8, **ready | {"is_filterable": False}),
    )
    scanned = scanned_fields(a_settings(fields=fields))
    assert scanned == ["name", "email", "custom:1.2", "custom:2.2"]
