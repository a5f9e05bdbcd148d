"""The part of the storage contract about reading the ledger.

`contract/store.py` states what holds for every method.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead
from onelead.domain.limits import LEDGER_SLICE_ROWS
from onelead.domain.writes import Action, IdempotencyKey, Outcome, RowDetails


class LedgerRow(Struct, frozen=True, gc=False, kw_only=True):
    """One ledger row as callers see it. `date` is Unix seconds."""

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
    #: The names of what the lead did not take.
    ignored: Sequence[str] | None = None
    #: By field: the other leads with the value that the write gave its lead.
    shares: dict[str, Any] | None = None
    #: The size of a body that could not be read; the payload is its beginning.
    unread_bytes: int | None = None
    #: The ledger row that this one is about: what it undid, applied, dismissed or reopened.
    about_seq: int | None = None
    #: Shared by the rows that can be undone together.
    batch_id: str | None = None
    #: What only some rows have to say.
    details: RowDetails | None = None

    @property
    def erased(self) -> dict[str, int | None] | None:
        """When what the row said was erased, and by which user; None while it is there.

        `date` is Unix seconds. An erasure has its `erasure_id`; retention has its `days` instead,
        and no user.
        """
        return self.details.erased if self.details else None


class AccountLedgerRow(LedgerRow, frozen=True, gc=False, kw_only=True):
    """A ledger row among all rows of its account; `payload` is the text that was delivered."""

    #: `LEAD`, or a `Resource` for a settings change.
    resource: str
    resource_id: int | None


class LedgerPage(Struct, frozen=True, gc=False):
    """One page of ledger rows, newest first, with their payloads as they were delivered."""

    rows: Sequence[AccountLedgerRow]
    total: int


class LedgerRun(Struct, frozen=True, gc=False):
    """Ledger rows in order, without their payloads."""

    rows: Sequence[AccountLedgerRow]
    #: Where the next run begins: all rows up to this number were examined.
    last_seq: int


class LedgerScope(StrEnum):
    """What ledger rows can be about."""

    LEADS = "leads"
    #: Only deliveries of leads whose body could not be read.
    UNREAD = "unread"
    SETTINGS = "settings"


class LedgerSearch(Struct, frozen=True, kw_only=True):
    """Which ledger rows to look for; all criteria have to hold. Times are Unix seconds."""

    outcomes: frozenset[Outcome] = frozenset()
    actions: frozenset[Action] = frozenset()
    #: Only rows that are filed under a lead, or that named it as one of several matches. These are
    #: found however old they are.
    lead_id: int | None = None
    #: Only refused deliveries in a state (`facts.delivery_state`) as it was folded last.
    state: str | None = None
    scope: LedgerScope | None = None
    user_id: int | None = None
    api_key_id: int | None = None
    #: Only what users did in the web application, not what came with an API key.
    is_without_key: bool = False
    #: The first second, and the second after the last.
    from_date: int | None = None
    until_date: int | None = None
    #: `name`, `email` or `custom`; a definition implies `custom`.
    match_field: str | None = None
    match_definition_id: int | None = None
    #: Normalised values, as match keys have them; a row matches with any of them.
    match_values: tuple[str, ...] = ()
    request_id: str | None = None
    #: These are found however old they are.
    batch_id: str | None = None
    #: Only deliveries that brought something which the lead did not take.
    has_ignored: bool = False
    #: Only deliveries whose payload has all texts of one of these groups, in any case, and not more
    #: than FIGURE_PAYLOAD_CHARS_MAX characters.
    sent: tuple[tuple[str, ...], ...] = ()
    #: Only rows below this ledger number: where the previous slice ended.
    before: int | None = None
    limit: int = LEDGER_SLICE_ROWS


class LedgerSlice(Struct, frozen=True, gc=False):
    """The newest matching ledger rows, as far back as one search goes.

    They come without their payloads, which may be a megabyte each.
    """

    rows: Sequence[AccountLedgerRow]
    #: Ascending by id: the leads of the rows that still exist.
    leads: Sequence[Lead]
    #: Where the next slice starts; None when no older rows are left.
    next_before: int | None
    #: The date of the oldest row that was examined; None when there was none.
    looked_back_to: int | None
    settings: AccountSettings


class LeadLedger(Struct, frozen=True, gc=False):
    """Some rows of one lead's history, newest first, without their payloads."""

    rows: Sequence[AccountLedgerRow]
    #: Where the older rows start; None if there are none.
    next_before: int | None
    settings: AccountSettings


class LedgerRead(Struct, frozen=True, gc=False):
    """A ledger row with its payload, and the leads that it names and that still exist."""

    row: AccountLedgerRow
    #: Ascending by id: the row's own lead, and its matches.
    leads: Sequence[Lead]
    settings: AccountSettings


class SentPayload(NamedTuple):
    """What a lead was sent, as it was delivered."""

    #: The lead that stands now.
    lead_id: int
    seq: int
    payload: str


