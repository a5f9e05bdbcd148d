"""A person's full name and its parts, and a company's name in the field of a person's.

`nameparser` splits names. Its answer for two to four plain words is known without a call, which
takes a hundredth of the time on the write path (`docs/decisions/0007-names.md`).
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from operator import itemgetter

from nameparser import Lexicon, Parser

from onelead.domain.text import is_blank

#: By the lead's field name.
NameParts = dict[str, str | None]
#: In the order of a written name.
NAME_PARTS = ("prefix", "first_name", "middle_name", "last_name", "suffix")
_FAMILY_FIRST = ("prefix", "last_name", "first_name", "middle_name", "suffix")

_DIPLOMAS = frozenset(
    f"dipl.-{subject}"
    for subject in (
        *("betriebsw", "biol", "chem", "des", "geogr", "geol", "hdl", "inf", "ing", "jur", "kff"),
        *("kffr", "kfm", "kulturw", "math", "met", "oec", "paed", "phys", "pol", "psych", "päd"),
        *("soz", "sozpäd", "stat", "volksw", "wirt.-inf", "wirt.-ing"),
    )
)
#: What `nameparser` does not know as a title. It takes a word of several parts for a title when
#: one of the parts is ("Univ.-Prof.").
_TITLES = _DIPLOMAS | {"ass.-prof", "assoz", "dipl", "dipl-ing", "jun.-prof", "siv.ing", "univ"}
#: Degrees in capitals, and family names in small letters; some of them `nameparser` knows as
#: degrees alone.
_DEGREES_OR_NAMES = frozenset({"aas", "bba", "dba", "frcs", "llb", "msw", "pla"})
#: Titles that are more often a first name when a last name is all that follows.
_FIRST_NAMES = frozenset(
    (
        *("baba", "bard", "baron", "bishop", "blessed", "canon", "chancellor", "deacon"),
        *("empress", "goodman", "imam", "judge", "king", "lamido", "majesty", "marquis"),
        *("marquise", "mystery", "navy", "pharaoh", "pope", "prince", "princess", "queen"),
        *("ranger", "rock", "royal", "sailor", "saint", "sheriff", "sultan", "sultana", "timi"),
    )
)

#: `nameparser` reads word by word, so a blank inside a degree is this, which is no character, while
#: it reads.
_HELD = "\ufdd0"
_DEGREES = re.compile(
    r"(?<!\S)(?:(?:(?i:d*dr|prof)\.? (?:h\. ?c\.|[eE]\. ?h\.|n\. ?med\.|sc\. ETH|a\. ?D\.)"
    r"(?: mult\.)?|[BM]\. (?:Sc|Eng|Ed)\.|LL\. [BM]\.)(?![^\s,])"
    r"|(?P<initials>[BM]\. A\.)(?=,|$))"
)
_HELD_TITLES = frozenset(
    f"{title}{_HELD}{'.'.join((kind, *several))}"
    for title in ("dr", "dr.", "prof", "prof.")
    for blank in ("", _HELD)
    for kind in (f"h.{blank}c", f"e.{blank}h", f"n.{blank}med", f"a.{blank}d", f"sc.{_HELD}eth")
    for several in ((), (f"{_HELD}mult",))
)
_HELD_SUFFIXES = frozenset(
    f"{degree}.{_HELD}{subject}"
    for degree, subject in (
        *((degree, subject) for degree in "bm" for subject in ("a", "ed", "eng", "sc")),
        *(("ll", degree) for degree in "bm"),
    )
)

#: Emoji, other pictures and flags, each with what joins, colours or ends it.
_PICTURES = re.compile(
    "(?:[#*0-9]\ufe0f?\u20e3|[\u2190-\u23ff\u2460-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\U0001f000-\U0001faff])[\u200d\u20e3\ufe0e\ufe0f\U000e0020-\U000e007f]*"
)


_LETTER = "[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]"
_LATIN = re.compile(rf"{_LETTER}+(?:[-'\u2019]{_LETTER}+)*").fullmatch
#: How many plain words may be between the first and the last one.
_MIDDLE_COUNTS = range(3)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RUSSIAN_FORMS = _words("ооо оао зао пао")  # noqa: RUF001 - Cyrillic
#: Legal forms that no person's name has, in lower case; a place or a branch may follow them.
_FORMS = _RUSSIAN_FORMS | _words(
    "bvba cvba eireli eurl gesmbh ggmbh gmbh inc incorporated kgaa llc lllp llp ltd ltda mbh nyrt "
    "pjsc pllc plc pty sarl sasu sprl srl zrt"
)
#: Those that come last.
_FORMS_AT_END = _words(
    "aps asbl bhd bv cjsc corp corporation ehf eood fzco fze gbr holding holdings jsc kft lda "
    "limited nv ohg ojsc ood oy oyj snc tbk uab vof vzw wll şti"
)
#: Those that are words, names or initials unless they are written in capitals.
_CAPITALS_AT_END = _words("AB AG AS ASA AŞ KG KK OÜ SA SAS SAU SE SIA SL SLU SPA UG")
#: Those that are told by their dots or their stroke.
_ABBREVIATED_FORMS = re.compile(
    r"\s(?:(?i:s\.a(?:\.[bsu])?|s\.l(?:\.u)?|s\. ?p\. ?a|s\. ?r\. ?l|[bcn]\.v|k\.k|a\.ş"
    r"|s\.? ?r\. ?o|d\. ?o\. ?o|o\. ?o|[aikps]/[as])|a\. ?s|d\. ?d|e\. ?[GKV]|sp\. ?[jk])\.?$"
)
_PARTNERS = re.compile(
    r"\s(?:(?:&|\+|and|e|en|et|och|og|und|y)\s"
    r"(?:associates|cia|cie|company|co|cía|figli|fils|hijos|partners?|sons?|söhne)|co(?=\.))\.?$",
    re.IGNORECASE,
)
#: Those that come first: in any case, and in capitals.
_FORMS_IN_FRONT, _CAPITALS_IN_FRONT = _RUSSIAN_FORMS | {"firma"}, frozenset({"PT", "UAB"})
#: The forms of languages that can write them against the name.
_UNSPACED_FORMS = re.compile(
    "株式会社|有限会社|合同会社|㈱|㈲|[(\uff08]株[)\uff09]|有限公司|股份公司|集团|集團"
    '|주식회사|유한회사|㈜|\\(주\\)|บริษัท|בע["\u05f4]מ|شركة'
)
#: What is written beside a name, as a nickname or an employer is.
_ASIDE = re.compile(
    '\\((?![株주]\\))[^()]*\\)|\uff08(?!株\uff09)[^\uff08\uff09]*\uff09|"[^"]*"|“[^”]*”'
)
#: After these, "SA" is a Portuguese family name.
_PARTICLES_BEFORE_SA = frozenset({"da", "das", "de", "do", "dos"})
_PUNCTUATION = str.maketrans("", "", ".,;")


def split_name(name: str) -> NameParts:
    """Split a full name; a name that cannot be split, as a company's, is all `first_name`.

    Pictures are part of no part, unless the name has nothing else.
    """
    prefix, first, middle, last, suffix = _split(name)
    return {
        "prefix": prefix or None,
        "first_name": first or None,
        "middle_name": middle or None,
        "last_name": last or None,
        "suffix": suffix or None,
    }


def _split(name: str) -> tuple[str, str, str, str, str]:
    match name.split():
        case [first, last] if _is_plain(first) and _is_plain(last):
            return "", first, "", last, ""
        case [first, *middle, last] if (
            len(middle) in _MIDDLE_COUNTS
            # A letter at the end may belong to a legal form.
            and len(last) > 1
            and _is_plain(last)
            and all(_is_plain(word) or _is_initial(word) for word in (first, *middle))
        ):
            return "", first, " ".join(middle), last, ""
    return _split_by_all_rules(name)


@lru_cache(maxsize=4096)
def _split_by_all_rules(name: str) -> tuple[str, str, str, str, str]:
    words = name.split() if name.isascii() else _visible_words(name)
    return ("", words[0], "", "", "") if len(words) == 1 else _read(words)


def _visible_words(name: str) -> list[str]:
    """Return the words of a name without pictures, or all of it when it has only pictures."""
    words = [word for word in _PICTURES.sub(" ", name).split() if not is_blank(word)]
    return words or [" ".join(word for word in name.split() if not is_blank(word))]


def _is_plain(word: str) -> bool:
    """Return whether a word has only letters, perhaps in several parts, and is only a name."""
    if not (word.isascii() and word.isalpha()) and not _LATIN(word):
        return False
    lower = word.lower()
    # `nameparser` recognises Roman numerals by their shape; its word lists do not have them.
    if lower.strip("ivx\u0131") == "" or lower in _special_words():
        return False
    return "-" not in word or _special_words().isdisjoint(lower.split("-"))


def _is_initial(word: str) -> bool:
    return len(word) == len("A.") and word[1] == "." and _is_plain(word[0])


@cache
def _special_words() -> frozenset[str]:
    """Return the words that may be something other than a name, or a part of it."""
    lexicon = _parser().lexicon
    terms = frozenset().union(
        *(lexicon.titles, lexicon.given_name_titles, lexicon.after_given_titles),
        *(lexicon.particles, lexicon.particles_ambiguous, lexicon.bound_given_names),
        *(lexicon.conjunctions, lexicon.conjunctions_ambiguous, lexicon.maiden_markers),
        *(lexicon.suffix_words, lexicon.suffix_acronyms, lexicon.suffix_acronyms_ambiguous),
        *(lexicon.honorific_tails, _words_of_companies()),
    )
    return terms.union(*(term.split() for term in terms if " " in term))


@cache
def _parser() -> Parser:
    lexicon = Lexicon.default().add(
        titles=_TITLES | _HELD_TITLES,
        suffix_words=_DIPLOMAS | _HELD_SUFFIXES,
        suffix_acronyms=_DEGREES_OR_NAMES,
        suffix_acronyms_ambiguous=_DEGREES_OR_NAMES,
    )
    return Parser(lexicon)


def _read(words: list[str]) -> tuple[str, str, str, str, str]:
    """Split the words of a name by all rules."""
    text = " ".join(words)
    if _is_company(words):
        return "", text, "", "", ""
    name = _parser().parse(_DEGREES.sub(_held, text))
    prefix, first, middle, last, suffix = (
        "" if is_blank(part) else part.replace(_HELD, " ")
        for part in (name.title, name.given, name.middle, name.family, name.suffix)
    )
    if not first and not last:
        return "", text, "", "", ""
    if not (prefix or first or middle or suffix or " " in last):
        # `nameparser` takes a lone name beside a nickname for a family name.
        return "", last, "", "", ""
    if not (first and last) and not middle:
        *titles, word = prefix.split() or [""]
        if word.lower() in _FIRST_NAMES and _are_salutations(titles):
            prefix, first, last = " ".join(titles), word, first or last
    return prefix, first, middle, last, suffix


def _is_company(words: list[str]) -> bool:
    """Return whether the words of a name are those of a company.

    A form in capitals after a comma is left to be a degree, as in "Nora Field, ASA".
    """
    name = " ".join(_ASIDE.sub(" ", " ".join(words)).split())
    if _UNSPACED_FORMS.search(name) or _ABBREVIATED_FORMS.search(name) or _PARTNERS.search(name):
        return True
    written = [word.translate(_PUNCTUATION) for word in name.split()]
    if len(written) < 2:  # noqa: PLR2004 - a form alone is nobody's
        return False
    first, *others = (word.lower() for word in written)
    if first in _FORMS_IN_FRONT or written[0] in _CAPITALS_IN_FRONT:
        return True
    if others[-1] in _FORMS_AT_END or not _FORMS.isdisjoint(others):
        return True
    before, last = name.split()[-2:]
    is_degree_or_name = before[-1] == "," or before.lower() in _PARTICLES_BEFORE_SA
    return last in _CAPITALS_AT_END and not is_degree_or_name


def _words_of_companies() -> frozenset[str]:
    capitals = _CAPITALS_AT_END | _CAPITALS_IN_FRONT
    partners = _words("e en et och og und y")
    return _FORMS | _FORMS_AT_END | _FORMS_IN_FRONT | partners | {word.lower() for word in capitals}


def _held(found: re.Match[str]) -> str:
    # Right after a family name and a comma, or one name, "M. A." are two initials.
    is_degree = not found["initials"] or found.string.count(" ", 0, found.start()) > 1
    return found[0].replace(" ", _HELD) if is_degree else found[0]


def _are_salutations(titles: list[str]) -> bool:
    known = _parser().lexicon.after_given_titles | {"dr", "herr", "hr", "ms", "prof"}
    return all(title.lower().strip(".") in known for title in titles)


def join_name(parts: NameParts) -> str:
    """Return the full name made of the parts, in the order in which it would be split again.

    The family name comes first where names are written so, as in Chinese, Japanese and Korean.
    """
    return " ".join(part.strip() for field in _order(parts) if (part := parts[field]))


def _order(parts: NameParts) -> tuple[str, ...]:
    first, last = parts["first_name"], parts["last_name"]
    if not first or not last or first.isascii():
        return NAME_PARTS
    is_family_first = _split(f"{last} {first}") == ("", first, "", last, "")
    return _FAMILY_FIRST if is_family_first else NAME_PARTS


def renamed(name: str, before: NameParts, after: NameParts) -> str:
    """Return a written name after its parts changed; the words of no part stay where they are.

    Nicknames, maiden names, employers and the order "Last, First" are kept in this way. A title
    goes to the front and a suffix to the end, unless it is there; a first, middle or last name
    replaces the old one, or is put beside its neighbour. Where the old one is not written exactly
    once, the name is made of the parts, as `join_name` does. Without any part it is empty.
    """
    if not any(after.values()):
        return ""
    text = _with_names(name, before, after)
    if text is None:
        return join_name(after)
    for title in ("prefix", "suffix"):
        if before[title] != after[title]:
            text = _with_title(text, title, before, after)
    return text


_NAMES = ("first_name", "middle_name", "last_name")
#: Where a name goes that was not there before: to an end of the first neighbour that is written.
_NEIGHBOURS = {
    "first_name": (("middle_name", 0), ("last_name", 0)),
    "middle_name": (("first_name", 1), ("last_name", 0)),
    "last_name": (("middle_name", 1), ("first_name", 1)),
}
#: Stands for what is not looked into while a part is looked for; it is no character.
_MASK = "\ufdd0"
_IS_FRONT = re.compile(rf"(?:.*,)?[\s{_MASK}]*", re.DOTALL).fullmatch
_IS_END = re.compile(rf"[\s{_MASK}]*(?:,.*)?", re.DOTALL).fullmatch


def _with_names(name: str, before: NameParts, after: NameParts) -> str | None:
    """Return a written name with its new names, or None when it is to be made of the parts."""
    changed = [part for part in _NAMES if before[part] != after[part]]
    if not changed:
        return name
    if join_name(before) == " ".join(name.split()):
        return None
    edits = []
    # From the end, so that the places before it stay.
    for part in reversed(changed):
        place = _place(name, before[part]) if before[part] else _place_beside(name, part, before)
        if place is None:
            return None
        edits.append((*place, after[part] or ""))
    written, rest = "", len(name)
    for start, end, new in sorted(edits, key=itemgetter(0), reverse=True):
        if end > rest:
            return None
        written, rest = f" {new} {name[end:rest]}{written}", start
    return _tidied(name[:rest] + written)


def _place_beside(name: str, part: str, before: NameParts) -> tuple[int, int] | None:
    for neighbour, end in _NEIGHBOURS[part]:
        if place := _place(name, before[neighbour]):
            return place[end], place[end]
    return None


def _place(name: str, part: str | None) -> tuple[int, int] | None:
    """Return where a part is written, if it is exactly once."""
    places = _places(_masked(name), part)
    return places[0] if len(places) == 1 else None


def _places(name: str, part: str | None) -> list[tuple[int, int]]:
    words = [re.escape(word) for word in (part or "").replace(",", " ").split()]
    if not words:
        return []
    written = r"[\s,]+".join(words)
    return [found.span() for found in re.finditer(rf"(?<![^\s,]){written}(?![^\s,])", name)]


def _masked(name: str) -> str:
    return _ASIDE.sub(lambda found: _MASK * len(found[0]), name)


def _with_title(name: str, title: str, before: NameParts, after: NameParts) -> str:
    """Return a written name with its new prefix or suffix, which is never put there twice."""
    start, end = _title_place(name, title, before, after)
    left, right, new = name[:start], name[end:], after[title] or ""
    words = _loose_words(new)
    beside = _loose_words(right)[: len(words)] if title == "prefix" else _loose_words(left)
    if beside[-len(words) :] == words:
        new = ""
    return _tidied(f"{left} {new} {right}")


def _title_place(name: str, title: str, before: NameParts, after: NameParts) -> tuple[int, int]:
    """Return where the old prefix or suffix is written, or else where the new one goes.

    It is written at the front or the end of the name, or of one side of its comma.
    """
    masked, old = _masked(name), before[title]
    places = _places(masked, old)
    if len(places) <= sum(len(_places(after[part] or "", old)) for part in _NAMES):
        # The first name of "Prince Okoro" is no prefix.
        places = []
    if title == "prefix":
        return next((at for at in places if _IS_FRONT(masked[: at[0]])), (0, 0))
    end = len(name)
    return next((at for at in reversed(places) if _IS_END(masked[at[1] :])), (end, end))


def _loose_words(text: str) -> list[str]:
    return [word.strip(".,").casefold() for word in text.split()]


def _tidied(name: str) -> str:
    """Return a name without the blanks and commas that a word has left behind."""
    return re.sub(r"\s*,[\s,]*", ", ", " ".join(name.split())).strip(" ,")
