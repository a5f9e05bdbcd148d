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

#: A list of leads for people looks at this many leads for a page; more that match are not sorted
#: by what no index has in order, and not counted.
LIST_EXAMINED_MAX = 10_000

# Looking through the ledger, newest first.
LEDGER_SLICE_ROWS = 50
#: One look examines so many rows; then the next one goes on from there.
LEDGER_EXAMINED_MAX = 20_000
#: The ledger is in commit order; clocks that differ or go back are out of it by this many rows.
LEDGER_MARGIN_ROWS = 2_000
#: A longer payload is shown as it came: indented it could be many times longer.
PRETTY_PAYLOAD_CHARS_MAX = 65_536
#: Of leads side by side: the leads times the fields.
COMPARED_CELLS_MAX = 1_500
#: Names of deleted settings: a page asks for those of so many, and looks for each, and for what
#: all of them say, at so many rows.
DELETED_SETTINGS_MAX = 100
DELETED_SETTING_ROWS_MAX = 200

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
WORKER_STOP_TIMEOUT_S = 90
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
#: The figures follow the ledger by this many rows at a time.
FIGURE_CHUNK_ROWS = 500
#: With more rows to go, pages say that they are still counting.
FIGURE_FAR_BEHIND_ROWS = 2 * FIGURE_CHUNK_ROWS
#: How long after a write its figures may be old when there was nothing to do.
FIGURE_WORK_REST_S = 1
#: Values shared by several leads are looked for by this many match keys at a time, again after
#: this time at the earliest, and this many of a field are listed.
SCAN_CHUNK_KEYS = 5_000
SCAN_REST_S = 60
SCAN_VALUES_MAX = 10
#: Of so many accounts a process keeps what it found.
SCAN_ACCOUNTS_MAX = 100
# Authentication. A revoked key is refused at the latest after this time, in every process.
API_KEY_CACHE_S = 2
API_KEY_CACHE_ENTRIES_MAX = 10_000
API_KEY_CHARS_MAX = 200

#: The last use of a key is written after at most this time.
KEY_USE_REST_S = 20

# The web application.
FORM_FIELDS_MAX = 5_000
#: Custom fields, each counted with its options, that stand in one form.
FORM_CUSTOM_FIELDS_MAX = 400
#: Characters that fit into the body of one form, however they are encoded.
FORM_TEXT_CHARS_MAX = 80_000
#: Of a lead's history, on one page.
HISTORY_ROWS = 20
#: Changes that are looked back through to find the version that a form was made from.
CONFLICT_CHANGES_MAX = 200
TAG_COMPLETIONS_MAX = 20
#: Of all that a list finds, this many leads are changed together, so many of them by a request.
SELECTED_LEADS_MAX = 10_000
SELECTED_CHUNK_LEADS = 200
#: A form that may be sent once is remembered for this time.
SENT_FORM_S = 86_400
FORM_ID_CHARS_MAX = 64
#: Of the address of a list: its parameters, and what they take together, without the empty ones.
ADDRESS_PARAMETERS_MAX = 100
ADDRESS_BYTES_MAX = 10_000
#: The columns of a list that a person chose.
LIST_COLUMNS_MAX = 30
#: A browser that is not used is signed out after this time, and any after the longer one.
SESSION_IDLE_S = 7 * 86_400
SESSION_S = 30 * 86_400
#: The last use of a session is written at most this often.
SESSION_TOUCH_S = 60
#: Leads of a lead status or customer source that goes get another one by this many at a time.
REPLACE_CHUNK_LEADS = 500
#: Of one user; with more, those that were not used for the longest time end.
SESSIONS_PER_USER_MAX = 50
PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_MAX = 1_000
#: So many passwords are hashed at once, by process, and so many more may wait.
PASSWORD_HASHES_AT_ONCE_MAX = 2
PASSWORD_HASHES_WAITING_MAX = 32
#: Who has passwords in more accounts signs in to the first ones.
SIGN_IN_ACCOUNTS_MAX = 20
#: One-time links: of the first start or for a lost password, of an invitation, and what
#: remembers a password that is right in several accounts until one is chosen.
LINK_S = 86_400
INVITATION_S = 7 * 86_400
ACCOUNT_CHOICE_S = 300
#: Attempts to sign in within SIGN_IN_PERIOD_S, by process; they come back evenly over it.
SIGN_IN_PERIOD_S = 900
SIGN_IN_BY_EMAIL_MAX = 10
SIGN_IN_BY_ADDRESS_MAX = 60
SIGN_IN_COUNTED_MAX = 20_000
#: Pages that show new deliveries as they arrive: in all of a process, and of one user.
LIVE_STREAMS_MAX = 200
LIVE_USER_STREAMS_MAX = 6
#: How often they look, how often they say that they are there, and look who is still signed in.
LIVE_POLL_S = 1
LIVE_HEARTBEAT_S = 15
LIVE_SESSION_CHECK_S = 5
#: The newest deliveries that a page shows; of more at once, the older ones are left out.
LIVE_ROWS = 12

assert BULK_LEADS_MAX <= BATCH_WRITES_MAX <= QUEUE_WRITES_MAX
assert REQUEST_BODY_BYTES_MAX <= BATCH_BYTES_MAX <= QUEUE_BYTES_MAX
assert REQUEST_BODY_TIMEOUT_S + COMMIT_TIMEOUT_S < STOP_TIMEOUT_S
# A stop waits for clients, for the requests of those that it cuts off, and then for what is tried
# again while the database is away: side by side, of the use of keys the write under way and a last.
assert STOP_TIMEOUT_S + COMMIT_TIMEOUT_S + 2 * DATABASE_RETRY_S < WORKER_STOP_TIMEOUT_S
# A form spells a character with up to 12.
assert TEXT_CHARS_MAX < FORM_TEXT_CHARS_MAX < REQUEST_BODY_BYTES_MAX // 12
assert LINE_CHARS_MAX < TEXT_CHARS_MAX < REQUEST_BODY_BYTES_MAX
assert API_KEY_CACHE_S < 5
# A character is up to 4 bytes, and 3 bytes are 4 characters of a cursor.
assert SORT_KEY_CHARS_MAX * 4 * 4 // 3 + 200 < CURSOR_CHARS_MAX
