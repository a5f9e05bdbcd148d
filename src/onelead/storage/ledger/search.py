"""Searches of an account's ledger, newest first, and the read of one row with its leads. Portable.

No index serves these searches: each examines a bounded run of the primary key. The rows of a time
are found by bisection, because the ledger is in commit order.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select, true, union

from onelead.contract.ledger import (
    AccountLedgerRow,
    LedgerRead,
    LedgerRow,
    LedgerScope,
    LedgerSearch,
    LedgerSlice,
)
from onelead.domain.account import AccountSettings
from onelead.domain.errors import ResourceNotFound
from onelead.domain.limits import (
    FIGURE_PAYLOAD_CHARS_MAX,
    LEDGER_EXAMINED_MAX,
    LEDGER_MARGIN_ROWS,
    LEDGER_PAYLOADS_EXAMINED_MAX,
)
from onelead.domain.writes import LEAD, MatchResult, Outcome, RowDetails
from onelead.storage.leads.reads import read_leads
from onelead.storage.leads.rows import json_text
from onelead.storage.schema import ledger, ledger_candidate, ledger_detail, refused_delivery

_MATCH_FIELDS = ("name", "email", "custom")
#: What only some rows have to say, in a table of its own.
_DETAILS = (ledger_detail.c.about_seq, ledger_detail.c.batch_id, ledger_detail.c.details)
_details = msgspec.json.Decoder(RowDetails)


def select_rows(*, with_payload: bool) -> Select[Any]:
    """Select ledger rows; a payload may be a megabyte."""
    columns = (column for column in ledger.c if with_payload or column.name != "payload")
    same_row = and_(
        ledger_detail.c.account_id == ledger.c.account_id, ledger_detail.c.seq == ledger.c.seq
    )
    return select(*columns, *_DETAILS).outerjoin(ledger_detail, same_row)


def search_ledger(
    connection: Connection, settings: AccountSettings, search: LedgerSearch
) -> LedgerSlice:
    """Return a slice of the ledger."""
    newest = newest_seq(connection, settings.account_id)
    above, top = _bounds(connection, settings.account_id, search, newest)
    most = LEDGER_PAYLOADS_EXAMINED_MAX if search.sent else LEDGER_EXAMINED_MAX
    floor = max(above, top - most)
    # Indexes have the rows of a lead, and those of a batch.
    if search.lead_id is not None:
        floor = above
    elif search.batch_id is not None:
        floor = max(
            above, _batch_floor(connection, settings.account_id, search.batch_id, top, most)
        )
    run = [*run_between(settings.account_id, floor, top)]
    if search.batch_id is not None:
        seqs = _of_batch(settings.account_id, search.batch_id, floor, top)
        run.append(ledger.c.seq.in_(seqs))
    found = connection.execute(
        select_rows(with_payload=False)
        .where(*run, *criteria(settings.account_id, search))
        .order_by(ledger.c.seq.desc())
        .limit(search.limit)
    ).all()
    last_seen = found[-1].seq if len(found) == search.limit else floor + 1
    ids = {row.resource_id for row in found if row.resource == LEAD} - {None}
    return LedgerSlice(
        rows=[row_as(AccountLedgerRow, row) for row in found],
        leads=read_leads(connection, settings.account_id, sorted(ids)),
        next_before=last_seen if last_seen > above + 1 else None,
        looked_back_to=_date(connection, settings.account_id, last_seen) if top > above else None,
        settings=settings,
    )


def run_between(account_id: int, above: int, top: int) -> tuple[ColumnElement[bool], ...]:
    """Bound what a statement reads to a run of the primary key: above one number, up to another."""
    return (ledger.c.account_id == account_id, ledger.c.seq > above, ledger.c.seq <= top)


def _bounds(
    connection: Connection, account_id: int, search: LedgerSearch, newest: int
) -> tuple[int, int]:
    """Return the number that all rows of the search lie above, and the highest they can have."""
    above, top = 0, newest
    if search.before is not None:
        top = min(top, search.before - 1)
    if search.until_date is not None:
        later = _first_seq_at(connection, account_id, search.until_date, newest)
        top = min(top, later - 1 + LEDGER_MARGIN_ROWS)
    if search.from_date is not None:
        first = _first_seq_at(connection, account_id, search.from_date, newest)
        above = max(0, first - 1 - LEDGER_MARGIN_ROWS)
    return above, max(above, top)


def _batch_floor(
    connection: Connection, account_id: int, batch_id: str, top: int, most: int
) -> int:
    """Return the number that the newest rows of a batch lie above; 0 if there are not more."""
    seqs = _of_batch(account_id, batch_id, 0, top)
    beyond = seqs.order_by(ledger_detail.c.seq.desc()).offset(most).limit(1)
    return connection.execute(beyond).scalar() or 0


def _of_batch(account_id: int, batch_id: str, above: int, top: int) -> Select[Any]:
    of, seq = ledger_detail.c, ledger_detail.c.seq
    bounds = (of.account_id == account_id, of.batch_id == batch_id, seq > above, seq <= top)
    return select(seq).where(*bounds)


def newest_seq(connection: Connection, account_id: int) -> int:
    """Return the number of the newest row that can be read; 0 without any."""
    where = ledger.c.account_id == account_id
    return connection.execute(select(func.max(ledger.c.seq)).where(where)).scalar() or 0


def _first_seq_at(connection: Connection, account_id: int, date: int, newest: int) -> int:
    """Return the first number whose row is not older than a date; one beyond the newest if none."""
    low, high = 1, newest + 1
    while low < high:
        middle = (low + high) // 2
        found = _date(connection, account_id, middle)
        if found is not None and found < date:
            low = middle + 1
        else:
            high = middle
    return low


def _date(connection: Connection, account_id: int, seq: int) -> int | None:
    where = (ledger.c.account_id == account_id) & (ledger.c.seq == seq)
    date: int | None = connection.execute(select(ledger.c.date).where(where)).scalar()
    return date


#: What rows of a scope have in common.
_OF_SCOPE = {
    None: true(),
    LedgerScope.LEADS: ledger.c.resource == LEAD,
    LedgerScope.UNREAD: ledger.c.unread_bytes.is_not(None),
    LedgerScope.SETTINGS: ledger.c.resource != LEAD,
}


def criteria(
    account_id: int, search: LedgerSearch, *, is_folded: bool = True
) -> list[ColumnElement[bool]]:
    """Return the conditions of the criteria that are given.

    Rows that are not folded yet are found by what they say themselves, and not by leads that they
    name.
    """
    conditions = [*_of_match(search), _OF_SCOPE[search.scope]]
    conditions += _of_acts(account_id, search, is_folded=is_folded)
    if search.has_ignored:
        conditions.append(ledger.c.ignored.is_not(None))
    if search.outcomes:
        conditions.append(ledger.c.outcome.in_(sorted(search.outcomes)))
    for column, value in (
        (ledger.c.user_id, search.user_id),
        (ledger.c.api_key_id, search.api_key_id),
        (ledger.c.request_id, search.request_id),
    ):
        if value is not None:
            conditions.append(column == value)
    if search.is_without_key:
        conditions.append(ledger.c.api_key_id.is_(None))
    if search.from_date is not None:
        conditions.append(ledger.c.date >= search.from_date)
    if search.until_date is not None:
        conditions.append(ledger.c.date < search.until_date)
    # The payload is read only of rows that meet the other criteria.
    return [*conditions, *_of_payload(search)]


def _of_acts(
    account_id: int, search: LedgerSearch, *, is_folded: bool
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if search.actions:
        conditions.append(ledger.c.action.in_(sorted(search.actions)))
    if search.lead_id is not None:
        own = ledger.alias("own")
        of_lead = select(own.c.seq).where(
            own.c.account_id == account_id,
            own.c.resource_id == search.lead_id,
            own.c.resource == LEAD,
        )
        named = select(ledger_candidate.c.seq).where(
            ledger_candidate.c.account_id == account_id,
            ledger_candidate.c.lead_id == search.lead_id,
        )
        conditions.append(ledger.c.seq.in_(union(of_lead, named) if is_folded else of_lead))
    if search.state is not None:
        of_state = select(refused_delivery.c.seq).where(
            refused_delivery.c.account_id == account_id,
            refused_delivery.c.seq == ledger.c.seq,
            refused_delivery.c.state == search.state,
        )
        conditions += [ledger.c.outcome == Outcome.REFUSED.value, of_state.exists()]
    return conditions


def _of_match(search: LedgerSearch) -> list[ColumnElement[bool]]:
    """Compare the beginning and the end of the match's JSON, which always has the same form."""
    conditions = []
    definition_id = search.match_definition_id
    fields = (search.match_field,) if search.match_field else _MATCH_FIELDS
    if definition_id is not None:
        fields = ("custom",)
        end = _json_of_match("", "", definition_id).rpartition(",")[2]
        conditions.append(ledger.c.match.endswith(end, autoescape=True))
    if search.match_values:
        starts = [
            _json_of_match(name, value).partition(',"matches"')[0] + ","
            for name in fields
            for value in search.match_values
        ]
        conditions.append(or_(*map(_match_starts, starts)))
    elif fields != _MATCH_FIELDS:
        start = _json_of_match(fields[0], "").partition(',"value"')[0] + ","
        conditions.append(_match_starts(start))
    return conditions


