"""The table of endpoints: what the router serves and what the OpenAPI document describes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from onelead.api.answers import ErrorBody
from onelead.api.call import Call
from onelead.domain.errors import InputInvalid, MatchAmbiguous, Problem
from onelead.domain.limits import PAGE_NUMBER_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX

Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Parameter:
    """A parameter in the query string, or a header."""

    name: str
    description: str
    schema: dict[str, Any]
    example: Any = None
    place: str = "query"


PAGE_NUMBER = Parameter(
    "page_number",
    "The page, counted from 1.",
    {"type": "integer", "minimum": 1, "maximum": PAGE_NUMBER_MAX, "default": 1},
)
PAGE_SIZE = Parameter(
    "page_size",
    "Rows per page.",
    {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX, "default": PAGE_SIZE_DEFAULT},
)

PAGE_INVALID = InputInvalid(
    Problem("page_size", f"must be an integer from 1 to {PAGE_SIZE_MAX}", "inclusion")
)
NAME_BLANK = InputInvalid(Problem("name", "can't be blank", "blank"))
NAME_TAKEN = InputInvalid(Problem("name", "has already been taken", "taken"))

IF_MATCH = Parameter(
    "If-Match",
    "The version that the write is meant for, as the `ETag` gave it, or `*` for any. If the lead "
    "has another version by then, nothing is written.",
    {"type": "string", "default": "*"},
    '"3"',
    place="header",
)

#: The headers that answer a write of one lead.
RECEIPT = ("ETag", "Lead-Outcome", "Lead-Changed")
#: The same for a write that brought properties.
PATCH_RECEIPT = (*RECEIPT, "Lead-Ignored", "Lead-Shares")


@dataclass(frozen=True)
class Endpoint:
    """One method on one path."""

    method: str
    #: Below BASE_PATH, with `{id}` in the place of an id.
    path: str
    handler: Handler
    #: Groups endpoints in the documentation.
    tag: str
    #: The type of the JSON body; None for a call without one.
    request: Any = None
    #: The type of the body of a 200.
    response: Any = None
    parameters: tuple[Parameter, ...] = ()
    #: An example of the request's body.
    example: Any = None
    #: An example of the body of a 200.
    answer: Any = None
    #: The headers of a 200, besides X-Request-Id.
    headers: tuple[str, ...] = ()
    #: Examples of refusals with 422; empty when the rules cannot refuse anything.
    refusals: tuple[InputInvalid | MatchAmbiguous, ...] = ()
    #: The type of the body of a 422.
    refusal: Any = ErrorBody
    #: The member `fields` can choose the keys of the answered rows.
    has_chosen_keys: bool = False
    #: Changes the settings: only for admins.
    is_settings_write: bool = False
    #: Copper has it too; otherwise it is an addition.
    is_copper: bool = True
    #: The name and text in the documentation; by default those of the handler.
    name: str = ""
    text: str = ""
