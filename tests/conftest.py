"""What every test shares: Hypothesis' profile, logging, and no skips when all is required."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from typing import TypeVar

import pytest
import structlog
from hypothesis import HealthCheck, settings

# A busy machine is no failure: what an example costs is for the benchmarks to say. The examples are
# the same ones each time, so that a test that fails says something about what was changed. For a
# long search for others after a change of the rules:
# `make test ARGS="tests/unit --hypothesis-profile thorough"`.
settings.register_profile(
    "quick",
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
settings.register_profile(
    "thorough", settings.get_profile("quick"), max_examples=5_000, derandomize=False
)
settings.load_profile("quick")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

_REQUIRE_ALL = os.environ.get("ONELEAD_REQUIRE_ALL", "0") not in {"", "0"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let all API tests run on every engine."""
    help_ = "run every API test on every engine, and not only those that exercise the storage"
    parser.addoption("--every-engine", action="store_true", help=help_)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that skips itself, when every optional part is required."""
    report = yield
    return _refuse_skip(report)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that skips itself while it is collected, as `importorskip` does."""
    report = yield
    return _refuse_skip(report)


def _refuse_skip(report: Report) -> Report:
    expected_failure = hasattr(report, "wasxfail")
    if _REQUIRE_ALL and report.skipped and not expected_failure:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"ONELEAD_REQUIRE_ALL is set, and this was skipped. {reason}"
    return report


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Give the process its own logging back after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    for name in ("alembic", "asyncio", "sqlalchemy", "uvicorn"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
