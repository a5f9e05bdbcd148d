"""Numbers in files: signs of decimals, thousands and currencies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onelead.domain.importing.numbers import (
    OPEN,
    currency_in,
    decimal_evidence,
    plain_number,
    written_number,
)


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        *[("1234", None), ("1 234", None), ("n/a", None), ("1E5", None), ("0", None)],
        *[("1.234,56", ","), ("1,234.56", "."), ("1.234.567", ","), ("1,234,567", ".")],
        *[("1,5", ","), ("1.50", "."), ("0.123", "."), ("1234.567", "."), (".5", ".")],
        *[("1.234", OPEN), ("€ 12,345", OPEN), ("-1.234", OPEN), ("1,5E+3", ","), ("1.5e3", ".")],
    ],
)
def test_a_number_shows_its_decimal_sign_or_not(text: str, evidence: str | None) -> None:
    assert decimal_evidence(text) == evidence


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        *[("1.234,56", ",", "1234.56"), ("1,234.56", ".", "1234.56"), ("1 234,5", ",", "1234.5")],
        *[("1'234.50", ".", "1234.50"), ("CHF 12.5", ".", "12.5"), ("12,5 EUR", ",", "12.5")],
        *[("$1,000", ".", "1000"), ("€ 1.000,-", ",", "1000"), ("kr. 5", ".", "5")],
        *[("(1,234)", ".", "-1234"), ("100-", ".", "-100"), ("\u22125", ".", "-5")],
        *[("15 %", ".", "15"), (",5", ",", "0.5"), ("5.", ".", "5"), ("+7", ".", "7")],
        *[("1,5E+3", ",", "1.5e+3"), ("1234", None, "1234"), ("1.5", None, "1.5")],
        *[("-1.25", ".", "-1.25"), ("1.234", ",", "1234"), ("1.234", ".", "1.234")],
        # Neither is rolled into another number.
        *[("1.5", ",", None), ("1,23,4", ".", None), ("1.234", None, None), ("12a", ".", None)],
        *[("", ".", None), ("1,2,3.4", ",", None), ("\u0661\u0662", ".", None)],
        *[("1,234,567.8", ",", None), ("1.2.3", ".", None)],
    ],
)
def test_a_number_is_read_by_the_sign_of_its_column(
    text: str, decimal: str | None, number: str | None
) -> None:
    assert plain_number(text, decimal) == number  # type: ignore[arg-type]


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15))
def test_a_number_of_an_export_needs_no_question(value: float) -> None:
    text = written_number(value)
    assert decimal_evidence(text) in (None, ".")
    number = plain_number(text, ".")
    assert number is not None
    assert float(number) == float(value)


def test_a_written_number_is_plain() -> None:
    assert [*map(written_number, (1.234, 5, 2.0, 1e20, 0.5))] == [
        *("1.2340", "5", "2", "100000000000000000000", "0.5"),
    ]


@pytest.mark.parametrize(
    ("text", "currency"),
    [("5 €", "EUR"), ("USD 5", "USD"), ("5", None), ("$5", None), ("£5", "GBP"), ("5 bucks", None)],
)
def test_an_amount_names_its_currency(text: str, currency: str | None) -> None:
    assert currency_in(text) == currency
