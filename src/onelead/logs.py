"""The log: one line per event on standard error, as readable text or as JSON.

It never contains an API key or a body: tracebacks are written without the values of variables, and
anything that looks like an API key is masked in the finished line. The loggers of the standard
library, the web server's among them, write to the same log.
"""

from __future__ import annotations

import logging
import re
from typing import TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from onelead.configuration import LogFormat, LogLevel

#: Of every format that keys have had.
_API_KEY = re.compile(r"\bol_(?:[adruw]_[0-9A-Za-z]{8,}|[0-9a-f]{8,})")
#: These log every step of what the program itself logs in a line or two.
_VERBOSE = ("alembic", "asyncio", "sqlalchemy", "uvicorn")


def configure_logs(
    log_format: LogFormat, log_level: LogLevel, stream: TextIO, **process: object
) -> None:
    """Send all log lines to the stream, each with the values in `process`."""

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
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=chain,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(log_format, colours=stream.isatty()),
                _without_keys,
            ],
        )
    )
    _route(handler, getattr(logging, log_level.upper()))


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
