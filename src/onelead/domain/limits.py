"""Every limit of the service, with the unit in its name.

`docs/limits.md` lists the same values; a test keeps the two in step.
"""

from __future__ import annotations

# Requests.
REQUEST_BODY_BYTES_MAX = 1_048_576
REQUEST_BODY_TIMEOUT_S = 20
#: An upload, which has no size that would fit into that time, has it for each piece of this size.
UPLOAD_PIECE_BYTES_MIN = 65_536
BODY_ENCODINGS_MAX = 2
GZIP_MEMBERS_MAX = 100
#: Hardly any input makes a slice take longer than a millisecond or two.
INFLATE_SLICE_BYTES_MAX = 16_384
#: Of a body that is read line by line, so much is decoded at a time.
INFLATED_PIECE_BYTES_MAX = 65_536
REQUEST_HEADERS_TIMEOUT_S = 20
REQUEST_HEADERS_BYTES_MAX = 65_536
REQUEST_CONNECTIONS_MAX = 4_096
#: Of one connection; what it has sent behind them waits unread.
PIPELINED_REQUESTS_MAX = 16
#: Of one address, or of one 64-bit network of IPv6; trusted proxies and this machine are exempt.
ADDRESS_CONNECTIONS_MAX = 256
#: A connection that is idle for this long is closed; for this long only, while more than half of
#: the connections are open.
KEEP_ALIVE_TIMEOUT_S = 75
KEEP_ALIVE_CROWDED_TIMEOUT_S = 5
JSON_DEPTH_MAX = 32
BULK_LEADS_MAX = 10
IDEMPOTENCY_KEY_CHARS_MAX = 255
#: A bulk upsert has lines without end, each of this size at most; as a JSON array, it is one body.
BULK_LINE_BYTES_MAX = 1_048_576
BULK_ARRAY_LINES_MAX = 1_000
#: It is read in pieces of so many lines and so many bytes. Answers that the client does not read
#: are held up to the same size; then no more is read, either.
BULK_PIECE_WRITES_MAX = 256
BULK_PIECE_BYTES_MAX = 1_048_576
BULK_ANSWER_BYTES_MAX = 1_048_576
#: Without the end of a line, it ends after so many bytes.
BULK_ENDLESS_BYTES_MAX = 16 * 1_048_576
#: How many of them a process serves at a time, and how many of one account.
BULK_STREAMS_MAX = 8
BULK_STREAMS_OF_ACCOUNT_MAX = 4
#: When it ends early, the client has this long to notice.
BULK_END_S = 5
#: Proxies allow only a few thousand bytes of response headers in all.
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

#: Clocks of sources may be ahead by this much; what was observed later counts as observed now.
OBSERVED_AHEAD_S = 300
#: An undo looks through this many later rows of its leads for what changed a field since.
UNDO_LATER_ROWS_MAX = 5_000
#: Undoing a batch hands the writer this many writes at a time.
UNDO_CHUNK_ROWS = 128
#: It goes in steps of so many ledger rows. While a process does one, the others leave it alone for
#: this long; the idle work looks for steps after a rest.
UNDO_STEP_ROWS = 10 * UNDO_CHUNK_ROWS
UNDO_HELD_S = 10
UNDO_WORK_REST_S = 5
#: The dry run plans this many undos, those of the newest rows.
UNDO_SAMPLE_ROWS = 200
#: The id of a batch is that of the request that began it.
BATCH_ID_CHARS_MAX = 64
#: A merge takes this many leads into another one.
MERGE_LEADS_MAX = 30
#: Values by which a lead is found besides its own.
OTHER_VALUES_MAX = 1_000

# Erasure and retention go through the lane in transactions of a few ledger rows.
#: An e-mail that more leads have is nobody's: the leads are erased one by one.
ERASURE_LEADS_MAX = 30
#: An erasure looks for this many different values of one person.
ERASURE_VALUES_MAX = 10_000
ERASURE_CHUNK_ROWS = 200
#: A step reads this many ledger rows at most before it notes how far it is.
ERASURE_SEARCHED_ROWS = 5_000
#: A preview searches this many of the newest ledger rows for deliveries that reached no lead.
ERASURE_PREVIEW_ROWS = 20_000
#: How many rows of each kind a preview lists.
ERASURE_SAMPLES_MAX = 5
ERASURES_LISTED_MAX = 200
RETENTION_CHUNK_ROWS = 500
#: How long the work of erasures and retention rests when there is nothing to do.
RETENTION_WORK_REST_S = 30
#: After retention, the free space of a database file is cleaned at most once in this time.
RETENTION_CLEAN_REST_S = 86_400

