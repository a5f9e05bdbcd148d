"""A mapping: what each column of a file is, and how its cells are read. It can be kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping as Map
from typing import Literal

from msgspec import Struct, structs

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import TEXT_TYPES
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.importing.days import DateOrder
from onelead.domain.importing.numbers import DecimalSign
from onelead.domain.importing.phone_codes import has_calling_code
from onelead.domain.importing.targets import (
    CUSTOM,
    LABELS,
    as_made,
    custom_field_of,
    is_list,
    is_target,
    new_field_of,
)
from onelead.domain.limits import MATCH_STEPS_MAX
from onelead.domain.text import fold, quoted

Mode = Literal["upsert", "create", "update"]
Blank = Literal["leaves", "clears"]
#: What becomes of a choice that the account does not have; or `map:` and the name of one it has.
CREATE, LEAVE_OUT, MAP_TO = "create", "leave_out", "map:"
#: Among the choices of a target: the answer for all others.
OTHERS = "*"
DETAILS = "details"


class Column(Struct, frozen=True, gc=False, omit_defaults=True):
    """What one column of a file is."""

    header: str
    #: None for a column that is not imported.
    target: str | None = None
    #: Its values are taken only where the lead has none.
    fill: bool = False
    #: What all of its rows decided.
    dates: DateOrder | None = None
    decimal: DecimalSign | None = None
    #: Every number has a fraction of zero, which is none of them: 12345.0.
    is_whole: bool = False


class Mapping(Struct, frozen=True, omit_defaults=True):
    """What the columns of a file are, one for each header, and how its cells are read."""

    columns: tuple[Column, ...]
    #: What rows are matched by, in turn: `email`, `name`, `custom:<definition id>`.
    match: tuple[str, ...] = ()
    mode: Mode = "upsert"
    #: For columns that leave it open.
    dates: DateOrder | None = None
    decimal: DecimalSign | None = None
    #: Whose calling code phone numbers get that have none (alpha-2).
    country: str | None = None
    #: Whether an empty cell clears the field.
    blank: Blank = "leaves"
    #: A cell with this text clears the field.
    clearing_word: str | None = None
    #: Where further e-mails of a row go: `details`, `leave_out` or `custom:<definition id>`.
    more_emails: str = DETAILS
    #: By target, then by folded text or OTHERS: CREATE, LEAVE_OUT, or MAP_TO and a name.
    choices: Map[str, Map[str, str]] = {}

    def with_columns(self, **changes: Map[int, object]) -> Mapping:
        """Return the mapping with other attributes of some columns, by their places."""
        columns = list(self.columns)
        for name, values in changes.items():
            for place, value in values.items():
                columns[place] = structs.replace(columns[place], **{name: value})
        return structs.replace(self, columns=tuple(columns))


def targets_of(mapping: Mapping) -> list[str]:
    """Return the targets that columns of a mapping have."""
    return [column.target for column in mapping.columns if column.target is not None]


def match_fields(mapping: Mapping, settings: AccountSettings) -> list[str]:
    """Return what rows can be matched by: the e-mail, custom fields in filters, the name."""
    have = set(targets_of(mapping))
    found = []
    if any(target.partition(":")[0] == "email" for target in have):
        found.append("email")
    found += [
        f"{CUSTOM}{field.id}"
        for field in settings.lead_fields
        if field.is_indexed and f"{CUSTOM}{field.id}" in have
    ]
    if not have.isdisjoint({"name", "first_name", "last_name"}):
        found.append("name")
    return found


def mapping_problems(mapping: Mapping, settings: AccountSettings) -> tuple[str, ...]:
    """Return why a mapping cannot be used with these settings; nothing if it can."""
    problems = []
    seen: set[str] = set()
    for column in mapping.columns:
        if column.target is None:
            continue
        target = as_made(column.target, settings)
        new = new_field_of(target)
        # Fields of one name would be told apart by nobody, whatever their types are.
        same = fold(new[1]) if new else target
        if not is_target(target, settings):
            problems.append(f"Column {quoted(column.header)} cannot be {quoted(target)}.")
        elif same in seen and not is_list(target):
            problems.append(f"Two columns cannot both be {quoted(_called(target, settings))}.")
        seen.add(same)
    fields = match_fields(mapping, settings)
    problems += [
        f"Rows cannot be matched by {quoted(field)}: no column has it, or it is not in filters."
        for field in mapping.match
        if field not in fields
    ]
    if len(mapping.match) > MATCH_STEPS_MAX or len({*mapping.match}) < len(mapping.match):
        problems.append(f"Rows can be matched by {MATCH_STEPS_MAX} fields in turn, each once.")
    if mapping.country is not None and not has_calling_code(mapping.country):
        problems.append(f"No country has the code {quoted(mapping.country)}.")
    if mapping.more_emails not in (DETAILS, LEAVE_OUT):
        field = custom_field_of(mapping.more_emails, settings)
        if field is None or field.data_type not in TEXT_TYPES:
            problems.append(f"Further e-mails cannot go to {quoted(mapping.more_emails)}.")
    return tuple(problems)


def _called(target: str, settings: AccountSettings) -> str:
    """Return what people call a target."""
    if (new := new_field_of(target)) is not None:
        return new[1]
    field = custom_field_of(target, settings)
    return field.name if field else LABELS[target]


def require_usable(mapping: Mapping, settings: AccountSettings) -> None:
    """Raise InputInvalid for a mapping that cannot be used with these settings."""
    if problems := mapping_problems(mapping, settings):
        raise InputInvalid(*(Problem("mapping", text) for text in problems))
