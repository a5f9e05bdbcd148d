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
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData()
#: The newest migration, which makes these tables.
REVISION = "0003"


def _bytewise() -> TypeEngine[str]:
    # SQLite compares bytes by default; PostgreSQL must be told to.
    return Text().with_variant(Text(collation="C"), "postgresql")


def _id(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


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

user = Table(
    "user",
    metadata,
    _id("account_id"),
    _id("id"),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_key", _bytewise(), nullable=False),
    Column("role", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("date_created", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
    UniqueConstraint("account_id", "email_key", name="user_by_email"),
)

#: Looked up by its hash alone, before the account is known.
api_key = Table(
    "api_key",
    metadata,
    Column("key_hash", _bytewise(), primary_key=True),
    _id("account_id"),
    _id("id"),
    _id("user_id"),
    Column("label", Text, nullable=False),
    Column("date_created", BigInteger, nullable=False),
    Column("date_revoked", BigInteger),
)
Index("api_key_by_account", api_key.c.account_id, api_key.c.id)

#: When an API key was last used, and from where; written a little later.
api_key_use = Table(
    "api_key_use",
    metadata,
    _id("account_id"),
    _id("api_key_id"),
    Column("date_last_used", BigInteger, nullable=False),
    Column("last_address", Text, nullable=False),
    PrimaryKeyConstraint("account_id", "api_key_id"),
)

#: Looked up by the e-mail alone: signing in names no account.
password = Table(
    "password",
    metadata,
    Column("email_key", _bytewise(), nullable=False),
    _id("account_id"),
    _id("user_id"),
    #: Argon2id, with its salt and parameters.
    Column("password_hash", Text, nullable=False),
    Column("date_changed", BigInteger, nullable=False),
    #: When the user last signed in, by any means.
    Column("date_last_sign_in", BigInteger),
    PrimaryKeyConstraint("email_key", "account_id"),
)

#: A browser that is signed in. Looked up by the hash of its token alone.
web_session = Table(
    "web_session",
    metadata,
    Column("token_hash", _bytewise(), primary_key=True),
    _id("account_id"),
    _id("user_id"),
    Column("date_created", BigInteger, nullable=False),
    Column("date_last_used", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
)
Index("web_session_by_user", web_session.c.account_id, web_session.c.user_id)

#: A link with which a user signs in once, to set a password. Looked up by its token's hash alone.
one_time_link = Table(
    "one_time_link",
    metadata,
    Column("token_hash", _bytewise(), primary_key=True),
    _id("account_id"),
    _id("user_id"),
    #: What it is for: the first sign-in, an invitation, a lost password.
    Column("purpose", Text, nullable=False),
    Column("date_created", BigInteger, nullable=False),
    Column("date_expires", BigInteger, nullable=False),
    Column("date_used", BigInteger),
)
Index("one_time_link_by_user", one_time_link.c.account_id, one_time_link.c.user_id)

lead_status = Table(
    "lead_status",
    metadata,
    _id("account_id"),
    _id("id"),
    Column("name", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("is_default", Boolean, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)

customer_source = Table(
    "customer_source",
    metadata,
    _id("account_id"),
    _id("id"),
    Column("name", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)

custom_field = Table(
    "custom_field",
    metadata,
    _id("account_id"),
    _id("id"),
    Column("name", Text, nullable=False),
    Column("canonical_name", Text),
    Column("data_type", Text, nullable=False),
    #: The resources, separated by commas.
    Column("available_on", Text, nullable=False),
    Column("is_filterable", Boolean, nullable=False),
    Column("currency", String(3)),
    Column("index_state", Text, nullable=False),
    Column("index_generation", Integer, nullable=False),
    #: While the index is being built: the last lead that has its keys.
    Column("index_progress", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)

custom_field_option = Table(
    "custom_field_option",
    metadata,
    _id("account_id"),
    _id("id"),
    _id("custom_field_id"),
    Column("name", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)
Index(
    "custom_field_option_by_field",
    custom_field_option.c.account_id,
    custom_field_option.c.custom_field_id,
)


def _key_column(name: str) -> Column[str]:
    """Declare a folded copy of one of the document's values, empty when there is none."""
    return Column(name, _bytewise(), nullable=False)


#: `document` is the lead. The other columns are derived from it, for searching and sorting.
lead = Table(
    "lead",
    metadata,
    _id("account_id"),
    _id("id"),
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
    _id("assignee_id", nullable=True),
    _id("status_id"),
    _id("customer_source_id", nullable=True),
    Column("monetary_value", Float),
    Column("interaction_count", BigInteger, nullable=False),
    Column("date_created", BigInteger, nullable=False),
    Column("date_modified", BigInteger, nullable=False),
    Column("date_last_contacted", BigInteger),
    PrimaryKeyConstraint("account_id", "id"),
)
Index("lead_by_name", lead.c.account_id, lead.c.name_key, lead.c.id)
Index("lead_by_last_name", lead.c.account_id, lead.c.last_name_key, lead.c.id)
Index("lead_by_company_name", lead.c.account_id, lead.c.company_name_key, lead.c.id)
Index("lead_by_date_created", lead.c.account_id, lead.c.date_created, lead.c.id)
Index("lead_by_date_modified", lead.c.account_id, lead.c.date_modified, lead.c.id)
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
    _id("account_id"),
    Column("field", _bytewise(), nullable=False),
    Column("value", _bytewise(), nullable=False),
    _id("lead_id"),
    Column("label", _bytewise()),
    PrimaryKeyConstraint("account_id", "field", "value", "lead_id"),
    sqlite_with_rowid=False,
)

#: One delivery and what it did. Append-only, gap-free, in commit order.
ledger = Table(
    "ledger",
    metadata,
    _id("account_id"),
    _id("seq"),
    Column("date", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    #: `lead`, `account`, `custom_field_definition`, `lead_status` or `customer_source`.
    Column("resource", Text, nullable=False),
    #: Ids are unique over the resources of an account.
    _id("resource_id", nullable=True),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("version", BigInteger),
    _id("user_id", nullable=True),
    _id("api_key_id", nullable=True),
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

#: What leads referred to before it was deleted. Deliveries may go on sending it.
deleted_setting = Table(
    "deleted_setting",
    metadata,
    _id("account_id"),
    _id("id"),
    #: `custom_field_definition`, `custom_field_option`, `lead_status` or `customer_source`.
    Column("resource", Text, nullable=False),
    Column("name", Text, nullable=False),
    #: Of an option: its definition.
    _id("definition_id", nullable=True),
    Column("date", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)

#: An account of a database that was upgraded to revision 0003, which changed the rules of match
#: keys. The row goes when nothing by older rules can be left.
key_rebuild = Table(
    "key_rebuild",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    #: The last lead whose keys are rebuilt; null when all are, or there was none.
    _id("progress", nullable=True),
    #: Up to this ledger number, writes by processes of the version before are looked through, too.
    _id("checked_seq"),
    #: When all keys were rebuilt, Unix seconds; from then on only such writes are looked for.
    Column("date_done", BigInteger),
)

#: A form that can be sent once; kept for as long as it may be sent again.
sent_form = Table(
    "sent_form",
    metadata,
    _id("account_id"),
    #: Random, made with the page that has the form.
    Column("form_id", _bytewise(), nullable=False),
    Column("date", BigInteger, nullable=False),
    #: Where it led; empty until that is known.
    Column("location", Text, nullable=False),
    PrimaryKeyConstraint("account_id", "form_id"),
)

# The tables below are folded from the ledger a moment after each write, row by row and in order,
# and can be rebuilt from it.

#: The last ledger row that is folded.
figure_progress = Table(
    "figure_progress",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)

#: How many lead writes arrived in an hour, by outcome and caller.
delivery_figure = Table(
    "delivery_figure",
    metadata,
    _id("account_id"),
    #: The Unix seconds at which the hour begins.
    Column("hour", BigInteger, nullable=False),
    Column("outcome", _bytewise(), nullable=False),
    #: 0 when there is none.
    _id("user_id"),
    _id("api_key_id"),
    Column("deliveries", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "hour", "outcome", "user_id", "api_key_id"),
    sqlite_with_rowid=False,
)

#: The same with one division at a time, for sums over weeks: a value's hours lie together.
hour_figure = Table(
    "hour_figure",
    metadata,
    _id("account_id"),
    #: `outcome`, `caller`, `match`, `sent`, `gone`, `ignored` or `shared`.
    Column("grouping", _bytewise(), nullable=False),
    #: An outcome; a caller: `key-<id>`, `user-<id>` or `server`; a field; or the id of a setting or
    #: the name of what was ignored, and the caller: `<definition id> key-<id>`. After an
    #: upgrade to revision 0003, the empty text of `sent` marks the day since which it is counted.
    Column("value", _bytewise(), nullable=False),
    #: The Unix seconds at which the hour begins; of `sent` and `gone`, the day.
    Column("hour", BigInteger, nullable=False),
    Column("deliveries", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "grouping", "value", "hour"),
    sqlite_with_rowid=False,
)

#: The same for whole days, UTC, so that weeks of many callers are summed up quickly.
caller_figure = Table(
    "caller_figure",
    metadata,
    _id("account_id"),
    #: The Unix seconds at which the day begins.
    _id("day"),
    _id("user_id"),
    _id("api_key_id"),
    Column("outcome", _bytewise(), nullable=False),
    Column("deliveries", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "day", "user_id", "api_key_id", "outcome"),
    sqlite_with_rowid=False,
)

#: How many leads have a value: a lead status, a customer source, an option of a custom field.
lead_figure = Table(
    "lead_figure",
    metadata,
    _id("account_id"),
    #: `status_id`, `customer_source_id`, `assignee_id` or `custom_fields.<definition id>`.
    Column("field", _bytewise(), nullable=False),
    #: The id of a status, source, user or option; of a custom field also the empty text, which
    #: counts the leads that have any value.
    Column("value", _bytewise(), nullable=False),
    Column("leads", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "field", "value"),
    sqlite_with_rowid=False,
)

#: The different names that a lead was given in an hour, by deliveries that changed it.
name_figure = Table(
    "name_figure",
    metadata,
    _id("account_id"),
    #: The Unix seconds at which the hour begins.
    Column("hour", BigInteger, nullable=False),
    _id("lead_id"),
    #: Folded, as the match key has it.
    Column("name", _bytewise(), nullable=False),
    Column("deliveries", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "hour", "lead_id", "name"),
    sqlite_with_rowid=False,
)

#: The refused deliveries that named a lead as one of several matches.
ledger_candidate = Table(
    "ledger_candidate",
    metadata,
    _id("account_id"),
    _id("lead_id"),
    _id("seq"),
    PrimaryKeyConstraint("account_id", "lead_id", "seq"),
    sqlite_with_rowid=False,
)
