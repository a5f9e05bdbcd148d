"""Places: so many in all, and so many of one account."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from onelead.domain.errors import NotPossible
from onelead.process.turns import Turns


def test_one_account_cannot_take_all_places() -> None:
    turns = Turns(3, 2, lambda: NotPossible("full"))
    with ExitStack() as places:
        for account_id in (1, 1, 2):
            places.enter_context(turns.taken(account_id))
        for account_id in (1, 3):
            with pytest.raises(NotPossible, match="full"), turns.taken(account_id):
                pass
    with turns.taken(1), turns.taken(1), pytest.raises(NotPossible), turns.taken(1):
        pass
