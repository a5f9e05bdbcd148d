"""The currencies that accounts and values can have."""

from __future__ import annotations

import pytest

from onelead.domain.currencies import currencies, is_currency


def test_currencies_are_told_by_code_and_name() -> None:
    known = currencies()
    assert ("EUR", "Euro") in known
    assert list(known) == sorted(known)
    assert all(is_currency(code) for code, _name in known)


@pytest.mark.parametrize("value", ["EU", "EURO", "eu\u00df", "", None, 7])
def test_what_is_no_currency(value: object) -> None:
    assert not is_currency(value)
