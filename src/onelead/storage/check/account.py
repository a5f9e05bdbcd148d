"""The tables that count, against what they count: the lane, the figures, the queue. Portable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, func, select

from onelead.contract.checks import AccountChecked, Finding, LedgerSums
from onelead.domain.account import AccountSettings
from onelead.domain.acts.facts import OPEN
from onelead.domain.figures import COUNTED_FIELDS, FigureChanges, Grouping, LeadKey
from onelead.domain.limits import CHECK_BEHIND_ROWS_MAX
from onelead.storage import schema
from onelead.storage.check.ledger import newest_erasure, rows_between, summed_up
from onelead.storage.check.merged import merged_findings
from onelead.storage.lane import first_id
from onelead.storage.schema import lead

_RESTORE = "restore a backup from before"
_COUNT_AGAIN = "have them counted again, see docs/operating.md#after-a-check"
#: The tables whose ids are given by the lane.
_WITH_IDS = (
    *(schema.lead, schema.merged_lead, schema.user, schema.api_key, schema.custom_field),
    *(schema.custom_field_option, schema.lead_status, schema.customer_source),
    *(schema.deleted_setting, schema.erasure),
)
_OF_DELIVERIES = (Grouping.OUTCOME.value, Grouping.CALLER.value)


def check_account(
    connection: Connection, settings: AccountSettings, sums: LedgerSums
) -> AccountChecked:
    """Compare everything that counts or numbers with what is there."""
    account_id = settings.account_id
    where = schema.lane.c.account_id == account_id
    lane = connection.execute(select(schema.lane).where(where)).one()
    findings = [*_ids(connection, settings, lane), *_lead_count(connection, settings, lane)]
    findings += merged_findings(connection, account_id)
    findings += _queue(connection, settings)
    unchecked = []
    if settings.may_have_old_keys:
        unchecked.append(
            f"account {account_id}: the match keys that an upgrade changes are being rebuilt"
        )
    whole = LedgerSums(erasure_id=sums.erasure_id)
    if lane.ledger_seq - sums.seq > CHECK_BEHIND_ROWS_MAX:
        unchecked.append(f"account {account_id}: sums over the ledger, which grows too fast")
        return AccountChecked(findings, unchecked)
    for run in (sums, _run(connection, settings, sums.seq, lane.ledger_seq)):
        whole.add(run)
    findings += _against_ledger(connection, settings, whole, lane)
    folded_seq = _folded_seq(connection, account_id)
    if whole.seq - folded_seq > CHECK_BEHIND_ROWS_MAX:
        unchecked.append(f"account {account_id}: the figures, which are still being counted")
    else:
        findings += _figures(connection, settings, whole, folded_seq)
    return AccountChecked(findings, unchecked)


def _folded_seq(connection: Connection, account_id: int) -> int:
    table = schema.figure_progress
    statement = select(table.c.seq).where(table.c.account_id == account_id)
    return connection.execute(statement).scalar() or 0


def _run(connection: Connection, settings: AccountSettings, after: int, up_to: int) -> LedgerSums:
    """Return what the rows between add up to; what cannot be read was found already."""
    rows = rows_between(connection, settings.account_id, after, up_to)
    sums, _unreadable = summed_up(connection, settings, rows)
    sums.seq = up_to
    return sums


def _of(settings: AccountSettings, where: str, what: str, advice: str) -> Finding:
    return Finding(f"account {settings.account_id}, {where}", what, advice)


def _ids(connection: Connection, settings: AccountSettings, lane: Any) -> Iterator[Finding]:
    account_id = settings.account_id
    for table in _WITH_IDS:
        ends = (func.min(table.c.id), func.max(table.c.id))
        # Two statements: each is one lookup in the index.
        lowest, highest = (
            connection.execute(select(end).where(table.c.account_id == account_id)).scalar()
            for end in ends
        )
        if highest is not None and highest > lane.last_id:
            what = f"the last id is {lane.last_id}, and {table.name} has {highest}"
            yield _of(settings, "lane", what, f"set last_id of the lane to {highest}")
        if lowest is not None and lowest <= first_id(account_id):
            what = f"{table.name} has id {lowest}, which is not one of the account's"
            yield _of(settings, table.name, what, _RESTORE)


def _lead_count(connection: Connection, settings: AccountSettings, lane: Any) -> Iterator[Finding]:
    counted = select(func.count()).where(lead.c.account_id == settings.account_id)
    count = connection.execute(counted).scalar_one()
    if count != lane.lead_count:
        what = f"it has {lane.lead_count} leads, and there are {count}"
        advice = "if the ledger agrees with it, leads are lost: restore a backup from before"
        yield _of(settings, "lane", what, advice)


def _against_ledger(
    connection: Connection, settings: AccountSettings, whole: LedgerSums, lane: Any
) -> Iterator[Finding]:
    """Compare the number of leads with what the ledger says, as long as it says all."""
    has_erased = newest_erasure(connection, settings.account_id) != whole.erasure_id
    if whole.has_moved_all and not has_erased and whole.leads != lane.lead_count:
        what = f"it has {lane.lead_count} leads, and the ledger leaves {whole.leads}"
        yield _of(settings, "lane", what, _RESTORE)


def _figures(
    connection: Connection, settings: AccountSettings, whole: LedgerSums, folded_seq: int
) -> Iterator[Finding]:
    if folded_seq > whole.seq:
        what = f"they are counted up to row {folded_seq}, and the ledger ends at {whole.seq}"
        yield _of(settings, "figures", what, _RESTORE)
        return
    behind = _run(connection, settings, folded_seq, whole.seq)
    expected = FigureChanges(settings)
    expected.deliveries = whole.deliveries - behind.deliveries
    for table, counts in (
        (schema.delivery_figure, expected.deliveries),
        (schema.caller_figure, expected.callers),
        (schema.hour_figure, expected.hours),
    ):
        yield from _compared(settings, table, counts, _stored(connection, settings, table))
    table = schema.lead_figure
    stored = Counter(_stored(connection, settings, table))
    stored.update({tuple(key): count for key, count in behind.values.items()})
    counted = {tuple(key): n for key, n in _counted_leads(connection, settings).items()}
    yield from _compared(
        settings, table, counted, {key: n for key, n in stored.items() if key[0] in COUNTED_FIELDS}
    )


def _stored(
    connection: Connection, settings: AccountSettings, table: Table
) -> dict[tuple[Any, ...], int]:
    """Return the counts of a table of figures, by what follows the account in its key."""
    _account, *columns = table.c
    statement = select(*columns).where(table.c.account_id == settings.account_id)
    if table is schema.hour_figure:
        # The others are about what rows said, which an erasure removes.
        statement = statement.where(table.c.grouping.in_(_OF_DELIVERIES))
    return {tuple(key): count for *key, count in connection.execute(statement)}


def _compared(
    settings: AccountSettings,
    table: Table,
    expected: Mapping[Any, int],
    stored: Mapping[tuple[Any, ...], int],
) -> Iterator[Finding]:
    by_columns = {_in_order(table, key): count for key, count in expected.items() if count}
    stored = {key: count for key, count in stored.items() if count}
    wrong = {
        key for key in by_columns.keys() | stored.keys() if by_columns.get(key) != stored.get(key)
    }
    if wrong:
        counted = "the leads" if table is schema.lead_figure else "the ledger"
        what = f"{len(wrong)} counts of {table.name} differ from {counted}"
        yield _of(settings, "figures", what, _COUNT_AGAIN)


def _in_order(table: Table, key: Any) -> tuple[Any, ...]:
    """Return a named key in the order of the table's columns."""
    if not hasattr(key, "_asdict"):
        return tuple(key)
    named = key._asdict()
    return tuple(named[column.name] for column in list(table.c)[1:-1])


