"""A snapshot as a connection in a transaction that sees one committed state. Portable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from onelead.contract.exports import LeadsInOrder
from onelead.domain.account import AccountSettings
from onelead.domain.errors import ResourceNotFound
from onelead.domain.search import LeadSearch, checked_search
from onelead.storage.access.accounts import account_ids
from onelead.storage.exports.lines import lines_of
from onelead.storage.leads.conditions import Keys, conditions_of
from onelead.storage.leads.rows import lead_from
from onelead.storage.schema import lead


class OpenSnapshot:
    """The snapshot of a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def account_ids(self) -> Sequence[int]:
        """Return the ids of all accounts, ascending."""
        return account_ids(self._connection)

    def lines(self, account_id: int, *, is_copy: bool = False) -> Iterator[bytes]:
        """Yield the rows of an account. Raises ResourceNotFound."""
        if account_id not in self.account_ids():
            raise ResourceNotFound
        yield from lines_of(is_copy=is_copy).of_account(self._connection, account_id)


def leads_in_order(
    connection: Connection,
    settings: AccountSettings,
    search: LeadSearch,
    *,
    after: int,
    limit: int,
    now: int,
) -> LeadsInOrder:
    """Find leads by id. Raises InputInvalid."""
    checked = checked_search(search, settings)
    found = (
        select(lead.c.document)
        .where(lead.c.account_id == settings.account_id, lead.c.id > after)
        .where(*conditions_of(checked, Keys(settings.account_id), now))
        .order_by(lead.c.id)
        .limit(limit)
    )
    documents = connection.execute(found).scalars()
    return LeadsInOrder([lead_from(document) for document in documents], settings)
