"""Walks through a file without keeping others of the process waiting.

Rows are read in a thread, because a workbook is read by a process that may be slow, and looked at
on the event loop in slices of a few milliseconds.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

from onelead.contract.imports import FileImport
from onelead.domain.importing.headers import is_known_header
from onelead.domain.importing.limits import (
    IMPORT_CHUNK_ROWS,
    IMPORT_NOTED_S,
    IMPORT_SLICE_ROWS,
)
from onelead.files.readers.errors import FileChanged
from onelead.files.readers.opening import open_table
from onelead.files.readers.table import Choices, Row, Table
from onelead.storage.sqlite.temporary import temporary_room

T = TypeVar("T")
#: Where a file can be opened again without a name, a process that is killed leaves none behind.
_HAS_DESCRIPTORS = Path("/proc/self/fd").exists()


async def in_thread(call: Callable[..., T], *args: Any) -> T:
    """Run a call in a thread, and wait for its end even when the task is cancelled.

    So what the call works with can be closed after it.
    """
    running = asyncio.ensure_future(asyncio.to_thread(call, *args))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


class PartStore(Protocol):
    """What opening an upload needs of a store."""

    async def import_part(self, account_id: int, number: int, part: int) -> bytes | None:
        """See `ImportStore`."""


@asynccontextmanager
async def opened(
    store: PartStore,
    account_id: int,
    one: FileImport,
    reading: Choices,
    note: Callable[[], Awaitable[object]],
) -> AsyncIterator[Table]:
    """Open the file of an import, which must be the one that it began with.

    Opening a workbook may take a minute; `note` is called every moment of it. Raises what
    `file_of` and `table_now` raise.
    """
    async with file_of(store, account_id, one) as path:
        opening = asyncio.ensure_future(table_of(path, one.name, reading, one.digest))
        try:
            async for _ in moments(opening):
                await note()
        finally:
            opening.cancel()
            await asyncio.wait([opening])
        yield opening.result()


async def moments(task: asyncio.Future[Any]) -> AsyncIterator[None]:
    """Yield every moment until a task is done, however it ends."""
    while not (await asyncio.wait([task], timeout=IMPORT_NOTED_S))[0]:
        yield


@asynccontextmanager
async def file_of(store: PartStore, account_id: int, one: FileImport) -> AsyncIterator[Path]:
    """Say where the file of an import is; an upload is there as long as the block runs.

    Raises TemporaryFull.
    """
    if one.path is not None:
        yield Path(one.path)
        return
    made = tempfile.TemporaryFile if _HAS_DESCRIPTORS else tempfile.NamedTemporaryFile
    with made(prefix="onelead-") as spool:
        part = 0
        while (content := await store.import_part(account_id, one.number, part)) is not None:
            with temporary_room():
                await in_thread(spool.write, content)
            part += 1
        with temporary_room():
            await in_thread(spool.flush)
        own = f"/proc/{os.getpid()}/fd/{spool.fileno()}"
        yield Path(own if _HAS_DESCRIPTORS else spool.name)


async def table_of(path: Path, name: str, reading: Choices, digest: str = "") -> Table:
    """Open a file in a thread, as `table_now` does."""
    return await in_thread(table_now, path, name, reading, digest)


def table_now(path: Path, name: str, reading: Choices, digest: str = "") -> Table:
    """Open a file, which must have this digest if there is one.

    Raises FileUnreadable, FileTooLarge, FileChanged.
    """
    table = open_table(path, name, is_known_header, reading)
    if digest and table.fingerprint.digest != digest:
        raise FileChanged
    return table


async def chunks_of(
    table: Table, *, after: int = 0, rows: int = IMPORT_CHUNK_ROWS
) -> AsyncIterator[Sequence[Row]]:
    """Yield the rows after a line in chunks, the last of which may be short."""
    walk: Generator[Row] = table.rows()
    try:
        while chunk := await in_thread(_next, walk, rows):
            yield chunk if not after else [row for row in chunk if row.line > after]
    finally:
        await in_thread(walk.close)


def _next(walk: Generator[Row], rows: int) -> list[Row]:
    return list(islice(walk, rows))


async def slices_of(rows: Sequence[Row]) -> AsyncIterator[Sequence[Row]]:
    """Yield some rows at a time, and let others have a turn in between."""
    for at in range(0, len(rows), IMPORT_SLICE_ROWS):
        yield rows[at : at + IMPORT_SLICE_ROWS]
        await asyncio.sleep(0)
