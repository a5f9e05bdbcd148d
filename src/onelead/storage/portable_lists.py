"""Lists of leads, as both engines do them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from onelead.contract.leads import LeadList
from onelead.domain.search import LeadSearch
from onelead.storage import lead_list, tag_completions
from onelead.storage.transactions import Transactions


class PortableLists(Transactions):
    """See LeadStore."""

    async def list_leads(
        self, account_id: int, search: LeadSearch, *, now: int, backwards: bool = False
    ) -> LeadList:
        """See LeadStore."""

        def work(connection: Connection) -> LeadList:
            settings = self._load_settings(connection, account_id)
            return lead_list.list_leads(connection, settings, search, now, backwards=backwards)

        return await self._read(work)

    async def tag_completions(self, account_id: int, start: str, limit: int) -> Sequence[str]:
        """See LeadStore."""
        return await self._read(
            lambda connection: tag_completions.tags_starting(connection, account_id, start, limit)
        )
