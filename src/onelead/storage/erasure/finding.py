"""Whom an erasure is about, and what it would remove: the reads of its preview. Portable."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Row, case, func, or_, select

from onelead.contract.erasures import ErasurePreview, ErasureRequest
from onelead.contract.ledger import AccountLedgerRow
from onelead.domain.account import AccountSettings
from onelead.domain.acts.erasure import (
    PersonValues,
    is_about,
    is_matched_by,
    lead_ids_in,
    values_of_email,
    values_of_leads,
)
from onelead.domain.errors import InputInvalid, Problem, ResourceNotFound
from onelead.domain.lead import Lead
from onelead.domain.limits import (
    ERASURE_CHUNK_ROWS,
    ERASURE_LEADS_MAX,
    ERASURE_PREVIEW_ROWS,
    ERASURE_SAMPLES_MAX,
    MATCH_IDS_MAX,
)
from onelead.domain.text import quoted
from onelead.domain.writes import LEAD, Action, Outcome
from onelead.storage.leads.reads import read_leads
from onelead.storage.ledger.search import row_as, select_rows
from onelead.storage.schema import ledger, match_key, merged_lead


class Person(Struct, frozen=True):
    """The leads of a person, and the values that are known of them at once."""

    lead_ids: tuple[int, ...]
    merged_ids: tuple[int, ...]
    leads: tuple[Lead, ...]
    values: PersonValues

    @property
    def ids(self) -> frozenset[int]:
        """All ids that ever meant the person."""
        return frozenset((*self.lead_ids, *self.merged_ids))


def find_person(
    connection: Connection, settings: AccountSettings, request: ErasureRequest
) -> Person:
    """Find the leads that a request is about. Raises ResourceNotFound, InputInvalid."""
    account_id = settings.account_id
    values = PersonValues()
    if request.email is not None:
        values = _checked_email(request.email, settings)
        found = _having_email(connection, account_id, values.emails, ERASURE_LEADS_MAX + 1)
        if len(found) > ERASURE_LEADS_MAX:
            text = f"more than {ERASURE_LEADS_MAX} leads have it; erase them one by one"
            raise InputInvalid(Problem("email", text))
    else:
        found = [_standing_for(connection, account_id, request.lead_id or 0)]
    merged = connection.execute(
        select(merged_lead.c.id)
        .where(merged_lead.c.account_id == account_id, merged_lead.c.lead_id.in_(found))
        .order_by(merged_lead.c.id)
    ).scalars()
    leads = tuple(read_leads(connection, account_id, found))
    values = values.with_more(values_of_leads(leads, settings))
    return Person(tuple(found), tuple(merged), leads, values)


def _checked_email(text: str, settings: AccountSettings) -> PersonValues:
    values = values_of_email(text)
    if not values.emails:
        raise InputInvalid(Problem("email", f"is not an e-mail address: {quoted(text)}"))
    if any(map(settings.placeholders.have_folded, values.emails)):
        raise InputInvalid(Problem("email", f"identifies nobody: {quoted(text)}"))
    return values


def _having_email(
    connection: Connection, account_id: int, emails: Collection[str], limit: int
) -> list[int]:
    statement = (
        select(match_key.c.lead_id)
        .where(match_key.c.account_id == account_id, match_key.c.field == "email")
        .where(match_key.c.value.in_(sorted(emails)))
        .group_by(match_key.c.lead_id)
        .order_by(match_key.c.lead_id)
    )
    return list(connection.execute(statement.limit(limit)).scalars())


def _standing_for(connection: Connection, account_id: int, lead_id: int) -> int:
    """Return the lead that stands for an id now, or stood for it last."""
    table = merged_lead
    where = (table.c.account_id == account_id, table.c.id == lead_id)
    survivor: int | None = connection.execute(select(table.c.lead_id).where(*where)).scalar()
    if survivor is not None:
        return survivor
    was_lead = select(ledger.c.seq).where(
        ledger.c.account_id == account_id,
        ledger.c.resource_id == lead_id,
        ledger.c.resource == LEAD,
        ledger.c.version.is_not(None),
    )
    if connection.execute(was_lead.limit(1)).first() is None:
        raise ResourceNotFound
    return lead_id


def own_rows(account_id: int, ids: Collection[int], up_to: int) -> tuple[ColumnElement[bool], ...]:
    """Bound a statement to the rows that are filed under the person's leads."""
    return (
        ledger.c.account_id == account_id,
        ledger.c.resource_id.in_(sorted(ids)),
        ledger.c.resource == LEAD,
        ledger.c.action != Action.ERASE.value,
        ledger.c.seq <= up_to,
    )


