"""A search for somebody whose name, e-mail, number or profile is blank finds nobody."""

from __future__ import annotations

from typing import Any

import pytest

from onelead.domain.search import LeadSearch


def a_search(name: str, value: Any) -> LeadSearch:
    return LeadSearch(**{name: value})


@pytest.mark.parametrize("name", ["name", "first_name", "last_name", "middle_name", "phone_ending"])
def test_a_blank_text_names_nobody(name: str) -> None:
    for text in ("", " ", "\u200b"):
        assert a_search(name, text).names_nobody
    assert not a_search(name, "0").names_nobody


@pytest.mark.parametrize("name", ["emails", "socials"])
def test_no_value_names_nobody(name: str) -> None:
    assert a_search(name, ()).names_nobody
    assert not a_search(name, ("n/a",)).names_nobody


def test_other_criteria_may_be_blank() -> None:
    assert not LeadSearch().names_nobody
    assert not LeadSearch(city="", company_name="", ids=()).names_nobody
