"""Names what came in the place of JSON in UTF-8: another encoding, a form, a compressed file."""

from __future__ import annotations

import json
import re

from onelead.domain.text import shortened

_GZIP_MAGIC = b"\x1f\x8b"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)


def what_came(body: bytes, content_type: str) -> str | None:
    """Return what an unreadable body is, as the end of a sentence about it; None for plain JSON.

    The content type counts only where the body itself does not look like JSON: many clients send
    JSON under a wrong one.
    """
    if body.startswith(_GZIP_MAGIC):
        return "is gzip, which no Content-Encoding names"
    if encoding := _wide_encoding(body):
        return f"is {encoding}; send UTF-8"
    media_type = content_type.partition(";")[0].strip().lower()
    if not body.lstrip().startswith((b"{", b"[")) and not media_type.endswith("json"):
        if media_type in _FORMS:
            return f"is a form ({media_type}); send JSON"
        if media_type:
            return f"is {shortened(media_type)}; send JSON"
    return _not_utf_8(body, content_type)


def _wide_encoding(body: bytes) -> str | None:
    """Return `UTF-16` or `UTF-32` for text that is encoded so."""
    encoding = json.detect_encoding(body)
    if not encoding.startswith(("utf-16", "utf-32")):
        return None
    try:
        body.decode(encoding)
    except ValueError:
        return None
    return encoding[: len("utf-16")].upper()


def _not_utf_8(body: bytes, content_type: str) -> str | None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        charset = _CHARSET.search(content_type)
        if charset and charset[1].lower() not in ("utf-8", "utf8"):
            return f"is {shortened(charset[1])}; send UTF-8"
        return f"is not UTF-8 (byte {error.start} is 0x{body[error.start]:02x}); send UTF-8"
    return None
