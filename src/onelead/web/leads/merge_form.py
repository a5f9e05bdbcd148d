"""Several leads side by side, with a choice per field: whose value the merged lead gets.

What is chosen at first is what a merge without choices does; the rules are the domain's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.acts.changes import value_in
from onelead.domain.acts.merge import default_source, fields_of, is_united
from onelead.domain.errors import InputInvalid
from onelead.domain.lead import Lead
from onelead.domain.limits import COMPARED_CELLS_MAX
from onelead.domain.text import known_id
from onelead.domain.writes import Merge
from onelead.web.frame.forms import Form
from onelead.web.words.lead_texts import field_label, field_text, money_text
from onelead.web.words.ledger_lines import LongText

#: What a choice sends for lists that are united, and for no value.
UNITED, NONE = "all", "none"
#: Every lead has these.
_NEVER_EMPTY = frozenset({"name", "status_id"})


class Cell(Struct, frozen=True):
    """A lead's value of one field."""

    lead_id: int
    text: LongText
    is_pinned: bool

    @property
    def value(self) -> str:
        """What the choice of this value sends."""
        return str(self.lead_id)


class MergeRow(Struct, frozen=True, kw_only=True):
    """One field across the leads."""

    field: str
    label: str
    #: One per lead, in their order.
    cells: Sequence[Cell]
    #: The values are united unless a lead's is chosen.
    is_united: bool
    can_be_none: bool
    #: The value of the choice that is made: a lead's id, `UNITED` or `NONE`; empty for none yet.
    chosen: str

    @property
    def has_choice(self) -> bool:
        """Whether the leads differ in it."""
        return len({cell.text.text for cell in self.cells}) > 1


class MergeTable(Struct, frozen=True):
    """The leads side by side."""

    #: With choices to make, and those in which the leads agree.
    rows: Sequence[MergeRow]
    same: Sequence[MergeRow]
    #: How many more fields differ, but do not fit on the page.
    more: int


def merge_href(ids: Sequence[int], then: str) -> str:
    """Return the address of the page that merges leads; `then` is where it leads back to."""
    pairs = {"with": ",".join(map(str, ids[1:]))} | ({"then": then} if then else {})
    return f"/leads/{ids[0]}/merge?{urlencode(pairs, safe=',')}"


def oldest(leads: Sequence[Lead]) -> Lead:
    """Return the lead that survives unless another one is chosen."""
    return min(leads, key=lambda lead: (lead.date_created, lead.id))


def merge_table(
    leads: Sequence[Lead], survivor_id: int, form: Form, settings: AccountSettings
) -> MergeTable:
    """Put leads side by side; what the form chose stays chosen."""
    in_order = sorted(leads, key=lambda lead: (lead.id != survivor_id, lead.id))
    found = [
        _row(field, leads, in_order, form, settings)
        for field in fields_of(leads, settings)
        if any(not _is_empty(value_in(lead, field)) for lead in leads)
    ]
    differing = [row for row in found if row.has_choice]
    most = max(COMPARED_CELLS_MAX // len(leads), 1)
    return MergeTable(
        rows=differing[:most],
        same=[row for row in found if not row.has_choice][:most],
        more=max(len(differing) - most, 0),
    )


def _row(
    field: str,
    leads: Sequence[Lead],
    in_order: Sequence[Lead],
    form: Form,
    settings: AccountSettings,
) -> MergeRow:
    united = is_united(field, leads)
    cells = [
        Cell(lead.id, LongText(field_value_text(lead, field, settings)), field in lead.pins)
        for lead in leads
    ]
    can_be_none = field not in _NEVER_EMPTY
    offered = {cell.value for cell in cells if cell.text.text}
    offered |= ({UNITED} if united else set()) | ({NONE} if can_be_none else set())
    sent = form.get(f"choose.{field}")
    return MergeRow(
        field=field,
        label=field_label(field, settings),
        cells=cells,
        is_united=united,
        can_be_none=can_be_none,
        chosen=sent if sent in offered else UNITED if united else _default(field, in_order),
    )


def _default(field: str, in_order: Sequence[Lead]) -> str:
    try:
        return str(default_source(field, in_order).id)
    except InputInvalid:
        # Different pinned values: people have to choose.
        return ""


def field_value_text(lead: Lead, field: str, settings: AccountSettings) -> str:
    """Write a lead's value of a field; an amount with its currency."""
    value = value_in(lead, field)
    if field == "monetary_value" and value is not None:
        return money_text(value, lead.monetary_unit)
    return field_text(field, value, settings)


def _is_empty(value: Any) -> bool:
    return value is None or value == ()


def merge_of(
    table: MergeTable, leads: Sequence[Lead], survivor_id: int, versions: dict[int, int]
) -> Merge:
    """Return the merge that a table's choices ask for."""
    choose = {
        row.field: known_id(row.chosen) for row in table.rows if row.chosen not in ("", UNITED)
    }
    ids = tuple(sorted(lead.id for lead in leads if lead.id != survivor_id))
    return Merge(ids, choose, versions)


def versions_seen(form: Form, leads: Sequence[Lead]) -> dict[int, int]:
    """Return the versions that the form was made from, by lead id; the present one if unknown."""
    return {lead.id: known_id(form.get(f"version.{lead.id}")) or lead.version for lead in leads}


def lost_values(
    row: MergeRow, after: Lead, settings: AccountSettings
) -> list[tuple[str, LongText, tuple[int, ...]]]:
    """Return the values of a field that the merged lead does not have any more.

    Each with the field's label and the leads that had it.
    """
    if row.chosen == UNITED:
        return []
    text = field_value_text(after, row.field, settings)
    others = {str(value.value) for value in after.other_values.values() if value.field == row.field}
    lost: dict[str, list[int]] = {}
    for cell in row.cells:
        if cell.text.text and cell.text.text != text and not _is_other(cell, row, others):
            lost.setdefault(cell.text.text, []).append(cell.lead_id)
    return [(row.label, LongText(value), tuple(ids)) for value, ids in lost.items()]


def _is_other(cell: Cell, row: MergeRow, others: set[str]) -> bool:
    """Return whether a value that was not chosen stays as another value."""
    if row.field == "email":
        return any(cell.text.text.startswith(f"{other} (") for other in others)
    return cell.text.text in others
