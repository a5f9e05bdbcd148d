"""What each source of the demo delivers about a person, as JSON for the API."""

from __future__ import annotations

from random import Random
from typing import Any

from onelead.demo.company import (
    AREA,
    BADGE,
    BILL,
    CALL_CONSENT,
    CLICK_ID,
    CUSTOMER_NUMBER,
    INTERESTS,
    LANDING_PAGE,
    OWN_USE,
    PRODUCTS,
    ROOF,
    ROOFS,
    START,
    SURVEY,
    Company,
)
from onelead.demo.people import Person

Body = dict[str, Any]

_PAGES = ("solar-roof", "battery", "tax-credit", "calculator", "spring-offer")
_TAGS = ("tax credit", "financing", "newsletter", "callback", "referral", "commercial", "HOA")
_SURVEYS = (
    "South side has no shade. The panel is from 1998 and has to be replaced first.",
    "Two skylights and a chimney on the west side; about 34 modules fit.",
    "Roof needs replacing within five years, ideally before we mount anything.",
    "Owner wants the battery in the garage, next to the panel. The HOA has approved it.",
)


class Bodies:
    """Makes bodies for the demo account."""

    def __init__(self, company: Company, random: Random) -> None:
        self._company = company
        self._random = random

    def form(self, person: Person) -> Body:
        """Return what the website form sends; it matches by e-mail."""
        draw = self._random
        properties = self._contact(person, "Website") | {
            "address": self._address(person),
            "custom_fields": self._values(
                {
                    ROOF: draw.choice(ROOFS),
                    INTERESTS: draw.sample(PRODUCTS, draw.choice((1, 1, 2, 3))),
                    BILL: draw.randrange(90, 480) * 10,
                    CALL_CONSENT: draw.random() < 0.6,
                    LANDING_PAGE: f"https://www.brightside.example/{draw.choice(_PAGES)}",
                }
            ),
        }
        if draw.random() < 0.25:
            properties["tags"] = draw.sample(_TAGS, draw.choice((1, 2)))
        return self._upsert(properties, "email", person.email)

    def ad(self, person: Person) -> Body:
        """Return what the ad platform sends; it matches by the click on the ad."""
        draw = self._random
        click = f"clk_{person.number:06d}_{draw.getrandbits(32):08x}"
        properties = self._contact(person, "Advertising") | {
            "tags": [f"ad {draw.choice(_PAGES).replace('-', ' ')}"],
            "custom_fields": self._values(
                {
                    CLICK_ID: click,
                    INTERESTS: [draw.choice(PRODUCTS)],
                    LANDING_PAGE: f"https://www.brightside.example/{draw.choice(_PAGES)}?ad=1",
                }
            ),
        }
        return self._upsert(properties, "custom", self._value(CLICK_ID, click))

    def scan(self, person: Person, event: str, match: str = "email") -> Body:
        """Return the scan of a badge at an event, matched by e-mail, name or badge number."""
        badge = f"B-{person.number:05d}"
        properties = self._contact(person, "Event") | {
            "tags": [event],
            "custom_fields": self._values({BADGE: badge}),
        }
        if match == BADGE:
            return self._upsert(properties, "custom", self._value(BADGE, badge))
        return self._upsert(properties, match, getattr(person, match))

    def enrichment(self, person: Person) -> Body:
        """Return what the enrichment service found out about a person."""
        draw = self._random
        handle = person.name.lower().replace(" ", "-")
        properties: Body = {
            "socials": [{"url": f"https://network.example/in/{handle}", "category": "linkedin"}],
            "custom_fields": self._values(
                {AREA: draw.randrange(40, 900) / 2, OWN_USE: draw.randrange(20, 95)}
            ),
        }
        if person.site:
            properties["websites"] = [{"url": person.site, "category": "work"}]
            properties["title"] = person.title
        return self._upsert(properties, "email", person.email)

    def row(self, person: Person) -> Body:
        """Return a row of the imported file: the properties of a former customer."""
        number = f"BS-{10_000 + person.number}"
        return self._contact(person, "Recommendation") | {
            "address": self._address(person),
            "tags": ["imported"],
            "monetary_value": self._random.randrange(40, 620) * 100,
            "custom_fields": self._values({CUSTOMER_NUMBER: number}),
        }

    def row_again(self, row: Body) -> Body:
        """Return the upsert that delivers the same row again."""
        number = row["custom_fields"][0]["value"]
        return self._upsert(row, "custom", self._value(CUSTOMER_NUMBER, number))

    def caller(self, person: Person, name: str) -> Body:
        """Return what the call tracking knows about a caller."""
        return {
            "name": name,
            "phone_numbers": [{"number": person.phone, "category": "other"}],
            "customer_source_id": self._company.sources["Cold Call"],
        }

    def by_hand(self, person: Person) -> Body:
        """Return what a salesperson types in after a conversation."""
        return self._contact(person, "Recommendation") | {
            "details": "Met through a customer. Wants to hear about financing."
        }

    def survey(self, at: int) -> Body:
        """Return what sales notes down after a visit at this time (Unix seconds)."""
        draw = self._random
        start = at + draw.randrange(20, 150) * 86_400
        return {
            "monetary_value": draw.randrange(90, 900) * 100,
            "custom_fields": self._values({SURVEY: draw.choice(_SURVEYS), START: start}),
        }

    def broken(self, person: Person) -> Body:
        """Return a delivery that is refused, because of a mistake that is often made."""
        body = self.form(person)
        properties = body["properties"]
        match self._random.randrange(5):
            case 0:
                properties["custom_fields"] = self._values({BILL: "about 200"})
            case 1:
                properties["utm_source"] = "newsletter"
            case 2:
                properties["custom_fields"] = self._values({ROOF: "Thatched"})
            case 3:
                properties["email"]["category"] = "main"
            case _:
                body["match"]["field_value"] = ""
        return body

    def by_name(self, name: str) -> Body:
        """Return an upsert that brings only a name."""
        note = "Called again about the offer."
        return self._upsert({"name": name, "details": note}, "name", name)

    def _contact(self, person: Person, source: str) -> Body:
        category = "work" if person.company else "personal"
        contact: Body = {
            "name": person.name,
            "email": {"email": person.email, "category": category},
            "phone_numbers": [{"number": person.phone, "category": "mobile"}],
            "customer_source_id": self._company.sources[source],
        }
        if person.company:
            contact["company_name"] = person.company
        return contact

    @staticmethod
    def _address(person: Person) -> Body:
        return {
            "street": person.street,
            "city": person.city,
            "state": person.state,
            "postal_code": person.postal_code,
            "country": "US",
        }

    def _values(self, values: Body) -> list[Body]:
        return [self._value(name, value) for name, value in values.items()]

    def _value(self, name: str, value: Any) -> Body:
        return {"custom_field_definition_id": self._company.fields[name], "value": value}

    @staticmethod
    def _upsert(properties: Body, field_name: str, value: Any) -> Body:
        return {
            "properties": properties,
            "match": {"field_name": field_name, "field_value": value},
        }
