"""One worker process: `onelead.serving.workers` starts `python -m onelead.commands.worker`."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time

import msgspec
import structlog

from onelead import app
from onelead.domain.errors import OneleadError
from onelead.domain.limits import WORKER_STOP_TIMEOUT_S
from onelead.logs import configure_logs
from onelead.serving.heartbeats import serve_with_heartbeats
from onelead.serving.workers import WorkerJob

log = structlog.get_logger(__name__)


def main() -> None:
    """Do the job read from standard input until a stop signal arrives or the parent ends."""
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=WorkerJob)
    configuration = job.configuration
    configure_logs(configuration.log_format, configuration.log_level, sys.stderr, worker=job.number)
    parent = _Parent()
    parent.start()
    try:
        app.serve_as_worker(job, _report_ready)
    except OneleadError as error:
        log.error("the worker cannot serve", error=error.message)  # noqa: TRY400 - expected
        sys.exit(1)
    finally:
        if parent.is_gone:
            # The parent can no longer do this. Files that another worker has open stay readable.
            shutil.rmtree(job.folder, ignore_errors=True)


def _report_ready() -> None:
    serve_with_heartbeats(sys.stdout.fileno())


class _Parent(threading.Thread):
    """Waits for the parent to end; only the parent holds the other end of standard input."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.is_gone = False

    def run(self) -> None:
        os.read(sys.stdin.fileno(), 1)
        self.is_gone = True
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(WORKER_STOP_TIMEOUT_S)
        os._exit(1)


if __name__ == "__main__":
    main()
