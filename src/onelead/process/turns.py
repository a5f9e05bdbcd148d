"""Work of which a process does only so much at a time, and less of it for one account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from onelead.domain.errors import OneleadError


class Turns:
    """A few places; who finds none is refused and does not wait."""

    def __init__(self, at_once: int, of_account: int, refusal: Callable[[], OneleadError]) -> None:
        """`refusal` is raised for those who find no place."""
        self._at_once = at_once
        self._of_account = of_account
        self._refusal = refusal
        self._taken: Counter[int] = Counter()

    @contextmanager
    def taken(self, account_id: int) -> Iterator[None]:
        """Hold a place for a block. Raises the refusal."""
        is_full = self._taken.total() >= self._at_once
        if is_full or self._taken[account_id] >= self._of_account:
            raise self._refusal()
        self._taken[account_id] += 1
        try:
            yield
        finally:
            self._taken[account_id] -= 1
