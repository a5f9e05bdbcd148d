"""The text of an API key: `ol_`, a letter for its scope, 256 random bits, and a checksum.

The checksum lets scanners for secrets, and this program, tell a key from anything else without a
database; it protects nothing.
"""

from __future__ import annotations

import re
import zlib

from onelead.domain.api_keys.purposes import KeyScope

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: So many digits hold 256 and 32 bits.
_RANDOM_CHARS, _CHECKSUM_CHARS = 43, 6
#: The letter of each scope; `u` is for whatever the user may do.
_LETTERS: dict[KeyScope | None, str] = {
    None: "u",
    KeyScope.DELIVER: "d",
    KeyScope.READ: "r",
    KeyScope.WRITE: "w",
    KeyScope.ADMIN: "a",
}
_PREFIX = f"ol_[{''.join(_LETTERS.values())}]_"
_WELL_FORMED = re.compile(f"{_PREFIX}[0-9A-Za-z]{{{_RANDOM_CHARS + _CHECKSUM_CHARS}}}", re.ASCII)
#: How the hashes of those without a text begin, which no SHA-256 does: sources of imports, whose
#: hash follows from the name, and keys of an account that was loaded.
SOURCE = "source:"
_NO_KEY = "no-key:"
#: Keys from before there were scopes have digits in the place of the letter.
_NEW = re.compile(_PREFIX)


def new_key_text(scope: KeyScope | None, random_bits: int) -> str:
    """Return the text of a key with 256 random bits."""
    body = f"ol_{_LETTERS[scope]}_{_base62(random_bits, _RANDOM_CHARS)}"
    return body + _checksum(body)


def no_key_hash(random_bits: int) -> str:
    """Return what is stored as the hash of an API key that nobody can use, of 256 random bits.

    It is as secret as a hash: the first one of a database is what only the database knows.
    """
    return f"{_NO_KEY}{random_bits:064x}"


def has_no_key(key_hash: str) -> bool:
    """Say whether the row of an API key only names a source, and no text is its key."""
    return key_hash.startswith((SOURCE, _NO_KEY))


def is_well_formed(text: str) -> bool:
    """Say whether a text can be a key that this program made; keys without a scope are not."""
    if _WELL_FORMED.fullmatch(text) is None:
        return False
    return _checksum(text[:-_CHECKSUM_CHARS]) == text[-_CHECKSUM_CHARS:]


def is_damaged(text: str) -> bool:
    """Say whether a text begins as a key with a scope does, and cannot be one."""
    return _NEW.match(text) is not None and not is_well_formed(text)


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_CHARS)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    assert number == 0
    return "".join(reversed(digits))
