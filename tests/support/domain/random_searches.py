"""Random leads that share values, and random searches, most of which find some of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.support.domain.lead_writes import create, update
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, DataType
from onelead.domain.lead import Lead
from onelead.domain.search import (
    NO_ID,
    SORT_KEYS,
    Combination,
    FieldFilter,
    LeadSearch,
    Range,
    TagFilter,
)
from onelead.domain.search_dates import LocalBound
from onelead.storage.leads.rows import json_text

FIRST_NAMES = ("Nora", "nora", "José", "Jose\u0301", "Ümit", "Sam", "張", "נועה", "Åsa", "100%")
LAST_NAMES = ("Field", "Roe", "Lake", "O'Hara", "Straße", "under_score", "Żak")
TITLES = ("Buyer", "Head buyer", "Owner", "R&D \\ head", "%", None)
COMPANIES = ("Field Supplies", "Roe & Sons", "FIELD supplies", None)
CITIES = ("Austin", "austin ", "Köln", "", None)
COUNTRIES = ("US", "DE", "Germany", None)
PHONES = ("+1 512 555 0100", "512-555-0100", "0221 555 0199", "555 0100", "1")
TAGS = ("fair", "Fair", "spring", "VIP", "été", "%")
URLS = (
    "https://social.example/nora",
    "HTTPS://social.example/Nora",
    "https://x.example/" + 500 * "a",
)
QUICK = (
    "NORA",
    "nora f",
    "stra\u00dfe",
    "Fie",
    "0100",
    "(512) 555-0100",
    "+1",
    "+49 (512) 555-0100",
    "o'",
    "sam3@x",
    "mailto:Nora3@X.example",
    "nora1@x.example, sam2@x.example",
    "n/a",
    "%",
    "\u5f35",
)
#: An e-mail as it may be written, and how searches may name it.
EMAILS = ("{}", "mailto:{}", "Nora <{}>", "{}.", "nora7@x.example; {}", "n/a")
TEXTS = ("C-1", "c-1", " C-2", "C_1", "C%", "Ünï", 500 * "x" + "1", 500 * "x" + "2")
NUMBERS = (-7.25, -1, 0, 0.5, 1, 2, 34, 1e9)
DAYS = ("01/31/2024", "02/01/2024", "12/31/1999", "06/15/2030")


def custom_value(chance: random.Random, field: CustomField) -> Any:
    """Draw a value as a client sends it."""
    match field.data_type:
        case DataType.CHECKBOX:
            return chance.choice((True, False))
        case DataType.DATE:
            return chance.choice(DAYS)
        case DataType.DROPDOWN:
            return chance.choice(field.options).id
        case DataType.MULTI_SELECT:
            options = chance.sample(field.options, chance.randint(0, len(field.options)))
            return [option.id for option in options]
        case DataType.FLOAT | DataType.CURRENCY | DataType.PERCENTAGE:
            return chance.choice(NUMBERS)
    texts = TEXTS if field.data_type is not DataType.STRING else TEXTS[:-2]
    return chance.choice(texts)


def lead_properties(chance: random.Random, settings: AccountSettings) -> dict[str, Any]:
    """Draw the properties of a lead."""
    filled: dict[str, Callable[[], Any]] = {
        "title": lambda: chance.choice(TITLES),
        "company_name": lambda: chance.choice(COMPANIES),
        "email": lambda: chance.choice(EMAILS).format(
            f"{chance.choice(('nora', 'NORA', 'sam'))}{chance.randrange(9)}@x.example"
        ),
        "monetary_value": lambda: chance.choice(NUMBERS),
        "tags": lambda: chance.sample(TAGS, chance.randint(0, 3)),
        "phone_numbers": lambda: chance.sample(PHONES, chance.randint(0, 2)),
        "socials": lambda: chance.sample(URLS, chance.randint(0, 2)),
        "address": lambda: {
            "city": chance.choice(CITIES),
            "state": chance.choice(("TX", "tx", None)),
            "postal_code": chance.choice(("78701", "50667", None)),
            "country": chance.choice(COUNTRIES),
        },
        "assignee_id": lambda: chance.choice(settings.users).id,
        "status_id": lambda: chance.choice(settings.statuses).id,
        "customer_source_id": lambda: chance.choice(settings.sources).id,
    }
    properties = {name: draw() for name, draw in filled.items() if chance.random() < 0.6}
    properties["name"] = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
    properties["custom_fields"] = {
        field.id: custom_value(chance, field) for field in settings.fields if chance.random() < 0.6
    }
    return properties


async def fill(account: AccountStore, clock: Clock, chance: random.Random, count: int) -> None:
    """Create leads at several times, change some later, and give some interactions."""
    settings = await account.settings()
    leads: list[Lead] = []
    while len(leads) < count:
        writes = [create(**lead_properties(chance, settings)) for _ in range(20)]
        leads += [result.lead for result in await account.results(*writes) if result.lead]
        clock.advance(chance.choice((1, 60, 86_400)))
    changed = chance.sample(leads, count // 4)
    await account.write(*(update(lead.id, details=f"Met {lead.id}") for lead in changed))
    for lead in chance.sample(await account.leads(), count // 10):
        _interact(account, lead, chance.randint(1, 9), clock.now - chance.randrange(100_000))


def _interact(account: AccountStore, lead: Lead, times: int, last: int) -> None:
    """Store values that no write can set yet."""
    fields = {name: getattr(lead, name) for name in lead.__struct_fields__}
    after = Lead(**fields | {"interaction_count": times, "date_last_contacted": last})
    document = json_text(after).replace("'", "''")
    account.database.execute(
        f"UPDATE lead SET document = '{document}', interaction_count = {times},"
        f" date_last_contacted = {last} WHERE id = {lead.id}"
    )


class RandomSearches:
    """Draws criteria that some leads meet."""

    def __init__(
        self, chance: random.Random, leads: list[Lead], settings: AccountSettings, now: int
    ) -> None:
        self._chance = chance
        self._leads = leads
        self._settings = settings
        self.criteria: dict[str, Callable[[], Any]] = {
            "ids": lambda: self._some([lead.id for lead in leads] + [1], 60),
            "quick": lambda: chance.choice(QUICK),
            "name": lambda: chance.choice(
                ("nora", "ose\u0301 F", "field", "%", "_", "Ü", "' Roe", "")
            ),
            "first_name": lambda: chance.choice(("NORA", "e", "100%", "נועה")),
            "last_name": lambda: chance.choice(("field", "strasse", "o'", "_")),
            "middle_name": lambda: chance.choice(("J", "")),
            "company_name": lambda: chance.choice(("field SUPPLIES", "&", "sons")),
            "title": lambda: chance.choice(("buyer", "\\", "%", "head")),
            "emails": lambda: self._some(
                ["n/a", *(chance.choice(EMAILS).format(f"Nora{n}@x.example") for n in range(9))],
                3,
                least=0,
            ),
            "phone_ending": lambda: chance.choice(
                ("0100", "5550100", "99", "1", "15125550100", "")
            ),
            "assignee_ids": lambda: self._some_ids(settings.users),
            "status_ids": lambda: self._some([one.id for one in settings.statuses], 2),
            "customer_source_ids": lambda: self._some_ids(settings.sources),
            "city": lambda: chance.choice(("austin", "KÖLN", "", "Nowhere")),
            "state": lambda: chance.choice(("tx", "")),
            "postal_code": lambda: chance.choice(("78701", "")),
            "country": lambda: chance.choice(("us", "DE", "")),
            "tags": lambda: TagFilter(self._some(TAGS, 3, least=0), self._combination()),
            "socials": lambda: self._some(URLS, 2, least=0),
            "followed": lambda: chance.choice((True, False)),
            "age_s": lambda: now - chance.choice(leads).date_created,
            "monetary_value": lambda: self._range(NUMBERS),
            "interaction_count": lambda: self._range(range(10)),
            "interaction_date": lambda: self._range(self._moments()),
            "created_date": lambda: self._range([lead.date_created for lead in leads]),
            "modified_date": lambda: self._range([lead.date_modified for lead in leads]),
            "local_bounds": lambda: tuple(self._local_bound() for _ in range(chance.randint(1, 2))),
            "custom_fields": lambda: (self.field_filter(chance.choice(settings.fields)),),
        }

    def search(self, *criteria: str) -> LeadSearch:
        """Draw a search with the criteria, in any order of the leads."""
        chance = self._chance
        drawn = {name: self.criteria[name]() for name in criteria}
        return LeadSearch(
            **drawn,
            sort_by=chance.choice(SORT_KEYS),
            descending=chance.random() < 0.5,
            limit=len(self._leads) + 1,
        )

    def field_filter(self, field: CustomField) -> FieldFilter:
        chance = self._chance
        values: list[Any] = []
        for _ in range(chance.randrange(4)):
            value = custom_value(chance, field)
            values += value if isinstance(value, list) else [value]
        if chance.random() < 0.15:
            values.append(chance.choice((None, "")))
        has_range = field.data_type in (DataType.FLOAT, DataType.PERCENTAGE, DataType.CURRENCY)
        bounds = Range()
        if has_range and chance.random() < 0.6:
            bounds = self._range(NUMBERS)
        elif field.data_type is DataType.DATE and chance.random() < 0.6:
            bounds = self._range(
                (
                    *(1_706_680_800, 1_706_767_199, 1_706_767_200, 1_706_745_600),
                    *("02/01/2024", "2024-02-01"),
                )
            )
        return FieldFilter(
            field.id,
            tuple(values),
            self._combination(),
            bounds.minimum,
            bounds.maximum,
            allow_empty=chance.random() < 0.2,
        )

    def _local_bound(self) -> LocalBound:
        """Draw a day or a moment at which something happened to a lead."""
        lead, zone = self._chance.choice(self._leads), self._settings.zone
        name, moment = self._chance.choice(
            (
                ("created_date", lead.date_created),
                ("modified_date", lead.date_modified),
                ("interaction_date", lead.date_last_contacted or lead.date_created),
            )
        )
        text = datetime.fromtimestamp(moment, zone).isoformat()[: self._chance.choice((10, 19))]
        return LocalBound(name, self._chance.random() < 0.5, text)

    def _combination(self) -> Combination:
        return self._chance.choice(list(Combination))

    def _range(self, bounds: Any) -> Any:
        low, high = (self._chance.choice([None, *bounds]) for _ in range(2))
        return Range(low, high)

    def _moments(self) -> list[int]:
        return [lead.date_last_contacted for lead in self._leads if lead.date_last_contacted]

    def _some(self, values: Any, most: int, *, least: int = 1) -> tuple[Any, ...]:
        return tuple(self._chance.sample(list(values), self._chance.randint(least, most)))

    def _some_ids(self, things: Any) -> tuple[int, ...]:
        return self._some([*(thing.id for thing in things), NO_ID, 1], 2)
