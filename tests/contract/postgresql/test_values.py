"""Values that a batch sends to PostgreSQL in its binary format arrive unchanged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.pq import ExecStatus, Format
from tests.support.storage.postgresql_server import administration_url

from onelead.storage.postgresql.values import (
    Pack,
    float_array,
    int_array,
    int_from,
    int_value,
    text_array,
    text_from,
)

INTEGERS = st.integers(-(2**63), 2**63 - 1)
# PostgreSQL stores no zero character, and UTF-8 has no half of a surrogate pair; the domain lets
# neither through.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def columns(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.none() | values)


@pytest.fixture(scope="module")
def connection() -> Iterator[psycopg.Connection]:
    with psycopg.connect(administration_url(), autocommit=True) as connection:
        yield connection


def stored(connection: psycopg.Connection, pack: Pack, type_: str, values: Sequence[Any]) -> Any:
    """Send a column, have the server unnest it, and return its values as the server writes them."""
    sql = f"SELECT array_agg(one ORDER BY number) FROM unnest($1::{type_}[]) WITH ORDINALITY"
    result = connection.pgconn.exec_params(
        f"{sql} AS rows (one, number)".encode(),
        [pack(values)],
        param_formats=[Format.BINARY],
        result_format=Format.TEXT,
    )
    assert result.status == ExecStatus.TUPLES_OK, result.error_message
    said = result.get_value(0, 0)
    if said is None:
        return []
    loaded = connection.execute(f"SELECT %s::{type_}[]".encode(), (said.decode(),)).fetchone()
    assert loaded is not None
    return loaded[0]


@given(values=columns(TEXTS))
def test_texts_arrive(connection: psycopg.Connection, values: list[str | None]) -> None:
    assert stored(connection, text_array, "text", values) == values


@pytest.mark.parametrize(
    "values",
    [[], [None], [""], ["", None, ""], ["NULL", '"{},\\', "\u0301e", "👩‍👩‍👧", "a" * 70_000]],
)
def test_texts_that_an_array_could_trip_over_arrive(
    connection: psycopg.Connection, values: list[str | None]
) -> None:
    assert stored(connection, text_array, "text", values) == values


@given(values=columns(INTEGERS))
def test_integers_arrive(connection: psycopg.Connection, values: list[int | None]) -> None:
    assert stored(connection, int_array, "bigint", values) == values


@pytest.mark.parametrize("values", [[], [None], [0], [-(2**63), None, 2**63 - 1], [2**53 + 1]])
def test_the_largest_integers_arrive(
    connection: psycopg.Connection, values: list[int | None]
) -> None:
    assert stored(connection, int_array, "bigint", values) == values


@given(values=columns(st.floats(allow_nan=False)))
def test_numbers_arrive(connection: psycopg.Connection, values: list[float | None]) -> None:
    arrived = stored(connection, float_array, "double precision", values)
    assert arrived == values
    signs = [math.copysign(1, value) for value in values if value is not None]
    assert [math.copysign(1, value) for value in arrived if value is not None] == signs


@given(number=INTEGERS, text=TEXTS)
def test_answers_are_read(connection: psycopg.Connection, number: int, text: str) -> None:
    result = connection.pgconn.exec_params(
        b"SELECT $1::bigint, $2::text, NULL::text",
        [int_value(number), text.encode()],
        param_formats=[Format.BINARY, Format.BINARY],
        result_format=Format.BINARY,
    )
    assert int_from(result.get_value(0, 0)) == number
    assert text_from(result.get_value(0, 1)) == text
    assert text_from(result.get_value(0, 2)) is None
