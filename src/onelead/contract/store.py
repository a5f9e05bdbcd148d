"""The storage contract: what every engine promises to the rest of the program.

Every method belongs to one account and runs in one transaction of its own. Reads see only
committed data and never wait for writers. Writes take the account's lane first, so the writes of
an account happen one transaction after another, from any number of processes; a write method
that returns has committed durably. All methods raise StoreUnavailable when the database does not
answer in time; then nothing was written, or the write is in the ledger.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from onelead.contract.access import AccessStore
from onelead.contract.figures import FigureStore
from onelead.contract.leads import LeadStore
from onelead.contract.ledger import LedgerStore
from onelead.contract.settings import SettingsStore


class PoolUse(Struct, frozen=True, gc=False):
    """How many of an engine's connections to its database are in use, of how many at most."""

    in_use: int
    size: int


class StoreObserver:
    """Is told what an engine does beside its contract; this one does nothing with it."""

    def transaction_retried(self, reason: str) -> None:
        """A transaction is tried again; the reason is a word of a short list of the engine's."""


class Store(AccessStore, FigureStore, LeadStore, LedgerStore, SettingsStore, Protocol):
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
