"""Finds text that an earlier program garbled by reading UTF-8 as windows-1252."""

from __future__ import annotations

import re

#: What the bytes 0x80 to 0x9f are in windows-1252; five are nothing there and stay as they are.
_HIGH = bytes(range(0x80, 0xA0))
_BYTE_OF = {
    ord(_HIGH[at : at + 1].decode("cp1252", "ignore") or chr(byte)): chr(byte)
    for at, byte in enumerate(_HIGH)
}
_TAIL = "\u0080-\u00bf" + "".join(map(chr, _BYTE_OF))
#: The first byte of a character in UTF-8 and those that follow it, as that reading shows them.
_GARBLED = re.compile(
    f"[\u00c2-\u00df][{_TAIL}]|[\u00e0-\u00ef][{_TAIL}]{{2}}|[\u00f0-\u00f4][{_TAIL}]{{3}}"
)
#: Where one may begin: searching for this is several times as fast.
_SIGN = re.compile(f"[\u00c2-\u00f4][{_TAIL}]")
#: What such characters mostly were. Others are rather what somebody wrote, such as an É before a
#: closing quotation mark.
_LIKELY = re.compile(
    "[\u00a0-\u017f\u0370-\u04ff\u2010-\u203a\u20ac\u2122\uff01-\uffee\U0001f300-\U0001faff]"
)


def repaired(text: str) -> str | None:
    """Return what a text probably was before it was garbled; None for a text that looks right."""
    if text.isascii() or not _SIGN.search(text):
        return None
    found = _GARBLED.sub(_character, text)
    return None if found == text else found


def _character(found: re.Match[str]) -> str:
    try:
        character = found[0].translate(_BYTE_OF).encode("latin-1").decode()
    except UnicodeError:
        return found[0]
    return character if _LIKELY.match(character) else found[0]
