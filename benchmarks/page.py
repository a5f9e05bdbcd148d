"""The page of a run: prints its tables, and writes the generated parts of the page.

Everything between `<!-- generated: NAME -->` and `<!-- end of NAME -->` is made here; the rest of
the page is written by hand. A section without results stays as it is; of one that a run was told to
leave out, its place says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.processes import Failed
from benchmarks.results import Results
from benchmarks.tables import Table, tables, words

#: The place of a plot on the page, its alternative text, and its file.
Plot = tuple[str, str, Path]


def print_tables(results: Results, console: Console) -> None:
    """Print the tables."""
    for table in tables(results).values():
        shown = RichTable(title=table.title)
        for heading in table.headings:
            shown.add_column(heading)
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)


def write_page(results: Results, plots: Iterable[Plot], page: Path) -> None:
    """Put the tables and plots of a run into the page. Raises Failed if a part has no place."""
    text = page.read_text(encoding="utf-8")
    parts = {name: _markdown(table) for name, table in tables(results).items()}
    for name, alternative, file in plots:
        link = f"![{alternative}]({file.relative_to(page.parent).as_posix()})"
        parts[name] = f"{link}\n\n{parts[name]}"
    for name, part in {**words(results), **parts}.items():
        text = _with_part(text, name, part)
    page.write_text(text, encoding="utf-8")


def _with_part(text: str, name: str, part: str) -> str:
    begin, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not place.search(text):
        raise Failed(f"the page has no place for {name}")
    return place.sub(lambda _found: f"{begin}\n\n{part}\n\n{end}", text)


def _markdown(table: Table) -> str:
    lines = (table.headings, ("---",) * len(table.headings), *table.rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
