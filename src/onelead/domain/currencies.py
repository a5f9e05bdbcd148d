"""The currencies of ISO 4217."""

from __future__ import annotations

from functools import cache
from typing import Any

import pycountry


def is_currency(value: Any) -> bool:
    """Return whether a value is the code of a currency, in any case."""
    # Some letters outside ASCII have an ASCII letter as their capital.
    is_code = isinstance(value, str) and value.isascii()
    return is_code and pycountry.currencies.get(alpha_3=value.upper()) is not None


@cache
def currencies() -> tuple[tuple[str, str], ...]:
    """Return the code and name of every currency, sorted by code."""
    return tuple(sorted((one.alpha_3, one.name) for one in pycountry.currencies))
