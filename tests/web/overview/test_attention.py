"""What the Overview warns about: a lead that takes many names, and values that leads share."""

from __future__ import annotations

from tests.support.api.service import Service
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

from onelead.domain.limits import NAMES_PER_HOUR_MAX


async def warned(web: Web, browser: Browser) -> str:
    """Return the warning; empty when there is none."""
    while await web.store.fold_ledger(web.account_id):
        pass
    found = (await browser.get("/")).html.select("#attention")
    return " ".join(found[0].get_text(" ").split()) if found else ""


async def renamed(service: Service, names: int) -> int:
    """Deliver so many people by one e-mail; return the lead that they all became."""
    email = {"email": "info@field.example", "category": "work"}
    answers = [
        await service.upsert({"name": f"Nora {'abcdefghij'[number]}"}, "email", email["email"])
        for number in range(names + 1)
    ]
    return int(answers[-1].json()["id"])


async def test_nothing_is_said_about_an_ordinary_day(
    web: Web, browser: Browser, service: Service
) -> None:
    await renamed(service, NAMES_PER_HOUR_MAX)
    assert await warned(web, browser) == ""


async def test_a_lead_that_takes_more_than_a_handful_of_names_is_named(
    web: Web, browser: Browser, service: Service
) -> None:
    lead_id = await renamed(service, NAMES_PER_HOUR_MAX + 1)
    text = await warned(web, browser)
    assert "Nora g was given 6 different names within an hour, from 14 Nov 2023, 14:00 on." in text
    link = (await browser.get("/")).html.select("#attention a")[0]
    assert link["href"] == f"/leads/{lead_id}#history"
    assert "add it to the placeholders" in text
    web.clock.advance(86_400 + 3_600)
    assert await warned(web, browser) == ""


async def test_a_member_is_told_to_ask_an_admin(
    web: Web, member: Browser, service: Service
) -> None:
    await renamed(service, NAMES_PER_HOUR_MAX + 1)
    assert "ask an admin to add it to the placeholders" in await warned(web, member)


async def test_a_deleted_lead_is_left_out(web: Web, browser: Browser, service: Service) -> None:
    lead_id = await renamed(service, NAMES_PER_HOUR_MAX + 1)
    await service.client.delete(f"/leads/{lead_id}")
    assert await warned(web, browser) == ""


async def test_writes_that_share_a_value_are_counted(
    web: Web, browser: Browser, service: Service
) -> None:
    field = await service.field(name="Customer number", is_filterable=True)
    entry = {"custom_field_definition_id": field["id"], "value": "A-77"}
    email = {"email": "nora@field.example", "category": "work"}
    for number in range(3):
        await service.lead(name=f"Nora {number}", email=email, custom_fields=[entry])
    text = await warned(web, browser)
    assert "2 writes gave a lead the same e-mail as another lead." in text
    assert "2 writes gave a lead the same Customer number as another lead." in text
