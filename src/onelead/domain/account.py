"""An account, its users and API keys, and the settings that its leads follow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from msgspec import Struct

from onelead.domain.custom_fields import CustomField


class Role(StrEnum):
    """What a user may do: an admin everything, a member only what concerns leads."""

    ADMIN = "admin"
    MEMBER = "member"


class User(Struct, frozen=True):
    """A person with access to an account."""

    id: int
    name: str
    email: str
    role: Role = Role.ADMIN
    is_active: bool = True


class Caller(Struct, frozen=True):
    """The user who makes a request: the owner of the API key that it carries."""

    account_id: int
    user_id: int
    email: str
    api_key_id: int


class ApiKey(Struct, frozen=True):
    """An API key without its secret, which is shown once and stored only as a hash."""

    id: int
    user_id: int
    email: str
    label: str
    date_created: int
    date_revoked: int | None = None
    #: The last use that was recorded; None for a key that was never used.
    date_last_used: int | None = None
    last_address: str = ""


class LeadStatus(Struct, frozen=True):
    """One of the account's lead statuses."""

    id: int
    name: str
    is_default: bool = False


class CustomerSource(Struct, frozen=True):
    """One of the account's customer sources."""

    id: int
    name: str


#: What a new account starts with (Copper's own default sets).
DEFAULT_LEAD_STATUSES = ("New", "Open", "Unqualified", "Junk")
DEFAULT_CUSTOMER_SOURCES = ("Email", "Cold Call", "Advertising")
DEFAULT_TIME_ZONE = "America/Los_Angeles"
DEFAULT_CURRENCY = "USD"


@dataclass(frozen=True)
class AccountSettings:
    """One version of everything that decides how an account's leads are checked and shown."""

    account_id: int
    #: Grows with each change of the settings; the account's lane holds the current one.
    version: int
    name: str
    time_zone: str
    currency: str
    users: tuple[User, ...]
    #: In the order of the pick list; exactly one is the default.
    statuses: tuple[LeadStatus, ...]
    #: In the order of the pick list.
    sources: tuple[CustomerSource, ...]
    #: Ascending by id.
    fields: tuple[CustomField, ...]

    @cached_property
    def zone(self) -> ZoneInfo:
        """The account's time zone, in which the days of Date fields begin."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def users_by_id(self) -> dict[int, User]:
        """The users, including deactivated ones."""
        return {user.id: user for user in self.users}

    @cached_property
    def statuses_by_id(self) -> dict[int, LeadStatus]:
        """The lead statuses."""
        return {status.id: status for status in self.statuses}

    @cached_property
    def sources_by_id(self) -> dict[int, CustomerSource]:
        """The customer sources."""
        return {source.id: source for source in self.sources}

    @cached_property
    def fields_by_id(self) -> dict[int, CustomField]:
        """The custom field definitions of all resources."""
        return {field.id: field for field in self.fields}

    @cached_property
    def lead_fields(self) -> tuple[CustomField, ...]:
        """The definitions available on leads, ascending by id."""
        return tuple(field for field in self.fields if field.on_leads)

    @cached_property
    def indexed_fields(self) -> tuple[CustomField, ...]:
        """The definitions whose values are match keys of every lead."""
        return tuple(field for field in self.fields if field.is_indexed)

    @cached_property
    def default_status(self) -> LeadStatus:
        """The status of leads that arrive without one."""
        return next(status for status in self.statuses if status.is_default)
