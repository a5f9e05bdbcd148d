"""Makes the checked writes of a file ahead of the writer: here, or in a process of its own.

Reading, mapping and checking rows takes about half as long as writing them. For a large file a
process of its own does it (`prepare_program`), so that two cores work at one import; for a small
one, starting it would take longer than it saves. What the two processes say to each other is
pickled, in pipes that nobody else can reach.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.errors import OneleadError
from onelead.domain.fold import checked_write
from onelead.domain.importing.limits import IMPORT_CHUNK_ROWS
from onelead.domain.writes import CheckedWrite
from onelead.files.imports.choices import Findings, ImportChoices
from onelead.files.imports.rows import RowWrites, Sender, WrittenRow, row_writes_of
from onelead.files.imports.walks import chunks_of, slices_of, table_now, table_of
from onelead.files.readers.errors import FileUnreadable
from onelead.files.readers.table import Row


class PrepareJob(Struct, frozen=True):
    """A file whose rows are to be written."""

    path: Path
    name: str
    digest: str
    findings: Findings
    choices: ImportChoices
    settings: AccountSettings
    sender: Sender
    #: The rows up to this line were written before, and only count.
    done_to: int


class Prepared(Struct):
    """A chunk of rows, each with its checked write."""

    rows: list[WrittenRow] = []
    checked: list[CheckedWrite] = []
    #: How many rows of the chunk were written before.
    passed: int = 0

    def add(self, rows: Sequence[Row], row_writes: RowWrites, job: PrepareJob) -> None:
        """Prepare some more rows."""
        for row in rows:
            if row.line <= job.done_to:
                row_writes.pass_over(row)
                self.passed += 1
            else:
                written = row_writes.of(row)
                self.rows.append(written)
                self.checked.append(checked_write(written.write, job.settings))


#: What the process says: a chunk, why there are no more, or None after the last one.
Answer = Prepared | OneleadError | None


async def prepared_here(job: PrepareJob) -> AsyncGenerator[Prepared]:
    """Yield chunk after chunk; others of this process have their turns.

    Raises FileUnreadable, FileTooLarge, FileChanged and InputInvalid.
    """
    table = await table_of(job.path, job.name, job.choices.reading, job.digest)
    with closing(_row_writes(job, table.header)) as row_writes:
        async for chunk in chunks_of(table):
            prepared = Prepared()
            async for rows in slices_of(chunk):
                prepared.add(rows, row_writes, job)
            yield prepared


async def prepared_elsewhere(job: PrepareJob) -> AsyncGenerator[Prepared]:
    """Yield the same as `prepared_here`, made by a process that ends with this generator."""
    process = await asyncio.to_thread(started_process, job)
    reading = asyncio.ensure_future(asyncio.to_thread(_received, process))
    try:
        while (answer := await asyncio.shield(reading)) is not None:
            if isinstance(answer, OneleadError):
                raise answer
            # The next one comes while this one is written.
            reading = asyncio.ensure_future(asyncio.to_thread(_received, process))
            yield answer
    finally:
        process.kill()
        # Nobody may read from a pipe that is closed.
        await asyncio.wait([reading])
        await asyncio.to_thread(_end, process)


def preparing(job: PrepareJob) -> Generator[Answer]:
    """Do the job, in the process that was started for it; the last thing is None or an error."""
    try:
        table = table_now(job.path, job.name, job.choices.reading, job.digest)
        with closing(table.rows()) as walk, closing(_row_writes(job, table.header)) as row_writes:
            while chunk := list(islice(walk, IMPORT_CHUNK_ROWS)):
                prepared = Prepared()
                prepared.add(chunk, row_writes, job)
                yield prepared
    except OneleadError as error:
        yield error
    else:
        yield None


def _row_writes(job: PrepareJob, header: Sequence[str]) -> RowWrites:
    return row_writes_of(header, job.findings, job.choices, job.settings, job.sender)


def started_process(job: PrepareJob) -> subprocess.Popen[bytes]:
    """Start the process and give it the job."""
    # Without our variables: a password may be among them.
    env = {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": tempfile.gettempdir()}
    process = subprocess.Popen(
        [sys.executable, "-m", "onelead.files.imports.prepare_program"],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(pickle.dumps(job))
    return process


def _received(process: subprocess.Popen[bytes]) -> Answer:
    """Wait for what the process says next."""
    assert process.stdout is not None
    try:
        answer: Answer = pickle.load(process.stdout)  # noqa: S301 - our own program
    except (EOFError, pickle.UnpicklingError):
        return FileUnreadable("The process that prepared the rows has ended; the log may say why")
    return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    process.stdout.close()
    process.wait()
