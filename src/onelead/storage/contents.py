"""What a backup has to be before it is trusted: of a known version, and whole by its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from onelead.contract.upkeep import Contents
from onelead.domain.errors import DatabaseNewer, NotPossible
from onelead.storage.migrate import known_revisions


class AccountNumbers(NamedTuple):
    """What the lane of an account says."""

    account_id: int
    ledger_seq: int
    lead_count: int


def verified(
    what: str,
    revisions: Sequence[str],
    lanes: Sequence[AccountNumbers],
    *,
    rows: Mapping[int, int],
    leads: Mapping[int, int],
) -> Contents:
    """Compare the lanes with the ledger rows and leads of each account.

    `what` names the backup. Raises NotPossible, DatabaseNewer.
    """
    if len(revisions) != 1:
        raise NotPossible(f"{what} has no tables of onelead")
    if revisions[0] not in known_revisions():
        raise DatabaseNewer
    for lane in lanes:
        for name, count, should_be in (
            ("ledger rows", rows.get(lane.account_id, 0), lane.ledger_seq),
            ("leads", leads.get(lane.account_id, 0), lane.lead_count),
        ):
            if count != should_be:
                raise NotPossible(
                    f"{what} is not sound: account {lane.account_id} has {count:,} {name}, and "
                    f"should have {should_be:,}; `onelead check` looks for more"
                )
    return Contents(
        revision=revisions[0],
        accounts=len(lanes),
        leads=sum(leads.values()),
        ledger_rows=sum(rows.values()),
    )
