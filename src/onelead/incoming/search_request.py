"""Turns a search as Copper's clients send it into a `LeadSearch`.

Clients send criteria in the body and the query string, as lists or single values, and numbers as
text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.datastructures import QueryParams

from onelead.domain.countries import country_code
from onelead.domain.custom_fields import ValueInvalid, number
from onelead.domain.errors import BodyMalformed, InputInvalid, Problem
from onelead.domain.limits import (
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_MAX,
    SEARCH_FIELD_FILTERS_MAX,
    SEARCH_VALUES_MAX,
)
from onelead.domain.search import (
    NO_ID,
    SORT_KEYS,
    Combination,
    FieldFilter,
    LeadSearch,
    Range,
    TagFilter,
    phone_ending,
)
from onelead.domain.text import known_id, tidy
from onelead.incoming.json_body import decode_json
from onelead.incoming.lead_json import converted, id_problem, unknown_keys
from onelead.incoming.paging import page_from

Number = int | float | str
Ids = list[int | str] | int | str
Texts = list[str] | str

Substring = Annotated[str | None, Meta(description="Any part of it, in any case.")]
UnixSeconds = Annotated[Number | None, Meta(description="Unix seconds; the bound is included.")]
Place = Annotated[
    str | UnsetType | None, Meta(description='null or "" asks for leads without one.')
]
ReferenceIds = Annotated[
    Ids | None, Meta(description=f"Any of these ids; {NO_ID} asks for leads without one.")
]
Option = Annotated[
    str | None, Meta(description="How several values combine: ANY (the default), ALL or NONE.")
]


class PhoneQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A phone number to look for, and how."""

    value: str
    match: Annotated[
        str | None,
        Meta(
            description="partial: the number ends with these digits. fuzzy: also without up to six "
            "of the first ones. The default is fuzzy from seven digits on, else partial."
        ),
    ] = None


class TagsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Tags to look for, and how they combine."""

    value: Texts | None = None
    option: Option = None


class CustomFieldQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A custom field to look for: values, a range, or emptiness."""

    custom_field_definition_id: int | str
    value: Annotated[Any, Meta(description="A value or a list; option ids for options.")] = UNSET
    option: Option = None
    minimum_value: Annotated[Any, Meta(description="For numbers and dates.")] = None
    maximum_value: Annotated[Any, Meta(description="For numbers and dates.")] = None
    allow_empty: Annotated[
        bool | None, Meta(description="Also find leads without a value; alone, only those.")
    ] = None


class SearchRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Criteria, all of which have to hold; each can also be sent in the query string."""

    ids: Ids | None = None
    page_number: Annotated[int | str | None, Meta(description="From 1, the default.")] = None
    page_size: Annotated[
        int | str | None,
        Meta(description=f"Up to {PAGE_SIZE_MAX}; the default is {PAGE_SIZE_DEFAULT}."),
    ] = None
    cursor: Annotated[
        str | None,
        Meta(description="Where the previous page ended; from its Link header."),
    ] = None
    sort_by: Annotated[
        str | None, Meta(description=f"{', '.join(SORT_KEYS)}; ties are sorted by id.")
    ] = None
    sort_direction: Annotated[str | None, Meta(description="asc (the default) or desc.")] = None
    name: Substring = None
    first_name: Substring = None
    last_name: Substring = None
    middle_name: Substring = None
    emails: Texts | None = None
    phone_number: PhoneQuery | str | int | None = None
    company_name: Substring = None
    title: Substring = None
    assignee_ids: ReferenceIds = None
    status_ids: Ids | None = None
    customer_source_ids: ReferenceIds = None
    city: Place = UNSET
    state: Place = UNSET
    postal_code: Place = UNSET
    country: Annotated[str | None, Meta(description="ISO 3166 alpha-2, or a name.")] = None
    tags: Annotated[
        list[str] | TagsQuery | str | UnsetType | None,
        Meta(description="Any of these tags; an empty list asks for leads without a tag."),
    ] = UNSET
    socials: Annotated[Texts | None, Meta(description="Complete URLs of profiles.")] = None
    followed: Annotated[
        int | str | None,
        Meta(description="1 asks for leads that you follow, 2 for others; none has followers."),
    ] = None
    age: Annotated[Number | None, Meta(description="Seconds since creation, at most.")] = None
    minimum_monetary_value: Number | None = None
    maximum_monetary_value: Number | None = None
    minimum_interaction_count: Number | None = None
    maximum_interaction_count: Number | None = None
    minimum_interaction_date: UnixSeconds = None
    maximum_interaction_date: UnixSeconds = None
    minimum_created_date: UnixSeconds = None
    maximum_created_date: UnixSeconds = None
    minimum_modified_date: UnixSeconds = None
    maximum_modified_date: UnixSeconds = None
    include_converted_leads: Annotated[
        bool | str | int | None, Meta(description="No effect: onelead converts no leads.")
    ] = None
    custom_fields: list[CustomFieldQuery] | None = None
    fields: Annotated[
        Texts | None, Meta(description="The keys to return; `id` is always among them.")
    ] = None


#: Criteria that can ask for leads without one.
_REFERENCE_KEYS = ("assignee_ids", "customer_source_ids")
#: What advertising and mailing services append to the addresses of pages, and browsers' scripts to
#: those of calls (`_`); forms and links pass it on.
TRACKING_PARAMETERS = frozenset(
    {
        *("_", "_ga", "_gl", "dclid", "fbclid", "gbraid", "gclid", "igshid", "li_fat_id"),
        *("mc_cid", "mc_eid", "msclkid", "ttclid", "twclid", "wbraid", "yclid"),
    }
)
TRACKING_PREFIX = "utm_"
#: Text with one of these is more than an address.
_NOT_IN_ADDRESS = frozenset('<>",;')
#: In a query string these may be JSON text.
_STRUCTURED = ("custom_fields", "tags", "phone_number")


def search_from(
    query: QueryParams, body: Any, *, ignored: str, showable: Sequence[str]
) -> tuple[LeadSearch, frozenset[str] | None]:
    """Read a search, and the keys to answer with for each lead (None: all).

    A key in the body takes precedence over the same key in the query string. `ignored` is a query
    parameter that is not part of the search, as are those of TRACKING_PARAMETERS and
    TRACKING_PREFIX; `showable` are all keys of a lead. Raises InputInvalid with all problems.
    """
    # Some clients send an empty list for "no criteria".
    raw = _query_values(query, ignored) | (body or {})
    request, problems = converted(raw, SearchRequest)
    if request is None:
        raise InputInvalid(*problems)
    reader = _Reader(request)
    search = reader.search(raw)
    if reader.problems:
        raise InputInvalid(*reader.problems)
    return search, reader.shown_keys(showable)


def require_no_nul(pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse a NUL character in a query string: as in a body, databases cannot keep it in text.

    Raises BodyMalformed.
    """
    if any("\0" in text for pair in pairs for text in pair):
        raise BodyMalformed("Invalid input: the query string has a NUL character")


