"""What every engine does alike: the contract's reads and rare writes, on portable statements.

An engine adds how a transaction is begun and ended, and its own way of writing batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from onelead.contract.leads import LeadList, LeadPage, LeadRead, TagCount
from onelead.contract.ledger import AccountRows
from onelead.contract.settings import IndexProgress
from onelead.domain.account import AccountSettings
from onelead.domain.search import LeadSearch, TagSearch
from onelead.domain.settings_change import Resource, SettingsResult, SettingsWrite
from onelead.storage.access.portable import PortableAccess
from onelead.storage.figures.portable import PortableFigures
from onelead.storage.lane import take_lane
from onelead.storage.leads import lists as lead_list
from onelead.storage.leads import reads
from onelead.storage.leads import search as lead_search
from onelead.storage.ledger import account_rows
from onelead.storage.ledger.portable import PortableLedger
from onelead.storage.settings import index_steps
from onelead.storage.settings.rows import ids_using, load_settings
from onelead.storage.settings.writes import write_settings


class PortableStore(PortableAccess, PortableFigures, PortableLedger):
    """The portable part of the storage contract."""

    async def change_settings(self, account_id: int, write: SettingsWrite) -> SettingsResult:
        """See Store."""

        def work(connection: Connection) -> SettingsResult:
            return write_settings(connection, account_id, write, self._clock())

        def was_written(connection: Connection, result: SettingsResult) -> bool:
            # Under the lane nothing of the transaction in doubt is on its way any more.
            take_lane(connection, account_id, 0)
            found = reads.request_of(connection, account_id, result.seq)
            return found == write.delivery.request_id

        return await self._write(work, was_written)

    async def build_index(self, account_id: int) -> bool:
        """See Store."""

        def look(connection: Connection) -> bool:
            settings = self._load_settings(connection, account_id)
            stale = index_steps.stale_key_field(connection, settings)
            return stale is not None or index_steps.field_to_build(settings) is not None

        def work(connection: Connection) -> None:
            take_lane(connection, account_id, 0)
            settings = load_settings(connection, account_id)
            if (field := index_steps.field_to_build(settings)) is not None:
                index_steps.build_step(connection, account_id, field)
            elif (stale := index_steps.stale_key_field(connection, settings)) is not None:
                index_steps.purge_step(connection, account_id, stale)

        has_work = await self._read(look)
        if has_work:
            # A step begins where the one before has ended, so it may be done again.
            await self._write(work, lambda _connection, _done: False)
        return has_work

    async def leads_using(
        self, account_id: int, resource: Resource, resource_id: int, *, limit: int
    ) -> Sequence[int]:
        """See Store."""
        return await self._read(
            lambda connection: ids_using(connection, account_id, resource, resource_id, limit)
        )

    async def index_progress(self, account_id: int) -> Mapping[int, IndexProgress]:
        """See Store."""
        return await self._read(
            lambda connection: index_steps.read_progress(connection, account_id)
        )

    async def settings(self, account_id: int) -> AccountSettings:
        """See Store."""
        return await self._read(lambda connection: self._load_settings(connection, account_id))

    async def lead(self, account_id: int, lead_id: int) -> LeadRead:
        """See Store."""

        def work(connection: Connection) -> LeadRead:
            settings = self._load_settings(connection, account_id)
            return reads.read_lead(connection, settings, lead_id)

        return await self._read(work)

    async def search_leads(self, account_id: int, search: LeadSearch, *, now: int) -> LeadPage:
        """See Store."""

        def work(connection: Connection) -> LeadPage:
            settings = self._load_settings(connection, account_id)
            return lead_search.find_leads(connection, settings, search, now)

        return await self._read(work)

    async def account_rows(self, account_id: int) -> AccountRows:
        """See Store."""
        return await self._read(
            lambda connection: account_rows.read_account_rows(connection, account_id)
        )

    async def tags(self, account_id: int, search: TagSearch) -> Sequence[TagCount]:
        """See Store."""
        return await self._read(lambda connection: reads.read_tags(connection, account_id, search))

    async def list_leads(
        self, account_id: int, search: LeadSearch, *, now: int, backwards: bool = False
    ) -> LeadList:
        """See Store."""

        def work(connection: Connection) -> LeadList:
            settings = self._load_settings(connection, account_id)
            return lead_list.list_leads(connection, settings, search, now, backwards=backwards)

        return await self._read(work)

    async def tag_completions(self, account_id: int, start: str, limit: int) -> Sequence[str]:
        """See Store."""
        return await self._read(
            lambda connection: reads.tags_starting(connection, account_id, start, limit)
        )
