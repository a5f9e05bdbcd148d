"""How the limits fit together and what they limit."""

from __future__ import annotations

from datetime import UTC, datetime

from onelead.domain import limits
from onelead.domain.importing import limits as of_files
from onelead.move_in import limits as of_copper

BOUNDS = {
    name: bound
    for module in (limits, of_files, of_copper)
    for name, bound in vars(module).items()
    if name.isupper()
}


def test_every_limit_is_a_positive_whole_number() -> None:
    assert {name: bound for name, bound in BOUNDS.items() if type(bound) is not int} == {}
    assert {name: bound for name, bound in BOUNDS.items() if bound < 1} == {}


def test_every_limit_is_named_as_one() -> None:
    ends = ("_MAX", "_MIN", "_S", "_DEFAULT", "_LEADS", "_KEYS", "_ROWS")
    assert [name for name in BOUNDS if not name.endswith(ends)] == []


def test_ids_and_numbers_stay_exact_in_a_64_bit_float() -> None:
    for bound in (limits.ID_MAX, limits.NUMBER_ABS_MAX, limits.UNIX_SECONDS_MAX):
        assert bound < 2**53
        assert int(float(bound)) == bound


def test_the_ids_of_many_accounts_fit() -> None:
    assert limits.ID_MAX // limits.IDS_PER_ACCOUNT_MAX > 1_000_000


def test_the_last_second_is_the_last_that_the_calendar_knows() -> None:
    assert datetime.fromtimestamp(limits.UNIX_SECONDS_MAX, UTC) == datetime(
        9999, 12, 31, 23, 59, 59, tzinfo=UTC
    )


def test_a_page_and_a_bulk_call_are_what_the_wire_promises() -> None:
    assert (limits.PAGE_SIZE_DEFAULT, limits.PAGE_SIZE_MAX) == (20, 200)
    assert limits.BULK_LEADS_MAX == 10
    assert limits.MATCH_IDS_MAX == 30


def test_a_bulk_call_fits_into_a_batch_and_a_batch_into_the_queue() -> None:
    assert limits.BULK_LEADS_MAX <= limits.BATCH_WRITES_MAX <= limits.QUEUE_WRITES_MAX
    assert limits.REQUEST_BODY_BYTES_MAX <= limits.BATCH_BYTES_MAX <= limits.QUEUE_BYTES_MAX


def test_the_longest_text_fits_into_a_body_even_when_every_character_is_escaped() -> None:
    assert limits.TEXT_CHARS_MAX * len("\\uffff") < limits.REQUEST_BODY_BYTES_MAX


def test_a_revoked_key_is_refused_within_five_seconds() -> None:
    assert limits.API_KEY_CACHE_S < 5


def test_a_digest_is_shorter_than_what_it_replaces() -> None:
    assert len(" ") + 64 < limits.KEY_VALUE_BYTES_MAX
