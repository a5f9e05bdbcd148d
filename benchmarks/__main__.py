"""Measures the embedded engine: what a match costs, what a search costs, what a batch gains.

    python -m benchmarks --leads 1000000 --rounds 7

Every figure is a ratio of two things measured in turns in the same run, the median over the
rounds with its range; times alone mean nothing on another machine. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.leads import SHARED_NAME, a_delivery, fill, open_store
from onelead.account import AccountSettings
from onelead.matching import Match
from onelead.properties import LeadPatch
from onelead.search import FieldFilter, LeadSearch, TagFilter, phone_ending
from onelead.storage.sqlite import SqliteStore
from onelead.store import Batch
from onelead.upsert import Action, LeadWrite, PreparedWrite, prepared

Work = Callable[[], Awaitable[object]]
_REPEATS = 20
_BATCHED_WRITES = 1024


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000, help="how many leads are stored")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(_measure(Path(folder), options.leads, options.rounds))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1))
    Console().print(_table(results, options.leads))


async def _measure(folder: Path, leads: int, rounds: int) -> list[dict[str, Any]]:
    store = open_store(folder)
    try:
        settings = await fill(store, leads)
        base, works = _works(store, settings)
        seconds: dict[str, list[float]] = {name: [] for name in works}
        for number in range(rounds):
            # The order turns, so that nothing always profits from what ran before it.
            names = list(works)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                seconds[name].append(await _seconds(works[name]))
    finally:
        await store.close()
    return [_result(name, base[name], seconds) for name in works if name in base]


async def _seconds(work: Work) -> float:
    await work()
    start = time.perf_counter()
    for _ in range(_REPEATS):
        await work()
    return (time.perf_counter() - start) / _REPEATS


def _result(name: str, base: str, seconds: dict[str, list[float]]) -> dict[str, Any]:
    ratios = [this / that for this, that in zip(seconds[name], seconds[base], strict=True)]
    return {
        "measured": name,
        "against": base,
        "ratio": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "median_ms": statistics.median(seconds[name]) * 1000,
    }


def _works(store: SqliteStore, settings: AccountSettings) -> tuple[dict[str, str], dict[str, Work]]:
    """Return what is measured by name, and what each is compared with."""
    hit = "upsert by e-mail, 1 match"
    works: dict[str, Work] = {
        hit: _upsert(store, settings, "email", "p5@field.example"),
        "upsert by name, 31 matches": _upsert(store, settings, "name", SHARED_NAME),
        "upsert by custom field, 1 match": _upsert(
            *(store, settings, "custom"),
            {"custom_field_definition_id": settings.fields[0].id, "value": "C-77"},
        ),
    }
    base = dict.fromkeys(list(works)[1:], hit)
    for size in (8, 64, 256):
        name = f"{_BATCHED_WRITES} upserts, {size} a batch"
        works[name] = _batches(store, settings, size)
        base[name] = f"{_BATCHED_WRITES} upserts, 1 a batch"
    works[f"{_BATCHED_WRITES} upserts, 1 a batch"] = _batches(store, settings, 1)
    for name, search in _searches(settings).items():
        works[name] = _search(store, settings, search)
        base[name] = hit
    return base, works


def _searches(settings: AccountSettings) -> dict[str, LeadSearch]:
    customer_number, score = settings.fields
    return {
        "search by e-mail": LeadSearch(emails=("p777@field.example",)),
        "search by phone": LeadSearch(phone_ending=phone_ending("512-003-1234", None)),
        "search by a rare tag": LeadSearch(tags=TagFilter(("rare5",))),
        "search by a text field": LeadSearch(
            custom_fields=(FieldFilter(customer_number.id, ("C-4242",)),)
        ),
        "search by a range of numbers": LeadSearch(
            custom_fields=(FieldFilter(score.id, minimum=10, maximum=19),)
        ),
        "search by nothing, page 1": LeadSearch(),
        "search by nothing, page 500": LeadSearch(offset=499 * 20),
    }


def _search(store: SqliteStore, settings: AccountSettings, search: LeadSearch) -> Work:
    return lambda: store.search_leads(settings.account_id, search, now=int(time.time()))


def _upsert(store: SqliteStore, settings: AccountSettings, field_name: str, value: Any) -> Work:
    titles = iter(range(10**9))

    async def work() -> None:
        write = _write(settings, field_name, value, f"Buyer {next(titles)}")
        await store.write_leads(Batch(settings, [write]))

    return work


def _write(settings: AccountSettings, field_name: str, value: Any, title: str) -> PreparedWrite:
    write = LeadWrite(
        *(Action.UPSERT, a_delivery(1)),
        patch=LeadPatch(title=title),
        match=Match(field_name, value),
    )
    return prepared(write, settings)


def _batches(store: SqliteStore, settings: AccountSettings, size: int) -> Work:
    titles = iter(range(10**9))

    async def work() -> None:
        turn = next(titles)
        for start in range(0, _BATCHED_WRITES, size):
            emails = (f"p{number}@field.example" for number in range(start, start + size))
            writes = [_write(settings, "email", email, f"Buyer {turn}") for email in emails]
            await store.write_leads(Batch(settings, writes))

    return work


def _table(results: list[dict[str, Any]], leads: int) -> Table:
    table = Table(title=f"{leads:,} leads stored, times in proportion")
    for heading in ("measured", "against", "ratio", "range", "ms"):
        table.add_column(heading, justify="left" if heading in ("measured", "against") else "right")
    for row in results:
        span = f"{row['lowest']:.2f} to {row['highest']:.2f}"
        cells = (f"{row['ratio']:.2f}", span, f"{row['median_ms']:.2f}")
        table.add_row(row["measured"], row["against"], *cells)
    return table


if __name__ == "__main__":
    main()
