"""Two versions of a lead side by side: the stored one, and the one that a form would make.

Pure: the version that the form was made from is reconstructed from the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from onelead.contract.ledger import LedgerRow
from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead, definition_id_of
from onelead.web.leads.form import value_of
from onelead.web.words.lead_texts import field_label, field_text
from onelead.web.words.ledger_lines import LongText

THEIRS, YOURS, UNKNOWN = "theirs", "yours", "unknown"


class Difference(Struct, frozen=True):
    """A field in which the stored lead and the wanted one differ."""

    name: str
    label: str
    theirs: LongText
    yours: LongText
    #: `theirs` or `yours` when only that side changed the field; `unknown`, or empty when both
    #: did: then the user has to choose.
    only: str


def lead_before(lead: Lead, later: Iterable[LedgerRow]) -> Lead:
    """Return a lead as it was before the later changes, which are given newest first."""
    fields: dict[str, Any] = msgspec.to_builtins(lead)
    custom = {int(key): value for key, value in fields.get("custom_fields", {}).items()}
    for row in later:
        for name, (old, _new) in (row.changes or {}).items():
            definition_id = definition_id_of(name)
            if definition_id is None:
                fields[name] = old
            else:
                custom[definition_id] = old
    fields["custom_fields"] = {key: value for key, value in custom.items() if value is not None}
    known = {name: value for name, value in fields.items() if value is not None}
    return msgspec.convert(known, Lead, str_keys=False)


def differences(
    base: Lead,
    theirs: Lead,
    yours: Lead,
    names: Sequence[str],
    settings: AccountSettings,
    *,
    is_base_known: bool = True,
) -> list[Difference]:
    """Return the fields in which two versions with the same base differ.

    Without a known base, nothing can be said about which side changed a field.
    """
    found = []
    for name in names:
        was, stored, wanted = (value_of(lead, name, settings) for lead in (base, theirs, yours))
        if stored == wanted:
            continue
        only = THEIRS if wanted == was else YOURS if stored == was else ""
        only = only if is_base_known else UNKNOWN
        theirs_text = LongText(field_text(name, stored, settings))
        yours_text = LongText(field_text(name, wanted, settings))
        label = field_label(name, settings)
        found.append(Difference(name, label, theirs_text, yours_text, only))
    return found
