"""What a file is told by: its size and digest, read without loading it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from msgspec import Struct

from onelead.files.readers.errors import FileChanged, FileUnreadable


class Fingerprint(Struct, frozen=True):
    """The size of a file in bytes and its SHA-256 in hexadecimal digits."""

    size: int
    digest: str


def fingerprint(path: Path) -> Fingerprint:
    """Read the whole file once. Raises FileUnreadable."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Fingerprint(file.tell(), digest)
    except OSError as error:
        raise cannot_be_opened(error) from None


def cannot_be_opened(error: OSError) -> FileUnreadable:
    """Return the error to raise where the system does not give a file."""
    return FileUnreadable(f"The file cannot be read: {error.strerror or 'the system refuses it'}")


class Watch:
    """Notices that a file was changed since it was opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._stamp_now()
        self.fingerprint = fingerprint(path)

    def check(self) -> None:
        """Raise FileChanged if the file has other contents than at first."""
        try:
            stamp = self._stamp_now()
            # A file that was only touched is still the same; reading it again is dear.
            if stamp == self._stamp or fingerprint(self._path) == self.fingerprint:
                return
        except FileUnreadable:
            pass
        raise FileChanged

    def _stamp_now(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise cannot_be_opened(error) from None
        return found.st_ino, found.st_size, found.st_mtime_ns
