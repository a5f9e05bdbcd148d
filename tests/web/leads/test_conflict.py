"""Saving a lead that somebody else has changed: both versions, and a choice for each field."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from bs4 import Tag
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.api.service import Service
from tests.support.domain.builders import a_lead
from tests.support.domain.patches import SETTINGS
from tests.support.domain.random_leads import leads
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.web_service import Web

from onelead.contract.ledger import LedgerRow
from onelead.domain.errors import VersionConflict
from onelead.domain.lead import Lead, changes_between
from onelead.domain.writes import LeadWrite
from onelead.process.writer import Receipt
from onelead.web.leads import edit as lead_edit
from onelead.web.leads.conflict import differences, lead_before
from onelead.web.leads.form import NEW_LEAD_FIELDS, custom_names

FORM = "form[data-lead-form]"


async def a_lead_being_edited(web: Web, browser: Browser, group: str = "company") -> Shown:
    """Create a lead and open a section of it in a browser."""
    lead = await web.api.lead(title="Buyer", company_name="Field Ltd")
    return await browser.get(f"/leads/{lead['id']}?edit={group}")


async def change(service: Service, shown: Shown, **properties: Any) -> None:
    """Change the lead of a page by the API."""
    path = shown.path.partition("?")[0]
    assert (await service.client.put(path, json=properties)).status_code == 200


async def stored(service: Service, shown: Shown) -> dict[str, Any]:
    return dict((await service.client.get(shown.path.partition("?")[0])).json())


def sides(shown: Shown) -> dict[str, tuple[str, str, str]]:
    """Return each field that differs: what is stored, what is wanted, what is already chosen."""
    found = {}
    for fieldset in shown.html.select(f"{FORM} fieldset"):
        theirs, yours = fieldset.select("label.choice")
        legend, checked = fieldset.select_one("legend"), fieldset.select_one("input[checked]")
        assert isinstance(legend, Tag)
        label = legend.find(string=True)
        words = [side.get_text(" ", strip=True).split(maxsplit=1) for side in (theirs, yours)]
        picked = str(checked["value"]) if checked else ""
        found[str(label).strip()] = (words[0][1], words[1][1], picked)
    return found


async def test_a_field_that_both_changed_waits_for_a_choice(
    web: Web, browser: Browser, service: Service
) -> None:
    shown = await a_lead_being_edited(web, browser)
    await change(service, shown, title="Head buyer")
    conflict = await shown.submit(FORM, title="Owner")
    assert conflict.status == 409
    notice = "This lead was changed while you were editing it. Nothing has been saved yet."
    assert notice in conflict.text
    assert "just now by dana · API key first key: Title" in conflict.text
    assert sides(conflict) == {"Title": ("now Head buyer", "Owner", "")}
    assert (await stored(service, shown))["title"] == "Head buyer"


@pytest.mark.parametrize(("pick", "title"), [("yours", "Owner"), ("theirs", "Head buyer")])
async def test_the_choice_is_saved(
    web: Web, browser: Browser, service: Service, pick: str, title: str
) -> None:
    shown = await a_lead_being_edited(web, browser)
    await change(service, shown, title="Head buyer")
    saved = await (await shown.submit(FORM, title="Owner")).submit(FORM, {"pick.title": pick})
    assert saved.status == 200
    lead = await stored(service, shown)
    assert (lead["title"], lead["company_name"]) == (title, "Field Ltd")


async def test_what_only_one_side_changed_is_chosen_already(
    web: Web, browser: Browser, service: Service
) -> None:
    shown = await a_lead_being_edited(web, browser)
    await change(service, shown, company_name="Field & Sons")
    conflict = await shown.submit(FORM, title="Owner")
    assert sides(conflict) == {
        "Title": ("now Buyer", "changed Owner", "yours"),
        "Company": ("now changed Field & Sons", "Field Ltd", "theirs"),
    }
    await conflict.submit(FORM)
    lead = await stored(service, shown)
    assert (lead["title"], lead["company_name"]) == ("Owner", "Field & Sons")


async def test_what_the_other_changed_can_be_taken_back(
    web: Web, browser: Browser, service: Service
) -> None:
    shown = await a_lead_being_edited(web, browser)
    await change(service, shown, company_name="Field & Sons")
    conflict = await shown.submit(FORM, title="Owner")
    await conflict.submit(FORM, {"pick.company_name": "yours", "pick.title": "theirs"})
    lead = await stored(service, shown)
    assert (lead["title"], lead["company_name"]) == ("Buyer", "Field Ltd")


async def test_without_a_choice_nothing_is_overwritten(
    web: Web, browser: Browser, service: Service
) -> None:
    shown = await a_lead_being_edited(web, browser)
    await change(service, shown, title="Head buyer")
    conflict = await shown.submit(FORM, title="Owner")
    saved = await conflict.submit(FORM)
    assert "Nothing was changed." in saved.text
    assert (await stored(service, shown))["title"] == "Head buyer"


async def test_a_choice_can_meet_yet_another_change(
    web: Web, browser: Browser, service: Service
) -> None:
    shown = await a_lead_being_edited(web, browser)
    await change(service, shown, title="Head buyer")
    conflict = await shown.submit(FORM, title="Owner")
    await change(service, shown, title="Director")
    again = await conflict.submit(FORM, {"pick.title": "yours"})
    assert again.status == 409
    assert sides(again) == {"Title": ("now Director", "Owner", "")}
    saved = await again.submit(FORM, {"pick.title": "yours"})
    assert saved.status == 200
    assert (await stored(service, shown))["title"] == "Owner"


async def test_both_made_the_same_change(web: Web, browser: Browser, service: Service) -> None:
    shown = await a_lead_being_edited(web, browser)
    await change(service, shown, title="Owner", company_name="Field & Sons")
    saved = await shown.submit(FORM, title="Owner")
    assert (saved.status, saved.path) == (200, shown.path.partition("?")[0])
    assert "Saved." in saved.text
    assert (await stored(service, shown))["company_name"] == "Field & Sons"


async def test_saving_twice_is_no_conflict_with_oneself(
    web: Web, browser: Browser, service: Service
) -> None:
    for group, typed in (
        ("company", {"title": "Owner"}),
        ("name", {"name": "Nora Ann Field"}),
        ("parts", {"first_name": "Nina"}),
        ("tags", {"tags": ["fair", "VIP"]}),
        ("value", {"monetary_value": "12.50"}),
    ):
        shown = await a_lead_being_edited(web, browser, group)
        for _ in range(2):
            saved = await shown.submit(FORM, typed)
            assert (saved.status, "Saved." in saved.text) == (200, True), group
        rows = await service.client.get(f"{shown.path.partition('?')[0]}/history")
        assert len(rows.json()) == 2


async def test_every_section_and_type_can_be_chosen(
    web: Web, browser: Browser, service: Service
) -> None:
    day = await service.field(name="Next visit", data_type="Date")
    tier = await service.field(name="Tier", data_type="MultiSelect")
    silver, gold = (option["id"] for option in tier["options"])
    shown = await a_lead_being_edited(web, browser, "custom")
    entries = [(day["id"], "05/14/2026"), (tier["id"], [silver])]
    keys = ("custom_field_definition_id", "value")
    await change(
        service, shown, custom_fields=[dict(zip(keys, entry, strict=True)) for entry in entries]
    )
    names = [f"custom_fields.{field['id']}" for field in (day, tier)]
    conflict = await shown.submit(FORM, {names[0]: "2026-06-01", names[1]: [str(gold)]})
    assert sides(conflict) == {
        "Next visit": ("now 14 May 2026", "1 Jun 2026", ""),
        "Tier": ("now Silver", "Gold", ""),
    }
    await conflict.submit(FORM, {f"pick.{names[0]}": "yours", f"pick.{names[1]}": "yours"})
    values = [entry["value"] for entry in (await stored(service, shown))["custom_fields"]]
    assert values[1] == [gold]
    page = await browser.get(shown.path.partition("?")[0])
    assert "1 Jun 2026" in page.texts("#section-custom")[0]


@pytest.mark.parametrize(
    ("group", "theirs", "yours", "texts"),
    [
        (
            *("contact", {"phone_numbers": [{"number": "1", "category": "mobile"}]}),
            {"phone_numbers.number": ["2"], "phone_numbers.category": ["home"]},
            {"Phone numbers": ("now 1 (mobile)", "2 (home)", "")},
        ),
        (
            *("details", {"details": "one\ntwo"}, {"details": "three\r\nfour"}),
            {"Details": ("now one\ntwo", "three\nfour", "")},
        ),
        ("tags", {"tags": ["a"]}, {"tags": ["b"]}, {"Tags": ("now a", "b", "")}),
        (
            *("address", {"address": {"city": "Reno"}}, {"address.city": "Austin"}),
            {"Address": ("now Reno", "Austin", "")},
        ),
    ],
)
async def test_what_was_typed_survives_the_choice(
    web: Web,
    browser: Browser,
    group: str,
    theirs: dict[str, Any],
    yours: dict[str, Any],
    texts: dict[str, tuple[str, str, str]],
) -> None:
    shown = await a_lead_being_edited(web, browser, group)
    await change(web.api, shown, **theirs)
    conflict = await shown.submit(FORM, yours)
    assert sides(conflict) == texts
    (name,) = theirs
    await conflict.submit(FORM, {f"pick.{name}": "yours"})
    page = await browser.get(shown.path.partition("?")[0])
    ((_stored, wanted, _pick),) = texts.values()
    for word in wanted.replace("(", "").replace(")", "").split():
        assert word in page.texts(f"#section-{group}")[0]


async def test_a_change_elsewhere_by_somebody_else_is_shown_too(
    web: Web, browser: Browser, service: Service
) -> None:
    shown = await a_lead_being_edited(web, browser)
    await change(service, shown, details="Called back")
    conflict = await shown.submit(FORM, title="Owner")
    assert conflict.status == 409
    assert sides(conflict) == {"Title": ("now Buyer", "changed Owner", "yours")}
    await conflict.submit(FORM)
    lead = await stored(service, shown)
    assert (lead["title"], lead["details"]) == ("Owner", "Called back")


async def test_own_changes_of_other_sections_do_not_stand_in_the_way(
    web: Web, browser: Browser, service: Service
) -> None:
    shown = await a_lead_being_edited(web, browser)
    beside = await browser.get(shown.path.replace("company", "details"))
    await beside.submit(FORM, details="Called back")
    saved = await shown.submit(FORM, title="Owner")
    assert saved.status == 200
    lead = await stored(service, shown)
    assert (lead["title"], lead["details"]) == ("Owner", "Called back")


async def test_a_change_too_far_back_to_be_seen_is_somebody_elses(
    web: Web, browser: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead_edit, "CONFLICT_CHANGES_MAX", 2)
    shown = await a_lead_being_edited(web, browser)
    await change(service, shown, title="Head buyer")
    for details in ("Called", "Called back"):
        beside = await browser.get(shown.path.replace("company", "details"))
        await beside.submit(FORM, details=details)
    # The form still says Buyer, which looks like a change by its sender.
    conflict = await shown.submit(FORM, company_name="Field & Sons")
    assert sides(conflict) == {
        "Title": ("now Head buyer", "Buyer", ""),
        "Company": ("now Field Ltd", "Field & Sons", ""),
    }
    assert "changed by both" not in conflict.text
    await conflict.submit(FORM, {"pick.title": "theirs", "pick.company_name": "yours"})
    lead = await stored(service, shown)
    assert (lead["title"], lead["company_name"]) == ("Head buyer", "Field & Sons")


async def test_as_many_own_changes_as_can_be_seen_do_not_stand_in_the_way(
    web: Web, browser: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead_edit, "CONFLICT_CHANGES_MAX", 2)
    shown = await a_lead_being_edited(web, browser)
    beside = await browser.get(shown.path.replace("company", "details"))
    await beside.submit(FORM, details="Called")
    saved = await shown.submit(FORM, company_name="Field & Sons")
    assert saved.status == 200


async def test_own_changes_of_the_same_section_are_a_conflict(
    web: Web, browser: Browser, service: Service
) -> None:
    shown = await a_lead_being_edited(web, browser)
    await (await browser.get(shown.path)).submit(FORM, title="Head buyer")
    assert (await shown.submit(FORM, title="Owner")).status == 409
    assert (await stored(service, shown))["title"] == "Head buyer"


async def test_problems_are_shown_before_a_conflict(
    web: Web, browser: Browser, service: Service
) -> None:
    shown = await a_lead_being_edited(web, browser)
    await change(service, shown, company_name="Field & Sons")
    refused = await shown.submit(FORM, title="x" * 256)
    assert refused.status == 422
    conflict = await refused.submit(FORM, title="Owner")
    assert conflict.status == 409
    assert sides(conflict)["Company"] == ("now changed Field & Sons", "Field Ltd", "theirs")


async def test_a_change_between_reading_and_writing_is_met(
    web: Web, browser: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await a_lead_being_edited(web, browser)
    write = service.writer.write

    async def late(account_id: int, asked: LeadWrite) -> Receipt:
        monkeypatch.undo()
        await change(service, shown, title="Head buyer")
        return await write(account_id, asked)

    monkeypatch.setattr(service.writer, "write", late)
    conflict = await shown.submit(FORM, title="Owner")
    assert sides(conflict) == {"Title": ("now Head buyer", "Owner", "")}
    rows = (await service.client.get(f"{shown.path.partition('?')[0]}/history")).json()
    assert rows[0]["message"] == VersionConflict(2).message
    assert (await stored(service, shown))["title"] == "Head buyer"


async def test_the_same_change_between_reading_and_writing_is_no_conflict(
    web: Web, browser: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await a_lead_being_edited(web, browser)
    write = service.writer.write

    async def late(account_id: int, asked: LeadWrite) -> Receipt:
        monkeypatch.undo()
        await change(service, shown, title="Owner")
        return await write(account_id, asked)

    monkeypatch.setattr(service.writer, "write", late)
    assert "Saved." in (await shown.submit(FORM, title="Owner")).text


async def test_a_lead_that_was_deleted_meanwhile(
    web: Web, browser: Browser, service: Service
) -> None:
    shown = await a_lead_being_edited(web, browser)
    await service.client.delete(shown.path.partition("?")[0])
    gone = await shown.submit(FORM, title="Owner")
    assert "This lead has been deleted. Nothing was saved." in gone.text
    assert "This lead was deleted" in gone.text


async def test_a_lead_that_was_changed_is_not_deleted_without_another_look(
    browser: Browser, service: Service
) -> None:
    lead = await service.lead(title="Buyer")
    asked = await browser.get(f"/leads/{lead['id']}/delete")
    await service.client.put(f"/leads/{lead['id']}", json={"title": "Owner"})
    again = await asked.submit("form.card")
    assert again.status == 409
    assert "Nothing was deleted." in again.text
    assert (await service.client.get(f"/leads/{lead['id']}")).status_code == 200
    await again.submit("form.card")
    assert (await service.client.get(f"/leads/{lead['id']}")).status_code == 404


async def test_hostile_values_are_text_on_both_sides(
    web: Web, browser: Browser, service: Service
) -> None:
    shown = await a_lead_being_edited(web, browser)
    await change(service, shown, title='"><script>alert(1)</script>')
    conflict = await shown.submit(FORM, title="</textarea><script>alert(2)</script>\r\nx")
    assert conflict.status == 409
    assert "<script>alert" not in conflict.response.text
    saved = await conflict.submit(FORM, {"pick.title": "yours"})
    assert saved.status == 200
    assert (await stored(service, shown))["title"] == "</textarea><script>alert(2)</script>x"


# --- the version that a form was made from


def a_row(before: Lead, after: Lead) -> LedgerRow:
    changes = msgspec.json.decode(msgspec.json.encode(changes_between(before, after)))
    return LedgerRow(
        seq=1,
        date=0,
        request_id="",
        action="update",
        outcome="updated",
        version=2,
        user_id=None,
        api_key_id=None,
        match=None,
        changes=changes,
        message=None,
        payload=None,
    )


NAMES = (*NEW_LEAD_FIELDS, *custom_names(SETTINGS))


@given(st.lists(leads(), min_size=2, max_size=4))
@settings(max_examples=60)
def test_an_earlier_version_is_reconstructed_from_the_changes(versions: list[Lead]) -> None:
    rows = [a_row(*pair) for pair in pairwise(versions)]
    before = lead_before(versions[-1], reversed(rows))
    assert changes_between(before, versions[0]) == {}


@given(leads(), leads(), leads())
@settings(max_examples=60)
def test_an_unchanged_field_or_one_changed_alike_is_no_difference(
    base: Lead, theirs: Lead, yours: Lead
) -> None:
    found = {each.name: each.only for each in differences(base, theirs, yours, NAMES, SETTINGS)}
    names = {name for name in NAMES if not name.startswith("custom_fields.")}
    for name in names:
        was, stored_value, wanted = (getattr(lead, name) for lead in (base, theirs, yours))
        assert (name in found) == (stored_value != wanted)
        if name in found:
            only = "theirs" if wanted == was else "yours" if stored_value == was else ""
            assert found[name] == only


def test_a_deleted_custom_field_is_reconstructed_too() -> None:
    before, after = a_lead(custom_fields={99: "A-77"}), a_lead()
    assert lead_before(after, [a_row(before, after)]).custom_fields == {99: "A-77"}


async def test_a_choice_that_is_refused_comes_back_as_a_form_with_all_of_the_section(
    web: Web, browser: Browser, service: Service
) -> None:
    settings = await web.store.settings(web.account_id)
    source = settings.sources[0].id
    new, wanted, theirs, other = (status.id for status in settings.statuses)
    lead = await service.lead(customer_source_id=source)
    shown = await browser.get(f"/leads/{lead['id']}?edit=status")
    assert lead["status_id"] == new
    await change(service, shown, status_id=theirs)
    conflict = await shown.submit(FORM, status_id=str(wanted))
    gone = await service.client.delete(f"/lead_statuses/{wanted}")
    assert gone.status_code == 200
    refused = await conflict.submit(FORM, {"pick.status_id": "yours"})
    assert refused.status == 422
    await refused.submit(FORM, status_id=str(other))
    after = await stored(service, shown)
    assert (after["status_id"], after["customer_source_id"]) == (other, source)
