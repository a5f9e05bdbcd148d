"""The account's lane: the lock, the order and the numbering of its writes.

Taking the lane is the first statement of every transaction that changes an account's leads,
settings, users, keys or passwords, or adds to its audit; only a one-time link and a session are
read before, because they name the account. What needs no order does without the lane: folding the
figures, the last use of sessions, a new hash of the same password. Portable.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from onelead.domain.errors import IdsExhausted, ResourceNotFound
from onelead.domain.limits import IDS_PER_ACCOUNT_MAX
from onelead.storage.schema import lane

#: Adds `rows` to the ledger's numbering. Returns no row when the account does not exist or its
#: shard was just moved; the transaction is then rolled back and tried again.
TAKE_LANE = (
    update(lane)
    .where(lane.c.account_id == bindparam("key_account_id"))
    .values(ledger_seq=lane.c.ledger_seq + bindparam("rows"))
    .returning(lane.c.ledger_seq, lane.c.last_id, lane.c.settings_version)
)

#: Stores the last id that was given.
SAVE_LAST_ID = (
    update(lane)
    .where(lane.c.account_id == bindparam("key_account_id"))
    .values(last_id=bindparam("new_last_id"))
)

#: The same, and adds to the number of leads.
SAVE_LEADS = SAVE_LAST_ID.values(lead_count=lane.c.lead_count + bindparam("more_leads"))


class LaneMissing(ResourceNotFound, code=ResourceNotFound.code, kind=ResourceNotFound.kind):
    """The account has no lane: there is no such account, or its shard was just moved."""


class Lane(NamedTuple):
    """What a transaction reads from the lane when it takes it."""

    #: The ledger number of the transaction's first row.
    first_seq: int
    last_id: int
    settings_version: int


def take_lane(connection: Connection, account_id: int, rows: int) -> Lane:
    """Wait for the account's other writes, and number `rows` ledger rows."""
    row = connection.execute(TAKE_LANE, {"key_account_id": account_id, "rows": rows}).first()
    if row is None:
        raise LaneMissing
    return Lane(row.ledger_seq - rows + 1, row.last_id, row.settings_version)


def save_last_id(connection: Connection, account_id: int, last_id: int) -> None:
    """Store the last id that was given, while the lane is held. Raises IdsExhausted."""
    require_own_id(account_id, last_id)
    parameters = {"key_account_id": account_id, "new_last_id": last_id}
    connection.execute(SAVE_LAST_ID, parameters)


def next_settings_version(connection: Connection, account_id: int) -> None:
    """Let every process know that the settings changed, while the lane is held."""
    version = lane.c.settings_version + 1
    where = lane.c.account_id == account_id
    connection.execute(update(lane).where(where).values(settings_version=version))


def settings_version(connection: Connection, account_id: int) -> int:
    """Return the version of the account's settings. Raises ResourceNotFound."""
    statement = select(lane.c.settings_version).where(lane.c.account_id == account_id)
    version: int | None = connection.execute(statement).scalar()
    if version is None:
        raise ResourceNotFound
    return version


def require_own_id(account_id: int, last_id: int) -> None:
    """Refuse an id that lies in the range of the next account. Raises IdsExhausted."""
    if last_id >= first_id(account_id + 1):
        raise IdsExhausted


def lead_count(connection: Connection, account_id: int) -> int:
    """Return how many leads the account has."""
    statement = select(lane.c.lead_count).where(lane.c.account_id == account_id)
    count: int = connection.execute(statement).scalar_one()
    return count


def first_id(account_id: int) -> int:
    """Return the number below an account's ids.

    Each account has a range of its own, so that an id names one thing in the whole
    database and the id of another account's lead finds nothing.
    """
    return account_id * IDS_PER_ACCOUNT_MAX
