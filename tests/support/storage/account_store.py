"""A store as one account sees it, with the few calls that most tests of a store make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.domain.lead_writes import (
    create,
    read_lead_write,
    read_settings_write,
    settings_write,
)
from tests.support.storage.databases import Database

from onelead.contract.leads import Batch, BatchReceipt
from onelead.contract.ledger import LedgerRow
from onelead.contract.store import Store
from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField
from onelead.domain.fold import checked_write
from onelead.domain.lead import Lead
from onelead.domain.search import LeadSearch
from onelead.domain.settings.change import Resource, SettingsResult
from onelead.domain.writes import Action, LeadWrite, WriteResult
from onelead.prove.check.replay import Reader, Replay

DEFINITION = Resource.CUSTOM_FIELD_DEFINITION
INDEX_STEPS_MAX = 1_000


@dataclass
class AccountStore:
    """One account of a store, and the database beneath it."""

    store: Store
    account_id: int
    database: Database
    #: The settings and the last id before the test: where a replay of the ledger starts.
    initial: AccountSettings
    initial_last_id: int

    @classmethod
    async def of(cls, store: Store, account_id: int, database: Database) -> AccountStore:
        _, last_id, _ = (await store.account_rows(account_id)).lane
        return cls(store, account_id, database, await store.settings(account_id), last_id)

    async def unexplained(self) -> list[str]:
        """Do all the index work, and return what the replayed ledger does not explain."""
        await self.indexed()
        found = await self.store.account_rows(self.account_id)
        reader = Reader(read_lead_write, read_settings_write)
        return Replay(found, self.initial, reader, last_id=self.initial_last_id).run()

    async def settings(self) -> AccountSettings:
        return await self.store.settings(self.account_id)

    async def write(
        self, *writes: LeadWrite, settings: AccountSettings | None = None
    ) -> BatchReceipt:
        """Write one batch, checked under the current settings or under others."""
        settings = settings or await self.settings()
        batch = Batch(settings, [checked_write(write, settings) for write in writes])
        return await self.store.write_leads(batch)

    async def results(self, *writes: LeadWrite) -> list[WriteResult]:
        return list((await self.write(*writes)).results)

    async def result(self, write: LeadWrite) -> WriteResult:
        (result,) = await self.results(write)
        return result

    async def created(self, **properties: Any) -> Lead:
        """Create a lead."""
        result = await self.result(create(**{"name": "Nora Field"} | properties))
        assert result.lead is not None, result.refusal
        return result.lead

    async def change(
        self,
        resource: Resource,
        action: Action,
        body: dict[str, Any] | None = None,
        of: int | None = None,
    ) -> SettingsResult:
        write = settings_write(resource, action, body or {}, of)
        return await self.store.change_settings(self.account_id, write)

    async def field(self, **body: Any) -> CustomField:
        """Create a definition on leads, included in filters."""
        defaults: dict[str, Any] = {
            "name": "Customer number",
            "data_type": "String",
            "available_on": ["lead"],
            "is_filterable": True,
        }
        if body.get("data_type") in ("Dropdown", "MultiSelect"):
            defaults["options"] = [{"name": "Silver"}, {"name": "Gold"}]
        result = await self.change(DEFINITION, Action.CREATE, defaults | body)
        assert result.resource_id is not None, result.refusal
        return result.settings.fields_by_id[result.resource_id]

    async def changed_field(self, field: CustomField, **body: Any) -> CustomField:
        """Change a definition."""
        result = await self.change(DEFINITION, Action.UPDATE, body, field.id)
        assert result.refusal is None
        return result.settings.fields_by_id[field.id]

    async def indexed(self) -> int:
        """Do all the index work and return how many steps it took."""
        for steps in range(INDEX_STEPS_MAX):
            if not await self.store.build_index(self.account_id):
                return steps
        raise AssertionError("the index work does not end")

    async def leads(self) -> list[Lead]:
        """Return all leads, in the order of their ids."""
        search = LeadSearch(limit=100_000)
        page = await self.store.search_leads(self.account_id, search, now=0)
        return sorted(page.leads, key=lambda lead: lead.id)

    async def history(self, lead_id: int) -> list[LedgerRow]:
        page = await self.store.lead_history(self.account_id, lead_id, offset=0, limit=1_000)
        return list(page.rows)

    def ledger(self, columns: str) -> list[tuple[Any, ...]]:
        """Return columns of the account's ledger, in order."""
        where = f"account_id = {self.account_id}"
        return self.database.rows(f"SELECT {columns} FROM ledger WHERE {where} ORDER BY seq")

    def keys(self, field: str) -> list[tuple[str, int]]:
        """Return the account's match keys of a field: value and lead id, in order."""
        where = f"account_id = {self.account_id} AND field = '{field}'"
        return self.database.rows(
            f"SELECT value, lead_id FROM match_key WHERE {where} ORDER BY value, lead_id"
        )
