"""The filters in the address of the audit: read, written and put into words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from onelead.contract.audit import AuditSearch
from onelead.domain.audit import AuditEvent
from onelead.domain.text import isolated, known_id, quoted, shortened
from onelead.web.frame.address import Chip, parameters
from onelead.web.words.audit_lines import EVENT_LABELS, AuditNames
from onelead.web.words.spans import moment_from

PATH = "/settings/audit"
EXPORT = f"{PATH}/export"
_PARAMETERS = ("user", "key", "event", "address", "from", "until")


class AuditFilters:
    """The filters of one address; `problems` has what is wrong with them, by parameter."""

    def __init__(self, query: QueryParams, names: AuditNames) -> None:
        """Read the parameters. Raises BodyMalformed, as `parameters` does."""
        self._names = names
        self._pairs = [pair for pair in parameters(query) if pair[0] in _PARAMETERS]
        self._given = dict(self._pairs)
        self.problems: dict[str, list[str]] = {}
        self.search = AuditSearch(
            user_id=self._id("user", names.users),
            api_key_id=self._id("key", names.keys),
            events=self._events(),
            address=self.value("address") or None,
            from_date=self._moment("from"),
            until_date=self._moment("until"),
            before=known_id(query.get("before", "")),
        )

    def value(self, name: str) -> str:
        """Return the value of a parameter."""
        return self._given.get(name, "")

    def href(
        self,
        before: int | None = None,
        *,
        path: str = PATH,
        without: tuple[str, str] | None = None,
    ) -> str:
        """Return an address with these filters."""
        pairs: list[tuple[str, Any]] = [pair for pair in self._pairs if pair != without]
        if before is not None:
            pairs.append(("before", before))
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def chips(self) -> list[Chip]:
        """Return a chip for each active filter."""
        return [
            Chip(self._text(name, value), self.href(without=(name, value)))
            for name, value in self._pairs
        ]

    def _text(self, name: str, value: str) -> str:
        number = known_id(value)
        if name == "event" and value in EVENT_LABELS:
            return EVENT_LABELS[AuditEvent(value)]
        if name == "user":
            return f"User {self._names.user(number).text}"
        if name == "key":
            return f"API key {self._names.key(number).text}"
        return f"{name.capitalize()} {isolated(shortened(value.replace('T', ' ')))}"

    def _wrong(self, name: str, text: str) -> None:
        self.problems.setdefault(name, []).append(f"{text}: {quoted(self.value(name))}")

    def _id(self, name: str, known: Any) -> int | None:
        number = known_id(self.value(name))
        if self.value(name) and number not in known:
            self._wrong(name, f"is not {'a user' if name == 'user' else 'an API key'}")
        return number

    def _events(self) -> frozenset[AuditEvent]:
        values = {value for name, value in self._pairs if name == "event"}
        known = {event for event in AuditEvent if event in values}
        if len(known) < len(values):
            self._wrong("event", "is not an event")
        return frozenset(known)

    def _moment(self, name: str) -> int | None:
        text = self.value(name)
        if not text:
            return None
        moment = moment_from(text, self._names.zone, is_end=name == "until")
        if moment is None:
            self._wrong(name, "is not a date and time (YYYY-MM-DDThh:mm)")
        return moment
