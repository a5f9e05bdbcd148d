"""What a proof prints: a table of the requests, and the verdict with its contradictions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any

import msgspec

from onelead.domain.lead import Lead
from onelead.prove.check.verdict import Verdict
from onelead.prove.drive.clients import Attempt, is_answer
from onelead.prove.drive.http_connection import Response
from onelead.prove.explain.contradictions import Contradiction
from onelead.prove.explain.serial_model import answered_id
from onelead.prove.operations import Operation
from onelead.prove.run import Outcome

COLUMNS = ("Operation", "Answered", "Outcomes", "p50 ms", "p99 ms")
_SHOWN_MAX = 5
_TEXT_CHARS_MAX = 400


def rows(outcome: Outcome) -> list[tuple[str, str, str, str, str]]:
    """Return a row for each kind of request: how many, their outcomes and how long they took."""
    by_kind: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in outcome.recorded.attempts:
        if attempt.response is not None and is_answer(attempt.response):
            by_kind[attempt.request.kind].append(attempt)
    found = []
    for kind, attempts in sorted(by_kind.items()):
        milliseconds = _milliseconds(attempts)
        outcomes = Counter(one for attempt in attempts for one in _outcomes(attempt))
        listed = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
        p50, p99 = (f"{_percentile(milliseconds, part):.1f}" for part in (0.5, 0.99))
        found.append((kind, str(len(attempts)), listed, p50, p99))
    return found


def _outcomes(attempt: Attempt) -> list[str]:
    assert attempt.response is not None
    headers = attempt.response.headers
    outcome = headers.get(b"lead-outcome", headers.get(b"setting-outcome", b"")).decode()
    return outcome.split(", ") if outcome else [str(attempt.response.status)]


def _milliseconds(
    attempts: Iterable[Attempt], counts: Callable[[Response], bool] = lambda _response: True
) -> list[float]:
    return sorted(
        (attempt.response.answered - attempt.sent) * 1000
        for attempt in attempts
        if attempt.response is not None and counts(attempt.response)
    )


def _percentile(in_order: Sequence[float], part: float) -> float:
    return in_order[min(len(in_order) - 1, int(len(in_order) * part))] if in_order else 0.0


def summary(outcome: Outcome) -> str:
    """Return the text below the table."""
    verdict = outcome.verdict
    lines = [
        _load(outcome),
        (
            f"the clients took {outcome.client_share:.0%} of one core, the checks of "
            f"{verdict.operations} operations {verdict.seconds:.1f} s"
        ),
        f"account {outcome.account_id}, named prove {outcome.options.seed}, stays in the database",
        "",
        *verdict_lines(verdict),
        *(() if verdict.is_kept else _logs(outcome)),
        f"seed {outcome.options.seed}",
    ]
    return "\n".join(lines)


def _logs(outcome: Outcome) -> list[str]:
    return ["", "last logged:", *(f"  {log}" for log in outcome.logs), ""] if outcome.logs else []


def _load(outcome: Outcome) -> str:
    recorded, options = outcome.recorded, outcome.options
    milliseconds = _milliseconds(recorded.attempts, is_answer)
    processes = _counted(outcome.processes, "process", "processes")
    if outcome.processes != options.processes:
        processes += ", as SQLite allows one,"
    p50, p99 = (_percentile(milliseconds, part) for part in (0.5, 0.99))
    return (
        f"{len(milliseconds)} requests of {options.clients} clients to {processes} in "
        f"{outcome.seconds:.1f} s: {len(milliseconds) / max(outcome.seconds, 1e-9):,.0f} a second, "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms\n"
        f"{_counted(outcome.kills, 'kill', 'kills')}; sent again: {recorded.broken} after a "
        f"broken connection, {recorded.unavailable} after a 503"
    )


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def verdict_lines(verdict: Verdict) -> list[str]:
    """Return the verdict, in words."""
    if verdict.is_kept:
        return [
            "KEPT: one serial order explains every answer and everything stored;",
            (
                "  no acknowledged write is missing and none was applied twice; "
                f"{verdict.ledger_rows} ledger rows explain every lead and match key"
            ),
        ]
    lines = ["BROKEN"]
    for contradiction in verdict.contradictions:
        lines += ["", *_contradiction(contradiction)]
    # A contradiction has many consequences; one of each kind is enough.
    shown = 1 if verdict.contradictions else _SHOWN_MAX
    if verdict.unexplained:
        number = len(verdict.unexplained)
        lines += ["", f"answers that the ledger's order does not explain: {number}"]
        for operation, difference in verdict.unexplained[:shown]:
            lines += [f"  {difference}", *_operation(operation, operation.sent)]
    if verdict.disorder:
        lines += [
            "",
            f"pairs whose order in the ledger is not that in time: {len(verdict.disorder)}",
        ]
        for later, earlier in verdict.disorder[:shown]:
            lines.append(
                "  the first has the lower number but was sent after the second was answered"
            )
            for operation in (later, earlier):
                lines += _operation(operation, earlier.sent)
    for title, texts in (("deliveries", verdict.deliveries), ("stored", verdict.stored)):
        lines += ["", f"{title}:", *(f"  {_cut(text)}" for text in texts[:shown])] if texts else []
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_CHARS_MAX else f"{text[:_TEXT_CHARS_MAX]}..."


def _contradiction(found: Contradiction) -> list[str]:
    if not found.operations and found.stored:
        return ["stored, but made by no operation:", *map(_lead, found.stored)]
    number = len(found.operations)
    title = f"no serial order explains {_counted(number, 'operation', 'operations')}"
    lines = [f"{title}, whatever else happened:"]
    if found.is_undecided:
        lines = [f"no serial order was found for {number} operations, but the search was given up:"]
    lines += [f"  before  {_lead(lead)}" for lead in found.before]
    start = min((operation.sent for operation in found.operations), default=0.0)
    for operation in sorted(found.operations, key=lambda one: one.sent):
        lines += _operation(operation, start)
    lines += [f"  stored  {_lead(lead)}" for lead in found.stored or ()]
    return lines


def _operation(operation: Operation, start: float) -> list[str]:
    """Show one operation in two lines; times are in milliseconds after `start`."""
    sent = f"{(operation.sent - start) * 1000:.2f}"
    answered = "-" if operation.answered == inf else f"{(operation.answered - start) * 1000:.2f}"
    named = f" lead {operation.resource_id}" if operation.resource_id else ""
    what = f"{operation.action}{named} {_cut(operation.payload)}"
    return [
        f"  {sent} to {answered} ms, client {operation.client}: {what}",
        f"      answered: {_answer(operation)}",
    ]


def _answer(operation: Operation) -> str:
    answer = operation.answer
    if answer is None:
        return "nothing"
    parts = [str(answer.status), answer.outcome]
    if (lead_id := answered_id(operation)) is not None:
        parts.append(f"lead {lead_id}")
    parts += [f"version {answer.etag}" if answer.etag else "", answer.match or ""]
    parts += [f"changed {answer.changed}" if answer.changed else "", answer.request_id]
    return ", ".join(filter(None, parts))


def _lead(lead: Lead) -> str:
    return msgspec.json.encode(lead).decode()


def machine(outcome: Outcome) -> dict[str, Any]:
    """Return the result for a script."""
    verdict = outcome.verdict
    return {
        "kept": verdict.is_kept,
        "seed": outcome.options.seed,
        "account_id": outcome.account_id,
        "processes": outcome.processes,
        "clients": outcome.options.clients,
        "seconds": round(outcome.seconds, 3),
        "kills": outcome.kills,
        "requests": len(outcome.recorded.attempts),
        "operations": verdict.operations,
        "sent_again": {
            "broken": outcome.recorded.broken,
            "unavailable": outcome.recorded.unavailable,
        },
        "client_share": round(outcome.client_share, 3),
        "check_seconds": round(verdict.seconds, 3),
        "table": [dict(zip(COLUMNS, row, strict=True)) for row in rows(outcome)],
        "violations": [] if verdict.is_kept else verdict_lines(verdict)[1:],
    }
