"""The form of an import: how the file is read, which column is what, and the answers to questions.

What a column can be, and what an answer means, are rules of the domain; here they are only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

from babel import Locale
from msgspec import Struct, structs

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import NUMBER_TYPES, DataType
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.importing.mapping import CREATE, Column, Mapping, match_fields
from onelead.domain.importing.phone_codes import has_calling_code
from onelead.domain.importing.questions import Question, answered
from onelead.domain.importing.targets import (
    CUSTOM,
    LABELS,
    NEW,
    custom_field_of,
    data_type_of,
    targets,
)
from onelead.domain.importing.watches import ColumnFindings
from onelead.domain.text import fold, known_id, shortened
from onelead.files.imports.choices import Findings, ImportChoices
from onelead.files.readers.table import Choices as Reading
from onelead.files.readers.text import ENCODINGS
from onelead.web.frame.forms import Form

Options = list[tuple[str, str]]

#: A page has so many options of all columns together, and so many columns at least.
_OPTIONS_SHOWN_MAX = 5_000
_COLUMNS_SHOWN_MIN = 10
_COLUMNS_SHOWN_MAX = 100
#: Values that get an answer of their own, and the options of all of them together.
_VALUES_SHOWN_MAX = 20
_VALUE_OPTIONS_MAX = 2_000
_MATCH_STEPS_SHOWN = 2
#: The separators as a form names them.
_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "caret": "^"}
_NEW_TYPES = {
    DataType.STRING: "text",
    DataType.TEXT: "long text",
    DataType.FLOAT: "number",
    DataType.CURRENCY: "amount",
    DataType.DATE: "date",
    DataType.DROPDOWN: "one of a list",
    DataType.MULTI_SELECT: "several of a list",
    DataType.CHECKBOX: "check box",
    DataType.URL: "link",
}
#: What the pages call differently than files do; an import has a source, too.
_PAGE_LABELS = {"assignee": "Owner", "customer_source": "Customer source", "email": "E-mail"}
MODES = [
    ("upsert", "Update the lead that a row matches, or create one"),
    ("create", "Only create leads; refuse rows that match one"),
    ("update", "Only update leads; refuse rows that match none"),
]


class ColumnLine(Struct, frozen=True):
    """One column in the form."""

    place: int
    column: Column
    #: Of all rows; None while they have not been read with this mapping.
    found: ColumnFindings | None
    #: Custom fields that can be made for it: values and texts.
    new: Options
    #: The order of dates or the decimal sign that was found or chosen, if it has any.
    form_name: str = ""
    form_value: str = ""
    form_options: Options = []


class QuestionLine(Struct, frozen=True):
    """A question, and what the form shows as its answer."""

    question: Question
    answers: Options
    #: The first of the unknown choices: the text, how often, and its own answer.
    values: list[tuple[str, int, str]]
    more: int
    #: Whether each of them can have an answer of its own.
    each: bool


def column_lines(
    mapping: Mapping, findings: Findings, settings: AccountSettings, first: int, *, is_admin: bool
) -> list[ColumnLine]:
    """Return the columns of one page of the form, from a place on."""
    found = findings.surveyed.columns
    shown = range(first, min(first + columns_shown(settings), len(mapping.columns)))
    return [
        _column_line(place, mapping.columns[place], found[place], settings, is_admin=is_admin)
        for place in shown
    ]


def columns_shown(settings: AccountSettings) -> int:
    """Return how many columns a page of the form has."""
    fitting = _OPTIONS_SHOWN_MAX // len(targets(settings))
    return min(max(fitting, _COLUMNS_SHOWN_MIN), _COLUMNS_SHOWN_MAX)


def _column_line(
    place: int, column: Column, found: ColumnFindings, settings: AccountSettings, *, is_admin: bool
) -> ColumnLine:
    kinds = _NEW_TYPES if is_admin else {}
    new = [(f"{NEW}{kind}:{column.header}", text) for kind, text in kinds.items()]
    if column.target and column.target.startswith(NEW) and column.target not in dict(new):
        new.append((column.target, column.target.removeprefix(NEW)))
    kind = data_type_of(column.target or "", settings)
    line = ColumnLine(place, column, found, new)
    if kind is DataType.DATE and column.dates:
        orders = [("dmy", "Day first"), ("mdy", "Month first")]
        return structs.replace(
            line, form_name="dates", form_value=column.dates, form_options=orders
        )
    if kind in NUMBER_TYPES and column.decimal:
        signs = [(",", "Decimal comma"), (".", "Decimal point")]
        return structs.replace(
            line, form_name="decimal", form_value=column.decimal, form_options=signs
        )
    return line


def target_groups(settings: AccountSettings) -> list[tuple[str, Options]]:
    """Return what every column can be, in groups."""
    options = [(target, target_label(target, settings)) for target in targets(settings)]
    grouped = groupby(options, lambda option: option[0].startswith(CUSTOM))
    return [("Custom fields" if is_custom else "Lead", list(of)) for is_custom, of in grouped]


def target_label(target: str, settings: AccountSettings) -> str:
    """Return what a target is called on the pages."""
    field = custom_field_of(target, settings)
    return field.name if field else (LABELS | _PAGE_LABELS).get(target, target)


def match_choices(mapping: Mapping, settings: AccountSettings) -> tuple[Options, list[str]]:
    """Return what rows can be matched by, and what each of the selects shows."""
    options = [(one, target_label(one, settings)) for one in match_fields(mapping, settings)]
    empty = [""] * max(1, _MATCH_STEPS_SHOWN - len(mapping.match))
    return [("", "—"), *options], [*mapping.match, *empty][: max(len(options), 1)]


def question_lines(
    questions: Sequence[Question], mapping: Mapping, *, is_admin: bool
) -> list[QuestionLine]:
    """Return the questions, those that need an answer first."""
    asked = sorted(questions, key=lambda one: one.default is not None)
    return [_question_line(one, mapping, is_admin=is_admin) for one in asked]


def _question_line(one: Question, mapping: Mapping, *, is_admin: bool) -> QuestionLine:
    # What an import makes on the way is the admins' to decide.
    answers = [
        (answer.value, answer.label)
        for answer in one.answers
        if is_admin or answer.value != CREATE or one.default == CREATE
    ]
    column = mapping.columns[one.column] if one.column is not None else None
    given = mapping.choices.get(column.target or "", {}) if column else {}
    shown = one.values[:_VALUES_SHOWN_MAX]
    return QuestionLine(
        question=one,
        answers=answers,
        values=[(text, count, given.get(fold(text), "")) for text, count in shown],
        more=len(one.values) - len(shown),
        each=len(shown) * len(answers) <= _VALUE_OPTIONS_MAX,
    )


def reading_choices(findings: Findings) -> dict[str, Options]:
    """Return the choices of how a file can be read that make sense for it."""
    reading = findings.reading
    found: dict[str, Options] = {}
    if reading.encoding is not None:
        found["encoding"] = [(name, name) for name in ENCODINGS]
        found["separator"] = [(name, name.capitalize()) for name in _SEPARATORS]
    if len(reading.sheets) > 1:
        found["sheet"] = [(name, shortened(name)) for name in reading.sheets]
    return found


def reading_shown(choices: ImportChoices, findings: Findings) -> dict[str, str]:
    """Return what the form of the reading shows: what was chosen, or found out."""
    names = {separator: name for name, separator in _SEPARATORS.items()}
    reading = findings.reading
    return {
        "encoding": choices.reading.encoding or reading.encoding or "",
        "separator": names.get(choices.reading.separator or reading.separator or "", ""),
        "sheet": choices.reading.sheet or reading.sheet or "",
        "header_line": str(reading.header_line),
    }


def choices_from(form: Form, choices: ImportChoices, findings: Findings) -> ImportChoices:
    """Return the choices with what a form changes.

    Another reading begins with new guesses. Raises InputInvalid for what no form of ours sends;
    whether the mapping can be used is another question.
    """
    if (reading := _reading_from(form, choices, findings)) != choices.reading:
        return structs.replace(choices, reading=reading, mapping=None, corrections={})
    mapping = _mapping_from(form, choices.mapping or findings.surveyed.mapping)
    mapping = _answered(form, mapping, findings.surveyed.questions)
    source = form.get("source", choices.source)
    again = form.has("again") if form.has("mode") else choices.again
    return structs.replace(choices, mapping=mapping, source=source, again=again)


def _reading_from(form: Form, choices: ImportChoices, findings: Findings) -> Reading:
    """Return how the file is to be read; what the form shows because it was found out is left."""
    shown, changed = reading_shown(choices, findings), dict[str, Any]()
    for name, was in shown.items():
        sent = form.get(name, was)
        if sent == was:
            continue
        if name == "header_line":
            changed[name] = 0 if sent == "0" else known_id(sent)
        else:
            changed[name] = (_SEPARATORS.get(sent) if name == "separator" else sent) or None
    return structs.replace(choices.reading, **changed)


def _mapping_from(form: Form, mapping: Mapping) -> Mapping:
    columns: dict[str, dict[int, object]] = {"target": {}, "fill": {}, "dates": {}, "decimal": {}}
    for place, column in enumerate(mapping.columns):
        if not form.has(f"target.{place}"):
            continue
        columns["target"][place] = form.raw(f"target.{place}") or None
        columns["fill"][place] = form.has(f"fill.{place}")
        for name, values in (("dates", ("dmy", "mdy")), ("decimal", (",", "."))):
            sent = form.get(f"{name}.{place}")
            columns[name][place] = sent if sent in values else getattr(column, name)
    changed: dict[str, Any] = {}
    if form.has("mode"):
        mode, blank = form.get("mode"), form.get("blank")
        if mode not in dict(MODES) or blank not in ("leaves", "clears"):
            raise InputInvalid(Problem("mode", "is not one of the choices", "inclusion"))
        changed = {
            "mode": mode,
            "match": tuple(dict.fromkeys(filter(None, form.all("match")))),
            "blank": blank,
            "clearing_word": form.get("clearing_word") or None,
            "country": form.get("country") or None,
        }
    return structs.replace(mapping.with_columns(**columns), **changed)


def _answered(form: Form, mapping: Mapping, questions: Sequence[Question]) -> Mapping:
    defaults = {one.key: one.default for one in questions}
    for key, answer in form.starting("answer.").items():
        if not answer or answer == defaults.get(key):
            continue
        try:
            mapping = answered(mapping, key, answer)
        except InputInvalid:
            # The question is about a column that has become something else in the same form.
            if key in defaults or key.partition(":")[0] != "choices":
                continue
            raise
    return mapping


def creates_settings(mapping: Mapping | None) -> bool:
    """Say whether a mapping wants something made that only admins make."""
    if mapping is None:
        return False
    is_new = any(one.target and one.target.startswith(NEW) for one in mapping.columns)
    return is_new or any(CREATE in answers.values() for answers in mapping.choices.values())


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """Return the countries with a calling code: codes and names, by name."""
    named = Locale("en").territories.items()
    found = [(str(code), str(name)) for code, name in named if has_calling_code(code)]
    return tuple(sorted(found, key=lambda pair: pair[1]))
