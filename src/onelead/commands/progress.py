"""How commands show what they have done so far, and in the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from onelead.domain.writes import Outcome

#: Outside a terminal, how often there is a line.
_EVERY_S = 5.0

#: Takes a text such as `1,280 of 20,000 deliveries`.
OnProgress = Callable[[str], None]


class OnRows(Protocol):
    """Takes how many rows are done, and their outcomes in words."""

    def __call__(self, rows: int, outcomes: str = "") -> None:
        """Show them."""


@contextmanager
def shown_progress(doing: str) -> Iterator[OnProgress]:
    """Show a live line on standard error in a terminal, and a line every few seconds elsewhere."""
    from rich.console import Console  # noqa: PLC0415 - `serve` starts without it

    console = Console(file=sys.stderr, markup=False, emoji=False, highlight=False)
    last = time.monotonic()

    def print_line(text: str) -> None:
        nonlocal last
        if time.monotonic() >= last + _EVERY_S:
            last = time.monotonic()
            console.print(f"{doing}: {text}")

    if not console.is_terminal:
        yield print_line
        return
    with console.status(doing) as status:
        yield lambda text: status.update(f"{doing}: {text}")


def rows_shown(on_progress: OnProgress, all_rows: int | None = None, before: int = 0) -> OnRows:
    """Return what shows how far a file is: its rows, rows a second and, knowing all, time left."""
    began = time.monotonic()

    def show(rows: int, outcomes: str = "") -> None:
        rate = (rows - before) / max(time.monotonic() - began, 0.001)
        of, left = "", ""
        if all_rows is not None:
            of = f" of {max(all_rows, rows):,}"
            seconds = round(max(all_rows - rows, 0) / rate) if rate else 0
            left = f", {seconds // 60}:{seconds % 60:02} left"
        told = f": {outcomes}" if outcomes else ""
        on_progress(f"{rows:,}{of} rows{told}; {rate:,.0f} rows/s{left}")

    return show


def amount(count: int, noun: str) -> str:
    """Write how many there are of something."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def outcome_lines(
    outcomes: Mapping[str, int], refusals: Mapping[str, int] | None = None
) -> list[str]:
    """Return a line for each outcome; refused writes have one for each reason that is known."""
    counts = {one: n for one, n in outcomes.items() if not refusals or one != Outcome.REFUSED}
    counts |= {f"refused: {why}": count for why, count in (refusals or {}).items()}
    return [f"  {count:,} {text}" for text, count in counts.items()]
