"""Choices in files: statuses, sources, users and options by their names in any case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onelead.domain.account import AccountSettings
from onelead.domain.coercions import separated
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS, DataType
from onelead.domain.importing.mapping import CREATE, LEAVE_OUT, MAP_TO, OTHERS
from onelead.domain.importing.targets import custom_field_of
from onelead.domain.text import fold, tidy

_YES = (
    "yes y true t on 1 x checked \u2713 \u2714 \u2611 ja j wahr oui o vrai s\u00ed si s verdadero "
    "s\u00ec vero sim verdadeiro waar"
)
_NO = (
    "no n false f off 0 unchecked \u2717 \u2610 nein falsch non faux falso n\u00e3o nao nee onwaar"
)
#: What people put into a column of check boxes, in the languages of the headers.
CHECKS = dict.fromkeys(map(fold, _YES.split()), True) | dict.fromkeys(map(fold, _NO.split()), False)


class Choices:
    """What a text in a column can mean: the ids by the names, and the answers for unknown ones."""

    def __init__(
        self, entries: Iterable[tuple[int, str]], answers: Mapping[str, str], *, many: bool
    ) -> None:
        """Take the ids with their names, of which one has several; the first with a name has it."""
        self._answers = answers
        self.many = many
        self._exact: dict[str, int] = {}
        self._folded: dict[str, int] = {}
        for id_, name in entries:
            self._exact.setdefault(tidy(name), id_)
            self._folded.setdefault(fold(name), id_)

    def id_of(self, text: str) -> int | None:
        """Return what a name or id means."""
        return self._exact.get(tidy(text)) or self._folded.get(fold(text))

    def parts(self, text: str) -> list[str]:
        """Return the choices in a cell: one, or what is between separators."""
        if not self.many or self.id_of(text):
            return [text]
        ways = list(separated(text))
        return next((way for way in ways if all(map(self.id_of, way))), ways[-1])

    def meant(self, text: str) -> int | None:
        """Return what a text means with the answers for unknown ones; None for what is left out."""
        if (found := self.id_of(text)) is not None:
            return found
        answer = self.answer(text)
        return self.id_of(answer.removeprefix(MAP_TO)) if answer.startswith(MAP_TO) else None

    def answer(self, text: str) -> str:
        """Return what becomes of an unknown text."""
        return self._answers.get(fold(text)) or self._answers.get(OTHERS, LEAVE_OUT)

    def to_create(self, text: str) -> bool:
        """Return whether an unknown text is to be made one of the choices."""
        return self.id_of(text) is None and self.answer(text) == CREATE


def choices_of(
    target: str, settings: AccountSettings, answers: Mapping[str, Mapping[str, str]]
) -> Choices | None:
    """Return the choices of a target; None for one that has no list of them."""
    entries: list[tuple[int, str]]
    is_many = False
    if target == "status":
        entries = [(one.id, one.name) for one in settings.statuses]
    elif target == "customer_source":
        entries = [(one.id, one.name) for one in settings.sources]
    elif target == "assignee":
        entries = _users(settings)
    else:
        field = custom_field_of(target, settings)
        if field is None or field.data_type not in TYPES_WITH_OPTIONS:
            return None
        entries = [(one.id, one.name) for one in field.options]
        is_many = field.data_type is DataType.MULTI_SELECT
    entries += [(id_, str(id_)) for id_, _ in entries]
    return Choices(entries, answers.get(target, {}), many=is_many)


def _users(settings: AccountSettings) -> list[tuple[int, str]]:
    """Return the users by e-mail, and by a name that only one has, active ones first."""
    users = sorted(settings.users, key=lambda user: not user.is_active)
    named: dict[str, list[int]] = {}
    for user in users:
        if user.is_active or fold(user.name) not in named:
            named.setdefault(fold(user.name), []).append(user.id)
    return [(user.id, user.email) for user in users] + [
        (ids[0], name) for name, ids in named.items() if len(ids) == 1
    ]
