"""The storage contract: what every engine promises to the rest of the program.

Every method belongs to one account and runs in one transaction of its own. Reads see only
committed data and never wait for writers. Writes take the account's lane first, so the writes of
an account happen one transaction after another, from any number of processes; a write method
that returns has committed durably. All methods raise StoreUnavailable when the database does not
answer in time; then nothing was written, or the write is in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from onelead.access_store import AccessStore
from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead
from onelead.domain.search import LeadSearch, TagSearch
from onelead.domain.settings_change import Resource, SettingsResult, SettingsWrite
from onelead.domain.writes import PreparedWrite, WriteResult
from onelead.figure_store import FigureStore
from onelead.ledger_store import LedgerStore
from onelead.list_store import ListStore


class Batch(Struct, frozen=True, gc=False):
    """Lead writes of one account, in arrival order, with their checks under `settings`."""

    settings: AccountSettings
    writes: Sequence[PreparedWrite]


class BatchReceipt(Struct, frozen=True, gc=False):
    """What a batch did: one result a write, in order."""

    results: Sequence[WriteResult]
    #: The settings that the batch was planned under.
    settings: AccountSettings
    #: The ledger number of the first write; the others follow without a gap.
    first_seq: int


class LeadRead(Struct, frozen=True, gc=False):
    """A lead and the settings to show it by, read together."""

    lead: Lead
    settings: AccountSettings


class LeadPage(Struct, frozen=True, gc=False):
    """One page of a search."""

    leads: Sequence[Lead]
    #: How many leads match in all.
    total: int
    #: Where the next page starts; None on the last page.
    next_cursor: str | None
    settings: AccountSettings


class LedgerEntry(NamedTuple):
    """A ledger row as it is stored, its columns in the order of the table."""

    account_id: int
    seq: int
    date: int
    request_id: str
    resource: str
    resource_id: int | None
    action: str
    outcome: str
    version: int | None
    user_id: int | None
    api_key_id: int | None
    payload: str
    match: str | None
    changes: str | None
    message: str | None


class AccountRows(Struct, frozen=True, gc=False):
    """Everything that is stored of an account's leads, read together."""

    #: In order.
    ledger: Sequence[LedgerEntry]
    #: Rows of the table, ascending by id.
    leads: Sequence[tuple[Any, ...]]
    #: Field, value, lead id and label.
    keys: Sequence[tuple[Any, ...]]
    #: The last ledger number, the last id, and how many leads there are.
    lane: tuple[int, int, int]


class TagCount(Struct, frozen=True, gc=False):
    """A tag and how many leads carry it."""

    name: str
    count: int


class PoolUse(Struct, frozen=True, gc=False):
    """How many of an engine's connections to its database are in use, of how many at most."""

    in_use: int
    size: int


class IndexProgress(NamedTuple):
    """How far the match keys of a definition are: of how many leads, roughly, for how many."""

    done: int
    leads: int


class StoreObserver:
    """Is told what an engine does beside its contract; this one does nothing with it."""

    def transaction_retried(self, reason: str) -> None:
        """A transaction is tried again; the reason is a word of a short list of the engine's."""


class Store(AccessStore, FigureStore, LedgerStore, ListStore, Protocol):
    """What an engine does."""

    @property
    def kind(self) -> str:
        """What people call the database."""

    async def close(self) -> None:
        """Let go of the database after what is under way."""

    async def is_ready(self) -> bool:
        """Say whether the database answers and has the tables of this program."""

    def pool_use(self) -> PoolUse:
        """Return how many connections are in use now; costs next to nothing."""

    async def write_leads(self, batch: Batch) -> BatchReceipt:
        """Fold the batch in order, write it with one ledger row a write, and commit.

        All or nothing. When the account's settings are newer than the batch's, the writes are
        checked again under the new ones before they are planned. A commit whose outcome is
        unknown is looked up in the ledger.
        """

    async def change_settings(self, account_id: int, write: SettingsWrite) -> SettingsResult:
        """Plan and write one change of the field settings with its ledger row, and commit.

        A refused change writes only its ledger row. From the commit on, every batch of every
        process is checked against the new settings.
        """

    async def build_index(self, account_id: int) -> bool:
        """Do one short step of the account's index work; False when there is nothing to do.

        A step gives at most INDEX_CHUNK_LEADS leads their keys for a definition that is being
        indexed, or removes at most PURGE_CHUNK_KEYS keys that no definition reads any more.
        Progress is stored with the step, so that any process can go on with it.
        """

    async def leads_using(
        self, account_id: int, resource: Resource, resource_id: int, *, limit: int
    ) -> Sequence[int]:
        """Return ids of leads that have a lead status or a customer source, in no order."""

    async def index_progress(self, account_id: int) -> Mapping[int, IndexProgress]:
        """Return how far the definitions are whose index is being built, by their ids.

        Read off the ids of the leads, so it takes no longer with many of them.
        """

    async def settings(self, account_id: int) -> AccountSettings:
        """Return the account's current settings. Raises ResourceNotFound."""

    async def lead(self, account_id: int, lead_id: int) -> LeadRead:
        """Return a lead. Raises ResourceNotFound."""

    async def search_leads(self, account_id: int, search: LeadSearch, *, now: int) -> LeadPage:
        """Return a page of leads. Raises InputInvalid for a field that cannot be searched."""

    async def account_rows(self, account_id: int) -> AccountRows:
        """Return the whole ledger, all leads, their match keys and the lane, as of one moment.

        For checks: it takes as much memory as the account has data.
        """

    async def tags(self, account_id: int, search: TagSearch) -> Sequence[TagCount]:
        """Return the tags of the account's leads in the order asked for."""
