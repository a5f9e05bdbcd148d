"""The trouble that a process has with its database: what is remembered, and for how long."""

from __future__ import annotations

from structlog.testing import capture_logs

from onelead.domain.errors import (
    DatabaseDamaged,
    DatabaseReplaced,
    DiskFull,
    ReadOnly,
    StoreUnavailable,
)
from onelead.storage.trouble import Trouble


def code_of(trouble: Trouble) -> str | None:
    return None if trouble.error is None else trouble.error.code


def test_a_database_that_does_not_answer_is_no_trouble_of_its_own() -> None:
    trouble = Trouble()
    trouble.met(StoreUnavailable())
    assert trouble.error is None


def test_each_trouble_is_logged_when_it_begins_and_when_it_is_over() -> None:
    trouble = Trouble()
    with capture_logs() as logs:
        for _ in range(3):
            trouble.met(DiskFull())
        trouble.passed(ReadOnly)
        assert code_of(trouble) == "disk_full"
        trouble.met(ReadOnly())
        trouble.passed()
        trouble.passed()
    assert [(line["event"].rpartition(" is ")[2], line["reason"]) for line in logs] == [
        ("in trouble", "disk_full"),
        ("in trouble", "read_only"),
        ("well again", "read_only"),
    ]


def test_damage_stays_and_a_replaced_file_is_worse() -> None:
    trouble = Trouble()
    trouble.met(DatabaseDamaged())
    trouble.met(DiskFull())
    trouble.passed()
    assert code_of(trouble) == "database_damaged"
    trouble.met(DatabaseReplaced(), is_final=True)
    trouble.met(DatabaseDamaged())
    assert code_of(trouble) == "database_replaced"
    assert trouble.is_final


def test_what_is_not_met_again_passes_after_a_while() -> None:
    now = 0.0
    trouble = Trouble(passes_after_s=10, monotonic=lambda: now)
    trouble.met(DiskFull())
    now = 9.0
    trouble.met(DiskFull())
    now = 19.0
    assert code_of(trouble) == "disk_full"
    now = 19.1
    assert trouble.error is None
    trouble.met(DatabaseDamaged())
    now = 60.0
    assert code_of(trouble) == "database_damaged"
