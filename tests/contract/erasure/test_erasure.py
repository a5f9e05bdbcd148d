"""An erasure leaves nothing of a person, in tables or in files, and the ledger without a gap."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs
from tests.support.domain.act_writes import dismiss, keyed, merge, replay, rule, separate, undo
from tests.support.domain.builders import a_delivery
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import Database, SqliteDatabase
from tests.support.storage.faults import Faults, disk_error
from tests.support.storage.remains import remains

from onelead.contract.erasures import Erasure, ErasureBy, ErasureRequest
from onelead.domain.errors import (
    BodyMalformed,
    Erased,
    InputInvalid,
    ResourceNotFound,
)
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action, LeadWrite, Outcome

#: Values of the person, in no other lead and in no name of a setting.
NORA = [
    *("quillfeather", "nora@quill.example", "nora.q@old.example", "nq@third.example"),
    *("4155550187", "555-0187", "feather lane", "quill works", "kq-7781", "in/noraq"),
    *("wrote to nora", "heron"),
]


async def erased(account: AccountStore, request: ErasureRequest, reason: str = "") -> Erasure:
    """Erase a person to the end."""
    by = ErasureBy(request_id="erase-1", user_id=7, api_key_id=None, reason=reason)
    begun = await account.store.begin_erasure(account.account_id, request, by)
    await finished(account)
    return await account.store.erasure(account.account_id, begun.id)


async def finished(account: AccountStore) -> None:
    for _step in range(1_000):
        if not await account.store.erase_step(account.account_id):
            return
    raise AssertionError("the erasure does not end")


def unread(text: str) -> LeadWrite:
    """A delivery whose body could not be read."""
    payload = '"' + text.replace('"', '\\"') + '"'
    delivery = a_delivery(payload=payload, unread_bytes=len(text))
    return LeadWrite(Action.UPSERT, delivery, unread=BodyMalformed(f"not JSON: {text[:40]}"))


async def folded(account: AccountStore) -> None:
    while await account.store.fold_ledger(account.account_id):
        pass


async def a_long_history(account: AccountStore) -> int:
    """Write a person's history of every kind, among other people; return the lead."""
    number = await account.field(name="Customer number")
    others = [
        await account.created(name=f"Person {n}", email=f"p{n}@field.example") for n in range(30)
    ]
    nora = await account.created(
        name="Nora Quillfeather",
        email="nora.q@old.example",
        phone_numbers=["+1 (415) 555-0187"],
        address={"street": "1 Feather Lane", "postal_code": "94110"},
        company_name="Quill Works",
        socials=["https://social.example/in/noraq"],
        custom_fields={number.id: "KQ-7781"},
        tags=["heron"],
    )
    for n in range(20):
        details = f"wrote to Nora {n} " + "heron " * (n * 200)
        await account.results(
            update(nora.id, details=details),
            update(others[n].id, details="x" * (n * 300)),
            upsert("email", "nora.q@old.example", title=f"Heron {n}"),
        )
    await account.result(update(nora.id, email="nora@quill.example"))
    second = await account.created(name="N. Quillfeather", email="nq@third.example")
    third = await account.created(name="Nora Quillfeather", email="nora.q@old.example")
    await account.result(upsert("name", "Nora Quillfeather", title="Heron"))
    await account.results(
        keyed(upsert("email", "nq@third.example", title="Heron"), "key-1", "hash-of-heron"),
        keyed(create(name="Nora Quillfeather", email="nora@quill.example"), "key-2"),
    )
    created = (await account.leads())[-1]
    merged = await account.write(merge(nora.id, second.id, third.id, created.id))
    undone = await account.write(undo(merged.first_seq))
    await account.result(undo(undone.first_seq))
    await account.result(rule(nora.id, "name", "Heron Quillfeather"))
    refused = await account.write(
        create(custom_fields={number.id: "KQ-7781"}),
        create(phone_numbers=["415 555 0187"]),
        create(email="NORA@quill.example"),
        update(12345, details="please write to <nora.q@old.example>"),
    )
    await account.result(dismiss(refused.first_seq + 1))
    await account.results(
        unread('{"name": "Nora Quillfeather", "company": "Quill Works'),
        unread("email=nora%40x nora@quill.example; heron"),
    )
    await account.result(separate(nora.id, others[0].id))
    await folded(account)
    return nora.id


