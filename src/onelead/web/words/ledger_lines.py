"""A ledger row in words: who delivered what, how it was matched, and what it changed.

The history of a lead, the deliveries and the Overview all use these words. Nothing here is HTML:
the templates escape each line. Several values share one text here, so each is isolated within the
text; an element of a template could only isolate the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from onelead.contract.ledger import AccountLedgerRow, LedgerRow
from onelead.domain.account import AccountSettings, ApiKey
from onelead.domain.custom_fields import NUMBER_TYPES, CustomField, DataType, number_of_sortable
from onelead.domain.errors import humanised
from onelead.domain.figures import caller_value
from onelead.domain.lead import Lead
from onelead.domain.limits import MATCH_IDS_MAX
from onelead.domain.text import isolated, shortened, span
from onelead.domain.writes import LEAD, Action, Kept, KeptReason, Outcome, RowDetails
from onelead.web.frame.rendering import exact
from onelead.web.words.lead_texts import custom_text, field_label, field_text, plain_text

#: How much of a long value a line shows before it is expanded.
_SHORT_CHARS_MAX = 160
#: How many of the leads that share a value a line names.
_SHARES_NAMED = 3

#: The labels of an account's API keys by the ids of the keys.
ApiKeyLabels = Mapping[int, str]

_FIELD = "custom_field_definition"
_SOURCE, _STATUS = "customer_source", "lead_status"
_NOUNS = {
    LEAD: "Lead",
    "account": "Account settings",
    _FIELD: "Custom field",
    _SOURCE: "Customer source",
    _STATUS: "Lead status",
}
_VERBS = {
    Outcome.CREATED: "created",
    Outcome.UPDATED: "changed",
    Outcome.DELETED: "deleted",
    Outcome.MERGED: "merged",
    Outcome.RESTORED: "restored",
    Outcome.DECIDED: "decided",
}
#: What undos did, by outcome.
_UNDONE = {
    Outcome.UPDATED: "Change undone",
    Outcome.DELETED: "Creation undone",
    Outcome.MERGED: "Merged again",
    Outcome.RESTORED: "Merge undone",
    Outcome.DECIDED: "Decision undone",
    Outcome.UNCHANGED: "Undo without a change",
}
_DECIDED = {
    Action.DISMISS: "Delivery dismissed",
    Action.REOPEN: "Delivery reopened",
    Action.SEPARATE: "Two leads kept apart",
    Action.ERASE: "Data erased",
}
#: What an act does to the row that it is about; a delivery applies it.
_ABOUT: dict[str, str] = {
    Action.UNDO: "Undoes",
    Action.DISMISS: "Dismisses",
    Action.REOPEN: "Reopens",
}
#: Why a field stayed as it is, after its value: `Title: Owner, because the field is pinned`.
_KEPT_REASONS = {
    KeptReason.PINNED: "because the field is pinned",
    KeptReason.FILL: "because the lead already had a value",
    KeptReason.NEWEST: "because the present value is newer",
    KeptReason.RANKED: "because the sender of the present value ranks higher",
    KeptReason.IF_EMPTY: "because the delivery asked to fill only an empty field",
    KeptReason.OTHER_VALUE: "because it is another value of the lead",
    KeptReason.CHANGED: "because the field was changed since",
    KeptReason.GONE: "because it no longer exists",
    KeptReason.CLAIMED: "because another lead has the ruling on it now",
}
#: The reasons for which a delivery's value was not taken, but a person can still take it.
_NOT_TAKEN = frozenset(
    {
        *(KeptReason.PINNED, KeptReason.FILL, KeptReason.NEWEST, KeptReason.RANKED),
        *(KeptReason.IF_EMPTY, KeptReason.OTHER_VALUE),
    }
)
#: The outcomes of rows that an undo can take back.
_UNDOABLE = frozenset(
    {
        *(Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED, Outcome.MERGED),
        *(Outcome.RESTORED, Outcome.DECIDED),
    }
)
#: The labels of settings attributes on the pages of System Settings.
_SETTING_LABELS = {
    "available_on": "Available on",
    "canonical_name": "Field key",
    "data_type": "Type",
    "is_filterable": "Included in filters",
    "members_import": "Members may import files",
    "payload_days": "Days to keep deliveries",
    "pins_edits": "Pin what people edit",
    "session_idle_s": "Signed out after this time without use",
    "session_s": "Signed out after this time in any case",
}
_SPANS = frozenset({"session_s", "session_idle_s"})
_MATCH_FIELDS = {"email": "e-mail", "name": "name"}
#: Of what a lead did not take: unknown categories, which become the default.
_CATEGORIES = {
    "email.category": "E-mail category",
    "phone_numbers.category": "Phone category",
    "socials.category": "Social profile category",
    "websites.category": "Website category",
}


class LongText(Struct, frozen=True):
    """A text, of which a page may first show only a part."""

    text: str

    @property
    def is_long(self) -> bool:
        """Whether the text is shortened at first."""
        return len(self.text) > _SHORT_CHARS_MAX

    @property
    def short(self) -> str:
        """The text as first shown."""
        if not self.is_long:
            return self.text
        return self.text[: _SHORT_CHARS_MAX - 1].rstrip() + "…"


class ChangeLine(Struct, frozen=True):
    """One field that a write changed; an empty text means no value."""

    #: As in the ledger: `title`, `custom_fields.1000000010`.
    field: str
    label: str
    before: LongText
    after: LongText


class ShareLine(Struct, frozen=True):
    """A value that a write gave its lead and that other leads have."""

    #: What is shared, in a sentence: `e-mail`, `Customer number`.
    label: str
    #: The first of the other leads, ascending, and how many more there are, in words.
    lead_ids: tuple[int, ...]
    more: str

    @property
    def is_several(self) -> bool:
        """Whether more than one other lead has the value."""
        return len(self.lead_ids) > 1


class KeptLine(Struct, frozen=True):
    """A field that a write left as it was, and why."""

    #: As in the ledger: `title`, `custom_fields.1000000010`.
    field: str
    label: str
    #: The value that it would have got; empty for no value.
    value: LongText
    #: Why, as the end of a sentence.
    reason: str
    #: Of an undo: the ledger row that changed the field since.
    seq: int | None
    #: Whether a person can take the value now.
    is_takeable: bool


class MergedLine(Struct, frozen=True):
    """A lead that became part of another one, or stands again."""

    id: int
    name: str


class LedgerLine(Struct, frozen=True, kw_only=True):
    """A ledger row in words. `date` is Unix seconds."""

    seq: int
    date: int
    #: The date in the account's time zone, to the second.
    exact: str
    outcome: str
    #: What happened: `Lead created by an upsert`.
    what: str
    #: The name of the user; empty when unknown.
    who: str
    #: How it came in: `API key Website form`, `web application`, `command line`.
    via: str
    #: The matches, as in `1 lead by e-mail nora@field.example`; empty without a match.
    match: str
    changes: tuple[ChangeLine, ...]
    #: The labels of what the lead did not take.
    ignored: tuple[str, ...]
    shares: tuple[ShareLine, ...]
    #: Why it was refused; empty when it was not refused.
    reason: LongText
    #: The leads that an ambiguous match found, ascending; empty when too many to be named.
    named_leads: tuple[int, ...]
    #: The kind of record, as in the ledger.
    resource: str
    #: None when the row does not name one.
    resource_id: int | None
    request_id: str
    #: The ledger row that this one is about, None for most; and what it does to it: `Undoes`.
    about_seq: int | None
    about: str
    kept: tuple[KeptLine, ...]
    #: The leads that became part of the lead, and those that stand again besides it.
    merged: tuple[MergedLine, ...]
    restored: tuple[MergedLine, ...]
    #: The id that the write named, of a lead that had been merged into this one.
    via_id: int | None
    #: The leads that are two persons.
    pair: tuple[int, ...]
    #: Whether this can be undone, as far as the row itself tells.
    can_undo: bool
    #: Whether its values have been erased.
    is_erased: bool

    @property
    def by(self) -> str:
        """The user and how it came in, as one text."""
        return f"{self.who} · {self.via}" if self.who else self.via


def api_key_labels(keys: Iterable[ApiKey]) -> dict[int, str]:
    """Return the labels of keys by their ids."""
    return {key.id: key.label for key in keys}


def ledger_line(row: LedgerRow, settings: AccountSettings, labels: ApiKeyLabels) -> LedgerLine:
    """Put a row into words; ids that the settings do not know stay numbers."""
    resource, resource_id = LEAD, None
    if isinstance(row, AccountLedgerRow):
        resource, resource_id = row.resource, row.resource_id
    match = row.match or {}
    is_ambiguous = row.outcome == Outcome.REFUSED and match.get("matches", 0) > 1
    details = row.details or RowDetails()
    is_erased = details.erased is not None
    return LedgerLine(
        seq=row.seq,
        date=row.date,
        exact=exact(row.date, settings.zone),
        outcome=row.outcome,
        what=_what(row, resource, _setting_name(row, resource, resource_id, settings)),
        who=_who(row.user_id, settings),
        via=_via(row, labels),
        match=match_text(match, settings) if match else "",
        changes=change_lines(row.changes or {}, settings, resource),
        ignored=ignored_labels(row.ignored or (), settings),
        shares=share_lines(row.shares or {}, settings),
        reason=LongText(reason_text(row.message or "")),
        named_leads=tuple(match["ids"]) if is_ambiguous else (),
        resource=resource,
        resource_id=resource_id,
        request_id=row.request_id,
        about_seq=row.about_seq,
        about=_ABOUT.get(row.action, "Applies"),
        kept=kept_lines(details.kept, settings),
        merged=_named(details.merged),
        restored=_named(lead for lead in details.restored if lead.id != resource_id),
        via_id=details.via_id,
        pair=details.pair or (),
        can_undo=resource == LEAD and row.outcome in _UNDOABLE and not is_erased,
        is_erased=is_erased,
    )


def _named(leads: Iterable[Lead]) -> tuple[MergedLine, ...]:
    return tuple(MergedLine(lead.id, lead.name) for lead in leads)


def _what(row: LedgerRow, resource: str, name: str) -> str:
    noun = _NOUNS.get(resource, resource) + (f" “{isolated(shortened(name))}”" if name else "")
    if row.outcome == Outcome.REFUSED:
        if resource == LEAD:
            return f"{row.action.capitalize()} refused"
        return f"{noun}: {row.action} refused"
    if resource == LEAD and (text := _act(row)):
        return text
    by_upsert = " by an upsert" if row.action == Action.UPSERT else ""
    if row.outcome == Outcome.UNCHANGED:
        return f"No change{by_upsert}" if resource == LEAD else f"{noun}: no change"
    return f"{noun} {_VERBS[Outcome(row.outcome)]}{by_upsert}"


def _act(row: LedgerRow) -> str:
    """Say what an act of a person did; empty for a delivery."""
    if row.action == Action.UNDO:
        restored = row.details.restored if row.details else ()
        is_deletion = isinstance(row, AccountLedgerRow) and [one.id for one in restored] == [
            row.resource_id
        ]
        return "Deletion undone" if is_deletion else _UNDONE.get(Outcome(row.outcome), "")
    if row.action == Action.MERGE and row.details and row.details.merged:
        ids = [one.id for one in row.details.merged]
        return f"Lead merged with {'lead' if len(ids) == 1 else 'leads'} {', '.join(map(str, ids))}"
    return _DECIDED.get(Action(row.action), "") if row.outcome == Outcome.DECIDED else ""


def kept_lines(kept: Mapping[str, Kept], settings: AccountSettings) -> tuple[KeptLine, ...]:
    """Put what a write left as it was into words."""
    return tuple(_kept_line(name, one, settings) for name, one in kept.items())


def _kept_line(name: str, one: Kept, settings: AccountSettings) -> KeptLine:
    # The fields of a lead that stands again after a merge have its id before their name.
    lead_id, _, field = name.partition(".") if name[:1].isdecimal() else ("", "", name)
    label = field_label(field, settings)
    return KeptLine(
        field,
        f"{label} of lead {lead_id}" if lead_id else label,
        LongText(field_text(field, one.value, settings)),
        _KEPT_REASONS.get(KeptReason(one.reason), ""),
        one.seq,
        one.reason in _NOT_TAKEN,
    )


def _setting_name(
    row: LedgerRow, resource: str, resource_id: int | None, settings: AccountSettings
) -> str:
    """Return the current name of a setting, or else its name in the row; empty for a lead."""
    existing = existing_settings(resource, settings)
    if existing is None:
        return ""
    before, after = (row.changes or {}).get("name", (None, None))
    found = existing.get(resource_id or 0)
    if found and row.outcome != Outcome.DELETED:
        return str(found.name)
    return str(after or before or (found.name if found else ""))


def existing_settings(resource: str, settings: AccountSettings) -> Mapping[int, Any] | None:
    """Return the settings of a kind by id; None for other kinds, such as leads."""
    if resource == _FIELD:
        return settings.fields_by_id
    if resource == _SOURCE:
        return settings.sources_by_id
    return settings.statuses_by_id if resource == _STATUS else None


def setting_label(attribute: str) -> str:
    """Return the label of an attribute of a setting, such as a custom field's."""
    return _SETTING_LABELS.get(attribute) or humanised(attribute).capitalize()


