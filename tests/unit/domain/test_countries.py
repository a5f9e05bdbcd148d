"""Which two-letter code a country's name or code stands for."""

from __future__ import annotations

import pycountry
import pytest

from onelead.domain.countries import country_code


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("US", "US"),
        ("us", "US"),
        (" us ", "US"),
        ("USA", "US"),
        ("U.S.", "US"),
        ("United States", "US"),
        ("united states of america", "US"),
        ("Germany", "DE"),
        ("DEU", "DE"),
        ("UK", "GB"),
        ("England", "GB"),
        ("South Korea", "KR"),
        ("Russia", "RU"),
        ("Turkey", "TR"),
        ("T\u00fcrkiye", "TR"),
        ("Tu\u0308rkiye", "TR"),
        ("C\u00f4te d'Ivoire", "CI"),
        ("The Netherlands", "NL"),
        ("United\u00a0\u200bKingdom", "GB"),
    ],
)
def test_a_name_or_a_code_gives_the_code(sent: str, code: str) -> None:
    assert country_code(sent) == code


def test_every_country_of_the_standard_is_known_by_its_name_and_codes() -> None:
    for country in pycountry.countries:
        for sent in (country.alpha_2.lower(), country.alpha_3, country.name.upper()):
            assert country_code(sent) == country.alpha_2


def test_a_code_stays_as_it_is() -> None:
    for country in pycountry.countries:
        assert country_code(country_code(country.name)) == country.alpha_2


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("Atlantis", "Atlantis"), (" New  Atlantis\n", "New  Atlantis"), ("ZZ", "ZZ")],
)
def test_an_unknown_country_is_kept_trimmed(sent: str, kept: str) -> None:
    assert country_code(sent) == kept
