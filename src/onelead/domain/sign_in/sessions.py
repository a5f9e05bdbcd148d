"""How long a browser stays signed in, and for how long its user counts as known."""

from __future__ import annotations

from msgspec import Struct

from onelead.domain.limits import (
    CONFIRM_S,
    SESSION_IDLE_S,
    SESSION_IDLE_S_MIN,
    SESSION_S,
    SESSION_S_MAX,
    SESSION_S_MIN,
    SESSION_STRICT_IDLE_S,
    SESSION_STRICT_S,
)
from onelead.domain.text import span


class SessionLifetimes(Struct, frozen=True):
    """When the sessions of an account end, in seconds."""

    #: After the sign-in, however much it is used.
    total_s: int = SESSION_S
    #: After the last use.
    idle_s: int = SESSION_IDLE_S

    def are_over(self, date_created: int, date_last_used: int, now: int) -> bool:
        """Return whether a session has expired."""
        return now - date_created >= self.total_s or now - date_last_used >= self.idle_s


USUAL = SessionLifetimes()
STRICT = SessionLifetimes(SESSION_STRICT_S, SESSION_STRICT_IDLE_S)


def lifetime_problem(total_s: int, idle_s: int) -> tuple[str, str] | None:
    """Say what is wrong with lifetimes: the attribute and the text."""
    if not SESSION_S_MIN <= total_s <= SESSION_S_MAX:
        return "session_s", f"must be from {span(SESSION_S_MIN)} to {span(SESSION_S_MAX)}"
    if not SESSION_IDLE_S_MIN <= idle_s <= total_s:
        return "session_idle_s", f"must be from {span(SESSION_IDLE_S_MIN)} to {span(total_s)}"
    return None


def went_back(stored: int, sent: int) -> bool:
    """Return whether a passkey's sign count says that there is a copy of it.

    Passkeys that are kept in several devices do not count, and always send 0.
    """
    return (stored, sent) != (0, 0) and sent <= stored


def is_confirmed(date_confirmed: int, now: int) -> bool:
    """Return whether a user who proved who they are at that time need not do it again."""
    return now - date_confirmed <= CONFIRM_S
