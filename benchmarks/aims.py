"""The aims of the write path, and whether a run meets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from benchmarks.names import ENGINE_TITLES, ONE_EACH, ONELEAD, Name
from benchmarks.ratios import Figures, Spread, ratio, spread
from benchmarks.results import Results, UpsertRow, figures
from benchmarks.sections.upserts import USUAL_CONNECTIONS

_MIB = 2**20


class Aim(Struct, frozen=True):
    """A figure of the write path, including the ledger row, and what it should be."""

    title: str
    aim: float
    stretch: float
    is_more_better: bool
    #: The figure of an engine.
    found: Callable[[Results, str], Spread]
    digits: int = 2

    def is_met(self, found: Spread) -> bool:
        """Say whether the median reaches the aim."""
        return found.median >= self.aim if self.is_more_better else found.median <= self.aim

    def is_stretched(self, found: Spread) -> bool:
        """Say whether the median reaches even the stretch aim."""
        if self.is_more_better:
            return found.median >= self.stretch
        return found.median <= self.stretch


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


def per_second(row: UpsertRow) -> float:
    """Return the upserts a second."""
    return row.load.per_second


def _p50(row: UpsertRow) -> float:
    return row.load.p50_ms


def _p99(row: UpsertRow) -> float:
    return row.load.p99_ms


def _against(
    contender_of: Callable[[str], str], figure: Callable[[UpsertRow], float] = per_second
) -> Callable[[Results, str], Spread]:
    def found(results: Results, engine: str) -> Spread:
        return ratio(
            upserts_of(results, ONELEAD[engine], figure),
            upserts_of(results, contender_of(engine), figure),
        )

    return found


def _tail(results: Results, engine: str) -> Spread:
    name = ONELEAD[engine]
    return ratio(upserts_of(results, name, _p99), upserts_of(results, name, _p50))


def _grown(results: Results, engine: str) -> Spread:
    few, many = (
        figures(
            [row for row in results.growth if row.engine == engine and row.people == people],
            lambda row: row.load.per_second,
        )
        for people in (results.size.few, results.size.many)
    )
    return ratio(many, few)


def refused_ratio(results: Results, engine: str) -> Spread:
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
    return ratio(refusals, upserts)


def _resident_mib(results: Results, engine: str) -> Spread:
    def figure(row: UpsertRow) -> float:
        return row.resident_bytes / _MIB

    return spread(upserts_of(results, ONELEAD[engine], figure))


AIMS: Sequence[Aim] = (
    Aim(
        f"upserts a second / {Name.FASTAPI}'s, {USUAL_CONNECTIONS} connections",
        *(12, 15),
        is_more_better=True,
        found=_against(lambda _engine: Name.FASTAPI),
    ),
    Aim(
        "upserts a second / one transaction per request, same engine",
        *(3, 4),
        is_more_better=True,
        found=_against(lambda engine: ONE_EACH[engine]),
    ),
    Aim(
        "upserts a second / pgbench",
        *(1.2, 2),
        is_more_better=True,
        found=_against(lambda _engine: Name.PGBENCH),
    ),
    Aim(
        f"p99 / {Name.FASTAPI}'s p99",
        *(0.07, 0.05),
        is_more_better=False,
        found=_against(lambda _engine: Name.FASTAPI, _p99),
        digits=3,
    ),
    Aim("p99 / p50", 2.5, 2, is_more_better=False, found=_tail),
    Aim(
        "server CPU per upsert / null handler's",
        *(2, 1.6),
        is_more_better=False,
        found=_against(lambda _engine: Name.NULL, lambda row: row.server_cpu_us),
    ),
    Aim("upserts a second, many leads stored / few", 0.85, 0.95, is_more_better=True, found=_grown),
    Aim(
        "refusals a second / upserts, one connection",
        *(2, 3),
        is_more_better=True,
        found=refused_ratio,
    ),
    Aim(
        "memory of the serving process, MiB",
        *(64, 48),
        is_more_better=False,
        found=_resident_mib,
        digits=0,
    ),
)


def verdict(aim: Aim, found: Spread) -> str:
    """Say whether an aim is met."""
    if aim.is_stretched(found):
        return "met, and the stretch"
    return "met" if aim.is_met(found) else "missed"


def aim_rows(results: Results) -> list[tuple[str, ...]]:
    """Return the table of aims: for each aim and engine, the figure and the verdict."""
    rows: list[tuple[str, ...]] = []
    for aim in AIMS:
        for engine, title in ENGINE_TITLES.items():
            found = aim.found(results, engine)
            span = (
                f"{found.median:.{aim.digits}f}",
                f"{found.lowest:.{aim.digits}f} to {found.highest:.{aim.digits}f}",
            )
            bound = "at least" if aim.is_more_better else "at most"
            rows.append((aim.title, title, *span, f"{bound} {aim.aim:g}", verdict(aim, found)))
    return rows
