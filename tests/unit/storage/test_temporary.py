"""Temporary databases that find no room say so."""

from __future__ import annotations

import errno
import hashlib
import sqlite3
from contextlib import closing

import pytest

from onelead.domain.errors import TemporaryFull
from onelead.storage.sqlite import temporary
from onelead.storage.sqlite.temporary import Occurrences, temporary_database, temporary_room


def test_rows_are_counted_until_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def small() -> sqlite3.Connection:
        driver = temporary_database()
        driver.execute("PRAGMA max_page_count = 8")
        return driver

    monkeypatch.setattr(temporary, "temporary_database", small)
    with closing(Occurrences()) as occurrences:
        digests = [hashlib.sha256(bytes([number])).digest() * 16 for number in range(200)]
        assert [occurrences.count(digests[0]) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(TemporaryFull, match="TMPDIR"):
            list(map(occurrences.count, digests))


def test_only_a_want_of_room_is_one() -> None:
    with pytest.raises(TemporaryFull), temporary_room():
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(FileNotFoundError), temporary_room():
        raise FileNotFoundError(errno.ENOENT, "No such file")
    with (
        pytest.raises(sqlite3.OperationalError),
        temporary_room(),
        closing(temporary_database()) as db,
    ):
        db.execute("SELECT nothing")
