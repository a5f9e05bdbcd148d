"""The query string of a search: what is ignored, and how an address in it is read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from starlette.datastructures import QueryParams

from onelead.domain.errors import InputInvalid
from onelead.domain.search import LeadSearch
from onelead.incoming.search_criteria import SearchRequest
from onelead.incoming.search_request import (
    TRACKING_PARAMETERS,
    TRACKING_PREFIX,
    search_from,
)


def search(query: str, body: Any = None) -> LeadSearch:
    """Read a search from a query string as it was sent, and a body."""
    return search_from(QueryParams(query), body, ignored="computed", showable=())[0]


@pytest.mark.parametrize(
    "name", [*sorted(TRACKING_PARAMETERS), "utm_source", "utm_campaign", "utm_", "utm_x[]", "_[]"]
)
def test_what_trackers_add_is_ignored(name: str) -> None:
    assert search(f"name=Nora&{name}=1&{name}=2") == search("name=Nora")


@pytest.mark.parametrize(
    "name", ["utm", "UTM_source", "_x", "__", "ga", "clid", "fbclid2", "emial", "utmsource"]
)
def test_other_unknown_members_are_errors(name: str) -> None:
    with pytest.raises(InputInvalid, match=f"Unrecognized attributes specified: {name}(\n|$)"):
        search(f"name=Nora&{name}=1")


def test_in_a_body_nothing_is_ignored() -> None:
    with pytest.raises(InputInvalid, match=r"specified: utm_source, _$"):
        search("", {"utm_source": "x", "_": 1})


def test_no_criterion_is_ignored() -> None:
    criteria = {field.encode_name for field in msgspec.structs.fields(SearchRequest)}
    assert not criteria & TRACKING_PARAMETERS
    assert not [name for name in criteria if name.startswith(TRACKING_PREFIX)]


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("nora+fair@field.example", "nora+fair@field.example"),
        ("nora%2Bfair@field.example", "nora+fair@field.example"),
        ("nora%20fair@field.example", "nora+fair@field.example"),
        ("nora++a+b@field.example", "nora++a+b@field.example"),
        ("nora+@field.example", "nora+@field.example"),
        ("+nora@field.example+", "nora@field.example"),
        ("nora@field.example", "nora@field.example"),
        # More than one address, or no address: left as it is.
        ("Nora+Field+<nora@field.example>", "Nora Field <nora@field.example>"),
        ("a@field.example,+b@field.example", "a@field.example, b@field.example"),
        ("nora@field+example", "nora@field example"),
        ("nora+field", "nora field"),
        ("nora+field@", "nora field@"),
    ],
)
@pytest.mark.parametrize("key", ["emails", "emails[]"])
def test_a_bare_plus_of_an_address_is_a_plus(key: str, sent: str, found: str) -> None:
    assert search(f"{key}={sent}").emails == (found,)
    assert search(f"{key}=x@y.example&{key}={sent}").emails == ("x@y.example", found)


def test_a_plus_is_a_blank_elsewhere() -> None:
    assert search("name=nora+field@x").name == "nora field@x"
    assert search("", {"emails": "nora fair@field.example"}).emails == ("nora fair@field.example",)