def _of_payload(search: LedgerSearch) -> list[ColumnElement[bool]]:
    if not search.sent:
        return []
    return [
        ledger.c.resource == LEAD,
        func.length(ledger.c.payload) <= FIGURE_PAYLOAD_CHARS_MAX,
        or_(*(and_(*map(_payload_has, texts)) for texts in search.sent)),
    ]


def _payload_has(text: str) -> ColumnElement[bool]:
    payload = ledger.c.payload
    # The database would first write the whole payload in lower case.
    has = payload.contains if text.isdecimal() else payload.icontains
    return has(text, autoescape=True)


def _json_of_match(field_name: str, value: str, definition_id: int | None = None) -> str:
    return json_text(MatchResult(field_name, value, 0, (), definition_id=definition_id))


def _match_starts(start: str) -> ColumnElement[bool]:
    # Not LIKE, which ignores case on SQLite.
    return and_(ledger.c.match.is_not(None), func.substr(ledger.c.match, 1, len(start)) == start)


def ledger_row(connection: Connection, settings: AccountSettings, seq: int) -> LedgerRead:
    """Return a row with the leads that it names. Raises ResourceNotFound."""
    where = (ledger.c.account_id == settings.account_id) & (ledger.c.seq == seq)
    found = connection.execute(select_rows(with_payload=True).where(where)).first()
    if found is None:
        raise ResourceNotFound
    row = row_as(AccountLedgerRow, found, found.payload)
    ids = set(row.match["ids"]) if row.match else set()
    if row.resource == LEAD and row.resource_id is not None:
        ids.add(row.resource_id)
    leads = read_leads(connection, settings.account_id, sorted(ids))
    return LedgerRead(row, leads, settings)


R = TypeVar("R", bound=LedgerRow)


def row_as(kind: type[R], row: Row[Any], payload: Any = None) -> R:
    """Return a row of the table as a ledger row of one kind; it has a payload only if given."""
    values = {name: getattr(row, name) for name in kind.__struct_fields__ if name != "payload"}
    for name in ("match", "changes", "ignored", "shares"):
        values[name] = None if values[name] is None else msgspec.json.decode(values[name])
    values["details"] = _details.decode(row.details) if row.details else None
    return kind(**values, payload=payload)
