"""Countries: from what people write to the two-letter code (ISO 3166 alpha-2) that is stored."""

from __future__ import annotations

from functools import cache

import pycountry

from onelead.domain.text import fold

#: Everyday names that the standard does not list.
_EVERYDAY_NAMES = {
    "america": "US",
    "brunei": "BN",
    "burma": "MM",
    "cape verde": "CV",
    "dr congo": "CD",
    "east timor": "TL",
    "england": "GB",
    "great britain": "GB",
    "holland": "NL",
    "ivory coast": "CI",
    "macau": "MO",
    "northern ireland": "GB",
    "palestine": "PS",
    "russia": "RU",
    "scotland": "GB",
    "swaziland": "SZ",
    "the bahamas": "BS",
    "the gambia": "GM",
    "the netherlands": "NL",
    "turkey": "TR",
    "u.k.": "GB",
    "u.s.": "US",
    "u.s.a.": "US",
    "uae": "AE",
    "uk": "GB",
    "vatican city": "VA",
    "wales": "GB",
}


def country_code(text: str) -> str:
    """Return the alpha-2 code of a country name or code; unknown text is returned trimmed."""
    return _codes_by_name().get(fold(text), text.strip())


@cache
def _codes_by_name() -> dict[str, str]:
    codes = dict(_EVERYDAY_NAMES)
    for country in pycountry.countries:
        for attribute in ("alpha_2", "alpha_3", "name", "common_name", "official_name"):
            if name := getattr(country, attribute, None):
                codes[fold(name)] = country.alpha_2
    return codes
