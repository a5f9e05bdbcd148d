"""The part of the storage contract about leads: writes, reads, searches and lists.

A search counts and sorts exactly, however long it takes. A list is for a page that has to be fast
with any number of leads, so it says how far it has looked instead. `contract/store.py` states what
holds for every method.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead
from onelead.domain.matching import SimilarKeys
from onelead.domain.search import LeadSearch, TagSearch
from onelead.domain.writes import CheckedWrite, LeadWrite, WriteResult


class LeadList(Struct, frozen=True, gc=False):
    """One page of a list of leads, and how much is known of the rest."""

    leads: Sequence[Lead]
    #: How many leads match; at least this many when the count is not exact.
    count: int
    is_count_exact: bool
    #: Where the next and the previous page begin; None if there is none.
    next_cursor: str | None
    previous_cursor: str | None
    #: What the leads are sorted by: the name when too many match to sort as requested.
    sort_by: str
    #: How many leads were examined, if more are left although the page is not full; else None.
    examined: int | None
    settings: AccountSettings


class Batch(Struct, frozen=True, gc=False):
    """Lead writes of one account, in arrival order, checked under `settings`."""

    settings: AccountSettings
    writes: Sequence[CheckedWrite]


class BatchReceipt(Struct, frozen=True, gc=False):
    """What a batch did: one result for each write, in order."""

    results: Sequence[WriteResult]
    #: The settings that the batch was planned under.
    settings: AccountSettings
    #: The ledger number of each write; that of an earlier row for one that was done before.
    seqs: Sequence[int]

    @property
    def first_seq(self) -> int:
        """The ledger number of the first write."""
        return self.seqs[0]

    @property
    def seqs_written(self) -> Sequence[int]:
        """The ledger numbers that are new, in order."""
        return [
            seq
            for result, seq in zip(self.results, self.seqs, strict=True)
            if result.replayed_seq is None
        ]

    def first_written(self, batch: Batch) -> FirstRow | None:
        """Return the first ledger row that the batch wrote; None if all was done before."""
        for write, result, seq in zip(batch.writes, self.results, self.seqs, strict=True):
            if result.replayed_seq is None:
                return FirstRow(seq, write.write.delivery.request_id)
        return None


class FirstRow(NamedTuple):
    """By which a batch is found in the ledger."""

    seq: int
    request_id: str


class LeadRead(Struct, frozen=True, gc=False):
    """A lead and the settings to show it by, read together."""

    lead: Lead
    settings: AccountSettings
    #: The lead that stands for the one that was asked for, if that was merged into it.
    merged_into: int | None = None


class LeadPage(Struct, frozen=True, gc=False):
    """One page of a search."""

    leads: Sequence[Lead]
    #: How many leads match in all.
    total: int
    #: Where the next page starts; None on the last page.
    next_cursor: str | None
    settings: AccountSettings


class TagCount(Struct, frozen=True, gc=False):
    """A tag and how many leads carry it."""

    name: str
    count: int


class WriteCheck(Struct, frozen=True, gc=False):
    """What a write would do now, and under which settings."""

    result: WriteResult
    settings: AccountSettings


class WriteChecks(Struct, frozen=True, gc=False):
    """What several writes would do now, one after another, and under which settings."""

    results: Sequence[WriteResult]
    settings: AccountSettings


class LeadStore(Protocol):
    """Writes, reads, searches and lists of leads."""

    async def write_leads(self, batch: Batch) -> BatchReceipt:
        """Fold the batch in order, write it with one ledger row for each write, and commit.

        All or nothing. When the account's settings are newer than the batch's, the writes are
        checked again under the new ones before they are planned. When the
        outcome of a commit is unknown, the ledger decides.
        """

    async def plan_write(self, account_id: int, write: LeadWrite) -> WriteCheck:
        """Return what the write would do if it were the account's next; nothing is written.

        A lead that it would create has the id that it would get now. Raises IdsExhausted.
        """

    async def plan_writes(self, account_id: int, writes: Sequence[LeadWrite]) -> WriteChecks:
        """Return the same for several writes, each of which sees the ones before it."""

    async def lead(self, account_id: int, lead_id: int, *, unmerged: bool = False) -> LeadRead:
        """Return a lead; of a merged one, the lead that stands for it. Raises ResourceNotFound.

        With `unmerged`, a merged lead is returned as it was when it was merged. Raises Erased when
        that is not known any more.
        """

    async def search_leads(self, account_id: int, search: LeadSearch, *, now: int) -> LeadPage:
        """Return a page of leads. Raises InputInvalid for a field that cannot be searched."""

    async def list_leads(
        self, account_id: int, search: LeadSearch, *, now: int, backwards: bool = False
    ) -> LeadList:
        """Return the page after the search's cursor, or the one before it when `backwards`.

        Examines about LIST_EXAMINED_MAX leads at most, and ignores the offset. When more leads
        match, they are sorted only by one of `search.LIST_SORT_KEYS`, and the next cursor may be
        where the examination ended. Raises InputInvalid for a field that cannot be
        searched, and for a cursor of another search.
        """

    async def similar_lead_ids(
        self, account_id: int, wanted: Sequence[SimilarKeys], *, limit: int
    ) -> Sequence[Sequence[int]]:
        """Return the ids of the leads that have one of the keys, for each of `wanted`.

        Ascending, `limit` at most for each; of more leads, any `limit`.
        """

    async def tags(self, account_id: int, search: TagSearch) -> Sequence[TagCount]:
        """Return the tags of the account's leads in the order asked for."""

    async def tag_completions(self, account_id: int, start: str, limit: int) -> Sequence[str]:
        """Return the first tags, by name, of the account's leads that begin so in any case."""
