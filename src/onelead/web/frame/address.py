"""What the address of a list says: its parameters, within bounds that a page can show.

Each filter of an address is a chip on the page, and the link of each chip repeats all the other
filters: without bounds a short address would be answered with a page of many megabytes.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from onelead.domain.errors import BodyMalformed
from onelead.domain.limits import ADDRESS_BYTES_MAX, ADDRESS_PARAMETERS_MAX
from onelead.domain.text import is_blank
from onelead.incoming.search_request import require_no_nul

Pair = tuple[str, str]


def parameters(query: QueryParams) -> list[Pair]:
    """Return what an address says, in its order: trimmed, nothing blank, and nothing twice.

    Raises BodyMalformed for a NUL character, and for more than any page of ours asks for.
    """
    sent = [(name.removesuffix("[]"), value.strip()) for name, value in query.multi_items()]
    require_no_nul(sent)
    said = list(dict.fromkeys(pair for pair in sent if pair[1] and not is_blank(pair[1])))
    if len(said) > ADDRESS_PARAMETERS_MAX or len(urlencode(said)) > ADDRESS_BYTES_MAX:
        raise BodyMalformed("Invalid input: the address has more filters than a page can show")
    return said
