"""What a proof prints: its progress, a table of the requests, and the verdict."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf
from typing import IO, Any

import msgspec
from rich.console import Console

from onelead.domain.lead import Lead
from onelead.domain.limits import ABANDONED_TRANSACTION_S
from onelead.prove.check.acts import Acts
from onelead.prove.check.reads import Reads
from onelead.prove.check.repeats import Repeats
from onelead.prove.check.verdict import Verdict
from onelead.prove.drive.clients import Attempt, outcome_header
from onelead.prove.drive.disturbances import Happened
from onelead.prove.drive.http_connection import Response
from onelead.prove.explain.contradictions import Contradiction
from onelead.prove.operations import Operation
from onelead.prove.run import OnProgress, Outcome, Progress

Answered = tuple[Attempt, Response]
COLUMNS = ("Operation", "Answered", "Outcomes", "p50 ms", "p99 ms")
_SHOWN_MAX = 5
_TEXT_CHARS_MAX = 400
_PROGRESS_EVERY_S = 5.0


@contextmanager
def shown_progress(to: IO[str], seconds: float) -> Iterator[OnProgress]:
    """Show a live line in a terminal, and a line every few seconds elsewhere.

    `seconds` is how long the clients deliver.
    """
    console = Console(file=to, markup=False, emoji=False, highlight=False)
    last = Progress("", 0.0)

    def print_line(progress: Progress) -> None:
        nonlocal last
        is_new = progress.phase != last.phase
        if is_new or progress.seconds >= last.seconds + _PROGRESS_EVERY_S:
            last = progress
            console.print(_progress_text(progress, seconds))

    if not console.is_terminal:
        yield print_line
        return
    with console.status("preparing") as status:
        yield lambda progress: status.update(_progress_text(progress, seconds))


def _progress_text(progress: Progress, seconds: float) -> str:
    happened = ", ".join(_happened(progress.happened))
    if progress.phase != "delivering":
        return f"{progress.phase}: {progress.sent} requests, {happened}"
    return (
        f"delivering: {progress.seconds:.0f} of {seconds:.0f} s, {progress.sent} requests, "
        f"{progress.sent / max(progress.seconds, 1e-9):,.0f} a second, {happened}"
    )


def _happened(happened: Happened) -> list[str]:
    """Say how often processes and the database were disturbed; kills even if there were none."""
    crashes, ended = happened.database_crashes, happened.sessions_ended
    return [
        _counted(happened.kills, "kill", "kills"),
        *([_counted(happened.pauses, "pause", "pauses")] if happened.pauses else []),
        *([_counted(crashes, "database crash", "database crashes")] if crashes else []),
        *([_counted(ended, "end of all sessions", "ends of all sessions")] if ended else []),
    ]


def rows(outcome: Outcome) -> list[tuple[str, str, str, str, str]]:
    """Return a row for each kind of request: how many, their outcomes and how long they took."""
    by_kind: dict[str, list[Answered]] = defaultdict(list)
    for attempt, answer in _answered(outcome):
        by_kind[attempt.request.kind].append((attempt, answer))
    found = []
    for kind, answered in sorted(by_kind.items()):
        outcomes = Counter(one for _attempt, answer in answered for one in _outcomes(answer))
        listed = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
        found.append((kind, str(len(answered)), listed, *_percentiles(answered)))
    return found


def _answered(outcome: Outcome) -> list[Answered]:
    return [(one, one.answer) for one in outcome.recorded.attempts if one.answer]


def _outcomes(answer: Response) -> list[str]:
    listed = outcome_header(answer)
    return listed.split(", ") if listed else [str(answer.status)]


def _percentiles(answered: Sequence[Answered]) -> tuple[str, str]:
    """Return the median and the 99th percentile, in milliseconds."""
    seconds = sorted(answer.answered - attempt.sent for attempt, answer in answered) or [0.0]
    p50, p99 = (seconds[int(len(seconds) * part)] * 1000 for part in (0.5, 0.99))
    return f"{p50:.1f}", f"{p99:.1f}"


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
    answered = _answered(outcome)
    processes = _counted(outcome.processes, "process", "processes")
    if outcome.processes != options.processes:
        processes += ", as SQLite allows one,"
    p50, p99 = _percentiles(answered)
    lines = (
        f"{len(answered)} requests of {options.clients} clients to {processes} in "
        f"{outcome.seconds:.1f} s: {len(answered) / max(outcome.seconds, 1e-9):,.0f} a second, "
        f"p50 {p50} ms, p99 {p99} ms\n"
        f"{', '.join(_happened(outcome.happened))}; sent again: {recorded.broken} after a "
        f"broken connection, {recorded.unavailable} after a 503, {recorded.repeated} after the "
        f"answer, {recorded.doubled} at the same moment"
    )
    return "\n".join([lines, *_remarks(outcome)])


def _remarks(outcome: Outcome) -> Iterator[str]:
    """Say what the disturbances were, where that is not what their names say."""
    happened = outcome.happened
    if happened.pauses and not outcome.is_database_a_file:
        yield (
            f"{happened.long_pauses} of the pauses were longer than the "
            f"{ABANDONED_TRANSACTION_S} s after which PostgreSQL ends a transaction that waits"
        )
    if happened.sessions_ended:
        yield (
            "this user may not signal the database server, or it is elsewhere or would not come "
            "back: its sessions were ended instead of crashing it"
        )
    elif happened.database_crashes and outcome.is_database_a_file:
        yield "SQLite writes in the process that serves: a crash of the database is one of that"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def verdict_lines(verdict: Verdict) -> list[str]:
    """Return the verdict, in words."""
    if verdict.is_kept:
        return [
            "KEPT: one serial order explains every answer and everything stored;",
            (
                "  no acknowledged write is missing and none was applied twice; "
                f"{verdict.ledger_rows} ledger rows explain every lead and match key;"
            ),
            *_repeats(verdict.repeats),
            *_acts(verdict.acts),
            _reads(verdict.reads),
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
    for title, texts in (
        ("reads", verdict.reads.violations),
        ("repeated", verdict.repeats.violations),
        ("deliveries", verdict.deliveries),
        ("stored", verdict.stored),
    ):
        lines += ["", f"{title}:", *(f"  {_cut(text)}" for text in texts[:shown])] if texts else []
    return lines


def _repeats(repeats: Repeats) -> list[str]:
    """Say in two lines what became of the upserts that came again."""
    number = _counted(repeats.number, "repeated upsert", "repeated upserts")
    refused = _counted(repeats.shared, "was refused", "were refused")
    return [
        f"  of {number}, {repeats.found} found the lead of the first one unchanged,",
        f"  {repeats.disturbed} came after another change, {refused} as the first receipt had said",
    ]


def _reads(reads: Reads) -> str:
    """Say in a line what was read."""
    number = _counted(reads.explained, "read", "reads")
    return f"  {number} showed one moment of that order, and none older than what was known"


def _acts(acts: Acts) -> list[str]:
    """Say in two lines what people did besides, all of it explained."""
    nouns = {kind: kind for kind in ("merge", "undo", "replay", "ruling")}
    nouns |= {"separate": "separation"}
    done = ", ".join(_counted(acts.done[one], noun, f"{noun}s") for one, noun in nouns.items())
    repeats = _counted(acts.repeated, "repeated key", "repeated keys")
    without = _counted(sum(acts.without_effect.values()), "act that was", "acts that were")
    return [
        f"  {done} and {repeats} are explained likewise,",
        f"  together with {without} refused or changed nothing",
    ]


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
    if (lead_id := operation.shown.id) is not None:
        parts.append(f"lead {lead_id}")
    parts += [f"version {answer.etag}" if answer.etag else "", answer.match or ""]
    for name, listed in (
        ("changed", answer.changed),
        ("ignored", answer.ignored),
        ("shares", answer.shares),
    ):
        parts.append(f"{name} {listed}" if listed else "")
    parts.append(answer.request_id)
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
        "kills": outcome.happened.kills,
        "pauses": outcome.happened.pauses,
        "long_pauses": outcome.happened.long_pauses,
        "database_crashes": outcome.happened.database_crashes,
        "sessions_ended": outcome.happened.sessions_ended,
        "requests": len(outcome.recorded.attempts),
        "operations": verdict.operations,
        "sent_again": {
            "broken": outcome.recorded.broken,
            "unavailable": outcome.recorded.unavailable,
            "after_the_answer": outcome.recorded.repeated,
            "at_once": outcome.recorded.doubled,
        },
        "reads": verdict.reads.explained,
        "repeated_upserts": {
            "found": verdict.repeats.found,
            "shared": verdict.repeats.shared,
            "disturbed": verdict.repeats.disturbed,
        },
        "acts": {
            "done": dict(verdict.acts.done),
            "without_effect": dict(verdict.acts.without_effect),
            "repeated_keys": verdict.acts.repeated,
        },
        "client_share": round(outcome.client_share, 3),
        "check_seconds": round(verdict.seconds, 3),
        "table": [dict(zip(COLUMNS, row, strict=True)) for row in rows(outcome)],
        "violations": [] if verdict.is_kept else verdict_lines(verdict)[1:],
    }
