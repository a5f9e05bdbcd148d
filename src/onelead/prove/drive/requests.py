"""What the clients of a proof send: requests, and the writes that each consists of."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from onelead.domain.writes import Action
from onelead.prove.operations import ReadKind

#: People act on the leads of every fourth family.
_ACT_FAMILIES = 4


def has_acts(family: int) -> bool:
    """Return whether people act on the leads of a family."""
    return family >= 0 and family % _ACT_FAMILIES == 0


class Twice(StrEnum):
    """Whether a delivery is sent a second time, although it is answered."""

    NO = "no"
    #: On the same connection.
    AFTER_THE_ANSWER = "after the answer"
    #: On another connection, as a network may do that sends again what it has sent.
    AT_ONCE = "at the same moment"


class Item(Struct, frozen=True, gc=False):
    """One write of a request, as the history records it."""

    resource: str
    action: Action
    resource_id: int | None
    payload: str
    #: The ledger row that an act is about.
    about_seq: int | None = None


class Request(Struct, frozen=True, gc=False):
    """One API call."""

    number: int
    kind: str
    method: str
    path: str
    body: bytes
    items: tuple[Item, ...]
    is_bulk: bool = False
    #: The family whose leads it is about.
    family: int = -1
    twice: Twice = Twice.NO
    #: The idempotency key.
    key: str | None = None
    #: What it reads, if it writes nothing, and about what.
    reads: ReadKind | None = None
    about: int | str | None = None

    @property
    def is_about_acts(self) -> bool:
        """Whether its leads are also merged, and its deliveries undone and applied."""
        return has_acts(self.family)
