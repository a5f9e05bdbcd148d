"""Values in PostgreSQL's binary format: parameters of the batch's statements, and their answers.

A batch hands each table its new rows as one array per column, packed in one go. An array is what
`array_send` in PostgreSQL's `arrayfuncs.c` writes: the number of dimensions, whether there are
nulls, the elements' type, the length and lower bound of the one dimension, and each element after
its length in bytes, -1 for a null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, TypeVar

from psycopg.postgres import types

_HEAD = Struct("!5i").pack
_EMPTY_HEAD = Struct("!3i").pack
_LENGTH = Struct("!i").pack
_INT_ELEMENT = Struct("!iq").pack
_FLOAT_ELEMENT = Struct("!id").pack
_NULL = _LENGTH(-1)
_NUMBER_BYTES = 8
_FIRST_INDEX = 1
_TEXT, _INT, _FLOAT = (types[name].oid for name in ("text", "int8", "float8"))

T = TypeVar("T")
Pack = Callable[[Sequence[Any]], bytes]

#: A 64-bit integer.
int_value = Struct("!q").pack
#: A floating-point number.
float_value = Struct("!d").pack


def int_from(answer: bytes | None) -> int:
    """Read an integer that cannot be null."""
    assert answer is not None
    return int.from_bytes(answer, "big", signed=True)


def text_from(answer: bytes | None) -> str | None:
    """Read a text."""
    return None if answer is None else answer.decode()


def text_array(values: Sequence[str | None]) -> bytes:
    """Pack texts or nulls."""
    some, times = _repeated(values)
    parts = [_NULL if one is None else _LENGTH(len(text := one.encode())) + text for one in some]
    return _array(_TEXT, values, b"".join(parts) * times)


def int_array(values: Sequence[int | None]) -> bytes:
    """Pack 64-bit integers or nulls."""
    some, times = _repeated(values)
    parts = [_NULL if one is None else _INT_ELEMENT(_NUMBER_BYTES, one) for one in some]
    return _array(_INT, values, b"".join(parts) * times)


def float_array(values: Sequence[float | None]) -> bytes:
    """Pack floating-point numbers or nulls."""
    # Zeros of both signs are equal and not the same: each is packed on its own.
    parts = [_NULL if one is None else _FLOAT_ELEMENT(_NUMBER_BYTES, one) for one in values]
    return _array(_FLOAT, values, b"".join(parts))


def _repeated(values: Sequence[T]) -> tuple[Sequence[T], int]:
    """Return what to pack and how often: most columns of a lead have one value in all rows."""
    count = len(values)
    is_constant = count > 1 and values.count(values[0]) == count
    return (values[:1], count) if is_constant else (values, 1)


def _array(oid: int, values: Sequence[object], elements: bytes) -> bytes:
    if not values:
        return _EMPTY_HEAD(0, 0, oid)
    return _HEAD(1, None in values, oid, len(values), _FIRST_INDEX) + elements
