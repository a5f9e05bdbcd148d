"""Reads which ledger rows a query string asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from onelead.contract.ledger import LedgerSearch
from onelead.domain.acts.facts import APPLIED, DISMISSED, OPEN
from onelead.domain.coercions import as_integer, as_number
from onelead.domain.errors import InputInvalid, Problem, unrecognized
from onelead.domain.limits import (
    ID_MAX,
    LEDGER_SLICE_ROWS,
    LEDGER_WAIT_S_MAX,
    PAGE_SIZE_MAX,
    UNIX_SECONDS_MAX,
)
from onelead.domain.text import quoted
from onelead.domain.writes import Action, Outcome

W = TypeVar("W", bound=StrEnum)

#: What names a number, its least and its greatest value.
_NUMBERS = {
    **dict.fromkeys(("lead_id", "user_id", "api_key_id", "before"), (1, ID_MAX)),
    **dict.fromkeys(("from", "until"), (0, UNIX_SECONDS_MAX)),
    "after": (0, ID_MAX),
    "limit": (1, PAGE_SIZE_MAX),
}
_KNOWN = frozenset({*_NUMBERS, "outcome", "action", "state", "wait"})
_STATES = (OPEN, APPLIED, DISMISSED)


class LedgerQuery(NamedTuple):
    """Which ledger rows are asked for."""

    search: LedgerSearch
    #: The rows above this number, in order; None for the newest ones.
    after: int | None
    #: How long to wait for a row, in seconds.
    wait_s: float


def ledger_query(raw: Mapping[str, str]) -> LedgerQuery:
    """Read a query string; empty parameters count as absent. Raises InputInvalid."""
    sent = {name: text for name, text in raw.items() if text.strip()}
    problems = [unknown] if (unknown := unrecognized(sent.keys() - _KNOWN)) else []
    numbers = {name: _number(name, sent, problems) for name in _NUMBERS}
    outcomes = _words("outcome", Outcome, sent, problems)
    actions = _words("action", Action, sent, problems)
    state = sent.get("state")
    if state is not None and state not in _STATES:
        problems.append(_not_one_of("state", _STATES, state))
    wait_s = _wait_s(sent, problems)
    if numbers["after"] is not None:
        # The state of a row is known a moment later than the row itself, which is passed by then.
        not_followed = (("before", numbers["before"]), ("state", state))
        problems += [
            Problem(name, "cannot be sent with after")
            for name, value in not_followed
            if value is not None
        ]
    if problems:
        raise InputInvalid(*problems)
    search = LedgerSearch(
        outcomes=outcomes,
        actions=actions,
        lead_id=numbers["lead_id"],
        state=state,
        user_id=numbers["user_id"],
        api_key_id=numbers["api_key_id"],
        from_date=numbers["from"],
        until_date=numbers["until"],
        before=numbers["before"],
        limit=numbers["limit"] or LEDGER_SLICE_ROWS,
    )
    return LedgerQuery(search, numbers["after"], wait_s)


def _number(name: str, sent: Mapping[str, str], problems: list[Problem]) -> int | None:
    if name not in sent:
        return None
    number, (least, most) = as_integer(sent[name]), _NUMBERS[name]
    if isinstance(number, int) and least <= number <= most:
        return number
    text = f"must be an integer from {least} to {most}: {quoted(sent[name])}"
    problems.append(Problem(name, text, "inclusion"))
    return None


def _words(
    name: str, kind: type[W], sent: Mapping[str, str], problems: list[Problem]
) -> frozenset[W]:
    words = [word.strip() for word in sent.get(name, "").split(",") if word.strip()]
    known = {one.value: one for one in kind}
    if unknown := [word for word in words if word not in known]:
        problems.append(_not_one_of(name, known, unknown[0]))
    return frozenset(known[word] for word in words if word in known)


def _wait_s(sent: Mapping[str, str], problems: list[Problem]) -> float:
    if "wait" not in sent:
        return 0
    wait: Any = as_number(sent["wait"])
    if not isinstance(wait, int | float) or not 0 <= wait <= LEDGER_WAIT_S_MAX:
        text = f"must be a number of seconds up to {LEDGER_WAIT_S_MAX}: {quoted(sent['wait'])}"
        problems.append(Problem("wait", text, "inclusion"))
        return 0
    if "after" not in sent:
        problems.append(Problem("wait", "needs after"))
    return wait


def _not_one_of(name: str, words: Iterable[str], sent: str) -> Problem:
    return Problem(name, f"is not one of {', '.join(words)}: {quoted(sent)}", "inclusion")
