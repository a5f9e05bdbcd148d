"""The metrics: what is counted under which name, and the sum over several processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from onelead.configuration import child_environment
from onelead.contract.store import PoolUse
from onelead.domain.errors import InputInvalid, MatchAmbiguous, Problem, WriteQueueFull
from onelead.domain.writes import Outcome, WriteResult
from onelead.process.metrics import Metrics, forget_state_of

CREATED = WriteResult(Outcome.CREATED)
AMBIGUOUS = WriteResult(Outcome.REFUSED, refusal=MatchAmbiguous((3, 7)))
INVALID = WriteResult(Outcome.REFUSED, refusal=InputInvalid(Problem("name", "can't be blank")))


def figures(metrics: Metrics) -> dict[str, float]:
    """Return what the page shows, by name and labels."""
    lines = [line for line in metrics.page().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_a_request_is_counted_by_route_and_status() -> None:
    metrics = Metrics()
    count = metrics.request_counter("PUT", "/leads/upsert")
    count(200, 0.004)
    count(200, 0.2)
    count(422, 0.001)
    shown = figures(metrics)
    served = 'method="PUT",route="/leads/upsert",status="200"'
    assert shown[f"onelead_request_seconds_count{{{served}}}"] == 2
    assert shown[f"onelead_request_seconds_sum{{{served}}}"] == pytest.approx(0.204)
    name = "onelead_request_seconds_bucket"
    assert shown[f'{name}{{le="0.005",{served}}}'] == 1
    assert shown[f'{name}{{le="+Inf",{served}}}'] == 2
    refused = served.replace("200", "422")
    assert shown[f"onelead_request_seconds_count{{{refused}}}"] == 1


def test_a_batch_is_counted_by_outcomes_and_reasons() -> None:
    metrics = Metrics()
    metrics.batch_committed([CREATED, CREATED, AMBIGUOUS, INVALID], 0.003)
    metrics.batch_committed([CREATED], 0.001)
    metrics.batch_failed(20.0)
    shown = figures(metrics)
    assert shown['onelead_writes_total{outcome="created"}'] == 3
    assert shown['onelead_writes_total{outcome="refused"}'] == 2
    assert shown['onelead_writes_total{outcome="deleted"}'] == 0
    assert shown['onelead_refusals_total{reason="match_ambiguous"}'] == 1
    assert shown['onelead_refusals_total{reason="input_invalid"}'] == 1
    assert shown["onelead_batch_writes_count"] == 2
    assert shown["onelead_batch_writes_sum"] == 5
    assert shown['onelead_batch_writes_bucket{le="1.0"}'] == 1
    assert shown['onelead_transaction_seconds_count{result="committed"}'] == 2
    assert shown['onelead_transaction_seconds_sum{result="failed"}'] == 20


def test_writes_turned_away_and_retries_are_counted_by_reason() -> None:
    metrics = Metrics()
    metrics.turned_away(10, WriteQueueFull())
    metrics.transaction_retried("deadlock")
    metrics.transaction_retried("deadlock")
    metrics.index_step(True)  # noqa: FBT003 - its only argument
    metrics.index_step(False)  # noqa: FBT003
    shown = figures(metrics)
    assert shown['onelead_writes_turned_away_total{reason="write_queue_full"}'] == 10
    assert shown['onelead_transaction_retries_total{reason="deadlock"}'] == 2
    assert shown['onelead_index_steps_total{result="done"}'] == 1
    assert shown['onelead_index_steps_total{result="failed"}'] == 1


def test_a_sample_is_the_state_of_that_moment() -> None:
    metrics = Metrics()
    metrics.sample(7, 700, PoolUse(2, 5))
    first = figures(metrics)
    names = ("queue_writes", "queue_bytes", "pool_in_use", "pool_size", "workers")
    assert [first[f"onelead_{name}"] for name in names] == [7, 700, 2, 5, 1]
    assert first["process_resident_memory_bytes"] > 1_000_000
    assert first["process_cpu_seconds_total"] > 0
    metrics.sample(0, 700, PoolUse(2, 5))
    second = figures(metrics)
    assert second["onelead_queue_writes"] == 0
    assert second["process_cpu_seconds_total"] >= first["process_cpu_seconds_total"]


WORKER = """
import sys
from pathlib import Path
from onelead.process.metrics import Metrics, sharing_figures
from onelead.contract.store import PoolUse

number, requests, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
with sharing_figures(number):
    metrics = Metrics(folder)
    count = metrics.request_counter("GET", "/users/me")
    for _ in range(requests):
        count(200, 0.001)
    metrics.sample(4, 400, PoolUse(1, 5))
    sys.stdout.buffer.write(metrics.page())
"""


def worker(number: int, requests: int, folder: Path) -> str:
    """Count in a separate process, and return the page that it shows."""
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(number), str(requests), str(folder)],
        env=child_environment(PROMETHEUS_MULTIPROC_DIR=str(folder)),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.slow
def test_one_process_shows_the_sum_of_all_including_dead_ones(tmp_path: Path) -> None:
    requests = 'onelead_request_seconds_count{method="GET",route="/users/me",status="200"}'
    worker(1, 10, tmp_path)
    page = worker(2, 5, tmp_path)
    assert f"{requests} 15.0" in page
    assert "onelead_queue_writes 8.0" in page
    assert "onelead_pool_size 10.0" in page
    assert "onelead_workers 2.0" in page
    # The first worker dies, and another takes its place.
    forget_state_of(1, tmp_path)
    assert "onelead_workers 1.0" in worker(2, 0, tmp_path)
    page = worker(1, 1, tmp_path)
    assert f"{requests} 16.0" in page
    assert "onelead_workers 2.0" in page
    assert "onelead_worker_starts_total 4.0" in page
    assert "onelead_queue_writes 8.0" in page
    # However often that happens, it takes no more files.
    assert {file.name for file in tmp_path.iterdir()} == {
        f"{sort}_{number}.db"
        for sort in ("counter", "gauge_livesum", "histogram")
        for number in (1, 2)
    }
