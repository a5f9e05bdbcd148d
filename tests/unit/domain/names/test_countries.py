"""Which two-letter code a country's name or code stands for."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.country_names import country_names

from onelead.domain.countries import country_code, country_key
from onelead.domain.country_names import COUNTRY_NAMES
from onelead.domain.text import Form


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("US", "US"),
        ("us", "US"),
        (" us ", "US"),
        ("USA", "US"),
        ("U.S.", "US"),
        ("U.S.A.", "US"),
        ("United States", "US"),
        ("united states of america", "US"),
        ("Germany", "DE"),
        ("DEU", "DE"),
        ("UK", "GB"),
        ("England", "GB"),
        ("Great Britain", "GB"),
        ("South Korea", "KR"),
        ("Republic of Korea", "KR"),
        ("Korea, Republic of", "KR"),
        ("Korea (South)", "KR"),
        ("Russia", "RU"),
        ("Turkey", "TR"),
        ("T\u00fcrkiye", "TR"),
        ("Tu\u0308rkiye", "TR"),
        ("Turkiye", "TR"),
        ("Bosnia & Herzegovina", "BA"),
        ("Bosnia-Herzegovina", "BA"),
        ("C\u00f4te d'Ivoire", "CI"),
        ("C\u00f4te d\u2019Ivoire", "CI"),
        ("COTE D IVOIRE", "CI"),
        ("The Netherlands", "NL"),
        ("Netherlands, The", "NL"),
        ("Holland", "NL"),
        ("United\u00a0\u200bKingdom", "GB"),
        ("Republic of Ireland", "IE"),
        ("Kosovo", "XK"),
        ("xk", "XK"),
        ("Reunion", "RE"),
        ("UAE", "AE"),
        ("U.A.E.", "AE"),
        ("St. Lucia", "LC"),
        ("Saint Lucia", "LC"),
        ("St Kitts & Nevis", "KN"),
        ("Czech Republic", "CZ"),
        ("Viet Nam", "VN"),
        ("Vietnam", "VN"),
        ("Dominican Rep.", "DO"),
        ("Russian Fed.", "RU"),
        ("Cayman Is.", "KY"),
        ("Hong Kong S.A.R.", "HK"),
        ("DR Congo", "CD"),
        ("Democratic Republic of the Congo", "CD"),
        ("Republic of the Congo", "CG"),
        ("Iran, Islamic Republic of", "IR"),
        ("Islamic Republic of Iran", "IR"),
        ("Georgia", "GE"),
        ("Swaziland", "SZ"),
        ("Macedonia", "MK"),
    ],
)
def test_a_name_or_a_code_gives_the_code(sent: str, code: str) -> None:
    assert country_code(sent) == code


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        *(("Deutschland", "DE"), ("Schweiz", "CH"), ("Suisse", "CH"), ("Svizzera", "CH")),
        *(("Espa\u00f1a", "ES"), ("Espana", "ES"), ("M\u00e9xico", "MX"), ("Polska", "PL")),
        *(("\u00d6sterreich", "AT"), ("Osterreich", "AT"), ("Oesterreich", "AT")),
        *(("Brasil", "BR"), ("\u010cesko", "CZ"), ("\u010cesk\u00e1 republika", "CZ")),
        *(("Norge", "NO"), ("Danmark", "DK"), ("Sverige", "SE"), ("Suomi", "FI")),
        *(("\u00cdsland", "IS"), ("\u00c9ire", "IE"), ("Hrvatska", "HR"), ("Srbija", "RS")),
        *(("Magyarorsz\u00e1g", "HU"), ("Slovensko", "SK"), ("Slovenija", "SI")),
        *(("Latvija", "LV"), ("Lietuva", "LT"), ("Eesti", "EE"), ("Shqip\u00ebria", "AL")),
        ("\u0395\u03bb\u03bb\u03ac\u03b4\u03b1", "GR"),
        ("\u0420\u043e\u0441\u0441\u0438\u044f", "RU"),
        ("\u0423\u043a\u0440\u0430\u0457\u043d\u0430", "UA"),
        ("\u65e5\u672c", "JP"),
        ("\u4e2d\u56fd", "CN"),
        ("\ub300\ud55c\ubbfc\uad6d", "KR"),
        ("\u0645\u0635\u0631", "EG"),
        ("\u092d\u093e\u0930\u0924", "IN"),
    ],
)
def test_a_country_is_known_in_its_own_languages(sent: str, code: str) -> None:
    assert country_code(sent) == code


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        *(("Frankreich", "FR"), ("T\u00fcrkei", "TR"), ("Tuerkei", "TR"), ("Allemagne", "DE")),
        *(("\u00c9tats-Unis", "US"), ("EE. UU.", "US"), ("Estados Unidos", "US")),
        *(("Vereinigte Staaten von Amerika", "US"), ("Stany Zjednoczone", "US"), ("ABD", "US")),
        *(("Reino Unido", "GB"), ("Gro\u00dfbritannien", "GB"), ("Grossbritannien", "GB")),
        *(("Trinidad und Tobago", "TT"), ("Trinit\u00e9-et-Tobago", "TT"), ("Om\u00e3", "OM")),
        *(("S\u00e3o Tom\u00e9 e Pr\u00edncipe", "ST"), ("Sao Tome & Principe", "ST")),
        *(("R\u00e9p. dominicaine", "DO"), ("\u00c7in", "CN"), ("Niemcy", "DE")),
        ("\u30c9\u30a4\u30c4", "DE"),
        ("\u7f8e\u56fd", "US"),
        ("\ub3c5\uc77c", "DE"),
        ("\u0413\u0435\u0440\u043c\u0430\u043d\u0438\u044f", "DE"),
    ],
)
def test_a_country_is_known_in_large_languages(sent: str, code: str) -> None:
    assert country_code(sent) == code


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        *(("Germany (DE)", "DE"), ("Deutschland / Germany", "DE"), ("Croatia (Hrvatska)", "HR")),
        *(("Schweiz/Suisse/Svizzera", "CH"), ("Belgique - Belgi\u00eb", "BE")),
        *(("Myanmar (Burma)", "MM"), ("England, UK", "GB")),
    ],
)
def test_several_names_of_one_country_are_that_country(sent: str, code: str) -> None:
    assert country_code(sent) == code


@pytest.mark.parametrize(
    "sent",
    [
        *("Congo", "Kongo", "Korea", "Virgin Islands", "Guyane", "Georgia, USA", "Oma", "Fas"),
        *("Samoa (American)", "Guinea (Equatorial)", "Sudan, South", "Ireland (Northern)"),
        *("China (Hong Kong)", "Republic of China", "Germany or Austria", "New Mexico", "E", "()"),
    ],
)
def test_what_may_be_another_country_stays_text(sent: str) -> None:
    assert country_code(sent) == sent


def test_every_country_of_the_standard_is_known_by_its_name_and_codes() -> None:
    for country in pycountry.countries:
        for sent in (country.alpha_2.lower(), country.alpha_3, country.name.upper()):
            # The standard's name of one Congo is what both are called.
            if sent != "CONGO":
                assert country_code(sent) == country.alpha_2


def test_a_code_stays_as_it_is() -> None:
    for code in COUNTRY_NAMES:
        assert country_code(code) == code


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        *(("Atlantis", "Atlantis"), (" New  Atlantis\n", "New  Atlantis"), ("ZZ", "ZZ")),
        ("Germany " * 100, ("Germany " * 100).strip()),
    ],
)
def test_an_unknown_country_is_kept_trimmed(sent: str, kept: str) -> None:
    assert country_code(sent) == kept


english_names = st.sampled_from(
    [(country.name, country.alpha_2) for country in pycountry.countries if country.name != "Congo"]
)


@given(
    english_names,
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from(["'", "\u2019", "\u02bc", "`"]),
    st.sampled_from([" and ", " & ", " + ", " und "]),
    st.sampled_from(["NFC", "NFD"]),
)
def test_the_way_of_writing_makes_no_difference(
    named: tuple[str, str],
    case: Callable[[str], str],
    apostrophe: str,
    conjunction: str,
    form: Form,
) -> None:
    name, code = named
    written = case(name).replace("'", apostrophe).replace(" and ", conjunction)
    assert country_code(unicodedata.normalize(form, f" {written}  ")) == code
    without_accents = "".join(
        letter for letter in unicodedata.normalize("NFD", written) if ord(letter) < 128
    )
    assert country_code(without_accents) in {code, without_accents.strip()}


@given(st.text() | english_names.map(lambda named: named[0]))
def test_what_is_stored_is_stored_again(text: str) -> None:
    stored = country_code(text)
    assert country_code(stored) == stored


def test_the_keys_of_names_are_keys() -> None:
    keys = [key for keys in COUNTRY_NAMES.values() for key in keys.split()]
    assert len(keys) == len(set(keys))
    assert [country_key(key) for key in keys] == keys


@pytest.mark.slow
def test_the_names_are_those_of_the_installed_libraries() -> None:
    """After an update, `python -m tests.support.domain.country_names` makes them again."""
    assert country_names() == COUNTRY_NAMES
