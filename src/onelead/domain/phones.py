"""Phone numbers: the digits by which they are compared."""

from __future__ import annotations

import re

from onelead.domain.limits import LINE_CHARS_MAX, PHONE_DIGITS_MAX

#: What people write between the digits of a number.
PHONE_MARKS = dict.fromkeys(map(ord, "+-()./ \u00a0\u2010\u2011\u2013"))
_ASCII_MARKS = bytes(mark for mark in PHONE_MARKS if mark < 128)  # noqa: PLR2004 - ASCII ends
#: An extension and what follows it.
_EXTENSION = re.compile(
    r"""
    (?=[^\d\s()/+.-])(?:                 # what is usual begins none of them: this is faster
      ;\s*[a-z][a-z-]*=.*                # parameters of RFC 3966
    | (?<![^\W\d_])                      # words, next to no other letter
        (?:[x\uff58]|ext(?:n|en|ension|ensi[oó]n|ensão)?|xtn?
          |app(?:arat)?|nst|nebenstelle|durchwahl|dw|klappe
          |poste|int(?:erno)?|anexo|ramal|toestel|tst|ankn(?:ytning)?|lokal|dahili
          |wewn?|linka|klapka|доб(?:авочный)?|внутр)
        (?![^\W\d_])[\s.:)-]*\d{1,7}(?!\d).*
    | (?:内線|分机|分機|转|轉|내선)\D{0,3}\d.*
    | [#\uff03]\s*\d{1,7}\D*$                # elsewhere the sign is part of a code
    | ,,\s*\d{1,9}[\s#]*$                # a pause, and what the telephone dials then
    )
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
#: With fewer digits before it, it is the extension of no number.
_BEFORE_EXTENSION = re.compile(r"(?:\D*\d){5}")


def main_number(number: str) -> str:
    """Return a phone number as it was written, without its extension."""
    before = _BEFORE_EXTENSION.match(number)
    extension = before and _EXTENSION.search(number, before.end())
    return number[: extension.start()] if extension else number


def phone_digits(number: str) -> str:
    """Return the digits of a phone number without its extension.

    Keys hold them reversed, to be found by their end. No number is longer than LINE_CHARS_MAX.
    """
    number = number[:LINE_CHARS_MAX]
    if number.isascii():
        # Bytes are translated in half the time.
        digits = number.encode().translate(None, _ASCII_MARKS).decode()
    else:
        digits = number.translate(PHONE_MARKS)
    if not digits.isdecimal():
        # Few numbers have anything else.
        digits = "".join(filter(str.isdecimal, main_number(number)))
    digits = digits[-PHONE_DIGITS_MAX:]
    # Other scripts have their own decimal digits.
    return digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)