async def test_nothing_of_an_erased_person_is_left(account: AccountStore) -> None:
    lead_id = await a_long_history(account)
    before = account.ledger("seq, date, user_id, api_key_id, action, outcome, resource_id")
    assert len({one.split(" in ")[0] for one in remains(account.database, NORA)}) == len(NORA)
    done = await erased(account, ErasureRequest(lead_id=lead_id), "asked by letter on Monday")
    assert (done.state, done.is_done) == ("done", True)
    assert remains(account.database, NORA) == []
    after = account.ledger("seq, date, user_id, api_key_id, action, outcome, resource_id")
    assert after[:-1] == before
    assert after[-1][4:] == ("erase", "decided", lead_id)
    assert [row[0] for row in after] == list(range(1, len(after) + 1))
    # Other people are as they were.
    assert [lead.name for lead in await account.leads()] == [f"Person {n}" for n in range(30)]


async def test_each_erased_row_says_when_and_by_whom(account: AccountStore, clock: Clock) -> None:
    nora = await account.created(email="n@quill.example")
    done = await erased(account, ErasureRequest(lead_id=nora.id), "a letter")
    erasure, creation = await account.history(nora.id)
    assert creation.erased == {"date": clock(), "user_id": 7, "erasure_id": done.id}
    assert (creation.payload, creation.changes, creation.outcome) == ("", None, "created")
    assert erasure.erased is None
    assert msgspec.json.decode(erasure.payload) == {
        "erasure_id": done.id,
        "lead_ids": [nora.id],
        "merged_ids": [],
        "reason": "a letter",
        "counts": done.counts,
    }
    assert done.counts == {
        "leads": 1,
        "merged_leads": 0,
        "ledger_rows": 1,
        "idempotency_keys": 0,
        "refused_deliveries": 0,
        "mentions": 0,
    }


async def test_nobody_is_found_from_the_first_moment(account: AccountStore) -> None:
    nora, other = await account.created(email="n@q.example"), await account.created()
    await account.result(merge(nora.id, other.id))
    by = ErasureBy(request_id="erase-1", user_id=None, api_key_id=None)
    await account.store.begin_erasure(account.account_id, ErasureRequest(lead_id=other.id), by)
    for lead_id in (nora.id, other.id):
        with pytest.raises(ResourceNotFound):
            await account.store.lead(account.account_id, lead_id)
    found = await account.result(upsert("email", "n@q.example", name="Nora"))
    assert found.outcome is Outcome.CREATED
    await finished(account)
    # What came later is another matter.
    assert [lead.name for lead in await account.leads()] == ["Nora"]
    assert account.keys("email") == [("n@q.example", found.lead.id if found.lead else 0)]


async def test_what_was_erased_cannot_be_undone_or_applied(account: AccountStore) -> None:
    nora = await account.created(email="n@q.example")
    delivery = upsert("name", "Nora Field", email="n@q.example")
    await account.created()
    refused = await account.write(delivery)
    changed = await account.write(update(nora.id, title="Buyer"))
    done = await erased(account, ErasureRequest(lead_id=nora.id))
    for write in (
        undo(changed.first_seq),
        undo(done.seq),
        replay(delivery, refused.first_seq),
        dismiss(refused.first_seq),
    ):
        assert isinstance((await account.result(write)).refusal, Erased)


async def test_a_deleted_lead_can_be_erased(account: AccountStore) -> None:
    nora = await account.created(email="n@q.example")
    await account.result(create(email="n@q.example"))
    await account.result(delete(nora.id))
    done = await erased(account, ErasureRequest(lead_id=nora.id))
    assert (done.counts["leads"], done.counts["ledger_rows"]) == (0, 2)
    assert done.counts["refused_deliveries"] == 1
    assert remains(account.database, ["n@q.example"]) == []


