"""E-mail addresses: what in a text is one, and the form in which two are compared.

Addresses are kept as they were sent; only their keys are compared. `docs/matching.md` explains the
rules to people.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.text import normalised, visible

_LABEL = "[a-z0-9_][a-z0-9_-]*"
_LABELS = rf"{_LABEL}(?:\.{_LABEL})*"
_PLAIN = re.compile(rf"(?!['.!?])[a-z0-9.!#$%&*+/=?^_~'`-]+@{_LABELS}")
_PLAIN_DOMAIN = re.compile(_LABELS)
#: The name that programs put before an address in angle brackets.
_NAMED = re.compile(r"[^<>]*<([^<>]*)>[\s.,;:]*")
#: Quotes of all kinds, brackets, punctuation and white space.
_WRAPPING = (
    "\"'\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a()[]<>.\u3002,;:!? \t\r\n"
)
#: No longer text is an e-mail or a list of some. No key has more than LINE_CHARS_MAX.
_TEXT_CHARS_MAX = 2 * LINE_CHARS_MAX
#: Nobody has more; each may have a domain that takes long to encode.
_ADDRESSES_MAX = 10
#: Between the addresses of a list.
_BETWEEN = re.compile(r"[\s,;|]+")
#: No part of a local part, unless it is quoted, which no address in use is; braces may be in one,
#: but are of a template that was not filled in.
_NOT_LOCAL = re.compile(r"[\s\x00-\x1f\x7f@<>(){}\[\]\\,;:\"]")


def email_keys(text: str) -> tuple[str, ...]:
    """Return the keys of the addresses in a text: none if it has none, several for a list.

    A key has no wrapper (`mailto:`, `Name <...>`, quotes, trailing punctuation), its domain is
    encoded by IDNA 2008, and both parts are in lower case. Case is not folded any further: the
    mailboxes `weiß@` and `weiss@` are two.
    """
    if len(text) > _TEXT_CHARS_MAX:
        return ()
    lower = text.lower()
    if text.isascii() and len(text) <= LINE_CHARS_MAX and _PLAIN.fullmatch(lower):
        return (lower,)
    return tuple(_read(text))


def addresses_in(text: str) -> tuple[str, ...]:
    """Return the addresses that have these keys as they are written, without their wrappers."""
    keys = email_keys(text)
    if len(keys) == 1 and len(keys[0]) == len(text):
        return (text,)
    return tuple(_read(text).values()) if keys else ()


@lru_cache(maxsize=4096)
def _read(text: str) -> dict[str, str]:
    """Return the addresses of a text, as they are written, by their keys."""
    addresses = _BETWEEN.split(_unwrapped(visible(normalised("NFKC", text))))
    if len(addresses) > _ADDRESSES_MAX:
        return {}
    found: dict[str, str] = {}
    for address in addresses:
        if (key := _key(address)) is None:
            # A text with anything else beside its addresses is not one that was sent as an address.
            return {}
        found.setdefault(key, _unwrapped(address))
    return found


def _unwrapped(text: str) -> str:
    """Take off what programs and people put around an address."""
    if (named := _NAMED.fullmatch(text)) is not None:
        text = named[1]
    text = text.strip(_WRAPPING)
    if text[:7].lower() == "mailto:":
        text = unquote(text[7:].partition("?")[0])
    return text.strip(_WRAPPING)


def _key(address: str) -> str | None:
    local, at, domain = _unwrapped(address).rpartition("@")
    if not at or not local or _NOT_LOCAL.search(local):
        return None
    encoded = _encoded_domain(domain)
    # A small letter may have another composed form than its capital.
    key = f"{normalised('NFKC', local.lower())}@{encoded}"
    return key if encoded and len(key) <= LINE_CHARS_MAX else None


def _encoded_domain(domain: str) -> str | None:
    """Return a domain in lower case, with its Unicode labels encoded; None if it is no domain."""
    lower = domain.lower()
    if lower.isascii():
        return lower if _PLAIN_DOMAIN.fullmatch(lower) else None
    # Its tables are large; most processes never need them.
    import idna  # noqa: PLC0415

    try:
        return str(idna.encode(domain, uts46=True), "ascii")
    except idna.IDNAError:
        return None
