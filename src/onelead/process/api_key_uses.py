"""When and from where each API key was last used: noted on every call, written now and then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from onelead.contract.access import ApiKeyUse
from onelead.domain.account import Caller
from onelead.domain.limits import API_KEY_USE_REST_S
from onelead.process.background import BackgroundWork

#: `AccessStore.record_api_key_uses`.
RecordUses = Callable[[int, Sequence[ApiKeyUse]], Awaitable[None]]


class ApiKeyUses:
    """The last use of each key that is not written yet; never more entries than valid keys."""

    def __init__(self) -> None:
        #: By the key's id: the account, the Unix seconds, and the address.
        self._uses: dict[int, tuple[int, int, str]] = {}

    def note(self, caller: Caller, now: int, address: str) -> None:
        """Note a call; cheap, because every API call pays for it."""
        self._uses[caller.api_key_id] = (caller.account_id, now, address)

    async def write(self, record: RecordUses) -> None:
        """Write the noted uses; on an error they are kept for the next time, and it is raised."""
        taken, self._uses = self._uses, {}
        by_account = defaultdict(list)
        for key_id, (account_id, date, address) in taken.items():
            by_account[account_id].append(ApiKeyUse(key_id, date, address))
        try:
            for account_id, uses in by_account.items():
                await record(account_id, uses)
        except BaseException:
            self._uses = taken | self._uses
            raise


class ApiKeyUseWork(BackgroundWork):
    """A task that writes the noted uses, with rests in between."""

    def __init__(
        self, record: RecordUses, uses: ApiKeyUses, *, rest_s: float = API_KEY_USE_REST_S
    ) -> None:
        """Start; needs a running event loop."""
        super().__init__("key uses", rest_s=rest_s)
        self._record = record
        self._uses = uses

    async def stop(self) -> None:
        """Write the rest, and end."""
        await super().stop()
        await self._attempt(self._round)

    async def _round(self) -> None:
        await self._uses.write(self._record)
