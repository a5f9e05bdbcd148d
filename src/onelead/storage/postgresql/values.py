"""Values in PostgreSQL's binary format: parameters of the batch's statements, and their answers.

A batch hands each table its new rows as one array per column, packed in one go. An array is what
`array_send` in PostgreSQL's `arrayfuncs.c` writes: the number of dimensions, whether there are
nulls, the elements' type, the length and lower bound of the one dimension, and each element after
its length in bytes, -1 for a null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from struct import Struct, pack
from typing import Any

from psycopg.postgres import types

_HEAD = Struct("!5i").pack
_EMPTY_HEAD = Struct("!3i").pack
_LENGTH = Struct("!i").pack
_NULL = _LENGTH(-1)
_NUMBER_BYTES = 8
_FIRST_INDEX = 1

Pack = Callable[[Sequence[Any]], bytes]

#: A 64-bit integer.
int_value = Struct("!q").pack


def int_from(answer: bytes | None) -> int:
    """Read an integer that cannot be null."""
    assert answer is not None
    return int.from_bytes(answer, "big", signed=True)


def text_from(answer: bytes | None) -> str | None:
    """Read a text."""
    return None if answer is None else answer.decode()


def text_array(values: Sequence[str | None]) -> bytes:
    """Pack texts or nulls."""
    elements = [None if value is None else value.encode() for value in values]
    parts = (
        (_NULL,) if element is None else (_LENGTH(len(element)), element) for element in elements
    )
    return _array(types["text"].oid, values, b"".join(chain.from_iterable(parts)))


def int_array(values: Sequence[int | None]) -> bytes:
    """Pack 64-bit integers or nulls."""
    return _array(types["int8"].oid, values, _numbers("q", values))


def float_array(values: Sequence[float | None]) -> bytes:
    """Pack floating-point numbers or nulls."""
    return _array(types["float8"].oid, values, _numbers("d", values))


def _numbers(code: str, values: Sequence[float | None]) -> bytes:
    if None in values:
        one = Struct(f"!i{code}").pack
        return b"".join(_NULL if value is None else one(_NUMBER_BYTES, value) for value in values)
    pairs = chain.from_iterable(zip(repeat(_NUMBER_BYTES), values, strict=False))
    return pack("!" + f"i{code}" * len(values), *pairs)


def _array(oid: int, values: Sequence[object], elements: bytes) -> bytes:
    if not values:
        return _EMPTY_HEAD(0, 0, oid)
    return _HEAD(1, None in values, oid, len(values), _FIRST_INDEX) + elements
