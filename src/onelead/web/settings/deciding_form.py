"""The form of System Settings, Matching, that says who decides a value.

A policy and a rank are lines of their own, so that two admins can change different ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, to_builtins

from onelead.domain.account import AccountSettings, ApiKey
from onelead.domain.acts.policies import POLICY_FIELDS, WEB, Policy
from onelead.domain.figures import caller_value
from onelead.domain.lead import custom_name
from onelead.domain.settings.account_details import details_of
from onelead.domain.text import whole_number
from onelead.web.frame.forms import Form
from onelead.web.frame.line_form import LineForm, read_lines
from onelead.web.words.lead_texts import field_label
from onelead.web.words.ledger_lines import api_key_noun

_POLICY, _RANK = "policy.", "rank."
#: A form shows the ranks of this many API keys; the API can change those of others.
_KEYS_SHOWN_MAX = 200

POLICY_LABELS = (
    (Policy.OVERWRITE, "Always take it"),
    (Policy.FILL, "Only if the lead has none"),
    (Policy.NEWEST, "Only if it is newer"),
    (Policy.RANKED, "Only from a sender that ranks as high"),
)


class DecidingForm(Struct, frozen=True):
    """The lines of the form, and their labels."""

    lines: LineForm
    #: The names of the lines with policies, and the labels of their fields.
    policies: Sequence[tuple[str, str]]
    #: The names of the lines with ranks, and the labels of their callers.
    ranks: Sequence[tuple[str, str]]

    def label(self, name: str) -> str:
        """Return the label of a line."""
        labels = {**dict(self.policies), **dict(self.ranks)}
        others = {"pins_edits": "Pin what people edit", "payload_days": "Days to keep deliveries"}
        return labels.get(name) or others[name]

    def text(self, name: str, line: str) -> str:
        """Return what a line says, in words."""
        if name.startswith(_POLICY):
            return dict(POLICY_LABELS)[Policy(line)]
        if name == "pins_edits":
            return "yes" if line else "no"
        return line


def labelled(lines: LineForm, settings: AccountSettings, keys: Iterable[ApiKey]) -> DecidingForm:
    """Return the form with the labels of its lines."""
    fields = [*POLICY_FIELDS, *(custom_name(field.id) for field in settings.lead_fields)]
    policies = [(_POLICY + name, field_label(name, settings)) for name in fields]
    ranks = settings.deciding.ranks
    shown = [
        (caller_value(0, key.id), key)
        for key in keys
        if key.date_revoked is None or caller_value(0, key.id) in ranks
    ]
    keys_of = [
        (
            _RANK + caller,
            f"{api_key_noun(key)} {key.label}" + (" (revoked)" if key.date_revoked else ""),
        )
        for caller, key in shown[:_KEYS_SHOWN_MAX]
    ]
    return DecidingForm(lines, policies, [(_RANK + WEB, "The web application"), *keys_of])


def stored_lines(settings: AccountSettings, keys: Iterable[ApiKey]) -> dict[str, str]:
    """Return the lines as they are stored."""
    form = labelled(LineForm({}, {}), settings, keys)
    deciding = settings.deciding
    return {
        **{
            name: deciding.policies.get(name.removeprefix(_POLICY), Policy.OVERWRITE).value
            for name, _label in form.policies
        },
        **{
            name: str(deciding.ranks.get(name.removeprefix(_RANK), 0))
            for name, _label in form.ranks
        },
        "pins_edits": "1" if deciding.pins_edits else "",
        "payload_days": str(settings.payload_days),
    }


def read_form(form: Form, stored: Mapping[str, str]) -> LineForm:
    """Read a sent form; lines that it did not have yet are as they are stored."""
    # An unchecked box is not sent.
    sent = {name: text for name, text in stored.items() if form.has(name) or name == "pins_edits"}
    lines = read_lines(form, sent)
    return LineForm({**stored, **lines.typed}, {**stored, **lines.was})


def wanted_body(lines: LineForm, settings: AccountSettings) -> dict[str, Any]:
    """Return what the form changes, as the API would receive it."""
    current = to_builtins(details_of(settings))
    body: dict[str, Any] = {}
    for name, text in lines.wanted.items():
        if name.startswith(_POLICY):
            policies = body.setdefault("policies", {**current["policies"]})
            policies[name.removeprefix(_POLICY)] = text
        elif name.startswith(_RANK):
            ranks = body.setdefault("ranks", {**current["ranks"]})
            ranks[name.removeprefix(_RANK)] = whole_number(text or "0")
        elif name == "pins_edits":
            body[name] = bool(text)
        else:
            body[name] = whole_number(text or "0")
    return body
