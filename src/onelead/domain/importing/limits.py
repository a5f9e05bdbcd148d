"""The limits of files that are read, and of their imports."""

from __future__ import annotations

from onelead.domain.limits import BATCH_WRITES_MAX

# Files that are read. A row is kept in the ledger as a request is, with room for its escapes.
FILE_ROW_CHARS_MAX = 131_072
FILE_COLUMNS_MAX = 1_000
FILE_LINE_CHARS_MAX = 1_048_576
#: The header is searched in the first rows, or is in a line that the user names.
FILE_HEADER_ROWS = 20
FILE_HEADER_LINE_MAX = 1_000
#: A JSON array is read whole; JSON Lines have no such limit.
JSON_FILE_BYTES_MAX = 67_108_864
#: A workbook is read whole by a process of its own, which may take this much.
WORKBOOK_UNPACKED_BYTES_MAX = 1_073_741_824
WORKBOOK_PARTS_MAX = 10_000
WORKBOOK_MEMORY_BYTES_MAX = 2_147_483_648
WORKBOOK_CPU_S_MAX = 300
WORKBOOK_ROWS_MAX = 1_048_576
#: An uploaded file comes in parts; when nobody needs it any more, it goes so many parts at a time.
IMPORT_FILE_BYTES_MAX = 256 * 1_048_576
IMPORT_PART_BYTES_MAX = 1_048_576
IMPORT_REMOVED_PARTS_MAX = 8
IMPORTS_OPEN_MAX = 20
IMPORT_KEPT_DAYS_MAX = 7
#: The process at an import writes in chunks and notes how far it is; the others leave it alone.
IMPORT_HELD_S = 30
IMPORT_NOTED_S = 1
IMPORT_WORK_REST_S = 5
IMPORTS_AT_ONCE_MAX = 2
IMPORT_CHUNK_ROWS = 250
IMPORT_SLICE_ROWS = 25
#: The rows of a file of this size are prepared by a process of their own.
IMPORT_PROCESS_BYTES_MIN = 1_048_576
#: A dry run keeps so many rows of each outcome, and reads so many leads of a match key.
REHEARSED_ROWS_MAX = 1_000
REHEARSAL_LEADS_MAX = 1_000
IMPORT_MAPPINGS_MAX = 200
IMPORT_CHOICES_CHARS_MAX = 1_048_576

# Files that are imported. Each column shows so many samples; a file lists so many unknown choices.
COLUMN_SAMPLES_MAX = 3
UNKNOWN_CHOICES_MAX = 1_000
assert IMPORT_CHUNK_ROWS <= BATCH_WRITES_MAX
