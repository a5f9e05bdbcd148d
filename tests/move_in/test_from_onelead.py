"""A server of onelead as the source: it speaks the same API, so all of its leads come across."""

from __future__ import annotations

from pathlib import Path

import httpx2
from tests.support.api.service import BASE_URL, a_service
from tests.support.copper.moving import a_client, a_run
from tests.support.copper.stand_in import Time
from tests.support.storage.account_store import AccountStore

from onelead.api.application import Api
from onelead.move_in.copper_api import CopperKey
from onelead.move_in.run import bring, plan


async def test_leads_of_another_onelead_come_across(account: AccountStore, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    async with a_service(tmp_path / "there") as there:
        tier = await there.field(name="Tier", data_type="Dropdown")
        wants = await there.field(name="Wants", data_type="MultiSelect")
        signed = await there.field(name="Signed", data_type="Date")
        values = (
            (tier["id"], tier["options"][1]["id"]),
            (wants["id"], [one["id"] for one in wants["options"]]),
            (signed["id"], "2025-07-04"),
        )
        custom = [{"custom_field_definition_id": one, "value": value} for one, value in values]
        for number in range(220):
            await there.lead(
                name=f"Dr. Nora van Field {number}",
                email={"email": f"nora{number}@field.example"},
                phone_numbers=[{"number": f"+1 512 555 {number:04}", "category": "mobile"}],
                address={"city": "Austin", "country": "US"},
                monetary_value=number,
                tags=["fair"],
                custom_fields=custom,
            )
        key = CopperKey(there.account.email, there.account.api_key)
        transport = httpx2.ASGITransport(Api(there.runtime))
        async with a_client(transport, Time(), key, BASE_URL.replace("http", "https")) as copper:
            run = a_run(account, copper)
            done = await bring(run, await plan(run))
        assert done.outcomes == {"created": 220}
        assert done.remarks.counts == {}
        assert done.comparison
        assert (done.comparison.compared, done.comparison.differences) == (220, [])
        assert done.comparison.gone == []
