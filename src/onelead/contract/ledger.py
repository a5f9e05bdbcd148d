"""The part of the storage contract about the ledger: reading what was delivered.

`contract/store.py` says what holds for every method.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead
from onelead.domain.limits import LEDGER_SLICE_ROWS
from onelead.domain.writes import Outcome


class LedgerRow(Struct, frozen=True, gc=False):
    """One ledger row as it is shown. `date` is Unix seconds."""

    seq: int
    date: int
    request_id: str
    action: str
    outcome: str
    version: int | None
    user_id: int | None
    api_key_id: int | None
    match: dict[str, Any] | None
    changes: dict[str, Any] | None
    message: str | None
    payload: Any


class LedgerPage(Struct, frozen=True, gc=False):
    """One page of ledger rows, newest first."""

    rows: Sequence[LedgerRow]
    total: int


class AccountLedgerRow(LedgerRow, frozen=True, gc=False):
    """A ledger row among all rows of its account; `payload` is the text that was delivered."""

    #: `lead`, or what kind of setting was changed.
    resource: str
    resource_id: int | None


class LedgerScope(StrEnum):
    """What a ledger row may be about."""

    LEADS = "leads"
    SETTINGS = "settings"


class LedgerSearch(Struct, frozen=True, kw_only=True):
    """Which ledger rows to look for; all criteria have to hold. Times are Unix seconds."""

    outcomes: frozenset[Outcome] = frozenset()
    scope: LedgerScope | None = None
    user_id: int | None = None
    api_key_id: int | None = None
    #: What a user did in the web application, and not what came through one of the user's keys.
    is_without_key: bool = False
    #: The first second, and the first one after the last.
    from_date: int | None = None
    until_date: int | None = None
    #: `name`, `email` or `custom`; with a definition `custom` is meant.
    match_field: str | None = None
    match_definition_id: int | None = None
    #: Normalised values, as the match keys have them; any of them will do.
    match_values: tuple[str, ...] = ()
    request_id: str | None = None
    #: Only rows below this ledger number: where the slice before has ended.
    before: int | None = None
    limit: int = LEDGER_SLICE_ROWS


class LedgerSlice(Struct, frozen=True, gc=False):
    """The newest ledger rows that were found, as far as one look goes back.

    The rows have no payload: theirs may be a megabyte each.
    """

    rows: Sequence[AccountLedgerRow]
    #: Ascending by id: those that the rows are about and that are still there.
    leads: Sequence[Lead]
    #: Where the next slice starts; None when there is nothing further back.
    next_before: int | None
    #: When the oldest row was written that this slice has looked at; None when it saw none.
    looked_back_to: int | None
    settings: AccountSettings


class LeadLedger(Struct, frozen=True, gc=False):
    """Some rows of one lead's history, newest first, without their payloads."""

    rows: Sequence[AccountLedgerRow]
    #: Where the older rows start; None when there are none.
    next_before: int | None
    settings: AccountSettings


class LedgerRead(Struct, frozen=True, gc=False):
    """A ledger row with its payload, and those of the leads that it names that are still there."""

    row: AccountLedgerRow
    #: Ascending by id: the row's own lead, and those that its match found.
    leads: Sequence[Lead]
    settings: AccountSettings


class DeletedSetting(Struct, frozen=True):
    """What the ledger knows of a lead status, customer source or custom field definition."""

    #: What it was called last; None while it is there.
    name: str | None = None
    #: Of a definition that was deleted.
    data_type: str | None = None
    currency: str | None = None
    #: By id: the options that a definition has or ever had, each by its last name.
    options: Mapping[int, str] = {}


class LedgerStore(Protocol):
    """Reads of the ledger."""

    async def lead_history(
        self, account_id: int, lead_id: int, *, offset: int, limit: int
    ) -> LedgerPage:
        """Return what happened to a lead, newest first, also to a deleted one.

        With the upserts that were refused because it was one of several matches, as far as the
        ledger is folded. Raises ResourceNotFound when the ledger has never seen the lead.
        """

    async def lead_ledger(
        self, account_id: int, lead_id: int, *, before: int | None = None, limit: int
    ) -> LeadLedger:
        """Return the newest rows of the lead's history, below the ledger number `before`.

        Raises ResourceNotFound when the ledger has never seen the lead.
        """

    async def lead_changes(
        self, account_id: int, lead_id: int, *, since_version: int, limit: int
    ) -> Sequence[AccountLedgerRow]:
        """Return the newest rows that made a later version of a lead, or that deleted it.

        They have no payload. Empty for a lead that is not known.
        """

    async def search_ledger(self, account_id: int, search: LedgerSearch) -> LedgerSlice:
        """Return the newest rows that match, all of them among the LEDGER_EXAMINED_MAX newest.

        "Newest" begins at the search's end: at `before` and `until_date`. A slice that looked at
        so many rows without being full says where to go on.
        """

    async def deleted_settings(
        self, account_id: int, ids: Collection[int]
    ) -> Mapping[int, DeletedSetting]:
        """Return what settings were called before they were deleted, by id, as the ledger says.

        Also of definitions that are there: some of their options may have been removed. Looks up
        no more than DELETED_SETTINGS_MAX ids, each in its DELETED_SETTING_ROWS_MAX newest rows;
        what is not known is left out.
        """

    async def ledger_row(self, account_id: int, seq: int) -> LedgerRead:
        """Return a ledger row. Raises ResourceNotFound."""

    async def account_rows(self, account_id: int) -> AccountRows:
        """Return the whole ledger, all leads, their match keys and the lane, as of one moment.

        For checks: it takes as much memory as the account has data.
        """


class LedgerEntry(NamedTuple):
    """A ledger row as it is stored, its columns in the order of the table."""

    account_id: int
    seq: int
    date: int
    request_id: str
    resource: str
    resource_id: int | None
    action: str
    outcome: str
    version: int | None
    user_id: int | None
    api_key_id: int | None
    payload: str
    match: str | None
    changes: str | None
    message: str | None


class AccountRows(Struct, frozen=True, gc=False):
    """Everything that is stored of an account's leads, read together."""

    #: In order.
    ledger: Sequence[LedgerEntry]
    #: Rows of the table, ascending by id.
    leads: Sequence[tuple[Any, ...]]
    #: Field, value, lead id and label.
    keys: Sequence[tuple[Any, ...]]
    #: The last ledger number, the last id, and how many leads there are.
    lane: tuple[int, int, int]
