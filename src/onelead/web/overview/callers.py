"""Who sent deliveries in a span of time, with counts, the busiest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from onelead.contract.figures import CallerFigure
from onelead.domain.account import AccountSettings
from onelead.domain.figures import caller_value


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
    figures: Sequence[CallerFigure], settings: AccountSettings, labels: Mapping[int, str]
) -> list[Caller]:
    """Return the senders, the busiest first; `labels` are those of the API keys."""
    counts: dict[tuple[int, int], dict[str, int]] = {}
    for user_id, key_id, outcome, deliveries in figures:
        # An API key is a caller no matter who owns it; without a key the caller is the user.
        caller = counts.setdefault((0 if key_id else user_id, key_id), {})
        caller[outcome] = caller.get(outcome, 0) + deliveries
    found = [_caller(*ids, counted, settings, labels) for ids, counted in counts.items()]
    return sorted(found, key=lambda caller: (-caller.total, caller.name))


def _caller(
    user_id: int,
    key_id: int,
    counts: dict[str, int],
    settings: AccountSettings,
    labels: Mapping[int, str],
) -> Caller:
    value = caller_value(user_id, key_id)
    if key_id:
        name = labels.get(key_id) or f"Key {key_id}"
        return Caller(value, name, "API key", counts, f"by={value}")
    if user_id:
        user = settings.users_by_id.get(user_id)
        name = user.name if user else f"User {user_id}"
        return Caller(value, name, "web application", counts, f"by={value}")
    return Caller(value, "Command line", "on the server", counts, "")
