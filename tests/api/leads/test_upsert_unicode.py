"""Two spellings that people cannot tell apart, or mean as one, are one match."""

from __future__ import annotations

import pytest
from tests.support.api.service import Service
from tests.support.api.wire_leads import entry, stored_lead

#: The stored value, and the match value.
SAME_NAMES = [
    ("Zoë Müller", "Zoe\u0308 Mu\u0308ller"),
    ("e\u0301", "é"),
    ("NORA FIELD", "nora field"),
    ("Straße", "STRASSE"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ("İpek", "i\u0307pek"),
    ("Nora Field", "  Nora \t\n Field "),
    ("Nora Field", "Nora\u00a0Field"),
    ("Nora Field", "Nora\u2003\u3000Field"),
    ("Nora Field", "No\u200bra\u200d Field\ufeff"),
    ("Nora Field", "\u202aNora Field\u202c"),
    ("נורה שדה", "\u200fנורה שדה\u200e"),
    ("نورا حقل", "\u2067نورا\u00a0 حقل\u2069"),
    ("Ｎｏｒａ", "Nora"),
    ("ﬁona", "fiona"),
    ("김철수", "\u1100\u1175\u11b7\u110e\u1165\u11af\u1109\u116e"),
    ("ŻÓŁĆ", "z\u0307o\u0301łc\u0301"),
    ("Đỗ Ánh", "Đo\u0302\u0303 A\u0301nh"),
]
OTHER_NAMES = [
    ("Zoë", "Zoe"),
    ("Noraf ield", "Nora Field"),
    ("NoraField", "Nora Field"),
    ("Nora Field", "Nora-Field"),
    ("Łukasz", "Lukasz"),
    ("Nora", "Nоra"),  # a Cyrillic letter that looks like the Latin o
    ("٣", "3"),
    ("😀", "😁"),
]


@pytest.mark.parametrize(("stored", "wanted"), SAME_NAMES)
@pytest.mark.parametrize("turned", [False, True])
async def test_one_name(service: Service, stored: str, wanted: str, *, turned: bool) -> None:
    stored, wanted = (wanted, stored) if turned else (stored, wanted)
    lead = await service.lead(name=stored)
    assert lead["name"] == stored
    response = await service.upsert({"title": "Buyer"}, "name", wanted)
    assert response.headers["Lead-Match"] == "field=name; matches=1"
    assert response.json()["id"] == lead["id"]
    assert response.json()["name"] == stored


@pytest.mark.parametrize(("stored", "wanted"), OTHER_NAMES)
async def test_two_names(service: Service, stored: str, wanted: str) -> None:
    lead = await service.lead(name=stored)
    response = await service.upsert({"title": "Buyer"}, "name", wanted)
    assert response.headers["Lead-Match"] == "field=name; matches=0"
    assert response.json()["name"] == wanted
    assert await stored_lead(service, lead["id"]) == lead


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("nora@field.example", "NORA@FIELD.EXAMPLE"),
        ("nora@field.example", " nora@field.example\r\n"),
        ("nora@field.example", "nora\u200b@field.example\u00a0"),
        ("zoë@müller.example", "zoe\u0308@MU\u0308LLER.example"),
        ("straße@field.example", "STRAẞE@field.example"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
async def test_one_email(service: Service, stored: str, wanted: str, *, turned: bool) -> None:
    stored, wanted = (wanted, stored) if turned else (stored, wanted)
    lead = await service.lead(email={"email": stored})
    assert lead["email"]["email"] == stored
    response = await service.upsert({"title": "Buyer"}, "email", wanted)
    assert response.headers["Lead-Match"] == "field=email; matches=1"
    assert response.json()["email"] == lead["email"]


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [("nora+a@field.example", "nora@field.example"), ("n.ora@x.example", "nora@x.example")],
)
async def test_two_emails(service: Service, stored: str, wanted: str) -> None:
    await service.lead(email={"email": stored})
    response = await service.upsert({"name": "Nora"}, "email", wanted)
    assert response.headers["Lead-Outcome"] == "created"


@pytest.mark.parametrize("data_type", ["String", "Text", "URL"])
@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("é-1", "e\u0301-1"),
        ("A\u200b-77", "A-77"),
        ("A\u00a077", "A 77"),
        ("\u2066A-77\u2069\u00a0", "A-77"),
        ("حقل", "\u200fحقل"),
    ],
)
async def test_one_external_id(service: Service, data_type: str, stored: str, wanted: str) -> None:
    number = await service.field(data_type=data_type)
    lead = await service.lead(custom_fields=[entry(number, stored)])
    assert lead["custom_fields"] == [entry(number, stored)]
    response = await service.upsert({"title": "Buyer"}, "custom", entry(number, wanted))
    assert response.json()["id"] == lead["id"]
    assert response.json()["custom_fields"] == [entry(number, stored)]


@pytest.mark.parametrize(
    ("stored", "wanted"), [("É-1", "é-1"), ("straße", "strasse"), ("Ａ", "A"), ("A  1", "A 1")]
)
async def test_two_external_ids(service: Service, stored: str, wanted: str) -> None:
    number = await service.field()
    await service.lead(custom_fields=[entry(number, stored)])
    response = await service.upsert({"name": "Zoe"}, "custom", entry(number, wanted))
    assert response.headers["Lead-Outcome"] == "created"


async def test_another_composition_of_the_name_changes_its_spelling_only(
    service: Service,
) -> None:
    lead = await service.lead(name="Zoë")
    response = await service.upsert({"name": "Zoe\u0308"}, "name", "Zoe\u0308")
    assert response.json()["id"] == lead["id"]
    assert response.json()["name"] == "Zoe\u0308"
    assert response.headers["Lead-Outcome"] == "updated"


async def test_two_spellings_in_one_account_are_ambiguous(service: Service) -> None:
    ids = [(await service.lead(name=name))["id"] for name in ("ZOË  X", "zoe\u0308\u00a0x")]
    response = await service.upsert({}, "name", "Zoë X")
    assert response.json()["ids"] == ids
