"""What a move-in says: before it writes, and at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from onelead.domain.text import as_one_line, quoted
from onelead.move_in.limits import COPPER_REMARKS_MAX

_OTHERS = "other remarks"
#: Among the outcomes: a lead that is here already as it is there.
UNCHANGED_THERE = "not changed there"
#: Of leads that are only named by their ids.
_IDS_SHOWN = 20


class Remarks(Struct):
    """Sentences about leads, each with the number of leads and one of them as an example."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, int] = field(default_factory=dict)

    def add(self, lead_id: int, texts: Iterable[str]) -> None:
        """Take down what there is to say about a lead, by its id in Copper."""
        for text in texts:
            is_known = text in self.counts or len(self.counts) < COPPER_REMARKS_MAX
            name = text if is_known else _OTHERS
            self.counts[name] += 1
            self.examples.setdefault(name, lead_id)

    def lines(self) -> list[str]:
        """Return a line for each, the most frequent first."""
        return [
            f"{_leads(count)}: {text} (for example lead {self.examples[text]})"
            for text, count in self.counts.most_common()
        ]


class Forecast(Struct, kw_only=True):
    """What a move-in would do, before anything is written."""

    #: The account there, and how many leads it has; converted ones are among them.
    account: str
    leads: int
    converted: int
    tags: int
    #: Only leads that changed since are read: Unix seconds, 0 for all.
    since: int
    #: The changes of our settings, and what has no place here.
    changes: list[str] = field(default_factory=list)
    not_mapped: list[str] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    #: Copper counts so many leads that it does not show.
    unseen: int = 0
    remarks: Remarks = field(default_factory=Remarks)

    @property
    def read(self) -> int:
        """How many leads were read."""
        return self.new + self.changed + self.unchanged

    def text(self) -> str:
        """Return the report for people."""
        tags = "1 tag" if self.tags == 1 else f"{self.tags:,} tags"
        has = f"{_leads(self.leads)}, {self.converted:,} of them converted, and {tags}"
        coming = f"{self.new:,} new, {self.changed:,} changed"
        lines = [
            f"The Copper account {quoted(self.account)} has {has}.",
            f"To bring: {coming}. Read and not changed there: {self.unchanged:,}.",
            *_section("Settings to change first:", self.changes),
            *_section("Not available here:", self.not_mapped),
            *_section("Values that cannot come in as they are:", self.remarks.lines()),
        ]
        if self.unseen:
            lines.append(f"Copper counts {_leads(self.unseen)} that it does not show.")
        return "\n".join(map(as_one_line, lines))


class Difference(Struct, frozen=True):
    """A field of a lead that is here otherwise than there."""

    copper_id: int
    lead_id: int | None
    field: str
    here: Any
    there: Any


class Comparison(Struct, kw_only=True):
    """How both sides compare at the end."""

    leads_there: int
    #: With an id of Copper.
    leads_here: int
    compared: int
    #: How many leads differ, and the first differences.
    differing: int
    differences: list[Difference]
    #: The ids of leads here whose leads there are gone; None when that was not looked for.
    gone: list[int] | None

    def text(self) -> str:
        """Return it for people."""
        here = f"{self.leads_here:,} here have an id of Copper"
        lines = [
            f"Compared: Copper counts {_leads(self.leads_there)}; {here}.",
            f"  {_leads(self.compared)} compared field by field, {self.differing:,} differ",
        ]
        for one in self.differences:
            name = f"lead {one.lead_id}" if one.lead_id else "not here"
            values = f": {one.field} is {quoted(one.here)} here, {quoted(one.there)} there"
            shown = values if one.field else ""
            lines.append(f"    Copper lead {one.copper_id} ({name}){shown}")
        if self.gone is None:
            lines.append("  Leads that are gone there were not looked for: there are too many.")
        elif self.gone:
            shown = ", ".join(map(str, self.gone[:_IDS_SHOWN]))
            more = ", ..." if len(self.gone) > _IDS_SHOWN else ""
            lines.append(f"  Gone there: {_leads(len(self.gone))} ({shown}{more})")
        return "\n".join(map(as_one_line, lines))


class Brought(Struct, kw_only=True):
    """What a move-in did."""

    #: All of its ledger rows have it, so that they can be undone together.
    batch_id: str
    source: str
    outcomes: dict[str, int]
    refusals: dict[str, int]
    #: Leads that have a value which other leads have, too.
    shared: int
    #: Why settings could not be changed.
    settings_refused: list[str]
    remarks: Remarks
    comparison: Comparison | None = None
    #: Why there is none.
    not_compared: str | None = None

    @property
    def has_batch(self) -> bool:
        """Whether something was written that can be undone."""
        return not self.outcomes.keys() <= {UNCHANGED_THERE}


def _section(title: str, lines: list[str]) -> list[str]:
    return [title, *(f"  - {line}" for line in lines)] if lines else []


def _leads(count: int) -> str:
    return f"{count:,} lead" if count == 1 else f"{count:,} leads"
