"""What is here of Copper's leads: which lead each is, and as what Copper sent it the last time.

The ledger remembers both how far a move-in is and what it brought, with the very writes; there is
nothing else that could disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, structs

from onelead.contract.ledger import LedgerScope, LedgerSearch
from onelead.contract.store import Store
from onelead.domain.custom_fields import CustomField, match_values
from onelead.domain.lead import Lead, custom_name
from onelead.domain.limits import HISTORY_ROWS
from onelead.domain.search import FieldFilter, LeadSearch
from onelead.move_in.limits import COPPER_OVERLAP_S


class _Cells(Struct):
    #: The lead as Copper sent it, without its empty fields.
    lead: dict[str, Any]
    #: What of it could not be mapped.
    left_out: tuple[str, ...] = ()
    #: All leads that changed before this moment had come in before.
    since: int = 0


class _Payload(Struct):
    cells: _Cells


_payload = msgspec.json.Decoder(_Payload)


class Sent(NamedTuple):
    """A lead as Copper sent it the last time, and what of it could not be mapped."""

    lead: dict[str, Any]
    left_out: tuple[str, ...]


class KnownLeads:
    """The leads of an account that have an id of Copper."""

    def __init__(self, store: Store, account_id: int, source_id: int | None) -> None:
        self._store = store
        self._account_id = account_id
        self._source_id = source_id

    async def resume_point(self) -> int:
        """Return from when on Copper has to be read: 0 if the source has brought nothing."""
        search = LedgerSearch(api_key_id=self._source_id, scope=LedgerScope.LEADS)
        while self._source_id is not None:
            found = await self._store.search_ledger(self._account_id, search)
            for row in found.rows:
                read = await self._store.ledger_row(self._account_id, row.seq)
                if (brought := _cells_of(read.row.payload)) is not None:
                    return max(0, brought.since - COPPER_OVERLAP_S)
            if found.rows or found.next_before is None:
                # What the newest rows said was erased, and so was what older ones said.
                break
            search = structs.replace(search, before=found.next_before)
        return 0

    async def find(self, field: CustomField, copper_ids: Iterable[int]) -> dict[int, list[Lead]]:
        """Return the leads that have one of these ids, or have been merged with one."""
        wanted = {str(one): one for one in copper_ids}
        if not wanted:
            return {}
        values = FieldFilter(field.id, values=tuple(wanted))
        found: dict[int, list[Lead]] = {}
        search = LeadSearch(custom_fields=(values,), limit=2 * len(wanted))
        page = await self._store.search_leads(self._account_id, search, now=0)
        for lead in page.leads:
            for text in copper_ids_of(lead, field):
                if text in wanted:
                    found.setdefault(wanted[text], []).append(lead)
        return found

    async def sent(self, leads: Sequence[Lead]) -> dict[tuple[int, int], Sent]:
        """Return what the source brought the last time, by lead and id of Copper."""
        if self._source_id is None or not leads:
            return {}
        ids = [lead.id for lead in leads]
        rows = await self._store.sent_by(self._account_id, self._source_id, ids, limit=HISTORY_ROWS)
        found: dict[tuple[int, int], Sent] = {}
        for row in rows:
            if (brought := _cells_of(row.payload)) is not None:
                key = (row.lead_id, brought.lead.get("id", 0))
                found.setdefault(key, Sent(brought.lead, brought.left_out))
        return found


def copper_ids_of(lead: Lead, field: CustomField) -> Sequence[str]:
    """Return the ids of Copper that a lead has; a merge leaves it several."""
    others = (one.value for one in lead.other_values.values() if one.field == custom_name(field.id))
    values = (lead.custom_fields.get(field.id), *others)
    return [text for value in values for text in match_values(field, value)]


def cells(lead: dict[str, Any], left_out: tuple[str, ...], since: int) -> dict[str, Any]:
    """Return what a delivery says about where it came from; `known` and others read it again."""
    filled = {name: value for name, value in lead.items() if value not in (None, "", [])}
    if isinstance(custom := filled.get("custom_fields"), list):
        filled["custom_fields"] = [
            one for one in custom if isinstance(one, dict) and one.get("value") not in (None, [])
        ]
    return {"lead": filled, "left_out": left_out, "since": since}


def _cells_of(payload: Any) -> _Cells | None:
    """Return the cells of a delivery; None after an erasure."""
    try:
        return _payload.decode(payload or "").cells
    except msgspec.DecodeError:
        return None
