"""What tests share: Hypothesis' profile, folders, logging, and no skips where all is required."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
import structlog
from hypothesis import HealthCheck, settings
from tests.support.measured import choose, measured_if_chosen
from tests.support.storage.postgresql_server import memory_folder

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


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C end what a test starts, and keep the folders of tests in memory.

    A shell's background job ignores Ctrl-C, and so do all its children. In memory a database is
    opened several times as fast.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    is_worker = hasattr(config, "workerinput")
    folder = memory_folder()
    if is_worker or folder is None or config.option.basetemp is not None:
        return
    base = tempfile.mkdtemp(prefix="onelead-tests-", dir=folder)
    config.option.basetemp = base
    config.add_cleanup(partial(shutil.rmtree, base, ignore_errors=True))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Choose the tests that `--cov` measures."""
    choose(items, Path(__file__).parent)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from walking the thousands of tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test, and measure it if it was chosen."""
    with measured_if_chosen(item):
        return (yield)


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
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The test's own folder: in memory, or on the disk for a test that is marked `disk`."""
    if request.node.get_closest_marker("disk") is None:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="onelead-test-") as folder:
        yield Path(folder)


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
