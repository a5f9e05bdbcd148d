"""The part of the storage contract about checking what is stored, for `onelead check` and starts.

`contract/store.py` states what holds for every method. A step reads one committed state and takes
no lane, so that it contradicts no write that happens meanwhile and holds none up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct, field

from onelead.domain.figures import DeliveryKey, LeadKey


class Finding(Struct, frozen=True):
    """Something stored that contradicts something else; it never has a value of a person."""

    where: str
    what: str
    advice: str

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"{self.where}: {self.what}; {self.advice}"


class KeyPlace(NamedTuple):
    """A place among the match keys of an account."""

    field: str
    value: str
    lead_id: int


class LeadsChecked(Struct, frozen=True):
    """A step through the leads."""

    findings: Sequence[Finding]
    passed: int
    #: The next step begins after this lead; None when this was the last one.
    next_after: int | None


class KeysChecked(Struct, frozen=True):
    """A step through the match keys."""

    findings: Sequence[Finding]
    passed: int
    #: The next step begins after this key; None when this was the last one.
    next_after: KeyPlace | None


class LedgerSums(Struct):
    """What a run of ledger rows adds up to."""

    #: The run ends with this ledger number.
    seq: int = 0
    deliveries: Counter[DeliveryKey] = field(default_factory=Counter)
    #: By how many the leads with each value grow.
    values: Counter[LeadKey] = field(default_factory=Counter)
    #: Whether all rows still say which leads they moved.
    has_moved_all: bool = True
    #: The newest erasure when the run was read: each takes something from earlier rows.
    erasure_id: int = 0

    @property
    def leads(self) -> int:
        """By how many the leads grow: each has one status."""
        return sum(count for key, count in self.values.items() if key.field == "status_id")

    def add(self, more: LedgerSums) -> None:
        """Add the run that follows."""
        self.erasure_id = self.erasure_id if self.seq else more.erasure_id
        self.seq = more.seq
        self.deliveries.update(more.deliveries)
        self.values.update(more.values)
        self.has_moved_all &= more.has_moved_all


class LedgerChecked(Struct, frozen=True):
    """A step through the ledger."""

    findings: Sequence[Finding]
    passed: int
    is_last: bool
    sums: LedgerSums


class AccountChecked(Struct, frozen=True):
    """What was found in the tables that count."""

    findings: Sequence[Finding]
    #: What could not be checked, and why.
    unchecked: Sequence[str]


class CheckStore(Protocol):
    """Checks of what is stored."""

    async def quick_check(self) -> Sequence[Finding]:
        """Compare the lane of every account with its newest lead and ledger row; for starts.

        Of the first QUICK_CHECK_ACCOUNTS_MAX accounts. On SQLite also the structure of a file of
        at most QUICK_CHECK_FILE_BYTES_MAX.
        """

    async def check_tables(self) -> Sequence[Finding]:
        """Look for all tables and indexes of this version."""

    async def check_leads(self, account_id: int, *, after: int) -> LeadsChecked:
        """Compare the next leads with their columns, their match keys and the ledger."""

    async def check_keys(self, account_id: int, *, after: KeyPlace | None) -> KeysChecked:
        """Compare the next match keys with the leads that they lead to."""

    async def check_ledger(self, account_id: int, *, after: int) -> LedgerChecked:
        """Look through the next ledger rows, and what is beside them, and sum them up."""

    async def check_account(self, account_id: int, sums: LedgerSums) -> AccountChecked:
        """Compare the lane, the figures, the queue and the merged leads with the rest.

        `sums` are those of the whole ledger; rows that came since are read here.
        """
