"""The plots of a run, drawn by pygal as self-contained SVG files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygal
from pygal.style import Style

from benchmarks.aims import per_second, upserts_of
from benchmarks.names import ENGINE_TITLES, ONELEAD, Name
from benchmarks.page import Plot
from benchmarks.ratios import spread
from benchmarks.results import Results
from benchmarks.sections.upserts import USUAL_CONNECTIONS

_STYLE = Style(
    background="white",
    plot_background="white",
    font_family="sans-serif",
    label_font_size=13,
    major_label_font_size=13,
    legend_font_size=13,
    title_font_size=16,
    value_font_size=12,
    colors=("#0f766e", "#1d4ed8", "#5eead4", "#93c5fd", "#64748b", "#b45309", "#be123c", "#a21caf"),
)


def write_plots(results: Results, folder: Path) -> Iterator[Plot]:
    """Write the plots of every measured section."""
    folder.mkdir(parents=True, exist_ok=True)
    if results.upserts:
        file = folder / "upserts.svg"
        _write(_speed_by_connections(results), file)
        yield "upserts", "Upserts a second, by contender and number of connections", file
        file = folder / "latency.svg"
        _write(_latency(results), file)
        yield "ratios", "p50 and p99 at 64 connections, by contender", file
    if results.races:
        file = folder / "races.svg"
        _write(_races(results), file)
        yield "races", "Duplicates left and deliveries failed in the race, by contender", file
    if results.growth:
        file = folder / "growth.svg"
        _write(_growth(results), file)
        yield "growth", "Upserts a second with few and with many leads stored", file
    if results.searches:
        file = folder / "searches.svg"
        _write(_searches(results), file)
        yield "searches", "p50 of searches by criterion, page and engine", file


def _options(title: str) -> dict[str, Any]:
    return {
        "title": title,
        "style": _STYLE,
        "js": [],
        "no_prefix": True,
        "disable_xml_declaration": True,
        "width": 900,
        "height": 460,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 2,
        "truncate_legend": -1,
        "truncate_label": -1,
    }


def _write(chart: Any, file: Path) -> None:
    drawn = chart.render(is_unicode=True)
    # Only the picture is kept: no script, and nothing but the figures that differs between runs.
    drawn = re.sub(r"<script.*?</script>|<!--.*?-->| id=\"\"", "", drawn, flags=re.DOTALL)
    file.write_text(f"{drawn}\n", encoding="utf-8")


def _contenders(results: Results) -> list[str]:
    names = dict.fromkeys(row.contender for row in results.upserts)
    return [name for name in names if name != Name.NULL]


def _speed_by_connections(results: Results) -> Any:
    chart = pygal.Line(
        **_options("Upserts a second, by connections"),
        logarithmic=True,
        show_minor_y_labels=False,
        stroke_style={"width": 2.5},
    )
    chart.x_labels = [str(connections) for connections in results.size.connections]
    for name in _contenders(results):
        found = (
            upserts_of(results, name, per_second, connections)
            for connections in results.size.connections
        )
        # Some contenders are not measured with every number of connections.
        chart.add(name, [round(spread(each).median) if each else None for each in found])
    return chart


def _latency(results: Results) -> Any:
    title = f"Milliseconds to the answer, {USUAL_CONNECTIONS} connections"
    chart = pygal.HorizontalBar(**_options(title), print_values=True)
    # The first row of a horizontal chart is at the bottom.
    names = _contenders(results)[::-1]
    chart.x_labels = names
    for label, figure in (
        ("p50", lambda row: row.load.p50_ms),
        ("p99", lambda row: row.load.p99_ms),
    ):
        medians = (spread(upserts_of(results, name, figure)).median for name in names)
        chart.add(label, [round(median, 1) for median in medians])
    return chart


def _races(results: Results) -> Any:
    chart = pygal.HorizontalBar(**_options("The race: what went wrong"), print_values=True)
    names = list(dict.fromkeys(row.contender for row in results.races))[::-1]
    chart.x_labels = names
    for label, figure in (
        ("duplicates left", lambda row: row.duplicates),
        ("deliveries failed", lambda row: row.failed),
    ):
        chart.add(
            label,
            [sum(figure(row) for row in results.races if row.contender == name) for name in names],
        )
    return chart


def _growth(results: Results) -> Any:
    chart = pygal.HorizontalBar(**_options("Upserts a second, by leads stored"), print_values=True)
    sizes = (results.size.many, results.size.few)
    chart.x_labels = [f"{people:,}" for people in sizes]
    for engine, name in ONELEAD.items():
        medians = (
            spread(
                {
                    row.round: row.load.per_second
                    for row in results.growth
                    if row.engine == engine and row.people == people
                }
            ).median
            for people in sizes
        )
        chart.add(name, [round(median) for median in medians])
    return chart


def _searches(results: Results) -> Any:
    title = f"Milliseconds of a search, p50, {results.size.many:,} leads"
    chart = pygal.HorizontalBar(**_options(title), print_values=True)
    kinds = list(dict.fromkeys((row.criterion, row.page) for row in results.searches))[::-1]
    chart.x_labels = [f"{criterion}, page {page}" for criterion, page in kinds]
    for engine, title in ENGINE_TITLES.items():
        medians = (
            spread(
                {
                    row.round: row.load.p50_ms
                    for row in results.searches
                    if (row.engine, row.criterion, row.page) == (engine, criterion, page)
                }
            ).median
            for criterion, page in kinds
        )
        chart.add(title, [round(median, 2) for median in medians])
    return chart