async def test_an_email_finds_all_its_leads_and_what_reached_none(account: AccountStore) -> None:
    ids = [(await account.created(email="n@q.example")).id for _ in range(2)]
    await account.result(create(email="N@q.example"))
    request = ErasureRequest(email="mailto:N@Q.example")
    preview = await account.store.preview_erasure(account.account_id, request)
    assert list(preview.lead_ids) == ids
    assert preview.counts == {
        "leads": 2,
        "merged_leads": 0,
        "ledger_rows": 2,
        "refused_deliveries": 1,
    }
    assert len(preview.rows) == 3
    done = await erased(account, request)
    assert [row[0] for row in account.ledger("resource_id")[-2:]] == ids
    assert done.counts["refused_deliveries"] == 1
    assert remains(account.database, ["n@q.example"]) == []


async def test_an_email_of_no_lead_erases_what_it_delivered(account: AccountStore) -> None:
    await account.result(create(email="n@q.example"))
    done = await erased(account, ErasureRequest(email="n@q.example"))
    assert (list(done.lead_ids), done.counts["refused_deliveries"]) == ([], 1)
    assert account.ledger("resource_id, action")[-1] == (None, "erase")
    assert remains(account.database, ["n@q.example"]) == []


@pytest.mark.parametrize("email", ["nobody", "a@q.example, b@q.example", "none@shop.example", ""])
async def test_only_an_email_that_identifies_somebody_is_taken(
    account: AccountStore, email: str
) -> None:
    body = {"placeholders": ["none@shop.example"]}
    await account.change(Resource.ACCOUNT, Action.UPDATE, body, account.account_id)
    with pytest.raises(InputInvalid, match=r"Email: (is not an e-mail address|identifies nobody)"):
        await account.store.preview_erasure(account.account_id, ErasureRequest(email=email))


async def test_an_email_of_too_many_leads_is_nobodys(account: AccountStore) -> None:
    for _ in range(31):
        await account.created(email="info@q.example")
    with pytest.raises(InputInvalid, match="more than 30 leads have it"):
        await erased(account, ErasureRequest(email="info@q.example"))
    assert len(await account.leads()) == 31


@pytest.mark.parametrize("lead_id", [1, 1_999_999_999, 2_000_000_001])
async def test_an_unknown_lead_is_not_found(account: AccountStore, lead_id: int) -> None:
    with pytest.raises(ResourceNotFound):
        await erased(account, ErasureRequest(lead_id=lead_id))


@pytest.mark.parametrize("reason", ["Nora Field asked", "by n@q.example", "a\nb", "x" * 256])
async def test_the_reason_stays_so_it_must_not_name_the_person(
    account: AccountStore, reason: str
) -> None:
    nora = await account.created(email="n@q.example")
    with pytest.raises(InputInvalid, match="Reason: "):
        await erased(account, ErasureRequest(lead_id=nora.id), reason)
    assert [lead.id for lead in await account.leads()] == [nora.id]


async def test_other_peoples_rows_lose_only_the_match_and_the_shares(
    account: AccountStore,
) -> None:
    nora = await account.created(email="n@q.example")
    other = await account.created(name="Ann Other", email="n@q.example", details="as Nora said")
    done = await erased(account, ErasureRequest(lead_id=nora.id))
    (creation,) = await account.history(other.id)
    assert creation.erased is None
    assert creation.shares is None
    assert creation.changes is not None
    assert creation.changes["details"] == [None, "as Nora said"]
    assert done.counts["mentions"] == 1
    assert [lead.id for lead in await account.leads()] == [other.id]
    preview = await account.store.preview_erasure(
        account.account_id, ErasureRequest(lead_id=nora.id)
    )
    assert list(preview.leads) == []


async def test_what_was_delivered_to_another_lead_by_a_value_loses_it(
    account: AccountStore,
) -> None:
    survivor = await account.created(name="Ann Other", email="a@field.example")
    nora = await account.created(email="n@q.example")
    merged = await account.write(merge(survivor.id, nora.id))
    by_value = await account.write(upsert("email", "n@q.example", title="Buyer"))
    assert by_value.results[0].lead is not None
    assert by_value.results[0].lead.id == survivor.id
    await account.result(undo(merged.first_seq))
    await erased(account, ErasureRequest(lead_id=nora.id))
    assert remains(account.database, ["n@q.example"]) == []
    (left,) = await account.leads()
    assert (left.name, left.title) == ("Ann Other", "Buyer")