#: Of a delivery whose body could not be read, the ledger keeps this much.
UNREAD_BYTES_MAX = 2_000

# Field settings of an account.
CUSTOM_FIELDS_MAX = 500
OPTIONS_MAX = 1_000
PICK_LIST_ENTRIES_MAX = 200
#: Deleted definitions, options, statuses and sources that deliveries may still name. They are read
#: with the settings, so the oldest ones are forgotten.
DELETED_REFERENCES_MAX = 2_000
#: The highest rank of a caller.
RANK_MAX = 1_000
#: A century.
PAYLOAD_DAYS_MAX = 36_500
#: A preview of other policies looks at this many of the newest writes that changed something.
WHAT_IF_ROWS_MAX = 10_000
#: It searches the ledger this many times, for as many rows each time.
WHAT_IF_SLICES_MAX = 25
WHAT_IF_SLICE_ROWS = 500
#: How many of the differences it lists.
WHAT_IF_LISTED_MAX = 50

# Matching. More matches than MATCH_IDS_MAX are reported without their ids.
MATCH_IDS_MAX = 30
#: A match may be a list of this many steps, each with this many values that a lead has to have.
MATCH_STEPS_MAX = 10
MATCH_STEP_VALUES_MAX = 5
#: Texts that identify nobody, as an account lists them.
PLACEHOLDERS_MAX = 500
#: A longer normalised value is indexed as its digest.
KEY_VALUE_BYTES_MAX = 400
PHONE_DIGITS_MAX = 32

# Searching.
PAGE_SIZE_DEFAULT = 20
PAGE_SIZE_MAX = 200
#: No database holds so many leads that a page beyond this has any.
PAGE_NUMBER_MAX = 1_000_000_000
SEARCH_VALUES_MAX = 1_000
SEARCH_FIELD_FILTERS_MAX = 100
CURSOR_CHARS_MAX = 4_096
#: Leads are sorted and searched by this much of a text; a cursor holds it.
SORT_KEY_CHARS_MAX = 600

#: A page of a list of leads examines this many leads at most. When more match, they are sorted
#: only by what an index has in order, and not counted.
LIST_EXAMINED_MAX = 10_000

# Long reads: searches of leads, and the list of tags.
#: Each process runs so many at a time, and so many while it writes leads or did so lately.
LONG_READS_AT_ONCE_MAX = 3
LONG_READS_BESIDE_WRITES_MAX = 1
WRITES_UNDER_WAY_S = 1

# Searching the ledger, newest first.
LEDGER_SLICE_ROWS = 50
#: One search examines this many rows at most; the next one goes on from there.
LEDGER_EXAMINED_MAX = 20_000
#: The same for a search that looks into the payloads.
LEDGER_PAYLOADS_EXAMINED_MAX = 5_000
#: The ledger is in commit order; searches allow for clocks that differ or go back to put its dates
#: out of order by this many rows.
LEDGER_MARGIN_ROWS = 2_000
#: A longer payload is shown as it was sent: indented it could be many times longer.
PRETTY_PAYLOAD_CHARS_MAX = 65_536
#: When leads are compared side by side: the leads times the fields.
COMPARED_CELLS_MAX = 1_500
#: Names of deleted settings: a page looks up this many at most, each in this many ledger rows, of
#: which it reads as many in all.
DELETED_SETTINGS_MAX = 100
DELETED_SETTING_ROWS_MAX = 200

# The writer. Waiting writes are bounded by count and by the bytes of their payloads.
BATCH_WRITES_MAX = 256
BATCH_BYTES_MAX = 8 * 1_048_576
QUEUE_WRITES_MAX = 8_192
QUEUE_BYTES_MAX = 64 * 1_048_576
#: With more waiting, the process reports that it is not ready for new requests.
QUEUE_READY_WRITES_MAX = QUEUE_WRITES_MAX * 3 // 4
QUEUE_READY_BYTES_MAX = QUEUE_BYTES_MAX * 3 // 4
#: Bulk writes, those of imports and of streams of lines, wait in queues of their own.
BULK_QUEUE_WRITES_MAX = 2_048
BULK_QUEUE_BYTES_MAX = 16 * 1_048_576
#: A batch of bulk writes alone may take about so long; beside single writes, as long as two of
#: their batches, but it has at least so many writes. They are alone when none came for so long.
BULK_BATCH_MS_MAX = 40
#: In a process that only imports, nobody waits for anything else.
BULK_ALONE_BATCH_MS_MAX = 100
BULK_BATCH_WRITES_MIN = 4
BULK_QUIET_S = 1
#: Where other processes write as well, it has no more writes, and a rest follows it.
BULK_BESIDE_OTHERS_WRITES_MAX = 8
BULK_REST_MS_MAX = 20
#: Bulk writes are read and checked so many at a time, and then others have a turn.
BULK_CHECKED_AT_ONCE_MAX = 16
COMMIT_TIMEOUT_S = 20
RETRY_AFTER_S = 1

