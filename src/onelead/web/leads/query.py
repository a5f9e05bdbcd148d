"""The address of a list of leads: read into a search, and written again.

The parameters are the API's, and some for what a form cannot say with those: `q` is the quick
search, `without` names places and tags that must be empty, `tags_option` says how tags combine, and
`cf_7`, `cf_7_min`, `cf_7_max`, `cf_7_option` and `cf_7_empty` are about the custom field 7.
`batch` finds the leads of an import or of another batch.
`field` makes the filters offer a custom field that they would leave out, `open` unfolds them.
Days are days of the account's time zone. An empty parameter is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Self
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import QueryParams

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, DataType, day_on_the_wire, day_seconds
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import BATCH_ID_CHARS_MAX, CURSOR_CHARS_MAX, LIST_COLUMNS_MAX
from onelead.domain.search import LAST_CONTACTED, FieldFilter, LeadSearch, checked_search
from onelead.domain.text import is_blank, known_id, whole_number
from onelead.incoming.search_request import search_from
from onelead.web.frame.address import Pair, parameters

PATH = "/leads"
PAGE_SIZES = (25, 50, 100, 200)
PAGE_SIZE = 50

#: Criteria with one value.
SINGLE = (
    *("q", "name", "first_name", "middle_name", "last_name", "company_name", "title"),
    *("phone_number", "city", "state", "postal_code", "country", "followed", "age"),
    *("tags_option", "batch"),
)
#: Criteria that can have several values.
MULTIPLE = (
    *("ids", "emails", "socials", "assignee_ids", "status_ids", "customer_source_ids", "tags"),
    "without",
)
NUMBER_RANGES = ("monetary_value", "interaction_count")
DAY_RANGES = ("created_date", "modified_date", "interaction_date")
#: What `without` can name, and how a search asks for leads without one.
WITHOUT: dict[str, Any] = {"city": "", "state": "", "postal_code": "", "tags": []}

_RANGES = tuple(
    f"{bound}_{name}" for name in (*NUMBER_RANGES, *DAY_RANGES) for bound in ("minimum", "maximum")
)
_CRITERIA = frozenset({*SINGLE, *MULTIPLE, *_RANGES})
_VIEW = ("sort_by", "sort_direction", "page_size")
_PANEL = ("field", "open")
_CUSTOM = re.compile(r"cf_(\d{1,16})(?:_(min|max|option|empty))?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class LeadQuery:
    """The parameters of one address; `problems` has what is wrong with it, by parameter."""

    def __init__(self, query: QueryParams, settings: AccountSettings) -> None:
        """Read the parameters. Raises BodyMalformed, as `parameters` does."""
        self._settings = settings
        sent = parameters(query)
        #: Whether the address has empty parameters, as a form with empty inputs sends them.
        self.has_blanks = any(is_blank(value) for _name, value in query.multi_items())
        #: The criteria, in the order of the address.
        self.pairs: list[Pair] = [pair for pair in sent if _is_criterion(pair[0])]
        self._view = [pair for pair in sent if pair[0] in _VIEW]
        chosen = [value for name, value in sent if name == "columns"]
        #: The chosen columns, and those beyond the limit, which are not shown.
        self.columns, self.left_out = chosen[:LIST_COLUMNS_MAX], chosen[LIST_COLUMNS_MAX:]
        self._panel = [pair for pair in sent if pair[0] in _PANEL]
        self._given = dict(sent)
        self.cursor = self.value("cursor")[: CURSOR_CHARS_MAX + 1]
        #: Asks for the page before this place instead of the one after.
        self.before = "" if self.cursor else self.value("before")[: CURSOR_CHARS_MAX + 1]
        self.problems: dict[str, list[str]] = {}
        self.search = self._search()

    @classmethod
    def of_text(cls, text: str, settings: AccountSettings) -> Self:
        """Read what follows the question mark of an address. Raises BodyMalformed."""
        return cls(QueryParams(text.removeprefix("?")), settings)

    def require_sound(self) -> None:
        """Raise InputInvalid if something is wrong with the address."""
        problems = [Problem(name, text) for name, texts in self.problems.items() for text in texts]
        if problems:
            raise InputInvalid(*problems)

    def value(self, name: str) -> str:
        """Return the last value of a parameter."""
        return self._given.get(name, "")

    def values(self, name: str) -> list[str]:
        """Return all values of a criterion."""
        return [value for key, value in self.pairs if key == name]

    @property
    def filters(self) -> list[Pair]:
        """The criteria besides the quick search, without how their values combine."""
        return [(name, one) for name, one in self.pairs if name != "q" and "_option" not in name]

    @property
    def text(self) -> str:
        """The criteria and the order as a query string."""
        return urlencode([*self.pairs, *self._view])

    @property
    def tidy_href(self) -> str:
        """The same address without empty parameters."""
        places = [("cursor", self.cursor), ("before", self.before)]
        return self.href(place=[*self._panel, *(pair for pair in places if pair[1])])

    @property
    def asked_fields(self) -> list[int]:
        """The custom fields that the filters should offer, too."""
        return list(filter(None, (known_id(one) for name, one in self._panel if name == "field")))

    @property
    def filtered_fields(self) -> set[int]:
        """The custom fields with a criterion."""
        found = (_CUSTOM.fullmatch(name) for name, _value in self.pairs)
        return {int(one[1]) for one in found if one}

    def href(
        self,
        *,
        without: Pair | None = None,
        changed: Sequence[Pair] = (),
        place: Sequence[Pair] = (),
    ) -> str:
        """Return the address without a criterion, in another order, or of another page."""
        pairs = list(self.pairs)
        if without in pairs:
            pairs.remove(without)
        names = {name for name, _value in changed}
        view = [pair for pair in self._view if pair[0] not in names]
        columns = [("columns", column) for column in self.columns if "columns" not in names]
        pairs += [*view, *columns, *changed, *place]
        return f"{PATH}?{urlencode(pairs)}" if pairs else PATH

    def _search(self) -> LeadSearch:
        raw: dict[str, Any] = {}
        for name, value in (*self.pairs, *self._view):
            if name in _RANGES:
                raw[name] = self._bound(name, value)
            elif name in MULTIPLE:
                raw.setdefault(name, []).append(value)
            elif name not in ("q", "tags_option", "batch") and not name.startswith("cf_"):
                raw[name] = value
        self._read_tags(raw)
        # Lists have more sort keys than the API.
        sort_by = self._list_sort_key(raw)
        raw.setdefault("page_size", PAGE_SIZE)
        custom_fields = self._custom_fields()
        try:
            search, _ = search_from(QueryParams(""), raw, ignored="", showable=())
        except InputInvalid as error:
            for problem in error.problems:
                self.problems.setdefault(problem.attribute, []).append(problem.text)
            search = LeadSearch()
        return msgspec.structs.replace(
            search,
            sort_by=sort_by or search.sort_by,
            quick=self.value("q") or None,
            batch_id=self.value("batch")[:BATCH_ID_CHARS_MAX] or None,
            custom_fields=custom_fields,
            cursor=self.cursor or self.before or None,
        )

    def _list_sort_key(self, raw: dict[str, Any]) -> str | None:
        """Take a sort key that the API does not have out of the parameters."""
        sort_by = raw.get("sort_by", "")
        try:
            checked = checked_search(LeadSearch(sort_by=sort_by), self._settings)
            if sort_by == LAST_CONTACTED or checked.sorted_field:
                return str(raw.pop("sort_by"))
        except InputInvalid as error:
            del raw["sort_by"]
            self.problems["sort_by"] = [problem.text for problem in error.problems]
        return None

    def _read_tags(self, raw: dict[str, Any]) -> None:
        if tags := raw.pop("tags", None):
            raw["tags"] = {"value": tags, "option": self.value("tags_option") or None}
        for name in raw.pop("without", ()):
            if name in WITHOUT:
                raw[name] = WITHOUT[name]
            else:
                self.problems["without"] = [f"must be one of {', '.join(WITHOUT)}"]

    def _bound(self, name: str, value: str) -> Any:
        """Read a day as its first or last second; Unix seconds, as in the API, are passed on."""
        bound, _, range_name = name.partition("_")
        if range_name not in DAY_RANGES or not _DAY.fullmatch(value):
            return value
        try:
            day = date.fromisoformat(value)
            if bound == "minimum":
                return day_seconds(value, self._settings.zone)
            after = (day + timedelta(days=1)).isoformat()
            return day_seconds(after, self._settings.zone) - 1
        except (ValueError, OverflowError):
            self.problems.setdefault(name, []).append("is not a date (YYYY-MM-DD)")
            return None

    # Custom fields.

    def _custom_fields(self) -> tuple[FieldFilter, ...]:
        given: dict[int, list[Pair]] = {}
        for name, value in self.pairs:
            if found := _CUSTOM.fullmatch(name):
                given.setdefault(int(found[1]), []).append((found[2] or "", value))
        filters = []
        for definition_id, parts in given.items():
            try:
                entry = self._field_filter(definition_id, parts)
                checked_search(LeadSearch(custom_fields=(entry,)), self._settings)
                filters.append(entry)
            except InputInvalid as error:
                self.problems[f"cf_{definition_id}"] = [problem.text for problem in error.problems]
        return tuple(filters)

    def _field_filter(self, definition_id: int, parts: Iterable[Pair]) -> FieldFilter:
        """Read the filter of one field with the API's own reader."""
        field = self._settings.fields_by_id.get(definition_id)
        entry: dict[str, Any] = {"custom_field_definition_id": definition_id}
        values = []
        for part, value in parts:
            match part:
                case "min":
                    entry["minimum_value"] = _typed(field, value)
                case "max":
                    entry["maximum_value"] = _typed(field, value)
                case "option":
                    entry["option"] = value
                case "empty":
                    entry["allow_empty"] = True
                case _:
                    values.append(_typed(field, value))
        if values:
            entry["value"] = values
        raw = {"custom_fields": [entry]}
        search, _ = search_from(QueryParams(""), raw, ignored="", showable=())
        return search.custom_fields[0]


def _is_criterion(name: str) -> bool:
    return name in _CRITERIA or _CUSTOM.fullmatch(name) is not None


def _typed(field: CustomField | None, text: str) -> Any:
    """Convert a form's text to the value that the API's JSON would have."""
    if field is None:
        return text
    if field.data_type is DataType.CHECKBOX:
        return {"true": True, "false": False}.get(text, text)
    if field.data_type is DataType.DATE:
        return day_on_the_wire(text)
    number = whole_number(text)
    return number if field.options and isinstance(number, int) else text
