"""Countries: from what people write to the two-letter code (ISO 3166 alpha-2) that is stored.

A spelling that may mean two countries, such as "Congo", is nobody's.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from onelead.domain.country_names import COUNTRY_NAMES
from onelead.domain.text import fold, is_blank

#: Spellings in daily use that neither the standard nor CLDR has, by code.
_EVERYDAY_NAMES = {
    "AE": "UAE|U.A.E.|Emirates|VAE|EAU",
    "AG": "Antigua",
    "AL": "Shqipëria",
    "BA": "Bosnia|Bosnien|Bosnie|Bosna",
    "BY": "Byelorussia|Weißrussland",
    "CD": "DR Congo|D.R. Congo|DRC|Congo DR|Congo (DRC)|RD Congo|Zaire|Congo Democratic Republic"
    "|Democratic Republic Congo|Demokratische Republik Congo",
    "CG": "Congo Republic|Congo (Republic)",
    "CI": "Ivory Coast|Elfenbeinküste",
    "CN": "PRC|P.R. China|Mainland China|VR China",
    "CV": "Kapverden",
    "CZ": "Czech|Tschechei",
    "DE": "BRD",
    "FK": "Falklands",
    "GB": "UK|U.K.|Great Britain|Great Britain and Northern Ireland|Britain|England|Scotland"
    "|Wales|Northern Ireland|Großbritannien|Grande-Bretagne|Gran Bretagna|Gran Bretaña"
    "|Grã-Bretanha|Groot-Brittannië|Velká Británie|İngiltere|Angleterre|Inglaterra|Inghilterra"
    "|Engeland|Anglia|Anglie|Schottland|Англия",
    "GR": "Ελλάς",
    "IE": "Republic of Ireland|Irish Republic|Southern Ireland",
    "KN": "St. Kitts",
    "KP": "DPRK|Korea (North)|N. Korea",
    "KR": "Korea (South)|S. Korea",
    "LA": "Lao PDR",
    "MK": "Macedonia|Republic of Macedonia|FYROM|FYR Macedonia|Mazedonien|Macédoine|Makedonien"
    "|Makedonia|Makedonija",
    "MM": "Birma",
    "NL": "Hollande|Holanda|Olanda|Holandsko",
    "PS": "Palestine|Palästina|Palestina|Palestinian Territory",
    "RE": "Réunion Island|Île de la Réunion",
    "RU": "РФ",
    "SX": "St. Maarten",
    "SZ": "Swasiland",
    "TL": "East Timor",
    "TR": "Turkey",
    "TT": "Trinidad",
    "TW": "Taiwan (ROC)|Taiwan R.O.C.",
    "US": "U.S.|U.S|U.S.A.|U S A|America|EUA|EE. UU.|EEUU|ABD|США|アメリカ",
    "VA": "Vatican|Vatican City State|Holy See|Vaticano",
    "VC": "St. Vincent",
    "VG": "BVI",
    "VI": "USVI|United States Virgin Islands",
    "ZA": "RSA",
}
#: Letters that are not a plain one with a mark.
_LETTERS = str.maketrans("\u0131øłđħð", "ioldhd") | {
    ord("æ"): "ae",
    ord("œ"): "oe",
    ord("þ"): "th",
}
#: Words that are written in full or not.
_SHORT_WORDS = {
    **dict.fromkeys(("island", "islands", "isl"), "is"),
    **dict.fromkeys(("republic", "republica", "republik", "republika", "republique"), "rep"),
    **dict.fromkeys(("repubblica", "republiek", "republiken"), "rep"),
    **dict.fromkeys(("democratic", "democratica", "democratique"), "dem"),
    "federation": "fed",
    "saint": "st",
    "sainte": "ste",
    "santa": "sta",
}
#: "And" between two words, in the languages of the names.
_AND = frozenset(
    ("&", "+", "a", "and", "e", "en", "et", "i", "ja", "och", "og", "und", "ve", "y", "и")
)
#: Full stops and apostrophes, which divide no words.
_INSIDE = str.maketrans("", "", ".'")
_WORDS = re.compile(r"[^\W_]+|[&+]")
#: A shorter one in ASCII is told by its accents: "Omã" is Oman, "oma" is nothing.
_KEY_LETTERS_MIN = 4
#: Longer than any name of a country, so that a long text costs nothing.
_CHARS_MAX = 150
#: Between two spellings of one country, as in "Schweiz/Suisse" and "Germany (DE)".
_BETWEEN = re.compile(r"[()/|,;]|\s[-\u2013]\s")


def country_code(text: str) -> str:
    """Return the alpha-2 code of a country's name or code; unknown text is returned trimmed.

    Known are the codes and names of the standard, the names of CLDR in the country's languages and
    in some large ones, and everyday names: in any case, without accents, abbreviated, and several
    together when they mean one country.
    """
    return (len(text) <= _CHARS_MAX and _known_code(text)) or text.strip()


@lru_cache(maxsize=1024)
def _known_code(text: str) -> str | None:
    if found := _codes().get(country_key(text)):
        return found
    parts = (part for part in _BETWEEN.split(text) if not is_blank(part))
    together = {_codes().get(country_key(part)) for part in parts}
    return together.pop() if len(together) == 1 else None


@cache
def _codes() -> dict[str, str]:
    codes = {key: code for code, keys in COUNTRY_NAMES.items() for key in keys.split()}
    for code, names in _EVERYDAY_NAMES.items():
        codes |= dict.fromkeys(map(country_key, names.split("|")), code)
    return codes


def country_key(name: str) -> str:
    """Return the form in which names of countries are compared.

    Letters and digits alone, without case, accents and the word "and", with common words
    abbreviated; what is short keeps its accents and dots, because it says too little without.
    """
    folded = fold(name)
    letters = unicodedata.normalize("NFD", folded.translate(_INSIDE)).translate(_LETTERS)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = _WORDS.findall(unicodedata.normalize("NFC", plain))
    last = len(words) - 1
    kept = (
        _SHORT_WORDS.get(word, word)
        for place, word in enumerate(words)
        if word != "the" and not (word in _AND and 0 < place < last)
    )
    key = "".join(kept)
    return folded if key.isascii() and len(key) < _KEY_LETTERS_MIN else key
