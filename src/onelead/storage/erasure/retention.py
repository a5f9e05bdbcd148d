"""Removing what old ledger rows delivered, a few rows at a time, in their order. Portable.

The leads as they stand are not touched. A row of an old delivery that still waits for a decision
goes, too: nobody answered in all that time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import Connection, select, update

from onelead.domain.account import AccountSettings
from onelead.domain.acts.erasure import counted_changes
from onelead.domain.limits import RETENTION_CHUNK_ROWS, RETENTION_CLEAN_REST_S
from onelead.domain.writes import LEAD
from onelead.storage.engine_insert import engine_insert
from onelead.storage.erasure.rows import erase_rows, is_erasure, read_rows
from onelead.storage.lane import take_lane
from onelead.storage.leads.rows import json_text
from onelead.storage.schema import figure_progress, ledger, retention

_DAY_S = 86_400


class Retained(NamedTuple):
    """How far an account is; the columns of `retention`."""

    seq: int
    cleaned_seq: int
    date_cleaned: int


class RetentionStep(Struct, frozen=True):
    """What is to be done next: remove up to a number, or else clean the files."""

    before: Retained
    #: None to clean the files.
    up_to: int | None
    seqs: Sequence[int]


def next_retention(
    connection: Connection, settings: AccountSettings, now: int
) -> RetentionStep | None:
    """Return the next step of an account; None when there is nothing to do."""
    account_id = settings.account_id
    before = _retained(connection, account_id)
    if settings.payload_days:
        table = figure_progress
        folded = connection.execute(
            select(table.c.seq).where(table.c.account_id == account_id)
        ).scalar()
        rows = connection.execute(
            select(ledger.c.seq, ledger.c.resource, ledger.c.date)
            .where(
                ledger.c.account_id == account_id,
                ledger.c.seq > before.seq,
                # The figures have to have read a row first.
                ledger.c.seq <= (folded or 0),
            )
            .order_by(ledger.c.seq)
            .limit(RETENTION_CHUNK_ROWS)
        ).all()
        kept_from = now - settings.payload_days * _DAY_S
        young = next((place for place, row in enumerate(rows) if row.date >= kept_from), None)
        old = rows[:young]
        if old:
            seqs = [row.seq for row in old if row.resource == LEAD]
            return RetentionStep(before, old[-1].seq, seqs)
    is_unclean = before.seq > before.cleaned_seq
    if is_unclean and now - before.date_cleaned >= RETENTION_CLEAN_REST_S:
        return RetentionStep(before, None, ())
    return None


def _retained(connection: Connection, account_id: int) -> Retained:
    columns = (retention.c[name] for name in Retained._fields)
    row = connection.execute(select(*columns).where(retention.c.account_id == account_id)).first()
    return Retained(0, 0, 0) if row is None else Retained(*row)


def remove_old(
    connection: Connection, settings: AccountSettings, step: RetentionStep, now: int
) -> bool:
    """Remove what the rows of a step delivered, unless another process was faster."""
    account_id = settings.account_id
    take_lane(connection, account_id, 0)
    if _retained(connection, account_id) != step.before:
        return True
    rows = [
        row
        for row in read_rows(connection, account_id, step.seqs)
        if row.erased is None and not is_erasure(row)
    ]
    changes = {
        row.seq: counted_changes(json_text(row.changes), settings) for row in rows if row.changes
    }
    mark = {"date": now, "user_id": None, "days": settings.payload_days}
    erase_rows(connection, account_id, rows, mark, changes=changes)
    assert step.up_to is not None
    save = engine_insert(connection, retention).on_conflict_do_update(
        index_elements=["account_id"], set_={"seq": step.up_to}
    )
    first = {"account_id": account_id, "cleaned_seq": 0, "date_cleaned": 0}
    connection.execute(save, first | {"seq": step.up_to})
    return True


def note_clean(connection: Connection, account_id: int, step: RetentionStep, now: int) -> None:
    """Note that the files were cleaned of what was removed before."""
    clean = {"cleaned_seq": step.before.seq, "date_cleaned": now}
    where = retention.c.account_id == account_id
    connection.execute(update(retention).where(where).values(clean))
