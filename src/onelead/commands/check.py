"""`onelead check`: looks for contradictions in the database, also while a server runs on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import typer
from msgspec import Struct, field

from onelead import app
from onelead.commands.options import Account, AsJson, Database, chosen_account, print_result
from onelead.commands.progress import OnProgress, amount, shown_progress
from onelead.commands.running import EXIT_FAILED, configuration_from, give_way
from onelead.contract.checks import Finding, LedgerSums
from onelead.contract.store import Store
from onelead.domain.errors import ResourceNotFound
from onelead.domain.limits import CHECK_FINDINGS_MAX

_NOUNS = {
    "accounts": "account",
    "leads": "lead",
    "match_keys": "match key",
    "ledger_rows": "ledger row",
}


class Report(Struct):
    """What was looked at, and what was found."""

    findings: list[Finding] = field(default_factory=list)
    #: What could not be checked, and why.
    unchecked: list[str] = field(default_factory=list)
    #: How much was looked at, by kind.
    passed: Counter[str] = field(default_factory=Counter)
    #: Whether there are more findings than are listed.
    has_more: bool = False

    def add(self, findings: Iterable[Finding]) -> None:
        """Add findings that are not there yet."""
        self.findings += [one for one in findings if one not in self.findings]
        self.has_more |= len(self.findings) > CHECK_FINDINGS_MAX
        del self.findings[CHECK_FINDINGS_MAX:]


def check(account: Account = None, database: Database = None, as_json: AsJson = False) -> None:
    """Look for damage and contradictions; ends with 1 if there are any."""
    configuration = configuration_from(database=database)
    give_way()
    report = Report()

    async def look(store: Store) -> None:
        if account is not None:
            await chosen_account(store, account)
        await check_accounts(store, account, report, on_progress)

    with shown_progress("checking") as on_progress:
        files = app.upkeep(configuration).check_files(on_progress)
        report.add(files.findings)
        report.unchecked += files.unchecked
        if not report.findings:
            app.on_store(configuration, look)
    print_result(_machine(report), "\n".join(_lines(report)), as_json=as_json)
    if report.findings:
        raise typer.Exit(EXIT_FAILED)


async def check_accounts(
    store: Store, account_id: int | None, report: Report, on_progress: OnProgress
) -> None:
    """Check what the tables hold, of one account or of all."""
    report.add(await store.check_tables())
    report.add(await store.quick_check())
    for one in await store.account_ids():
        if account_id not in (None, one):
            continue
        try:
            await _check_account(store, one, report, on_progress)
        except ResourceNotFound:
            # It has no lane, which is a finding of its own.
            continue
        report.passed["accounts"] += 1


async def _check_account(
    store: Store, account_id: int, report: Report, on_progress: OnProgress
) -> None:
    state = await store.fold_state(account_id)
    sums = LedgerSums()
    is_last = False
    while not is_last:
        ledger = await store.check_ledger(account_id, after=sums.seq)
        sums.add(ledger.sums)
        is_last = ledger.is_last
        _step(report, "ledger_rows", ledger.findings, ledger.passed)
        on_progress(f"account {account_id}: ledger row {sums.seq:,} of {state.ledger_seq:,}")
    lead_id: int | None = 0
    passed = 0
    while lead_id is not None:
        leads = await store.check_leads(account_id, after=lead_id)
        lead_id = leads.next_after
        passed += leads.passed
        _step(report, "leads", leads.findings, leads.passed)
        on_progress(f"account {account_id}: {passed:,} of {state.lead_count:,} leads")
    await _check_keys(store, account_id, report, on_progress)
    found = await store.check_account(account_id, sums)
    report.add(found.findings)
    report.unchecked += found.unchecked


async def _check_keys(
    store: Store, account_id: int, report: Report, on_progress: OnProgress
) -> None:
    passed, place, is_last = 0, None, False
    while not is_last:
        keys = await store.check_keys(account_id, after=place)
        place, is_last = keys.next_after, keys.next_after is None
        passed += keys.passed
        _step(report, "match_keys", keys.findings, keys.passed)
        on_progress(f"account {account_id}: {passed:,} match keys")


def _step(report: Report, kind: str, findings: Sequence[Finding], passed: int) -> None:
    report.add(findings)
    report.passed[kind] += passed


def _machine(report: Report) -> dict[str, Any]:
    return {
        "is_sound": not report.findings,
        "findings": msgspec.to_builtins(report.findings),
        "has_more": report.has_more,
        "unchecked": report.unchecked,
        "passed": dict(report.passed),
    }


def _lines(report: Report) -> list[str]:
    lines = [finding.line for finding in report.findings]
    if report.has_more:
        lines.append(f"There are more; only {CHECK_FINDINGS_MAX:,} are listed.")
    if not report.findings:
        lines.append("Nothing contradicts anything.")
    if report.passed:
        counts = [amount(report.passed[kind], noun) for kind, noun in _NOUNS.items()]
        lines.append(f"Looked at {', '.join(counts)}.")
    lines += [f"Not checked: {text}." for text in report.unchecked]
    return lines
