"""Turns a search as Copper's clients send it into a `LeadSearch`.

Clients send criteria in the body and the query string, as lists or single values, and numbers as
text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import UNSET, UnsetType
from starlette.datastructures import QueryParams

from onelead.domain.coercions import as_integer, is_empty
from onelead.domain.countries import country_code
from onelead.domain.custom_fields import ValueInvalid, number
from onelead.domain.emails import email_keys
from onelead.domain.errors import BodyMalformed, InputInvalid, Problem
from onelead.domain.limits import LINE_CHARS_MAX, SEARCH_FIELD_FILTERS_MAX, SEARCH_VALUES_MAX
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
from onelead.domain.search_dates import LocalBound, date_bound
from onelead.domain.text import known_id, quoted, too_long
from onelead.incoming.json_body import decode_json
from onelead.incoming.lead_json import converted, id_problem, unknown_keys
from onelead.incoming.paging import page_from
from onelead.incoming.search_criteria import (
    COERCIONS,
    CustomFieldQuery,
    Ids,
    PhoneQuery,
    SearchRequest,
    TagsQuery,
    Texts,
    hints,
)

_TOO_MANY = f"has too many values (maximum is {SEARCH_VALUES_MAX})"
_DATE_RANGES = ("created_date", "modified_date", "interaction_date")
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
    request, problems = _request_from(raw)
    if request is None:
        raise InputInvalid(*problems)
    reader = _Reader(request)
    search = reader.search(raw)
    if reader.problems:
        raise InputInvalid(*reader.problems)
    return search, reader.shown_keys(showable)


def _request_from(raw: dict[str, Any]) -> tuple[SearchRequest | None, Sequence[Problem]]:
    meant = {key: COERCIONS[key](one) if key in COERCIONS else one for key, one in raw.items()}
    request, problems = converted(meant, SearchRequest)
    return request, [*problems, *hints(raw)] if problems else []


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
        ranges, local_bounds = self._date_ranges()
        return LeadSearch(
            ids=self._ids("ids"),
            name=request.name,
            first_name=request.first_name,
            last_name=request.last_name,
            middle_name=request.middle_name,
            **_each(self._given, "company_name", "title"),
            emails=self._emails(),
            socials=self._texts("socials", request.socials),
            phone_ending=self._phone(),
            **_each(self._ids, "assignee_ids", "status_ids", "customer_source_ids"),
            **_each(self._place, "city", "state", "postal_code"),
            country=self._country(),
            tags=self._tags(),
            followed=self._followed(),
            age_s=self._number("age"),
            **_each(self._range, "monetary_value", "interaction_count"),
            **ranges,
            local_bounds=local_bounds,
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

    def _refuse(self, key: str, text: str, value: Any = UNSET) -> None:
        shown = "" if value is UNSET else f": {quoted(value)}"
        self.problems.append(Problem(key, text + shown))

    def _given(self, key: str) -> Any:
        """Return the value; None for an empty one."""
        value = getattr(self.request, key)
        return None if is_empty(value) else value

    def _country(self) -> str | None:
        text = self._given("country")
        return None if text is None else country_code(text)

    def _place(self, key: str) -> str | None:
        """Return the text; empty for null and blank ones, which ask for leads without one."""
        return None if getattr(self.request, key) is UNSET else self._given(key) or ""

    def _ids(self, key: str) -> tuple[int, ...] | None:
        value: Ids | None = getattr(self.request, key)
        if value is None:
            return None
        return tuple(filter(None, (self._id(key, one) for one in self._id_values(key, value))))

    def _id_values(self, key: str, value: Ids) -> list[int | str]:
        values = value if isinstance(value, list) else [value]
        if len(values) > SEARCH_VALUES_MAX:
            self._refuse(key, _TOO_MANY)
        return values[:SEARCH_VALUES_MAX]

    def _id(self, key: str, value: int | str) -> int:
        sent = as_integer(value)
        if sent == NO_ID and key in _REFERENCE_KEYS:
            return NO_ID
        if wanted := known_id(sent):
            return wanted
        self.problems.append(id_problem(key, value))
        return 0

    def _number(self, key: str) -> Any:
        value = self._given(key)
        if value is None:
            return None
        try:
            return number(value)
        except ValueInvalid as error:
            self._refuse(key, str(error))
            return None

    def _texts(self, key: str, value: Texts | None) -> tuple[str, ...] | None:
        if value is None:
            return None
        texts = (value,) if isinstance(value, str) else tuple(value)
        if len(texts) > SEARCH_VALUES_MAX:
            self._refuse(key, _TOO_MANY)
        return texts

    def _emails(self) -> tuple[str, ...] | None:
        emails, email = self.request.emails, self.request.email
        if emails is not None and email is not None:
            self._refuse("email", "is another name of emails; send one of them")
        texts = self._texts("emails", email if emails is None else emails)
        if texts is None or len(texts) > SEARCH_VALUES_MAX:
            return texts
        # One text can have many addresses, and databases limit the parameters of a statement.
        if sum(len(email_keys(text)) for text in texts) > SEARCH_VALUES_MAX:
            self._refuse("emails", _TOO_MANY)
        return texts

    def _range(self, name: str) -> Range | None:
        minimum, maximum = self._number(f"minimum_{name}"), self._number(f"maximum_{name}")
        return None if minimum is None and maximum is None else Range(minimum, maximum)

    def _date_ranges(self) -> tuple[dict[str, Any], tuple[LocalBound, ...]]:
        """Return the ranges by name, and the bounds that depend on the account's time zone."""
        ranges, local_bounds = {}, []
        for name in _DATE_RANGES:
            bounds = [self._date_bound(name, is_maximum=is_maximum) for is_maximum in (False, True)]
            local_bounds += [one for one in bounds if isinstance(one, LocalBound)]
            known = [None if isinstance(one, LocalBound) else one for one in bounds]
            ranges[name] = None if known == [None, None] else Range(*known)
        return ranges, tuple(local_bounds)

    def _date_bound(self, name: str, *, is_maximum: bool) -> int | LocalBound | None:
        key = f"maximum_{name}" if is_maximum else f"minimum_{name}"
        value = self._given(key)
        if value is None:
            return None
        try:
            return date_bound(name, value, is_maximum=is_maximum)
        except ValueInvalid as error:
            self._refuse(key, str(error))
            return None

    def _phone(self) -> str | None:
        phone = self.request.phone_number
        if phone is None:
            return None
        query = phone if isinstance(phone, PhoneQuery) else PhoneQuery(phone)
        match = query.match.strip().lower() if query.match else ""
        if match not in ("", "partial", "fuzzy"):
            self._refuse("phone_number", "match must be partial or fuzzy", query.match)
        if len(query.value) > LINE_CHARS_MAX:
            self._refuse("phone_number", too_long(LINE_CHARS_MAX))
            return ""
        ending = phone_ending(query.value, match or None)
        if query.value and not ending:
            self._refuse("phone_number", "has no digits", query.value)
        return ending

    def _tags(self) -> TagFilter | None:
        tags = self.request.tags
        if isinstance(tags, UnsetType):
            return None
        query = tags if isinstance(tags, TagsQuery) else TagsQuery(tags)
        wanted = self._texts("tags", query.value) or ()
        return TagFilter(wanted, self._combination("tags", query.option))

    def _combination(self, key: str, option: str | None) -> Combination:
        wanted = (option or "").strip().upper() or Combination.ANY
        if wanted in Combination.__members__:
            return Combination(wanted)
        self._refuse(key, "option must be ANY, ALL or NONE", option)
        return Combination.ANY

    def _followed(self) -> bool | None:
        followed = self._number("followed")
        if followed not in (None, 1, 2):
            self._refuse("followed", "must be 1 or 2", self.request.followed)
        return None if followed is None else followed == 1

    def _custom_fields(self, queries: list[CustomFieldQuery]) -> tuple[FieldFilter, ...]:
        if len(queries) > SEARCH_FIELD_FILTERS_MAX:
            text = f"has too many entries (maximum is {SEARCH_FIELD_FILTERS_MAX})"
            self._refuse("custom_fields", text)
            return ()
        filters = tuple(map(self._custom_field, queries))
        # All filters together: databases limit the parameters of a statement.
        if sum(len(one.values) for one in filters) > SEARCH_VALUES_MAX:
            self._refuse("custom_fields", _TOO_MANY)
        return filters

    def _custom_field(self, query: CustomFieldQuery) -> FieldFilter:
        definition_id = self._id("custom_fields", query.custom_field_definition_id)
        has_range = not (is_empty(query.minimum_value) and is_empty(query.maximum_value))
        if query.value is UNSET and not has_range and not query.allow_empty:
            text = f"definition {definition_id} needs a value, a range or allow_empty"
            self._refuse("custom_fields", text)
        return FieldFilter(
            definition_id=definition_id,
            values=self._custom_values(query.value),
            combination=self._combination("custom_fields", query.option),
            minimum=None if is_empty(query.minimum_value) else query.minimum_value,
            maximum=None if is_empty(query.maximum_value) else query.maximum_value,
            allow_empty=bool(query.allow_empty),
        )

    @staticmethod
    def _custom_values(value: Any) -> tuple[Any, ...]:
        if value is UNSET:
            return ()
        return tuple(value) if isinstance(value, list) else (value,)

    def _sort_key(self) -> str:
        key = (self.request.sort_by or "").strip() or "name"
        if key not in SORT_KEYS:
            self._refuse("sort_by", f"is not one of {', '.join(SORT_KEYS)}", key)
        return key

    def _descending(self) -> bool:
        direction = (self.request.sort_direction or "").strip().lower() or "asc"
        if direction not in ("asc", "desc"):
            self._refuse("sort_direction", "must be asc or desc", self.request.sort_direction)
        return direction == "desc"


def _each(read: Callable[[str], Any], *keys: str) -> dict[str, Any]:
    return {key: read(key) for key in keys}
