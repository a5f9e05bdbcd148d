"""How a custom field is used by leads and upserts, and what a change would take away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from onelead.contract.figures import Division
from onelead.contract.settings import IndexProgress
from onelead.domain.custom_fields import CustomField, IndexState, Option
from onelead.domain.figures import ANY_VALUE, Grouping, value_of_caller
from onelead.web.frame.visit import Visit
from onelead.web.settings.field_form import FieldForm
from onelead.web.settings.senders import Sent, ignored_lately, possible_senders, sent_lately
from onelead.web.words.spans import Span, hours_of

#: How far back upserts that matched by a definition are counted, including the current hour.
_LATELY = Span("30d", "30 days", hours=30 * 24)


class Caller(Struct, frozen=True):
    """A sender of upserts that matched by the definition lately."""

    name: str
    upserts: int
    #: The hour of the last upsert, as the Unix second at which it began.
    last_hour: int
    #: The list of these upserts.
    href: str


class Usage(Struct, frozen=True):
    """How a definition is used."""

    #: How many leads have a value, and how many have each option.
    leads: int
    leads_by_option: Mapping[str, int]
    #: Whether the counts are still far behind.
    is_counting: bool
    #: The progress of the index, while it is being built.
    progress: IndexProgress | None
    #: The latest first.
    callers: Sequence[Caller]
    #: The deliveries that named the definition lately, and how many of them had a value that the
    #: lead did not take.
    sent: Sent
    ignored: int

    @property
    def upserts(self) -> int:
        """How many upserts matched by the definition lately."""
        return sum(caller.upserts for caller in self.callers)

    @property
    def lately(self) -> str:
        """The period in which upserts are counted."""
        return _LATELY.label


class Losses(Struct, frozen=True):
    """What saving a form would take away, which the user has to confirm."""

    filters: bool
    leads: bool
    options: Sequence[Option]

    @property
    def token(self) -> str:
        """What the form sends back to confirm exactly these losses; empty when there are none."""
        words = ["filters"] * self.filters + ["leads"] * self.leads
        return ",".join(words + [str(option.id) for option in self.options])


def figure_of(field: CustomField) -> str:
    """Return the name of the figures of a definition's values."""
    return f"custom_fields.{field.id}"


async def is_counting(visit: Visit) -> bool:
    """Say whether the figures are far behind the ledger, as after an import."""
    return (await visit.store.fold_state(visit.account_id)).is_far_behind


async def usage_of(visit: Visit, field: CustomField) -> Usage:
    """Return how a definition is used."""
    name, account_id = figure_of(field), visit.account_id
    leads = dict((await visit.store.lead_figures(account_id, fields=[name])).get(name, {}))
    progress = None
    if field.index_state is IndexState.BUILDING:
        progress = (await visit.store.index_progress(account_id)).get(field.id)
    (sent,) = await sent_lately(visit, field.id)
    return Usage(
        leads=leads.pop(ANY_VALUE, 0),
        leads_by_option=leads,
        is_counting=await is_counting(visit),
        progress=progress,
        callers=await _callers(visit, field) if field.is_indexed else [],
        sent=sent,
        ignored=await ignored_lately(visit, name),
    )


async def _callers(visit: Visit, field: CustomField) -> list[Caller]:
    senders = await possible_senders(visit)
    names = {value_of_caller(field.id, value): named for value, named in senders.items()}
    span = hours_of(_LATELY, visit.now, visit.settings.zone)
    figures = await visit.store.deliveries_by_value(
        visit.account_id, Division(Grouping.MATCH, list(names)), *span
    )
    listed = f"/deliveries?match=custom-{field.id}"
    found = []
    for value, upserts, last_hour in figures:
        name, by = names[value]
        href = f"{listed}&by={by}" if by else listed
        found.append(Caller(name, upserts, last_hour, href))
    return sorted(found, key=lambda caller: (-caller.last_hour, -caller.upserts, caller.name))


def losses_of(typed: FieldForm, field: CustomField) -> Losses:
    """Return what a form would take away from a definition."""
    removed = set(typed.removed_option_ids(field))
    return Losses(
        filters=field.is_indexed and not typed.is_filterable,
        leads=field.on_leads and "lead" not in typed.available_on,
        options=[option for option in field.options if option.id in removed],
    )
