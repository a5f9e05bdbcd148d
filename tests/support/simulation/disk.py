"""A disk in memory: what is synced, what is only written, and what a power cut leaves of that.

Bytes that a program wrote are seen by every program at once, as in the page cache of a kernel. A
power cut takes those that were not synced: each write is kept, lost, or torn at its sectors, in
any combination. A sync that fails may leave writes that no later sync brings to the disk, as Linux
does.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

SECTOR_BYTES = 512


@dataclass(frozen=True)
class Change:
    """A write; or, without bytes, a cut to the length `offset`."""

    offset: int
    data: bytes | None

    def apply(self, content: bytearray) -> None:
        """Make the change in a file's bytes."""
        if self.data is None:
            del content[self.offset :]
            return
        if len(content) < self.offset:
            content.extend(bytes(self.offset - len(content)))
        content[self.offset : self.offset + len(self.data)] = self.data


@dataclass
class File:
    """One file: what programs see, what is safe, and the changes in between."""

    content: bytearray = field(default_factory=bytearray)
    synced: bytearray = field(default_factory=bytearray)
    unsynced: list[Change] = field(default_factory=list)

    def change(self, change: Change) -> None:
        """Change what programs see."""
        change.apply(self.content)
        self.unsynced.append(change)

    def sync(self) -> None:
        """Make everything safe that still can be."""
        for change in self.unsynced:
            change.apply(self.synced)
        self.unsynced.clear()

    def fail_to_sync(self, chance: random.Random) -> None:
        """Forget that some changes are not safe: no later sync will write them."""
        self.unsynced = [change for change in self.unsynced if chance.random() < 0.5]

    def lose_power(self, chance: random.Random) -> None:
        """Leave what is safe, and some of the rest."""
        kept = chance.random()
        for change in self.unsynced:
            for part in _sectors(change) if chance.random() < 0.5 else [change]:
                if chance.random() < kept:
                    part.apply(self.synced)
        self.unsynced.clear()
        self.content = bytearray(self.synced)


def _sectors(change: Change) -> list[Change]:
    if change.data is None:
        return [change]
    return [
        Change(change.offset + at, change.data[at : at + SECTOR_BYTES])
        for at in range(0, len(change.data), SECTOR_BYTES)
    ]


class Disk:
    """The files of one folder, by name.

    `folder` is a real one, where each file has an empty twin of the same length, because programs
    also look at names and lengths.
    """

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self._chance = chance
        self.files: dict[str, File] = {}
        #: Files whose removal a power cut may take back.
        self._removed: dict[str, File] = {}
        #: How many bytes all files may have together; None while the disk has room.
        self.room_bytes: int | None = None

    def add(self, name: str, content: bytes) -> None:
        """Put a file there that is safe."""
        self.files[name] = File(bytearray(content), bytearray(content))
        self._show(name)

    def create(self, name: str) -> File:
        """Make an empty file."""
        made = self.files[name] = File()
        self._removed.pop(name, None)
        self._show(name)
        return made

    def remove(self, name: str, *, is_synced: bool) -> bool:
        """Remove a file, if it is there."""
        file = self.files.pop(name, None)
        if file is None:
            return False
        if not is_synced:
            self._removed[name] = file
        (self.folder / name).unlink(missing_ok=True)
        return True

    def change(self, name: str, file: File, change: Change) -> None:
        """Change a file; one that was removed has only its open handles left."""
        before = len(file.content)
        file.change(change)
        if len(file.content) != before and self.files.get(name) is file:
            self._show(name)

    def lose_power(self) -> None:
        """Leave what a power cut leaves."""
        for name, file in self._removed.items():
            if self._chance.random() < 0.5:
                self.files[name] = file
        self._removed.clear()
        for name, file in self.files.items():
            file.lose_power(self._chance)
            self._show(name)

    def _show(self, name: str) -> None:
        path = self.folder / name
        if not path.exists():
            path.touch(0o600)
        os.truncate(path, len(self.files[name].content))