def _who(user_id: int | None, settings: AccountSettings) -> str:
    if user_id is None:
        return ""
    user = settings.users_by_id.get(user_id)
    return isolated(user.name) if user else f"User {user_id}"


def _via(row: LedgerRow, labels: ApiKeyLabels) -> str:
    if row.api_key_id is not None:
        return f"API key {isolated(labels.get(row.api_key_id) or str(row.api_key_id))}"
    return "web application" if row.user_id is not None else "command line"


def reason_text(message: str) -> str:
    """Return a refusal's message without its standard prefixes."""
    return message.removeprefix("Invalid input: ").removeprefix("Validation errors: ")


def match_text(match: Mapping[str, Any], settings: AccountSettings) -> str:
    """Say how many leads a match found, and by what."""
    field = settings.fields_by_id.get(match["definition_id"])
    name = _MATCH_FIELDS.get(match["field_name"]) or (
        field.name if field else f"deleted custom field {match['definition_id']}"
    )
    found = match["matches"]
    leads = "1 lead" if found == 1 else f"{found} leads" if found else "no leads"
    if found > MATCH_IDS_MAX:
        leads = f"more than {MATCH_IDS_MAX} leads"
    value = LongText(match_value_text(field, match["value"])).short
    by_properties = ", found by the new value" if match.get("by") == "properties" else ""
    return f"{leads} by {isolated(name)} {isolated(value)}{by_properties}"