class DeletedSetting(Struct, frozen=True):
    """What the ledger says about a lead status, customer source or custom field definition."""

    #: Its last name; None while it still exists.
    name: str | None = None
    #: Of a deleted definition.
    data_type: str | None = None
    currency: str | None = None
    #: The last names of the options that a definition has or had, by id.
    options: Mapping[int, str] = {}


class LedgerStore(Protocol):
    """Reads of the ledger."""

    async def lead_history(
        self, account_id: int, lead_id: int, *, offset: int, limit: int
    ) -> LedgerPage:
        """Return the history of a lead, even a deleted one, newest first.

        Includes upserts that were refused because the lead was one of several matches, except
        those in rows that are not folded yet, and the histories of all leads that were merged into
        it. That of a merged lead ends with the merge. Raises ResourceNotFound for a lead that the
        ledger does not know.
        """

    async def lead_ledger(
        self, account_id: int, lead_id: int, *, before: int | None = None, limit: int
    ) -> LeadLedger:
        """Return the newest rows of the lead's history, below the ledger number `before`.

        Without the histories of leads that were merged into it. Raises ResourceNotFound for a lead
        that the ledger does not know.
        """

    async def lead_changes(
        self, account_id: int, lead_id: int, *, since_version: int, limit: int
    ) -> Sequence[AccountLedgerRow]:
        """Return the newest rows that made a later version of a lead, or that deleted it.

        They come without their payloads. Empty for an unknown lead.
        """

    async def sent_by(
        self, account_id: int, api_key_id: int, lead_ids: Sequence[int], *, limit: int
    ) -> Sequence[SentPayload]:
        """Return what a caller has sent of these leads, newest first; refused deliveries apart.

        Includes what came for leads that were merged into them, at most `limit` rows of each. The
        payload of an erased row is its mark.
        """

    async def search_ledger(self, account_id: int, search: LedgerSearch) -> LedgerSlice:
        """Return the newest rows that match, all of them among the LEDGER_EXAMINED_MAX newest.

        With `sent`, among the LEDGER_PAYLOADS_EXAMINED_MAX newest; with `lead_id`, among all. The
        newest rows are those just before the search's end: `before` and `until_date`. A slice that
        examined that many rows without being full says where to go on.
        """

    async def follow_ledger(
        self, account_id: int, search: LedgerSearch, *, after: int
    ) -> LedgerRun:
        """Return the first rows above a ledger number that match, in order.

        Examines at most LEDGER_EXAMINED_MAX rows; `before` is ignored. The ledger has no gaps, and
        a row is visible when all before it are: going on at `last_seq`, a caller misses no row
        and gets none twice, while others write. So nothing is asked that is known only later: with
        `lead_id`, the rows are those filed under the lead, and there is no `state`.
        """

    async def ledger_seq(self, account_id: int) -> int:
        """Return the number of the newest ledger row; 0 without any. Cheap."""

    async def deleted_settings(
        self, account_id: int, ids: Collection[int]
    ) -> Mapping[int, DeletedSetting]:
        """Return what the ledger says about settings that were deleted, by id.

        Includes definitions that still exist: some of their options may have been removed. Looks
        up at most DELETED_SETTINGS_MAX ids, each in its DELETED_SETTING_ROWS_MAX newest rows;
        unknown ones are left out.
        """

    async def ledger_row(self, account_id: int, seq: int) -> LedgerRead:
        """Return a ledger row. Raises ResourceNotFound."""

    async def account_rows(self, account_id: int) -> AccountRows:
        """Return the whole ledger, all leads, their match keys and the lane, read together.

        For checks: it takes as much memory as the account has data.
        """


class LedgerEntry(NamedTuple):
    """A ledger row as stored, with its columns in the order of the table."""

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
    ignored: str | None
    shares: str | None
    unread_bytes: int | None
    key_rules: int | None


class RowExtras(NamedTuple):
    """What is stored beside a ledger row; most rows have nothing."""

    about_seq: int | None = None
    batch_id: str | None = None
    #: JSON: `RowDetails`.
    details: str | None = None
    key: IdempotencyKey | None = None


class AccountRows(Struct, frozen=True, gc=False):
    """Everything that is stored about an account's leads, read together."""

    #: In order.
    ledger: Sequence[LedgerEntry]
    #: Rows of the table, ascending by id.
    leads: Sequence[tuple[Any, ...]]
    #: Field, value, lead id and label of each match key.
    keys: Sequence[tuple[Any, ...]]
    #: The last ledger number, the last id, and the number of leads.
    lane: tuple[int, int, int]
    #: By ledger number.
    extras: Mapping[int, RowExtras] = {}
    #: Id, present lead, lead that it was merged into, and ledger number of each merged lead.
    merged: Sequence[tuple[Any, ...]] = ()
    #: The pairs of leads that are two persons, each with its ledger number.
    pairs: Sequence[tuple[Any, ...]] = ()
