"""A server process that answers reads with what it has read before, which a proof must find broken.

Run by its path instead of `onelead serve`; its configuration comes from the environment. It keeps
what it read for a moment, as a cache would that writes do not clear, so an answer can be older than
a write that was acknowledged before it was asked for.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from onelead.commands.cli import main
from onelead.storage.portable import PortableStore

_KEPT_S = 0.5
_READS = ("lead", "lead_history", "search_leads")
_kept: dict[tuple[str, str], tuple[float, Any]] = {}


def _stale(name: str, read: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def answered(store: PortableStore, *asked: Any, **how: Any) -> Any:
        how_else = {key: value for key, value in how.items() if key != "now"}
        at = name, f"{asked} {how_else}"
        known = _kept.get(at)
        if known is None or time.monotonic() > known[0] + _KEPT_S:
            known = _kept[at] = time.monotonic(), await read(store, *asked, **how)
        return known[1]

    return answered


if __name__ == "__main__":
    for one in _READS:
        setattr(PortableStore, one, _stale(one, getattr(PortableStore, one)))
    sys.argv[1:] = ["serve"]
    main()