# A database in trouble.
#: SQLite's log has failed to be copied for this long: no more is written until a restart.
CHECKPOINT_FAILURE_S = 5
#: A full disk counts as full until it takes this much.
DISK_ROOM_BYTES_MIN = 1_048_576
#: What a server of databases refused counts as passed after this time, unless it is met again.
SERVER_TROUBLE_S = 10

# PostgreSQL, per process.
DATABASE_CONNECTIONS_MAX = 10
#: How many of these write leads, each for one account at a time.
DATABASE_BATCH_CONNECTIONS_MAX = 4
DATABASE_CONNECT_TIMEOUT_S = 5
#: A connection that waits for an answer is looked at this often, as it may have broken unnoticed.
DATABASE_LOOK_S = 1
#: What fails for a passing reason is retried for this long.
DATABASE_RETRY_S = 10
#: A migration that does not get its lock within this time lets others pass, and tries again.
MIGRATION_LOCK_TIMEOUT_S = 2
#: The database server ends a transaction whose process has vanished or hangs after this time, so
#: that the other processes' writes go on. A process that was only slow begins it again.
ABANDONED_TRANSACTION_S = 4
#: The same of a migration, which loads much between two statements.
ABANDONED_MIGRATION_S = 10

# Stopping. Accepted requests are answered; a client that takes longer than this is cut off.
STOP_TIMEOUT_S = 45

# Several processes on one port.
WORKERS_MAX = 64
#: A process that has not ended this long after a stop signal is killed.
WORKER_STOP_TIMEOUT_S = 90
#: A process that dies is restarted immediately; if it dies again before it is this old, after a
#: pause, which doubles with each early death.
WORKER_YOUNG_S = 30
WORKER_FIRST_PAUSE_S = 1
WORKER_PAUSE_S_MAX = 30
#: The event loop of a worker gives a sign of life this often. One that was silent for so long gets
#: no new connections, and is killed after the longer time; a start may take longer.
WORKER_BEAT_S = 1
WORKER_SILENT_S = 5
WORKER_HANGS_S = 15
WORKER_START_TIMEOUT_S = 60
#: A connection moves to the worker of its account with this many bytes read from it. A worker with
#: this many connections takes no more from the others, until it has fewer when it looks again.
MOVED_BYTES_MAX = 65_536
MOVED_CONNECTIONS_MAX = REQUEST_CONNECTIONS_MAX // 2
DOOR_REST_S = 1

# Health, metrics and logs.
#: A database that takes longer than this to answer is not ready.
READY_TIMEOUT_S = 2
#: How old the metrics of another process may be.
METRICS_SAMPLE_S = 1
#: In any second the log takes this many lines in all; the last places are kept for errors.
LOG_LINES_PER_S_MAX = 20
ERROR_LOG_LINES_MIN = 5
#: Up to this many of them are about refused requests.
REFUSALS_LOGGED_PER_S_MAX = 10

#: How long a call that follows the ledger may wait for the next row.
LEDGER_WAIT_S_MAX = 30

