"""What hangs on a custom field definition: leads, options, upserts; what a change would take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from onelead.custom_fields import CustomField, IndexState, Option
from onelead.figures import ANY_VALUE
from onelead.ledger_store import MatchUse, MatchUses
from onelead.store import IndexProgress
from onelead.web.field_form import FieldForm
from onelead.web.ledger_lines import KeyLabels, key_labels
from onelead.web.visit import Visit


class Caller(Struct, frozen=True):
    """Whose upserts matched by the definition lately."""

    name: str
    use: MatchUse


class Usage(Struct, frozen=True):
    """What is known of a definition beside itself."""

    #: How many leads have a value, and how many each option.
    leads: int
    leads_by_option: Mapping[str, int]
    #: Whether the counts are still far behind.
    is_counting: bool
    #: How far the index is, while it is being built.
    progress: IndexProgress | None
    #: The newest first.
    callers: Sequence[Caller]
    #: When the oldest delivery arrived that was looked at for them.
    looked_back_to: int | None

    @property
    def upserts(self) -> int:
        """How many upserts matched by the definition lately."""
        return sum(caller.use.upserts for caller in self.callers)


class Losses(Struct, frozen=True):
    """What saving a form would take away; it has to be confirmed."""

    filters: bool
    leads: bool
    options: Sequence[Option]

    @property
    def token(self) -> str:
        """What the form sends back to confirm just this; empty when nothing is lost."""
        words = ["filters"] * self.filters + ["leads"] * self.leads
        return ",".join(words + [str(option.id) for option in self.options])


def figure_of(field: CustomField) -> str:
    """Return the name of the figures about a definition's values."""
    return f"custom_fields.{field.id}"


async def is_counting(visit: Visit) -> bool:
    """Say whether the figures are far behind the ledger, as after an import."""
    return (await visit.store.fold_state(visit.account_id)).is_far_behind


async def usage_of(visit: Visit, field: CustomField) -> Usage:
    """Return what is known of a definition."""
    name, account_id = figure_of(field), visit.account_id
    leads = dict((await visit.store.lead_figures(account_id, fields=[name])).get(name, {}))
    progress = None
    if field.index_state is IndexState.BUILDING:
        progress = (await visit.store.index_progress(account_id)).get(field.id)
    matches = MatchUses([], None)
    if field.is_indexed:
        matches = await visit.store.recent_matches(account_id, field.id)
    labels = key_labels(list(await visit.store.api_keys(account_id)))
    return Usage(
        leads=leads.pop(ANY_VALUE, 0),
        leads_by_option=leads,
        is_counting=await is_counting(visit),
        progress=progress,
        callers=[Caller(_name_of(visit, use, labels), use) for use in matches.uses],
        looked_back_to=matches.looked_back_to,
    )


def _name_of(visit: Visit, use: MatchUse, labels: KeyLabels) -> str:
    if use.api_key_id is not None:
        return f"API key {labels.get(use.api_key_id) or use.api_key_id}"
    user = visit.settings.users_by_id.get(use.user_id or 0)
    return f"{user.name or user.email} in the web application" if user else "The command line"


def losses_of(typed: FieldForm, field: CustomField) -> Losses:
    """Return what a form would take away from a definition."""
    removed = set(typed.removed_option_ids(field))
    return Losses(
        filters=field.is_indexed and not typed.is_filterable,
        leads=field.on_leads and "lead" not in typed.available_on,
        options=[option for option in field.options if option.id in removed],
    )
