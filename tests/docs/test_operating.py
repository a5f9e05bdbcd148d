"""The pages for operators are true: their statements run, their numbers are the program's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from psycopg import conninfo
from tests.support.storage.databases import PostgresqlDatabase

from onelead.configuration import Configuration, load_configuration
from onelead.domain import limits

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "operating.md").read_text(encoding="utf-8")


@pytest.fixture
def database() -> Iterator[PostgresqlDatabase]:
    fresh = PostgresqlDatabase()
    yield fresh
    fresh.close()


def test_every_sql_example_runs(database: PostgresqlDatabase) -> None:
    examples = re.findall(r"^```sql\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    statements = [one for example in examples for one in example.split(";") if one.strip()]
    assert len(statements) == 18
    for statement in statements:
        database.execute(statement)


def test_sentences_with_numbers_are_those_of_the_program() -> None:
    expected = [
        f"at most `DATABASE_CONNECTIONS_MAX` connections, {limits.DATABASE_CONNECTIONS_MAX},",
        f"processes of all machines times {limits.DATABASE_CONNECTIONS_MAX}",
        f"four workers each: {16 * limits.DATABASE_CONNECTIONS_MAX}, and",
        f"and {32 * limits.DATABASE_CONNECTIONS_MAX} for the time of an upgrade",
        f"up to {limits.QUEUE_BYTES_MAX // 1_048_576} MiB of bodies a process",
        f"more than {limits.STOP_TIMEOUT_S} seconds",
        f"at most {limits.API_KEY_CACHE_S} seconds in every process, `API_KEY_CACHE_S`",
        f"looks every {limits.INDEX_WORK_REST_S} seconds, `INDEX_WORK_REST_S`",
        f"for `DATABASE_RETRY_S`, {limits.DATABASE_RETRY_S} seconds",
        f"a failover of less than {limits.DATABASE_RETRY_S} seconds",
        f"at most {limits.MIGRATION_LOCK_TIMEOUT_S} seconds at a time, `MIGRATION_LOCK_TIMEOUT_S`",
        f"after {limits.DATABASE_RETRY_S} seconds it gives up",
        f"up to {limits.QUICK_CHECK_FILE_BYTES_MAX // 1_048_576} MiB, `QUICK_CHECK_FILE_BYTES_MAX`",
    ]
    assert [sentence for sentence in expected if sentence not in PAGE] == []


def test_every_limit_that_is_named_exists() -> None:
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", PAGE))
    known = {name for name in vars(limits) if name.isupper()}
    variables = {f"ONELEAD_{field.name.upper()}" for field in fields(Configuration)}
    assert named - known - variables - {"CREATE", "ANALYZE", "PATH", "PGSERVICEFILE"} == set()


def test_every_metric_that_is_named_is_explained() -> None:
    explained = set(re.findall(r"onelead_\w+", (DOCS / "metrics.md").read_text(encoding="utf-8")))
    series = {f"{name}{ending}" for name in explained for ending in ("_bucket", "_count", "_sum")}
    assert set(re.findall(r"onelead_[a-z_]+", PAGE)) <= explained | series


@pytest.mark.parametrize("url", re.findall(r"postgresql://[^\s`]*", PAGE))
def test_every_url_is_one_that_the_program_takes(url: str) -> None:
    configuration = load_configuration({"database": url}, {})
    assert configuration.database == url
    assert conninfo.conninfo_to_dict(url)