def _query_values(query: QueryParams, ignored: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    require_no_nul(query.multi_items())
    for key in query:
        name = key.removesuffix("[]")
        if name == ignored or name in TRACKING_PARAMETERS or name.startswith(TRACKING_PREFIX):
            continue
        sent = query.getlist(key)
        if name == "emails":
            sent = [_with_plus(text) for text in sent]
        values[name] = sent if len(sent) > 1 or key != name else sent[0]
        if name in _STRUCTURED and isinstance(values[name], str) and values[name][:1] in ("[", "{"):
            values[name] = decode_json(values[name].encode())
    return values


def _with_plus(text: str) -> str:
    """Return a text with the `+` of its address, which means a blank in a query string.

    Browsers and careless clients do not escape it, and no address has a blank.
    """
    local, _, domain = text.strip().partition("@")
    is_address = domain and not {" ", "@"} & set(domain) and not _NOT_IN_ADDRESS & set(text)
    return f"{local.replace(' ', '+')}@{domain}" if is_address else text


class _Reader:
    """Reads one request and collects its problems."""

    def __init__(self, request: SearchRequest) -> None:
        self.request = request
        self.problems: list[Problem] = []

    def search(self, raw: Mapping[str, Any]) -> LeadSearch:
        request = self.request
        try:
            page = page_from(raw)
        except InputInvalid as error:
            self.problems += error.problems
            page = page_from({})
        return LeadSearch(
            ids=self._ids("ids"),
            **_each(self._text, "name", "first_name", "last_name", "middle_name"),
            **_each(self._text, "company_name", "title"),
            emails=self._texts("emails", request.emails),
            socials=self._texts("socials", request.socials),
            phone_ending=self._phone(),
            **_each(self._ids, "assignee_ids", "status_ids", "customer_source_ids"),
            **_each(self._place, "city", "state", "postal_code"),
            country=self._country(),
            tags=self._tags(),
            followed=self._followed(),
            age_s=self._number("age"),
            **_each(self._range, "monetary_value", "interaction_count", "interaction_date"),
            **_each(self._range, "created_date", "modified_date"),
            custom_fields=self._custom_fields(request.custom_fields or []),
            sort_by=self._sort_key(),
            descending=self._descending(),
            offset=page.offset,
            limit=page.limit,
            cursor=request.cursor or None,
        )

    def shown_keys(self, showable: Sequence[str]) -> frozenset[str] | None:
        fields = self._texts("fields", self.request.fields)
        if fields is None:
            return None
        if unknown := unknown_keys(dict.fromkeys(fields), showable):
            raise InputInvalid(unknown)
        return frozenset({"id", *fields})

    def _refuse(self, key: str, text: str) -> None:
        self.problems.append(Problem(key, text))

    def _text(self, key: str) -> str | None:
        value: str | None = getattr(self.request, key)
        return value if value and tidy(value) else None

    def _country(self) -> str | None:
        text = self._text("country")
        return None if text is None else country_code(text)

    def _place(self, key: str) -> str | None:
        """Return the text; empty for null and "", which ask for leads without one."""
        value: str | UnsetType | None = getattr(self.request, key)
        return None if isinstance(value, UnsetType) else value or ""

    def _ids(self, key: str) -> tuple[int, ...] | None:
        value: Ids | None = getattr(self.request, key)
        if value is None:
            return None
        return tuple(filter(None, (self._id(key, one) for one in self._id_values(key, value))))

    def _id_values(self, key: str, value: Ids) -> list[int | str]:
        if isinstance(value, str):
            values: list[int | str] = [one for one in value.split(",") if one.strip()]
        else:
            values = [value] if isinstance(value, int) else value
        if len(values) > SEARCH_VALUES_MAX:
            self._refuse(key, f"has too many values (maximum is {SEARCH_VALUES_MAX})")
        return values[:SEARCH_VALUES_MAX]

    def _id(self, key: str, value: int | str) -> int:
        sent = str(value).strip()
        if sent == str(NO_ID) and key in _REFERENCE_KEYS:
            return NO_ID
        if wanted := known_id(sent):
            return wanted
        self.problems.append(id_problem(key, value))
        return 0

    def _number(self, key: str) -> Any:
        value: Number | None = getattr(self.request, key)
        if value is None or value == "":
            return None
        try:
            return number(value)
        except ValueInvalid as error:
            self._refuse(key, str(error))
            return None

    def _texts(self, key: str, value: Texts | None) -> tuple[str, ...] | None:
        if value is None or value == "":
            return None
        texts = (value,) if isinstance(value, str) else tuple(value)
        if len(texts) > SEARCH_VALUES_MAX:
            self._refuse(key, f"has too many values (maximum is {SEARCH_VALUES_MAX})")
        return texts

    def _range(self, name: str) -> Range | None:
        minimum, maximum = self._number(f"minimum_{name}"), self._number(f"maximum_{name}")
        return None if minimum is None and maximum is None else Range(minimum, maximum)

    def _phone(self) -> str | None:
        phone = self.request.phone_number
        if phone is None or phone == "":
            return None
        query = phone if isinstance(phone, PhoneQuery) else PhoneQuery(str(phone))
        match = query.match.lower() if query.match else None
        if match not in (None, "partial", "fuzzy"):
            self._refuse("phone_number", "match must be partial or fuzzy")
        ending = phone_ending(query.value, match)
        if not ending:
            self._refuse("phone_number", "has no digits")
        return ending

    def _tags(self) -> TagFilter | None:
        tags = self.request.tags
        if isinstance(tags, UnsetType):
            return None
        query = tags if isinstance(tags, TagsQuery) else TagsQuery(tags)
        wanted = tuple(tag for tag in self._texts("tags", query.value) or () if tidy(tag))
        return TagFilter(wanted, self._combination("tags", query.option))

    def _combination(self, key: str, option: str | None) -> Combination:
        wanted = (option or Combination.ANY).upper()
        if wanted in Combination.__members__:
            return Combination(wanted)
        self._refuse(key, "option must be ANY, ALL or NONE")
        return Combination.ANY

    def _followed(self) -> bool | None:
        followed = self._number("followed")
        if followed not in (None, 1, 2):
            self._refuse("followed", "must be 1 or 2")
        return None if followed is None else followed == 1

    def _custom_fields(self, queries: list[CustomFieldQuery]) -> tuple[FieldFilter, ...]:
        if len(queries) > SEARCH_FIELD_FILTERS_MAX:
            text = f"has too many entries (maximum is {SEARCH_FIELD_FILTERS_MAX})"
            self._refuse("custom_fields", text)
            return ()
        filters = tuple(map(self._custom_field, queries))
        # All filters together: databases limit the parameters of a statement.
        if sum(len(one.values) for one in filters) > SEARCH_VALUES_MAX:
            text = f"has too many values (maximum is {SEARCH_VALUES_MAX})"
            self._refuse("custom_fields", text)
        return filters

    def _custom_field(self, query: CustomFieldQuery) -> FieldFilter:
        definition_id = self._id("custom_fields", query.custom_field_definition_id)
        has_range = query.minimum_value is not None or query.maximum_value is not None
        if query.value is UNSET and not has_range and not query.allow_empty:
            text = f"definition {definition_id} needs a value, a range or allow_empty"
            self._refuse("custom_fields", text)
        return FieldFilter(
            definition_id=definition_id,
            values=self._custom_values(query.value),
            combination=self._combination("custom_fields", query.option),
            minimum=query.minimum_value,
            maximum=query.maximum_value,
            allow_empty=bool(query.allow_empty),
        )

    @staticmethod
    def _custom_values(value: Any) -> tuple[Any, ...]:
        if value is UNSET:
            return ()
        return tuple(value) if isinstance(value, list) else (value,)

    def _sort_key(self) -> str:
        key = self.request.sort_by or "name"
        if key not in SORT_KEYS:
            self._refuse("sort_by", f"is not one of {', '.join(SORT_KEYS)}")
        return key

    def _descending(self) -> bool:
        direction = (self.request.sort_direction or "asc").lower()
        if direction not in ("asc", "desc"):
            self._refuse("sort_direction", "must be asc or desc")
        return direction == "desc"


def _each(read: Callable[[str], Any], *keys: str) -> dict[str, Any]:
    return {key: read(key) for key in keys}
