"""The parameters in the address of a list, as many as a page can show.

Each filter becomes a chip on the page, and the link of each chip repeats all the other filters:
without a limit, a short address would produce a page of many megabytes.
"""

from __future__ import annotations

from urllib.parse import urlencode

from msgspec import Struct
from starlette.datastructures import QueryParams

from onelead.domain.errors import BodyMalformed
from onelead.domain.limits import ADDRESS_BYTES_MAX, ADDRESS_PARAMETERS_MAX
from onelead.domain.text import is_blank
from onelead.incoming.search_request import require_no_nul

Pair = tuple[str, str]


class Chip(Struct, frozen=True):
    """An active filter, and the address of the page without it."""

    text: str
    href_without: str


def parameters(query: QueryParams) -> list[Pair]:
    """Return the parameters in their order: trimmed, without blank ones and duplicates.

    Raises BodyMalformed for a NUL character, and for more parameters than our pages ever send.
    """
    sent = [(name.removesuffix("[]"), value.strip()) for name, value in query.multi_items()]
    require_no_nul(sent)
    found = list(dict.fromkeys(pair for pair in sent if pair[1] and not is_blank(pair[1])))
    if len(found) > ADDRESS_PARAMETERS_MAX or len(urlencode(found)) > ADDRESS_BYTES_MAX:
        raise BodyMalformed("Invalid input: the address has more filters than a page can show")
    return found
