"""Numbers in files: the decimal sign of a column, and what people write around a number."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from onelead.domain.limits import LINE_CHARS_MAX

DecimalSign = Literal[",", "."]
#: A sign that does not tell which it is, because it may be either: 1.234.
OPEN: Literal["open"] = "open"

#: Signs and codes of currencies, percent signs, and blanks and apostrophes between thousands.
_AROUND = re.compile(
    r"[\s'\u2019%\u00a4$\u00a2-\u00a5\u20a0-\u20cf]+|^[A-Za-z]{2,3}\.?(?=[\s\d(-])|[A-Z]{3}$|kr\.?$|,-+$|\.-+$"
)
_BODY = re.compile(r"\d[\d.,]*|[.,]\d+")
_EXPONENT = re.compile(r"(\d+(?:[.,]\d+)?)[eE]([+-]?\d{1,3})")
#: What programs write.
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_THREE = 3


def _body(text: str) -> tuple[str, str]:
    """Return the sign of a number, and its digits with their separators; empty for no number."""
    if len(text) > LINE_CHARS_MAX:
        return "", ""
    text = _AROUND.sub("", text.strip())
    is_negative = (
        text[:1] in ("-", "\u2212") or text[-1:] == "-" or (text[:1], text[-1:]) == ("(", ")")
    )
    body = text.strip("+-\u2212()")
    is_number = _BODY.fullmatch(body) or _EXPONENT.fullmatch(body)
    return ("-" if is_negative else ""), body if is_number and body.isascii() else ""


def decimal_evidence(text: str) -> DecimalSign | Literal["open"] | None:
    """Return which decimal sign a number shows that it has; None if that makes no difference."""
    body = _body(text)[1]
    if (exponent := _EXPONENT.fullmatch(body)) is not None:
        return None if exponent[1].isdigit() else ("," if "," in exponent[1] else ".")
    commas, points = body.count(","), body.count(".")
    if not commas and not points:
        return None
    if commas and points:
        return "," if body.rindex(",") > body.rindex(".") else "."
    sign: DecimalSign = "," if commas else "."
    if commas + points > 1:
        return "." if sign == "," else ","
    before, _, after = body.partition(sign)
    is_open = len(after) == _THREE and 1 <= len(before) <= _THREE and not before.startswith("0")
    return OPEN if is_open else sign


def plain_number(text: str, decimal: DecimalSign | None) -> str | None:
    """Return a number as the API reads it, with a point; None if it is not one.

    Without a decimal sign for the column, a number that may be either is none.
    """
    if decimal == "." and _PLAIN.fullmatch(text):
        return text
    sign, body = _body(text)
    if not body:
        return None
    if (exponent := _EXPONENT.fullmatch(body)) is not None:
        return f"{sign}{exponent[1].replace(',', '.')}e{exponent[2]}"
    if decimal is None:
        evidence = decimal_evidence(body)
        if evidence == OPEN:
            return None
        decimal = evidence or "."
    whole, point, fraction = body.partition(decimal)
    groups = whole.split("." if decimal == "," else ",")
    is_grouped = len(groups) == 1 or (
        1 <= len(groups[0]) <= _THREE and all(len(one) == _THREE for one in groups[1:])
    )
    digits = "".join(groups)
    if not is_grouped or not (digits + fraction).isdigit():
        return None
    return f"{sign}{digits or '0'}{point and '.'}{fraction}" if fraction else f"{sign}{digits}"


def written_number(value: float) -> str:
    """Write a number for a file, so that nobody has to ask what its point is: 1.234 as 1.2340."""
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    text = text.removesuffix(".0")
    return f"{text}0" if decimal_evidence(text) == OPEN else text


_CURRENCY_SIGNS = {
    "\u20ac": "EUR",
    "\u00a3": "GBP",
    "\u20b9": "INR",
    "\u20bd": "RUB",
    "\u20ba": "TRY",
}
_CODE = re.compile(r"(?<![A-Za-z])([A-Z]{3})(?![A-Za-z])")


def currency_in(text: str) -> str | None:
    """Return the currency that an amount names by a code, or by a sign that has no other."""
    for sign, code in _CURRENCY_SIGNS.items():
        if sign in text:
            return code
    found = _CODE.search(text)
    return found[1] if found else None
