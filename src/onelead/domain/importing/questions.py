"""What all rows of a file leave open, as questions; answers go into the mapping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from msgspec import Struct, structs

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import NUMBER_TYPES, TEXT_TYPES, DataType
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.importing.days import DateOrder
from onelead.domain.importing.headers import header_key, label_of
from onelead.domain.importing.mapping import (
    CREATE,
    DETAILS,
    LEAVE_OUT,
    MAP_TO,
    OTHERS,
    Mapping,
    match_fields,
)
from onelead.domain.importing.numbers import DecimalSign
from onelead.domain.importing.targets import CUSTOM, NEW, data_type_of, is_list
from onelead.domain.importing.watches import ColumnFindings
from onelead.domain.text import fold, quoted

#: Rows are not matched.
NONE = "none"


class Answer(Struct, frozen=True, gc=False):
    """One possible answer."""

    value: str
    label: str


class Question(Struct, frozen=True, gc=False, omit_defaults=True):
    """Something that a file leaves open."""

    key: str
    sentence: str
    answers: tuple[Answer, ...]
    #: None for a question that has to be answered before anything is written.
    default: str | None = None
    column: int | None = None
    #: Of unknown choices: each with how often it is there. Each can have an answer of its own,
    #: under the key of the question with a colon and the text.
    values: tuple[tuple[str, int], ...] = ()


_ORDERS = (Answer("dmy", "day first"), Answer("mdy", "month first"))
_SIGNS = (Answer(",", "comma"), Answer(".", "point"))


def decided(mapping: Mapping, columns: Sequence[ColumnFindings]) -> Mapping:
    """Return the mapping with what all rows of its columns decide."""
    orders: dict[int, object] = {}
    signs: dict[int, object] = {}
    for place, (column, found) in enumerate(zip(mapping.columns, columns, strict=True)):
        shown = found.evidence.keys() - {"open"}
        if len(shown) == 1:
            (one,) = shown
            if one in get_args(DateOrder) and column.dates is None:
                orders[place] = one
            elif one in get_args(DecimalSign) and column.decimal is None:
                signs[place] = one
    whole: dict[int, object] = {place: found.is_whole for place, found in enumerate(columns)}
    return mapping.with_columns(dates=orders, decimal=signs, is_whole=whole)


def questions(
    mapping: Mapping, columns: Sequence[ColumnFindings], settings: AccountSettings
) -> tuple[Question, ...]:
    """Return what is still open in a mapping for the rows of a file."""
    found = list(_rival_questions(mapping, columns))
    for place, column in enumerate(columns):
        found += _form_questions(place, mapping, column, settings)
        found += _choice_questions(place, column, mapping, settings)
    if not mapping.match and mapping.mode != "create" and match_fields(mapping, settings):
        fields = match_fields(mapping, settings)
        answers = tuple(Answer(field, label_of(field, settings)) for field in fields)
        sentence = "What tells that a row is a lead you already have?"
        nothing = Answer(NONE, "nothing: each row is a new lead")
        found.append(Question("match", sentence, (*answers, nothing), NONE))
    if any(column.several for column in columns):
        found.append(_more_emails_question(mapping, columns, settings))
    return tuple(found)


def _rival_questions(mapping: Mapping, columns: Sequence[ColumnFindings]) -> list[Question]:
    """Ask which of the columns with one header is meant, where a lead has only one value."""
    places: dict[str, list[int]] = {}
    for place, column in enumerate(mapping.columns):
        places.setdefault(header_key(column.header), []).append(place)
    found = []
    for same in places.values():
        taken = [place for place in same if mapping.columns[place].target]
        if len(same) == 1 or len(taken) != 1:
            continue
        target = mapping.columns[taken[0]].target or ""
        if is_list(target) or not any(
            columns[place].filled for place in same if place not in taken
        ):
            continue
        header = quoted(mapping.columns[same[0]].header)
        answers = tuple(Answer(str(place), _named(place, columns[place])) for place in same)
        sentence = f"{len(same)} columns are called {header}. Which one is it?"
        found.append(Question(f"column:{target}", sentence, answers, str(taken[0]), taken[0]))
    return found


def _named(place: int, column: ColumnFindings) -> str:
    samples = ", ".join(map(quoted, column.samples))
    return f"column {place + 1}, with {samples}" if samples else f"column {place + 1}, empty"


def _form_questions(
    place: int, mapping: Mapping, found: ColumnFindings, settings: AccountSettings
) -> list[Question]:
    """Ask for the order of day and month, or for the decimal sign, where cells leave it open."""
    column = mapping.columns[place]
    data_type = data_type_of(column.target or "", settings)
    samples = " or ".join(map(quoted, found.evidence_samples.values()))
    header = quoted(found.header)
    if data_type is DataType.DATE and found.evidence:
        if column.dates or mapping.dates:
            return []
        sentence = f"In column {header}, is the day or the month first, as in {samples}?"
        return [Question(f"dates:{place}", sentence, _ORDERS, None, place)]
    if data_type in NUMBER_TYPES and found.evidence:
        if column.decimal or mapping.decimal:
            return []
        sentence = f"In column {header}, what is the decimal sign, as in {samples}?"
        return [Question(f"decimal:{place}", sentence, _SIGNS, None, place)]
    return []


def _choice_questions(
    place: int, found: ColumnFindings, mapping: Mapping, settings: AccountSettings
) -> list[Question]:
    target = found.target or ""
    if not found.unknown or target.startswith(NEW):
        return []
    answers = [Answer(LEAVE_OUT, "leave them out")]
    if target != "assignee":
        answers.append(Answer(CREATE, "create them"))
    answers += [Answer(f"{MAP_TO}{name}", f"take {name}") for name in _names(target, settings)]
    count = len(found.unknown)
    what = "value is" if count == 1 else "values are"
    more = f" ({found.unknown_beyond} cells have others)" if found.unknown_beyond else ""
    sentence = f"In column {quoted(found.header)}, {count} {what} unknown{more}."
    given = mapping.choices.get(target, {}).get(OTHERS, LEAVE_OUT)
    values = tuple(found.unknown.items())
    return [Question(f"choices:{place}", sentence, tuple(answers), given, place, values)]


def _names(target: str, settings: AccountSettings) -> list[str]:
    if target == "status":
        return [one.name for one in settings.statuses]
    if target == "customer_source":
        return [one.name for one in settings.sources]
    if target == "assignee":
        return [user.email for user in settings.users if user.is_active]
    field = settings.fields_by_id[int(target.removeprefix(CUSTOM))]
    return [option.name for option in field.options]


def _more_emails_question(
    mapping: Mapping, columns: Sequence[ColumnFindings], settings: AccountSettings
) -> Question:
    count = sum(column.several for column in columns)
    answers = [Answer(DETAILS, "the details"), Answer(LEAVE_OUT, "nowhere: leave them out")]
    answers += [
        Answer(f"{CUSTOM}{field.id}", field.name)
        for field in settings.lead_fields
        if field.data_type in TEXT_TYPES
    ]
    cells = "1 cell has" if count == 1 else f"{count} cells have"
    sentence = f"{cells} several e-mails. The first is the lead's; where do the others go?"
    return Question("more_emails", sentence, tuple(answers), mapping.more_emails)


def answered(mapping: Mapping, key: str, answer: str) -> Mapping:
    """Return the mapping with the answer to a question. Raises InputInvalid for any other text."""
    kind, _, rest = key.partition(":")
    changed = None
    if kind == "dates" and answer in get_args(DateOrder):
        changed = _with(mapping, rest, "dates", answer)
    elif kind == "decimal" and answer in get_args(DecimalSign):
        changed = _with(mapping, rest, "decimal", answer)
    elif kind == "column":
        changed = _with_column(mapping, rest, answer)
    elif kind == "choices":
        changed = _with_choice(mapping, rest, answer)
    elif kind == "match":
        changed = structs.replace(mapping, match=() if answer == NONE else (answer,))
    elif kind == "more_emails":
        changed = structs.replace(mapping, more_emails=answer)
    if changed is None:
        raise InputInvalid(Problem("answer", f"{quoted(answer)} is no answer to {quoted(key)}"))
    return changed


def _place(mapping: Mapping, text: str) -> int | None:
    is_place = text.isascii() and text.isdigit() and len(text) < len("100000")
    return int(text) if is_place and int(text) < len(mapping.columns) else None


def _with(mapping: Mapping, place: str, name: str, value: str) -> Mapping | None:
    at = _place(mapping, place)
    return None if at is None else mapping.with_columns(**{name: {at: value}})


def _with_column(mapping: Mapping, target: str, answer: str) -> Mapping | None:
    """Return the mapping with a target at one column alone."""
    at = _place(mapping, answer)
    if at is None:
        return None
    others = {
        place: None for place, column in enumerate(mapping.columns) if column.target == target
    }
    return mapping.with_columns(target={**others, at: target}) if others else None


def _with_choice(mapping: Mapping, rest: str, answer: str) -> Mapping | None:
    place, _, text = rest.partition(":")
    at = _place(mapping, place)
    if at is None or not (answer in (CREATE, LEAVE_OUT) or answer.startswith(MAP_TO)):
        return None
    target = mapping.columns[at].target or ""
    answers = {**mapping.choices.get(target, {}), fold(text) or OTHERS: answer}
    return structs.replace(mapping, choices={**mapping.choices, target: answers})
