"""Pins, other values, rulings, and values that a lead did not take."""

from __future__ import annotations

from typing import Any

from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, Shown

FLASH = "[role=status] p"
FLASH_UNDO = '[role=status] form[action^="/ledger/"]'


def pin_form(field: str) -> str:
    return f'form[action$="/pins"]:has([name="field"][value="{field}"])'


async def page(browser: Browser, lead: dict[str, Any]) -> Shown:
    return await browser.get(f"/leads/{lead['id']}")


async def title(service: Service, lead: dict[str, Any]) -> str | None:
    answer = (await service.client.get(f"/leads/{lead['id']}")).json()
    found: str | None = answer["title"]
    return found


async def test_a_pinned_field_is_not_changed_until_a_person_takes_the_value(
    member: Browser, service: Service
) -> None:
    lead = await service.lead(title="Buyer")
    done = await (await page(member, lead)).submit(pin_form("title"))
    assert done.texts(FLASH) == ["Title is pinned: deliveries do not change it."]
    assert "Pin of Title pinned" in done.texts("#history li")[0]
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Owner"})
    assert await title(service, lead) == "Buyer"
    shown = await page(member, lead)
    assert "Not taken: Owner, because the field is pinned" in shown.texts("#section-company")[0]
    assert "Not taken: Title Owner, because the field is pinned" in shown.texts("#history li")[0]
    edit = await member.get(f"/leads/{lead['id']}?edit=company")
    assert "Title is pinned: deliveries do not change it." in edit.texts("#section-company")[0]
    taken = await shown.submit('#section-company form[action$="/take"]')
    assert taken.texts(FLASH) == ["Title was taken: Owner."]
    assert await title(service, lead) == "Owner"
    assert taken.html.select('#section-company form[action$="/take"]') == []
    await taken.submit(FLASH_UNDO)
    assert await title(service, lead) == "Buyer"


async def test_a_pin_is_taken_away(browser: Browser, service: Service) -> None:
    lead = await service.lead(title="Buyer")
    pinned = await (await page(browser, lead)).submit(pin_form("title"))
    done = await pinned.submit(pin_form("title"))
    assert done.texts(FLASH) == ["Title: pin removed."]
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Owner"})
    assert await title(service, lead) == "Owner"


async def test_every_kind_of_value_can_be_taken(browser: Browser, service: Service) -> None:
    day = await service.field(name="Day", data_type="Date", is_filterable=False)
    kind = await service.field(name="Kind", data_type="MultiSelect", is_filterable=False)
    fields = (f"custom_fields.{day['id']}", f"custom_fields.{kind['id']}")
    lead = await service.lead()
    for field in ("email", "address", "phone_numbers", "monetary_value", "name", "tags", *fields):
        await (await page(browser, lead)).submit(pin_form(field))
    properties = {
        "name": "Nora Meadow",
        "email": {"email": "nora@field.example", "category": "work"},
        "address": {"city": "Lyon"},
        "phone_numbers": [{"number": "123", "category": "home"}],
        "monetary_value": 5.5,
        "tags": ["vip"],
        "custom_fields": [
            {"custom_field_definition_id": day["id"], "value": "05/14/2026"},
            {"custom_field_definition_id": kind["id"], "value": [kind["options"][0]["id"]]},
        ],
    }
    response = await service.client.put(f"/leads/{lead['id']}", json=properties)
    assert response.json()["email"] is None
    shown = await page(browser, lead)
    for form in shown.html.select('#history form[action$="/take"]'):
        (field,) = [str(one["value"]) for one in form.select('[name="field"]')]
        selector = f'#history form[action$="/take"]:has([value="{field}"])'
        done = await shown.submit(selector)
        assert "was taken" in done.texts(FLASH)[0], field
    answer = (await service.client.get(f"/leads/{lead['id']}")).json()
    wanted = properties | {"address": answer["address"], "custom_fields": answer["custom_fields"]}
    assert {name: answer[name] for name in wanted} == wanted
    assert answer["address"]["city"] == "Lyon"
    assert [one["value"] for one in answer["custom_fields"]] != [None, None]


async def test_other_values_are_added_and_taken_away(browser: Browser, service: Service) -> None:
    lead = await service.lead()
    added = await (await page(browser, lead)).submit(
        "#add-value", field="email", value="n@field.example"
    )
    assert added.texts(FLASH) == ["Deliveries by “n@field.example” find this lead from now on."]
    assert added.texts("#other-values li") == [
        "E-mail n@field.example Added by a person Remove E-mail n@field.example"
    ]
    found = await service.upsert({"title": "Buyer"}, "email", "n@field.example")
    assert found.json()["id"] == lead["id"]
    gone = await added.submit('#other-values form:has([name="remove"])')
    assert gone.texts("#other-values li") == []
    found = await service.upsert({"name": "Other"}, "email", "n@field.example")
    assert found.json()["id"] != lead["id"]


async def test_a_ruling_is_marked_and_belongs_to_one_lead(
    browser: Browser, service: Service
) -> None:
    first, second = await service.lead(), await service.lead()
    number = await service.field()
    shown = await page(browser, first)
    done = await shown.submit("#add-value", field="name", value="Nora Field", claims="1")
    assert "mean this lead from now on" in done.texts(FLASH)[0]
    assert done.texts("#other-values .badge") == ["ruling"]
    found = await service.upsert({"title": "Buyer"}, "name", "Nora Field")
    assert found.json()["id"] == first["id"]
    shown = await page(browser, second)
    taken = await shown.submit("#add-value", field="name", value="Nora Field", claims="1")
    assert f"mean lead {first['id']}" in taken.texts(FLASH)[0]
    other = await shown.submit("#add-value", field=str(number["id"]), value="A 7")
    assert "Customer number A 7" in other.texts("#other-values li")[0]
    twice = await other.submit("#add-value", field=str(number["id"]), value="A 7")
    assert twice.texts(FLASH) == ["Nothing was changed."]


async def test_forged_forms_are_refused(browser: Browser, service: Service) -> None:
    lead, other = await service.lead(), await service.lead()
    csrf = str((await page(browser, lead)).html.select("[name=csrf]")[0]["value"])
    base = [("csrf", csrf)]
    path = f"/leads/{lead['id']}"
    for to, fields, status in (
        (f"{path}/pins", [("field", "nonsense"), ("pin", "1")], 400),
        ("/leads/999/pins", [("field", "title"), ("pin", "1")], 404),
        (f"{path}/other-values", [("remove", "999")], 404),
        (f"{path}/take", [("seq", "1"), ("field", "title")], 404),
        (f"{path}/take", [("seq", "999"), ("field", "title")], 404),
        (f"{path}/take", [("seq", "x")], 404),
        (f"{path}/apply", [("seq", "1")], 404),
        (f"{path}/apply", [], 404),
        (f"{path}/separate", [], 404),
        (f"{path}/separate", [("other", "999")], 404),
        (f"{path}/separate", [("other", str(lead["id"]))], 422),
        (f"/leads/{other['id']}/merge", [("with", "x"), ("do", "merge")], 200),
    ):
        assert (await browser.post(to, [*base, *fields])).status == status, (to, fields)
        assert (await browser.post(to, fields)).status == 403
    for value in ("", "x" * 300):
        form = [*base, ("field", "email"), ("value", value)]
        shown = await browser.post(f"{path}/other-values", form)
        assert shown.texts(FLASH)[0].startswith("Nothing was saved.")
