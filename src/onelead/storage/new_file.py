"""Files that are there only when they are whole: written under another name, then named.

What a process leaves behind that was killed meanwhile is `NAME.part`; the next one removes it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from onelead.domain.errors import NotPossible

_PRIVATE = 0o600


@contextmanager
def new_file(file: Path, *, replace: bool) -> Iterator[Path]:
    """Make an empty file that only its owner can read, for the block to write.

    When the block ends well, it is on the disk and has its name. Raises NotPossible.
    """
    try:
        _require_free(file, replace=replace)
        part = file.with_name(f"{file.name}.part")
        claimed = _claimed(part)
        try:
            yield part
            sync(part)
            _name(part, file, replace=replace)
            sync(file.parent)
        finally:
            part.unlink(missing_ok=True)
            os.close(claimed)
    except OSError as error:
        raise NotPossible(f"{file} cannot be written: {error.strerror}") from error


def _require_free(file: Path, *, replace: bool) -> None:
    if file.is_file():
        if not replace:
            raise _exists(file)
    elif file.exists():
        raise NotPossible(f"{file} is not a file")


def _exists(file: Path) -> NotPossible:
    return NotPossible(f"{file} exists already; choose another name, or add --replace")


def _claimed(part: Path) -> int:
    """Create the file, and keep others from removing it as long as it is open here."""
    busy = NotPossible(f"another process is writing {part}")
    with suppress(FileNotFoundError):
        left = os.open(part, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            _lock(left, busy)
            part.unlink()
        finally:
            os.close(left)
    try:
        made = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE)
    except FileExistsError:
        raise busy from None
    _lock(made, busy)
    return made


def _lock(descriptor: int, busy: NotPossible) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise busy from None


def _name(part: Path, file: Path, *, replace: bool) -> None:
    if replace:
        part.rename(file)
        return
    try:
        # Unlike renaming, it never takes the place of a file that was made meanwhile.
        os.link(part, file)
    except FileExistsError:
        raise _exists(file) from None


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
