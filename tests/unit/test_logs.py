"""The log: where it goes, what a line looks like, and what a line never contains."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from onelead.configuration import LogFormat, LogLevel
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.api_keys.texts import new_key_text
from onelead.domain.limits import ERROR_LOG_LINES_MIN, LOG_LINES_PER_S_MAX
from onelead.logs import Bound, configure_logs

pytestmark = pytest.mark.usefixtures("restored_logging")
#: Of both formats.
API_KEYS = ["ol_" + "0123456789abcdef" * 4, new_key_text(KeyScope.DELIVER, 2**255 - 19)]


def logged(
    act: Callable[[], object],
    log_format: LogFormat = LogFormat.JSON,
    log_level: LogLevel = LogLevel.INFO,
) -> str:
    """Return what an action leaves in the log."""
    stream = io.StringIO()
    configure_logs(log_format, log_level, stream)
    act()
    return stream.getvalue()


def logged_line(act: Callable[[], object]) -> dict[str, Any]:
    """Return the only line that an action leaves in the log, as JSON."""
    (line,) = logged(act).splitlines()
    parsed: dict[str, Any] = json.loads(line)
    assert parsed.pop("timestamp").endswith("Z")
    return parsed


def fail_with_a_local_secret() -> None:
    password = "hunter2"
    try:
        int(password[:3])
    except ValueError:
        structlog.get_logger("onelead.test").exception("failed")


def test_a_line_of_json_says_what_when_and_where() -> None:
    line = logged_line(lambda: structlog.get_logger("onelead.test").info("done", leads=3))
    assert line == {"event": "done", "leads": 3, "level": "info", "logger": "onelead.test"}


def test_a_line_of_text_is_readable() -> None:
    text = logged(
        lambda: structlog.get_logger("onelead.test").info("done", leads=3), LogFormat.TEXT
    )
    assert "info" in text
    assert "done" in text
    assert "leads=3" in text
    assert "\x1b" not in text


def test_the_standard_library_logs_to_the_same_stream() -> None:
    line = logged_line(lambda: logging.getLogger("some.library").warning("%s is late", "it"))
    assert line == {"event": "it is late", "level": "warning", "logger": "some.library"}


def test_a_warning_is_a_line() -> None:
    def warn() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(capture=True)
            warnings.warn("old", stacklevel=1)

    assert "old" in logged_line(warn)["event"]


def test_lines_below_the_level_are_left_out() -> None:
    def act() -> None:
        structlog.get_logger("onelead.test").info("quiet")
        logging.getLogger("some.library").info("quiet")
        structlog.get_logger("onelead.test").error("loud")

    assert "quiet" not in logged(act, log_level=LogLevel.ERROR)
    assert "loud" in logged(act, log_level=LogLevel.ERROR)


@pytest.mark.parametrize(
    "name", ["uvicorn.error", "alembic.runtime.migration", "asyncio", "httpx2"]
)
def test_the_verbose_loggers_can_still_warn(name: str) -> None:
    assert logged(lambda: logging.getLogger(name).info("step")) == ""
    assert logged_line(lambda: logging.getLogger(name).error("trouble"))["event"] == "trouble"


@pytest.mark.parametrize("log_format", LogFormat)
def test_a_traceback_shows_no_values(log_format: LogFormat) -> None:
    text = logged(fail_with_a_local_secret, log_format)
    assert "ValueError: " in text
    assert "fail_with_a_local_secret" in text
    assert "hunter2" not in text


@pytest.mark.parametrize("log_format", LogFormat)
@pytest.mark.parametrize("api_key", API_KEYS)
def test_a_key_is_masked_wherever_it_stands(log_format: LogFormat, api_key: str) -> None:
    def act() -> None:
        structlog.get_logger("onelead.test").warning(f"refused {api_key}", header=api_key)
        logging.getLogger("some.library").warning("header %s", api_key)
        logging.getLogger("some.library").warning("GET /?key%%3D%s\n%s", api_key, api_key)

    text = logged(act, log_format)
    assert api_key not in text
    assert text.count("ol_***") == 5


def test_every_line_says_which_process_it_is_from() -> None:
    stream = io.StringIO()
    configure_logs(LogFormat.JSON, LogLevel.INFO, stream, worker=3)
    structlog.get_logger("onelead.test").info("done")
    logging.getLogger("some.library").warning("late")
    assert [json.loads(line)["worker"] for line in stream.getvalue().splitlines()] == [3, 3]


def test_a_line_has_what_it_belongs_to() -> None:
    def act() -> None:
        with structlog.contextvars.bound_contextvars(request_id="one", account_id=1):
            structlog.get_logger("onelead.test").info("done", request_id="two")

    line = logged_line(act)
    assert (line["request_id"], line["account_id"]) == ("two", 1)


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def record(logger: str = "uvicorn.error", level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord(logger, level, "", 1, "Invalid HTTP request received.", (), None)


def test_no_second_has_more_lines_than_the_bound() -> None:
    clock, written = Clock(), []
    bound = Bound(clock)
    # Uneven, so that the windows are no whole seconds.
    for step in range(4_000):
        clock.now_s += (step * 7 % 13) / 1_000
        logger, level = (("uvicorn.error", logging.WARNING), ("asyncio", logging.ERROR))[step % 2]
        if bound.filter(record(logger, level)):
            written.append(clock.now_s)
    for at, later in zip(written, written[LOG_LINES_PER_S_MAX:], strict=False):
        assert later - at >= 1
    assert len(written) >= LOG_LINES_PER_S_MAX * int(clock.now_s - 1_000)


def test_the_last_places_are_for_errors() -> None:
    bound = Bound(Clock())
    warnings_written = sum(bound.filter(record()) for _ in range(100))
    errors_written = sum(bound.filter(record("asyncio", logging.ERROR)) for _ in range(100))
    assert warnings_written == LOG_LINES_PER_S_MAX - ERROR_LOG_LINES_MIN
    assert errors_written == ERROR_LOG_LINES_MIN


@pytest.mark.parametrize("log_format", LogFormat)
def test_the_next_line_says_how_many_were_left_out(log_format: LogFormat) -> None:
    def act() -> None:
        for _ in range(100):
            logging.getLogger("uvicorn.error").warning("no HTTP")
        structlog.get_logger("onelead.incoming.request_log").info("request", left_out=30)
        structlog.get_logger("onelead.app").info("stopped")

    *before, last = logged(act, log_format).splitlines()
    assert len(before) == LOG_LINES_PER_S_MAX - ERROR_LOG_LINES_MIN
    assert not any("left_out" in line for line in before)
    count = 100 - len(before) + 31
    expected = f'"lines_left_out": {count}' if log_format is LogFormat.JSON else f"out={count}"
    assert "stopped" in last
    assert expected in last


@pytest.mark.parametrize(
    "name", ["onelead.app", "onelead.serving.workers", "onelead.web.sign_in.decisions"]
)
def test_lines_about_the_process_and_about_sign_ins_are_always_written(name: str) -> None:
    def act() -> None:
        for _ in range(100):
            structlog.get_logger("onelead.application").info("flood")
        for _ in range(100):
            structlog.get_logger(name).info("kept")

    text = logged(act)
    assert text.count("kept") == 100
    assert text.count("flood") == LOG_LINES_PER_S_MAX - ERROR_LOG_LINES_MIN


def test_nothing_is_left_out_at_debug() -> None:
    def act() -> None:
        for _ in range(100):
            logging.getLogger("some.library").debug("step")

    assert logged(act, log_level=LogLevel.DEBUG).count("step") == 100
