"""Leads as they may be stored: with any allowed text, in every field and type."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import strategies as st
from tests.support.domain.patches import FIELD_IDS, SETTINGS

from onelead.domain.countries import country_code
from onelead.domain.custom_fields import DataType
from onelead.domain.lead import (
    EMAIL_CATEGORIES,
    PHONE_CATEGORIES,
    SOCIAL_CATEGORIES,
    WEBSITE_CATEGORIES,
    Address,
    Email,
    Lead,
    Link,
    PhoneNumber,
)
from onelead.domain.text import fold, is_blank

LINE_BREAKS = "\r\n"
_OPTION_IDS = (5101, 5102)


def texts(without: str = LINE_BREAKS) -> st.SearchStrategy[str]:
    """Visible texts that a database can keep, without the given characters."""
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0" + without)
    hostile = st.sampled_from(
        ["</textarea><script>alert(1)</script>", '" onfocus="alert(1)', "&amp;lt;", "{{ 7 * 7 }}"]
    )
    plain = st.text(characters, min_size=1, max_size=12).filter(lambda text: not is_blank(text))
    return hostile | plain


def _entries(kind: Any, categories: tuple[str, ...], text: st.SearchStrategy[str]) -> Any:
    return st.lists(st.builds(kind, text, st.sampled_from(categories)), max_size=3).map(tuple)


def _address(text: st.SearchStrategy[str]) -> st.SearchStrategy[Address | None]:
    part = st.none() | text
    whole = st.builds(Address, part, part, part, part, st.none() | text.map(country_code))
    return whole.map(lambda address: None if address == Address() else address)


def _tags(text: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    tag = text.map(str.strip).filter(lambda tag: not is_blank(tag))
    return st.lists(tag, max_size=4, unique_by=fold).map(tuple)


def _custom_fields(
    line: st.SearchStrategy[str], text: st.SearchStrategy[str]
) -> st.SearchStrategy[dict[int, Any]]:
    numbers = st.floats(-1e15, 1e15).map(lambda number: number + 0.0)
    values = {
        DataType.CHECKBOX: st.just(value=True),
        DataType.CURRENCY: numbers,
        DataType.DATE: st.dates(date(1000, 1, 1), date(5000, 12, 31)).map(str),
        DataType.DROPDOWN: st.sampled_from(_OPTION_IDS),
        DataType.FLOAT: numbers,
        DataType.MULTI_SELECT: st.sampled_from([(5101,), (5102,), _OPTION_IDS]),
        DataType.PERCENTAGE: st.integers(-(10**15), 10**15),
        DataType.STRING: line,
        DataType.TEXT: text,
        DataType.URL: line,
    }
    return st.fixed_dictionaries(
        {}, optional={FIELD_IDS[data_type]: value for data_type, value in values.items()}
    )


def leads(without: str = LINE_BREAKS) -> st.SearchStrategy[Lead]:
    """Any lead under the settings of `patches`, with texts without the given characters."""
    line = texts(without)
    text = texts(without.replace("\n", ""))
    maybe = st.none() | line
    amount = st.none() | st.integers(-(10**15), 10**15) | st.floats(-1e15, 1e15)
    return st.builds(
        Lead,
        id=st.just(71_000_001),
        version=st.integers(1, 9),
        name=line,
        status_id=st.sampled_from([status.id for status in SETTINGS.statuses]),
        date_created=st.just(1_700_000_000),
        date_modified=st.just(1_700_000_000),
        prefix=maybe,
        first_name=maybe,
        last_name=maybe,
        middle_name=maybe,
        suffix=maybe,
        address=_address(line),
        assignee_id=st.sampled_from([None, 901]),
        company_name=maybe,
        customer_source_id=st.sampled_from([None, *(each.id for each in SETTINGS.sources)]),
        details=st.none() | text,
        email=st.none() | st.builds(Email, line, st.sampled_from(EMAIL_CATEGORIES)),
        monetary_value=amount,
        monetary_unit=st.just("USD"),
        socials=_entries(Link, SOCIAL_CATEGORIES, line),
        tags=_tags(line),
        title=maybe,
        websites=_entries(Link, WEBSITE_CATEGORIES, line),
        phone_numbers=_entries(PhoneNumber, PHONE_CATEGORIES, line),
        custom_fields=_custom_fields(line, text),
    )
