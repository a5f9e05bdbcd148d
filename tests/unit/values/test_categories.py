"""Categories: one that is missing stays as it is stored, and one that is unknown becomes other."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_lead, a_patch
from tests.support.domain.patches import SETTINGS, patched

from onelead.domain.lead import (
    PHONE_CATEGORIES,
    SOCIAL_CATEGORIES,
    Email,
    Lead,
    Link,
    PhoneNumber,
)
from onelead.domain.properties import applied, checked

LEAD = a_lead(
    email=Email("Nora@field.example", "personal"),
    phone_numbers=(PhoneNumber("+1 (512) 555-0100", "home"), PhoneNumber("none", "mobile")),
    socials=(Link("https://Social.example/nora", "linkedin"),),
    websites=(Link("https://field.example", "other"),),
)


@pytest.mark.parametrize("missing", [{}, {"category": None}, {"category": " "}])
@pytest.mark.parametrize(
    ("attribute", "sent", "category"),
    [
        ("email", {"email": "Nora@field.example"}, "personal"),
        ("email", {"email": "<NORA@Field.example>"}, "personal"),
        ("email", {"email": "sam@field.example"}, "work"),
        ("email", {"email": "n/a"}, "work"),
        ("phone_numbers", {"number": "+1 (512) 555-0100"}, "home"),
        ("phone_numbers", {"number": "15125550100"}, "home"),
        ("phone_numbers", {"number": " NONE"}, "mobile"),
        ("phone_numbers", {"number": "5125550100"}, "work"),
        ("socials", {"url": "https://social.example/NORA "}, "linkedin"),
        ("socials", {"url": "https://social.example/sam"}, "other"),
        ("websites", {"url": "HTTPS://field.example"}, "other"),
        ("websites", {"url": "https://field.example/a"}, "work"),
    ],
)
def test_a_missing_category_stays_that_of_the_same_value(
    attribute: str, sent: dict[str, Any], category: str, missing: dict[str, Any]
) -> None:
    entry = sent | missing
    is_list = attribute != "email"
    after = getattr(patched(LEAD, **{attribute: [entry] if is_list else entry}), attribute)
    only = after[0] if is_list else after
    assert (only.category, entry.items() - missing.items() <= as_json(only).items()) == (
        category,
        True,
    )


def as_json(one: Any) -> dict[str, Any]:
    return dict(msgspec.to_builtins(one))


def test_an_address_that_is_none_is_the_same_in_any_case() -> None:
    lead = a_lead(email=Email("no address", "other"))
    assert patched(lead, email={"email": "No  Address"}).email == Email("No  Address", "other")


def test_each_of_two_equal_values_keeps_its_own() -> None:
    lead = a_lead(phone_numbers=(PhoneNumber("5", "home"), PhoneNumber("5", "mobile")))
    sent = [{"number": "5"}, {"number": "5"}, {"number": "5"}]
    after = patched(lead, phone_numbers=sent).phone_numbers
    assert [one.category for one in after] == ["home", "mobile", "work"]


def test_a_category_that_is_sent_is_taken() -> None:
    sent = [{"number": "15125550100", "category": "WORK"}, {"number": "7"}]
    after = patched(LEAD, phone_numbers=sent).phone_numbers
    assert after == (PhoneNumber("15125550100", "work"), PhoneNumber("7", "work"))


def test_unknown_ones_are_said_once_for_each_property() -> None:
    unknown = [{"number": "1", "category": "fax"}, {"number": "2", "category": "pager"}]
    patch = checked(
        a_patch(
            phone_numbers=unknown,
            email={"email": "a@b.example", "category": "x" * 300},
            websites=[{"url": "a", "category": "blog"}, {"url": "b", "category": "Work"}],
            socials=[{"url": " ", "category": "fax"}],
        ),
        SETTINGS,
    )
    assert patch.problems == []
    assert set(patch.ignored) == {"email.category", "phone_numbers.category", "websites.category"}
    after = applied(LEAD, patch, SETTINGS)
    assert after.email == Email("a@b.example", "other")
    assert after.phone_numbers == (PhoneNumber("1", "other"), PhoneNumber("2", "other"))
    assert after.websites == (Link("a", "other"), Link("b", "work"))


phones = st.builds(
    PhoneNumber, st.sampled_from(["5", "(5)", "7", "none"]), st.sampled_from(PHONE_CATEGORIES)
)
links = st.builds(Link, st.sampled_from(["a", "A", "b"]), st.sampled_from(SOCIAL_CATEGORIES))
leads = st.builds(
    lambda phone_numbers, socials: a_lead(phone_numbers=phone_numbers, socials=socials),
    st.lists(phones, max_size=4).map(tuple),
    st.lists(links, max_size=4).map(tuple),
)


@given(leads)
def test_what_is_sent_back_without_categories_is_unchanged(lead: Lead) -> None:
    sent: dict[str, Any] = {
        "phone_numbers": [{"number": one.number} for one in lead.phone_numbers],
        "socials": [{"url": one.url} for one in lead.socials],
    }
    assert patched(lead, **sent) == lead


@given(leads, leads)
def test_a_list_without_categories_applied_twice_is_applied_once(lead: Lead, other: Lead) -> None:
    sent: dict[str, Any] = {
        "phone_numbers": [{"number": one.number} for one in other.phone_numbers]
    }
    once = patched(lead, **sent)
    assert patched(once, **sent) == once
