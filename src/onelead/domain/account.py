"""An account, its users and API keys, and the settings that its leads follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from onelead.domain.acts.policies import OVERWRITE_ALL, Deciding
from onelead.domain.api_keys.purposes import KeyScope, Network
from onelead.domain.custom_fields import (
    TEXT_TYPES,
    CustomField,
    IndexState,
    Option,
    known_option_ids,
)
from onelead.domain.lead import custom_name
from onelead.domain.placeholders import DEFAULT_PLACEHOLDERS, Placeholders
from onelead.domain.sign_in.sessions import USUAL, SessionLifetimes
from onelead.domain.text import fold


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
    #: Of the key, as `KeyPurpose` has them.
    scope: KeyScope | None = None
    date_expires: int | None = None
    networks: tuple[Network, ...] = ()


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
    #: As `KeyPurpose` has them.
    scope: KeyScope | None = None
    date_expires: int | None = None
    networks: tuple[str, ...] = ()
    #: The user who made it; None for the command line, and where that is not known.
    created_by_id: int | None = None
    #: Whether it stands for the source of imports instead: then nobody can call with it.
    is_source: bool = False

    def is_expired(self, now: int) -> bool:
        """Say whether the key has come to its end."""
        return self.date_expires is not None and self.date_expires <= now


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


#: The resource of an option in the list of what was deleted; the others are those of `Resource`.
OPTION_RESOURCE = "custom_field_option"


class DeletedReference(Struct, frozen=True):
    """A setting that leads referred to, and that was deleted."""

    id: int
    #: `custom_field_definition`, `OPTION_RESOURCE`, `lead_status` or `customer_source`.
    resource: str
    name: str
    #: Of an option: its definition.
    definition_id: int | None
    #: Unix seconds.
    date: int


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
    #: Texts that identify nobody, as the account lists them.
    placeholder_texts: tuple[str, ...] = DEFAULT_PLACEHOLDERS
    #: Who decides a value.
    deciding: Deciding = OVERWRITE_ALL
    #: How long the ledger keeps what was delivered, in days; 0 for as long as it stands.
    payload_days: int = 0
    #: How long its users stay signed in.
    sessions: SessionLifetimes = USUAL
    #: Whether members may import files.
    members_import: bool = False
    #: By id: what was deleted, and may still be sent; the newest DELETED_REFERENCES_MAX.
    deleted: Mapping[int, DeletedReference] = field(default_factory=dict)
    #: After an upgrade that changed their rules: the match keys of older leads are being rebuilt.
    are_keys_stale: bool = False
    #: For some time after it: processes of the version before may still write beside this one.
    may_have_old_keys: bool = False

    @cached_property
    def zone(self) -> ZoneInfo:
        """The account's time zone, in which the days of Date fields begin."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def placeholders(self) -> Placeholders:
        """The texts that identify nobody, compiled."""
        return Placeholders(self.placeholder_texts)

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
    def identifying_fields(self) -> tuple[CustomField, ...]:
        """The definitions whose values tell people apart, and can be matched now.

        Amounts, days and choices are naturally shared.
        """
        return tuple(
            field
            for field in self.lead_fields
            if field.data_type in TEXT_TYPES
            and field.is_filterable
            and field.index_state is IndexState.READY
        )

    @cached_property
    def names_by_key_field(self) -> dict[str, str]:
        """How the changes of a lead name each indexed definition, by the field of its keys."""
        return {field.key_field: custom_name(field.id) for field in self.indexed_fields}

    def definition_ids_named(self, name: str) -> list[int]:
        """Return the definitions that a name or canonical name means, in any case.

        One that is not on leads, or was deleted, is meant when none on leads has the name.
        """
        folded = fold(name)
        if found := self._ids_by_name.get((True, folded)):
            return found
        others = self._ids_by_name.get((False, folded), [])
        return [*others, *self._deleted_ids.get(("custom_field_definition", folded), [])][:1]

    @cached_property
    def _ids_by_name(self) -> dict[tuple[bool, str], list[int]]:
        """The ids of the definitions, by whether they are on leads and by folded name."""
        found: dict[tuple[bool, str], list[int]] = {}
        for one in self.fields:
            for name in {fold(one.name), fold(one.canonical_name or one.name)}:
                found.setdefault((one.on_leads, name), []).append(one.id)
        return found

    @cached_property
    def _deleted_ids(self) -> dict[tuple[str, str], list[int]]:
        """The ids of what was deleted, by resource and folded name."""
        found: dict[tuple[str, str], list[int]] = {}
        for one in self.deleted.values():
            found.setdefault((one.resource, fold(one.name)), []).append(one.id)
        return found

    def options_left(self, field: CustomField, raw: Any) -> tuple[int, ...] | None:
        """Return the options in a value that are left without the deleted ones.

        None if more is wrong with the value, or it has no deleted ones.
        """
        with_deleted = self._fields_with_deleted_options.get(field.id)
        return known_option_ids(field, with_deleted, raw) if with_deleted else None

    @cached_property
    def _fields_with_deleted_options(self) -> dict[int, CustomField]:
        """The definitions that had other options, each with those after the ones it has."""
        deleted: dict[int, list[Option]] = {}
        for one in self.deleted.values():
            if one.definition_id is not None:
                deleted.setdefault(one.definition_id, []).append(Option(one.id, one.name))
        return {
            field.id: structs.replace(field, options=(*field.options, *deleted[field.id]))
            for field in self.fields
            if field.id in deleted
        }

    def was_deleted(self, resource: str, id_or_name: int | str) -> bool:
        """Return whether a setting with this id or name was deleted."""
        if isinstance(id_or_name, str):
            return (resource, fold(id_or_name)) in self._deleted_ids
        one = self.deleted.get(id_or_name)
        return one is not None and one.resource == resource

    @cached_property
    def default_status(self) -> LeadStatus:
        """The status of leads that arrive without one."""
        return next(status for status in self.statuses if status.is_default)
