"""The aims of the write path, and whether a run meets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from benchmarks.file_rows import NEW
from benchmarks.names import ENGINE_TITLES, ONELEAD, Name
from benchmarks.ratios import Figures, Spread, ratio, spread
from benchmarks.results import BesideRow, GrowthRow, Results, StartRow, UpsertRow, figures
from benchmarks.sections.beside import SEARCHING
from benchmarks.sections.files import COPY, IMPORT
from benchmarks.sections.files_beside import CONNECTIONS
from benchmarks.sections.upserts import LONE, USUAL_CONNECTIONS

_MIB = 2**20
_MANY_CONNECTIONS = 256

#: An aim, and the one beyond it.
Goal = tuple[float, float | None]
#: The figure of an engine; None if the run has not measured it.
Finder = Callable[[Results, str], Spread | None]


class Aim(Struct, frozen=True):
    """A figure of the write path, including the ledger row, and what it should be."""

    title: str
    #: By engine.
    goals: Mapping[str, Goal]
    is_more_better: bool
    found: Finder
    digits: int = 2

    def reaches(self, found: Spread, goal: float) -> bool:
        """Say whether the median is as good as a goal."""
        return found.median >= goal if self.is_more_better else found.median <= goal


def upserts_of(
    results: Results,
    contender: str,
    figure: Callable[[UpsertRow], float],
    connections: int = USUAL_CONNECTIONS,
) -> Figures:
    """Return a figure of one contender under one load, by round."""
    rows = [
        row
        for row in results.upserts
        if row.contender == contender and row.connections == connections
    ]
    return figures(rows, figure)


def per_second(row: UpsertRow | GrowthRow) -> float:
    """Return the upserts a second."""
    return row.load.per_second


def cpu_us(row: UpsertRow) -> float:
    """Return the processor time of an upsert, of all processes."""
    return row.cpu_us


def _server_us(row: UpsertRow) -> float:
    return row.server_cpu_us


def _p50(row: UpsertRow) -> float:
    return row.load.p50_ms


def _p99(row: UpsertRow | BesideRow) -> float:
    return row.load.p99_ms


def ratio_if_measured(measured: Figures, against: Figures) -> Spread | None:
    """Return the ratio of two figures, or None if one of them is missing."""
    return ratio(measured, against) if measured and against else None


def _against(
    contender: str,
    figure: Callable[[UpsertRow], float] = per_second,
    connections: int = USUAL_CONNECTIONS,
) -> Finder:
    def found(results: Results, engine: str) -> Spread | None:
        return ratio_if_measured(
            upserts_of(results, ONELEAD[engine], figure, connections),
            upserts_of(results, contender, figure, connections),
        )

    return found


def _server_cpu(results: Results, engine: str) -> Spread | None:
    found = upserts_of(results, ONELEAD[engine], _server_us)
    return spread(found) if found else None


def times_our_cpu(
    results: Results, contender: str, engine: str, connections: int = USUAL_CONNECTIONS
) -> Spread | None:
    """Return how many times onelead's processor time a contender takes for an upsert."""
    return ratio_if_measured(
        upserts_of(results, contender, cpu_us, connections),
        upserts_of(results, ONELEAD[engine], cpu_us, connections),
    )


def _tail(results: Results, engine: str) -> Spread | None:
    name = ONELEAD[engine]
    return ratio_if_measured(upserts_of(results, name, _p99), upserts_of(results, name, _p50))


def _grown(rows: Sequence[GrowthRow], engine: str, few: int, many: int) -> Spread | None:
    def speeds(people: int) -> Figures:
        found = [row for row in rows if row.engine == engine and row.people == people]
        return figures(found, per_second)

    return ratio_if_measured(speeds(many), speeds(few))


def refused_ratio(results: Results, engine: str) -> Spread | None:
    """Return the ratio of refusals a second to upserts a second."""
    upserts, refusals = (
        figures(
            [
                row
                for row in results.refusals
                if row.engine == engine and row.is_refusal is is_refusal
            ],
            lambda row: row.load.per_second,
        )
        for is_refusal in (False, True)
    )
    return ratio_if_measured(refusals, upserts)


def beside_ratio(results: Results, engine: str) -> Spread | None:
    """Return the ratio of the upserts' p99 beside searches to that alone."""
    alone, beside = (
        figures(
            [
                row
                for row in results.beside
                if row.engine == engine and (row.searches is not None) is is_beside
            ],
            _p99,
        )
        for is_beside in (False, True)
    )
    return ratio_if_measured(beside, alone)


def files_of(results: Results, contender: str, what: str, engine: str = "") -> Figures:
    """Return the rows a second of a contender, by round."""
    rows = [
        row
        for row in results.files
        if (row.contender, row.what, row.engine) == (contender, what, engine)
    ]
    return figures(rows, lambda row: row.per_second)


def _imported(contender: str, *, same_engine: bool = False) -> Finder:
    def found(results: Results, engine: str) -> Spread | None:
        against = files_of(results, contender, NEW, engine if same_engine else "")
        return ratio_if_measured(files_of(results, IMPORT, NEW, engine), against)

    return found


def _import_speed(results: Results, engine: str) -> Spread | None:
    found = files_of(results, IMPORT, NEW, engine)
    return spread(found) if found else None


def files_beside_ratio(results: Results, engine: str) -> Spread | None:
    """Return the ratio of the upserts' p99 beside an import to that alone."""
    alone, beside = (
        figures(
            [
                row
                for row in results.files_beside
                if row.engine == engine and row.is_beside is is_beside
            ],
            lambda row: row.load.p99_ms,
        )
        for is_beside in (False, True)
    )
    return ratio_if_measured(beside, alone)


