"""The rules about an account's own details: its names and zones, policies and sessions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from msgspec import Meta, Struct

from onelead.domain.account import AccountSettings
from onelead.domain.acts.policies import POLICY_FIELDS, WEB, Deciding, Policy
from onelead.domain.currencies import is_currency
from onelead.domain.lead import custom_name, definition_id_of
from onelead.domain.limits import (
    PAYLOAD_DAYS_MAX,
    PLACEHOLDERS_MAX,
    RANK_MAX,
    SESSION_IDLE_S,
    SESSION_S,
)
from onelead.domain.placeholders import placeholder_problem
from onelead.domain.settings.body import SettingsBody
from onelead.domain.sign_in.sessions import SessionLifetimes, lifetime_problem
from onelead.domain.text import fold, is_blank, quoted, shortened

#: Returns the account's API keys as callers, revoked ones included; see `figures.caller_value`.
KeyCallers = Callable[[], Collection[str]]

Rank = Annotated[int, Meta(ge=0, le=RANK_MAX)]
PayloadDays = Annotated[int, Meta(ge=0, le=PAYLOAD_DAYS_MAX)]


class AccountDetails(Struct, frozen=True):
    """An account's name, the time zone and currency of its days and amounts, and its rules."""

    name: str
    #: A name in the IANA database, as in `Europe/Berlin`.
    time_zone: str
    #: ISO 4217.
    currency: str
    #: See `placeholders.py`.
    placeholders: tuple[str, ...]
    #: See `Deciding`. A field that is overwritten has no policy, and a caller without a rank has 0.
    policies: Mapping[str, Policy] = {}
    ranks: Mapping[str, Rank] = {}
    pins_edits: bool = False
    #: How long the ledger keeps what was delivered; 0 for as long as it stands.
    payload_days: PayloadDays = 0
    #: See `SessionLifetimes`.
    session_s: int = SESSION_S
    session_idle_s: int = SESSION_IDLE_S
    #: Whether members may import files.
    members_import: bool = False

    @property
    def deciding(self) -> Deciding:
        """Who decides a value."""
        return Deciding(self.policies, self.ranks, self.pins_edits)


#: The members that say who decides a value, and for how long the ledger keeps deliveries.
DECIDING_MEMBERS = ("policies", "ranks", "pins_edits", "payload_days")


def details_of(settings: AccountSettings) -> AccountDetails:
    """Return the current details."""
    deciding = settings.deciding
    return AccountDetails(
        *(settings.name, settings.time_zone, settings.currency, settings.placeholder_texts),
        *(deciding.policies, deciding.ranks, deciding.pins_edits, settings.payload_days),
        *(settings.sessions.total_s, settings.sessions.idle_s, settings.members_import),
    )


def with_details(settings: AccountSettings, details: AccountDetails) -> AccountSettings:
    """Return settings with other details; their version is up to the caller."""
    return replace(
        settings,
        name=details.name,
        time_zone=details.time_zone,
        currency=details.currency,
        placeholder_texts=details.placeholders,
        deciding=details.deciding,
        payload_days=details.payload_days,
        sessions=SessionLifetimes(details.session_s, details.session_idle_s),
        members_import=details.members_import,
    )


def changed_details(
    members: dict[str, Any], settings: AccountSettings, callers: KeyCallers = frozenset
) -> AccountDetails:
    """Return the details as a body leaves them. Raises InputInvalid.

    `callers` is called only if the body names API keys that had no rank.
    """
    body = SettingsBody(members, AccountDetails)
    deciding = settings.deciding
    after = AccountDetails(
        name=body.name(settings.name),
        time_zone=_time_zone(body, settings.time_zone),
        currency=_currency(body, settings.currency),
        placeholders=_placeholders(body, settings.placeholder_texts),
        policies=_policies(body, settings),
        ranks=_ranks(body, deciding.ranks, callers),
        pins_edits=_flag(body, "pins_edits", current=deciding.pins_edits),
        payload_days=_payload_days(body, settings.payload_days),
        members_import=_flag(body, "members_import", current=settings.members_import),
        **_lifetimes(body, settings.sessions),
    )
    body.require_valid()
    return after


