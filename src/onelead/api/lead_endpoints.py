"""The endpoints of leads."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from onelead.api import leads
from onelead.api.answers import (
    AmbiguousBody,
    BareErrorBody,
    DeletedBody,
    DeliveredBody,
    ErrorBody,
)
from onelead.api.endpoints import (
    IF_MATCH,
    NAME_BLANK,
    PAGE_INVALID,
    PATCH_RECEIPT,
    RECEIPT,
    UNMERGED,
    UPSERT_IF_MATCH,
    UPSERT_IF_NONE_MATCH,
    WRITE_PARAMETERS,
    Endpoint,
    Handler,
    Parameter,
)
from onelead.api.examples import ANSWERED_LEAD, PROPERTIES, UPSERT
from onelead.api.lead_writes import COMPUTED
from onelead.api.wire import LeadBody
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import (
    InputInvalid,
    LeadMerged,
    MatchAmbiguous,
    Problem,
)
from onelead.domain.limits import (
    BULK_LEADS_MAX,
    ID_MAX,
    LIST_ENTRIES_MAX,
    MATCH_STEP_VALUES_MAX,
    MATCH_STEPS_MAX,
    RETRY_AFTER_S,
)
from onelead.domain.matching import WHERE_TO_CHANGE, Match
from onelead.domain.properties import LeadPatch
from onelead.domain.writes import OnAmbiguous
from onelead.incoming.search_criteria import SearchRequest


class MatchStep(Match, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an upsert looks for: a field and its value, or `all` values that a lead has to have."""

    all: Annotated[
        Annotated[list[Match], Meta(min_length=1, max_length=MATCH_STEP_VALUES_MAX)] | UnsetType,
        Meta(
            description="An addition: instead of the other members, matches by different fields.",
        ),
    ] = UNSET


IfEmpty = Annotated[
    Annotated[list[str], Meta(max_length=LIST_ENTRIES_MAX)] | UnsetType,
    Meta(
        description="An addition: these properties are written only where the lead has none, as in "
        '`["title", "custom_fields.1000000010"]`.',
    ),
]


class UpsertRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for, and what to write."""

    properties: LeadPatch
    match: Annotated[
        MatchStep | Annotated[list[MatchStep], Meta(min_length=1, max_length=MATCH_STEPS_MAX)],
        Meta(
            description="As an addition, a list of steps that are tried in order: the first that "
            "finds leads decides."
        ),
    ]
    on_ambiguous: Annotated[
        OnAmbiguous,
        Meta(
            description="An addition: what to do when several leads match: refuse, or update the "
            "oldest or the newest of them, up to 30."
        ),
    ] = "refuse"
    if_empty: IfEmpty = UNSET


class LeadUpdate(LeadPatch, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to change on one lead."""

    if_empty: IfEmpty = UNSET


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
    COMPUTED, "Show option names beside option ids.", {"type": "boolean", "default": False}
)
_CRITERIA = Parameter(
    "criteria",
    "Every member of the body can also be sent as a query parameter of its own, as in "
    "`?page_size=200&sort_by=name`. The body takes precedence.",
    {"$ref": "#/components/schemas/SearchRequest"},
    {"page_number": 1, "page_size": 20},
)

_ID = ANSWERED_LEAD.id
_EMAIL = UPSERT["match"]["field_value"]
_BULK_REMARKS = (
    *("Ledger-Row", "Lead-Ignored", "Lead-Shares", "Lead-Kept", "Lead-Merged-Into"),
    "Lead-Dry-Run",
    "Idempotency-Replayed",
)
_UNINDEXED = "is still being indexed; try again shortly"


def _refused_field(attribute: str, text: str, retry_after_s: int | None = None) -> InputInvalid:
    which = "custom field Customer number (definition 1000000010)"
    return InputInvalid(Problem(attribute, f"{which} {text}"), retry_after_s=retry_after_s)


#: What a write of a delivery is answered with, depending on the scope of the key.
_WRITTEN = LeadBody | DeliveredBody


