"""The ids of batches, as paths and forms name them."""

from __future__ import annotations

import re

from onelead.domain.errors import ResourceNotFound
from onelead.domain.limits import BATCH_ID_CHARS_MAX

_BATCH_ID = re.compile(rf"[\w-]{{1,{BATCH_ID_CHARS_MAX}}}", re.ASCII)


def known_batch_id(text: str) -> str | None:
    """Return the text if it can be the id of a batch."""
    return text if _BATCH_ID.fullmatch(text) else None


def required_batch_id(text: str) -> str:
    """Return the same. Raises ResourceNotFound for a text that no batch has."""
    if (batch_id := known_batch_id(text)) is None:
        raise ResourceNotFound
    return batch_id
