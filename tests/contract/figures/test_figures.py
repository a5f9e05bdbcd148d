"""The figures, folded from the ledger, equal a count of all leads and rows."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec
import pytest
from tests.support.domain.act_writes import merge, undo
from tests.support.domain.lead_writes import create, delete, update, upsert, upsert_custom
from tests.support.domain.random_writes import RandomWrites
from tests.support.process.clock import Clock
from tests.support.storage.account_store import DEFINITION, AccountStore
from tests.support.storage.databases import Database

from onelead.contract.figures import Division
from onelead.contract.store import Store
from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS
from onelead.domain.errors import ResourceNotFound, StoreUnavailable
from onelead.domain.figures import COUNTED_FIELDS, Grouping, value_of_caller
from onelead.domain.limits import FIGURE_CHUNK_ROWS
from onelead.domain.references import References
from onelead.domain.text import fold
from onelead.domain.writes import Action, LeadWrite, Outcome

HOUR = 3_600
DAY = 24 * HOUR
OUTCOMES = Division(Grouping.OUTCOME, [outcome.value for outcome in Outcome])


async def fold_all(account: AccountStore) -> int:
    """Fold the whole ledger and return how many steps that took."""
    steps = 0
    while await account.store.fold_ledger(account.account_id):
        steps += 1
    return steps


async def counted_leads(account: AccountStore) -> dict[str, dict[str, int]]:
    """Count all leads, one after the other."""
    fields = (await account.settings()).fields_by_id
    counts: Counter[tuple[str, str]] = Counter()
    for lead in await account.leads():
        for field in COUNTED_FIELDS:
            if getattr(lead, field) is not None:
                counts[field, str(getattr(lead, field))] += 1
        for id_, value in lead.custom_fields.items():
            if id_ not in fields:
                continue
            counts[f"custom_fields.{id_}", ""] += 1
            if fields[id_].data_type in TYPES_WITH_OPTIONS:
                for option in value if isinstance(value, tuple) else (value,):
                    counts[f"custom_fields.{id_}", str(option)] += 1
    found: dict[str, dict[str, int]] = {}
    for (field, value), count in counts.items():
        found.setdefault(field, {})[value] = count
    return found


async def lead_figures(account: AccountStore) -> dict[str, dict[str, int]]:
    """Return the figures, except those of deleted definitions."""
    fields = (await account.settings()).fields_by_id
    alive = COUNTED_FIELDS | {f"custom_fields.{id_}" for id_ in fields}
    figures = await account.store.lead_figures(account.account_id)
    return {field: dict(values) for field, values in figures.items() if field in alive}


async def require_the_law(account: AccountStore) -> None:
    """Compare every figure with the leads and the ledger."""
    assert await lead_figures(account) == await counted_leads(account)
    hours = {grouping: Counter[tuple[int, str]]() for grouping in Grouping}
    callers: Counter[tuple[int, int, str]] = Counter()
    named_leads, names = set(), set()
    settings = await account.settings()
    columns = "resource, seq, date, outcome, user_id, api_key_id, resource_id, match, changes"
    columns += ", payload, ignored, shares"
    for resource, seq, date, outcome, user_id, key_id, lead_id, match, *more in account.ledger(
        columns
    ):
        if resource != "lead":
            continue
        hour, found = date - date % HOUR, msgspec.json.decode(match or "{}")
        caller = f"key-{key_id}" if key_id else f"user-{user_id}" if user_id else "server"
        callers[user_id or 0, key_id or 0, outcome] += 1
        hours[Grouping.OUTCOME][hour, outcome] += 1
        hours[Grouping.CALLER][hour, caller] += 1
        if found.get("definition_id"):
            hours[Grouping.MATCH][hour, f"{found['definition_id']} {caller}"] += 1
        if outcome == "refused":
            named_leads |= {(id_, seq) for id_ in found.get("ids", [])}
        changes, *of_delivery = more
        if outcome == "updated" and (name := msgspec.json.decode(changes).get("name")):
            names.add((hour, lead_id, fold(name[1])))
        for grouping, begin, of in sent_or_told(date, settings, *of_delivery):
            value = of if grouping is Grouping.SHARED else f"{of} {caller}"
            hours[grouping][begin, value] += 1
    by_caller = await account.store.deliveries_by_caller(account.account_id, 0, 2**40)
    assert {tuple(row[:3]): row.deliveries for row in by_caller} == callers
    for grouping, counted in hours.items():
        await require_hours_and_days(account, grouping, counted)
    await require_spans_of_callers(account)
    await require_names(account, Counter((lead_id, hour) for hour, lead_id, _name in names))
    links = account.database.rows(
        "SELECT lead_id, seq FROM ledger_candidate"
        f" WHERE account_id = {account.account_id} ORDER BY lead_id, seq"
    )
    assert [tuple(link) for link in links] == sorted(named_leads)


def sent_or_told(
    date: int, settings: AccountSettings, payload: str, ignored: str | None, shares: str | None
) -> Iterator[tuple[Grouping, int, str]]:
    """Yield what a row adds to the figures of what was sent, ignored and shared."""
    for id_ in References(settings).named_in(payload):
        is_gone = id_ in settings.deleted and settings.deleted[id_].date <= date
        yield (Grouping.GONE if is_gone else Grouping.SENT), date - date % DAY, str(id_)
    for name in msgspec.json.decode(ignored or "[]"):
        yield Grouping.IGNORED, date - date % HOUR, name
    for name in msgspec.json.decode(shares or "{}"):
        yield Grouping.SHARED, date - date % HOUR, name


async def require_names(account: AccountStore, names: Counter[tuple[int, int]]) -> None:
    """Compare the leads with many names; `names` has how many, by lead and hour."""
    for more_than in (0, 1, 2):
        found = await account.store.leads_with_many_names(account.account_id, 0, more_than)
        expected = {key: count for key, count in names.items() if count > more_than}
        assert {(lead_id, hour): count for lead_id, hour, count in found} == expected


async def require_hours_and_days(
    account: AccountStore, grouping: Grouping, hours: Counter[tuple[int, str]]
) -> None:
    """Compare the deliveries by one grouping with those of its hours."""
    division = Division(grouping, sorted({value for _hour, value in hours}))
    span = (account.account_id, division, 0, 2**40)
    by_hour = await account.store.deliveries_by_hour(*span)
    assert {(hour, value): n for hour, value, n in by_hour} == hours
    for ahead_s in (-8 * HOUR, 0, 19_800, 13 * HOUR):
        days: Counter[tuple[int, str]] = Counter()
        for (hour, value), deliveries in hours.items():
            days[(hour + ahead_s) // DAY, value] += deliveries
        by_day = await account.store.deliveries_by_day(*span, ahead_s=ahead_s)
        assert {(day, value): n for day, value, n in by_day} == days
    totals, last_hours = Counter[str](), dict[str, int]()
    for (hour, value), deliveries in sorted(hours.items()):
        totals[value] += deliveries
        last_hours[value] = hour
    by_value = await account.store.deliveries_by_value(*span)
    assert {value: n for value, n, _hour in by_value} == totals
    assert {value: hour for value, _n, hour in by_value} == last_hours


async def require_spans_of_callers(account: AccountStore) -> None:
    """Compare the callers of spans with and without whole days with the ledger."""
    rows = account.ledger("date, outcome, user_id, api_key_id, resource")
    rows = [row for row in rows if row[4] == "lead"]
    first, last = (min(row[0] for row in rows), max(row[0] for row in rows))
    chance = random.Random(0)
    for _ in range(20):
        since, until = sorted(
            edge - edge % HOUR
            for edge in (chance.randrange(first - DAY, last + DAY) for _ in range(2))
        )
        expected: Counter[tuple[int, int, str]] = Counter()
        for date, outcome, user_id, key_id, _resource in rows:
            if since <= date < until:
                expected[user_id or 0, key_id or 0, outcome] += 1
        found = await account.store.deliveries_by_caller(account.account_id, since, until)
        assert {tuple(row[:3]): row.deliveries for row in found} == expected


def as_sent(write: LeadWrite) -> LeadWrite:
    """Give a write the payload that the API would have received."""
    body = {"properties": write.patch, "match": write.match} if write.match else write.patch
    payload = msgspec.json.encode(body).decode()
    delivery = msgspec.structs.replace(write.delivery, payload=payload)
    return msgspec.structs.replace(write, delivery=delivery)


@pytest.mark.parametrize("seed", range(4))
async def test_figures_are_what_a_count_of_everything_finds(
    account: AccountStore, elsewhere: AccountStore, clock: Clock, seed: int
) -> None:
    chance = random.Random(seed)
    fields = [
        await account.field(),
        await account.field(name="Interests", data_type="MultiSelect"),
        await account.field(name="Rank", data_type="Dropdown"),
    ]
    settings = await account.settings()
    ranks = [None, *(option.id for option in fields[2].options)]
    writes = RandomWrites(chance, fields[:2], people=8)
    for _ in range(25):
        batch = [as_sent(writes.next_write()) for _ in range(chance.randint(1, 20))]
        batch += [
            upsert(
                "name",
                f"Extra {chance.randrange(9)}",
                assignee_id=chance.choice([None, settings.users[0].id]),
                status_id=chance.choice(settings.statuses).id,
                customer_source_id=chance.choice([None, *(s.id for s in settings.sources)]),
                custom_fields={fields[2].id: chance.choice(ranks)},
            )
        ]
        for result in await account.results(*batch):
            writes.learn(result)
        clock.advance(chance.randrange(20_000))
        if chance.random() < 0.6:
            # Both fold at the same time, as two processes do.
            stores = (account.store, elsewhere.store)
            await asyncio.gather(*(store.fold_ledger(account.account_id) for store in stores))
    await account.change(DEFINITION, Action.DELETE, of=fields[1].id)
    await account.results(*(as_sent(writes.next_write()) for _ in range(10)))
    await fold_all(account)
    await require_the_law(account)
    state = await account.store.fold_state(account.account_id)
    assert (state.rows_behind, state.folded_until) == (0, clock.now)


async def test_a_long_ledger_is_folded_in_steps(account: AccountStore) -> None:
    for _ in range(3):
        await account.results(*(create(name="Nora Field") for _ in range(FIGURE_CHUNK_ROWS)))
    await account.result(create(name="Nora Field"))
    assert await account.store.accounts_behind() == [account.account_id]
    assert await account.store.fold_ledger(account.account_id)
    state = await account.store.fold_state(account.account_id)
    assert (state.folded_seq, state.rows_behind) == (FIGURE_CHUNK_ROWS, 2 * FIGURE_CHUNK_ROWS + 1)
    assert await fold_all(account) == 3
    assert await account.store.accounts_behind() == []
    await require_the_law(account)


async def test_a_new_account_has_nothing_to_fold(account: AccountStore) -> None:
    store, account_id = account.store, account.account_id
    assert await store.accounts_behind() == []
    assert not await store.fold_ledger(account_id)
    state = await store.fold_state(account_id)
    assert (state.folded_seq, state.ledger_seq, state.folded_until) == (0, 0, None)
    assert await store.lead_figures(account_id) == {}
    assert await store.deliveries_by_hour(account_id, OUTCOMES, 0, 2**40) == []
    assert await store.deliveries_by_value(account_id, OUTCOMES, 0, 2**40) == []


async def test_an_account_that_is_not_there_has_no_figures(account: AccountStore) -> None:
    assert not await account.store.fold_ledger(99)
    with pytest.raises(ResourceNotFound):
        await account.store.fold_state(99)


async def test_changes_of_the_settings_are_no_deliveries(account: AccountStore) -> None:
    await account.field()
    await account.result(create(name="Nora Field"))
    await fold_all(account)
    found = await account.store.deliveries_by_hour(account.account_id, OUTCOMES, 0, 2**40)
    assert [(row.value, row.deliveries) for row in found] == [("created", 1)]
    assert (await account.store.fold_state(account.account_id)).folded_seq == 2


async def test_the_hours_asked_for_are_counted_and_no_others(
    account: AccountStore, clock: Clock
) -> None:
    clock.now = 100 * HOUR
    await account.result(create(name="Nora Field"))
    clock.now = 101 * HOUR - 1
    await account.result(create(name="Ben Ford"))
    clock.now = 101 * HOUR
    await account.result(create(name="Cora Frey"))
    await fold_all(account)
    counts = {}
    for since, until in ((100, 101), (101, 102), (100, 102), (102, 110)):
        span = (account.account_id, OUTCOMES, since * HOUR, until * HOUR)
        found = await account.store.deliveries_by_hour(*span)
        counts[since, until] = sorted((row.hour // HOUR, row.deliveries) for row in found)
    assert counts == {
        (100, 101): [(100, 2)],
        (101, 102): [(101, 1)],
        (100, 102): [(100, 2), (101, 1)],
        (102, 110): [],
    }


async def test_the_values_asked_for_are_counted_and_no_others(account: AccountStore) -> None:
    lead = await account.created()
    await account.result(update(lead.id, title="Buyer"))
    await account.result(delete(lead.id))
    await fold_all(account)
    for values in ([], ["created"], ["created", "deleted"], ["nothing", "updated"]):
        division = Division(Grouping.OUTCOME, values)
        span = (account.account_id, division, 0, 2**40)
        expected = {*values} & {"created", "updated", "deleted"}
        by_hour = await account.store.deliveries_by_hour(*span)
        assert {(row.value, row.deliveries) for row in by_hour} == {(v, 1) for v in expected}
        by_day = await account.store.deliveries_by_day(*span, ahead_s=0)
        assert {(row.value, row.deliveries) for row in by_day} == {(v, 1) for v in expected}
        by_value = await account.store.deliveries_by_value(*span)
        assert {(row.value, row.deliveries) for row in by_value} == {(v, 1) for v in expected}


def by(write: LeadWrite, user_id: int | None, api_key_id: int | None) -> LeadWrite:
    delivery = msgspec.structs.replace(write.delivery, user_id=user_id, api_key_id=api_key_id)
    return msgspec.structs.replace(write, delivery=delivery)


async def test_upserts_are_counted_by_the_field_they_were_matched_by_and_whose_they_were(
    account: AccountStore, clock: Clock
) -> None:
    """Including those refused for what they found; not those that could not look."""
    clock.now = 100 * HOUR
    field, other = await account.field(), await account.field(name="Other")
    for _ in range(2):
        await account.created(custom_fields={field.id: "C-1"})
    await account.results(
        by(upsert_custom(field.id, "C-1", name="Nora"), 1, 10),
        by(upsert_custom(field.id, "C-2", name="Nils"), 1, 10),
        by(upsert_custom(field.id, None), 1, 11),
        by(upsert_custom(other.id, f'"definition_id":{field.id}}}', name="Olga"), 1, 12),
        by(upsert("email", "nora@field.example", name="Nora"), 1, 13),
    )
    clock.now = 102 * HOUR + 60
    await account.results(
        by(upsert_custom(field.id, "C-1", name="Nora"), 2, None),
        by(upsert_custom(field.id, "C-3", name="Cora"), None, None),
    )
    await fold_all(account)
    callers = [*(f"key-{number}" for number in range(10, 14)), "user-1", "user-2", "server"]

    async def counted(since: int, until: int) -> dict[str, tuple[int, int]]:
        values = [value_of_caller(field.id, caller) for caller in callers]
        found = await account.store.deliveries_by_value(
            account.account_id, Division(Grouping.MATCH, values), since, until
        )
        return {value.partition(" ")[2]: (count, hour // HOUR) for value, count, hour in found}

    later = {"user-2": (1, 102), "server": (1, 102)}
    assert await counted(0, 2**40) == {"key-10": (2, 100), **later}
    assert await counted(101 * HOUR, 2**40) == later
    assert await counted(0, 102 * HOUR) == {"key-10": (2, 100)}
    await require_the_law(account)


async def test_some_fields_and_one_value_can_be_asked_for(account: AccountStore) -> None:
    field = await account.field(data_type="MultiSelect")
    silver, gold = field.options
    await account.created(custom_fields={field.id: [silver.id, gold.id]})
    await account.created(custom_fields={field.id: [gold.id]})
    emptied = await account.created(custom_fields={field.id: [silver.id]})
    await account.result(update(emptied.id, custom_fields={field.id: None}))
    await account.result(delete((await account.created()).id))
    await fold_all(account)

    async def figures(**asked: object) -> Mapping[str, Mapping[str, int]]:
        return await account.store.lead_figures(account.account_id, **asked)  # type: ignore[arg-type]

    name = f"custom_fields.{field.id}"
    status = str((await account.settings()).default_status.id)
    assert await figures(fields=[name]) == {name: {"": 2, str(silver.id): 1, str(gold.id): 2}}
    assert await figures(value="") == {name: {"": 2}}
    assert await figures(fields=["status_id"]) == {"status_id": {status: 3}}
    assert await figures(fields=["assignee_id"]) == {}


async def test_a_step_that_fails_half_way_leaves_nothing_behind(
    account: AccountStore, database: Database
) -> None:
    """The deliveries are counted before the leads: both have to be undone."""
    await account.result(create(name="Nora Field"))
    database.refuse("INSERT", "lead_figure")
    with pytest.raises(Exception, match="refused by a test"):
        await account.store.fold_ledger(account.account_id)
    assert (await account.store.fold_state(account.account_id)).folded_seq == 0
    database.allow()
    await fold_all(account)
    await require_the_law(account)


async def test_another_account_keeps_its_figures_to_itself(
    account: AccountStore, store: Store
) -> None:
    other = await store.create_account("Other Ltd", "omar@other.example")
    await account.result(create(name="Nora Field"))
    await fold_all(account)
    assert await store.lead_figures(other.account_id) == {}
    assert await store.deliveries_by_caller(other.account_id, 0, 2**40) == []
    assert await store.deliveries_by_hour(other.account_id, OUTCOMES, 0, 2**40) == []
    assert (await store.fold_state(other.account_id)).ledger_seq == 0


async def test_a_fold_takes_no_lane_and_does_not_wait_forever(
    account: AccountStore, database: Database, clock: Clock
) -> None:
    """SQLite has one lock for everything: a step that does not get it is done later."""
    await account.result(create(name="Nora Field"))
    has_one_lock = database.address.startswith("sqlite")
    # Where there is nothing to wait for, a busy machine is given its time.
    impatient = await database.open(clock, busy_timeout_s=0.05 if has_one_lock else 20)
    try:
        with database.busy():
            assert (await impatient.fold_state(account.account_id)).rows_behind == 1
            if has_one_lock:
                with pytest.raises(StoreUnavailable):
                    await impatient.fold_ledger(account.account_id)
            else:
                assert await impatient.fold_ledger(account.account_id)
        await fold_all(account)
    finally:
        await impatient.close()
    await require_the_law(account)


async def test_acts_move_leads_between_figures_and_are_no_deliveries(
    account: AccountStore,
) -> None:
    field = await account.field(data_type="Dropdown")
    chosen = {field.id: field.options[0].id}
    nora = await account.created(name="Nora", custom_fields=chosen)
    other = await account.created(name="Omar", custom_fields=chosen)
    merged = await account.write(merge(nora.id, other.id))
    undone = await account.write(undo(merged.first_seq))
    again = await account.write(undo(undone.first_seq))
    await fold_all(account)
    assert await lead_figures(account) == await counted_leads(account)
    of_other = [row.seq for row in await account.history(other.id)]
    assert of_other[:3] == [again.first_seq, undone.first_seq, merged.first_seq]
    deleted = await account.write(delete(nora.id))
    await fold_all(account)
    assert await lead_figures(account) == await counted_leads(account)
    await account.write(undo(deleted.first_seq))
    await fold_all(account)
    assert await lead_figures(account) == await counted_leads(account)
    found = await account.store.deliveries_by_value(account.account_id, OUTCOMES, 0, 2**40)
    assert {one.value: one.deliveries for one in found} == {"created": 2, "deleted": 1}
