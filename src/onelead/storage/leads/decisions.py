"""What people decided about leads: rulings and pairs; and how many deliveries wait. Portable."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, union

from onelead.contract.acts import DistinctPair
from onelead.contract.decisions import DistinctPage, Ruling, RulingPage
from onelead.domain.account import AccountSettings
from onelead.domain.acts.facts import OPEN
from onelead.domain.errors import ResourceNotFound
from onelead.domain.lead import Lead
from onelead.domain.matching import OTHER_VALUE, MatchKey, claim_field, value_keys
from onelead.storage.leads.reads import read_leads
from onelead.storage.schema import (
    distinct_pair,
    ledger_candidate,
    match_key,
    merged_lead,
    refused_delivery,
)


def rulings(
    connection: Connection, settings: AccountSettings, *, offset: int, limit: int
) -> RulingPage:
    """Return the rulings of an account: each gives its lead one key."""
    account_id = settings.account_id
    fields = {
        claim_field(name): name
        for name in ("name", "email", *(field.key_field for field in settings.indexed_fields))
    }
    where = (match_key.c.account_id == account_id, match_key.c.field.in_(fields))
    count = select(func.count()).select_from(match_key).where(*where)
    columns = (match_key.c.lead_id, match_key.c.field, match_key.c.value)
    page = select(*columns).where(*where).order_by(*columns).limit(limit).offset(offset)
    keys = [
        (lead_id, MatchKey(fields[field], value))
        for lead_id, field, value in connection.execute(page)
    ]
    found = read_leads(connection, account_id, sorted({lead_id for lead_id, _key in keys}))
    leads = {lead.id: lead for lead in found}
    return RulingPage(
        rulings=[
            Ruling(leads[lead_id], value_id)
            for lead_id, key in keys
            for value_id in _claiming(leads[lead_id], key, settings)
        ],
        total=connection.execute(count).scalar_one(),
        settings=settings,
    )


def _claiming(lead: Lead, key: MatchKey, settings: AccountSettings) -> Iterator[int]:
    for value_id, value in lead.other_values.items():
        if value.claims and key in value_keys(value, settings):
            yield value_id


def lead_of_value(connection: Connection, account_id: int, value_id: int) -> int:
    """Return the lead that has another value. Raises ResourceNotFound."""
    statement = select(match_key.c.lead_id).where(
        match_key.c.account_id == account_id,
        match_key.c.field == OTHER_VALUE,
        match_key.c.value == str(value_id),
    )
    lead_id: int | None = connection.execute(statement).scalar()
    if lead_id is None:
        raise ResourceNotFound
    return lead_id


def distinct_page(
    connection: Connection, account_id: int, lead_id: int | None, *, offset: int, limit: int
) -> DistinctPage:
    """Return pairs with the leads that stand for them now."""
    pairs = _present_pairs(account_id)
    first, second = pairs.selected_columns.first_id, pairs.selected_columns.second_id
    pairs = pairs.where(first != second)
    if lead_id is not None:
        ids = _standing_for(account_id, lead_id)
        table = distinct_pair
        pairs = pairs.where(or_(table.c.first_id.in_(ids), table.c.second_id.in_(ids)))
    page = pairs.order_by(distinct_pair.c.seq.desc(), first).limit(limit).offset(offset)
    total = select(func.count()).select_from(pairs.subquery("pairs"))
    return DistinctPage(
        pairs=[_pair(row.first_id, row.second_id, row.seq) for row in connection.execute(page)],
        total=connection.execute(total).scalar_one(),
    )


def _pair(one_id: int, other_id: int, seq: int) -> DistinctPair:
    return DistinctPair(min(one_id, other_id), max(one_id, other_id), seq)


def _present_pairs(account_id: int) -> Select[tuple[int, int, int]]:
    """Select the pairs of an account, with the leads that stand for merged ones."""
    first, second = merged_lead.alias("first"), merged_lead.alias("second")
    table = distinct_pair
    return (
        select(
            func.coalesce(first.c.lead_id, table.c.first_id).label("first_id"),
            func.coalesce(second.c.lead_id, table.c.second_id).label("second_id"),
            table.c.seq,
        )
        .where(table.c.account_id == account_id)
        .outerjoin(first, _is(first, table.c.first_id))
        .outerjoin(second, _is(second, table.c.second_id))
    )


def _is(merged: Any, lead_id: ColumnElement[int]) -> ColumnElement[bool]:
    return and_(merged.c.account_id == distinct_pair.c.account_id, merged.c.id == lead_id)


def _standing_for(account_id: int, lead_id: int) -> Select[tuple[int]]:
    """Select a lead's id, and those of all leads that stand for the same person.

    Of a merged lead, these are the survivor and all that were merged into it.
    """
    of_account = merged_lead.c.account_id == account_id
    survivor = select(merged_lead.c.lead_id).where(of_account, merged_lead.c.id == lead_id)
    present = func.coalesce(survivor.scalar_subquery(), lead_id)
    inside = select(merged_lead.c.id).where(of_account, merged_lead.c.lead_id == present)
    return select(union(select(present.label("id")), inside).subquery("ids").c.id)


def pairs_between(
    connection: Connection, account_id: int, one_id: int, other_id: int
) -> list[DistinctPair]:
    """Return the pairs of two leads and of all merged into them, as they were said."""
    one, other = _standing_for(account_id, one_id), _standing_for(account_id, other_id)
    table = distinct_pair
    rows = connection.execute(
        select(table.c.first_id, table.c.second_id, table.c.seq)
        .where(table.c.account_id == account_id)
        .where(
            or_(
                and_(table.c.first_id.in_(one), table.c.second_id.in_(other)),
                and_(table.c.first_id.in_(other), table.c.second_id.in_(one)),
            )
        )
        .order_by(table.c.seq)
    )
    return [DistinctPair(*row) for row in rows]


def waiting_deliveries(connection: Connection, account_id: int, lead_ids: Collection[int]) -> int:
    """Return how many open refused deliveries named one of the leads, or one merged into it."""
    inside = select(merged_lead.c.id).where(
        merged_lead.c.account_id == account_id, merged_lead.c.lead_id.in_(lead_ids)
    )
    named, table = ledger_candidate, refused_delivery
    same_row = and_(table.c.account_id == named.c.account_id, table.c.seq == named.c.seq)
    statement = (
        select(func.count(named.c.seq.distinct()))
        .where(named.c.account_id == account_id, table.c.state == OPEN)
        .where(or_(named.c.lead_id.in_(lead_ids), named.c.lead_id.in_(inside)))
        .join(table, same_row)
    )
    return connection.execute(statement).scalar_one()
