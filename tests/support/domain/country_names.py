"""Makes `onelead/domain/country_names.py` out of CLDR (in Babel) and ISO 3166 (in pycountry).

Run as `python -m tests.support.domain.country_names` after an update of one of them. Reading all
these languages takes a second and 100 MB, which no server should spend.
"""

from __future__ import annotations

import gettext
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pycountry
from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages

import onelead.domain.country_names
from onelead.domain.countries import country_key
from onelead.domain.text import fold

#: The languages of business forms.
LANGUAGES = (
    *("en", "de", "fr", "es", "pt", "it", "nl", "pl", "sv", "da", "nb", "fi", "cs", "tr", "ja"),
    *("zh", "zh_Hant", "ko", "ru"),
)
#: In these, a letter with a sign above it is also written as two letters.
_UMLAUTS = frozenset({"da", "de", "fi", "nb", "no", "sv"})
_TWO_LETTERS = str.maketrans(
    {"ä": "ae", "å": "aa", "ö": "oe", "ø": "oe", "ü": "ue", "Ä": "Ae", "Å": "Aa", "Ö": "Oe"}
    | {"Ø": "Oe", "Ü": "Ue"}
)
#: Kosovo has a code of its users' own choice, which CLDR and most forms know.
_CODES = (*sorted(country.alpha_2 for country in pycountry.countries), "XK")
_INVERTED = re.compile("(.+?), (.+ (?:of|of the))")
#: Also the names of countries that have longer ones there.
_AMBIGUOUS = frozenset({"congo", "kongo"})


def country_names() -> dict[str, str]:
    """Return the codes and the keys of the names of each country, with blanks between them.

    A key of two countries is left out.
    """
    countries: dict[str, set[str]] = defaultdict(set)
    for code in _CODES:
        for name in _names(code):
            countries[country_key(name)].add(code)
    keys = {code: _short_codes(code) for code in _CODES}
    for key, found in sorted(countries.items()):
        if len(found) == 1 and key not in _AMBIGUOUS and not _is_short(key):
            keys[found.pop()].append(key)
    return {code: " ".join(found) for code, found in keys.items()}


def _is_short(key: str) -> bool:
    return " " in key or (key.isascii() and len(key) < len("Chad"))


def _short_codes(code: str) -> list[str]:
    country = pycountry.countries.get(alpha_2=code)
    return [fold(code), *([fold(country.alpha_3)] if country else [])]


def _names(code: str) -> Iterator[str]:
    languages = get_official_languages(code, regional=True, de_facto=True)
    for language in dict.fromkeys((*LANGUAGES, *languages)):
        for name in (*_names_in_cldr(code, language), *_names_in_iso(code, language)):
            yield name
            if language in _UMLAUTS:
                yield name.translate(_TWO_LETTERS)
            if inverted := _INVERTED.fullmatch(name):
                yield f"{inverted[2]} {inverted[1]}"


def _names_in_cldr(code: str, language: str) -> Iterator[str]:
    if name := _territories(language).get(code):
        yield name


@cache
def _territories(language: str) -> Any:
    try:
        return Locale.parse(language).territories
    except UnknownLocaleError:
        return {}


def _names_in_iso(code: str, language: str) -> Iterator[str]:
    country = pycountry.countries.get(alpha_2=code)
    for attribute in ("name", "common_name", "official_name"):
        name = getattr(country, attribute, None)
        # The standard calls one of the two by what both are called.
        if name and (code, attribute) != ("CG", "name"):
            yield _translations(language).gettext(name)


@cache
def _translations(language: str) -> gettext.NullTranslations:
    language = {"zh": "zh_CN", "zh_Hant": "zh_TW"}.get(language, language)
    languages = [] if language == "en" else [language]
    return gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages, fallback=True)


def main() -> None:
    """Write the module again."""
    file = Path(onelead.domain.country_names.__file__)
    head, _, _ = file.read_text(encoding="utf-8").partition("{\n")
    lines = (f'    "{code}": "{keys}",\n' for code, keys in country_names().items())
    file.write_text(f"{head}{{\n{''.join(lines)}}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
