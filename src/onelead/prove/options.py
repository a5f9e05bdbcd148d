"""What a proof can be told; apart from the proof, so that the command line need not load it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onelead.prove.drive.processes import SERVE


@dataclass(frozen=True)
class Options:
    """The options of a proof."""

    seed: int
    processes: int = 4
    clients: int = 64
    people: int = 200
    seconds: float = 30.0
    kill: bool = False
    pause: bool = False
    kill_database: bool = False
    #: The command that starts a process; a test starts a broken one.
    command: Sequence[str] = SERVE
