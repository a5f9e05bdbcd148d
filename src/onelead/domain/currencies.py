"""The currencies of ISO 4217."""

from __future__ import annotations

from functools import cache
from typing import Any

import pycountry


def is_currency(value: Any) -> bool:
    """Say whether a value is the code of a currency, in capitals or not."""
    # Outside of ASCII there are letters whose capital is an ASCII one.
    is_code = isinstance(value, str) and value.isascii()
    return is_code and pycountry.currencies.get(alpha_3=value.upper()) is not None


@cache
def currencies() -> tuple[tuple[str, str], ...]:
    """Return the code and the name of every currency, in the order of the codes."""
    return tuple(sorted((one.alpha_3, one.name) for one in pycountry.currencies))