async def test_a_preview_names_the_leads_that_share_the_email(account: AccountStore) -> None:
    nora, other = [await account.created(email="n@q.example") for _ in range(2)]
    preview = await account.store.preview_erasure(
        account.account_id, ErasureRequest(lead_id=nora.id)
    )
    assert (list(preview.sharing_ids), preview.is_partial) == ([other.id], False)


async def test_the_figures_count_the_leads_that_are_left(account: AccountStore) -> None:
    tier = await account.field(name="Tier", data_type="Dropdown")
    gold = {tier.id: tier.options[1].id}
    nora, other = [await account.created(custom_fields=gold) for _ in range(2)]
    survivor = await account.created()
    await account.result(merge(survivor.id, other.id))
    unmerged = await account.write(undo((await account.history(survivor.id))[0].seq))
    assert unmerged.results[0].outcome is Outcome.RESTORED
    await erased(account, ErasureRequest(lead_id=nora.id))
    await erased(account, ErasureRequest(lead_id=other.id))
    counted = await figures(account)
    assert (f"custom_fields.{tier.id}", "", 1) not in counted
    for table in ("figure_progress", "lead_figure", "delivery_figure", "ledger_candidate"):
        account.database.execute(f"DELETE FROM {table}")
    for table in ("hour_figure", "caller_figure", "name_figure"):
        account.database.execute(f"DELETE FROM {table}")
    await folded(account)
    assert await figures(account) == counted


async def figures(account: AccountStore) -> list[tuple[Any, ...]]:
    await folded(account)
    return account.database.rows(
        "SELECT field, value, leads FROM lead_figure WHERE leads <> 0 ORDER BY field, value"
    )


