"""The log: one line per event on standard error, as readable text or as JSON.

It never contains an API key or a body: tracebacks are written without the values of variables, and
anything that looks like an API key is masked in the finished line. The loggers of the standard
library, the web server's among them, write to the same log.

Nobody can fill a disk with it: in any second it takes LOG_LINES_PER_S_MAX lines, of all loggers
together, and the next line says how many were left out. Its last places are kept for errors. Only
the lines about the process itself and about sign-ins are always written: strangers cannot cause the
first, and each of the others is a trace that somebody may need.
"""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from onelead.configuration import LogFormat, LogLevel
from onelead.domain.limits import ERROR_LOG_LINES_MIN, LOG_LINES_PER_S_MAX

#: Of every format that keys have had; what is in front may be an escape, as in `%3Dol_`.
_API_KEY = re.compile(r"ol_(?:[adruw]_[0-9A-Za-z]{8,}|[0-9a-f]{8,})")
#: These log every step of what the program itself logs in a line or two.
_VERBOSE = ("alembic", "asyncio", "httpx2", "sqlalchemy", "uvicorn")
#: Their lines, and those of the loggers below them, are never left out: the start and the end of
#: processes, and who signed in or tried to.
_ALWAYS = (
    "onelead.app",
    "onelead.commands",
    "onelead.serving.server",
    "onelead.serving.workers",
    "onelead.web.sign_in",
)


def configure_logs(
    log_format: LogFormat, log_level: LogLevel, stream: TextIO, **process: object
) -> None:
    """Send all log lines to the stream, each with the values in `process`.

    At the level `debug` none is left out.
    """

    def add_process(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        return {**line, **process}

    chain: list[Processor] = [
        add_process,
        # Adds the request or the batch that the line belongs to.
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *chain,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream)
    if log_level is not LogLevel.DEBUG:
        handler.addFilter(Bound(time.monotonic))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=chain,
            processors=[
                _with_left_out,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(log_format, colours=stream.isatty()),
                _without_keys,
            ],
        )
    )
    _route(handler, getattr(logging, log_level.upper()))


class Bound(logging.Filter):
    """Leaves out the lines that are too many; `monotonic` returns seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic
        #: When the newest of the bounded lines were written.
        self._written: deque[float] = deque(maxlen=LOG_LINES_PER_S_MAX)
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a line is written."""
        if not _is_always_written(record.name):
            now = self._monotonic()
            if not self._has_room(record.levelno, now):
                self._left_out += 1 + _left_out_before(record)
                return False
            self._written.append(now)
        record.lines_left_out, self._left_out = self._left_out, 0
        return True

    def _has_room(self, level: int, now: float) -> bool:
        kept = 0 if level >= logging.ERROR else ERROR_LOG_LINES_MIN
        places = LOG_LINES_PER_S_MAX - kept
        return len(self._written) < places or now - self._written[-places] >= 1


def _is_always_written(logger: str) -> bool:
    return any(logger == name or logger.startswith(f"{name}.") for name in _ALWAYS)


def _left_out_before(record: logging.LogRecord) -> int:
    """Return how many lines a line of the request log speaks for besides itself."""
    return int(record.msg.get("left_out", 0)) if isinstance(record.msg, dict) else 0


def _with_left_out(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    left_out = getattr(line["_record"], "lines_left_out", 0)
    return {**line, "lines_left_out": left_out} if left_out else line


def _renderers(log_format: LogFormat, *, colours: bool) -> list[Processor]:
    if log_format is LogFormat.JSON:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # The default formatter shows the values of variables.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)]


def _without_keys(_logger: WrappedLogger, _method: str, line: EventDict | str) -> str:
    return _API_KEY.sub("ol_***", str(line))


def _route(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _VERBOSE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)