#: Only refused deliveries are about somebody whom no lead tells.
_is_refused = ledger.c.outcome == Outcome.REFUSED.value
_refused_payload = case((_is_refused, ledger.c.payload), else_="").label("payload")


class Finding(Struct, frozen=True):
    """A ledger row of no lead of the person that is about the person all the same."""

    seq: int
    #: It goes as a whole; of any other row, only the match and the shares lose the person.
    is_whole: bool


def search_rows(
    connection: Connection,
    account_id: int,
    between: tuple[int, int],
    values: PersonValues,
    ids: frozenset[int],
) -> Iterator[Finding]:
    """Yield what is found after one ledger number, up to another, in order."""
    after, up_to = between
    statement = (
        select_rows(with_payload=False)
        .add_columns(_refused_payload)
        .where(ledger.c.account_id == account_id, ledger.c.resource == LEAD)
        .where(or_(ledger.c.resource_id.is_(None), ledger.c.resource_id.not_in(sorted(ids))))
        .where(ledger.c.action != Action.ERASE.value)
        .order_by(ledger.c.seq)
    )
    # A payload may have a megabyte, so few are read at a time.
    for first in range(after, up_to, ERASURE_CHUNK_ROWS):
        run = (ledger.c.seq > first, ledger.c.seq <= min(first + ERASURE_CHUNK_ROWS, up_to))
        for row in connection.execute(statement.where(*run)):
            if (found := _finding(row, values, ids)) is not None:
                yield found


def _finding(row: Row[Any], values: PersonValues, ids: frozenset[int]) -> Finding | None:
    read = row_as(AccountLedgerRow, row)
    if read.erased is not None:
        return None
    match = read.match
    is_named = match is not None and not ids.isdisjoint(match["ids"])
    is_matched = match is not None and is_matched_by(values, match)
    if not ids.isdisjoint(lead_ids_in(read.details)):
        return Finding(read.seq, is_whole=True)
    if read.outcome == Outcome.REFUSED:
        is_unread = read.unread_bytes is not None
        if is_named or is_matched or is_about(values, row.payload, is_unread=is_unread):
            return Finding(read.seq, is_whole=True)
    shared = [id_ for found in (read.shares or {}).values() for id_ in found]
    if is_named or is_matched or not ids.isdisjoint(shared):
        return Finding(read.seq, is_whole=False)
    return None


def preview_erasure(
    connection: Connection, settings: AccountSettings, request: ErasureRequest
) -> ErasurePreview:
    """Return what an erasure would remove. Raises ResourceNotFound, InputInvalid."""
    account_id = settings.account_id
    person = find_person(connection, settings, request)
    newest = (
        connection.execute(
            select(func.max(ledger.c.seq)).where(ledger.c.account_id == account_id)
        ).scalar()
        or 0
    )
    own = own_rows(account_id, person.ids, newest)
    count = select(func.count()).select_from(ledger).where(*own)
    floor = max(0, newest - ERASURE_PREVIEW_ROWS)
    found = [
        finding.seq
        for finding in search_rows(
            connection, account_id, (floor, newest), person.values, person.ids
        )
        if finding.is_whole
    ]
    samples = _rows(connection, *own)
    if found:
        samples += _rows(connection, ledger.c.account_id == account_id, ledger.c.seq.in_(found))
    sharing = _having_email(connection, account_id, person.values.emails, MATCH_IDS_MAX)
    return ErasurePreview(
        lead_ids=person.lead_ids,
        merged_ids=person.merged_ids,
        leads=person.leads,
        counts={
            "leads": len(person.leads),
            "merged_leads": len(person.merged_ids),
            "ledger_rows": connection.execute(count).scalar_one(),
            "refused_deliveries": len(found),
        },
        rows=samples,
        sharing_ids=[id_ for id_ in sharing if id_ not in person.ids],
        is_partial=floor > 0,
        settings=settings,
    )


def _rows(connection: Connection, *where: ColumnElement[bool]) -> list[AccountLedgerRow]:
    statement = select_rows(with_payload=False).where(*where)
    rows: Sequence[Row[Any]] = connection.execute(
        statement.order_by(ledger.c.seq.desc()).limit(ERASURE_SAMPLES_MAX)
    ).all()
    return [row_as(AccountLedgerRow, row) for row in rows]
