"""The process that prepares the rows of a large file: takes a job, and says chunk after chunk."""

from __future__ import annotations

import os
import pickle
import signal
import sys

from onelead.files.imports.prepared import PrepareJob, preparing
from onelead.process.memory import collect_garbage_rarely

_NICENESS = 10


def main() -> None:
    """Do one job; end early when nobody reads any more."""
    # They are for the process that writes, which ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # What holds the lane goes first.
    os.nice(_NICENESS)
    collect_garbage_rarely()
    job: PrepareJob = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started it
    try:
        for answer in preparing(job):
            pickle.dump(answer, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        # At a usual exit, what is left would be written, and fail again with a message.
        os._exit(0)


if __name__ == "__main__":
    main()
