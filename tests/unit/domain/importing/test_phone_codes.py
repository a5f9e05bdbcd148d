"""Phone numbers as at home, with the calling code of a country."""

from __future__ import annotations

import pycountry
import pytest

from onelead.domain.importing.phone_codes import has_calling_code, international


@pytest.mark.parametrize(
    ("number", "country", "expected"),
    [
        ("089 5550001", "DE", "+49 89 5550001"),
        ("(089) 5550001", "DE", "+49 (89) 5550001"),
        ("07700 900003 ext. 12", "GB", "+44 7700 900003 ext. 12"),
        ("06 1234 5678", "IT", "+39 06 1234 5678"),
        ("(555) 123-4567", "US", "+1 (555) 123-4567"),
        ("1-555-123-4567", "US", "+1 555-123-4567"),
        ("8 912 345 67 89", "RU", "+7 912 345 67 89"),
        ("06 20 123 4567", "HU", "+36 20 123 4567"),
        ("612 345 678", "ES", "+34 612 345 678"),
        ("0049 89 5550001", "GB", "+49 89 5550001"),
        ("+49 89 5550001", "GB", "+49 89 5550001"),
        ("110", "DE", "110"),
        ("call the office", "DE", "call the office"),
    ],
)
def test_a_number_gets_the_calling_code_of_its_country(
    number: str, country: str, expected: str
) -> None:
    assert international(number, country) == expected


def test_nearly_every_country_has_a_calling_code() -> None:
    without = {one.alpha_2 for one in pycountry.countries if not has_calling_code(one.alpha_2)}
    assert without == {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}
    assert not has_calling_code("ZZ")
