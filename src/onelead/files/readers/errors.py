"""Why a file cannot be read as a whole; a row that cannot be read has a fault instead."""

from __future__ import annotations

from onelead.domain.errors import Kind, OneleadError


class FileUnreadable(OneleadError, code="file_unreadable", kind=Kind.UNSUPPORTED):
    """The file cannot be read"""


class FileTooLarge(OneleadError, code="file_too_large", kind=Kind.TOO_LARGE):
    """The file is too large"""


class FileChanged(OneleadError, code="file_changed", kind=Kind.CONFLICT):
    """The file was changed while it was read; begin again with the file as it is now"""
