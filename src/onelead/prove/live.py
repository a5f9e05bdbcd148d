"""The progress of a proof: a live line in a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console
from rich.status import Status

from onelead.prove.run import OnProgress, Progress

_LINE_EVERY_S = 5.0


@contextmanager
def shown_progress(to: IO[str], seconds: float) -> Iterator[OnProgress]:
    """Show progress while the block runs; `seconds` is how long the clients deliver."""
    console = Console(file=to, markup=False, emoji=False, highlight=False)
    if console.is_terminal:
        with console.status("preparing") as status:
            yield _live(status, seconds)
    else:
        yield _lines(console, seconds)


def _live(status: Status, seconds: float) -> OnProgress:
    return lambda progress: status.update(_text(progress, seconds))


def _lines(console: Console, seconds: float) -> OnProgress:
    last = Progress("", 0.0)

    def print_line(progress: Progress) -> None:
        nonlocal last
        is_new = progress.phase != last.phase
        if is_new or progress.seconds >= last.seconds + _LINE_EVERY_S:
            last = progress
            console.print(_text(progress, seconds))

    return print_line


def _text(progress: Progress, seconds: float) -> str:
    if progress.phase != "delivering":
        return f"{progress.phase}: {progress.sent} requests, {progress.kills} kills"
    return (
        f"delivering: {progress.seconds:.0f} of {seconds:.0f} s, {progress.sent} requests, "
        f"{progress.sent / max(progress.seconds, 1e-9):,.0f} a second, {progress.kills} kills"
    )
