"""The tables of a run, as text: figures are medians over the rounds, ratios also have a range."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from benchmarks.aims import aim_rows, per_second, refused_ratio, upserts_of
from benchmarks.names import ENGINE_TITLES, ONE_EACH, ONELEAD, Name
from benchmarks.ratios import Spread, ratio, spread
from benchmarks.results import Results, UpsertRow
from benchmarks.sections.searches import PAGES
from benchmarks.wrk import Load

_MIB = 2**20
Row = tuple[str, ...]


class Table(Struct, frozen=True):
    """A table."""

    title: str
    headings: Row
    rows: Sequence[Row]


def tables(results: Results) -> dict[str, Table]:
    """Return the tables of every measured section, by the name of their place on the page."""
    makers: dict[str, tuple[bool, Callable[[Results], Table]]] = {
        "machine": (True, _machine),
        "aims": (bool(results.upserts and results.growth and results.refusals), _aims),
        "upserts": (bool(results.upserts), _upserts),
        "ratios": (bool(results.upserts), _ratios),
        "cost": (bool(results.upserts), _cost),
        "races": (bool(results.races), _races),
        "growth": (bool(results.growth), _growth),
        "refusals": (bool(results.refusals), _refusals),
        "searches": (bool(results.searches), _searches),
        "pages": (bool(results.pages), _pages),
        "starts": (bool(results.starts), _starts),
    }
    return {name: make(results) for name, (is_there, make) in makers.items() if is_there}


def _machine(results: Results) -> Table:
    machine = results.machine
    settings = ", ".join(f"{name} {value}" for name, value in machine.postgresql_settings.items())
    rows = [
        ("date", machine.date),
        ("processors", f"{machine.processors} of {machine.processor}"),
        ("memory", f"{machine.memory_gib} GiB"),
        *machine.versions.items(),
        ("PostgreSQL's settings", settings),
        ("rounds", str(results.size.rounds)),
        ("seconds per load", str(results.size.seconds)),
        ("leads stored before contenders are compared", f"{results.size.people:,}"),
    ]
    return Table("Measured with", ("what", "which"), rows)


def _aims(results: Results) -> Table:
    headings = ("figure", "engine", "median", "lowest to highest", "aim", "verdict")
    return Table("Aims", headings, aim_rows(results))


def _upserts(results: Results) -> Table:
    rows = []
    for contender in _contenders(results):
        for connections in results.size.connections:
            measured = _rows_of(results, contender, connections)
            if measured:
                loads = [row.load for row in measured]
                failed = sum(load.refused + load.broken for load in loads)
                rows.append((contender, str(connections), *_speed(loads), str(failed)))
    headings = ("contender", "connections", "upserts/s", "range", "p50 ms", "p99 ms", "failed")
    return Table("Upserts over HTTP", headings, rows)


def _ratios(results: Results) -> Table:
    others = [name for name in _contenders(results) if name not in {*ONELEAD.values(), Name.NULL}]
    rows = []
    for other in others:
        for connections in results.size.connections:
            against = upserts_of(results, other, per_second, connections)
            found = [
                _span(ratio(upserts_of(results, ours, per_second, connections), against))
                if other not in {*ONE_EACH.values()} - {ONE_EACH[engine]}
                else "-"
                for engine, ours in ONELEAD.items()
            ]
            rows.append((other, str(connections), *found))
    headings = ("upserts/s against", "connections", *ONELEAD.values())
    return Table("Ratios", headings, rows)


def _cost(results: Results) -> Table:
    idle = {row.contender: row.resident_bytes / _MIB for row in results.idle}
    rows = []
    for contender in _contenders(results):
        found = [
            spread(upserts_of(results, contender, figure)).median
            for figure in (
                lambda row: row.server_cpu_us,
                lambda row: row.database_cpu_us,
                lambda row: row.resident_bytes / _MIB,
            )
        ]
        server_us, database_us, loaded = found
        rows.append(
            (
                contender,
                f"{server_us:.0f}" if server_us else "-",
                f"{database_us:.0f}" if database_us else "-",
                f"{idle[contender]:.0f}" if loaded else "-",
                f"{loaded:.0f}" if loaded else "-",
            )
        )
    headings = ("contender", "server us", "database us", "MiB idle", "MiB under load")
    return Table("CPU per upsert at 64 connections, and memory of the server", headings, rows)


def _races(results: Results) -> Table:
    rows = []
    for contender in dict.fromkeys(row.contender for row in results.races):
        races = [row for row in results.races if row.contender == contender]
        sums = (
            sum(race.deliveries for race in races),
            sum(race.people for race in races),
            sum(race.duplicates for race in races),
            sum(race.missing for race in races),
            sum(race.failed for race in races),
        )
        rows.append((contender, *(f"{number:,}" for number in sums)))
    headings = ("contender", "deliveries", "people", "duplicates", "people missing", "failed")
    return Table("The race", headings, rows)


def _growth(results: Results) -> Table:
    rows = []
    for engine, title in ENGINE_TITLES.items():
        for people in (results.size.few, results.size.many):
            loads = [
                row.load for row in results.growth if row.engine == engine and row.people == people
            ]
            rows.append((title, f"{people:,}", *_speed(loads)))
    headings = ("engine", "leads stored", "upserts/s", "range", "p50 ms", "p99 ms")
    return Table("Growth, 64 connections", headings, rows)


def _refusals(results: Results) -> Table:
    rows = []
    for engine, title in ENGINE_TITLES.items():
        for is_refusal in (False, True):
            loads = [
                row.load
                for row in results.refusals
                if row.engine == engine and row.is_refusal is is_refusal
            ]
            against = _span(refused_ratio(results, engine)) if is_refusal else ""
            kind = "refusal" if is_refusal else "upsert"
            rows.append((title, kind, *_speed(loads), against))
    headings = ("engine", "what", "requests/s", "range", "p50 ms", "p99 ms", "ratio")
    return Table("Refusals, one connection", headings, rows)


def _searches(results: Results) -> Table:
    rows = []
    for criterion in dict.fromkeys(row.criterion for row in results.searches):
        for page in PAGES:
            cells: list[str] = []
            for engine in ENGINE_TITLES:
                loads = [
                    row.load
                    for row in results.searches
                    if (row.engine, row.criterion, row.page) == (engine, criterion, page)
                ]
                cells += _latency(loads)
            rows.append((criterion, str(page), *cells))
    times = (f"{title} {share} ms" for title in ENGINE_TITLES.values() for share in ("p50", "p99"))
    return Table("Searches", ("by", "page", *times), rows)


def _pages(results: Results) -> Table:
    names = dict.fromkeys(row.page for row in results.pages)
    rows = [(name, *_page_times(results, name)) for name in names]
    columns = (f"{title}, ms (slowest)" for title in ENGINE_TITLES.values())
    return Table("Pages with a million leads", ("page", *columns), rows)


def _page_times(results: Results, name: str) -> Iterable[str]:
    for engine in ENGINE_TITLES:
        found = [row for row in results.pages if (row.engine, row.page) == (engine, name)]
        median = statistics.median(row.median_s for row in found)
        slowest = max(row.slowest_s for row in found)
        yield f"{median * 1000:.0f} ({slowest * 1000:.0f})"


def _starts(results: Results) -> Table:
    rows = []
    for engine, title in ENGINE_TITLES.items():
        found = spread({row.round: row.seconds for row in results.starts if row.engine == engine})
        rows.append((title, f"{found.median:.2f}", f"{found.lowest:.2f} to {found.highest:.2f}"))
    return Table("Start-up to the first answer", ("engine", "seconds", "range"), rows)


def _contenders(results: Results) -> Iterable[str]:
    return dict.fromkeys(row.contender for row in results.upserts)


def _rows_of(results: Results, contender: str, connections: int) -> list[UpsertRow]:
    return [
        row
        for row in results.upserts
        if row.contender == contender and row.connections == connections
    ]


def _speed(loads: Sequence[Load]) -> Row:
    speeds = [load.per_second for load in loads]
    span = f"{min(speeds):,.0f} to {max(speeds):,.0f}"
    return f"{statistics.median(speeds):,.0f}", span, *_latency(loads)


def _latency(loads: Sequence[Load]) -> Row:
    p50 = statistics.median(load.p50_ms for load in loads)
    p99 = statistics.median(load.p99_ms for load in loads)
    return _ms(p50), _ms(p99)


def _ms(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _span(found: Spread) -> str:
    return f"{found.median:.2f} ({found.lowest:.2f} to {found.highest:.2f})"
