"""A server process whose SQLite page caches are small; run by its path instead of `onelead serve`.

The page caches of a process may hold 64 MiB and 8 MiB for each further connection. They fill over
hours as the file grows, which a soak could not tell from a leak; small ones are soon full.
"""

from __future__ import annotations

import sys

from onelead.commands.cli import main
from onelead.storage.sqlite import store

_PAGES_KIB = 512

if __name__ == "__main__":
    vars(store).update(_PAGES_KIB=_PAGES_KIB, _BATCH_PAGES_KIB=_PAGES_KIB)
    sys.argv[1:] = ["serve"]
    main()
