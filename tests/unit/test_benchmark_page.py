"""The statistics of the benchmarks, and how their results become the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.aims import AIMS, aim_rows, files_beside_ratio, times_our_cpu, verdict
from benchmarks.file_rows import NEW
from benchmarks.names import Name
from benchmarks.noise import PulseRow, steadiness
from benchmarks.page import write_page
from benchmarks.ratios import Spread, ratio, spread
from benchmarks.results import (
    FileBesideRow,
    FileRow,
    GrowthRow,
    Machine,
    RaceRow,
    Results,
    UpsertRow,
    read_results,
    write_results,
)
from benchmarks.run import QUICK
from benchmarks.sections.files import COPY, IMPORT
from benchmarks.sections.growth import NoRoom, require_room
from benchmarks.sections.mix import is_by_chance
from benchmarks.tables import PLACES, tables
from benchmarks.wrk import Load

MACHINE = Machine("2026-01-01", "a processor", 2, 8, {"wrk": "4"}, {"fsync": "on"})


def a_load(*, requests: int) -> Load:
    return Load(requests, seconds=2.0, p50_ms=1.5, p99_ms=30.0, refused=0, broken=0)


def test_a_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    measured, against = {1: 10.0, 2: 90.0, 3: 30.0}, {1: 1.0, 2: 30.0, 3: 6.0}
    assert ratio(measured, against) == Spread(median=5.0, lowest=3.0, highest=10.0)


def test_figures_of_different_rounds_have_no_ratio() -> None:
    with pytest.raises(AssertionError):
        ratio({1: 1.0}, {2: 1.0})


def test_an_even_number_of_rounds_has_the_middle_of_the_two_as_its_median() -> None:
    assert spread({1: 1.0, 2: 4.0}).median == 2.5


@pytest.mark.parametrize(
    ("title", "engine", "median", "expected"),
    [
        ("p99 / p50", "sqlite", 2.5, "met"),
        ("p99 / p50", "sqlite", 2.6, "missed"),
        ("server CPU per upsert, us", "sqlite", 140, "met"),
        ("server CPU per upsert, us", "postgresql", 140, "missed"),
        ("server CPU per upsert, us", "postgresql", 70, "met, and the stretch"),
        ("upserts a second / pgbench, 64 connections", "postgresql", 1.2, "met"),
        ("upserts a second / pgbench, 64 connections", "postgresql", 1.0, "missed"),
    ],
)
def test_the_verdict_is_that_of_the_median(
    title: str, engine: str, median: float, expected: str
) -> None:
    (aim,) = (aim for aim in AIMS if aim.title == title)
    assert verdict(aim, engine, Spread(median, 0.0, 99.0)) == expected


def test_the_aims_of_a_run_that_measured_nothing_are_neither_met_nor_missed() -> None:
    verdicts = {row[-1] for row in aim_rows(Results(MACHINE, QUICK))}
    assert verdicts == {"not measured"}


def an_upsert_row(contender: str, *, server_us: float, database_us: float) -> UpsertRow:
    return UpsertRow(contender, 64, 1, a_load(requests=8), server_us, database_us, 2**20)


def test_the_cost_of_an_upsert_is_that_of_the_server_and_its_database() -> None:
    rows = [
        an_upsert_row(Name.POSTGRESQL, server_us=60.0, database_us=40.0),
        an_upsert_row(Name.FASTAPI, server_us=1_000.0, database_us=200.0),
    ]
    found = times_our_cpu(Results(MACHINE, QUICK, upserts=rows), Name.FASTAPI, "postgresql")
    assert found == Spread(12.0, 12.0, 12.0)


def test_an_import_is_compared_with_copy_on_its_engine_and_with_fastapi_on_its_own() -> None:
    speeds = [(IMPORT, "postgresql", 6_000), (COPY, "postgresql", 10_000)]
    speeds += [(COPY, "sqlite", 99_999), (Name.FASTAPI, "", 500)]
    files = [FileRow(name, engine, NEW, 1, rows, 1.0) for name, engine, rows in speeds]
    rows = aim_rows(Results(MACHINE, QUICK, files=files))
    found = [(row[1], row[4], row[-1]) for row in rows if row[0].startswith("imported rows")]
    missing = ("SQLite", "-", "not measured")
    assert found == [
        *(("PostgreSQL", "0.60", "met, and the stretch"), missing),
        *(("PostgreSQL", "6000", "missed"), missing),
        *(("PostgreSQL", "12.0", "met"), missing),
    ]


def test_upserts_beside_an_import_are_compared_with_those_alone_on_their_engine() -> None:
    found = [("sqlite", 5.0, False), ("sqlite", 15.0, True), ("postgresql", 99.0, False)]
    rows = [
        FileBesideRow(engine, 1, Load(8, 2.0, 1.5, p99_ms, 0, 0), is_beside)
        for engine, p99_ms, is_beside in found
    ]
    results = Results(MACHINE, QUICK, files_beside=rows)
    assert files_beside_ratio(results, "sqlite") == Spread(3.0, 3.0, 3.0)


def test_a_section_is_noisy_if_much_of_it_was_slower_than_the_fastest_loop_of_the_run() -> None:
    pulses = [
        PulseRow("quiet", 1, [100.0] * 19 + [300.0]),
        PulseRow("noisy", 1, [130.0, 110.0, 110.0]),
    ]
    assert not steadiness(pulses, "quiet").is_noisy
    assert steadiness(pulses, "noisy").is_noisy
    assert steadiness(pulses, "noisy").loop_ms == Spread(110.0, 110.0, 130.0)


@pytest.mark.parametrize(
    ("refused", "requests", "expected"),
    [(0, 20, True), (10, 123, True), (500, 10_000, True), (0, 10_000, False), (700, 10_000, False)],
)
def test_the_mix_is_refused_as_often_as_chance_allows(
    refused: int, requests: int, *, expected: bool
) -> None:
    assert is_by_chance(refused, requests) is expected


def test_a_disk_without_room_for_most_leads_is_said_in_the_table_of_growth() -> None:
    with pytest.raises(NoRoom, match="it needs 35 GB of disk, and 29 GB are free") as no_room:
        require_room(5_000_000, 29_000_000_000, copies=2)
    require_room(5_000_000, 29_000_000_000, copies=1)
    growth = [
        GrowthRow(engine, people, 1, a_load(requests=8))
        for engine in ("postgresql", "sqlite")
        for people in (QUICK.few, QUICK.many)
    ]
    skipped = {"large": str(no_room.value)}
    rows = tables(Results(MACHINE, QUICK, growth=growth, skipped=skipped))["growth"].rows
    assert f"not measured: {no_room.value}" in rows[-1]


def test_the_page_has_a_place_for_every_table() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "performance.md").read_text()
    for place in ("machine", "noise", *sum(PLACES.values(), ())):
        assert page.count(f"<!-- generated: {place} -->") == 1, place


def test_the_page_says_what_a_run_left_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- generated: machine -->\n<!-- end of machine -->\n")
    page.write_text(page.read_text() + "<!-- generated: pages -->\nold\n<!-- end of pages -->\n")
    write_page(Results(MACHINE, QUICK, skipped={"pages": "it was left out"}), [], page)
    assert "Not measured: it was left out." in page.read_text()
    assert "old" not in page.read_text()


def test_stored_results_are_read_as_they_were(tmp_path: Path) -> None:
    results = Results(MACHINE, QUICK, growth=[GrowthRow("sqlite", 10, 1, a_load(requests=8))])
    write_results(results, tmp_path / "new" / "results.json")
    assert read_results(tmp_path / "new" / "results.json") == results


def test_only_the_parts_of_measured_sections_change(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# By hand\n\n<!-- generated: machine -->\n<!-- end of machine -->\n\n"
        "<!-- generated: races -->\nold\n<!-- end of races -->\n\n"
        "<!-- generated: starts -->\nstays\n<!-- end of starts -->\n"
    )
    races = [RaceRow(Name.FASTAPI, number, 200, 2_000, 3, 0, 4) for number in (1, 2)]
    plots = [("races", "The race", tmp_path / "page" / "races.svg")]
    write_page(Results(MACHINE, QUICK, races=races), plots, page)
    text = page.read_text()
    assert "# By hand" in text
    assert "old" not in text
    assert "stays" in text
    assert f"| {Name.FASTAPI} | 4,000 | 400 | 6 | 0 | 8 |" in text
    assert "![The race](page/races.svg)" in text
