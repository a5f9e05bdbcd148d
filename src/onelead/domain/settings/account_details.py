"""The rules about an account's own details: name, time zone, currency and placeholders."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.currencies import is_currency
from onelead.domain.limits import PLACEHOLDERS_MAX
from onelead.domain.placeholders import placeholder_problem
from onelead.domain.settings.body import SettingsBody
from onelead.domain.text import fold, is_blank, quoted


class AccountDetails(Struct, frozen=True):
    """An account's name, and the time zone and currency of its days and amounts."""

    name: str
    #: A name in the IANA database, as in `Europe/Berlin`.
    time_zone: str
    #: ISO 4217.
    currency: str
    #: See `placeholders.py`.
    placeholders: tuple[str, ...]


def details_of(settings: AccountSettings) -> AccountDetails:
    """Return the current details."""
    return AccountDetails(
        settings.name, settings.time_zone, settings.currency, settings.placeholder_texts
    )


def changed_details(members: dict[str, Any], settings: AccountSettings) -> AccountDetails:
    """Return the details as a body leaves them. Raises InputInvalid."""
    body = SettingsBody(members, AccountDetails)
    after = AccountDetails(
        name=body.name(settings.name),
        time_zone=_time_zone(body, settings.time_zone),
        currency=_currency(body, settings.currency),
        placeholders=_placeholders(body, settings.placeholder_texts),
    )
    body.require_valid()
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
