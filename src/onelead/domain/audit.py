"""The audit: who did what with users, keys, links, passwords and sign-ins, and who took data out.

What concerns leads and settings, the account's name, time zone and currency among them, is in the
ledger; this is for the doors. Each entry is written in the transaction of what it tells about.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct


class AuditEvent(StrEnum):
    """What happened."""

    USER_CREATED = "user_created"
    USER_CHANGED = "user_changed"
    USER_DEACTIVATED = "user_deactivated"
    USER_REACTIVATED = "user_reactivated"
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"
    LINK_CREATED = "link_created"
    PASSWORD_SET = "password_set"  # noqa: S105 - a name
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    SESSIONS_ENDED = "sessions_ended"
    CONFIRMED = "confirmed"
    CONFIRMATION_REFUSED = "confirmation_refused"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    CODES_TURNED_ON = "codes_turned_on"
    CODES_TURNED_OFF = "codes_turned_off"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    COMPANY_SIGN_IN_LINKED = "company_sign_in_linked"
    COMPANY_SIGN_IN_UNLINKED = "company_sign_in_unlinked"
    EXPORTED = "exported"
    ACCOUNT_LOADED = "account_loaded"


class Channel(StrEnum):
    """By which way something was done."""

    PAGE = "page"
    API = "api"
    COMMAND_LINE = "command_line"


class Requester(Struct, frozen=True):
    """Who asks for a change, and by which way."""

    channel: Channel
    #: None for the command line, and for somebody who is not signed in.
    user_id: int | None = None
    api_key_id: int | None = None
    request_id: str = ""
    #: Empty when unknown.
    address: str = ""


COMMAND_LINE = Requester(Channel.COMMAND_LINE)


class AuditEntry(Struct, frozen=True):
    """What is to be remembered."""

    event: AuditEvent
    by: Requester
    subject_user_id: int | None = None
    subject_key_id: int | None = None
    #: By field: the value before and after. Never a secret.
    changes: Mapping[str, tuple[Any, Any]] | None = None
    #: Of a sign-in: the hash of the e-mail that was typed.
    email_hash: str | None = None


class AuditRow(Struct, frozen=True):
    """An entry as it is stored."""

    seq: int
    #: Unix seconds.
    date: int
    entry: AuditEntry
