"""Child processes of a run: started, waited for, measured, and ended by their ids."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 30.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
#: Of the fields after the name in /proc/<pid>/stat: the parent, and the first of the four times
#: (own and of ended children, each in the program and in the kernel).
_PARENT, _TIMES, _RESIDENT = 1, 11, 21


class Failed(Exception):
    """A program that the benchmarks need has failed."""


def free_port() -> int:
    """Return a port that no process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server while the block runs; its output goes to a file.

    It has its own process group, so that Ctrl-C reaches only the benchmarks, which then end it.
    """
    with (
        log.open("ab") as output,
        subprocess.Popen(
            [str(word) for word in command],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user,
            process_group=0,
        ) as process,
    ):
        try:
            yield process
        finally:
            _end(process, stop_signal)


def _end(process: subprocess.Popen[bytes], stop_signal: signal.Signals) -> None:
    """Ask a server to stop, then kill whatever is left in its process group."""
    process.send_signal(stop_signal)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until a server listens. Raises Failed with the server's output."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise Failed(f"{process.args!r} does not listen: {log.read_text(errors='replace')[-2000:]}")


def cpu_s(pid: int) -> float:
    """Return the processor time of a process and all its descendants."""
    ticks = sum(sum(map(int, fields[_TIMES : _TIMES + 4])) for fields in _tree(pid).values())
    return ticks / _TICKS_PER_S


def resident_bytes(pid: int) -> int:
    """Return the memory that a process and all its descendants use now."""
    return sum(int(fields[_RESIDENT]) for fields in _tree(pid).values()) * _PAGE_BYTES


def peak_bytes(pid: int) -> dict[int, int]:
    """Return the peak memory so far of a process and of each descendant that runs now."""
    found = {}
    for one in _tree(pid):
        # It may just have ended.
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
            peak = next(line for line in lines if line.startswith("VmHWM:"))
            found[one] = int(peak.split()[1]) * 1024
    return found


def _tree(pid: int) -> dict[int, list[str]]:
    """Return the `stat` fields of a process and its descendants, by their ids."""
    fields_by_pid = dict(_all_fields())
    found = [pid]
    for parent in found:
        found += [
            child for child, fields in fields_by_pid.items() if int(fields[_PARENT]) == parent
        ]
    return {each: fields_by_pid[each] for each in found if each in fields_by_pid}


def _all_fields() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "stat").read_text()
            except OSError:
                continue  # the process has ended
            # The name is in brackets, and may itself contain brackets and spaces.
            yield int(entry.name), line.rpartition(")")[2].split()
