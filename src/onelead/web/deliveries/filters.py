"""The filters in the address of the deliveries: read, written and put into words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from onelead.contract.ledger import LedgerScope, LedgerSearch
from onelead.domain.account import AccountSettings
from onelead.domain.acts.facts import APPLIED, DISMISSED, OPEN
from onelead.domain.limits import BATCH_ID_CHARS_MAX
from onelead.domain.matching import sought_values
from onelead.domain.references import payload_texts, reference
from onelead.domain.text import isolated, known_id, quoted, shortened
from onelead.domain.writes import Outcome
from onelead.web.frame.address import Chip, parameters
from onelead.web.words.ledger_lines import ApiKeyLabels, by_choices
from onelead.web.words.spans import moment_from

PATH = "/deliveries"
#: What a delivery can be about: values and texts.
SCOPES: dict[str, str] = {
    LedgerScope.LEADS: "Leads",
    LedgerScope.UNREAD: "Bodies that could not be read",
    LedgerScope.SETTINGS: "Settings",
}
#: What can become of a refused delivery.
STATES = {OPEN: "Waiting", APPLIED: "Applied", DISMISSED: "Dismissed"}
_MATCHES = {"email": "E-mail", "name": "Name", "custom": "Any custom field"}
_PARAMETERS = (
    *("outcome", "state", "about", "by", "from", "until", "match", "value", "request"),
    "batch",
    # Something was not taken; the id of a setting that was sent.
    *("ignored", "sent"),
)


class DeliveryFilters:
    """The filters of one address; `problems` has what is wrong with them, by parameter."""

    def __init__(self, query: QueryParams, settings: AccountSettings) -> None:
        """Read the parameters. Raises BodyMalformed, as `parameters` does."""
        self._settings = settings
        self._pairs = [pair for pair in parameters(query) if pair[0] in _PARAMETERS]
        self._given = dict(self._pairs)
        self.problems: dict[str, list[str]] = {}
        self.search = self._search(before=known_id(query.get("before", "")))

    def value(self, name: str) -> str:
        """Return the value of a parameter."""
        return self._given.get(name, "")

    def href(self, before: int | None = None, *, without: tuple[str, str] | None = None) -> str:
        """Return the address of a page with these filters."""
        pairs: list[tuple[str, Any]] = [pair for pair in self._pairs if pair != without]
        if before is not None:
            pairs.append(("before", before))
        return f"{PATH}?{urlencode(pairs)}" if pairs else PATH

    def chips(self, labels: ApiKeyLabels, file_name: str) -> list[Chip]:
        """Return a chip for each active filter; the batch may be that of an imported file."""
        named = dict(by_choices(self._settings, labels)) | dict(match_choices(self._settings))
        named |= {**SCOPES, **STATES}
        prefixes = {"from": "From ", "until": "Until ", "value": "Value ", "request": "Request "}
        prefixes |= {"by": "By ", "match": "Matched by ", "about": "About ", "sent": "Sent "}
        prefixes["batch"] = "Import of " if file_name else "Batch "
        texts = {"ignored": "Something not taken", "sent": self._sent_text(), "batch": file_name}
        return [
            Chip(
                prefixes.get(name, "")
                + isolated(shortened(texts.get(name) or named.get(value, value.replace("T", " ")))),
                self.href(without=(name, value)),
            )
            for name, value in self._pairs
        ]

    def _sent_text(self) -> str:
        sent = reference(known_id(self.value("sent")) or 0, self._settings)
        if sent is None:
            return ""
        field = self._settings.fields_by_id.get(sent.definition_id or 0)
        name = f"{field.name}: {sent.name}" if field else sent.name
        return f"{name} (deleted)" if sent.is_deleted else name

    def _search(self, *, before: int | None) -> LedgerSearch:
        by_kind, by_id = self._by()
        match_field, definition_id = self._match()
        return LedgerSearch(
            outcomes=self._outcomes(),
            state=self._state(),
            scope=self._scope(),
            user_id=by_id if by_kind == "user" else None,
            api_key_id=by_id if by_kind == "key" else None,
            # An API key counts as a caller of its own, as in the figures.
            is_without_key=by_kind == "user",
            from_date=self._moment("from"),
            until_date=self._moment("until"),
            match_field=match_field,
            match_definition_id=definition_id,
            match_values=self._match_values(definition_id),
            request_id=self.value("request") or None,
            batch_id=self.value("batch")[:BATCH_ID_CHARS_MAX] or None,
            has_ignored=bool(self.value("ignored")),
            sent=self._sent(),
            before=before,
        )

    def _wrong(self, name: str, text: str) -> None:
        self.problems.setdefault(name, []).append(f"{text}: {quoted(self.value(name))}")

    def _outcomes(self) -> frozenset[Outcome]:
        values = {value for name, value in self._pairs if name == "outcome"}
        known = {outcome for outcome in Outcome if outcome in values}
        if len(known) < len(values):
            self._wrong("outcome", "is not an outcome")
        return frozenset(known)

    def _state(self) -> str | None:
        value = self.value("state")
        if value and value not in STATES:
            self._wrong("state", "must be open, applied or dismissed")
            return None
        return value or None

    def _scope(self) -> LedgerScope | None:
        value = self.value("about")
        if value in SCOPES:
            return LedgerScope(value)
        if value:
            self._wrong("about", "must be leads, unread or settings")
        return None

    def _by(self) -> tuple[str, int | None]:
        kind, _, text = self.value("by").partition("-")
        number = known_id(text)
        if kind in ("user", "key") and number is not None:
            return kind, number
        if kind:
            self._wrong("by", "is not a user or an API key")
        return "", None

    def _match(self) -> tuple[str | None, int | None]:
        value = self.value("match")
        kind, dash, text = value.partition("-")
        number = known_id(text)
        if kind == "custom" and number is not None:
            return "custom", number
        if value and (dash or kind not in _MATCHES):
            self._wrong("match", "is not a field that upserts match by")
            return None, None
        return value or None, None

    def _match_values(self, definition_id: int | None) -> tuple[str, ...]:
        text = self.value("value")
        if not text:
            return ()
        field = self._settings.fields_by_id.get(definition_id or 0)
        return tuple(sorted(sought_values(text, field, self._settings)))

    def _sent(self) -> tuple[tuple[str, ...], ...]:
        setting_id = known_id(self.value("sent"))
        if setting_id is not None:
            return payload_texts(setting_id, self._settings)
        if self.value("sent"):
            self._wrong("sent", "is not the id of a setting")
        return ()

    def _moment(self, name: str) -> int | None:
        text = self.value(name)
        if not text:
            return None
        moment = moment_from(text, self._settings.zone, is_end=name == "until")
        if moment is None:
            self._wrong(name, "is not a date and time (YYYY-MM-DDThh:mm)")
        return moment


def match_choices(settings: AccountSettings) -> list[tuple[str, str]]:
    """Return what a match can have looked at: values and texts."""
    fields = [(f"custom-{field.id}", field.name) for field in settings.lead_fields]
    return [*_MATCHES.items(), *fields]
