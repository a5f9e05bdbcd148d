"""The tags of an account on Copper's wire: bodies, handler and endpoint. Read-only.

A tag exists while a lead has it.
"""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from onelead.api.answers import JsonResponse
from onelead.api.call import Call
from onelead.api.endpoints import Endpoint, Parameter
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.search import TagSearch
from onelead.domain.text import quoted

_SORT_KEYS = ("name", "count")


class TagBody(Struct, frozen=True):
    """A tag and how many records have it; onelead has only leads."""

    name: str
    count: int
    count_people: int
    count_leads: int
    count_companies: int
    count_opportunities: int
    count_projects: int
    count_tasks: int


async def list_tags(call: Call) -> Response:
    """List the tags with their counts, or only their names with `tag_names_only`."""
    search = _search_from(call)
    tags = await call.runtime.store.tags(call.account_id, search)
    if call.flag("tag_names_only"):
        return JsonResponse([tag.name for tag in tags])
    return JsonResponse([_body(tag.name, tag.count) for tag in tags])


def _search_from(call: Call) -> TagSearch:
    query = call.request.query_params
    sort_by = query.get("sort_by") or "name"
    if sort_by not in _SORT_KEYS:
        raise _sort_key_unknown(sort_by)
    # Names are paged by the last one that was read, so they are always sorted by name.
    if call.flag("tag_names_only"):
        # No tag has a NUL character, and databases refuse it.
        return TagSearch(after=query.get("last_tag_value", "").partition("\0")[0] or None)
    return TagSearch(by_count=sort_by == "count")


def _sort_key_unknown(sort_by: str) -> InputInvalid:
    text = f"is not one of {', '.join(_SORT_KEYS)}: {quoted(sort_by)}"
    return InputInvalid(Problem("sort_by", text, "inclusion"))


def _body(name: str, leads: int) -> TagBody:
    return TagBody(
        name=name,
        count=leads,
        count_people=0,
        count_leads=leads,
        count_companies=0,
        count_opportunities=0,
        count_projects=0,
        count_tasks=0,
    )


ENDPOINTS = (
    Endpoint(
        *("GET", "/tags", list_tags, "Tags"),
        scope=KeyScope.READ,
        response=list[TagBody | str],
        answer=[_body("fair", 2)],
        refusals=(_sort_key_unknown("age"),),
        parameters=(
            Parameter(
                "sort_by",
                "The order of tags with their counts; `count` puts the most used first.",
                {"type": "string", "enum": list(_SORT_KEYS), "default": "name"},
            ),
            Parameter(
                "tag_names_only",
                "Answer with names instead of objects.",
                {"type": "boolean", "default": False},
            ),
            Parameter(
                "last_tag_value",
                "With tag_names_only: only the names after this one.",
                {"type": "string"},
            ),
        ),
    ),
)
