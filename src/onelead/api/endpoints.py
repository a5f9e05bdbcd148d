"""The table of endpoints: what the router serves and what the OpenAPI document describes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from onelead.api.answers import ErrorBody
from onelead.api.call import Call
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import InputInvalid, OneleadError, Problem
from onelead.domain.limits import (
    ID_MAX,
    IDEMPOTENCY_KEY_CHARS_MAX,
    PAGE_NUMBER_MAX,
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_MAX,
)

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

UPSERT_IF_MATCH = Parameter(
    "If-Match",
    "`*` for an upsert that may only update a lead, or the version that the lead has to have. "
    "Otherwise nothing is written.",
    {"type": "string"},
    "*",
    place="header",
)
UPSERT_IF_NONE_MATCH = Parameter(
    "If-None-Match",
    "`*` for an upsert that may only create a lead. Otherwise nothing is written.",
    {"type": "string", "enum": ["*"]},
    place="header",
)
DRY_RUN = Parameter(
    "dry_run",
    "Answer with what the call would do, and write nothing; the ledger gets no row.",
    {"type": "boolean", "default": False},
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "A text that names this request among those of the same API key to the same path. A request "
    "that was done is not done again: its repetition is answered as it was, with "
    "`Idempotency-Replayed: true`. A request that was refused can be sent again with its key.",
    {"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_CHARS_MAX},
    "3f1c9a52-6f0e-4a53-8a53-0c5be8b0c9d1",
    place="header",
)
OBSERVED_AT = Parameter(
    "Lead-Observed-At",
    "When the values were observed, in RFC 3339 or Unix seconds; the time of arrival by default. "
    "Fields under the policy `newest` take the value that was observed last.",
    {"type": "string"},
    "2026-11-29T19:54:53Z",
    place="header",
)
UNMERGED = Parameter(
    "unmerged",
    "Show a lead that was merged as it was when it was merged.",
    {"type": "boolean", "default": False},
)
#: What every write of leads can have.
WRITE_PARAMETERS = (DRY_RUN, IDEMPOTENCY_KEY, OBSERVED_AT)

#: The headers that answer a write of one lead.
RECEIPT = (
    "ETag",
    "Ledger-Row",
    "Lead-Outcome",
    "Lead-Changed",
    "Lead-Dry-Run",
    "Idempotency-Replayed",
)
#: The same for a write that brought properties.
PATCH_RECEIPT = (*RECEIPT, "Lead-Ignored", "Lead-Shares", "Lead-Kept")


ID_SCHEMA = {"type": "integer", "format": "int64", "minimum": 1, "maximum": ID_MAX}


@dataclass(frozen=True)
class Endpoint:
    """One method on one path."""

    method: str
    #: Below BASE_PATH, with `{id}` or another name in the place of a number.
    path: str
    handler: Handler
    #: Groups endpoints in the documentation.
    tag: str
    #: What a key has to be for.
    scope: KeyScope = field(kw_only=True)
    #: The type of the JSON body; None for a call without one.
    request: Any = None
    #: The type of the body of a 200.
    response: Any = None
    #: The types of a line of the body and of the answer, where both can also be JSON Lines.
    lines: tuple[Any, Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    #: An example of the request's body.
    example: Any = None
    #: An example of the body of a 200.
    answer: Any = None
    #: The headers of a 200, besides X-Request-Id.
    headers: tuple[str, ...] = ()
    #: The headers that a 200 has only sometimes.
    sometimes: tuple[str, ...] = ()
    #: Examples of refusals with 422; empty when the rules cannot refuse anything.
    refusals: tuple[OneleadError, ...] = ()
    #: Examples of what it refuses with other statuses, besides those that go without saying.
    errors: tuple[OneleadError, ...] = ()
    #: The type of the body of a 422.
    refusal: Any = ErrorBody
    #: The type of the body of a 202, and an example; None for a call whose work is done at once.
    accepted: Any = None
    accepted_answer: Any = None
    #: What `{id}` can be.
    id_schema: Mapping[str, Any] = field(default_factory=lambda: ID_SCHEMA)
    #: The member `fields` can choose the keys of the answered rows.
    has_chosen_keys: bool = False
    #: Changes the settings: only for admins.
    is_settings_write: bool = False
    #: Only for admins, although it changes no settings.
    is_for_admins: bool = False
    #: Can be answered with 404 although its path has no id.
    names_resource: bool = False
    #: Copper has it too; otherwise it is an addition.
    is_copper: bool = True
    #: The name and text in the documentation; by default those of the handler.
    name: str = ""
    text: str = ""

    @property
    def path_parameters(self) -> list[str]:
        """The names of the numbers in the path, in order."""
        return re.findall(r"{(\w+)}", self.path)
