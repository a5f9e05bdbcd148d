"""What a process keeps for its threads, asked from the C library of Linux."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

#: Prints from how many places eight threads have taken what Python does not keep itself.
_COUNT = """
import ctypes, os, tempfile, threading
from onelead.process.memory import share_memory_between_threads
{first}
barrier = threading.Barrier(9)
kept = []
def take():
    kept.append([bytes(10_000) for _ in range(50)])
    barrier.wait()
for _ in range(8):
    threading.Thread(target=take, daemon=True).start()
barrier.wait()
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as found:
    stream = ctypes.c_void_p(library.fopen(found.name.encode(), b"w"))
    library.malloc_info(0, stream)
    library.fclose(stream)
    print(found.read().count(b"<heap nr="))
"""


def places(first: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _COUNT.format(first=first)], check=True, capture_output=True
    )
    return int(done.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries have no such limit"
)
def test_threads_take_their_memory_from_one_place() -> None:
    assert places("") > 1
    assert places("share_memory_between_threads()") == 1
