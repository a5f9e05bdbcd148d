"""The tables, declared once for every engine.

Every key starts with `account_id`, and every statement names one account, so that the tables can
be distributed by account without touching the code. Globally unique things have keys of their own.
Times are Unix seconds, UTC. Text compares by bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    and_,
    literal_column,
)

from onelead.storage.access_tables import (
    api_key,
    api_key_use,
    attempt,
    audit,
    company_identity,
    known_place,
    one_time_link,
    passkey,
    password,
    pending_sign_in,
    recovery_code,
    totp,
    user,
    web_session,
)
from onelead.storage.columns import bytewise, id_column, metadata
from onelead.storage.folded_tables import (
    caller_figure,
    delivery_figure,
    figure_progress,
    hour_figure,
    lead_figure,
    ledger_candidate,
    name_figure,
    open_group,
    open_group_caller,
    queue_progress,
    refused_delivery,
)
from onelead.storage.import_tables import (
    file_import,
    file_import_part,
    file_import_row,
    import_mapping,
)
from onelead.storage.settings_tables import (
    custom_field,
    custom_field_option,
    customer_source,
    deleted_setting,
    lead_status,
)

#: Every table, wherever it is declared.
__all__ = [
    "REVISION",
    "account",
    "api_key",
    "api_key_use",
    "attempt",
    "audit",
    "batch_undo",
    "caller_figure",
    "company_identity",
    "custom_field",
    "custom_field_option",
    "customer_source",
    "deleted_setting",
    "delivery_figure",
    "distinct_pair",
    "erasure",
    "figure_progress",
    "file_import",
    "file_import_part",
    "file_import_row",
    "hour_figure",
    "idempotency_key",
    "import_mapping",
    "key_rebuild",
    "known_place",
    "lane",
    "lead",
    "lead_figure",
    "lead_status",
    "ledger",
    "ledger_candidate",
    "ledger_detail",
    "match_key",
    "merged_lead",
    "metadata",
    "name_figure",
    "one_time_link",
    "open_group",
    "open_group_caller",
    "passkey",
    "password",
    "pending_sign_in",
    "queue_progress",
    "recovery_code",
    "refused_delivery",
    "retention",
    "sent_form",
    "totp",
    "user",
    "web_session",
]

#: The newest migration, which makes these tables.
REVISION = "0007"


account = Table(
    "account",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("date_created", BigInteger, nullable=False),
    #: JSON: the texts that identify nobody; null for the list that accounts begin with.
    Column("placeholders", Text),
    #: JSON: who decides a value (`Deciding`); null for Copper's way.
    Column("deciding", Text),
    #: How long the ledger keeps what was delivered; null for as long as it stands.
    Column("payload_days", BigInteger),
    #: How long a browser stays signed in, and without use, in seconds; null for the usual.
    Column("session_s", BigInteger),
    Column("session_idle_s", BigInteger),
    #: Whether members may import files; null for no.
    Column("members_import", Boolean),
)

#: The account's write order. A change of leads or settings begins with an update of this row; it
#: is kept apart from `account` so that the update stays small.
lane = Table(
    "lane",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("ledger_seq", BigInteger, nullable=False),
    #: The last number given to a lead, field, option, status, source, user or key.
    Column("last_id", BigInteger, nullable=False),
    Column("settings_version", BigInteger, nullable=False),
    #: How many leads the account has, so that they need not be counted.
    Column("lead_count", BigInteger, nullable=False),
)


def _key_column(name: str) -> Column[str]:
    """Declare a folded copy of one of the document's values, empty when there is none."""
    return Column(name, bytewise(), nullable=False)


