"""The layers of the chart of deliveries: by outcome or by sender."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from onelead.contract.figures import Division
from onelead.domain.figures import Grouping
from onelead.domain.writes import Outcome
from onelead.web.overview.callers import Caller

#: The colours of the outcomes, the usual ones at the bottom; the badges use the same colours.
_OUTCOMES = {
    Outcome.CREATED: "emerald",
    Outcome.UPDATED: "sky",
    Outcome.UNCHANGED: "grey",
    Outcome.REFUSED: "amber",
    Outcome.DELETED: "rose",
}
#: The colours of the senders, the busiest first.
_CALLERS = ("indigo", "teal", "orange", "pink", "lime", "cyan")
OTHERS = "others"
_CALLER = re.compile(r"(?:key|user)-[0-9]{1,19}|server")


class Layer(Struct, frozen=True):
    """One colour of the stack: all deliveries with one value."""

    value: str
    label: str
    #: A colour name, as in the stylesheet and the chart.
    colour: str


class Stack(Struct, frozen=True):
    """The layers of a chart from the bottom up; *others* is on top of the senders."""

    grouping: Grouping
    layers: Sequence[Layer]

    @property
    def division(self) -> Division:
        """What has to be counted for the stack."""
        values = [layer.value for layer in self.layers if layer.value != OTHERS]
        return Division(self.grouping, values)

    @property
    def has_others(self) -> bool:
        """Whether the top layer is *others*: all deliveries that the layers below leave out."""
        return self.layers[-1].value == OTHERS


def grouping_named(name: str) -> Grouping:
    """Return the grouping with a name; by outcome for an unknown name."""
    return Grouping.CALLER if name == Grouping.CALLER.value else Grouping.OUTCOME


def stack_of(grouping: Grouping, found: Sequence[Caller]) -> Stack:
    """Return the stack of the Overview; `found` are the senders, the busiest first."""
    if grouping is Grouping.OUTCOME or not found:
        return BY_OUTCOME
    names = [(caller.value, caller.name) for caller in found[: len(_CALLERS)]]
    return _by_caller(names, has_others=len(found) > len(names))


def drawn_stack(values: Iterable[str], *, has_others: bool) -> Stack:
    """Return the stack of a picture, whose address names the senders; by outcome without any.

    So page and picture agree even when another sender has become the busiest meanwhile.
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