# Background work goes through the lane in transactions of this many leads.
INDEX_CHUNK_LEADS = 500
PURGE_CHUNK_KEYS = 2_000
#: How long the index work rests when there is nothing to do, or after a step failed.
INDEX_WORK_REST_S = 30
#: After an upgrade that changed the rules of match keys, a step writes this many leads that need
#: other keys. Then the index work looks for writes by processes of the version before: in this many
#: ledger rows at a time, for this long.
REPAIR_CHUNK_LEADS = 100
OLD_WRITES_CHUNK_ROWS = 5_000
OLD_WRITES_S = 86_400
#: The figures follow the ledger by this many rows at a time.
FIGURE_CHUNK_ROWS = 500
#: The queue of refused deliveries follows by this many.
QUEUE_CHUNK_ROWS = 1_000
#: With more rows to fold, pages say that they are still counting.
FIGURE_FAR_BEHIND_ROWS = 2 * FIGURE_CHUNK_ROWS
#: What longer payloads name is not counted.
FIGURE_PAYLOAD_CHARS_MAX = 65_536
#: Figures about the last days are kept a little longer than pages show them. The older ones are
#: removed once in this many ledger rows.
SENT_FIGURES_KEPT_S = 35 * 86_400
NAME_FIGURES_KEPT_S = 3 * 86_400
#: The Overview warns about a lead that was given more different names within an hour.
NAMES_PER_HOUR_MAX = 5
FIGURE_PRUNE_ROWS = 10_000
#: How long the idle work rests; a write shows in the figures at most this much later.
FIGURE_WORK_REST_S = 1
#: A scan for shared values reads this many match keys at a time, begins this long after the one
#: before at the earliest, and lists this many values of each field.
SCAN_CHUNK_KEYS = 5_000
SCAN_REST_S = 60
SCAN_VALUES_MAX = 10
#: A process keeps the scans of this many accounts.
SCAN_ACCOUNTS_MAX = 100

# Authentication. Every process refuses a revoked key after this time at the latest.
API_KEY_CACHE_S = 2
API_KEY_CACHE_ENTRIES_MAX = 10_000
API_KEY_CHARS_MAX = 200
#: A key can be told to end so many days from now at most.
API_KEY_DAYS_MAX = 3_650
API_KEY_NETWORKS_MAX = 20

#: The last use of a key is written this much later at most.
API_KEY_USE_REST_S = 20

#: A page of the audit has so many entries; an export reads it in pieces.
AUDIT_PAGE_ROWS = 100
AUDIT_EXPORT_CHUNK_ROWS = 500
#: So many entries about refused sign-ins may wait for the database; the log has the others, too.
AUDIT_WAITING_MAX = 100

