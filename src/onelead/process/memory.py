"""How a serving process keeps its memory small, and the garbage collector out of its way."""

from __future__ import annotations

import gc
from contextlib import suppress

#: M_ARENA_MAX in the malloc.h of Linux.
_ARENAS_MAX = -8


def share_memory_between_threads() -> None:
    """Let all threads take their memory from one place; call it before there are any.

    The C library of Linux gives each thread a place of its own, and each keeps for hours what was
    free in it for a moment: 11 MiB more within ten minutes. Threads have little use for it, as
    they take turns at running Python. Other systems know no such limit.
    """
    import ctypes  # noqa: PLC0415 - the command line does without

    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_ARENAS_MAX, 1)


def collect_garbage_rarely() -> None:
    """Keep the garbage collector from walking what lives as long as the process.

    Requests leave almost no cycles; its pauses were the largest single cost of a batch.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
