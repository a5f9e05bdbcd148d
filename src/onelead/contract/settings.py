"""The part of the storage contract about an account's settings.

`contract/store.py` states what holds for every method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from onelead.domain.account import AccountSettings
from onelead.domain.settings.change import Resource, SettingsResult, SettingsWrite


class IndexProgress(NamedTuple):
    """How many leads, roughly, have the match keys that are being built, and out of how many."""

    done: int
    leads: int


class SettingsStore(Protocol):
    """An account's settings, and the match keys that follow from them."""

    async def settings(self, account_id: int) -> AccountSettings:
        """Return the account's current settings. Raises ResourceNotFound."""

    async def change_settings(self, account_id: int, write: SettingsWrite) -> SettingsResult:
        """Plan and write one settings change with its ledger row, and commit.

        A refused change writes only its ledger row. From the commit on, all batches of all
        processes are checked against the new settings.
        """

    async def leads_using(
        self, account_id: int, resource: Resource, resource_id: int, *, limit: int
    ) -> Sequence[int]:
        """Return up to `limit` ids of leads with a lead status or customer source, in no order."""

    async def build_index(self, account_id: int) -> bool:
        """Do one short step of the account's index work; False when there is nothing to do.

        A step adds the match keys of at most INDEX_CHUNK_LEADS leads for a definition that is
        being indexed, or removes at most PURGE_CHUNK_KEYS keys that no definition reads any more.
        Progress is stored with the step, so that any process can do the next one.

        After an upgrade that changed the rules of match keys, the first steps give the leads the
        keys of today's rules, while `AccountSettings.are_keys_stale`. For OLD_WRITES_S more, steps
        do the same for what processes of the version before write. The leads keep their versions
        and dates, and the ledger gets no row. One process at a time does these steps; the others
        leave them to it, and return False.
        """

    async def index_progress(self, account_id: int) -> Mapping[int, IndexProgress]:
        """Return the progress of definitions that are being indexed, by their ids.

        It is estimated from the ids of the leads, so it is as fast with many leads.
        """

    async def key_rebuild_progress(self, account_id: int) -> IndexProgress | None:
        """Return the progress of the rebuild after an upgrade; None when there is none.

        It is estimated in the same way. While it is not None, `AccountSettings.are_keys_stale`.
        """
