"""The tables of an account's settings: custom fields, statuses, sources, and what was deleted."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from onelead.storage.columns import id_column, metadata

lead_status = Table(
    "lead_status",
    metadata,
    id_column("account_id"),
    id_column("id"),
    Column("name", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("is_default", Boolean, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)

customer_source = Table(
    "customer_source",
    metadata,
    id_column("account_id"),
    id_column("id"),
    Column("name", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)

custom_field = Table(
    "custom_field",
    metadata,
    id_column("account_id"),
    id_column("id"),
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
    id_column("account_id"),
    id_column("id"),
    id_column("custom_field_id"),
    Column("name", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)
Index(
    "custom_field_option_by_field",
    custom_field_option.c.account_id,
    custom_field_option.c.custom_field_id,
)


#: What leads referred to before it was deleted. Deliveries may go on sending it.
deleted_setting = Table(
    "deleted_setting",
    metadata,
    id_column("account_id"),
    id_column("id"),
    #: `custom_field_definition`, `custom_field_option`, `lead_status` or `customer_source`.
    Column("resource", Text, nullable=False),
    Column("name", Text, nullable=False),
    #: Of an option: its definition.
    id_column("definition_id", nullable=True),
    Column("date", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)
