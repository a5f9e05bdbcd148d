"""What people do in a proof besides delivering: merges, undos, replays, rulings, separations.

Deliveries with an idempotency key are drawn here, too. All of them are about the leads of a few
families, because only the order of the ledger explains acts.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import structs

from onelead.domain.writes import LEAD, Action
from onelead.prove.drive.requests import Item, Request, Twice

#: The kinds, and how often each is drawn.
_KINDS = {
    "merge": 3,
    "undo": 4,
    "replay": 3,
    "ruling": 2,
    "separate": 1,
    "keyed upsert": 5,
    "keyed create": 2,
}
KEYED = frozenset({"keyed upsert", "keyed create"})
#: Kinds whose answers are not leads.
WITHOUT_LEAD = frozenset({"undo", "replay", "ruling", "separate"})
#: The share of requests about these families that are acts.
_SHARE = 0.25
#: How often an undo asks to lose later changes.
_FORCE = 0.3
#: How often a delivery is applied to a lead, not as it came.
_ONTO_LEAD = 0.6
_KEPT = 24

_encode = msgspec.json.Encoder().encode


class ActRequests:
    """Draws acts about what earlier answers told."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        #: By family: ledger rows, and refused upserts with what they delivered.
        self._rows: dict[int, deque[int]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._refused: dict[int, deque[tuple[int, str]]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def learn(self, request: Request, seq: int, *, is_refused: bool) -> None:
        """Remember the ledger row of a request, so that a later one can be about it."""
        if not request.is_about_acts:
            return
        (item,) = request.items
        if not is_refused:
            self._rows[request.family].append(seq)
        elif item.action is Action.UPSERT and item.about_seq is None:
            self._refused[request.family].append((seq, item.payload))

    def draw_kind(self) -> str | None:
        """Draw the kind of an act; None for a usual delivery."""
        if self._chance.random() >= _SHARE:
            return None
        return self._chance.choices([*_KINDS], [*_KINDS.values()])[0]

    def keyed(self, kind: str, request: Request) -> Request:
        """Give a delivery an idempotency key; most are sent twice."""
        twice = self._chance.choice([*Twice])
        return structs.replace(request, kind=kind, key=f"prove-{request.number}", twice=twice)

    def draw(
        self, kind: str, number: int, family: int, ids: Sequence[int], email: str
    ) -> Request | None:
        """Draw an act; None if nothing is known yet that it could be about.

        `ids` are leads of the family, `email` is an address of one of its members.
        """
        item, path, body = self._parts(kind, family, ids, email)
        if item is None:
            return None
        return Request(number, kind, "POST", path, body, (item,), family=family)

    def _parts(
        self, kind: str, family: int, ids: Sequence[int], email: str
    ) -> tuple[Item | None, str, bytes]:
        """Return the write that is asked for, the path and the body."""
        chance = self._chance
        item, path, body = None, "", dict[str, Any]()
        if kind == "undo" and self._rows[family]:
            seq = chance.choice(self._rows[family])
            path, body = f"/ledger/{seq}/undo", {"force": chance.random() < _FORCE}
            item = _item(Action.UNDO, None, body, seq)
        elif kind == "replay" and self._refused[family] and ids:
            seq, payload = chance.choice(self._refused[family])
            path = f"/ledger/{seq}/replay"
            body = {"lead_id": chance.choice(ids)} if chance.random() < _ONTO_LEAD else {}
            item = Item(LEAD, Action.UPSERT, body.get("lead_id"), payload, seq)
        elif kind == "ruling" and ids:
            match = {"field_name": "email", "field_value": email}
            path, body = "/rulings", {"match": match, "lead_id": chance.choice(ids)}
            item = _item(Action.UPDATE, body["lead_id"], body)
        elif kind == "merge" and len(ids) > 1:
            survivor_id, *losers = chance.sample(ids, min(len(ids), 3))
            path, body = f"/leads/{survivor_id}/merge", {"lead_ids": losers}
            item = _item(Action.MERGE, survivor_id, body)
        elif kind == "separate" and len(ids) > 1:
            path, body = "/distinct", {"lead_ids": chance.sample(ids, 2)}
            item = _item(Action.SEPARATE, None, body)
        return item, path, _encode(body)


def _item(
    action: Action, lead_id: int | None, body: dict[str, Any], about_seq: int | None = None
) -> Item:
    return Item(LEAD, action, lead_id, _encode(body).decode(), about_seq)
