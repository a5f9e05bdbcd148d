"""Which tables an export has, and why the others are left out.

A file has no secret: what signs in or calls the API stays behind. A copy from one database to
another has it, too. What follows from the rest by a rule is in neither, and is made again.
`docs/decisions/0042-export.md` has the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Table

from onelead.domain.api_keys.texts import SOURCE
from onelead.storage import schema

_NOTHING: Mapping[str, str] = {}
_DERIVED = "follows from the document"
_LIVES_SHORT = "lives for minutes or days"
_FOLDED = "is folded from the ledger"


class Exported(NamedTuple):
    """A table that an export has, its rows in the order of its key."""

    table: Table
    #: The columns that no line has, and why.
    left_out: Mapping[str, str] = _NOTHING
    #: The columns with JSON that this program wrote: a line has it as JSON.
    nested: tuple[str, ...] = ()
    #: The columns that only a copy has; a file has what begins so, if anything.
    copied_only: Mapping[str, str] = _NOTHING


#: In the order of the file: what comes later is read by the settings before it.
EXPORTED = (
    Exported(
        schema.account,
        {"id": "is in the first line"},
        nested=("placeholders", "deciding"),
    ),
    Exported(schema.lane, {"settings_version": "only tells processes to read the settings again"}),
    Exported(schema.user, {"email_key": "follows from the e-mail"}),
    # Without its hash a key is a name in the ledger and nothing else. That of a source of imports
    # only says its name.
    Exported(schema.api_key, copied_only={"key_hash": SOURCE}),
    Exported(schema.lead_status),
    Exported(schema.customer_source),
    Exported(schema.custom_field),
    Exported(schema.custom_field_option),
    Exported(schema.deleted_setting),
    Exported(
        schema.lead,
        {
            column.name: _DERIVED
            for column in schema.lead.c
            if column.name not in ("account_id", "document")
        },
        nested=("document",),
    ),
    Exported(schema.merged_lead),
    Exported(schema.distinct_pair),
    # A payload is text as it came in, with any spaces and line ends.
    Exported(schema.ledger, nested=("match", "changes", "ignored", "shares")),
    Exported(schema.ledger_detail, nested=("details",)),
    Exported(schema.idempotency_key),
    Exported(
        schema.batch_undo,
        dict.fromkeys(("holder", "held_until"), "names a process that is at work"),
    ),
    Exported(schema.erasure, nested=("lead_ids", "merged_ids", "person", "counts")),
    Exported(schema.retention),
    Exported(
        schema.file_import,
        {
            "path": "names a file of the machine",
            **dict.fromkeys(("holder", "held_until"), "names a process that is at work"),
        },
        nested=("choices", "findings", "counts"),
    ),
    Exported(schema.import_mapping, nested=("mapping",)),
)

#: What a copy has besides.
COPIED_ONLY = (
    Exported(schema.password),
    Exported(schema.passkey),
    Exported(schema.totp),
    Exported(schema.recovery_code),
    Exported(schema.company_identity),
    Exported(schema.api_key_use),
    Exported(schema.audit, nested=("changes",)),
)

LEFT_OUT = {
    schema.match_key: "follows from the leads and the settings",
    schema.key_rebuild: "a loaded account has all keys by today's rules",
    schema.one_time_link: _LIVES_SHORT,
    schema.web_session: _LIVES_SHORT,
    schema.pending_sign_in: _LIVES_SHORT,
    schema.sent_form: _LIVES_SHORT,
    schema.attempt: "belongs to no account",
    schema.known_place: "belongs to no account",
    schema.file_import_part: "is a file that is being imported, until that is done",
    schema.file_import_row: "is what a dry run said, until the import starts",
    schema.figure_progress: _FOLDED,
    schema.delivery_figure: _FOLDED,
    schema.hour_figure: _FOLDED,
    schema.caller_figure: _FOLDED,
    schema.lead_figure: _FOLDED,
    schema.name_figure: _FOLDED,
    schema.queue_progress: _FOLDED,
    schema.refused_delivery: _FOLDED,
    schema.open_group: _FOLDED,
    schema.open_group_caller: _FOLDED,
    schema.ledger_candidate: _FOLDED,
}
