"""The address of a list says the same when it is read, written and read again."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams
from tests.support.api.service import Service
from tests.support.domain.builders import a_field, a_settings
from tests.support.web.browser_client import Browser

from onelead.domain.custom_fields import DataType, IndexState
from onelead.domain.errors import BodyMalformed
from onelead.domain.limits import PAGE_SIZE_MAX
from onelead.domain.search import SORT_KEYS, Combination, FieldFilter, LeadSearch, Range, TagFilter
from onelead.web.leads.filters import chips, choices
from onelead.web.leads.query import DAY_RANGES, NUMBER_RANGES, WITHOUT, LeadQuery

TYPES = {7: DataType.STRING, 8: DataType.FLOAT, 9: DataType.DATE, 10: DataType.CHECKBOX}
FIELDS = tuple(
    a_field(id=number, data_type=kind, is_filterable=True, index_state=IndexState.READY)
    for number, kind in TYPES.items()
)
SETTINGS = a_settings(fields=FIELDS)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
IDS = st.integers(1, 2**53 - 1).map(str)
DAYS = st.dates().map(str).filter(lambda day: "1970" < day < "2100")
NUMBERS = st.integers(-(10**6), 10**6).map(str)


def pairs_of(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.just(name), values)


PAIRS = st.one_of(
    *(pairs_of(name, TEXTS) for name in ("q", "name", "title", "city", "country", "emails")),
    *(pairs_of(name, TEXTS) for name in ("socials", "tags", "cf_7")),
    *(pairs_of(name, IDS) for name in ("ids", "status_ids", "assignee_ids")),
    pairs_of("assignee_ids", st.just("-2")),
    pairs_of("phone_number", st.just("512 555 0100")),
    pairs_of("tags_option", st.sampled_from(Combination)),
    pairs_of("without", st.sampled_from(list(WITHOUT))),
    *(pairs_of(f"minimum_{name}", DAYS) for name in DAY_RANGES),
    *(pairs_of(f"maximum_{name}", NUMBERS) for name in (*NUMBER_RANGES, *DAY_RANGES)),
    pairs_of("cf_8_min", NUMBERS),
    pairs_of("cf_9_max", DAYS),
    pairs_of("cf_10", st.sampled_from(("true", "false"))),
    pairs_of("cf_7_empty", st.just("1")),
    pairs_of("sort_by", st.sampled_from(SORT_KEYS)),
    pairs_of("sort_direction", st.sampled_from(("asc", "desc"))),
    pairs_of("page_size", st.integers(1, PAGE_SIZE_MAX).map(str)),
    pairs_of("columns", st.sampled_from(("title", "cf_7", "nonsense"))),
)


def read(pairs: Any) -> LeadQuery:
    return LeadQuery(QueryParams(pairs), SETTINGS)


def read_address(address: str) -> LeadQuery:
    return read(parse_qsl(urlsplit(address).query, keep_blank_values=True))


@given(st.lists(PAIRS, max_size=12))
def test_an_address_that_is_written_again_means_the_same(pairs: list[tuple[str, str]]) -> None:
    first = read(pairs)
    again = read_address(first.href())
    assert again.search == first.search
    assert again.problems == first.problems
    assert again.columns == first.columns
    assert read(parse_qsl(first.text)).search == first.search


@given(st.lists(PAIRS, max_size=12))
def test_taking_every_chip_away_leaves_all_leads(pairs: list[tuple[str, str]]) -> None:
    query = read(pairs)
    for _ in pairs:
        if not (on := chips(query, SETTINGS, choices(SETTINGS))):
            break
        query = read_address(on[0].href_without)
    assert not query.search.custom_fields
    assert query.search.criteria == (query.search.quick is not None)


@given(st.lists(st.tuples(TEXTS, TEXTS) | PAIRS.flatmap(lambda one: pairs_of(one[0], TEXTS))))
def test_whatever_an_address_says_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    query = read(pairs)
    chips(query, SETTINGS, choices(SETTINGS))
    assert isinstance(query.search, LeadSearch)
    assert read_address(query.href()).problems.keys() == query.problems.keys()


async def test_an_address_with_blanks_leads_to_its_tidy_one(
    browser: Browser, service: Service
) -> None:
    for number in range(3):
        await service.lead(name=f"Nora {number}")
    shown = await browser.get("/leads?q=nora&title=&status_ids=%20&page_size=1&columns=title&city=")
    assert shown.path == "/leads?q=nora&page_size=1&columns=title"
    further = str(shown.one("#next")["href"])
    shown = await browser.get(f"{further}&tags=")
    assert shown.path == further


def test_the_names_are_those_of_the_api() -> None:
    query = read(
        [
            *(("name", "nora"), ("minimum_monetary_value", "5"), ("status_ids", "3")),
            *(("tags", "fair"), ("tags", "VIP"), ("tags_option", "all"), ("without", "city")),
            *(("cf_8_min", "5"), ("cf_7", "C-1"), ("cf_7", "C-2"), ("q", "field")),
        ]
    )
    assert query.problems == {}
    assert query.search == LeadSearch(
        name="nora",
        monetary_value=Range(5, None),
        status_ids=(3,),
        tags=TagFilter(("fair", "VIP"), Combination.ALL),
        city="",
        custom_fields=(FieldFilter(8, minimum="5"), FieldFilter(7, ("C-1", "C-2"))),
        quick="field",
        limit=50,
    )


def test_a_form_sends_all_its_fields_and_empty_ones_say_nothing() -> None:
    assert (
        read([("name", ""), ("tags", " "), ("city", "\u200b"), ("cf_7", "")]).search.criteria == 0
    )


def test_a_nul_character_is_refused() -> None:
    with pytest.raises(BodyMalformed):
        read([("name", "\0")])


async def test_the_panel_sends_what_the_address_said(browser: Browser, service: Service) -> None:
    """Each criterion survives the form: it is shown, and sent again when nothing is changed."""
    field = await service.field(data_type="Float")
    settings = await service.store.settings(service.account.account_id)
    status, user = settings.default_status.id, settings.users[0].id
    for query in (
        *(
            "name=nora",
            "emails=a%40b.example&emails=c%40d.example",
            "tags=a&tags=b&tags_option=ALL",
        ),
        *(
            f"status_ids={status}",
            f"assignee_ids=-2&assignee_ids={user}",
            "without=tags&without=city",
        ),
        *(
            "minimum_created_date=2026-01-31",
            "maximum_created_date=1700000000",
            "age=77",
            "age=3600",
        ),
        *("followed=1", "ids=5&ids=6", "socials=x", "phone_number=555", "country=DE", "state=TX"),
        *("maximum_monetary_value=7.5", f"cf_{field['id']}_min=5", f"cf_{field['id']}_empty=1"),
        *("sort_by=title&sort_direction=desc&page_size=100&q=nora", "columns=title&columns=email"),
        *("first_name=a", "middle_name=b", "last_name=c", "company_name=d", "title=e", "city=f"),
        *("customer_source_ids=-2", "postal_code=78701", "status_ids=999", f"cf_{field['id']}=5"),
        *("minimum_interaction_count=1", "maximum_interaction_date=2026-01-31"),
    ):
        shown = await browser.get(f"/leads?{query}")
        sent = LeadQuery(QueryParams(query), settings)
        again = await shown.submit("#filters")
        assert LeadQuery(QueryParams(urlsplit(again.path).query), settings).search == sent.search
        assert again.status == shown.status


async def test_an_email_is_found_in_every_spelling_and_by_its_beginning(
    browser: Browser, service: Service
) -> None:
    await service.lead(name="Zoe", email={"email": "Zoe <zoe@müller.example>"})
    await service.lead(name="Nora", email={"email": "nora@field.example"})
    for name, texts in {
        "q": ("zoe@", "ZOE@MÜLLER", "mailto:zoe@müller.example", "zoe@xn--mller-kva.example"),
        "emails": ("mailto:ZOE@Müller.example", '"zoe@müller.example"'),
    }.items():
        for text in texts:
            shown = await browser.get(f"/leads?{urlencode({name: text})}")
            assert shown.texts("#leads tbody th") == ["Zoe"], text