# The web application.
FORM_FIELDS_MAX = 5_000
#: Custom fields in one form, each counted with its options.
FORM_CUSTOM_FIELDS_MAX = 400
#: Characters that fit in the body of one form, however they are encoded.
FORM_TEXT_CHARS_MAX = 80_000
#: Rows of a lead's history on one page.
HISTORY_ROWS = 20
#: A page of a history folds the lines of this many merged leads in, the newest lines of each.
FOLDED_LEADS_MAX = 10
FOLDED_ROWS = 10
#: The undo of a merge looks through this many of the survivor's newest rows for what came since.
DELIVERED_SINCE_MAX = 200
#: The search for a lead to merge with shows this many.
MERGE_SEARCH_LEADS = 20
#: How many changes are searched for the version that a form was made from.
CONFLICT_CHANGES_MAX = 200
TAG_COMPLETIONS_MAX = 20
#: Of all leads that a list finds, up to this many are changed together, this many per request.
SELECTED_LEADS_MAX = 10_000
SELECTED_CHUNK_LEADS = 200
#: The queue shows this many groups at a time, and applies or dismisses this many deliveries per
#: request.
QUEUE_GROUPS_SHOWN_MAX = 20
QUEUE_ANSWERED_AT_ONCE_MAX = 100
#: How long a form that can be sent only once is remembered.
SENT_FORM_S = 86_400
FORM_ID_CHARS_MAX = 64
#: Of the address of a list: how many non-empty parameters, and how many bytes they take together.
ADDRESS_PARAMETERS_MAX = 100
ADDRESS_BYTES_MAX = 10_000
#: The columns that a user can choose for a list.
LIST_COLUMNS_MAX = 30
#: A browser that came over TLS comes over TLS only for this long, a year.
STRICT_TRANSPORT_S = 31_536_000
#: A browser is signed out when it was not used for the shorter time, or after the longer one. These
#: are the usual times; an account can choose the strict ones, or its own between the bounds.
SESSION_IDLE_S = 7 * 86_400
SESSION_S = 30 * 86_400
SESSION_STRICT_IDLE_S = 1_800
SESSION_STRICT_S = 12 * 3_600
SESSION_IDLE_S_MIN = 300
SESSION_S_MIN = 900
SESSION_S_MAX = 90 * 86_400
#: The last use of a session is written at most once in this time.
SESSION_TOUCH_S = 60
#: How long a browser that is not signed in keeps the token of its forms.
VISITOR_S = 30 * 86_400
#: Before what matters, a user proves again who they are when the last time is longer ago.
CONFIRM_S = 900
#: A form that has to wait for that is kept on the page, up to this size.
CONFIRM_FORM_CHARS_MAX = 20_000
#: How long the second step of a sign-in may take, and the answer of a passkey.
SECOND_STEP_S = 600
PASSKEY_ANSWER_S = 300
#: Half-done sign-ins of all accounts; with more, the oldest ones end.
PENDING_SIGN_INS_MAX = 10_000
#: What a browser sends as the answer of a passkey.
PASSKEY_ANSWER_CHARS_MAX = 16_384
PASSKEYS_PER_USER_MAX = 20
RECOVERY_CODES_MAX = 10
#: Wrong codes of one user within SIGN_IN_PERIOD_S.
CODES_BY_USER_MAX = 5
#: Questions to a passkey that one address may begin within SIGN_IN_PERIOD_S; an office shares one.
PASSKEY_QUESTIONS_BY_ADDRESS_MAX = 300
#: When a lead status or customer source is deleted, this many leads at a time get another one.
REPLACE_CHUNK_LEADS = 500
#: Of one user; with more, the least recently used ones end.
SESSIONS_PER_USER_MAX = 50
PASSWORD_CHARS_MIN = 12
PASSWORD_CHARS_MAX = 1_000
#: Each process hashes this many passwords at a time, and lets this many more wait.
PASSWORD_HASHES_AT_ONCE_MAX = 2
PASSWORD_HASHES_WAITING_MAX = 32
#: And this many of users at known places, or with a link or a session.
PASSWORD_HASHES_RESERVED_MAX = 16
#: A user with passwords in more accounts can sign in to the first ones.
SIGN_IN_ACCOUNTS_MAX = 20
#: How long one-time links work: for the first sign-in or a lost password, for an invitation, and
#: for choosing an account when a password is right in several.
LINK_S = 86_400
INVITATION_S = 7 * 86_400
ACCOUNT_CHOICE_S = 300
#: Attempts to sign in within SIGN_IN_PERIOD_S; they come back evenly over it. By place: of one
#: e-mail in one browser or from one address; the others count only strangers.
SIGN_IN_PERIOD_S = 900
SIGN_IN_BY_PLACE_MAX = 10
SIGN_IN_BY_EMAIL_MAX = 20
SIGN_IN_BY_ADDRESS_MAX = 60
#: A place is forgotten after this time without a sign-in, and when an e-mail has newer ones.
KNOWN_PLACE_S = 180 * 86_400
KNOWN_PLACES_MAX = 40
#: How long the company's provider may take to answer, and how long what it publishes is kept.
COMPANY_PROVIDER_TIMEOUT_S = 10
COMPANY_PROVIDER_KEPT_S = 3_600
#: How long a user may be away at the company's provider.
COMPANY_SIGN_IN_S = 600
#: The pause before attempts, places and half-done sign-ins that count no more are deleted.
ACCESS_CLEANING_REST_S = 3_600
#: Pages that show new deliveries as they arrive: per process, and of one user.
LIVE_STREAMS_MAX = 200
LIVE_USER_STREAMS_MAX = 6
#: How often they check for deliveries, send a sign of life, and check that the user is still
#: signed in.
LIVE_POLL_S = 1
LIVE_HEARTBEAT_S = 15
LIVE_SESSION_CHECK_S = 5
#: How many deliveries such a page shows; when more arrive together, the older ones are left out.
LIVE_ROWS = 12

