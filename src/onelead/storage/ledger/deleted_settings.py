"""The last names of deleted settings, as the ledger has them. Portable.

The newest rows of each setting are found by the index of the resources; of these, only those that
deleted the setting or changed its options are read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, CursorResult, Select, or_, select, union_all

from onelead.contract.ledger import DeletedSetting
from onelead.domain.limits import DELETED_SETTING_ROWS_MAX, DELETED_SETTINGS_MAX
from onelead.domain.writes import LEAD, Outcome
from onelead.storage.schema import ledger

_ABOUT_OPTIONS = '"options":'


def deleted_settings(
    connection: Connection, account_id: int, ids: Collection[int]
) -> dict[int, DeletedSetting]:
    """Return what is known about the ids; unknown ids are left out."""
    wanted = sorted(set(ids))[:DELETED_SETTINGS_MAX]
    if not wanted:
        return {}
    newest = union_all(*(_newest(account_id, setting_id) for setting_id in wanted))
    is_deletion = ledger.c.outcome == Outcome.DELETED.value
    rows = connection.execute(
        select(ledger.c.resource_id, ledger.c.outcome, ledger.c.changes)
        .where(ledger.c.account_id == account_id, ledger.c.resource != LEAD)
        .where(ledger.c.seq.in_(select(newest.subquery("newest").c.seq)))
        .where(or_(is_deletion, ledger.c.changes.contains(_ABOUT_OPTIONS, autoescape=True)))
        .order_by(is_deletion.desc(), ledger.c.seq.desc())
        .limit(DELETED_SETTING_ROWS_MAX)
    )
    return _combined(rows)


def _newest(account_id: int, setting_id: int) -> Select[tuple[int]]:
    """Select the newest rows of one setting, limited here so that the order of the index serves."""
    of_setting = (ledger.c.account_id == account_id, ledger.c.resource_id == setting_id)
    newest = select(ledger.c.seq).where(*of_setting).order_by(ledger.c.seq.desc())
    return select(newest.limit(DELETED_SETTING_ROWS_MAX).subquery().c.seq)


def _combined(rows: CursorResult[Any]) -> dict[int, DeletedSetting]:
    """Combine what the rows say; deletions come first, then the newest rows."""
    found: dict[int, DeletedSetting] = {}
    for row in rows:
        changes = msgspec.json.decode(row.changes or "{}")
        known = found.get(row.resource_id, DeletedSetting())
        if row.outcome == Outcome.DELETED:
            name, data_type = _last(changes, "name"), _last(changes, "data_type")
            known = DeletedSetting(name, data_type, _last(changes, "currency"))
        options = {**_option_names(changes), **known.options}
        found[row.resource_id] = msgspec.structs.replace(known, options=options)
    return found


def _last(changes: Mapping[str, Any], attribute: str) -> str | None:
    was, _nothing = changes.get(attribute, (None, None))
    return None if was is None else str(was)


def _option_names(changes: Mapping[str, Any]) -> dict[int, str]:
    before, after = changes.get("options", (None, None))
    return {option["id"]: option["name"] for option in [*(before or ()), *(after or ())]}
