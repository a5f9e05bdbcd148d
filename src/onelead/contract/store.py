"""The storage contract: what every engine promises to the rest of the program.

Every method belongs to one account and runs in a transaction of its own. Reads see only committed
data and never wait for writers. Writes take the account's lane first, so the writes of an account
happen one transaction after another, from any number of processes; a write method that returns
has committed durably. All methods raise StoreUnavailable when the database does not answer in
time; then nothing was written, or the write is in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from onelead.contract.access import AccessStore
from onelead.contract.acts import ActStore
from onelead.contract.audit import AuditStore
from onelead.contract.batches import BatchStore
from onelead.contract.checks import CheckStore
from onelead.contract.credentials import CredentialStore
from onelead.contract.decisions import DecisionStore
from onelead.contract.erasures import ErasureStore
from onelead.contract.exports import ExportStore
from onelead.contract.figures import FigureStore
from onelead.contract.imports import ImportStore
from onelead.contract.leads import LeadStore
from onelead.contract.ledger import LedgerStore
from onelead.contract.queue import QueueStore
from onelead.contract.settings import SettingsStore
from onelead.domain.errors import StoreUnavailable


class PoolUse(Struct, frozen=True, gc=False):
    """How many of an engine's connections to its database are in use, and how many it may have."""

    in_use: int
    size: int


class StoreObserver:
    """Receives what an engine does besides its contract; the base class ignores it."""

    def transaction_retried(self, reason: str) -> None:
        """A transaction is retried; the reason is one of a few words of the engine."""


class Store(
    AccessStore,
    ActStore,
    AuditStore,
    BatchStore,
    CheckStore,
    CredentialStore,
    DecisionStore,
    ErasureStore,
    ExportStore,
    FigureStore,
    ImportStore,
    LeadStore,
    LedgerStore,
    QueueStore,
    SettingsStore,
    Protocol,
):
    """The whole contract of an engine."""

    @property
    def kind(self) -> str:
        """The name of the database system, for people."""

    async def close(self) -> None:
        """Finish what is under way, and release the database.

        Raises what ended the writes of this process for good, such as DatabaseReplaced.
        """

    async def is_ready(self) -> bool:
        """Return whether the database answers, has the tables of this version and is well."""

    @property
    def trouble(self) -> StoreUnavailable | None:
        """What is known to keep the database from being written or trusted; cheap."""

    @property
    def concerns(self) -> Mapping[str, str]:
        """Settings of the database server under which an answered write can be lost; cheap."""

    def pool_use(self) -> PoolUse:
        """Return how many connections are in use now; cheap."""
