"""The tables of imports: what was asked for, the uploaded file, what a dry run said, mappings."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text

from onelead.storage.columns import bytewise, id_column, metadata

#: One import of a file, from its upload to its end.
file_import = Table(
    "file_import",
    metadata,
    id_column("account_id"),
    #: Counted from 1 in each account.
    id_column("number"),
    #: Of the ledger rows that it writes.
    Column("batch_id", bytewise(), nullable=False),
    #: The caller that its ledger rows name; null before it starts.
    id_column("api_key_id", nullable=True),
    #: `ImportState`.
    Column("state", Text, nullable=False),
    Column("date", BigInteger, nullable=False),
    Column("date_done", BigInteger),
    id_column("user_id", nullable=True),
    #: The file's name, for people.
    Column("name", Text, nullable=False),
    #: Where the command line reads the file; null for an upload.
    Column("path", Text),
    Column("size_bytes", BigInteger, nullable=False),
    #: SHA-256 of the file, in hexadecimal; empty until all of it is there.
    Column("digest", Text, nullable=False),
    #: JSON: how it is read, which column is what, the answers to questions.
    Column("choices", Text, nullable=False),
    #: JSON: what was found in the file, and what a dry run said; null before.
    Column("findings", Text),
    #: JSON: how many rows have each outcome so far.
    Column("counts", Text, nullable=False),
    #: How many rows the file has; null before they are counted.
    Column("row_count", BigInteger),
    #: All rows up to this line are done.
    Column("line", BigInteger, nullable=False),
    #: Why it ended early.
    Column("message", Text),
    #: The process that is at work, and until when the others leave it alone; null for none.
    Column("holder", Text),
    Column("held_until", BigInteger),
    PrimaryKeyConstraint("account_id", "number"),
)
Index("file_import_by_batch", file_import.c.account_id, file_import.c.batch_id, unique=True)

#: An uploaded file in parts, until the import is done.
file_import_part = Table(
    "file_import_part",
    metadata,
    id_column("account_id"),
    id_column("number"),
    #: Counted from 0.
    id_column("part"),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "number", "part"),
)

#: What the newest dry run says about single rows, until the import starts.
file_import_row = Table(
    "file_import_row",
    metadata,
    id_column("account_id"),
    id_column("number"),
    id_column("line"),
    Column("outcome", bytewise(), nullable=False),
    #: JSON: the cells, what would change, and why.
    Column("content", Text, nullable=False),
    PrimaryKeyConstraint("account_id", "number", "line"),
)
Index(
    "file_import_row_by_outcome",
    file_import_row.c.account_id,
    file_import_row.c.number,
    file_import_row.c.outcome,
    file_import_row.c.line,
)

#: A mapping that was saved under a name, offered for files with the same headers.
import_mapping = Table(
    "import_mapping",
    metadata,
    id_column("account_id"),
    #: The folded name.
    Column("name_key", bytewise(), nullable=False),
    Column("name", Text, nullable=False),
    #: SHA-256 of the set of folded headers, in hexadecimal.
    Column("headers_hash", bytewise(), nullable=False),
    #: JSON.
    Column("mapping", Text, nullable=False),
    Column("date", BigInteger, nullable=False),
    id_column("user_id", nullable=True),
    PrimaryKeyConstraint("account_id", "name_key"),
)
Index("import_mapping_by_headers", import_mapping.c.account_id, import_mapping.c.headers_hash)
