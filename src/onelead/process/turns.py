"""Work of which a process does only so much at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from onelead.domain.errors import NotPossible


class Turns:
    """A few places; who finds none is refused and does not wait."""

    def __init__(self, at_once: int, refusal: str) -> None:
        """`refusal` is the sentence for those who find no place."""
        self._free = at_once
        self._refusal = refusal

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place for a block. Raises NotPossible."""
        if not self._free:
            raise NotPossible(self._refusal)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
