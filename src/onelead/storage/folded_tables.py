"""The tables that are folded from the ledger a moment after each write, and can be rebuilt from it.

Rows are folded one by one and in order: the figures, and the queue of refused deliveries.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
)

from onelead.storage.columns import bytewise, id_column, metadata

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
    id_column("account_id"),
    #: The Unix seconds at which the hour begins.
    Column("hour", BigInteger, nullable=False),
    Column("outcome", bytewise(), nullable=False),
    #: 0 when there is none.
    id_column("user_id"),
    id_column("api_key_id"),
    Column("deliveries", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "hour", "outcome", "user_id", "api_key_id"),
    sqlite_with_rowid=False,
)

#: The same with one division at a time, for sums over weeks: a value's hours lie together.
hour_figure = Table(
    "hour_figure",
    metadata,
    id_column("account_id"),
    #: `outcome`, `caller`, `match`, `sent`, `gone`, `ignored` or `shared`.
    Column("grouping", bytewise(), nullable=False),
    #: An outcome; a caller: `key-<id>`, `user-<id>` or `server`; a field; or the id of a setting or
    #: the name of what was ignored, and the caller: `<definition id> key-<id>`. After an
    #: upgrade to revision 0003, the empty text of `sent` marks the day since which it is counted.
    Column("value", bytewise(), nullable=False),
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
    id_column("account_id"),
    #: The Unix seconds at which the day begins.
    id_column("day"),
    id_column("user_id"),
    id_column("api_key_id"),
    Column("outcome", bytewise(), nullable=False),
    Column("deliveries", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "day", "user_id", "api_key_id", "outcome"),
    sqlite_with_rowid=False,
)

#: How many leads have a value: a lead status, a customer source, an option of a custom field.
lead_figure = Table(
    "lead_figure",
    metadata,
    id_column("account_id"),
    #: `status_id`, `customer_source_id`, `assignee_id` or `custom_fields.<definition id>`.
    Column("field", bytewise(), nullable=False),
    #: The id of a status, source, user or option; of a custom field also the empty text, which
    #: counts the leads that have any value.
    Column("value", bytewise(), nullable=False),
    Column("leads", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "field", "value"),
    sqlite_with_rowid=False,
)

#: The different names that a lead was given in an hour, by deliveries that changed it.
name_figure = Table(
    "name_figure",
    metadata,
    id_column("account_id"),
    #: The Unix seconds at which the hour begins.
    Column("hour", BigInteger, nullable=False),
    id_column("lead_id"),
    #: Folded, as the match key has it.
    Column("name", bytewise(), nullable=False),
    Column("deliveries", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "hour", "lead_id", "name"),
    sqlite_with_rowid=False,
)

#: The last ledger row that the queue has taken in, and how many deliveries are open in all. Apart
#: from `figure_progress`, which processes of the version before move on without the queue.
queue_progress = Table(
    "queue_progress",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("open_deliveries", BigInteger, nullable=False),
)

#: What became of each refused delivery.
refused_delivery = Table(
    "refused_delivery",
    metadata,
    id_column("account_id"),
    id_column("seq"),
    #: What the deliveries have in common that one answer can settle: `delivery_group`.
    Column("group_key", bytewise(), nullable=False),
    #: `open`, `applied` or `dismissed`.
    Column("state", bytewise(), nullable=False),
    #: The ledger row that says so; null for a delivery that nobody has decided about.
    id_column("state_seq", nullable=True),
    #: A later accepted delivery with the same idempotency key.
    id_column("replaced_seq", nullable=True),
    #: The caller, as `caller_value` has it.
    Column("caller", bytewise(), nullable=False),
    #: The hash of its idempotency key.
    Column("key_hash", bytewise()),
    PrimaryKeyConstraint("account_id", "seq"),
)
Index(
    "refused_delivery_by_group",
    refused_delivery.c.account_id,
    refused_delivery.c.state,
    refused_delivery.c.group_key,
    refused_delivery.c.seq,
)
Index(
    "refused_delivery_by_key",
    refused_delivery.c.account_id,
    refused_delivery.c.key_hash,
    sqlite_where=refused_delivery.c.key_hash.is_not(None),
    postgresql_where=refused_delivery.c.key_hash.is_not(None),
)

#: How many open deliveries a group has; a group without any has no row.
open_group = Table(
    "open_group",
    metadata,
    id_column("account_id"),
    Column("group_key", bytewise(), nullable=False),
    Column("deliveries", BigInteger, nullable=False),
    #: The newest of them.
    id_column("newest_seq"),
    PrimaryKeyConstraint("account_id", "group_key"),
)
Index("open_group_by_newest", open_group.c.account_id, open_group.c.newest_seq)

#: The same by caller.
open_group_caller = Table(
    "open_group_caller",
    metadata,
    id_column("account_id"),
    Column("group_key", bytewise(), nullable=False),
    #: As `caller_value` has it.
    Column("caller", bytewise(), nullable=False),
    Column("deliveries", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "group_key", "caller"),
    sqlite_with_rowid=False,
)

#: The refused deliveries that named a lead as one of several matches, and the acts that concerned
#: it besides the lead that they are filed under.
ledger_candidate = Table(
    "ledger_candidate",
    metadata,
    id_column("account_id"),
    id_column("lead_id"),
    id_column("seq"),
    PrimaryKeyConstraint("account_id", "lead_id", "seq"),
    sqlite_with_rowid=False,
)
