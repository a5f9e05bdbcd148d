"""What writes would do if they were the next ones: planned, but not written. Portable."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from onelead.contract.leads import WriteChecks
from onelead.domain.account import AccountSettings
from onelead.domain.acts.state import Snapshot
from onelead.domain.fold import (
    checked_write,
    keys_needed,
    leads_needed,
    matches_needed,
    plan_batch,
)
from onelead.domain.writes import CheckedWrite, LeadWrite
from onelead.storage.lane import require_own_id
from onelead.storage.leads.act_reads import answered, needs_facts, read_facts
from onelead.storage.leads.reads import read_leads
from onelead.storage.schema import lane, match_key


def plan_writes(
    connection: Connection, settings: AccountSettings, requests: Sequence[LeadWrite], now: int
) -> WriteChecks:
    """Plan the writes as one batch on what is stored now. Raises IdsExhausted."""
    account_id = settings.account_id
    writes = [checked_write(request, settings) for request in requests]
    where = lane.c.account_id == account_id
    last_id = connection.execute(select(lane.c.last_id).where(where)).scalar_one()
    snapshot = _snapshot(connection, account_id, writes)
    if needs_facts(writes, snapshot):
        reads = read_facts(settings, writes, snapshot, matches_needed(writes))
        answered(reads, lambda read: connection.execute(*read).all())
    plan = plan_batch(writes, snapshot, settings, now=now, last_id=last_id)
    require_own_id(account_id, plan.last_id)
    return WriteChecks(plan.results, settings)


def _snapshot(connection: Connection, account_id: int, writes: Sequence[CheckedWrite]) -> Snapshot:
    matches = {
        (field, value): _lead_ids(connection, account_id, field, value, matches_needed(writes))
        for field, value in keys_needed(writes)
    }
    ids = sorted(leads_needed(writes, matches))
    leads = {lead.id: lead for lead in read_leads(connection, account_id, ids)}
    return Snapshot(leads, matches)


def _lead_ids(
    connection: Connection, account_id: int, field: str, value: str, most: int
) -> list[int]:
    where = (match_key.c.account_id == account_id, match_key.c.field == field)
    statement = select(match_key.c.lead_id).where(*where, match_key.c.value == value)
    return list(connection.scalars(statement.order_by(match_key.c.lead_id).limit(most)))
