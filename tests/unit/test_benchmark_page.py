"""The statistics of the benchmarks, and how their results become the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.aims import AIMS, verdict
from benchmarks.names import Name
from benchmarks.page import write_page
from benchmarks.ratios import Spread, ratio, spread
from benchmarks.results import GrowthRow, Machine, RaceRow, Results, read_results, write_results
from benchmarks.run import QUICK
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
    ("title", "median", "expected"),
    [
        ("p99 / p50", 2.5, "met"),
        ("p99 / p50", 2.6, "missed"),
        ("p99 / p50", 1.9, "met, and the stretch"),
        ("upserts a second / pgbench", 1.2, "met"),
        ("upserts a second / pgbench", 1.1, "missed"),
    ],
)
def test_the_verdict_is_that_of_the_median(title: str, median: float, expected: str) -> None:
    (aim,) = (aim for aim in AIMS if aim.title == title)
    assert verdict(aim, Spread(median, 0.0, 99.0)) == expected


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
