"""The background work that deletes what signing in leaves behind and nothing reads any more."""

from __future__ import annotations

from onelead.contract.access import AccessStore
from onelead.domain.limits import ACCESS_CLEANING_REST_S
from onelead.process.background import BackgroundWork


class AccessCleaning(BackgroundWork):
    """A task that cleans up at once, and again after each rest."""

    def __init__(self, store: AccessStore) -> None:
        """Start; needs a running event loop."""
        super().__init__("cleaning of sign-ins", rest_s=ACCESS_CLEANING_REST_S)
        self._store = store

    async def _round(self) -> None:
        await self._store.forget_old_attempts()
