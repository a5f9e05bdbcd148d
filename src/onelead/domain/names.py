"""A person's name: the whole, and its parts.

The splitting is `nameparser`'s. Its answer for two plain words is known without asking it, which
saves about 70 microseconds on the write path (`docs/decisions/0007-names.md`).
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from nameparser import HumanName, Lexicon

#: By the lead's field name.
NameParts = dict[str, str | None]
#: In the order in which a name is written.
NAME_PARTS = ("prefix", "first_name", "middle_name", "last_name", "suffix")
# `nameparser` knows these by their shape; they are in none of its word lists.
_ROMAN_NUMERAL = re.compile("[IVX]+", re.IGNORECASE)


def split_name(name: str) -> NameParts:
    """Split a full name; what cannot be told apart stands in `first_name`."""
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
    """Return the words that `nameparser` may take for something else than a name."""
    lexicon = Lexicon.default()
    return frozenset().union(
        *(lexicon.titles, lexicon.given_name_titles, lexicon.after_given_titles),
        *(lexicon.particles, lexicon.particles_ambiguous, lexicon.bound_given_names),
        *(lexicon.conjunctions, lexicon.conjunctions_ambiguous, lexicon.maiden_markers),
        *(lexicon.suffix_words, lexicon.suffix_acronyms, lexicon.suffix_acronyms_ambiguous),
        lexicon.honorific_tails,
    )


def join_name(parts: NameParts) -> str:
    """Return the full name that the parts make."""
    return " ".join(part for field in NAME_PARTS if (part := parts[field]))
