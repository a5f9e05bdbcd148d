"""Where the first API key and the link to the first sign-in are written without a terminal.

What is printed there may be kept forever, by a journal or a container's log. So they go into a file
that only the owner of the process can read, and the output names it. Starts add to the file and
take nothing away; the person who has read it removes it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from onelead.configuration import Configuration

_SUFFIX = ".first-sign-in"
#: Of PostgreSQL, in the working directory.
_ELSEWHERE = Path("onelead")
_PRIVATE = 0o600
#: Never through a link, and never waiting for the reader of a pipe.
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def private_file(configuration: Configuration) -> Path:
    """Return the file beside the database."""
    path = configuration.database_path or _ELSEWHERE
    return path.with_name(path.name + _SUFFIX).absolute()


def keep_privately(text: str, path: Path) -> bool:
    """Add a text to a file of mode 0600, and say whether that could be done."""
    try:
        descriptor = os.open(path, _FLAGS, _PRIVATE)
    except OSError:
        return False
    try:
        if not _is_private(os.fstat(descriptor)):
            return False
        with os.fdopen(os.dup(descriptor), "a", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _is_private(found: os.stat_result) -> bool:
    is_own_file = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
    return is_own_file and found.st_nlink == 1 and stat.S_IMODE(found.st_mode) & ~_PRIVATE == 0
