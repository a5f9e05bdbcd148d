"""The part of the storage contract about an account's settings.

`contract/store.py` says what holds for every method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from onelead.domain.account import AccountSettings
from onelead.domain.settings_change import Resource, SettingsResult, SettingsWrite


class IndexProgress(NamedTuple):
    """How far the match keys of a definition are: of how many leads, roughly, for how many."""

    done: int
    leads: int


class SettingsStore(Protocol):
    """An account's settings, and the match keys that follow from them."""

    async def settings(self, account_id: int) -> AccountSettings:
        """Return the account's current settings. Raises ResourceNotFound."""

    async def change_settings(self, account_id: int, write: SettingsWrite) -> SettingsResult:
        """Plan and write one change of the field settings with its ledger row, and commit.

        A refused change writes only its ledger row. From the commit on, every batch of every
        process is checked against the new settings.
        """

    async def leads_using(
        self, account_id: int, resource: Resource, resource_id: int, *, limit: int
    ) -> Sequence[int]:
        """Return ids of leads that have a lead status or a customer source, in no order."""

    async def build_index(self, account_id: int) -> bool:
        """Do one short step of the account's index work; False when there is nothing to do.

        A step gives at most INDEX_CHUNK_LEADS leads their keys for a definition that is being
        indexed, or removes at most PURGE_CHUNK_KEYS keys that no definition reads any more.
        Progress is stored with the step, so that any process can go on with it.
        """

    async def index_progress(self, account_id: int) -> Mapping[int, IndexProgress]:
        """Return how far the definitions are whose index is being built, by their ids.

        Read off the ids of the leads, so it takes no longer with many of them.
        """
