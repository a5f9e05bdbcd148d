"""Every bound of the service, its unit in its name.

`docs/limits.md` lists the same figures; a test holds the two together.
"""

from __future__ import annotations

# Requests.
REQUEST_BODY_BYTES_MAX = 1_048_576
REQUEST_BODY_TIMEOUT_S = 20
REQUEST_HEADERS_TIMEOUT_S = 20
REQUEST_HEADERS_BYTES_MAX = 65_536
REQUEST_CONNECTIONS_MAX = 4_096
#: A connection without a request is closed after this time.
KEEP_ALIVE_TIMEOUT_S = 75
JSON_DEPTH_MAX = 32
BULK_LEADS_MAX = 10
#: Proxies allow a response a few thousand bytes of headers in all.
CHANGED_HEADER_CHARS_MAX = 2_000

# Numbers. Ids stay exact in clients that read JSON numbers as 64-bit floats.
ID_MAX = 2**53 - 1
IDS_PER_ACCOUNT_MAX = 1_000_000_000
NUMBER_ABS_MAX = 10**15
#: Last second of the year 9999, UTC: the largest time that Python's calendar knows.
UNIX_SECONDS_MAX = 253_402_300_799

# A lead.
LINE_CHARS_MAX = 255
TEXT_CHARS_MAX = 65_536
URL_CHARS_MAX = 2_048
TAGS_MAX = 200
LIST_ENTRIES_MAX = 100

# Field settings of an account.
CUSTOM_FIELDS_MAX = 500
OPTIONS_MAX = 1_000
PICK_LIST_ENTRIES_MAX = 200

# Matching. More matches than MATCH_IDS_MAX are reported without their ids.
MATCH_IDS_MAX = 30
#: A longer normalised value is indexed by its digest.
KEY_VALUE_BYTES_MAX = 400
PHONE_DIGITS_MAX = 32

# Searching.
PAGE_SIZE_DEFAULT = 20
PAGE_SIZE_MAX = 200
#: A page number beyond this names no lead that a database could hold.
PAGE_NUMBER_MAX = 1_000_000_000
SEARCH_VALUES_MAX = 1_000
SEARCH_FIELD_FILTERS_MAX = 100
CURSOR_CHARS_MAX = 4_096
#: Leads are sorted by, and searched in, this much of a text; a cursor holds it.
SORT_KEY_CHARS_MAX = 600

# The writer. Waiting writes are bounded by count and by the bytes of their payloads.
BATCH_WRITES_MAX = 256
BATCH_BYTES_MAX = 8 * 1_048_576
QUEUE_WRITES_MAX = 8_192
QUEUE_BYTES_MAX = 64 * 1_048_576
#: With more waiting, the process asks to be sent nothing new.
QUEUE_READY_WRITES_MAX = QUEUE_WRITES_MAX * 3 // 4
QUEUE_READY_BYTES_MAX = QUEUE_BYTES_MAX * 3 // 4
COMMIT_TIMEOUT_S = 20
RETRY_AFTER_S = 1

# PostgreSQL, for each process.
DATABASE_CONNECTIONS_MAX = 10
#: Of these, so many write leads, each for one account at a time.
DATABASE_BATCH_CONNECTIONS_MAX = 4
DATABASE_CONNECT_TIMEOUT_S = 5
#: What fails for a passing reason is begun again for this long.
DATABASE_RETRY_S = 10
#: A migration that does not get a table in this time lets others pass, and tries again.
MIGRATION_LOCK_TIMEOUT_S = 2
#: The server ends a transaction whose process has vanished after this time.
ABANDONED_TRANSACTION_S = 10

# Stopping. What was accepted is answered; a client that takes longer than this is cut off.
STOP_TIMEOUT_S = 45

# Several processes on one port.
WORKERS_MAX = 64
#: A process that does not end in this time after a stop signal is killed.
WORKER_STOP_TIMEOUT_S = 75
#: One that dies is started again at once; when that happens again before it is this old, after
#: a pause, which doubles with each such death.
WORKER_YOUNG_S = 30
WORKER_FIRST_PAUSE_S = 1
WORKER_PAUSE_S_MAX = 30

# Health, metrics and logs.
#: A database that takes longer to answer is not ready.
READY_TIMEOUT_S = 2
#: How old a figure of another process may be in the metrics.
METRICS_SAMPLE_S = 1
#: Requests that were refused or failed are logged up to this many a second.
REFUSALS_LOGGED_PER_S_MAX = 20

# Background work goes through the lane in transactions of this many leads.
INDEX_CHUNK_LEADS = 500
PURGE_CHUNK_KEYS = 2_000
#: How long the index work rests when there is nothing to do, or when a step has failed.
INDEX_WORK_REST_S = 30

# Authentication. A revoked key is refused at the latest after this time, in every process.
API_KEY_CACHE_S = 2
API_KEY_CACHE_ENTRIES_MAX = 10_000
API_KEY_CHARS_MAX = 200

assert BULK_LEADS_MAX <= BATCH_WRITES_MAX <= QUEUE_WRITES_MAX
assert REQUEST_BODY_BYTES_MAX <= BATCH_BYTES_MAX <= QUEUE_BYTES_MAX
assert REQUEST_BODY_TIMEOUT_S + COMMIT_TIMEOUT_S < STOP_TIMEOUT_S
assert STOP_TIMEOUT_S + COMMIT_TIMEOUT_S < WORKER_STOP_TIMEOUT_S
assert LINE_CHARS_MAX < TEXT_CHARS_MAX < REQUEST_BODY_BYTES_MAX
assert API_KEY_CACHE_S < 5
# A character is up to 4 bytes, and 3 bytes are 4 characters of a cursor.
assert SORT_KEY_CHARS_MAX * 4 * 4 // 3 + 200 < CURSOR_CHARS_MAX
