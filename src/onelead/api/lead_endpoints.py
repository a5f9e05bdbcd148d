"""The endpoints of leads."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from onelead.api import leads
from onelead.api.answers import AmbiguousBody, BareErrorBody, DeletedBody, ErrorBody
from onelead.api.endpoints import (
    IF_MATCH,
    NAME_BLANK,
    PAGE_INVALID,
    PAGE_NUMBER,
    PAGE_SIZE,
    PATCH_RECEIPT,
    RECEIPT,
    Endpoint,
    Handler,
    Parameter,
)
from onelead.api.wire import CustomFieldBody, LeadBody
from onelead.contract.ledger import LedgerRow
from onelead.domain.errors import InputInvalid, MatchAmbiguous, Problem
from onelead.domain.lead import Email
from onelead.domain.limits import BULK_LEADS_MAX, ID_MAX, RETRY_AFTER_S
from onelead.domain.matching import WHERE_TO_CHANGE, Match
from onelead.domain.properties import LeadPatch
from onelead.domain.writes import Action, Outcome
from onelead.incoming.search_criteria import SearchRequest


class UpsertRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for, and what to write."""

    properties: LeadPatch
    match: Match


class LeadItem(LeadPatch, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One lead of a bulk update: its id, and what to change."""

    id: Annotated[int, Meta(ge=1, le=ID_MAX)]


class BulkCreateRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to ten leads to create."""

    leads: Annotated[list[LeadPatch], Meta(max_length=BULK_LEADS_MAX)]


class BulkUpdateRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to ten leads to change."""

    leads: Annotated[list[LeadItem], Meta(max_length=BULK_LEADS_MAX)]


class BulkFailure(Struct, frozen=True, kw_only=True):
    """What went wrong with one item of a bulk call, in the item's place."""

    success: Annotated[bool, Meta(description="Always false.")]
    id: Annotated[int | UnsetType, Meta(description="The lead that was to be updated.")] = UNSET
    message: Annotated[
        dict[str, list[dict[str, str]]],
        Meta(description="By attribute, the kinds of mistake: `blank`, `too_long`, `not_found`."),
    ]


COMPUTED_VALUES = Parameter(
    leads.COMPUTED, "Show option names beside option ids.", {"type": "boolean", "default": False}
)
_CRITERIA = Parameter(
    "criteria",
    "Every member of the body can also be sent as a query parameter of its own, as in "
    "`?page_size=200&sort_by=name`. The body takes precedence.",
    {"$ref": "#/components/schemas/SearchRequest"},
    {"page_number": 1, "page_size": 20},
)

_ID = 1000000012
_EMAIL = "nora@field.example"
_NORA: dict[str, Any] = {
    "name": "Nora Field",
    "email": {"email": _EMAIL, "category": "work"},
}
_UPSERT = {
    "properties": _NORA,
    "match": {"field_name": "email", "field_value": _EMAIL},
}
_CREATED: dict[str, Any] = {
    **dict.fromkeys(LeadBody.__struct_fields__),
    **dict.fromkeys(("socials", "tags", "websites", "phone_numbers"), ()),
    "id": _ID,
    "name": "Nora Field",
    "first_name": "Nora",
    "last_name": "Field",
    "email": Email(_EMAIL, "work"),
    "interaction_count": 0,
    "status": "New",
    "status_id": 1000000001,
    "custom_fields": [CustomFieldBody(1000000010, None)],
    "date_created": 1700000000,
    "date_modified": 1700000000,
}
_ANSWERED = LeadBody(**_CREATED)
_CREATION = LedgerRow(
    seq=17,
    date=_ANSWERED.date_created,
    request_id="5f0c2b7de1a94f6f9f6a4c1d0b8e7a36",
    action=Action.UPSERT,
    outcome=Outcome.CREATED,
    version=1,
    user_id=1000000008,
    api_key_id=1000000009,
    match={
        "field_name": "email",
        "value": _EMAIL,
        "matches": 0,
        "ids": [],
        "by": None,
        "definition_id": None,
    },
    changes={
        "name": [None, "Nora Field"],
        "first_name": [None, "Nora"],
        "last_name": [None, "Field"],
        "email": [None, _NORA["email"]],
        "status_id": [None, _ANSWERED.status_id],
    },
    message=None,
    payload=_UPSERT,
)

_UNINDEXED = "is still being indexed; try again shortly"


def _refused_field(attribute: str, text: str, retry_after_s: int | None = None) -> InputInvalid:
    which = "custom field Customer number (definition 1000000010)"
    return InputInvalid(Problem(attribute, f"{which} {text}"), retry_after_s=retry_after_s)


def _bulk(
    path: str, handler: Handler, request: Any, *, example: Any, failure: BulkFailure
) -> Endpoint:
    return Endpoint(
        *("POST", path, handler, "Leads", request, list[LeadBody | BulkFailure]),
        parameters=(COMPUTED_VALUES,),
        example=example,
        answer=[_ANSWERED, failure],
        headers=("Lead-Outcome", "Lead-Ignored", "Lead-Shares"),
        refusals=(InputInvalid(Problem("leads", "can't be blank", "blank")),),
        refusal=BareErrorBody | ErrorBody,
    )


ENDPOINTS = (
    # Before /leads/{id}, which would take "upsert" for an id.
    Endpoint(
        *("PUT", "/leads/upsert", leads.upsert_lead, "Leads", UpsertRequest, LeadBody),
        parameters=(COMPUTED_VALUES,),
        example=_UPSERT,
        answer=_ANSWERED,
        headers=(*PATCH_RECEIPT, "Lead-Match"),
        refusals=(
            NAME_BLANK,
            MatchAmbiguous((_ID, _ID + 1)),
            MatchAmbiguous(()),
            _refused_field("match", f"is not included in filters; {WHERE_TO_CHANGE}"),
            _refused_field("match", _UNINDEXED, RETRY_AFTER_S),
        ),
        refusal=AmbiguousBody | ErrorBody,
    ),
    Endpoint(
        *("POST", "/leads", leads.create_lead, "Leads", LeadPatch, LeadBody),
        parameters=(COMPUTED_VALUES,),
        example=_NORA,
        answer=_ANSWERED,
        headers=PATCH_RECEIPT,
        refusals=(NAME_BLANK,),
    ),
    Endpoint(
        *("POST", "/leads/search", leads.search_leads, "Leads", SearchRequest, list[LeadBody]),
        parameters=(COMPUTED_VALUES, _CRITERIA),
        example={"emails": _EMAIL, "sort_by": "date_modified"},
        answer=[_ANSWERED],
        headers=("X-PW-TOTAL", "Link"),
        refusals=(PAGE_INVALID, _refused_field("custom_fields", _UNINDEXED, RETRY_AFTER_S)),
        has_chosen_keys=True,
    ),
    _bulk(
        *("/leads/bulk_create", leads.bulk_create_leads, BulkCreateRequest),
        example={"leads": [_NORA, {"title": "Head buyer"}]},
        failure=BulkFailure(success=False, message={"name": [{"error": "blank"}]}),
    ),
    _bulk(
        *("/leads/bulk_update", leads.bulk_update_leads, BulkUpdateRequest),
        example={"leads": [{"id": _ID, "tags": []}, {"id": 71, "tags": ["cold"]}]},
        failure=BulkFailure(success=False, id=71, message={"id": [{"error": "not_found"}]}),
    ),
    Endpoint(
        *("GET", "/leads/{id}", leads.fetch_lead, "Leads", None, LeadBody),
        parameters=(COMPUTED_VALUES,),
        answer=_ANSWERED,
        headers=("ETag",),
    ),
    Endpoint(
        *("PUT", "/leads/{id}", leads.update_lead, "Leads", LeadPatch, LeadBody),
        parameters=(COMPUTED_VALUES, IF_MATCH),
        example={"email": _NORA["email"]},
        answer=_ANSWERED,
        headers=PATCH_RECEIPT,
        refusals=(NAME_BLANK,),
    ),
    Endpoint(
        *("DELETE", "/leads/{id}", leads.delete_lead, "Leads", None, DeletedBody),
        parameters=(IF_MATCH,),
        answer=DeletedBody(_ID, is_deleted=True),
        headers=RECEIPT,
    ),
    Endpoint(
        *("GET", "/leads/{id}/history", leads.lead_history, "Leads", None, list[LedgerRow]),
        parameters=(PAGE_NUMBER, PAGE_SIZE),
        answer=[_CREATION],
        headers=("X-PW-TOTAL",),
        refusals=(PAGE_INVALID,),
        is_copper=False,
    ),
)
