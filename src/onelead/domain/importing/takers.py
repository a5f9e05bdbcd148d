"""How the cell of a column becomes a value of a row: one function for each kind of target.

What the API itself understands and checks is passed on as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, Protocol

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import NUMBER_TYPES, DataType
from onelead.domain.errors import Problem
from onelead.domain.importing.cells import (
    Clean,
    cell_addresses,
    is_cut,
    tags_in,
    unwrapped,
    whole,
    without_apostrophe,
)
from onelead.domain.importing.choices import CHECKS, Choices, choices_of
from onelead.domain.importing.days import DateOrder, api_day, seconds_of
from onelead.domain.importing.mapped_row import MappedRow, custom_entry, set_custom_value
from onelead.domain.importing.mapping import DETAILS, LEAVE_OUT, Column, Mapping
from onelead.domain.importing.numbers import DecimalSign, plain_number
from onelead.domain.importing.phone_codes import international
from onelead.domain.importing.targets import CATEGORIES, custom_field_of
from onelead.domain.limits import LINE_CHARS_MAX, LIST_ENTRIES_MAX, UNIX_SECONDS_MAX
from onelead.domain.phones import phone_digits
from onelead.domain.text import fold, quoted

Take = Callable[[str, MappedRow], None]
#: Gives the value in a cell, in the JSON of the API; None for none.
ValueIn = Callable[[str, MappedRow], Any]


class TakeEntry(Protocol):
    """Takes a value that can have a category, which another column may give."""

    def __call__(self, text: str, row: MappedRow, category: str | None = None) -> None:
        """Take a cell, which is not empty."""


class Context(NamedTuple):
    """What the cells of a column are read by."""

    column: Column
    mapping: Mapping
    settings: AccountSettings
    clean: Clean

    @property
    def dates(self) -> DateOrder | None:
        """The order of day and month."""
        return self.column.dates or self.mapping.dates

    @property
    def decimal(self) -> DecimalSign | None:
        """The decimal sign."""
        return self.column.decimal or self.mapping.decimal

    @property
    def category(self) -> str | None:
        """The category in the target."""
        return (self.column.target or "").partition(":")[2] or None


#: Kinds of ids and numbers, as Facebook writes them before each.
_KIND = re.compile(r"(?:l|ag|as|c|f|p|z):(?=\+?\d)")
_PHONE_PREFIX = re.compile(r"(?:p|t|m|tel|phone|mobile|mobil|callto)\s*[:.]\s*", re.IGNORECASE)
#: What most numbers are.
_ONE_PHONE = re.compile(r"[\d +().-]+")
#: Between two numbers in one cell; inside one number are some of these as well.
_BETWEEN_PHONES = re.compile(
    r"[;|\r\n]|:::|(?<!,),(?!,)|\s/\s|\s(?:or|and|oder|und|ou|et|o|y|e|of|en)\s"
)
#: An extension is shorter.
_PHONE_DIGITS_MIN = 6
_BETWEEN_URLS = re.compile(r"(?:[\s;|]|,\s|:::)+")
_NO_DAY = "0-/.: T"


def without_kind(text: str) -> str:
    """Return an id or a number without what Facebook or a spreadsheet puts before it."""
    if ":" in text[:3] and (kind := _KIND.match(text)) is not None:
        text = text[kind.end() :]
    return without_apostrophe(text)


def text_taker(name: str, clean: Clean) -> Take:
    """Take a text; of several columns, the first that has one."""

    def take(text: str, row: MappedRow) -> None:
        if text := clean(text):
            row.properties.setdefault(name, text)

    return take


def details_taker(clean: Clean) -> Take:
    """Take a text beside those of other columns."""

    def take(text: str, row: MappedRow) -> None:
        if text := clean(text):
            before = row.properties.get(DETAILS)
            row.properties[DETAILS] = f"{before}\n{text}" if before else text

    return take


def address_taker(part: str, clean: Clean) -> Take:
    """Take a part of the address, or all of it for a row without a street."""

    def take(text: str, row: MappedRow) -> None:
        text = clean(text)
        if part == "postal_code":
            text = without_kind(text)
        if not text:
            return
        address = row.properties.setdefault("address", {})
        if not part:
            address["street"] = address.get("street") or text
            return
        if before := address.get(part):
            # Only a street has several lines; a number belongs to its street.
            text = f"{before}{' ' if text[0].isdigit() else ', '}{text}"
        address[part] = text

    return take


def tags_taker(clean: Clean) -> Take:
    """Take the tags of a cell."""

    def take(text: str, row: MappedRow) -> None:
        if text := clean(text):
            row.properties.setdefault("tags", []).extend(tags_in(text))

    return take


def email_taker(context: Context) -> TakeEntry:
    """Take the e-mail; further ones go where the mapping says."""
    clean, usual, header = context.clean, context.category, context.column.header
    take_more = _more_emails_taker(context)

    def take(text: str, row: MappedRow, category: str | None = None) -> None:
        if not (text := clean(text)):
            return
        addresses, others = cell_addresses(text)
        for other in others:
            why = "it is not an e-mail address"
            row.remarks.append(f"{header}: left out because {why}: {quoted(other)}")
        for address in addresses:
            if address is not text and not clean(address):
                # Without its wrapper it is a placeholder.
                continue
            if not row.properties.get("email"):
                email = row.properties["email"] = {"email": address}
                if named := category or usual:
                    email["category"] = named
            elif row.properties["email"]["email"].lower() != address.lower():
                take_more(address, row)

    return take


def _more_emails_taker(context: Context) -> Take:
    goal = context.mapping.more_emails
    field = custom_field_of(goal, context.settings)

    def to_details(address: str, row: MappedRow) -> None:
        text = f"E-mail: {address}"
        before = row.properties.get(DETAILS)
        if not before:
            # The row brings no details of its own, so those of the lead stay.
            row.properties[DETAILS] = text
            row.if_empty = (*row.if_empty, DETAILS)
        elif text not in before.split("\n"):
            row.properties[DETAILS] = f"{before}\n{text}"

    def to_field(address: str, row: MappedRow) -> None:
        assert field is not None
        entry = custom_entry(row, field.id)
        if entry is None:
            set_custom_value(row, field.id, address)
        else:
            before = entry["value"]
            entry["value"] = f"{before}; {address}" if before else address

    def leave_out(address: str, row: MappedRow) -> None:
        row.remarks.append(f"Left out, because a lead has one e-mail: {quoted(address)}")

    if field is not None:
        return to_field
    return leave_out if goal == LEAVE_OUT else to_details


def phone_taker(context: Context) -> TakeEntry:
    """Take the phone numbers of a cell; a number that a spreadsheet has cut is none."""
    column, clean, usual = context.column, context.clean, context.category
    country = context.mapping.country

    def take(text: str, row: MappedRow, category: str | None = None) -> None:
        if not (text := clean(text)):
            return
        if not (text[0] == "+" or text[0].isdigit()):
            text = _PHONE_PREFIX.sub("", without_apostrophe(text), count=1).lstrip("/")
        if is_cut(text):
            why = "a spreadsheet has cut the number (E+)"
            row.remarks.append(f"{column.header}: left out because {why}: {quoted(text)}")
            return
        if column.is_whole:
            text = whole(text)
        for number in phones_in(text):
            entry = {"number": international(number, country) if country else number}
            if named := category or usual:
                entry["category"] = named
            _add_entry(row, "phone_numbers", entry)

    return take


def phones_in(text: str) -> list[str]:
    """Return the numbers of a cell, each with its extension."""
    if _ONE_PHONE.fullmatch(text):
        return [text]
    found = [bare for one in _BETWEEN_PHONES.split(text) if (bare := one.strip())]
    if len(found) > LIST_ENTRIES_MAX:
        return [text]
    are_numbers = all(len(phone_digits(one)) >= _PHONE_DIGITS_MIN for one in found)
    return found if are_numbers else [text]


def link_taker(name: str, context: Context) -> TakeEntry:
    """Take the websites or social profiles of a cell."""
    clean, usual = context.clean, context.category

    def take(text: str, row: MappedRow, category: str | None = None) -> None:
        if not (text := clean(text)):
            return
        found = [one for one in _BETWEEN_URLS.split(text) if one]
        are_urls = len(found) <= LIST_ENTRIES_MAX and all("." in one for one in found)
        for url in found if are_urls else [text]:
            entry = {"url": url}
            if named := category or usual:
                entry["category"] = named
            _add_entry(row, name, entry)

    return take


def _add_entry(row: MappedRow, name: str, entry: dict[str, str]) -> None:
    entries = row.properties.setdefault(name, [])
    if entry not in entries:
        entries.append(entry)


#: Words for categories in other systems; they name most of them alike.
_CATEGORIES = {
    **dict.fromkeys(("cell", "cellular", "handy", "mobil", "iphone", "movil", "gsm"), "mobile"),
    **dict.fromkeys(("business", "main", "office", "arbeit", "geschaftlich", "travail"), "work"),
    **dict.fromkeys(("private", "privat", "domicile", "casa"), "home"),
}


#: Outlook has the way of a mail beside it.
_NO_CATEGORIES = frozenset({"", "smtp", "ex"})


def category_of(kind: str, text: str) -> str | None:
    """Return the category that a cell names; `other` for unknown words."""
    word = fold(text).strip("* ")
    if word in _NO_CATEGORIES:
        return None
    word = _CATEGORIES.get(word, word)
    if kind != "phone" and word == "home":
        word = "personal"
    return word if word in CATEGORIES[kind] else "other"


def amount_taker(context: Context) -> Take:
    """Take the monetary value."""
    number_in = _number_reader(context)

    def take(text: str, row: MappedRow) -> None:
        if (number := number_in(text, row)) is not None:
            row.properties.setdefault("monetary_value", number)

    return take


def _number_reader(context: Context) -> ValueIn:
    """Return the function that reads numbers; a text that is none makes the row refused."""
    clean, decimal, header = context.clean, context.decimal, context.column.header
    sign = {",": " with a decimal comma", ".": " with a decimal point"}.get(decimal or "", "")

    def number_in(text: str, row: MappedRow) -> str | None:
        number = plain_number(unwrapped(text), decimal)
        # Zero is a number here, even where it is a placeholder.
        if number is None and clean(text):
            problem = f"{header}: {quoted(text)} is not a number{sign}"
            row.problems.append(Problem("base", problem, "not_a_number"))
        return number

    return number_in


IdsIn = Callable[[str, MappedRow], tuple[int, ...]]


def _ids_reader(context: Context, choices: Choices) -> IdsIn:
    """Return the function that gives the ids in a cell, with a remark on what is left out."""
    clean, header = context.clean, context.column.header

    def read(text: str) -> tuple[tuple[int, ...], str]:
        text = unwrapped(text)
        if choices.id_of(text) is None and not clean(text):
            return (), ""
        found = {part: choices.meant(part) for part in choices.parts(text)}
        ids = tuple(id_ for id_ in found.values() if id_ is not None)
        left_out = (quoted(part) for part, id_ in found.items() if id_ is None)
        unknown = ", ".join(islice(left_out, LIST_ENTRIES_MAX))
        return ids, unknown and f"{header}: left out because it is unknown: {unknown}"

    read_short = lru_cache(maxsize=1024)(read)

    def ids_in(text: str, row: MappedRow) -> tuple[int, ...]:
        ids, remark = read_short(text) if len(text) <= LINE_CHARS_MAX else read(text)
        if remark:
            row.remarks.append(remark)
        return ids

    return ids_in


def choice_taker(name: str, choices: Choices, context: Context) -> Take:
    """Take the id of a status, a source or a user."""
    ids_in = _ids_reader(context, choices)

    def take(text: str, row: MappedRow) -> None:
        for id_ in ids_in(text, row):
            row.properties.setdefault(name, id_)

    return take


def moment_taker(context: Context) -> Take:
    """Take the moment when a lead was created."""
    clean, order, header = context.clean, context.dates, context.column.header
    zone = context.settings.zone

    def take(text: str, row: MappedRow) -> None:
        text = unwrapped(text)
        if _says_no_day(text, clean):
            return
        seconds = seconds_of(text, order, zone)
        if seconds is None or not 0 <= seconds <= UNIX_SECONDS_MAX:
            row.problems.append(Problem("base", _no_day(header, text, order)))
        else:
            row.date_created = seconds

    return take


def _says_no_day(text: str, clean: Clean) -> bool:
    """Return whether a text says nothing: databases write 0000-00-00."""
    return not text.strip(_NO_DAY) or not clean(text)


def _no_day(header: str, text: str, order: DateOrder | None) -> str:
    how = {"dmy": " (day first)", "mdy": " (month first)"}.get(order or "", "")
    return f"{header}: {quoted(text)} is not a date{how}"


def custom_taker(context: Context) -> Take:
    """Take the value of a custom field, by its type."""
    field = custom_field_of(context.column.target or "", context.settings)
    assert field is not None, "a mapping was not checked"
    definition_id = field.id
    value_in = _VALUES.get(field.data_type, _text_reader)(context)

    def take(text: str, row: MappedRow) -> None:
        value = value_in(text, row)
        if value is not None and custom_entry(row, definition_id) is None:
            set_custom_value(row, definition_id, value)

    return take


def _text_reader(context: Context) -> ValueIn:
    clean, is_whole = context.clean, context.column.is_whole

    def value_in(text: str, _: MappedRow) -> str | None:
        text = without_kind(clean(text))
        return (whole(text) if is_whole else text) or None

    return value_in


def _check_reader(context: Context) -> ValueIn:
    clean = context.clean

    def value_in(text: str, _: MappedRow) -> bool | str | None:
        text = unwrapped(text)
        checked = CHECKS.get(fold(text))
        return (clean(text) or None) if checked is None else checked

    return value_in


def _day_reader(context: Context) -> ValueIn:
    clean, order, header = context.clean, context.dates, context.column.header

    def value_in(text: str, row: MappedRow) -> str | None:
        text = unwrapped(text)
        if _says_no_day(text, clean):
            return None
        day = api_day(text, order)
        if day is None:
            row.problems.append(Problem("base", _no_day(header, text, order)))
        return day

    return value_in


def _option_reader(context: Context) -> ValueIn:
    target = context.column.target or ""
    choices = choices_of(target, context.settings, context.mapping.choices)
    assert choices is not None
    ids_in = _ids_reader(context, choices)
    if choices.many:
        return lambda text, row: [*ids_in(text, row)] or None
    return lambda text, row: next(iter(ids_in(text, row)), None)


_VALUES: dict[DataType, Callable[[Context], ValueIn]] = {
    **dict.fromkeys(NUMBER_TYPES, _number_reader),
    DataType.CHECKBOX: _check_reader,
    DataType.DATE: _day_reader,
    DataType.DROPDOWN: _option_reader,
    DataType.MULTI_SELECT: _option_reader,
}
