"""Searches by dates: Unix seconds, days of the account's time zone, and ISO 8601 moments."""

from __future__ import annotations

from typing import Any

from tests.support.api.lead_searches import START, a_crowd, initials, names, next_url, search
from tests.support.api.service import Service

#: Bounds of the creation date, and who is found: Nora, Sam, Zoë and Omar are 100 seconds apart.
#: START is 14:13:20 on 14 November 2023 in Los Angeles, and 22:13:20 in UTC.
DATES: list[tuple[Any, Any, str]] = [
    ("2023-11-14", "2023-11-14", "NOSZ"),
    (" 2023-11-14 ", None, "NOSZ"),
    ("2023-11-15", None, ""),
    (None, "2023-11-13", ""),
    ("2023-11-14T22:15:00Z", None, "OSZ"),
    ("2023-11-14T22:15:00.000Z", "2023-11-14t22:15:00z", "S"),
    ("2023-11-14T22:15:00.001Z", None, "OZ"),
    (None, "2023-11-14T23:15:00.9+01:00", "NS"),
    ("2023-11-14T14:15:00", "2023-11-14 14:16:40", "SZ"),
    ("2023-11-14T22:15", None, ""),
    (f"{START + 100}.0", START + 100.9, "S"),
    (START + 0.1, None, "OSZ"),
    ("", " ", "NOSZ"),
    (None, "9998-12-31", "NOSZ"),
]


async def test_dates_may_be_days_and_moments(service: Service) -> None:
    await a_crowd(service)
    found = []
    for low, high, expected in DATES:
        criteria = {"minimum_created_date": low, "maximum_created_date": high}
        by_body = await search(service, criteria)
        sent = {key: value for key, value in criteria.items() if value is not None}
        by_query = await search(service, query=sent)
        found.append((low, high, initials(names(by_body))))
        assert names(by_query) == names(by_body)
        assert by_body.headers["X-PW-TOTAL"] == str(len(expected))
    assert found == DATES


async def test_every_date_range_takes_days(service: Service) -> None:
    await a_crowd(service)
    for name in ("created", "modified"):
        assert len(names(await search(service, {f"minimum_{name}_date": "2023-11-14"}))) == 4
        assert names(await search(service, {f"maximum_{name}_date": "2023-11-13"})) == []
    assert names(await search(service, {"minimum_interaction_date": "2023-11-14"})) == []


async def test_a_walk_goes_on_within_its_days(service: Service) -> None:
    await a_crowd(service)
    criteria = {"minimum_created_date": "2023-11-14", "page_size": 3}
    first = await search(service, criteria)
    second = await service.client.post(next_url(first), json=criteria)
    assert initials(names(first) + names(second)) == "NOSZ"
