"""Who matched by a custom field lately: a bounded look at the newest ledger rows. Portable."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from onelead.ledger_store import MatchUse, MatchUses
from onelead.limits import LEDGER_EXAMINED_MAX
from onelead.storage.lead_rows import json_text
from onelead.storage.schema import ledger
from onelead.upsert import MatchResult


def read_uses(connection: Connection, account_id: int, definition_id: int) -> MatchUses:
    """Count the upserts of each caller that matched by a definition."""
    of_account = ledger.c.account_id == account_id
    newest = connection.execute(select(func.max(ledger.c.seq)).where(of_account)).scalar() or 0
    floor = max(0, newest - LEDGER_EXAMINED_MAX)
    caller = (ledger.c.user_id, ledger.c.api_key_id)
    last_seq = func.max(ledger.c.seq)
    rows = connection.execute(
        select(*caller, func.count(), last_seq, func.max(ledger.c.date))
        .where(of_account, ledger.c.seq > floor)
        .where(ledger.c.match.endswith(_end_of_match(definition_id), autoescape=True))
        .group_by(*caller)
        .order_by(last_seq.desc())
    )
    uses = [MatchUse(*row) for row in rows]
    oldest = select(ledger.c.date).where(of_account, ledger.c.seq == floor + 1)
    return MatchUses(uses, connection.execute(oldest).scalar())


def _end_of_match(definition_id: int) -> str:
    """Return how the JSON of such a match ends; it is always written alike."""
    return json_text(MatchResult("", "", 0, (), definition_id)).rpartition(",")[2]
