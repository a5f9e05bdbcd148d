"""The part of the storage contract that lists of leads for people need: bounded in every way.

The API counts and sorts exactly, however long it takes. A page for people has to be there at
once, with a million leads as with ten, so it says how far it has looked instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead
from onelead.domain.search import LeadSearch


class LeadList(Struct, frozen=True, gc=False):
    """One page of a list of leads, and how much is known of the rest."""

    leads: Sequence[Lead]
    #: How many leads match; when that is not exact, they are more than this, or as many.
    count: int
    is_count_exact: bool
    #: Where the pages after and before this one begin; None where there is none.
    next_cursor: str | None
    previous_cursor: str | None
    #: What the leads are sorted by: the name, when too many match for what was asked.
    sort_by: str
    #: How many leads were looked at without filling the page, when others are left; else None.
    examined: int | None
    settings: AccountSettings


class ListStore(Protocol):
    """Lists of leads for people."""

    async def list_leads(
        self, account_id: int, search: LeadSearch, *, now: int, backwards: bool = False
    ) -> LeadList:
        """Return the page after the search's cursor, or the one before it when `backwards`.

        Examines about LIST_EXAMINED_MAX leads at most, and takes no notice of the offset. With
        more leads than that matching, only `search.LIST_SORT_KEYS` are sorted by, and the next
        cursor may stand where the look ended. Raises InputInvalid for a field that cannot be
        searched, and for a cursor of another search.
        """

    async def tag_completions(self, account_id: int, start: str, limit: int) -> Sequence[str]:
        """Return the first tags of the account's leads that begin so, in any case, by name."""