#: `document` is the lead. The other columns are derived from it, for searching and sorting.
lead = Table(
    "lead",
    metadata,
    id_column("account_id"),
    id_column("id"),
    Column("version", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    _key_column("name_key"),
    _key_column("first_name_key"),
    _key_column("last_name_key"),
    _key_column("middle_name_key"),
    _key_column("company_name_key"),
    _key_column("title_key"),
    _key_column("email_key"),
    _key_column("phone_key"),
    _key_column("social_key"),
    _key_column("city_key"),
    _key_column("state_key"),
    _key_column("postal_code_key"),
    _key_column("country_key"),
    id_column("assignee_id", nullable=True),
    id_column("status_id"),
    id_column("customer_source_id", nullable=True),
    Column("monetary_value", Float),
    Column("interaction_count", BigInteger, nullable=False),
    Column("date_created", BigInteger, nullable=False),
    Column("date_modified", BigInteger, nullable=False),
    Column("date_last_contacted", BigInteger),
    PrimaryKeyConstraint("account_id", "id"),
    # An update that changes no index finds room beside the version before, and leaves them alone.
    postgresql_with={"fillfactor": 75},
)
Index("lead_by_name", lead.c.account_id, lead.c.name_key, lead.c.id)
Index("lead_by_last_name", lead.c.account_id, lead.c.last_name_key, lead.c.id)
Index("lead_by_company_name", lead.c.account_id, lead.c.company_name_key, lead.c.id)
Index("lead_by_date_created", lead.c.account_id, lead.c.date_created, lead.c.id)
Index("lead_by_status", lead.c.account_id, lead.c.status_id)
# Partial indexes, so that leads without a value cost nothing.
for _name, _column, _is_there in (
    ("lead_by_customer_source", lead.c.customer_source_id, lead.c.customer_source_id.is_not(None)),
    ("lead_by_assignee", lead.c.assignee_id, lead.c.assignee_id.is_not(None)),
    ("lead_by_city", lead.c.city_key, lead.c.city_key > ""),
    ("lead_by_state", lead.c.state_key, lead.c.state_key > ""),
    ("lead_by_postal_code", lead.c.postal_code_key, lead.c.postal_code_key > ""),
):
    Index(
        *(_name, lead.c.account_id, _column),
        sqlite_where=_is_there,
        postgresql_where=_is_there,
    )

#: All that a match reads. The key holds everything, so the table is its own index.
match_key = Table(
    "match_key",
    metadata,
    id_column("account_id"),
    Column("field", bytewise(), nullable=False),
    Column("value", bytewise(), nullable=False),
    id_column("lead_id"),
    Column("label", bytewise()),
    PrimaryKeyConstraint("account_id", "field", "value", "lead_id"),
    sqlite_with_rowid=False,
)

#: One delivery and what it did. Append-only, gap-free, in commit order.
ledger = Table(
    "ledger",
    metadata,
    id_column("account_id"),
    id_column("seq"),
    Column("date", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    #: `lead`, `account`, `custom_field_definition`, `lead_status` or `customer_source`.
    Column("resource", Text, nullable=False),
    #: Ids are unique over the resources of an account.
    id_column("resource_id", nullable=True),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("version", BigInteger),
    id_column("user_id", nullable=True),
    id_column("api_key_id", nullable=True),
    Column("payload", Text, nullable=False),
    #: JSON: what the match looked for and found.
    Column("match", Text),
    #: JSON: `{field: [old, new]}`.
    Column("changes", Text),
    #: Why a write was refused.
    Column("message", Text),
    #: JSON: the names of what the lead did not take.
    Column("ignored", Text),
    #: JSON: `{field: [the other leads with the value that this write gave its lead]}`.
    Column("shares", Text),
    #: The size of a body that could not be read; the payload is its beginning, as a JSON text.
    Column("unread_bytes", BigInteger),
    #: The rules of match keys that the write was made under; null for those before revision 0003.
    Column("key_rules", BigInteger),
    PrimaryKeyConstraint("account_id", "seq"),
)
Index(
    "ledger_by_resource",
    ledger.c.account_id,
    ledger.c.resource_id,
    ledger.c.seq,
    sqlite_where=ledger.c.resource_id.is_not(None),
    postgresql_where=ledger.c.resource_id.is_not(None),
)


def _is_one_of(column: Column[str], *values: str) -> ColumnElement[bool]:
    # Written out: an engine takes a partial index only for what it reads to be the same.
    return column.in_([literal_column(f"'{value}'") for value in values])


#: Which rows changed a lead: it has their date, unless it was changed again.
is_change = and_(
    _is_one_of(ledger.c.resource, "lead"),
    _is_one_of(ledger.c.outcome, "created", "updated", "merged", "restored"),
)
#: Which of them let leads stand again, perhaps besides their own.
is_restoration = and_(
    _is_one_of(ledger.c.resource, "lead"), _is_one_of(ledger.c.outcome, "restored")
)
# By these, leads are found in the order of their last change.
for _name, _columns, _is_there in (
    ("ledger_by_change", (ledger.c.date, ledger.c.resource_id), is_change),
    ("ledger_by_restoration", (ledger.c.date,), is_restoration),
):
    Index(
        *(_name, ledger.c.account_id, *_columns),
        sqlite_where=_is_there,
        postgresql_where=_is_there,
    )

#: What only some ledger rows have to say; most have no row here.
ledger_detail = Table(
    "ledger_detail",
    metadata,
    id_column("account_id"),
    id_column("seq"),
    #: The ledger row that this one is about: what it undoes, applies, dismisses or reopens.
    id_column("about_seq", nullable=True),
    #: Shared by the rows that can be undone together.
    Column("batch_id", bytewise()),
    #: JSON: `RowDetails`.
    Column("details", Text, nullable=False),
    PrimaryKeyConstraint("account_id", "seq"),
)
for _name, _column in (
    ("ledger_detail_by_about_seq", ledger_detail.c.about_seq),
    ("ledger_detail_by_batch", ledger_detail.c.batch_id),
):
    Index(
        *(_name, ledger_detail.c.account_id, _column, ledger_detail.c.seq),
        sqlite_where=_column.is_not(None),
        postgresql_where=_column.is_not(None),
    )

#: The writes that came with an idempotency key. A key counts once, as long as the ledger stands.
idempotency_key = Table(
    "idempotency_key",
    metadata,
    id_column("account_id"),
    #: Of the key with the API key and the path that it is scoped to.
    Column("key_hash", bytewise(), nullable=False),
    Column("body_hash", bytewise(), nullable=False),
    id_column("seq"),
    PrimaryKeyConstraint("account_id", "key_hash"),
)
Index("idempotency_key_by_seq", idempotency_key.c.account_id, idempotency_key.c.seq)

#: Leads that were merged into others. Their ids lead on for as long as the survivor stands.
merged_lead = Table(
    "merged_lead",
    metadata,
    id_column("account_id"),
    id_column("id"),
    #: The lead that stands for it now.
    id_column("lead_id"),
    #: The lead that it was merged into, which may be merged itself by now.
    id_column("into_id"),
    #: The ledger row of its merge, which has its document.
    id_column("seq"),
    PrimaryKeyConstraint("account_id", "id"),
)
Index("merged_lead_by_lead", merged_lead.c.account_id, merged_lead.c.lead_id)

#: Pairs of leads that people said are two persons, each in ascending order.
distinct_pair = Table(
    "distinct_pair",
    metadata,
    id_column("account_id"),
    id_column("first_id"),
    id_column("second_id"),
    #: The ledger row that says so.
    id_column("seq"),
    PrimaryKeyConstraint("account_id", "first_id", "second_id"),
)
Index("distinct_pair_by_second", distinct_pair.c.account_id, distinct_pair.c.second_id)

#: Batches that are being undone, or were: the work that goes on after a crash.
batch_undo = Table(
    "batch_undo",
    metadata,
    id_column("account_id"),
    #: The batch of the undos themselves.
    Column("batch_id", bytewise(), nullable=False),
    #: The batch that they take back.
    Column("about_batch_id", bytewise(), nullable=False),
    Column("force", Boolean, nullable=False),
    Column("date", BigInteger, nullable=False),
    id_column("user_id", nullable=True),
    id_column("api_key_id", nullable=True),
    #: The rows of the batch below this ledger number are to be taken back, the newest first.
    id_column("until_seq"),
    #: Those from this number on have been.
    id_column("next_seq"),
    #: The process that is at work, and until when the others leave it alone; null for none.
    Column("holder", Text),
    Column("held_until", BigInteger),
    #: When the last row was taken back; null while there is more to do.
    Column("date_done", BigInteger),
    PrimaryKeyConstraint("account_id", "batch_id"),
)
Index("batch_undo_by_about", batch_undo.c.account_id, batch_undo.c.about_batch_id)
Index(
    "batch_undo_open",
    batch_undo.c.account_id,
    sqlite_where=batch_undo.c.date_done.is_(None),
    postgresql_where=batch_undo.c.date_done.is_(None),
)

#: Persons whose data was erased, or is being erased: the work that goes on after a crash.
erasure = Table(
    "erasure",
    metadata,
    id_column("account_id"),
    id_column("id"),
    #: `ErasureState`.
    Column("state", Text, nullable=False),
    Column("date", BigInteger, nullable=False),
    Column("date_done", BigInteger),
    id_column("user_id", nullable=True),
    id_column("api_key_id", nullable=True),
    #: Why, in the words of the user who asked for it; never a value of the person.
    Column("reason", Text, nullable=False),
    #: Its own rows are up to this ledger number, and no later row is touched.
    id_column("seq"),
    #: JSON: the leads that were found, and those that had been merged into them.
    Column("lead_ids", Text, nullable=False),
    Column("merged_ids", Text, nullable=False),
    #: JSON: the values to look for; null as soon as they are not needed any more.
    Column("person", Text),
    #: All rows of the state up to this ledger number are done.
    id_column("progress"),
    #: JSON: how much was erased, by kind.
    Column("counts", Text, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)

#: How far the payloads of an account have been removed by their age.
retention = Table(
    "retention",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    #: All rows up to this ledger number are done, and the files are cleaned up to the other one.
    id_column("seq"),
    id_column("cleaned_seq"),
    Column("date_cleaned", BigInteger, nullable=False),
)

#: An account of a database that was upgraded to revision 0003, which changed the rules of match
#: keys. The row goes when nothing by older rules can be left.
key_rebuild = Table(
    "key_rebuild",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    #: The last lead whose keys are rebuilt; null when all are, or there was none.
    id_column("progress", nullable=True),
    #: Up to this ledger number, writes by processes of the version before are looked through, too.
    id_column("checked_seq"),
    #: When all keys were rebuilt, Unix seconds; from then on only such writes are looked for.
    Column("date_done", BigInteger),
)

#: A form that can be sent once; kept for as long as it may be sent again.
sent_form = Table(
    "sent_form",
    metadata,
    id_column("account_id"),
    #: Random, made with the page that has the form.
    Column("form_id", bytewise(), nullable=False),
    Column("date", BigInteger, nullable=False),
    #: Where it led; empty until that is known.
    Column("location", Text, nullable=False),
    PrimaryKeyConstraint("account_id", "form_id"),
)
