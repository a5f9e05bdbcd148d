"""The part of the storage contract about removing data: erasing a person, and retention by age.

`contract/store.py` states what holds for every method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from onelead.contract.ledger import AccountLedgerRow
from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead


class ErasureRequest(Struct, frozen=True, kw_only=True):
    """Who is to be forgotten: exactly one of the first two is given."""

    #: A lead, one that was merged into another, or one that was deleted.
    lead_id: int | None = None
    #: The leads that have this e-mail, and deliveries that brought it and reached no lead.
    email: str | None = None


class ErasureBy(Struct, frozen=True, kw_only=True):
    """Who erases, for the ledger."""

    request_id: str
    user_id: int | None
    api_key_id: int | None
    #: Must not have a value of the person.
    reason: str = ""


class ErasurePreview(Struct, frozen=True):
    """What an erasure would remove."""

    #: The leads that are found, ascending; deleted ones are among them.
    lead_ids: Sequence[int]
    #: Those that had been merged into them, ascending.
    merged_ids: Sequence[int]
    #: Those of `lead_ids` that exist.
    leads: Sequence[Lead]
    #: How much there is, by kind: `leads`, `merged_leads`, `ledger_rows`, `refused_deliveries`.
    counts: Mapping[str, int]
    #: The newest rows of the last two kinds, ERASURE_SAMPLES_MAX of each at most, without payloads.
    rows: Sequence[AccountLedgerRow]
    #: Other leads that have an e-mail of these, ascending, a few at most; they stay.
    sharing_ids: Sequence[int]
    #: The newest ERASURE_PREVIEW_ROWS ledger rows were searched, and there are more.
    is_partial: bool
    settings: AccountSettings


class Erasure(Struct, frozen=True, kw_only=True):
    """An erasure that was begun. Times are Unix seconds."""

    id: int
    #: An `ErasureState`.
    state: str
    date: int
    date_done: int | None
    user_id: int | None
    api_key_id: int | None
    reason: str
    #: The ledger number of its last row.
    seq: int
    lead_ids: Sequence[int]
    merged_ids: Sequence[int]
    #: How many ledger rows of the `ledger` state were searched, out of `seq`.
    searched_rows: int
    #: How much was erased so far, by kind: as `ErasurePreview.counts`, and `idempotency_keys` and
    #: `mentions`, which are rows of other leads that lost a value or an id.
    counts: Mapping[str, int]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.date_done is not None


class ErasureStore(Protocol):
    """Erasing persons, and removing payloads by age."""

    async def preview_erasure(self, account_id: int, request: ErasureRequest) -> ErasurePreview:
        """Return what an erasure would remove; nothing is written.

        Raises ResourceNotFound for a lead that the ledger does not know, and InputInvalid for a
        text that is not one e-mail, that identifies nobody, or that more than ERASURE_LEADS_MAX
        leads have.
        """

    async def begin_erasure(
        self, account_id: int, request: ErasureRequest, by: ErasureBy
    ) -> Erasure:
        """Remove the leads with their keys, write the erasure's ledger rows, and commit.

        From then on nobody finds the leads; `erase_step` does the rest. Each lead has one row of
        action `erase`; without a lead there is one row. Raises what `preview_erasure` raises, and
        InputInvalid for a reason that has a value of the person.
        """

    async def erase_step(self, account_id: int) -> bool:
        """Do one short step of the account's oldest unfinished erasure; False if there is none.

        Each step is a transaction that notes how far it is, so that any process can do the next.
        The last one cleans the free space of the database's files, where the engine has any that
        it can clean; writes wait meanwhile.
        """

    async def erasure(self, account_id: int, erasure_id: int) -> Erasure:
        """Return an erasure. Raises ResourceNotFound."""

    async def erasures(self, account_id: int) -> Sequence[Erasure]:
        """Return the newest erasures, newest first, ERASURES_LISTED_MAX at most."""

    async def retention_step(self, account_id: int) -> bool:
        """Remove what old ledger rows delivered, a few rows at most; False if none is left.

        Old is what is older than the account's `payload_days`, if that is not 0. At most once in
        RETENTION_CLEAN_REST_S the last step cleans the free space as that of an erasure does.
        """