def match_value_text(field: CustomField | None, value: str) -> str:
    """Write the normalised value of a match."""
    if value.startswith(" "):
        return "(a long value)"
    if field is None:
        return value
    if field.data_type in NUMBER_TYPES:
        return custom_text(field, number_of_sortable(value))
    if field.data_type is DataType.CHECKBOX:
        return "yes" if value == "true" else "no"
    if field.options:
        # Properties can give several options of a MultiSelect, which are one value together.
        return custom_text(field, [int(option_id) for option_id in value.split(",")])
    return custom_text(field, value)


def change_lines(
    changes: Mapping[str, Any], settings: AccountSettings, resource: str = LEAD
) -> tuple[ChangeLine, ...]:
    """Put `{field: (old, new)}` into words."""
    return tuple(
        ChangeLine(
            field,
            field_label(field, settings) if resource == LEAD else setting_label(field),
            *(LongText(_change_text(field, value, settings, resource)) for value in values),
        )
        for field, values in changes.items()
    )


def ignored_labels(names: Iterable[str], settings: AccountSettings) -> tuple[str, ...]:
    """Return the labels of what a lead did not take, each isolated."""
    labels = (_CATEGORIES.get(name) or field_label(name, settings) for name in names)
    return tuple(isolated(label) for label in labels)


