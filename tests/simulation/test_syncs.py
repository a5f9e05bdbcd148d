"""A sync that fails, then a kill, then a power cut: what was answered in between stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.domain.lead_writes import create
from tests.support.simulation.history import named
from tests.support.simulation.server import FILE, SimulatedStore, started
from tests.support.simulation.template import template
from tests.support.simulation.world import World

from onelead.domain.errors import StoreUnavailable
from onelead.process.writer import BatchingWriter


@pytest.mark.parametrize("serving", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_answers_after_a_failed_sync_and_a_kill_survive_a_power_cut(
    seed: int, tmp_path: Path, *, serving: bool
) -> None:
    """The kernel still shows what it could not write, so the log looks whole to the next process.

    That process is a command, which copies no log until it ends, or a server.
    """
    world = World(seed, tmp_path)
    world.disk.add(FILE, template().content)
    world.faults.is_off = True
    with world.running(), capture_logs():
        process, server = started(world, "first")
        world.do(process, written(server.writer, "Nora Field"))
        world.faults.failing = frozenset(("sync",))
        with pytest.raises(StoreUnavailable):
            world.do(process, written(server.writer, "Sam Roe"))
        world.faults.failing = frozenset()
        world.kill(process)
        process = world.start("second")

        async def write_at_once() -> None:
            store = SimulatedStore(world, serving=serving)
            process.at_death.append(store.die)
            await written(BatchingWriter(store, monotonic=lambda: world.now_s), "Mia Lake")

        world.do(process, write_at_once())
        world.cut_power()
        process, server = started(world, "third")
        rows = world.do(process, server.store.account_rows(template().account_id))
    kept = [entry.request_id for entry in rows.ledger]
    assert {"request Nora Field", "request Mia Lake"} <= {*kept}


async def written(writer: BatchingWriter, name: str) -> None:
    write = named(create(name=name), f"request {name}")
    await writer.write(template().account_id, write)
