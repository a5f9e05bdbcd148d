"""The rules about an account's own details: its name, time zone and currency."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.currencies import is_currency
from onelead.domain.settings_body import SettingsBody
from onelead.domain.text import quoted


class AccountDetails(Struct, frozen=True):
    """An account's name, and the time zone and currency of its days and amounts."""

    name: str
    #: A name in the IANA database, as in `Europe/Berlin`.
    time_zone: str
    #: ISO 4217.
    currency: str


def details_of(settings: AccountSettings) -> AccountDetails:
    """Return the current details."""
    return AccountDetails(settings.name, settings.time_zone, settings.currency)


def changed_details(members: dict[str, Any], settings: AccountSettings) -> AccountDetails:
    """Return the details as a body leaves them. Raises InputInvalid."""
    body = SettingsBody(members, AccountDetails)
    after = AccountDetails(
        name=body.name(settings.name),
        time_zone=_time_zone(body, settings.time_zone),
        currency=_currency(body, settings.currency),
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


@cache
def time_zones() -> tuple[str, ...]:
    """Return the names of all time zones, in order."""
    return tuple(sorted(available_timezones() - {"Factory", "localtime"}))