def share_lines(
    shares: Mapping[str, Sequence[int]], settings: AccountSettings
) -> tuple[ShareLine, ...]:
    """Put `{field: ids of other leads}` into words."""
    return tuple(
        ShareLine(
            _MATCH_FIELDS.get(field) or isolated(field_label(field, settings)),
            tuple(ids[:_SHARES_NAMED]),
            _more(len(ids) - _SHARES_NAMED, is_open=len(ids) > MATCH_IDS_MAX),
        )
        for field, ids in shares.items()
    )


def _more(count: int, *, is_open: bool) -> str:
    if count <= 0:
        return ""
    if is_open:
        return f"more than {count - 1} others"
    return "1 other" if count == 1 else f"{count} others"


def _change_text(field: str, value: Any, settings: AccountSettings, resource: str) -> str:
    if resource == LEAD:
        return field_text(field, value, settings)
    if field == "policies":
        policies = (value or {}).items()
        return ", ".join(f"{field_label(name, settings)}: {text}" for name, text in policies)
    if field == "ranks":
        return ", ".join(f"{caller}: {rank}" for caller, rank in (value or {}).items())
    if field in _SPANS and isinstance(value, int):
        return span(value)
    return plain_text(value)


def by_choices(settings: AccountSettings, labels: ApiKeyLabels) -> list[tuple[str, str]]:
    """Return all possible senders of a delivery: filter values and texts."""
    users = [
        (caller_value(user.id, 0), f"{user.name} in the web application") for user in settings.users
    ]
    keys = [(caller_value(0, key_id), f"API key {label}") for key_id, label in labels.items()]
    return users + keys
