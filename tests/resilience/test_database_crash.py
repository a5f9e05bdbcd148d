"""A PostgreSQL server is killed, or becomes a standby, and the application goes on with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.support.commands.load import Load
from tests.support.commands.process import Server, credentials_of, run_json, serving
from tests.support.domain.lead_writes import create
from tests.support.process.clock import Clock
from tests.support.storage.postgresql_server import PostgresqlServer

from onelead.contract.leads import Batch
from onelead.domain.errors import StoreUnavailable
from onelead.domain.fold import checked_write
from onelead.storage.postgresql.store import PostgresqlStore

pytestmark = pytest.mark.slow

KILLS = 2
ANSWERS = 150


@pytest.fixture
def server() -> Iterator[PostgresqlServer]:
    """A separate server, whose commits are on the disk."""
    with PostgresqlServer(durable=True) as server:
        yield server


async def test_no_answered_lead_is_lost_when_postgresql_is_killed_under_load(
    server: PostgresqlServer, tmp_path: Path
) -> None:
    database = f"--database={server.url()}"
    made = run_json(tmp_path, "init", "--account", "Shop", "--email", "dana@shop.example", database)
    load = Load(credentials_of(made))
    with serving(tmp_path, database) as one, serving(tmp_path, database) as other:
        async with load.on(one.base_url), load.on(other.base_url):
            for kills in range(1, KILLS + 1):
                await load.reach(kills * ANSWERS)
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            await load.reach((KILLS + 1) * ANSWERS)
            assert one.process.poll() is other.process.poll() is None
            stop(one, other)
    assert set(load.refused) <= {503}
    with psycopg.connect(server.url()) as connection:
        emails = [email for (email,) in connection.execute("SELECT email_key FROM lead")]
        rows = "SELECT count(*), count(DISTINCT request_id), max(seq) FROM ledger"
        ((written, requests, last),) = connection.execute(rows).fetchall()
    assert set(load.answered) <= set(emails)
    assert len(emails) == len(set(emails))
    assert written == requests == last == len(emails)


def stop(*servers: Server) -> None:
    for server in servers:
        server.process.kill()
        server.process.wait()


async def test_a_primary_that_becomes_a_standby_is_read_from_until_it_takes_writes_again(
    server: PostgresqlServer,
) -> None:
    store = PostgresqlStore(server.url(), Clock(), retry_s=0.5)
    await store.open()
    patient = PostgresqlStore(server.url(), Clock(), retry_s=60)
    account_id = (await store.create_account("Shop", "dana@shop.example")).account_id
    settings = await store.settings(account_id)
    nora, sam = (checked_write(create(name=name), settings) for name in ("Nora Field", "Sam Roe"))
    receipt = await store.write_leads(Batch(settings, [nora]))
    await asyncio.to_thread(server.stop)
    server.become_standby()
    await asyncio.to_thread(server.start)
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as refusal:
            await store.write_leads(Batch(settings, [sam]))
        assert refusal.value.retry_after_s == 1
        with pytest.raises(StoreUnavailable):
            await store.create_api_key(account_id, "dana@shop.example", "another")
        lead = receipt.results[0].lead
        assert lead is not None
        assert (await store.lead(account_id, lead.id)).lead == lead
    waiting = asyncio.create_task(patient.write_leads(Batch(settings, [sam])))
    with psycopg.connect(server.url(), autocommit=True) as connection:
        assert connection.execute("SELECT pg_promote()").fetchone() == (True,)
    assert (await waiting).first_seq == 2
    await store.close()
    await patient.close()
