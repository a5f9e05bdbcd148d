"""Ledger rows keep their meaning when a status, source, custom field or option is deleted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from tests.support.api.service import Service
from tests.support.domain.builders import a_settings
from tests.support.web.browser_client import Browser

from onelead.contract.ledger import DeletedSetting
from onelead.web.words.deleted_names import missing_ids, with_deleted
from onelead.web.words.lead_texts import field_text

FORM = "form[data-lead-form]"


async def history(browser: Browser, lead_id: int) -> list[str]:
    return (await browser.get(f"/leads/{lead_id}")).texts("#history li")


def entry(field: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"custom_field_definition_id": field["id"], "value": value}


async def put(service: Service, path: str, **body: Any) -> Any:
    answer = await service.client.put(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def delete_field(service: Service, field: dict[str, Any]) -> None:
    answer = await service.client.delete(f"/custom_field_definitions/{field['id']}")
    assert answer.status_code == 200


@pytest.fixture
def asked(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """Records the ids of each query."""
    questions: list[set[int]] = []
    ask = service.store.deleted_settings

    async def noted(account_id: int, ids: Collection[int]) -> Any:
        questions.append(set(ids))
        return await ask(account_id, ids)

    monkeypatch.setattr(service.store, "deleted_settings", noted)
    return questions


async def test_a_status_and_a_source_that_are_gone_are_called_what_they_were(
    browser: Browser, service: Service, asked: list[set[int]]
) -> None:
    settings = await service.store.settings(service.account.account_id)
    status, source = settings.statuses[1], settings.sources[0]
    lead = await service.lead()
    path = f"/leads/{lead['id']}"
    await put(service, path, status_id=status.id, customer_source_id=source.id)
    await put(service, path, status_id=settings.statuses[0].id, customer_source_id=None)
    await history(browser, lead["id"])
    assert asked == []
    for of, gone in (("lead-statuses", status), ("customer-sources", source)):
        page = await browser.get(f"/settings/{of}/{gone.id}/delete")
        await page.submit("#delete")
    back, there, _created = await history(browser, lead["id"])
    assert f"Status {status.name} (deleted) → became New" in back
    assert f"Customer source {source.name} (deleted)" in back
    assert f"Status New → became {status.name} (deleted)" in there
    assert asked == [{status.id, source.id}]


async def test_a_field_that_is_gone_keeps_its_name_its_type_and_its_options(
    browser: Browser, service: Service, asked: list[set[int]]
) -> None:
    tier = await service.field(name="Score", data_type="MultiSelect")
    day = await service.field(name="Next visit", data_type="Date")
    silver, gold = (option["id"] for option in tier["options"])
    values = [entry(tier, [silver, gold]), entry(day, "05/14/2026")]
    lead = await service.lead(custom_fields=values)
    for field in (tier, day):
        await delete_field(service, field)
    (created,) = await history(browser, lead["id"])
    assert "Score (deleted) Silver, Gold" in created
    assert "Next visit (deleted) 14 May 2026" in created
    assert asked == [{tier["id"], day["id"]}]


async def test_an_option_that_was_removed_is_called_what_it_was(
    browser: Browser, service: Service, asked: list[set[int]]
) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    silver, gold = tier["options"]
    lead = await service.lead(custom_fields=[entry(tier, silver["id"])])
    await service.upsert({"title": "Buyer"}, "custom", entry(tier, silver["id"]))
    path = f"/custom_field_definitions/{tier['id']}"
    await put(service, path, options=[{"id": gold["id"], "name": "Gold"}])
    upserted, created = await history(browser, lead["id"])
    assert "Tier Silver (deleted)" in created
    assert "matched 1 lead by Tier Silver (deleted)" in upserted
    assert asked == [{tier["id"]}]


async def test_every_page_that_shows_ledger_rows_asks_once(
    browser: Browser, service: Service, asked: list[set[int]]
) -> None:
    field = await service.field(name="Score")
    await service.upsert({"name": "Nora Field"}, "custom", entry(field, "A-77"))
    seq = 2
    await delete_field(service, field)
    for page, words in (
        ("/deliveries", "no leads by Score (deleted) A-77"),
        (f"/deliveries/{seq}", "no leads by Score (deleted) A-77"),
        ("/", "no leads by Score (deleted) A-77"),
    ):
        asked.clear()
        assert words in (await browser.get(page)).text
        assert asked == [{field["id"]}]


async def test_the_rows_of_a_setting_that_is_gone_have_its_name(
    browser: Browser, service: Service
) -> None:
    settings = await service.store.settings(service.account.account_id)
    status = settings.statuses[1]
    page = await browser.get("/settings/lead-statuses")
    page = await page.submit(
        f"#entry-{status.id} form[data-sort-form]", button='[data-sort-step="1"]'
    )
    await (await browser.get(f"/settings/lead-statuses/{status.id}/delete")).submit("#delete")
    shown = await browser.get("/deliveries")
    assert f"Lead status “{status.name}” deleted" in shown.text
    assert f"Lead status “{status.name} (deleted)” changed" in shown.text


async def test_a_deleted_lead_has_the_names_too(browser: Browser, service: Service) -> None:
    field = await service.field(name="Score")
    lead = await service.lead(custom_fields=[entry(field, "A-77")])
    await service.client.delete(f"/leads/{lead['id']}")
    await delete_field(service, field)
    assert "Score (deleted) A-77" in (await history(browser, lead["id"]))[-1]


async def test_a_choice_between_two_versions_has_the_names_of_removed_options(
    browser: Browser, service: Service
) -> None:
    tier = await service.field(name="Tier", data_type="MultiSelect")
    silver, gold = tier["options"]
    lead = await service.lead(custom_fields=[entry(tier, [gold["id"]])])
    shown = await browser.get(f"/leads/{lead['id']}?edit=custom")
    await put(service, f"/leads/{lead['id']}", custom_fields=[entry(tier, [silver["id"]])])
    options = [gold, {"name": "Platinum"}]
    await put(service, f"/custom_field_definitions/{tier['id']}", options=options)
    conflict = await shown.submit(FORM, {f"custom_fields.{tier['id']}": []})
    assert conflict.status == 409
    assert "Silver (deleted)" in " ".join(conflict.texts("#section-custom fieldset"))


def test_what_the_settings_lack_is_found_in_values() -> None:
    values = [("status_id", 77), ("custom_fields.99", 5), ("title", 7), ("status_id", None)]
    assert missing_ids([], values, a_settings()) == {77, 99}


def test_what_nothing_knows_stays_a_number() -> None:
    assert with_deleted(a_settings(), {}) == a_settings()
    settings = with_deleted(a_settings(), {77: DeletedSetting(options={5: "Silver"})})
    assert field_text("status_id", 77, settings) == "Deleted status 77"
