"""A full disk: writes are refused, reads go on, and all is well once there is room again."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.commands.load import stored_emails
from tests.support.commands.process import (
    DEADLINE_S,
    Server,
    credentials_of,
    run_json,
    serving,
    wait_until,
)

pytestmark = [pytest.mark.disk, pytest.mark.slow]

MIB = 1_048_576
WRITES_MAX = 300
FULL = {
    "success": False,
    "status": 503,
    "message": "The disk of the database is full; try again later",
}


class FileSizeLimit:
    """No file of the server process may grow further: what EFBIG says is a disk error."""

    @contextmanager
    def below(self, folder: Path) -> Iterator[None]:
        self._folder = folder
        yield

    def fill(self, server: Server) -> None:
        largest = max(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())
        self._limit(server, largest + MIB)

    def free(self, server: Server) -> None:
        self._limit(server, resource.RLIM_INFINITY)

    def _limit(self, server: Server, bytes_max: int) -> None:
        limits = (bytes_max, resource.RLIM_INFINITY)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)


class SmallFileSystem:
    """A file system in memory that is full: what ENOSPC says."""

    @contextmanager
    def below(self, folder: Path) -> Iterator[None]:
        self._ballast = folder / "data" / "ballast"
        self._ballast.parent.mkdir()
        _mount(self._ballast.parent)
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", self._ballast.parent], check=True)

    def fill(self, _server: Server) -> None:
        free = os.statvfs(self._ballast.parent)
        self._ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - MIB))

    def free(self, _server: Server) -> None:
        self._ballast.unlink()


def _mount(folder: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def _can_mount() -> bool:
    """Return whether this user can mount; a container's root cannot."""
    script = "mount -t tmpfs tmpfs /mnt"
    command = ["unshare", "--mount", "sh", "-c", script]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


#: The first is possible everywhere.
DISKS = [FileSizeLimit, SmallFileSystem] if _can_mount() else [FileSizeLimit]


class Deliveries:
    """New people without end, each with much to store."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.answered: list[dict[str, Any]] = []
        self.refused: list[str] = []

    async def one(self) -> httpx.Response:
        number = len(self.answered) + len(self.refused)
        email = f"n{number}@field.example"
        body = {"name": "Nora Field", "email": {"email": email}, "details": "x" * 60_000}
        response = await self._client.post("/leads", json=body)
        if response.status_code == 200:
            self.answered.append(response.json())
        else:
            self.refused.append(email)
        return response

    async def until_refused(self) -> None:
        for _ in range(WRITES_MAX):
            response = await self.one()
            if response.status_code != 200:
                assert (response.status_code, response.json()) == (503, FULL)
                assert response.headers["Retry-After"] == "1"
                return
        raise AssertionError("the disk does not fill")


@pytest.mark.parametrize("disk_of", DISKS)
async def test_a_full_disk_refuses_writes_and_takes_them_again_when_there_is_room(
    tmp_path: Path, disk_of: type[FileSizeLimit | SmallFileSystem]
) -> None:
    disk = disk_of()
    database = tmp_path / "data" / "onelead.db"
    with disk.below(tmp_path):
        made = run_json(tmp_path, "init", "--account", "Shop", "--email", "dana@shop.example")
        with serving(tmp_path) as server:
            async with httpx.AsyncClient(
                base_url=server.base_url, headers=credentials_of(made), timeout=DEADLINE_S
            ) as client:
                deliveries = Deliveries(client)
                assert (await deliveries.one()).status_code == 200
                for _ in range(2):
                    disk.fill(server)
                    await deliveries.until_refused()
                    await assert_read(client, deliveries.answered)
                    await assert_not_ready(client)
                    assert integrity(database) == "ok"
                    disk.free(server)
                    assert (await deliveries.one()).status_code == 200
                    await until_ready(client)
                await assert_read(client, deliveries.answered)
            assert server.stop() == 0
            for event in ("is in trouble", "is well again"):
                assert server.log.count(f"the database {event}") == 2
        assert integrity(database) == "ok"
        emails = stored_emails(database)
        answered = {lead["email"]["email"] for lead in deliveries.answered}
        assert answered <= set(emails) <= answered | set(deliveries.refused)
        assert len(emails) == len(set(emails))


async def assert_read(client: httpx.AsyncClient, leads: list[dict[str, Any]]) -> None:
    for lead in leads[:: max(len(leads) // 10, 1)]:
        assert (await client.get(f"/leads/{lead['id']}")).json() == lead
    found = await client.post("/leads/search", json={"page_size": 1})
    assert found.headers["X-PW-TOTAL"] == str(len(leads))


async def readiness(client: httpx.AsyncClient) -> httpx.Response:
    return await client.get(str(client.base_url.copy_with(path="/readyz")))


async def assert_not_ready(client: httpx.AsyncClient) -> None:
    """Longer than the process takes to look again, too."""
    for _ in range(3):
        ready = await readiness(client)
        assert ready.status_code == 503
        assert ready.json()["reasons"] == {"database": "disk_full"}
        await asyncio.sleep(0.5)
    metrics = await client.get(str(client.base_url.copy_with(path="/metrics")))
    assert 'onelead_database_trouble{reason="disk_full"} 1.0' in metrics.text


async def until_ready(client: httpx.AsyncClient) -> None:
    address = client.base_url.copy_with(path="/readyz")
    await asyncio.to_thread(wait_until, lambda: httpx.get(address).status_code == 200)


def integrity(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
