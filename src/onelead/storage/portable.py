"""What all engines share: the contract's reads and rare writes, as portable statements.

An engine adds how transactions begin and end, and how batches are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import Connection

from onelead.contract.leads import WriteCheck, WriteChecks
from onelead.domain.account import AccountSettings
from onelead.domain.settings.change import SettingsResult, SettingsWrite
from onelead.domain.writes import LeadWrite
from onelead.storage.access.credentials import PortableCredentials
from onelead.storage.access.portable import PortableAccess
from onelead.storage.check.portable import PortableChecks
from onelead.storage.erasure.portable import PortableErasures
from onelead.storage.exports.snapshots import leads_in_order
from onelead.storage.imports.portable import PortableImports
from onelead.storage.lane import take_lane
from onelead.storage.leads import decisions
from onelead.storage.leads import lists as lead_lists
from onelead.storage.leads import reads as lead_reads
from onelead.storage.leads import search as lead_search
from onelead.storage.leads.write_check import plan_writes
from onelead.storage.ledger.portable import PortableLedger
from onelead.storage.settings import index_steps, key_rebuild
from onelead.storage.settings import rows as settings_rows
from onelead.storage.settings.writes import change_settings
from onelead.storage.transactions import long_read, reads, reads_by_settings


class PortableStore(
    PortableAccess,
    PortableChecks,
    PortableCredentials,
    PortableErasures,
    PortableImports,
    PortableLedger,
):
    """The portable part of the storage contract."""

    lead = reads_by_settings(lead_reads.lead)
    search_leads = long_read(reads_by_settings(lead_search.search_leads))
    list_leads = reads_by_settings(lead_lists.list_leads)
    similar_lead_ids = reads(lead_reads.similar_lead_ids)
    tags = long_read(reads(lead_reads.tags))
    tag_completions = reads(lead_reads.tag_completions)
    rulings = reads_by_settings(decisions.rulings)
    lead_of_value = reads(decisions.lead_of_value)
    distinct_page = reads(decisions.distinct_page)
    pairs_between = reads(decisions.pairs_between)
    waiting_deliveries = reads(decisions.waiting_deliveries)
    leads_using = reads(settings_rows.leads_using)
    leads_in_order = long_read(reads_by_settings(leads_in_order))
    index_progress = reads(index_steps.index_progress)
    key_rebuild_progress = reads(key_rebuild.key_rebuild_progress)

    async def settings(self, account_id: int) -> AccountSettings:
        return await self._read(lambda connection: self._load_settings(connection, account_id))

    async def plan_write(self, account_id: int, write: LeadWrite) -> WriteCheck:
        checks = await self.plan_writes(account_id, [write])
        return WriteCheck(checks.results[0], checks.settings)

    async def plan_writes(self, account_id: int, writes: Sequence[LeadWrite]) -> WriteChecks:
        def work(connection: Connection) -> WriteChecks:
            settings = self._load_settings(connection, account_id)
            return plan_writes(connection, settings, writes, self._clock())

        return await self._read(work)

    async def change_settings(self, account_id: int, write: SettingsWrite) -> SettingsResult:
        def work(connection: Connection) -> SettingsResult:
            return change_settings(connection, account_id, write, self._clock())

        def was_written(connection: Connection, result: SettingsResult) -> bool:
            # Once the lane is taken, the transaction in doubt has ended.
            take_lane(connection, account_id, 0)
            found = lead_reads.request_of(connection, account_id, result.seq)
            return found == write.delivery.request_id

        return await self._write(work, was_written)

    async def build_index(self, account_id: int) -> bool:
        # The rebuild comes first: upserts wait for it.
        return await self._rebuild_keys(account_id) or await self._build_definition(account_id)

    async def _rebuild_keys(self, account_id: int) -> bool:
        def look(connection: Connection) -> key_rebuild.RebuildStep | None:
            settings = self._load_settings(connection, account_id)
            return key_rebuild.read_step(connection, settings, self._clock())

        step = await self._read(look)
        if step is None:
            return False
        # Of many leads it takes too long for the event loop.
        repairs = await asyncio.to_thread(key_rebuild.compute, step)
        return await self._write(
            lambda connection: key_rebuild.write_step(connection, step, repairs),
            lambda connection, done: done and key_rebuild.is_written(connection, step, repairs),
        )

    async def _build_definition(self, account_id: int) -> bool:
        def look(connection: Connection) -> bool:
            settings = self._load_settings(connection, account_id)
            stale = index_steps.stale_key_field(connection, settings)
            return stale is not None or index_steps.field_to_build(settings) is not None

        def work(connection: Connection) -> None:
            take_lane(connection, account_id, 0)
            settings = settings_rows.load_settings(connection, account_id)
            if (field := index_steps.field_to_build(settings)) is not None:
                index_steps.build_step(connection, account_id, field)
            elif (stale := index_steps.stale_key_field(connection, settings)) is not None:
                index_steps.purge_step(connection, account_id, stale)

        has_work = await self._read(look)
        if has_work:
            # Each step begins where the last one ended, so repeating it is safe.
            await self._write(work, lambda _connection, _done: False)
        return has_work
