"""Who sent deliveries in a span of time, with counts, the busiest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from onelead.contract.figures import CallerFigure
from onelead.domain.account import AccountSettings, ApiKey
from onelead.domain.figures import caller_value
from onelead.web.words.ledger_lines import api_key_noun


class Caller(Struct, frozen=True):
    """A sender of deliveries, with the number of each outcome."""

    #: As in the figures.
    value: str
    name: str
    via: str
    counts: dict[str, int]
    #: The filter of `/deliveries` for it; empty where there is none.
    query: str

    @property
    def total(self) -> int:
        """The number of all its deliveries."""
        return sum(self.counts.values())


def callers(
    figures: Sequence[CallerFigure], settings: AccountSettings, keys: Iterable[ApiKey]
) -> list[Caller]:
    """Return the senders, the busiest first."""
    keys_by_id = {key.id: key for key in keys}
    counts: dict[tuple[int, int], dict[str, int]] = {}
    for user_id, key_id, outcome, deliveries in figures:
        # An API key is a caller no matter who owns it; without a key the caller is the user.
        caller = counts.setdefault((0 if key_id else user_id, key_id), {})
        caller[outcome] = caller.get(outcome, 0) + deliveries
    found = [_caller(*ids, counted, settings, keys_by_id) for ids, counted in counts.items()]
    return sorted(found, key=lambda caller: (-caller.total, caller.name))


def _caller(
    user_id: int,
    key_id: int,
    counts: dict[str, int],
    settings: AccountSettings,
    keys: Mapping[int, ApiKey],
) -> Caller:
    value = caller_value(user_id, key_id)
    if key_id:
        key = keys.get(key_id)
        name, kind = (key.label, api_key_noun(key)) if key else (f"Key {key_id}", "API key")
        return Caller(value, name, kind, counts, f"by={value}")
    if user_id:
        user = settings.users_by_id.get(user_id)
        name = user.name if user else f"User {user_id}"
        return Caller(value, name, "web application", counts, f"by={value}")
    return Caller(value, "Command line", "on the server", counts, "")
