"""The part of the storage contract about the queue of refused deliveries.

The queue follows the ledger a moment later, with the figures. `contract/store.py` states what holds
for every method.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from onelead.contract.ledger import AccountLedgerRow


class CallerCount(NamedTuple):
    """How many open deliveries of a group came from a caller, as `caller_value` has it."""

    caller: str
    deliveries: int


class OpenGroup(Struct, frozen=True):
    """Open deliveries that one answer can settle."""

    #: As `delivery_group` has it.
    key: str
    deliveries: int
    #: The newest of them.
    newest_seq: int
    #: Those that sent most first.
    callers: Sequence[CallerCount]


class OpenGroups(Struct, frozen=True):
    """Some groups, those with the newest deliveries first."""

    groups: Sequence[OpenGroup]
    #: The newest delivery of each group, in the same order, without its payload.
    newest: Sequence[AccountLedgerRow]
    #: Where the next ones begin; None when these are the last.
    next_before: int | None


class RefusedDelivery(Struct, frozen=True):
    """What became of a refused delivery."""

    seq: int
    group_key: str
    #: `open`, `applied` or `dismissed`.
    state: str
    #: The ledger row that says so; None for a delivery that nobody has decided about.
    state_seq: int | None
    #: The first accepted delivery with its idempotency key.
    replaced_seq: int | None


class BesideGroup(NamedTuple):
    """The newest deliveries of the groups before and after one in the queue; None for none."""

    newer_seq: int | None
    older_seq: int | None


class QueueStore(Protocol):
    """Reads of the queue."""

    async def open_deliveries(self, account_id: int) -> int:
        """Return how many refused deliveries are open; one row is read."""

    async def queue_rows_behind(self, account_id: int) -> int:
        """Return how many ledger rows the queue has not taken in yet."""

    async def open_groups(
        self, account_id: int, *, before: int | None = None, limit: int
    ) -> OpenGroups:
        """Return the groups whose newest delivery is older than the ledger number `before`."""

    async def open_group(self, account_id: int, key: str) -> OpenGroup | None:
        """Return a group; None when none of its deliveries is open."""

    async def beside_group(self, account_id: int, newest_seq: int) -> BesideGroup:
        """Return what is beside a group whose newest delivery has this ledger number."""

    async def deliveries_of_group(
        self, account_id: int, key: str, *, after: int = 0, until: int | None = None, limit: int
    ) -> Sequence[AccountLedgerRow]:
        """Return open deliveries with their payloads, oldest first.

        Those above the ledger number `after`, up to `until`. Together their payloads have at most
        BATCH_BYTES_MAX characters, except that there is always one.
        """

    async def first_of_group(
        self, account_id: int, key: str, *, limit: int
    ) -> Sequence[AccountLedgerRow]:
        """Return the oldest open deliveries without their payloads, oldest first."""

    async def refused_deliveries(
        self, account_id: int, seqs: Collection[int]
    ) -> Mapping[int, RefusedDelivery]:
        """Return what became of refused deliveries, by ledger number.

        Other rows are left out, and so are those that are too new.
        """

    async def rows_of_batch(
        self, account_id: int, batch_id: str, *, before: int | None = None, limit: int
    ) -> Sequence[AccountLedgerRow]:
        """Return rows of leads that share a batch id, newest first, without their payloads.

        Those below the ledger number `before`.
        """
