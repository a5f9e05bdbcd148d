"""What people decided about ledger rows and leads. Portable."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, select

from onelead.contract.acts import DistinctPair
from onelead.domain.acts.facts import ActFact
from onelead.storage.schema import distinct_pair, ledger, ledger_detail


def acts_about(
    connection: Connection, account_id: int, seqs: Collection[int]
) -> dict[int, list[ActFact]]:
    """Return the rows about ledger rows, and those about these, by what they are about."""
    table = ledger_detail
    same_row = and_(ledger.c.account_id == table.c.account_id, ledger.c.seq == table.c.seq)
    found: dict[int, list[ActFact]] = {}
    about = {*seqs}
    while about:
        rows = connection.execute(
            select(table.c.about_seq, ledger.c.seq, ledger.c.action, ledger.c.outcome)
            .where(table.c.account_id == account_id, table.c.about_seq.in_(about))
            # A refused one can be about a number that was not given yet, even its own.
            .where(table.c.seq > table.c.about_seq)
            .join(ledger, same_row)
            .order_by(ledger.c.seq)
        )
        about = set()
        for about_seq, seq, action, outcome in rows:
            found.setdefault(about_seq, []).append(ActFact(seq, action, outcome))
            about.add(seq)
    return found


def distinct_pairs(
    connection: Connection, account_id: int, lead_ids: Collection[int]
) -> list[DistinctPair]:
    """Return the pairs of these leads that are two persons, in ascending order."""
    table = distinct_pair
    rows = connection.execute(
        select(table.c.first_id, table.c.second_id, table.c.seq)
        .where(
            table.c.account_id == account_id,
            table.c.first_id.in_(lead_ids),
            table.c.second_id.in_(lead_ids),
        )
        .order_by(table.c.first_id, table.c.second_id)
    )
    return [DistinctPair(*row) for row in rows]
