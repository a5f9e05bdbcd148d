"""Placeholders: texts that forms, sheets and programs send in the place of a value.

They identify nobody: two people whose e-mail is "n/a" are not one. Each account has a list of its
own, which begins as `DEFAULT_PLACEHOLDERS`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.text import fold, too_long

#: Stands for any text inside an entry of the list, which is otherwise a whole text.
ANY_TEXT = "..."

DEFAULT_PLACEHOLDERS = (
    *("n/a", "n.a.", "na", "#n/a", "n.v.", "k.a.", "s/o", "nan", "nil", "null", "none", "0"),
    *("(none)", "<none>", "empty", "(empty)", "blank", "(blank)", "undefined", "unknown"),
    *("(unknown)", "not available", "not applicable", "not provided", "not specified"),
    *("no email", "no e-mail", "noemail", "no name", "anonymous", "tbd", "tba"),
    *("unbekannt", "keine angabe", "inconnu", "aucun", "desconocido", "ninguno"),
    *("#ref!", "#value!", "#name?", "#null!", "#div/0!", "#error!", "[object object]"),
    *("{{...}}", "{%...%}", "${...}", "#{...}", "{...}", "[[...]]", "<%...%>", "%...%"),
    *("*|...|*", "<<...>>", "[email]", "[name]"),
)

_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def placeholder_problem(entry: str) -> str | None:
    """Say why a text cannot be in the list; None if it can."""
    if len(entry) > LINE_CHARS_MAX:
        return too_long(LINE_CHARS_MAX)
    if entry.count(ANY_TEXT) > 1:
        return f"may have {ANY_TEXT} only once"
    if not fold(entry).replace(ANY_TEXT, ""):
        return f"would cover every text, because it has nothing beside {ANY_TEXT}"
    return None


class Placeholders:
    """An account's list, compiled."""

    def __init__(self, entries: Iterable[str]) -> None:
        folded = [fold(entry) for entry in entries]
        self._whole = {entry for entry in folded if ANY_TEXT not in entry}
        patterns = (
            ".*".join(map(re.escape, entry.split(ANY_TEXT)))
            for entry in folded
            if ANY_TEXT in entry
        )
        self._patterns = re.compile("|".join(patterns) or "(?!)")
        self._whole_chars_max = max(map(len, self._whole), default=0)
        #: How the texts of the patterns can begin; asked first, because few texts do.
        self._starts = {entry.split(ANY_TEXT)[0][:1] for entry in folded if ANY_TEXT in entry}
        self._can_begin_anyhow = "" in self._starts

    def may_have(self, text: str) -> bool:
        """Return False for most texts that are none, in a part of the time; any other text may be.

        The text has no white space around it.
        """
        if not text.isascii() or "  " in text or self._can_begin_anyhow:
            return True
        first = text[:1]
        if first.lower() in self._starts or not (first.isalnum() or text[-1:].isalnum()):
            return True
        return len(text) <= self._whole_chars_max and text.lower() in self._whole

    def have(self, text: str) -> bool:
        """Return whether a text is a placeholder, in any case and spacing.

        A text of nothing but punctuation is one, whatever the list has. No longer text is one.
        """
        return len(text) <= LINE_CHARS_MAX and self.have_folded(fold(text))

    def have_folded(self, folded: str) -> bool:
        """Return the same for a text that is folded already."""
        if folded in self._whole:
            return True
        start = folded[:1]
        may_match = self._can_begin_anyhow or start in self._starts
        if may_match and self._patterns.fullmatch(folded):
            return True
        # Most texts begin with a letter or a digit, and need not be searched for one.
        if start.isalnum():
            return False
        return _LETTER_OR_DIGIT.search(folded) is None and all(map(_is_punctuation, folded))


def _is_punctuation(char: str) -> bool:
    # Of the symbols, an emoji is the name of somebody.
    return unicodedata.category(char) not in ("So", "Lm", "Mn", "Mc")
