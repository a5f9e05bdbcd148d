"""What is learned about one column from all of its cells, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import NUMBER_TYPES, TYPES_WITH_OPTIONS, DataType
from onelead.domain.importing.cells import (
    TEST_LEAD,
    cell_addresses,
    is_cut,
    is_whole_float,
    unwrapped,
)
from onelead.domain.importing.choices import CHECKS, Choices, choices_of
from onelead.domain.importing.days import order_evidence
from onelead.domain.importing.limits import COLUMN_SAMPLES_MAX, UNKNOWN_CHOICES_MAX
from onelead.domain.importing.mapping import Column, Mapping
from onelead.domain.importing.numbers import currency_in, decimal_evidence, plain_number
from onelead.domain.importing.targets import base_of, data_type_of
from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.placeholders import Placeholders
from onelead.domain.text import fold, shortened


class ColumnFindings(Struct, gc=False, omit_defaults=True):
    """What the cells of a column are."""

    header: str
    target: str | None = None
    filled: int = 0
    #: Cells that say nothing.
    placeholders: int = 0
    samples: tuple[str, ...] = ()
    #: Numbers that a spreadsheet has cut, and one of them.
    cut: int = 0
    cut_sample: str = ""
    #: How often cells show an order of day and month, or a decimal sign, or leave it open.
    evidence: dict[str, int] = {}
    #: One cell for each.
    evidence_samples: dict[str, str] = {}
    #: Unknown choices with how often they are there, and how often others are.
    unknown: dict[str, int] = {}
    unknown_beyond: int = 0
    #: Cells with several e-mails, and with none beside other text.
    several: int = 0
    no_address: int = 0
    #: Currencies other than the account's.
    currencies: dict[str, int] = {}
    #: All numbers have a fraction of zero.
    is_whole: bool = False


class Room:
    """How many more unknown choices a file can list."""

    def __init__(self) -> None:
        self.left = UNKNOWN_CHOICES_MAX


#: An amount in more currencies is no amount.
_CURRENCIES_MAX = 20
#: Takes different texts of a column with how often each is there.
_Look = Callable[[dict[str, int]], None]


class Watch:
    """Looks at the cells of a column, chunk by chunk."""

    def __init__(
        self,
        column: Column,
        mapping: Mapping,
        settings: AccountSettings,
        nothing: Placeholders,
        room: Room,
    ) -> None:
        target = column.target or ""
        self.findings = ColumnFindings(column.header, column.target)
        #: Some of the cells that say nothing, with how often each is there.
        self.placeholders: Counter[str] = Counter()
        #: Rows of Facebook's testing tool are among those of the last chunk.
        self.has_test_leads = False
        self._nothing = nothing
        self._room = room
        self._currency = settings.currency
        self._samples: dict[str, None] = {}
        self._unknown: dict[str, tuple[str, int]] = {}
        self._choices = _choices(target, settings, mapping)
        self._is_value, self._look = self._rules(target, data_type_of(target, settings))
        self._may_be_whole = self._look == self._look_at_texts

    def _rules(
        self, target: str, data_type: DataType | None
    ) -> tuple[Callable[[str], bool] | None, _Look]:
        """Return what is a value although it is a placeholder, and how values are looked at."""
        if self._choices is not None:
            return self._is_choice, self._look_at_choices
        if data_type in NUMBER_TYPES:
            return (lambda text: plain_number(text, ".") is not None), self._look_at_numbers
        if data_type is DataType.DATE:
            return None, self._look_at_days
        if data_type is DataType.CHECKBOX:
            return (lambda text: fold(text) in CHECKS), lambda _: None
        return None, self._look_at_emails if base_of(target) == "email" else self._look_at_texts

    def _is_choice(self, text: str) -> bool:
        return self._choices is not None and self._choices.id_of(text) is not None

    def add(self, cells: Sequence[str]) -> Sequence[str]:
        """Look at cells of the column, and return them with "" for those that say nothing."""
        # In the order of the file, so that the same file always says the same.
        values = dict.fromkeys(cells, 1)
        values.pop("", None)
        self.has_test_leads = False
        if not values:
            return cells
        if len(self._samples) < COLUMN_SAMPLES_MAX:
            self._take_samples(cells)
        nothing = self._sayers_of_nothing(values)
        if nothing or self._choices is not None:
            values = Counter(cells)
            del values[""]
        self.has_test_leads = any(TEST_LEAD in text for text in nothing)
        for text in nothing:
            count = values.pop(text)
            self.findings.placeholders += count
            if len(self.placeholders) < COLUMN_SAMPLES_MAX or text in self.placeholders:
                self.placeholders[text] += count
        if nothing:
            cells = ["" if cell in nothing else cell for cell in cells]
        self.findings.filled += len(cells) - cells.count("")
        self._look(values)
        return cells

    def _sayers_of_nothing(self, values: Iterable[str]) -> dict[str, None]:
        may_have, have, is_value = self._nothing.may_have, self._nothing.have, self._is_value
        return {
            text: None
            for text in values
            if may_have(text)
            and (
                not (bare := unwrapped(text))
                or (have(bare) and not (is_value is not None and is_value(bare)))
            )
        }

    def _take_samples(self, cells: Sequence[str]) -> None:
        for cell in cells:
            if cell and len(self._samples) < COLUMN_SAMPLES_MAX:
                self._samples[shortened(cell)] = None

    def _look_at_texts(self, values: dict[str, int]) -> None:
        if self._may_be_whole:
            self._may_be_whole = all(map(is_whole_float, values))
        self._count_cut(values)

    def _count_cut(self, values: dict[str, int]) -> None:
        together = "\n".join(values)
        if "E" in together or "e" in together:
            cut = [text for text in values if "+" in text and is_cut(text)]
            self.findings.cut += len(cut)
            self.findings.cut_sample = self.findings.cut_sample or shortened(next(iter(cut), ""))

    def _look_at_emails(self, values: dict[str, int]) -> None:
        for text in values:
            addresses, _ = cell_addresses(unwrapped(text))
            self.findings.several += len(addresses) > 1
            self.findings.no_address += not addresses

    def _look_at_numbers(self, values: dict[str, int]) -> None:
        for text in values:
            if not (text.isdigit() or (evidence := decimal_evidence(unwrapped(text))) is None):
                self._note(evidence, text)
            if not text.isdigit() and (currency := currency_in(text)) not in (None, self._currency):
                found = self.findings.currencies
                if len(found) < _CURRENCIES_MAX or currency in found:
                    found[currency or ""] = found.get(currency or "", 0) + 1

    def _look_at_days(self, values: dict[str, int]) -> None:
        for text in values:
            if (evidence := order_evidence(unwrapped(text))) is not None:
                self._note(evidence, text)

    def _note(self, evidence: str, text: str) -> None:
        self.findings.evidence[evidence] = self.findings.evidence.get(evidence, 0) + 1
        self.findings.evidence_samples.setdefault(evidence, shortened(text))

    def _look_at_choices(self, values: dict[str, int]) -> None:
        assert self._choices is not None
        for text, count in values.items():
            for part in self._choices.parts(unwrapped(text)):
                if self._choices.id_of(part) is None:
                    self._add_unknown(part[:LINE_CHARS_MAX], count)

    def _add_unknown(self, text: str, count: int) -> None:
        folded = fold(text)
        written, before = self._unknown.get(folded, (text, 0))
        if not before and not self._room.left:
            self.findings.unknown_beyond += count
            return
        self._room.left -= not before
        self._unknown[folded] = written, before + count

    def result(self) -> ColumnFindings:
        """Return what all cells so far say."""
        self.findings.samples = tuple(self._samples)
        self.findings.is_whole = self._may_be_whole and self.findings.filled > 0
        by_count = sorted(self._unknown.values(), key=lambda one: (-one[1], one[0]))
        self.findings.unknown = dict(by_count)
        return self.findings


def _choices(target: str, settings: AccountSettings, mapping: Mapping) -> Choices | None:
    """Return the choices of a target; a new field has none yet."""
    found = choices_of(target, settings, mapping.choices)
    if found is not None or data_type_of(target, settings) not in TYPES_WITH_OPTIONS:
        return found
    return Choices((), {}, many=data_type_of(target, settings) is DataType.MULTI_SELECT)
