"""What a write's properties do to a lead, and which of them the rules refuse."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.domain.builders import a_lead, a_settings
from tests.support.domain.patches import FULL_LEAD, custom, patched, problems

from onelead.domain.custom_fields import DataType
from onelead.domain.lead import Address, Email, changes_between
from onelead.domain.names import NAME_PARTS


def test_a_patch_of_nothing_changes_nothing() -> None:
    assert patched(FULL_LEAD) == FULL_LEAD


def test_a_lead_that_is_sent_again_stays_the_very_same() -> None:
    lead = patched(a_lead(), title="Buyer", tags=["a"], monetary_value=5)
    assert patched(lead, title="Buyer", tags=["a"], monetary_value=5.0) is lead


def test_absent_properties_stay() -> None:
    after = patched(FULL_LEAD, title="Head buyer")
    assert after == msgspec.structs.replace(FULL_LEAD, title="Head buyer")


@pytest.mark.parametrize(
    ("attribute", "empty"),
    [
        *((attribute, None) for attribute in ("address", "assignee_id", "company_name", "email")),
        *((attribute, None) for attribute in ("customer_source_id", "details", "title")),
        *((attribute, ()) for attribute in ("socials", "tags", "websites", "phone_numbers")),
    ],
)
def test_null_clears(attribute: str, empty: object) -> None:
    after = patched(FULL_LEAD, **{attribute: None})
    assert getattr(after, attribute) == empty
    assert list(changes_between(FULL_LEAD, after)) == [attribute]


@pytest.mark.parametrize("attribute", ["company_name", "details", "title"])
@pytest.mark.parametrize("blank", ["", "  ", "\u200b\u00a0"])
def test_invisible_text_clears(attribute: str, blank: str) -> None:
    assert getattr(patched(FULL_LEAD, **{attribute: blank}), attribute) is None


@pytest.mark.parametrize("attribute", ["company_name", "details", "title"])
def test_text_is_kept_as_it_was_sent(attribute: str) -> None:
    assert getattr(patched(a_lead(), **{attribute: "  A\u0301 \n"}), attribute) == "  A\u0301 \n"


class TestName:
    def test_a_new_name_makes_new_parts(self) -> None:
        after = patched(FULL_LEAD, name="Sam J. Roe")
        parts = {part: getattr(after, part) for part in NAME_PARTS}
        assert after.name == "Sam J. Roe"
        assert parts == {
            "prefix": None,
            "first_name": "Sam",
            "middle_name": "J.",
            "last_name": "Roe",
            "suffix": None,
        }

    def test_a_name_is_kept_as_it_was_sent(self) -> None:
        assert patched(a_lead(), name=" nora  FIELD ").name == " nora  FIELD "

    def test_a_name_wins_over_its_parts(self) -> None:
        after = patched(a_lead(), name="Sam Roe", first_name="Max", prefix="Dr.")
        assert (after.name, after.prefix, after.first_name) == ("Sam Roe", None, "Sam")

    def test_the_same_name_keeps_the_parts(self) -> None:
        lead = a_lead(name="Nora Field", first_name="Nora Field", last_name=None)
        assert patched(lead, name="Nora Field") == lead
        assert patched(lead, name="Nora Field", first_name="Sam") == lead

    def test_parts_make_a_new_name(self) -> None:
        after = patched(a_lead(), middle_name="M.", prefix="Dr.")
        assert (after.name, after.first_name, after.last_name) == (
            "Dr. Nora M. Field",
            "Nora",
            "Field",
        )

    def test_a_part_can_be_cleared(self) -> None:
        after = patched(a_lead(), last_name=None)
        assert (after.name, after.first_name, after.last_name) == ("Nora", "Nora", None)
        assert patched(a_lead(), last_name=" ") == after

    def test_the_same_parts_keep_the_name(self) -> None:
        lead = a_lead(name="Field, Nora")
        assert (lead.first_name, lead.last_name) == ("Nora", "Field")
        assert patched(lead, first_name="Nora", last_name="Field", suffix=None) == lead
        assert patched(lead, first_name="Norah").name == "Field, Norah"

    def test_without_parts_no_name_is_left(self) -> None:
        assert patched(a_lead(), first_name=None, last_name=None).name == ""

    @pytest.mark.parametrize("blank", [None, "", " \u200b"])
    def test_a_name_cannot_be_cleared(self, blank: str | None) -> None:
        assert problems(name=blank) == [("name", "can't be blank", "blank")]


class TestAddress:
    def test_an_address_replaces_the_old_one(self) -> None:
        after = patched(FULL_LEAD, address={"city": "Dallas"})
        assert after.address == Address(city="Dallas")

    @pytest.mark.parametrize("sent", ["United States", "us", "USA", " U.S. "])
    def test_a_country_becomes_its_code(self, sent: str) -> None:
        assert patched(a_lead(), address={"country": sent}).address == Address(country="US")

    def test_an_unknown_country_is_kept(self) -> None:
        after = patched(a_lead(), address={"country": " Atlantis "})
        assert after.address == Address(country="Atlantis")

    @pytest.mark.parametrize("sent", [{}, {"city": None}, {"city": " ", "country": ""}])
    def test_an_address_of_nothing_is_none(self, sent: dict[str, Any]) -> None:
        assert patched(FULL_LEAD, address=sent).address is None

    @pytest.mark.parametrize("part", ["street", "city", "state", "postal_code", "country"])
    def test_each_line_has_a_limit(self, part: str) -> None:
        assert problems(address={part: "x" * 255}) == []
        assert problems(address={part: "x" * 256}) == [
            ("address", f"address.{part} is too long (maximum is 255 characters)", "too_long")
        ]


class TestEmail:
    def test_an_email_is_kept_as_it_was_sent(self) -> None:
        after = patched(a_lead(), email={"email": " Nora@Field.example", "category": "other"})
        assert after.email == Email(" Nora@Field.example", "other")

    @pytest.mark.parametrize("sent", [{}, {"email": None}, {"email": "\u200b", "category": "x"}])
    def test_an_email_of_nothing_clears(self, sent: dict[str, Any]) -> None:
        assert patched(FULL_LEAD, email=sent).email is None

    def test_an_email_has_a_limit(self) -> None:
        assert problems(email={"email": "x" * 256}) == [
            ("email", "email.email is too long (maximum is 255 characters)", "too_long")
        ]


@pytest.mark.parametrize(
    ("attribute", "limit"),
    [
        *((part, 255) for part in ("name", *NAME_PARTS)),
        *(("company_name", 255), ("title", 255), ("details", 65_536)),
    ],
)
def test_a_text_has_a_limit(attribute: str, limit: int) -> None:
    assert problems(**{attribute: "x" * limit}) == []
    assert problems(**{attribute: "x" * (limit + 1)}) == [
        (attribute, f"is too long (maximum is {limit} characters)", "too_long")
    ]


class TestMonetaryValue:
    @pytest.mark.parametrize(
        ("sent", "stored"), [(2500, 2500), (0, 0), (-5, -5), (250.5, 250.5), ("55.5", 55.5)]
    )
    def test_a_value_brings_the_currency_of_the_account(self, sent: Any, stored: float) -> None:
        after = patched(a_lead(), a_settings(currency="EUR"), monetary_value=sent)
        assert (after.monetary_value, after.monetary_unit) == (stored, "EUR")

    @pytest.mark.parametrize("none", [None, "", " "])
    def test_clearing_the_value_clears_the_currency(self, none: Any) -> None:
        after = patched(FULL_LEAD, monetary_value=none)
        assert (after.monetary_value, after.monetary_unit) == (None, None)

    def test_the_same_value_keeps_its_currency(self) -> None:
        lead = a_lead(monetary_value=5, monetary_unit="USD")
        assert patched(lead, a_settings(currency="EUR"), monetary_value=5.0) == lead
        assert patched(lead, a_settings(currency="EUR"), title=None) == lead

    @pytest.mark.parametrize("sent", ["many", "1_0", "0x1", "USD 5"])
    def test_text_that_is_not_a_number_is_refused(self, sent: str) -> None:
        assert problems(monetary_value=sent) == [
            ("monetary_value", f'is not a number: "{sent}"', "not_a_number")
        ]

    @pytest.mark.parametrize("sent", [10**15 + 1, -1e16, "1e400", "nan"])
    def test_a_value_has_limits(self, sent: Any) -> None:
        text = f"must lie between -{10**15} and {10**15}"
        assert problems(monetary_value=sent) == [("monetary_value", text, "not_a_number")]


class TestReferences:
    @pytest.mark.parametrize(
        ("attribute", "known"), [("assignee_id", 901), ("customer_source_id", 3102)]
    )
    def test_an_id_must_be_known(self, attribute: str, known: int) -> None:
        assert getattr(patched(a_lead(), **{attribute: known}), attribute) == known
        assert problems(**{attribute: 77}) == [(attribute, "does not exist: 77", "inclusion")]

    def test_a_status_is_set_by_its_id(self) -> None:
        assert patched(a_lead(), status_id=2003).status_id == 2003

    @pytest.mark.parametrize("name", ["Junk", "junk", " JUNK\u200b"])
    def test_a_status_is_set_by_its_name(self, name: str) -> None:
        assert patched(a_lead(), status=name).status_id == 2004

    def test_the_id_of_a_status_takes_precedence_over_its_name(self) -> None:
        assert patched(a_lead(), status_id=2003, status="Junk").status_id == 2003
        assert patched(a_lead(), status_id=2003, status="Sold").status_id == 2003
        assert patched(a_lead(), status_id=None, status="Junk").status_id == 2004
        assert patched(a_lead(), status_id=2003, status=None).status_id == 2003

    @pytest.mark.parametrize(
        "sent",
        [
            *({"status": None}, {"status_id": None}, {"status": None, "status_id": None}),
            *({"status": ""}, {"status": " \u200b", "status_id": None}),
        ],
    )
    def test_null_means_the_default_status(self, sent: dict[str, Any]) -> None:
        assert patched(FULL_LEAD, **sent).status_id == 2001

    def test_a_status_stays_when_it_is_not_named(self) -> None:
        assert patched(FULL_LEAD, title="Buyer").status_id == 2002

    def test_an_unknown_status_is_refused(self) -> None:
        assert problems(status_id=77) == [("status_id", "does not exist: 77", "inclusion")]
        assert problems(status="Sold") == [("status", 'is not a lead status: "Sold"', "inclusion")]


def test_all_problems_are_reported_together() -> None:
    found = problems(
        name=" ",
        email={"email": "x" * 256},
        tags=["x" * 256],
        status_id=77,
        custom_fields=[custom(DataType.FLOAT, "x"), custom(DataType.CHECKBOX, "x")],
    )
    assert sorted(attribute for attribute, _, _ in found) == [
        *("custom_fields", "custom_fields", "email", "name", "status_id", "tags")
    ]
