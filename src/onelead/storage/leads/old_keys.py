"""The match keys of the version before, which leads of an upgraded database may still have.

Stored keys cannot be found by their lead, so that removing one takes the rules that made it. These
rules never change. They go when no database can have such keys any more: two releases after
KEY_RULES = 2 at the earliest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from onelead.domain.account import AccountSettings
from onelead.domain.acts.state import BatchPlan
from onelead.domain.custom_fields import match_values
from onelead.domain.lead import Lead, definition_id_of
from onelead.domain.limits import PHONE_DIGITS_MAX
from onelead.domain.matching import MatchKey, email_match_keys, key_value, lead_keys
from onelead.domain.phones import phone_digits
from onelead.domain.text import fold_case

#: The characters that `fold` changes today and did not change then.
CHANGED_CHARS = (
    "`\u00b4\u0149\u02b9\u02bb\u02bc\u02bd\u0374\u1fef\u1ffd\u2010\u2011\u2012\u2013\u2014\u2015"
    "\u2018\u2019\u201b\u2032\u2033\u2034\u2043\u2057\u207b\u208b\u2212\ua78b\ua78c\ufe31\ufe32"
    "\ufe58\uff40"
)
_CHANGED = re.compile(f"[{CHANGED_CHARS}]")
_changes = msgspec.json.Decoder(dict[str, tuple[Any, Any]])


def old_keys(lead: Lead, settings: AccountSettings) -> set[MatchKey]:
    """Return the keys that the version before gave a lead."""
    keys = {MatchKey("name", key_value(fold_case(lead.name)))}
    keys.update(MatchKey("email", value) for value in _email_values(lead))
    for phone in lead.phone_numbers:
        if digits := _phone_digits(phone.number):
            keys.add(MatchKey("phone", digits[::-1]))
    keys.update(MatchKey("social", key_value(fold_case(social.url))) for social in lead.socials)
    keys.update(MatchKey("tag", key_value(fold_case(tag)), tag) for tag in lead.tags)
    for field in settings.indexed_fields:
        values = match_values(field, lead.custom_fields.get(field.id))
        keys.update(MatchKey(field.key_field, key_value(value)) for value in values)
    return keys


def _email_values(lead: Lead) -> list[str]:
    folded = fold_case(lead.email.email) if lead.email else ""
    return [key_value(folded)] if folded else []


def _phone_digits(number: str) -> str:
    # With the digits of an extension.
    digits = "".join(filter(str.isdecimal, number))[-PHONE_DIGITS_MAX:]
    return digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)


def is_unaffected(lead: Lead, document: str) -> bool:
    """Return whether the version before certainly gave a lead today's keys and columns.

    It takes a tenth of the time that comparing them takes. `document` is the stored lead.
    """
    if "`" in document if document.isascii() else _CHANGED.search(document):
        return False
    if lead.email and [key.value for key in email_match_keys(lead.email.email)] != (
        _email_values(lead)
    ):
        return False
    return not any(
        isinstance(value, tuple) and len(value) > 1 for value in lead.custom_fields.values()
    ) and all(
        phone_digits(phone.number) == _phone_digits(phone.number) for phone in lead.phone_numbers
    )


def keys_left_behind(changes: str, settings: AccountSettings) -> set[MatchKey]:
    """Return all keys that a write of the version before may have left to its lead.

    Such a write removes only keys of its own rules, and adds them. The set has more: the keys of a
    lead with only the changed fields, before and after. `changes` are those of its ledger row.
    """
    return {
        key
        for lead in _before_and_after(_changes.decode(changes))
        for key in old_keys(lead, settings) | lead_keys(lead, settings)
    }


def _before_and_after(changes: dict[str, tuple[Any, Any]]) -> Iterator[Lead]:
    blank = dict.fromkeys(("id", "version", "status_id", "date_created", "date_modified"), 0)
    for side in (0, 1):
        values = {name: pair[side] for name, pair in changes.items() if pair[side] is not None}
        custom = {id_: value for name, value in values.items() if (id_ := definition_id_of(name))}
        fields = {name: value for name, value in values.items() if not definition_id_of(name)}
        yield msgspec.convert({"name": "", **blank, **fields, "custom_fields": custom}, Lead)


def clear_old_keys(plan: BatchPlan, stored: Mapping[int, Lead], settings: AccountSettings) -> None:
    """Extend a plan so that the leads it writes have today's keys, whichever they had before.

    `stored` are the leads before the batch.
    """
    for lead_id in plan.deleted:
        plan.keys_removed += [(key, lead_id) for key in old_keys(stored[lead_id], settings)]
    for lead in plan.updated:
        keys = lead_keys(lead, settings)
        plan.keys_removed += [(key, lead.id) for key in old_keys(stored[lead.id], settings) - keys]
        plan.keys_added += [(key, lead.id) for key in keys]
