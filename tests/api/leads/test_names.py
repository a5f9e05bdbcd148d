"""The name of a lead and its parts, on create and on update (wire reference 6.1)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import TOO_LONG, assert_lead, assert_receipt

PARTS = ("prefix", "first_name", "middle_name", "last_name", "suffix")


def parts_of(lead: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(lead[part] for part in PARTS)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("My Lead", (None, "My", None, "Lead", None)),
        ("Pepper potts", (None, "Pepper", None, "potts", None)),
        ("a@b.example", (None, "a@b.example", None, None, None)),
        ("Nora", (None, "Nora", None, None, None)),
        ("Nora Jane Field", (None, "Nora", "Jane", "Field", None)),
        ("Nora Jane Mary Field", (None, "Nora", "Jane Mary", "Field", None)),
        ("Dr. Nora Field", ("Dr.", "Nora", None, "Field", None)),
        ("Sam Roe Jr.", (None, "Sam", None, "Roe", "Jr.")),
        ("Dr. Sam Jay Roe III", ("Dr.", "Sam", "Jay", "Roe", "III")),
        ("Ludwig van Beethoven", (None, "Ludwig", None, "van Beethoven", None)),
        ("  Nora   Field ", (None, "Nora", None, "Field", None)),
        ("Nora\u00a0Field", (None, "Nora", None, "Field", None)),
        ("Zoë Müller", (None, "Zoë", None, "Müller", None)),
        ("نورا حقل", (None, "نورا", None, "حقل", None)),
    ],
)
async def test_a_name_is_split_and_echoed_as_sent(
    service: Service, name: str, parts: tuple[str | None, ...]
) -> None:
    lead = await service.lead(name=name)
    assert (lead["name"], parts_of(lead)) == (name, parts)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ({"first_name": "Nora"}, "Nora"),
        ({"last_name": "Field"}, "Field"),
        ({"first_name": "Nora", "last_name": "Field"}, "Nora Field"),
        (
            {
                "prefix": "Dr.",
                "first_name": "Nora",
                "middle_name": "J.",
                "last_name": "Field",
                "suffix": "PhD",
            },
            "Dr. Nora J. Field PhD",
        ),
    ],
)
async def test_parts_alone_make_the_name(service: Service, sent: dict[str, Any], name: str) -> None:
    response = await service.client.post("/leads", json=sent)
    assert response.json()["name"] == name
    assert parts_of(response.json()) == tuple(sent.get(part) for part in PARTS)


async def test_the_name_rules_over_the_parts_beside_it(service: Service) -> None:
    lead = await service.lead(name="Nora Field", first_name="Sam", suffix="Jr.")
    assert (lead["name"], parts_of(lead)) == (
        "Nora Field",
        (None, "Nora", None, "Field", None),
    )


async def test_a_part_changes_the_name(service: Service) -> None:
    lead = await service.lead(name="Nora Field")
    response = await service.client.put(f"/leads/{lead['id']}", json={"last_name": "Meadow"})
    assert_lead(response, lead | {"name": "Nora Meadow", "last_name": "Meadow"})
    assert_receipt(response, lead_outcome="updated", lead_changed="name, last_name", etag='"2"')


async def test_a_new_name_replaces_all_parts(service: Service) -> None:
    lead = await service.lead(name="Dr. Nora Jane Field")
    response = await service.client.put(f"/leads/{lead['id']}", json={"name": "Sam"})
    assert parts_of(response.json()) == (None, "Sam", None, None, None)


async def test_a_part_is_cleared_by_null(service: Service) -> None:
    lead = await service.lead(name="Dr. Nora Field")
    response = await service.client.put(f"/leads/{lead['id']}", json={"prefix": None})
    assert_lead(response, lead | {"name": "Nora Field", "prefix": None})


@pytest.mark.parametrize(
    "patch",
    [
        {"name": "  Nora   Field "},
        {"first_name": "Nora", "last_name": "Field"},
        {"first_name": "Nora"},
        {"prefix": None, "suffix": ""},
        {"name": "  Nora   Field ", "first_name": "Nora"},
    ],
)
async def test_the_same_again_keeps_the_name_as_it_was_written(
    service: Service, patch: dict[str, Any]
) -> None:
    lead = await service.lead(name="  Nora   Field ")
    response = await service.client.put(f"/leads/{lead['id']}", json=patch)
    assert_lead(response, lead)
    assert response.headers["Lead-Outcome"] == "unchanged"


async def test_the_same_name_again_keeps_parts_that_were_set_by_themselves(
    service: Service,
) -> None:
    sent = {"first_name": "Mary Ann", "last_name": "Field Roe"}
    lead = (await service.client.post("/leads", json=sent)).json()
    response = await service.client.put(f"/leads/{lead['id']}", json={"name": lead["name"]})
    assert_lead(response, lead)
    assert response.headers["Lead-Outcome"] == "unchanged"


@pytest.mark.parametrize("patch", [{"name": None}, {"name": ""}, {"name": " \u200b"}])
async def test_a_name_cannot_be_cleared(service: Service, patch: dict[str, Any]) -> None:
    lead = await service.lead()
    response = await service.client.put(f"/leads/{lead['id']}", json=patch)
    assert_invalid(response, "Name: can't be blank")


async def test_the_last_part_cannot_be_cleared(service: Service) -> None:
    lead = await service.lead(name="Nora Field")
    response = await service.client.put(
        f"/leads/{lead['id']}", json={"first_name": None, "last_name": ""}
    )
    assert_invalid(response, "Name: can't be blank")


@pytest.mark.parametrize("attribute", ["name", *PARTS])
async def test_a_name_may_have_255_characters(service: Service, attribute: str) -> None:
    longest = {"first_name": "Nora"} if attribute == "name" else {}
    lead = await service.client.post("/leads", json=longest | {attribute: "ä" * 255})
    assert lead.json()[attribute] == "ä" * 255
    response = await service.client.post("/leads", json={attribute: "ä" * 256})
    assert_invalid(response, f"{attribute.replace('_', ' ').title()}: {TOO_LONG}")


async def test_parts_may_not_add_up_to_a_longer_name(service: Service) -> None:
    parts = {"first_name": "x" * 200, "last_name": "y" * 55}
    response = await service.client.post("/leads", json=parts)
    assert_invalid(response, f"Name: {TOO_LONG}")
