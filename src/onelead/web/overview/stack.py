"""What the chart of deliveries is a stack of: what they did, or who delivered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from onelead.contract.figures import Division
from onelead.domain.figures import Grouping
from onelead.domain.writes import Outcome
from onelead.web.overview.callers import Caller

#: The colours of the outcomes, the usual ones at the bottom; the badges of the pages have the same.
_OUTCOMES = {
    Outcome.CREATED: "emerald",
    Outcome.UPDATED: "sky",
    Outcome.UNCHANGED: "grey",
    Outcome.REFUSED: "amber",
    Outcome.DELETED: "rose",
}
#: The colours of the callers, the busiest first.
_CALLERS = ("indigo", "teal", "orange", "pink", "lime", "cyan")
OTHERS = "others"
_CALLER = re.compile(r"(?:key|user)-[0-9]{1,19}|server")


class Layer(Struct, frozen=True):
    """One colour of the stack, for all deliveries that have one value."""

    value: str
    label: str
    #: A name, as in the style sheet and in the chart.
    colour: str


class Stack(Struct, frozen=True):
    """The layers of a chart, from the ground up; `others` stands on top of callers."""

    grouping: Grouping
    layers: Sequence[Layer]

    @property
    def division(self) -> Division:
        """What has to be counted for it."""
        values = [layer.value for layer in self.layers if layer.value != OTHERS]
        return Division(self.grouping, values)

    @property
    def has_others(self) -> bool:
        """Whether the topmost layer is whatever the ones beneath leave."""
        return self.layers[-1].value == OTHERS


def grouping_named(name: str) -> Grouping:
    """Return a grouping; that by outcome for a name that is none."""
    return Grouping.CALLER if name == Grouping.CALLER.value else Grouping.OUTCOME


def stack_of(grouping: Grouping, found: Sequence[Caller]) -> Stack:
    """Return what the Overview shows; `found` is who delivered, the busiest first."""
    if grouping is Grouping.OUTCOME or not found:
        return BY_OUTCOME
    names = [(caller.value, caller.name) for caller in found[: len(_CALLERS)]]
    return _by_caller(names, has_others=len(found) > len(names))


def drawn_stack(values: Iterable[str], *, has_others: bool) -> Stack:
    """Return the stack of a picture, whose address has the callers; by outcome without any.

    So page and picture agree, also when somebody else has become the busiest meanwhile.
    """
    known = [value for value in dict.fromkeys(values) if _CALLER.fullmatch(value)][: len(_CALLERS)]
    if not known:
        return BY_OUTCOME
    return _by_caller([(value, value) for value in known], has_others=has_others)


def _by_caller(names: Sequence[tuple[str, str]], *, has_others: bool) -> Stack:
    layers = [Layer(*name, colour) for name, colour in zip(names, _CALLERS, strict=False)]
    if has_others:
        layers.append(Layer(OTHERS, "Others", "grey"))
    return Stack(Grouping.CALLER, layers)


BY_OUTCOME = Stack(
    Grouping.OUTCOME,
    [Layer(value.value, value.value.capitalize(), colour) for value, colour in _OUTCOMES.items()],
)
