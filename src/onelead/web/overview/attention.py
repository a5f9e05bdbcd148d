"""What somebody should look at: leads that take many names, and values that leads share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from onelead.contract.figures import ManyNames
from onelead.domain.account import AccountSettings
from onelead.domain.errors import ResourceNotFound
from onelead.domain.figures import HOUR_S, Grouping
from onelead.domain.lead import definition_id_of
from onelead.domain.limits import NAMES_PER_HOUR_MAX
from onelead.web.frame.rendering import minute
from onelead.web.frame.visit import Visit
from onelead.web.words.lead_texts import field_label

_DAY_S = 86_400
#: How many leads are shown.
_LEADS_MAX = 5


class ManyNamed(Struct, frozen=True):
    """A lead that was given many names within an hour."""

    lead_id: int
    name: str
    names: int
    #: When the hour began, in the account's time zone.
    began: str


class NewShare(Struct, frozen=True):
    """A field to which writes gave values that other leads have."""

    #: Inside a sentence.
    label: str
    writes: int


class Attention(Struct, frozen=True):
    """What to look at of the last 24 hours."""

    many_named: Sequence[ManyNamed]
    shares: Sequence[NewShare]

    def __bool__(self) -> bool:
        return bool(self.many_named or self.shares)


async def attention(visit: Visit) -> Attention:
    """Return what the last 24 hours have to show; empty most of the time."""
    since = visit.now - visit.now % HOUR_S - _DAY_S + HOUR_S
    many, shared = await asyncio.gather(
        visit.store.leads_with_many_names(visit.account_id, since, NAMES_PER_HOUR_MAX),
        visit.store.deliveries_by_start(
            visit.account_id, Grouping.SHARED, "", since, visit.now + HOUR_S
        ),
    )
    worst = {row.lead_id: row for row in reversed(many)}
    rows = sorted(worst.values(), key=lambda row: (-row.names, row.lead_id))[:_LEADS_MAX]
    found = await asyncio.gather(*(_many_named(visit, row) for row in rows))
    return Attention(
        [one for one in found if one is not None],
        [NewShare(_inside(row.value, visit.settings), row.deliveries) for row in shared],
    )


def _inside(name: str, settings: AccountSettings) -> str:
    label = field_label(name, settings)
    return label if definition_id_of(name) else label.lower()


async def _many_named(visit: Visit, row: ManyNames) -> ManyNamed | None:
    """Return the lead of a row; None if it was deleted since."""
    try:
        read = await visit.store.lead(visit.account_id, row.lead_id)
    except ResourceNotFound:
        return None
    began = minute(row.hour, visit.settings.zone)
    return ManyNamed(row.lead_id, read.lead.name, row.names, began)