def _bulk(
    path: str,
    handler: Handler,
    request: Any,
    *,
    scope: KeyScope,
    example: Any,
    failure: BulkFailure,
) -> Endpoint:
    shown: Any = _WRITTEN if scope is KeyScope.DELIVER else LeadBody
    return Endpoint(
        *("POST", path, handler, "Leads", request, list[shown | BulkFailure]),
        scope=scope,
        parameters=(COMPUTED_VALUES, *WRITE_PARAMETERS),
        example=example,
        answer=[ANSWERED_LEAD, failure],
        headers=("Lead-Outcome", "Lead-Batch", *_BULK_REMARKS),
        refusals=(InputInvalid(Problem("leads", "can't be blank", "blank")),),
        refusal=BareErrorBody | ErrorBody,
    )


ENDPOINTS = (
    # Before /leads/{id}, which would take "upsert" for an id.
    Endpoint(
        *(
            "PUT",
            "/leads/upsert",
            leads.upsert_lead,
            "Leads",
            UpsertRequest,
            LeadBody | DeliveredBody,
        ),
        scope=KeyScope.DELIVER,
        parameters=(
            *(COMPUTED_VALUES, UPSERT_IF_MATCH, UPSERT_IF_NONE_MATCH),
            *WRITE_PARAMETERS,
        ),
        example=UPSERT,
        answer=ANSWERED_LEAD,
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
        *("POST", "/leads", leads.create_lead, "Leads", LeadPatch, _WRITTEN),
        scope=KeyScope.DELIVER,
        parameters=(COMPUTED_VALUES, *WRITE_PARAMETERS),
        example=PROPERTIES,
        answer=ANSWERED_LEAD,
        headers=PATCH_RECEIPT,
        refusals=(NAME_BLANK,),
    ),
    Endpoint(
        *("POST", "/leads/search", leads.search_leads, "Leads", SearchRequest, list[LeadBody]),
        scope=KeyScope.READ,
        parameters=(COMPUTED_VALUES, _CRITERIA),
        example={"emails": _EMAIL, "sort_by": "date_modified"},
        answer=[ANSWERED_LEAD],
        headers=("X-PW-TOTAL", "Link"),
        refusals=(PAGE_INVALID, _refused_field("custom_fields", _UNINDEXED, RETRY_AFTER_S)),
        has_chosen_keys=True,
    ),
    _bulk(
        *("/leads/bulk_create", leads.bulk_create_leads, BulkCreateRequest),
        scope=KeyScope.DELIVER,
        example={"leads": [PROPERTIES, {"title": "Head buyer"}]},
        failure=BulkFailure(success=False, message={"name": [{"error": "blank"}]}),
    ),
    _bulk(
        *("/leads/bulk_update", leads.bulk_update_leads, BulkUpdateRequest),
        scope=KeyScope.WRITE,
        example={"leads": [{"id": _ID, "tags": []}, {"id": 71, "tags": ["cold"]}]},
        failure=BulkFailure(success=False, id=71, message={"id": [{"error": "not_found"}]}),
    ),
    Endpoint(
        *("GET", "/leads/{id}", leads.fetch_lead, "Leads", None, LeadBody),
        scope=KeyScope.READ,
        parameters=(COMPUTED_VALUES, UNMERGED),
        answer=ANSWERED_LEAD,
        headers=("ETag", "Lead-Merged-Into", "Content-Location"),
    ),
    Endpoint(
        *("PUT", "/leads/{id}", leads.update_lead, "Leads", LeadUpdate, LeadBody),
        scope=KeyScope.WRITE,
        parameters=(COMPUTED_VALUES, IF_MATCH, *WRITE_PARAMETERS),
        example={"email": PROPERTIES["email"]},
        answer=ANSWERED_LEAD,
        headers=(*PATCH_RECEIPT, "Lead-Merged-Into"),
        refusals=(NAME_BLANK,),
    ),
    Endpoint(
        *("DELETE", "/leads/{id}", leads.delete_lead, "Leads", None, DeletedBody),
        scope=KeyScope.WRITE,
        parameters=(IF_MATCH, *WRITE_PARAMETERS),
        answer=DeletedBody(_ID, is_deleted=True),
        headers=RECEIPT,
        refusals=(LeadMerged(_ID, _ID + 1),),
    ),
)