def _started(figure: Callable[[StartRow], float]) -> Finder:
    def found(results: Results, engine: str) -> Spread | None:
        measured = figures([row for row in results.starts if row.engine == engine], figure)
        # Older results have no memory.
        return spread(measured) if any(measured.values()) else None

    return found


def _both(aim: float, stretch: float | None = None) -> Mapping[str, Goal]:
    return dict.fromkeys(ENGINE_TITLES, (aim, stretch))


AIMS: Sequence[Aim] = (
    Aim(
        "server CPU per upsert, us",
        {"postgresql": (80, 70), "sqlite": (140, 110)},
        is_more_better=False,
        found=_server_cpu,
        digits=0,
    ),
    Aim(
        f"CPU of everything per upsert, {Name.FASTAPI}'s / onelead's",
        _both(15),
        is_more_better=True,
        found=lambda results, engine: times_our_cpu(results, Name.FASTAPI, engine),
        digits=1,
    ),
    Aim(
        f"upserts a second / {Name.FASTAPI}'s, {USUAL_CONNECTIONS} connections",
        _both(9.5, 12),
        is_more_better=True,
        found=_against(Name.FASTAPI),
    ),
    Aim(
        f"upserts a second / pgbench, {USUAL_CONNECTIONS} connections",
        _both(1.1),
        is_more_better=True,
        found=_against(Name.PGBENCH),
    ),
    Aim(
        f"upserts a second / pgbench, {_MANY_CONNECTIONS} connections",
        _both(2),
        is_more_better=True,
        found=_against(Name.PGBENCH, per_second, _MANY_CONNECTIONS),
    ),
    Aim(
        f"upserts a second / {Name.POCKETBASE_SEARCH}, one connection",
        {"postgresql": (0.95, None), "sqlite": (1.4, None)},
        is_more_better=True,
        found=_against(Name.POCKETBASE_SEARCH, per_second, LONE),
    ),
    Aim(
        f"upserts a second / {Name.POCKETBASE_SEARCH_FULL}, one connection",
        {"postgresql": (1.1, None), "sqlite": (1.5, None)},
        is_more_better=True,
        found=_against(Name.POCKETBASE_SEARCH_FULL, per_second, LONE),
    ),
    Aim(
        f"p99 / {Name.FASTAPI}'s p99",
        _both(0.065),
        is_more_better=False,
        found=_against(Name.FASTAPI, _p99),
        digits=3,
    ),
    Aim("p99 / p50", _both(2.5), is_more_better=False, found=_tail),
    Aim(
        "refusals a second / upserts, one connection",
        _both(2),
        is_more_better=True,
        found=refused_ratio,
    ),
    Aim(
        f"p99 of upserts beside {SEARCHING} searching clients / alone",
        _both(3),
        is_more_better=False,
        found=beside_ratio,
    ),
    Aim(
        "upserts a second, many leads stored / few",
        _both(0.85),
        is_more_better=True,
        found=lambda results, engine: _grown(
            results.growth, engine, results.size.few, results.size.many
        ),
    ),
    Aim(
        "upserts a second, most leads stored / few",
        {"postgresql": (0.85, None)},
        is_more_better=True,
        found=lambda results, engine: _grown(
            results.large, engine, results.size.few, results.size.most
        ),
    ),
    Aim(
        "imported rows a second, all new / COPY into the same tables",
        _both(0.3, 0.55),
        is_more_better=True,
        found=_imported(COPY, same_engine=True),
    ),
    Aim(
        "imported rows a second, all new",
        _both(10_000),
        is_more_better=True,
        found=_import_speed,
        digits=0,
    ),
    Aim(
        f"imported rows a second, all new / {Name.FASTAPI}'s",
        _both(10),
        is_more_better=True,
        found=_imported(Name.FASTAPI),
        digits=1,
    ),
    Aim(
        f"p99 of upserts beside an import / alone, {CONNECTIONS} connections",
        _both(2),
        is_more_better=False,
        found=files_beside_ratio,
    ),
    Aim(
        "seconds to the first answer",
        _both(1),
        is_more_better=False,
        found=_started(lambda row: row.seconds),
    ),
    Aim(
        "memory at the first answer, MiB",
        {"postgresql": (90, None), "sqlite": (80, None)},
        is_more_better=False,
        found=_started(lambda row: row.resident_bytes / _MIB),
        digits=0,
    ),
    Aim(
        "memory after the first page, MiB",
        _both(110),
        is_more_better=False,
        found=_started(lambda row: row.with_pages_bytes / _MIB),
        digits=0,
    ),
)


def verdict(aim: Aim, engine: str, found: Spread | None) -> str:
    """Say whether an aim is met."""
    if found is None:
        return "not measured"
    goal, stretch = aim.goals[engine]
    if stretch is not None and aim.reaches(found, stretch):
        return "met, and the stretch"
    return "met" if aim.reaches(found, goal) else "missed"


def aim_rows(results: Results) -> list[tuple[str, ...]]:
    """Return the table of aims: for each aim and engine, the figure and the verdict."""
    rows: list[tuple[str, ...]] = []
    for aim in AIMS:
        bound = "at least" if aim.is_more_better else "at most"
        for engine, (goal, stretch) in aim.goals.items():
            found = aim.found(results, engine)
            span = ("-", "-")
            if found is not None:
                span = (
                    f"{found.median:.{aim.digits}f}",
                    f"{found.lowest:.{aim.digits}f} to {found.highest:.{aim.digits}f}",
                )
            goals = (f"{bound} {goal:g}", "-" if stretch is None else f"{stretch:g}")
            rows.append(
                (aim.title, ENGINE_TITLES[engine], *goals, *span, verdict(aim, engine, found))
            )
    return rows