def has_policy_field(name: str, settings: AccountSettings) -> bool:
    """Return whether a policy can name a field: one of every lead, or a definition on leads."""
    if name in POLICY_FIELDS:
        return True
    field = settings.fields_by_id.get(definition_id_of(name) or 0)
    return field is not None and field.on_leads and name == custom_name(field.id)


def _policies(body: SettingsBody, settings: AccountSettings) -> Mapping[str, Policy]:
    """Return the policies by field, in order; a deleted field may keep the one that it has."""
    current = settings.deciding.policies
    if body.get("policies") is None:
        return current
    text = f"must be an object of fields, each with one of {', '.join(Policy)}"
    sent = body.read("policies", text, "inclusion") or {}
    unknown = [
        quoted(name)
        for name in sent
        if not has_policy_field(name, settings) and name not in current
    ]
    if unknown:
        text = f"name fields that do not exist: {shortened(', '.join(sorted(unknown)))}"
        body.refuse("policies", text, "inclusion")
    return {name: policy for name, policy in sorted(sent.items()) if policy is not Policy.OVERWRITE}


def _ranks(
    body: SettingsBody, current: Mapping[str, int], callers: KeyCallers
) -> Mapping[str, int]:
    if body.get("ranks") is None:
        return current
    text = f"must be an object of callers, each with a whole number from 0 to {RANK_MAX}"
    sent = body.read("ranks", text, "inclusion") or {}
    others = sent.keys() - current.keys() - {WEB}
    if others:
        others -= {*callers()}
    if others:
        unknown = shortened(", ".join(map(quoted, sorted(others))))
        body.refuse("ranks", f"name callers that do not exist: {unknown}", "inclusion")
    return {caller: rank for caller, rank in sorted(sent.items()) if rank}


def _flag(body: SettingsBody, name: str, *, current: bool) -> bool:
    return current if body.get(name) is None else body.flag(name, current=current)


def _payload_days(body: SettingsBody, current: int) -> int:
    if body.get("payload_days") is None:
        return current
    days = body.read("payload_days", f"must be a whole number from 0 to {PAYLOAD_DAYS_MAX}")
    return current if days is None else int(days)


def _lifetimes(body: SettingsBody, current: SessionLifetimes) -> dict[str, int]:
    """Return both lifetimes; they are checked together, because one bounds the other."""
    after = {"session_s": current.total_s, "session_idle_s": current.idle_s}
    for name, stored in after.items():
        if body.get(name) is not None:
            seconds = body.read(name, "must be a whole number of seconds")
            after[name] = stored if seconds is None else seconds
    if found := lifetime_problem(*after.values()):
        body.refuse(*found)
    return after


def _time_zone(body: SettingsBody, current: str) -> str:
    value = body.get("time_zone")
    if value is None:
        return current
    if value not in time_zones():
        body.refuse("time_zone", f"is not an IANA time zone: {quoted(value)}", "inclusion")
    return str(value)


def _currency(body: SettingsBody, current: str) -> str:
    value = body.get("currency")
    if value is None:
        return current
    if not is_currency(value):
        body.refuse("currency", f"is not an ISO 4217 code: {quoted(value)}", "inclusion")
    return str(value).upper()


def _placeholders(body: SettingsBody, current: tuple[str, ...]) -> tuple[str, ...]:
    """Return the list without blank entries and repetitions."""
    if body.get("placeholders") is None:
        return current
    sent = body.read("placeholders", "must be a list of texts") or ()
    entries: dict[str, str] = {}
    for text in sent:
        if not is_blank(text):
            entries.setdefault(fold(text), text.strip())
    if len(entries) > PLACEHOLDERS_MAX:
        text = f"has too many entries (maximum is {PLACEHOLDERS_MAX})"
        body.refuse("placeholders", text, "too_long")
    for text in entries.values():
        if (problem := placeholder_problem(text)) is not None:
            body.refuse("placeholders", f"{problem}: {quoted(text)}")
    return tuple(entries.values())


@cache
def time_zones() -> tuple[str, ...]:
    """Return the names of all time zones, in order."""
    return tuple(sorted(available_timezones() - {"Factory", "localtime"}))
