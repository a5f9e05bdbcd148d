"""Who sent a setting lately, and which settings are still sent although they were deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from msgspec import Struct

from onelead.contract.figures import Division, ValueFigure
from onelead.domain.account import OPTION_RESOURCE, DeletedReference
from onelead.domain.figures import DAY_S, Grouping, caller_value, value_of_caller
from onelead.web.frame.visit import Visit
from onelead.web.words.lead_texts import day_text
from onelead.web.words.ledger_lines import api_key_labels, by_choices
from onelead.web.words.spans import local

#: How far back deliveries are counted, in days including today (UTC).
_DAYS = 30


class Sender(Struct, frozen=True):
    """A sender of deliveries that named a setting lately."""

    name: str
    deliveries: int
    #: The last day on which it did so (UTC), in words.
    last: str
    #: The list of these deliveries.
    href: str


class Sent(Struct, frozen=True):
    """The deliveries that named a setting lately."""

    #: Those who sent most first.
    senders: Sequence[Sender]
    #: The list of all of them.
    href: str
    #: The day since which they are counted, in words; empty when that is longer ago.
    counted_since: str = ""

    @property
    def deliveries(self) -> int:
        """How many deliveries there were."""
        return sum(sender.deliveries for sender in self.senders)

    @property
    def lately(self) -> str:
        """The period in which deliveries are counted."""
        return f"{_DAYS} days"


class StillSent(Struct, frozen=True):
    """A setting that is sent although it was deleted."""

    #: An option has the name of its definition, too.
    name: str
    #: When it was deleted, Unix seconds.
    date: int
    sent: Sent


async def possible_senders(visit: Visit) -> dict[str, tuple[str, str]]:
    """Return all possible senders by their value in the figures: names, and filters."""
    labels = api_key_labels(await visit.store.api_keys(visit.account_id))
    found = {value: (name, value) for value, name in by_choices(visit.settings, labels)}
    # The filters cannot select it.
    return found | {caller_value(0, 0): ("The command line", "")}


async def sent_lately(visit: Visit, *setting_ids: int) -> list[Sent]:
    """Return for each of some settings that exist the deliveries that named it."""
    senders, span = await possible_senders(visit), _span(visit)
    mark = Division(Grouping.SENT, [""])
    marks = await visit.store.deliveries_by_value(visit.account_id, mark, *span)
    since = _day(marks[0].last_hour) if marks else ""
    found = []
    for id_ in setting_ids:
        figures = await visit.store.deliveries_by_start(
            visit.account_id, Grouping.SENT, value_of_caller(id_, ""), *span
        )
        found.append(_sent(figures, senders, {"sent": id_}, since))
    return found


async def ignored_lately(visit: Visit, name: str) -> int:
    """Return of how many deliveries the lead did not take what has a name among its changes."""
    figures = await visit.store.deliveries_by_start(
        visit.account_id, Grouping.IGNORED, value_of_caller(name, ""), *_span(visit)
    )
    return sum(figure.deliveries for figure in figures)


async def still_sent(visit: Visit, resources: Collection[str]) -> list[StillSent]:
    """Return the deleted settings of some kinds that were sent lately, most often sent first."""
    figures = await visit.store.deliveries_by_start(
        visit.account_id, Grouping.GONE, "", *_span(visit)
    )
    by_id = defaultdict[int, list[ValueFigure]](list)
    for figure in figures:
        by_id[int(figure.value.partition(" ")[0])].append(figure)
    deleted = [one for one in visit.settings.deleted.values() if one.resource in resources]
    named = [one for one in deleted if one.id in by_id]
    senders = await possible_senders(visit) if named else {}
    found = [_still_sent(visit, one, by_id[one.id], senders) for one in named]
    return sorted(found, key=lambda one: (-one.sent.deliveries, one.name))


def _still_sent(
    visit: Visit,
    deleted: DeletedReference,
    figures: Sequence[ValueFigure],
    senders: dict[str, tuple[str, str]],
) -> StillSent:
    name = deleted.name
    if deleted.resource == OPTION_RESOURCE and deleted.definition_id is not None:
        name = f"{visit.settings.fields_by_id[deleted.definition_id].name}: {name}"
    begin = local(deleted.date, visit.settings.zone).strftime("%Y-%m-%dT%H:%M:%S")
    return StillSent(
        name, deleted.date, _sent(figures, senders, {"sent": deleted.id, "from": begin})
    )


def _span(visit: Visit) -> tuple[int, int]:
    until = visit.now - visit.now % DAY_S + DAY_S
    return until - _DAYS * DAY_S, until


def _sent(
    figures: Iterable[ValueFigure],
    senders: dict[str, tuple[str, str]],
    address: dict[str, int | str],
    counted_since: str = "",
) -> Sent:
    found = []
    for value, deliveries, last_day in figures:
        caller = value.partition(" ")[2]
        name, by = senders.get(caller, (caller, caller))
        found.append(Sender(name, deliveries, _day(last_day), _href(address, by)))
    found.sort(key=lambda one: (-one.deliveries, one.name))
    return Sent(found, _href(address), counted_since)


def _href(address: dict[str, int | str], by: str = "") -> str:
    return f"/deliveries?{urlencode(address | ({'by': by} if by else {}))}"


def _day(seconds: int) -> str:
    return day_text(datetime.fromtimestamp(seconds, UTC).date().isoformat())