#: A start looks through the whole structure of a SQLite file of at most this size, which takes a
#: millisecond a MiB, and at this many accounts at most.
QUICK_CHECK_FILE_BYTES_MAX = 33_554_432
QUICK_CHECK_ACCOUNTS_MAX = 1_000
#: An export reads so many rows at a time; a load writes so many, or so many bytes of lines.
EXPORT_CHUNK_ROWS = 100
#: A snapshot of PostgreSQL from which nothing was read for this long ends.
SNAPSHOT_IDLE_S = 600
#: A piece of an export as it is written or sent.
EXPORT_PIECE_BYTES_MAX = 65_536
LOAD_CHUNK_ROWS = 2_000
LOAD_CHUNK_BYTES_MAX = 8 * 1_048_576
#: A list of leads goes into a file in pieces of so many.
LIST_FILE_CHUNK_LEADS = 500
#: What a sheet of XLSX can have, below its header, and a cell; and how many leads a page puts into
#: one, which takes seconds.
SHEET_ROWS_MAX = 1_048_575
SHEET_CELL_CHARS_MAX = 32_767
PAGE_SHEET_ROWS_MAX = 100_000
#: A process writes so many files for pages at a time, and for one account; a browser that reads
#: nothing for so long has given its file up.
PAGE_EXPORTS_AT_ONCE_MAX = 2
PAGE_EXPORTS_OF_ACCOUNT_MAX = 1
DOWNLOAD_STALLED_S = 60
#: Commands say how far they are after so many lines.
EXPORT_REPORTED_ROWS = 1_000
#: A longer line of an export is not read. One row of the ledger can have as much.
EXPORT_LINE_BYTES_MAX = 256 * 1_048_576
#: `onelead check` reads so many rows in a step, and lists so many findings.
CHECK_CHUNK_LEADS = 500
CHECK_CHUNK_KEYS = 2_000
CHECK_CHUNK_ROWS = 5_000
CHECK_FINDINGS_MAX = 1_000
#: The figures are compared with the ledger if they are behind it by no more rows than this.
CHECK_BEHIND_ROWS_MAX = 50_000

# A few addresses do not crowd the others.
assert ADDRESS_CONNECTIONS_MAX * 4 < REQUEST_CONNECTIONS_MAX // 2
assert KEEP_ALIVE_CROWDED_TIMEOUT_S < REQUEST_HEADERS_TIMEOUT_S < KEEP_ALIVE_TIMEOUT_S
assert REFUSALS_LOGGED_PER_S_MAX < LOG_LINES_PER_S_MAX - ERROR_LOG_LINES_MIN
assert UNDO_CHUNK_ROWS <= BULK_QUEUE_WRITES_MAX
# The last use of a session is written often enough for the shortest life.
assert 2 * SESSION_TOUCH_S <= SESSION_IDLE_S_MIN <= SESSION_S_MIN
assert PASSKEY_ANSWER_CHARS_MAX < CONFIRM_FORM_CHARS_MAX < FORM_TEXT_CHARS_MAX
assert BULK_LEADS_MAX <= BATCH_WRITES_MAX <= QUEUE_WRITES_MAX
assert BULK_LINE_BYTES_MAX <= REQUEST_BODY_BYTES_MAX
assert BULK_PIECE_WRITES_MAX * 2 <= BULK_QUEUE_WRITES_MAX
assert (BULK_PIECE_BYTES_MAX + BULK_LINE_BYTES_MAX) * 2 <= BULK_QUEUE_BYTES_MAX
assert REQUEST_BODY_BYTES_MAX <= BATCH_BYTES_MAX <= QUEUE_BYTES_MAX
assert REQUEST_BODY_TIMEOUT_S + COMMIT_TIMEOUT_S < STOP_TIMEOUT_S
# A stop waits for clients, for the requests of those that it cuts off, and then for retries while
# the database is away: those of the write of key uses under way, and of the last one.
assert STOP_TIMEOUT_S + COMMIT_TIMEOUT_S + 2 * DATABASE_RETRY_S < WORKER_STOP_TIMEOUT_S
# A busy worker may miss a few signs of life, and the parent looks twice a second. What a hanging
# worker holds is free before it is killed, and others may wait for it without giving up.
assert 3 * WORKER_BEAT_S < WORKER_SILENT_S < WORKER_HANGS_S < WORKER_START_TIMEOUT_S
assert ABANDONED_TRANSACTION_S < WORKER_SILENT_S < DATABASE_RETRY_S
# A form encodes a character with up to 12 bytes.
# A change removes at most all options of one definition.
assert OPTIONS_MAX < DELETED_REFERENCES_MAX
assert LONG_READS_BESIDE_WRITES_MAX <= LONG_READS_AT_ONCE_MAX
# Other reads always find a connection: one reads settings under the lane.
assert LONG_READS_AT_ONCE_MAX < DATABASE_CONNECTIONS_MAX - DATABASE_BATCH_CONNECTIONS_MAX - 1
assert TEXT_CHARS_MAX < FORM_TEXT_CHARS_MAX < REQUEST_BODY_BYTES_MAX // 12
assert LINE_CHARS_MAX < TEXT_CHARS_MAX < REQUEST_BODY_BYTES_MAX
assert API_KEY_CACHE_S < 5
# A character has up to 4 bytes, and a cursor spells 3 bytes with 4 characters.
assert SORT_KEY_CHARS_MAX * 4 * 4 // 3 + 200 < CURSOR_CHARS_MAX