async def test_an_erasure_goes_on_in_another_process(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    lead_id = await a_long_history(account)
    by = ErasureBy(request_id="erase-1", user_id=None, api_key_id=None)
    await account.store.begin_erasure(account.account_id, ErasureRequest(lead_id=lead_id), by)
    for process in (account, elsewhere, account):
        assert await process.store.erase_step(account.account_id)
    await finished(elsewhere)
    (done,) = await account.store.erasures(account.account_id)
    assert done.is_done
    assert not await account.store.erase_step(account.account_id)
    assert remains(account.database, ["quillfeather", "kq-7781", "heron"]) == []


async def test_a_key_of_an_erased_write_is_free_again(account: AccountStore) -> None:
    write = keyed(create(name="Nora Field"), "key-1")
    first = await account.result(write)
    assert first.lead is not None
    done = await erased(account, ErasureRequest(lead_id=first.lead.id))
    assert done.counts["idempotency_keys"] == 1
    again = await account.result(structs.replace(write, delivery=write.delivery))
    assert (again.outcome, again.replayed_seq) == (Outcome.CREATED, None)


async def test_erased_deliveries_leave_the_queue(account: AccountStore) -> None:
    group = "email n@q.example"
    rows = [await account.write(create(email="n@q.example")) for _ in range(2)]
    rest = await account.write(create(title="Buyer"))
    await folded(account)
    for table in ("refused_delivery", "open_group", "open_group_caller"):
        account.database.execute(f"DELETE FROM {table}")
    seqs = [row.first_seq for row in (*rows, rest)]
    for seq, name in ((seqs[0], group), (seqs[1], "blank"), (seqs[2], "blank")):
        account.database.execute(
            "INSERT INTO refused_delivery (account_id, seq, group_key, state, caller)"
            f" VALUES ({account.account_id}, {seq}, '{name}', 'open', 'key-1')"
        )
    for name, count, newest in ((group, 1, seqs[0]), ("blank", 2, seqs[2])):
        account.database.execute(
            "INSERT INTO open_group (account_id, group_key, deliveries, newest_seq)"
            f" VALUES ({account.account_id}, '{name}', {count}, {newest})"
        )
    await erased(account, ErasureRequest(email="n@q.example"))
    left = account.database.rows("SELECT group_key, deliveries, newest_seq FROM open_group")
    assert left == [("blank", 1, seqs[2])]
    assert account.database.rows("SELECT seq FROM refused_delivery") == [(seqs[2],)]


async def test_an_erasure_of_another_account_is_not_found(account: AccountStore) -> None:
    nora = await account.created()
    done = await erased(account, ErasureRequest(lead_id=nora.id))
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    with pytest.raises(ResourceNotFound):
        await account.store.erasure(other.account_id, done.id)
    assert list(await account.store.erasures(other.account_id)) == []
    with pytest.raises(ResourceNotFound):
        await account.store.preview_erasure(other.account_id, ErasureRequest(lead_id=nora.id))


async def test_addresses_of_forms_lose_the_person(account: AccountStore) -> None:
    nora = await account.created(email="n@q.example")
    for form, location in (("form-1", "/leads?email=n%40q.example"), ("form-2", "/leads/7")):
        assert await account.store.begin_form(account.account_id, form) is None
        await account.store.finish_form(account.account_id, form, location)
    await erased(account, ErasureRequest(lead_id=nora.id))
    locations = account.database.rows("SELECT location FROM sent_form ORDER BY form_id")
    assert locations == [("",), ("/leads/7",)]


async def test_more_deliveries_than_a_step_takes_are_erased(account: AccountStore) -> None:
    for _ in range(3):
        await account.results(*(create(email="n@q.example") for _ in range(150)))
    done = await erased(account, ErasureRequest(email="n@q.example"))
    assert done.counts["refused_deliveries"] == 450
    assert remains(account.database, ["n@q.example"]) == []


async def test_processes_that_erase_at_the_same_time_do_each_step_once(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    nora = await account.created(email="n@q.example")
    for n in range(10):
        await account.results(*(update(nora.id, title=f"{n}-{m}") for m in range(60)))
    by = ErasureBy(request_id="erase-1", user_id=None, api_key_id=None)
    begun = await account.store.begin_erasure(
        account.account_id, ErasureRequest(lead_id=nora.id), by
    )
    await folded(account)
    for _ in range(10):
        await asyncio.gather(
            *(one.store.erase_step(account.account_id) for one in (account, elsewhere) * 2)
        )
    done = await account.store.erasure(account.account_id, begun.id)
    assert (done.state, done.counts["ledger_rows"]) == ("done", 601)


async def test_an_erasure_whose_commit_reported_an_error_is_found_again(
    database: Database, clock: Clock
) -> None:
    faults = Faults()
    store = await database.open_faulty(clock, faults)
    account = await AccountStore.of(store, database.account.account_id, database)
    nora = await account.created()
    faults.after_commit = disk_error
    done = await erased(account, ErasureRequest(lead_id=nora.id))
    assert done.is_done
    assert [row[0] for row in account.ledger("action")] == ["create", "erase"]
    await store.close()


async def test_files_that_are_in_use_are_cleaned_later(account: AccountStore, clock: Clock) -> None:
    if not isinstance(account.database, SqliteDatabase):
        # Another engine has no file that it could clean.
        return
    store = await account.database.open(clock, busy_timeout_s=0.01)
    impatient = await AccountStore.of(store, account.account_id, account.database)
    nora = await account.created(email="n@q.example")
    by = ErasureBy(request_id="erase-1", user_id=None, api_key_id=None)
    begun = await store.begin_erasure(account.account_id, ErasureRequest(lead_id=nora.id), by)
    with closing(sqlite3.connect(account.database.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM lead").fetchone()
        await finished(impatient)
        assert (await store.erasure(account.account_id, begun.id)).state == "files"
    await finished(impatient)
    assert (await store.erasure(account.account_id, begun.id)).is_done
    assert remains(account.database, ["n@q.example"]) == []
    await store.close()


async def test_only_a_file_of_an_earlier_version_is_written_again(
    tmp_path: Path, clock: Clock
) -> None:
    database = SqliteDatabase(tmp_path)
    database.path.unlink()
    store = await database.open(clock)
    assert database.rows("PRAGMA user_version") == [(1,)]
    await store.close()
    database = SqliteDatabase(tmp_path)
    store = await database.open(clock)
    assert database.rows("PRAGMA user_version") == [(0,)]
    account = await AccountStore.of(store, database.account.account_id, database)
    first = await account.created(email="n@q.example")
    await erased(account, ErasureRequest(lead_id=first.id))
    assert database.rows("PRAGMA user_version") == [(1,)]
    # From now on, what is removed is overwritten.
    second = await a_long_history(account)
    await erased(account, ErasureRequest(lead_id=second))
    assert remains(database, NORA) == []
    await store.close()
