"""A person's full name and its parts.

`nameparser` splits names. Its answer for two plain words is known without a call, which saves
about 70 microseconds on the write path (`docs/decisions/0007-names.md`).
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from nameparser import HumanName, Lexicon

#: By the lead's field name.
NameParts = dict[str, str | None]
#: In the order of a written name.
NAME_PARTS = ("prefix", "first_name", "middle_name", "last_name", "suffix")
# `nameparser` recognises these by their shape; its word lists do not have them.
_ROMAN_NUMERAL = re.compile("[IVX]+", re.IGNORECASE)


def split_name(name: str) -> NameParts:
    """Split a full name; a name that cannot be split is all `first_name`."""
    return {field: part or None for field, part in zip(NAME_PARTS, _split(name), strict=True)}


@lru_cache(maxsize=4096)
def _split(name: str) -> tuple[str, str, str, str, str]:
    words = name.split()
    match words:
        case [word]:
            return "", word, "", "", ""
        case [first, last] if _is_plain(first) and _is_plain(last):
            return "", first, "", last, ""
    human = HumanName(" ".join(words))
    if not human.first and not human.last:
        return "", " ".join(words), "", "", ""
    return human.title, human.first, human.middle, human.last, human.suffix


def _is_plain(word: str) -> bool:
    is_word = word.isascii() and word.isalpha() and not _ROMAN_NUMERAL.fullmatch(word)
    return is_word and word.lower() not in _special_words()


@cache
def _special_words() -> frozenset[str]:
    """Return the words that `nameparser` may take for something other than a name."""
    lexicon = Lexicon.default()
    return frozenset().union(
        *(lexicon.titles, lexicon.given_name_titles, lexicon.after_given_titles),
        *(lexicon.particles, lexicon.particles_ambiguous, lexicon.bound_given_names),
        *(lexicon.conjunctions, lexicon.conjunctions_ambiguous, lexicon.maiden_markers),
        *(lexicon.suffix_words, lexicon.suffix_acronyms, lexicon.suffix_acronyms_ambiguous),
        lexicon.honorific_tails,
    )


def join_name(parts: NameParts) -> str:
    """Return the full name made of the parts."""
    return " ".join(part for field in NAME_PARTS if (part := parts[field]))
