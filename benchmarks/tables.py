"""The tables of a run, as text: figures are medians over the rounds, ratios also have a range."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from benchmarks.aims import (
    aim_rows,
    beside_ratio,
    cpu_us,
    files_beside_ratio,
    files_of,
    per_second,
    ratio_if_measured,
    refused_ratio,
    times_our_cpu,
    upserts_of,
)
from benchmarks.file_rows import NEW
from benchmarks.names import ENGINE_TITLES, ONE_EACH, ONELEAD, Name
from benchmarks.noise import DISTURBED, steadiness
from benchmarks.ratios import Spread, spread
from benchmarks.results import GrowthRow, Results, UpsertRow
from benchmarks.sections.beside import SEARCHING
from benchmarks.sections.files import COPY, POCKETBASE
from benchmarks.sections.files_beside import CONNECTIONS
from benchmarks.sections.searches import PAGES
from benchmarks.sections.upserts import LONE, USUAL_CONNECTIONS
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
        "noise": (bool(results.pulses), _noise),
        "aims": (bool(results.upserts), _aims),
        "upserts": (bool(results.upserts), _upserts),
        "ratios": (bool(results.upserts), _ratios),
        "cost": (bool(results.upserts), _cost),
        "memory": (bool(results.upserts), _memory),
        "mix": (bool(results.mix), _mix),
        "beside": (bool(results.beside), _beside),
        "races": (bool(results.races), _races),
        "growth": (bool(results.growth or results.large), _growth),
        "refusals": (bool(results.refusals), _refusals),
        "searches": (bool(results.searches), _searches),
        "pages": (bool(results.pages), _pages),
        "starts": (bool(results.starts), _starts),
        "files": (bool(results.files), _files),
        "files_beside": (bool(results.files_beside), _files_beside),
    }
    return {name: make(results) for name, (is_there, make) in makers.items() if is_there}


#: The places of each section on the page; `large` has rows in the table of growth.
PLACES: dict[str, tuple[str, ...]] = {
    "http": ("aims", "upserts", "ratios", "cost", "memory"),
    "race": ("races",),
    "growth": ("growth",),
    "files": ("files", "files_beside"),
    **{name: (name,) for name in ("mix", "beside", "refusals", "searches", "pages", "starts")},
}


def words(results: Results) -> dict[str, str]:
    """Return what the page says in place of the sections that were left out."""
    return {
        place: f"Not measured: {reason}."
        for section, reason in results.skipped.items()
        for place in PLACES.get(section, ())
    }


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


def _noise(results: Results) -> Table:
    rows = []
    for section in dict.fromkeys(row.section for row in results.pulses):
        found = steadiness(results.pulses, section)
        loop = found.loop_ms
        span = f"{loop.lowest:.0f} to {loop.highest:.0f}"
        said = "noisy: its figures are in doubt" if found.is_noisy else "quiet"
        rows.append((section, f"{loop.median:.0f}", span, f"{found.disturbed:.0%}", said))
    slow = f"over {DISTURBED} times the fastest"
    headings = ("section", "loop, ms", "range", slow, "the machine was")
    return Table("The machine: one fixed loop, timed between the loads", headings, rows)


def _aims(results: Results) -> Table:
    headings = ("figure", "engine", "aim", "stretch", "measured", "lowest to highest", "verdict")
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
            if not against:
                continue
            found = [
                _span(
                    ratio_if_measured(upserts_of(results, ours, per_second, connections), against)
                )
                if other not in {*ONE_EACH.values()} - {ONE_EACH[engine]}
                else "-"
                for engine, ours in ONELEAD.items()
            ]
            rows.append((other, str(connections), *found))
    headings = ("upserts/s against", "connections", *ONELEAD.values())
    return Table("Ratios", headings, rows)


def _cost(results: Results) -> Table:
    """Put the processor time of all processes first, as it is steadier than any speed."""
    rows = []
    for contender in _contenders(results):
        for connections in (LONE, USUAL_CONNECTIONS):
            measured = _rows_of(results, contender, connections)
            # pgbench has no application, and its sessions' start would be most of its time.
            if not measured or contender == Name.PGBENCH:
                continue
            times = [
                _span(times_our_cpu(results, contender, engine, connections))
                if contender not in (ONELEAD[engine], Name.NULL)
                else "-"
                for engine in ONELEAD
            ]
            everything = statistics.median(map(cpu_us, measured))
            server = statistics.median(row.server_cpu_us for row in measured)
            database = statistics.median(row.database_cpu_us for row in measured)
            speed, _range, p50, p99 = _speed([row.load for row in measured])
            parts = (_us(server), _us(database))
            rows.append(
                (contender, str(connections), _us(everything), *times, *parts, speed, p50, p99)
            )
    headings = (
        *("contender", "connections", "CPU us of everything"),
        *(f"/ {name}'s" for name in ONELEAD.values()),
        *("server us", "database us", "upserts/s", "p50 ms", "p99 ms"),
    )
    return Table("CPU of all processes per upsert", headings, rows)


def _us(value: float) -> str:
    return f"{value:,.0f}" if value else "-"


def _memory(results: Results) -> Table:
    idle = {row.contender: row.resident_bytes / _MIB for row in results.idle}
    rows = []
    for contender in _contenders(results):
        measured = _rows_of(results, contender, USUAL_CONNECTIONS)
        loaded = statistics.median(row.resident_bytes / _MIB for row in measured)
        if loaded:
            rows.append((contender, f"{idle[contender]:.0f}", f"{loaded:.0f}"))
    headings = ("contender", "MiB idle", "MiB under load")
    return Table("Memory of the server", headings, rows)


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
    size = results.size
    rows = [
        _growth_row(results.growth, engine, people)
        for engine in ENGINE_TITLES
        for people in (size.few, size.many)
        if results.growth
    ]
    if results.large:
        rows += [_growth_row(results.large, "postgresql", each) for each in (size.few, size.most)]
    elif "large" in results.skipped:
        people = f"{size.most:,}"
        rows.append(("PostgreSQL", people, f"not measured: {results.skipped['large']}", *"---"))
    headings = ("engine", "leads stored", "upserts/s", "range", "p50 ms", "p99 ms")
    return Table("Growth, 64 connections", headings, rows)


def _growth_row(rows: Sequence[GrowthRow], engine: str, people: int) -> Row:
    loads = [row.load for row in rows if row.engine == engine and row.people == people]
    return ENGINE_TITLES[engine], f"{people:,}", *_speed(loads)


def _mix(results: Results) -> Table:
    rows = []
    for engine, title in ENGINE_TITLES.items():
        measured = [row for row in results.mix if row.engine == engine]
        cpu = statistics.median(row.cpu_us for row in measured)
        rows.append((title, *_speed([row.load for row in measured]), _us(cpu)))
    headings = ("engine", "requests/s", "range", "p50 ms", "p99 ms", "CPU us of everything")
    return Table("The mix of an account, 64 connections", headings, rows)


def _beside(results: Results) -> Table:
    rows = []
    for engine, title in ENGINE_TITLES.items():
        measured = [row for row in results.beside if row.engine == engine]
        alone = [row.load for row in measured if row.searches is None]
        beside = [row for row in measured if row.searches is not None]
        searches = [row.searches for row in beside if row.searches is not None]
        searched, _range, *latency = _speed(searches)
        times = _span(beside_ratio(results, engine))
        rows += [
            (title, "alone", *_speed(alone), "", "-", "-", "-"),
            (title, "beside", *_speed([row.load for row in beside]), times, searched, *latency),
        ]
    headings = (
        *("engine", f"{SEARCHING} searching clients", "upserts/s", "range", "p50 ms", "p99 ms"),
        *("p99 / alone", "searches/s", "search p50 ms", "search p99 ms"),
    )
    return Table("Upserts beside searches, 64 connections", headings, rows)


def _files(results: Results) -> Table:
    rows = []
    for contender, engine, what in dict.fromkeys(
        (row.contender, row.engine, row.what) for row in results.files
    ):
        measured = files_of(results, contender, what, engine)
        found = spread(measured)
        times = [
            ratio_if_measured(measured, files_of(results, COPY, NEW, engine)),
            ratio_if_measured(measured, files_of(results, Name.FASTAPI, what)),
            ratio_if_measured(measured, files_of(results, POCKETBASE, what)),
        ]
        title = ENGINE_TITLES.get(engine, "")
        span = f"{found.lowest:,.0f} to {found.highest:,.0f}"
        rows.append((contender, title, what, f"{found.median:,.0f}", span, *map(_span, times)))
    headings = (
        *("contender", "engine", "rows", "rows/s", "range"),
        *("/ COPY's, all new", f"/ {Name.FASTAPI}'s", "/ PocketBase's"),
    )
    return Table("Files in and out", headings, rows)


def _files_beside(results: Results) -> Table:
    rows = []
    for engine, title in ENGINE_TITLES.items():
        for is_beside in (False, True):
            loads = [
                row.load
                for row in results.files_beside
                if row.engine == engine and row.is_beside is is_beside
            ]
            times = _span(files_beside_ratio(results, engine)) if is_beside else ""
            rows.append((title, "beside" if is_beside else "alone", *_speed(loads), times))
    headings = ("engine", "an import", "upserts/s", "range", "p50 ms", "p99 ms", "p99 / alone")
    return Table(f"Upserts beside an import, {CONNECTIONS} connections", headings, rows)


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
        starts = [row for row in results.starts if row.engine == engine]
        found = spread({row.round: row.seconds for row in starts})
        span = f"{found.lowest:.2f} to {found.highest:.2f}"
        resident = statistics.median(row.resident_bytes for row in starts)
        with_pages = statistics.median(row.with_pages_bytes for row in starts)
        # Older results have no memory.
        memory = (f"{size / _MIB:.0f}" if size else "-" for size in (resident, with_pages))
        rows.append((title, f"{found.median:.2f}", span, *memory))
    headings = ("engine", "seconds", "range", "MiB then", "MiB after the first page")
    return Table("Start-up to the first answer", headings, rows)


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


def _span(found: Spread | None) -> str:
    return (
        "-" if found is None else f"{found.median:.2f} ({found.lowest:.2f} to {found.highest:.2f})"
    )
