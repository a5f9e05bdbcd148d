"""Runs the benchmarks: measures, prints, stores, and writes the page.

    python -m benchmarks                                  everything: about 40 minutes
    python -m benchmarks --quick                          everything, small: about 5 minutes
    python -m benchmarks --only http --only race          two sections
    python -m benchmarks --skip large --skip pages        everything else

A full run of everything updates the page docs/performance.md and the results in
benchmarks/results/, and so does a run of some sections with --merge; of what --skip left out, the
page says so. The results of any other run are kept in build/benchmarks/. The first run also makes
the databases that it starts from, which takes minutes, and keeps them in build/benchmarks/cache/.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks.page import print_tables, write_page
from benchmarks.plots import write_plots
from benchmarks.processes import Failed
from benchmarks.results import Results, read_results, this_machine, write_results
from benchmarks.run import FULL, QUICK, Run, a_run
from benchmarks.sections.beside import measure_beside
from benchmarks.sections.files import measure_files
from benchmarks.sections.files_beside import measure_files_beside
from benchmarks.sections.growth import NoRoom, measure_growth, measure_large
from benchmarks.sections.mix import measure_mix
from benchmarks.sections.pages import measure_pages
from benchmarks.sections.races import measure_races
from benchmarks.sections.refusals import measure_refusals
from benchmarks.sections.searches import measure_searches
from benchmarks.sections.starts import measure_starts
from benchmarks.sections.upserts import measure_upserts
from benchmarks.wrk import require_wrk

_STORED = Path("benchmarks/results/performance.json")
_PAGE = Path("docs/performance.md")
_TRIED = Path("build/benchmarks")
LEFT_OUT = "it was left out of this run"


def _http(run: Run, results: Results) -> None:
    results.upserts, results.idle = measure_upserts(run)


def _race(run: Run, results: Results) -> None:
    results.races = measure_races(run)


def _growth(run: Run, results: Results) -> None:
    results.growth = measure_growth(run)


def _large(run: Run, results: Results) -> None:
    try:
        results.large = measure_large(run)
    except NoRoom as reason:
        results.large, results.skipped["large"] = [], str(reason)


def _mix(run: Run, results: Results) -> None:
    results.mix = measure_mix(run)


def _beside(run: Run, results: Results) -> None:
    results.beside = measure_beside(run)


def _refusals(run: Run, results: Results) -> None:
    results.refusals = measure_refusals(run)


def _searches(run: Run, results: Results) -> None:
    results.searches = measure_searches(run)


def _pages(run: Run, results: Results) -> None:
    results.pages = measure_pages(run)


def _starts(run: Run, results: Results) -> None:
    results.starts = measure_starts(run)


def _files(run: Run, results: Results) -> None:
    results.files = measure_files(run)
    results.files_beside = measure_files_beside(run)


SECTIONS: dict[str, Callable[[Run, Results], None]] = {
    "http": _http,
    "race": _race,
    "mix": _mix,
    "beside": _beside,
    "growth": _growth,
    "large": _large,
    "refusals": _refusals,
    "searches": _searches,
    "pages": _pages,
    "starts": _starts,
    "files": _files,
}


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, help=f"default {FULL.rounds}, quick {QUICK.rounds}")
    parser.add_argument("--quick", action="store_true", help="fewer leads and shorter loads")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="may be repeated")
    parser.add_argument("--skip", action="append", choices=SECTIONS, help="may be repeated")
    parser.add_argument(
        "--merge", action="store_true", help="with --only: update these sections of the page"
    )
    parser.add_argument(
        "--page", action="store_true", help="only write the page again, from the stored results"
    )
    options = parser.parse_args()
    console = Console()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        if options.page:
            _write_page(read_results(_STORED), _PAGE)
        else:
            _measure(options, console)
    except Failed as failure:
        sys.exit(f"benchmarks: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)


def _interrupt(_number: int, _frame: object) -> None:
    """End the run at its next step, so that every server it started is ended."""
    raise KeyboardInterrupt


def _measure(options: argparse.Namespace, console: Console) -> None:
    require_wrk()
    size = QUICK if options.quick else FULL
    size = replace(size, rounds=options.rounds or size.rounds)
    results = read_results(_STORED) if options.merge else Results(this_machine(), size)
    with a_run(size, console) as run:
        for name in options.only or SECTIONS:
            if name in (options.skip or ()):
                results.skipped[name] = LEFT_OUT
                continue
            _measure_section(name, run, results)
            # Written now, so that results are not lost if a later section fails.
            write_results(results, _TRIED / _STORED.name)
    print_tables(results, console)
    is_whole = options.merge or not options.only
    if not is_whole or options.quick or size.rounds < FULL.rounds:
        _TRIED.joinpath(_PAGE.name).write_bytes(_PAGE.read_bytes())
        _write_page(results, _TRIED / _PAGE.name)
        console.print(f"kept in {_TRIED}; only a full run updates {_PAGE}")
    else:
        write_results(results, _STORED)
        _write_page(results, _PAGE)
        console.print(f"kept in {_STORED} and {_PAGE}")


def _measure_section(name: str, run: Run, results: Results) -> None:
    run.section, run.pulses = name, []
    results.skipped.pop(name, None)
    SECTIONS[name](run, results)
    others = [row for row in results.pulses if row.section != name]
    results.pulses = [*others, *run.pulses]


def _write_page(results: Results, page: Path) -> None:
    write_page(results, write_plots(results, page.with_suffix("")), page)


if __name__ == "__main__":
    main()
