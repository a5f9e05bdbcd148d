"""Entries of the audit, put into words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from onelead.domain.account import ApiKey, Role, User
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.audit import AuditEntry, AuditEvent, AuditRow, Channel
from onelead.domain.text import isolated
from onelead.web.frame.rendering import exact

#: What each event is called in the filter, and its sentence. The second sentence is for somebody
#: who did it to themselves.
_EVENTS: dict[AuditEvent, tuple[str, ...]] = {
    AuditEvent.USER_CREATED: ("User created", "{by} created the user {user}"),
    AuditEvent.USER_CHANGED: (
        *("User changed", "{by} changed the user {user}"),
        "{by} changed their own profile",
    ),
    AuditEvent.USER_DEACTIVATED: ("User deactivated", "{by} deactivated {user}"),
    AuditEvent.USER_REACTIVATED: ("User reactivated", "{by} reactivated {user}"),
    AuditEvent.KEY_CREATED: (
        *("API key created", "{by} created the API key {key} for {user}"),
        "{by} created the API key {key}",
    ),
    AuditEvent.KEY_REVOKED: (
        *("API key revoked", "{by} revoked the API key {key} of {user}"),
        "{by} revoked the API key {key}",
    ),
    AuditEvent.LINK_CREATED: (
        *("One-time link created", "{by} created a one-time link for {user}"),
        "{by} created a one-time link for themselves",
    ),
    AuditEvent.PASSWORD_SET: (
        *("Password set", "{by} set the password of {user}"),
        "{by} set a password with a one-time link",
    ),
    AuditEvent.PASSWORD_CHANGED: (
        *("Password changed", "{by} changed the password of {user}"),
        "{by} changed their password, and all other browsers were signed out",
    ),
    AuditEvent.SIGNED_IN: ("Signed in", "{by} signed in as {user}", "{by} signed in"),
    AuditEvent.SIGN_IN_REFUSED: ("Sign-in refused", "A sign-in as {user} was refused"),
    AuditEvent.SIGNED_OUT: (
        *("Signed out", "{by} signed out a browser of {user}"),
        "{by} signed out",
    ),
    AuditEvent.SESSIONS_ENDED: (
        *("Signed out everywhere", "{by} signed {user} out everywhere"),
        "{by} signed out everywhere",
    ),
    AuditEvent.CONFIRMED: ("Confirmed", "{by} confirmed who they are"),
    AuditEvent.CONFIRMATION_REFUSED: (
        *("Confirmation refused", "{by} could not confirm to be {user}"),
        "{by} could not confirm who they are",
    ),
    AuditEvent.PASSKEY_ADDED: (
        *("Passkey added", "{by} added a passkey for {user}"),
        "{by} added a passkey",
    ),
    AuditEvent.PASSKEY_REMOVED: (
        *("Passkey removed", "{by} removed a passkey of {user}"),
        "{by} removed a passkey",
    ),
    AuditEvent.CODES_TURNED_ON: (
        *("Codes turned on", "{by} turned on codes for {user}"),
        "{by} turned on codes",
    ),
    AuditEvent.CODES_TURNED_OFF: (
        *("Codes turned off", "{by} turned off the codes of {user}"),
        "{by} turned off codes",
    ),
    AuditEvent.RECOVERY_CODES_MADE: (
        *("Recovery codes made", "{by} made new recovery codes for {user}"),
        "{by} made new recovery codes",
    ),
    AuditEvent.COMPANY_SIGN_IN_LINKED: (
        *("Company sign-in linked", "{by} linked {user} with the company sign-in"),
        "{by} linked their company sign-in",
    ),
    AuditEvent.COMPANY_SIGN_IN_UNLINKED: (
        *("Company sign-in unlinked", "{by} unlinked {user} from the company sign-in"),
        "{by} unlinked their company sign-in",
    ),
    AuditEvent.EXPORTED: ("Exported", "{by} exported data"),
    AuditEvent.ACCOUNT_LOADED: ("Account loaded", "{by} loaded the account from an export"),
}
EVENT_LABELS = {event: words[0] for event, words in _EVENTS.items()}
CHANNEL_LABELS = {
    Channel.PAGE: "web application",
    Channel.API: "API",
    Channel.COMMAND_LINE: "command line",
}
#: What a key may do, as the pages say it.
SCOPE_LABELS: dict[KeyScope | None, str] = {
    KeyScope.DELIVER: "Deliver",
    KeyScope.READ: "Read",
    KeyScope.WRITE: "Read and write",
    KeyScope.ADMIN: "Everything",
    None: "Everything",
}
_LABELS = {
    "date_expires": "expires",
    "email": "e-mail",
    "session_address": "browser at",
    "sessions": "browsers",
}
_VALUES = {
    **{role.value: role.value for role in Role},
    "first_sign_in": "first sign-in",
    "invitation": "invitation",
    "lost_password": "lost password",
}


class Part(Struct, frozen=True):
    """A piece of a sentence, and where it leads; empty for plain text."""

    text: str
    href: str = ""


class AuditLine(Struct, frozen=True):
    """An entry in words."""

    seq: int
    date: int
    event: AuditEvent
    sentence: Sequence[Part]
    #: What it gave, took or replaced; empty without any.
    changes: str
    channel: str
    address: str

    @property
    def text(self) -> str:
        """The sentence without links."""
        return "".join(part.text for part in self.sentence)


class AuditNames(Struct, frozen=True):
    """The users and the API keys of an account, by id, and its time zone."""

    users: Mapping[int, User]
    keys: Mapping[int, ApiKey]
    zone: ZoneInfo

    def user(self, user_id: int | None) -> Part:
        """Name a user."""
        user = self.users.get(user_id or 0)
        if user is None:
            return Part("somebody" if user_id is None else f"user {user_id}")
        return Part(isolated(user.name), f"/settings/users/{user.id}")

    def key(self, key_id: int | None) -> Part:
        """Name an API key."""
        key = self.keys.get(key_id or 0)
        return Part(isolated(key.label) if key else str(key_id), "/settings/api-keys")


def audit_line(row: AuditRow, names: AuditNames) -> AuditLine:
    """Put an entry into words."""
    entry = row.entry
    return AuditLine(
        row.seq,
        row.date,
        entry.event,
        _sentence(entry, names),
        changes_text(entry.changes or {}, names.zone),
        CHANNEL_LABELS[entry.by.channel],
        entry.by.address,
    )


def _sentence(entry: AuditEntry, names: AuditNames) -> list[Part]:
    by = entry.by
    parts = {
        "by": _requester(entry, names),
        "user": names.user(entry.subject_user_id),
        "key": names.key(entry.subject_key_id),
    }
    words = _EVENTS[entry.event]
    is_own = by.user_id is not None and by.user_id == entry.subject_user_id
    pieces = re.split(r"{(\w+)}", words[-1 if is_own else 1])
    # Every other piece is the name of a part.
    found = [parts[piece] if at % 2 else Part(piece) for at, piece in enumerate(pieces)]
    return [part for part in found if part.text]


def _requester(entry: AuditEntry, names: AuditNames) -> Part:
    by = entry.by
    if by.user_id is None:
        return Part("The command line" if by.channel is Channel.COMMAND_LINE else "Somebody")
    return names.user(by.user_id)


def changes_text(changes: Mapping[str, tuple[Any, Any]], zone: ZoneInfo) -> str:
    """Write what an entry gave, took or replaced."""
    texts = []
    for name, values in changes.items():
        before, after = (None if value is None else _value(name, value, zone) for value in values)
        label = _LABELS.get(name, name)
        if before is None or after is None:
            texts.append(f"{label}: {before or after}")
        else:
            texts.append(f"{label} from {before} to {after}")
    text = "; ".join(texts)
    return text[:1].upper() + text[1:]


def _value(name: str, value: Any, zone: ZoneInfo) -> str:
    if name == "date_expires" and isinstance(value, int):
        return exact(value, zone)
    return isolated(_VALUES.get(str(value), str(value)))
