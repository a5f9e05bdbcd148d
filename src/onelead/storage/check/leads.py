"""One step through the leads, or through their match keys; both follow from the documents.

Portable. Match keys cannot be found by their lead. So a lead's keys are looked up one by one, and
keys that lead to no such lead are found by a walk of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Text,
    and_,
    bindparam,
    cast,
    func,
    select,
    tuple_,
)
from sqlalchemy import column as sql_column

from onelead.contract.checks import Finding, KeyPlace, KeysChecked, LeadsChecked
from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import IndexState
from onelead.domain.lead import Lead
from onelead.domain.limits import CHECK_CHUNK_KEYS, CHECK_CHUNK_LEADS
from onelead.domain.matching import claim_field, lead_keys
from onelead.domain.writes import LEAD
from onelead.storage.leads.old_keys import is_unaffected
from onelead.storage.leads.rows import json_text, lead_from, lead_row
from onelead.storage.schema import custom_field, lead, ledger, match_key

_RESTORE = "restore a backup from before"
_CHANGE = "change the value and change it back, or restore a backup from before"
#: The stored form may be that of an earlier version.
_FREE_COLUMNS = ("document",)


def check_leads(connection: Connection, settings: AccountSettings, *, after: int) -> LeadsChecked:
    """Compare the next leads with their columns, their match keys and their newest ledger rows."""
    account_id = settings.account_id
    in_order = select(lead).where(lead.c.account_id == account_id, lead.c.id > after)
    rows = connection.execute(in_order.order_by(lead.c.id).limit(CHECK_CHUNK_LEADS)).all()
    findings: list[Finding] = []
    expected: dict[KeyPlace, str | None] = {}
    built = _built(connection, settings)
    for row in rows:
        read = _read(row.document)
        if read is None:
            findings.append(_of(settings, row.id, "its document cannot be read", _RESTORE))
        elif not settings.may_have_old_keys or is_unaffected(read, row.document):
            findings += _column_findings(settings, row, read)
            expected |= _expected(settings, read, row.id, built)
    findings += _missing_keys(connection, settings, expected)
    findings += _old_versions(connection, settings, {row.id: row.version for row in rows})
    next_after = rows[-1].id if len(rows) == CHECK_CHUNK_LEADS else None
    return LeadsChecked(findings, len(rows), next_after)


def _of(settings: AccountSettings, lead_id: int, what: str, advice: str) -> Finding:
    return Finding(f"account {settings.account_id}, lead {lead_id}", what, advice)


def _read(document: str) -> Lead | None:
    try:
        return lead_from(document)
    except msgspec.DecodeError:
        return None


def _column_findings(settings: AccountSettings, row: Any, read: Lead) -> Iterator[Finding]:
    columns = zip(lead.c.keys(), row, lead_row(settings.account_id, read), strict=True)
    wrong = [name for name, is_so, should_be in columns if is_so != should_be]
    if wrong := [name for name in wrong if name not in _FREE_COLUMNS]:
        what = f"columns differ from its document: {', '.join(wrong)}"
        yield _of(settings, row.id, what, _CHANGE)


def _built(connection: Connection, settings: AccountSettings) -> Mapping[str, int]:
    """Return up to which lead there are keys of each index that is being built, by key field."""
    building = {
        field.id: field.key_field
        for field in settings.fields
        if field.index_state is IndexState.BUILDING
    }
    if not building:
        return {}
    table = custom_field.c
    of_account = (table.account_id == settings.account_id, table.id.in_(building))
    rows = connection.execute(select(table.id, table.index_progress).where(*of_account))
    up_to = {building[row.id]: row.index_progress for row in rows}
    return up_to | {claim_field(field): last for field, last in up_to.items()}


def _expected(
    settings: AccountSettings, read: Lead, lead_id: int, built: Mapping[str, int]
) -> dict[KeyPlace, str | None]:
    """Return the keys that a lead must have, with their labels."""
    return {
        KeyPlace(key.field, key.value, lead_id): key.label
        for key in lead_keys(read, settings)
        if lead_id <= built.get(key.field, lead_id)
    }


def _missing_keys(
    connection: Connection, settings: AccountSettings, expected: Mapping[KeyPlace, str | None]
) -> Iterator[Finding]:
    places = list(expected)
    found: dict[KeyPlace, str | None] = {}
    for start in range(0, len(places), CHECK_CHUNK_KEYS):
        found |= _stored(connection, settings.account_id, places[start : start + CHECK_CHUNK_KEYS])
    for place, label in expected.items():
        if place not in found:
            what = f"a match key of {place.field} is missing, so it is not found by that value"
        elif found[place] != label:
            what = f"a match key of {place.field} is labelled differently from the value"
        else:
            continue
        yield _of(settings, place.lead_id, what, _CHANGE)


def _stored(
    connection: Connection, account_id: int, places: Sequence[KeyPlace]
) -> dict[KeyPlace, str | None]:
    """Return which of the keys are stored, with their labels."""
    wanted, columns = _table_of(connection)
    same = [match_key.c[name] == column for name, column in columns.items()]
    statement = select(*(match_key.c[name] for name in columns), match_key.c.label)
    statement = statement.join_from(wanted, match_key, and_(*same))
    rows = connection.execute(
        statement.where(match_key.c.account_id == account_id), {"places": json_text(places)}
    )
    return {KeyPlace(*place): label for *place, label in rows}


def _table_of(connection: Connection) -> tuple[FromClause, dict[str, ColumnElement[Any]]]:
    """Return the keys of one parameter as a table: a list of thousands is slow to write out."""
    field, value, lead_id = range(len(KeyPlace._fields))
    if connection.dialect.name == "sqlite":
        table = func.json_each(bindparam("places")).table_valued("value")
        parts: list[ColumnElement[Any]] = [
            func.json_extract(table.c.value, f"$[{place}]") for place in (field, value, lead_id)
        ]
    else:
        places = cast(bindparam("places", type_=Text), JSON)
        table = func.json_array_elements(places).table_valued(sql_column("value", JSON))
        parts = [table.c.value[place].as_string() for place in (field, value)]
        parts.append(table.c.value[lead_id].as_string().cast(BigInteger))
    return table, dict(zip(KeyPlace._fields, parts, strict=True))


def _old_versions(
    connection: Connection, settings: AccountSettings, versions: Mapping[int, int]
) -> Iterator[Finding]:
    """Find leads that are older than the ledger says."""
    if not versions:
        return
    newest = func.max(ledger.c.version)
    where = (ledger.c.account_id == settings.account_id, ledger.c.resource == LEAD)
    rows = connection.execute(
        select(ledger.c.resource_id, newest)
        .where(*where, ledger.c.resource_id.in_(versions), ledger.c.version.is_not(None))
        .group_by(ledger.c.resource_id)
    )
    for lead_id, version in rows:
        if version > versions[lead_id]:
            what = f"it has version {versions[lead_id]}, and the ledger has version {version}"
            yield _of(settings, lead_id, what, _RESTORE)


#: By id of the lead: its keys; None for a lead that cannot be read.
_Owners: TypeAlias = Mapping[int, Mapping[KeyPlace, str | None] | None]


def check_keys(
    connection: Connection, settings: AccountSettings, *, after: KeyPlace | None
) -> KeysChecked:
    """Compare the next match keys with the leads that they lead to."""
    if settings.may_have_old_keys:
        # Those of old rules cannot all be told from others, and go with the rebuild.
        return KeysChecked([], 0, None)
    order = [match_key.c[name] for name in KeyPlace._fields]
    in_order = select(*order).where(match_key.c.account_id == settings.account_id)
    if after is not None:
        in_order = in_order.where(tuple_(*order) > tuple_(*after))
    in_order = in_order.order_by(*order).limit(CHECK_CHUNK_KEYS)
    places = [KeyPlace(*row) for row in connection.execute(in_order)]
    owners = _owners(connection, settings, {place.lead_id for place in places})
    live = _live_fields(settings)
    findings = []
    for place in places:
        if place.field.startswith("custom:") and place.field not in live:
            # No definition reads it any more; the index work removes it.
            continue
        if what := _fault(place, owners):
            findings.append(Finding(f"account {settings.account_id}, match keys", what, _RESTORE))
    return KeysChecked(
        findings, len(places), places[-1] if len(places) == CHECK_CHUNK_KEYS else None
    )


def _live_fields(settings: AccountSettings) -> set[str]:
    fields = [field.key_field for field in settings.indexed_fields]
    return {*fields, *map(claim_field, fields)}


def _owners(connection: Connection, settings: AccountSettings, ids: Iterable[int]) -> _Owners:
    where = (lead.c.account_id == settings.account_id, lead.c.id.in_(ids))
    owners = {}
    for lead_id, document in connection.execute(select(lead.c.id, lead.c.document).where(*where)):
        read = _read(document)
        owners[lead_id] = None if read is None else _expected(settings, read, lead_id, {})
    return owners


def _fault(place: KeyPlace, owners: _Owners) -> str | None:
    """Say what is wrong with a stored key; None for nothing."""
    if place.lead_id not in owners:
        return f"a key of {place.field} leads to lead {place.lead_id}, which does not exist"
    keys = owners[place.lead_id]
    if keys is None or place in keys:
        return None
    return f"a key of {place.field} leads to lead {place.lead_id}, which has no such value"
