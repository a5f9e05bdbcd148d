"""A server process that looks only for the value of the match, which a proof must find broken.

Run by its path instead of `onelead serve`; its configuration comes from the environment. When an
upsert has given its lead another value, the same upsert finds nobody and makes a new lead.
"""

from __future__ import annotations

import sys

from onelead.commands.cli import main
from onelead.domain import fold
from onelead.domain.account import AccountSettings
from onelead.domain.matching import CheckedMatch, settle
from onelead.domain.properties import CheckedPatch


def _settle(match: CheckedMatch, patch: CheckedPatch, settings: AccountSettings) -> None:
    settle(match, patch, settings)
    match.key_by_properties = None


if __name__ == "__main__":
    vars(fold).update(settle=_settle)
    sys.argv[1:] = ["serve"]
    main()
