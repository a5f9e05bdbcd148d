"""Move-ins in a test: from the stand-in, or any other server, into an account of a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.copper.stand_in import EMAIL, KEY, StandIn, Time
from tests.support.storage.account_store import AccountStore

from onelead.domain.lead import Lead
from onelead.move_in.copper_api import Copper, CopperKey
from onelead.move_in.copper_settings import COPPER_ID, own_field
from onelead.move_in.report import Brought, Forecast
from onelead.move_in.run import Plan, Run, bring, plan

BASE_URL = "https://copper.test/developer_api/v1"
#: Later than every change of the stand-in's leads.
NOW = 1_700_000_000
_KEY = CopperKey(EMAIL, KEY)


def a_client(transport: Any, time: Time, key: CopperKey = _KEY, base_url: str = BASE_URL) -> Copper:
    return Copper(key, base_url, transport=transport, sleep=time.sleep, monotonic=time.monotonic)


def a_run(
    account: AccountStore,
    copper: Copper,
    *,
    since: int | None = None,
    on_progress: Callable[[str], None] = lambda _text: None,
    batch_id: str = "b1",
) -> Run:
    return Run(
        account.store,
        account.account_id,
        copper,
        "Copper",
        lambda: NOW,
        on_progress,
        batch_id,
        since,
    )


async def forecast(account: AccountStore, there: StandIn) -> Forecast:
    """Say what a move-in would do."""
    return (await planned(account, there)).forecast


async def planned(account: AccountStore, there: StandIn, **options: Any) -> Plan:
    async with a_client(there.transport(), there.time) as copper:
        return await plan(a_run(account, copper, **options))


async def moved_in(account: AccountStore, there: StandIn, **options: Any) -> Brought:
    """Do a whole move-in."""
    async with a_client(there.transport(), there.time) as copper:
        run = a_run(account, copper, **options)
        return await bring(run, await plan(run))


async def by_copper_id(account: AccountStore) -> dict[int, Lead]:
    """Return the leads that have an id of Copper; no two have the same."""
    field = own_field(COPPER_ID, await account.settings())
    assert field is not None
    found: dict[int, Lead] = {}
    for lead in await account.leads():
        if (value := lead.custom_fields.get(field.id)) is not None:
            assert int(str(value)) not in found
            found[int(str(value))] = lead
    return found
