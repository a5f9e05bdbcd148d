"""Bytes as a file without a buffer, as a pipe is."""

from __future__ import annotations

import io
from typing import Any


class RawBytes(io.RawIOBase):
    """A file of bytes."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)
