"""The rows of a large file are prepared by a process of its own as they would be without it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.support.domain.builders import a_settings
from tests.support.files.imports import BY_EMAIL, always, csv_file, people

from onelead.domain.importing.headers import guessed_mapping
from onelead.domain.writes import CheckedWrite
from onelead.files.imports import prepared
from onelead.files.imports.choices import ImportChoices
from onelead.files.imports.prepared import (
    Prepared,
    PrepareJob,
    prepared_elsewhere,
    prepared_here,
    preparing,
)
from onelead.files.imports.reading import read_table
from onelead.files.imports.rows import Sender, WrittenRow
from onelead.files.imports.walks import table_of
from onelead.files.readers.errors import FileChanged, FileUnreadable
from onelead.files.readers.table import Choices

ROWS = 600


async def job_for(path: Path, done_to: int = 0) -> PrepareJob:
    settings, sender = a_settings(account_id=1), Sender("batch", "scope", None, 7)
    table = await table_of(path, path.name, Choices())
    mapping = structs.replace(guessed_mapping(table.header, settings), match=BY_EMAIL)
    choices = ImportChoices(mapping=mapping)
    findings = await read_table(table, choices, settings, always)
    return PrepareJob(path, path.name, "", findings, choices, settings, sender, done_to)


async def all_of(chunks: AsyncGenerator[Prepared]) -> list[Any]:
    """Return all rows and writes, and how many rows were passed over."""
    found: list[WrittenRow | CheckedWrite | int] = []
    async with aclosing(chunks):
        async for chunk in chunks:
            found += [chunk.passed, *map(comparable, zip(chunk.rows, chunk.checked, strict=True))]
    return found


def comparable(pair: tuple[WrittenRow, CheckedWrite]) -> Any:
    """Give errors, which are equal to nothing, the form of a text."""
    written, checked = pair
    return written, structs.replace(checked, refusal=None), repr(checked.refusal)


@pytest.fixture
def large_file(tmp_path: Path) -> Path:
    lines = [*people(ROWS), "p1@field.example,Nora Field,Buyer", "no address,Sam Roe,", "x,y,z,4"]
    return csv_file(tmp_path, *lines)


async def test_both_ways_prepare_the_same(large_file: Path) -> None:
    job = await job_for(large_file, done_to=300)
    here = await all_of(prepared_here(job))
    assert await all_of(prepared_elsewhere(job)) == here
    assert sum(one for one in here if isinstance(one, int)) == 299
    assert len(here) == ROWS + 3 - 299 + 3


async def test_a_reason_why_a_file_cannot_be_read_comes_back(large_file: Path) -> None:
    job = structs.replace(await job_for(large_file), digest="another")
    with pytest.raises(FileChanged):
        await all_of(prepared_elsewhere(job))
    (only,) = preparing(job)
    assert isinstance(only, FileChanged)


async def test_a_process_that_was_killed_ends_the_import_with_a_sentence(
    large_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = prepared.started_process

    def killed(job: PrepareJob) -> Any:
        process = begin(job)
        process.kill()
        process.wait()
        return process

    monkeypatch.setattr(prepared, "started_process", killed)
    with pytest.raises(FileUnreadable, match="has ended"):
        await all_of(prepared_elsewhere(await job_for(large_file)))


async def test_the_process_ends_with_a_reader_that_wants_no_more(
    large_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = []
    begin = prepared.started_process

    def seen(job: PrepareJob) -> Any:
        processes.append(begin(job))
        return processes[0]

    monkeypatch.setattr(prepared, "started_process", seen)
    chunks = prepared_elsewhere(await job_for(large_file))
    assert len((await anext(chunks)).rows) > 0
    await chunks.aclose()
    assert processes[0].returncode is not None