def _counted_leads(connection: Connection, settings: AccountSettings) -> dict[LeadKey, int]:
    counts = {}
    for name in sorted(COUNTED_FIELDS):
        column = lead.c[name]
        where = (lead.c.account_id == settings.account_id, column.is_not(None))
        for value, count in connection.execute(
            select(column, func.count()).where(*where).group_by(column)
        ):
            counts[LeadKey(name, str(value))] = count
    return counts


def _queue(connection: Connection, settings: AccountSettings) -> Iterator[Finding]:
    """Compare the counts of the queue with the deliveries in it."""
    one, group, progress = schema.refused_delivery, schema.open_group, schema.queue_progress
    account_id = settings.account_id
    is_open = (one.c.account_id == account_id, one.c.state == OPEN)
    newest = func.max(one.c.seq)
    deliveries = select(one.c.group_key, func.count(), newest).where(*is_open)
    counted = {tuple(row) for row in connection.execute(deliveries.group_by(one.c.group_key))}
    columns = (group.c.group_key, group.c.deliveries, group.c.newest_seq)
    groups = select(*columns).where(group.c.account_id == account_id)
    if wrong := counted ^ {tuple(row) for row in connection.execute(groups)}:
        what = f"{len({key for key, *_rest in wrong})} groups of the queue are counted wrongly"
        yield _of(settings, "queue", what, _COUNT_AGAIN)
    total = select(progress.c.open_deliveries).where(progress.c.account_id == account_id)
    stored = connection.execute(total).scalar() or 0
    if stored != (count := sum(number for _key, number, _newest in counted)):
        what = f"{stored} deliveries are open by its count, and {count} are"
        yield _of(settings, "queue", what, _COUNT_AGAIN)
