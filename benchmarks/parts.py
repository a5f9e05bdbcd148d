"""Measures what Python does for one upsert, part by part, without HTTP and without a database.

    python -m benchmarks.parts

Microseconds an upsert: the minimum over many batches, which other load on the machine disturbs
least. `--kind title` measures one kind alone, for a profiler.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import msgspec

from benchmarks.people import Person, lead_of, stored_people
from onelead.api.answers import JsonResponse
from onelead.api.wire import lead_body
from onelead.domain.account import AccountSettings, LeadStatus, User
from onelead.domain.acts.state import BatchPlan, Snapshot
from onelead.domain.custom_fields import CustomField, DataType, IndexState
from onelead.domain.fold import checked_write, keys_needed, plan_batch
from onelead.domain.lead import Lead
from onelead.domain.writes import CheckedWrite, Delivery, WriteResult
from onelead.incoming.json_body import decode_object
from onelead.incoming.lead_json import upsert_write
from onelead.incoming.receipts import receipt_headers, row_headers
from onelead.storage.leads.rows import lead_row, plan_entries

BATCH_WRITES = 32
#: More than any cache of texts has room for.
PEOPLE = BATCH_WRITES * 200
ROUNDS = 5
KINDS = ("title", "unchanged", "create")
NOW = int(time.time())


def _settings() -> AccountSettings:
    leads, ready = ("lead",), IndexState.READY
    return AccountSettings(
        account_id=1,
        version=1,
        name="Field Supplies",
        time_zone="America/Chicago",
        currency="USD",
        users=(User(901, "Dana Poe", "dana@field.example"),),
        statuses=(LeadStatus(2001, "New", is_default=True),),
        sources=(),
        fields=(
            CustomField(4101, "Customer number", DataType.STRING, None, leads, index_state=ready),
            CustomField(4102, "Score", DataType.FLOAT, None, leads, index_state=ready),
        ),
    )


def body_of(person: Person, kind: str) -> bytes:
    """Return the body of an upsert, as `load/upsert.lua` sends it."""
    properties = {
        "name": person.name,
        "email": {"email": person.email, "category": "work"},
        "phone_numbers": [{"number": person.phone, "category": "mobile"}],
        "company_name": "Field Supplies",
        "title": f"{person.title} of all" if kind == "title" else person.title,
        "tags": [person.tag],
    }
    match = {"field_name": "email", "field_value": person.email}
    return msgspec.json.encode({"properties": properties, "match": match})


#: The bodies of upserts that are planned together, and the leads that they find.
Batch = tuple[list[bytes], list[Lead]]


def batches(kind: str, settings: AccountSettings) -> list[Batch]:
    """Return the upserts of one kind."""
    # The last twentieth has one name.
    people = list(islice(stored_people(2 * PEOPLE), PEOPLE))
    made = []
    for first in range(0, PEOPLE, BATCH_WRITES):
        some = people[first : first + BATCH_WRITES]
        found = [] if kind == "create" else some
        leads = [lead_of(one, one.number + 1, settings) for one in found]
        made.append(([body_of(one, kind) for one in some], leads))
    return made


def _snapshot(leads: list[Lead], checks: Sequence[CheckedWrite]) -> Snapshot:
    """Return what an engine would read for a batch."""
    ids = {f"p{lead.id - 1}@field.example": lead.id for lead in leads}
    matches = {
        at: [ids[at[1]]] if at[0] == "email" and at[1] in ids else [] for at in keys_needed(checks)
    }
    return Snapshot({lead.id: lead for lead in leads}, matches)


def run(batch: Batch, settings: AccountSettings, spent: dict[str, float]) -> None:
    """Take a batch from its bodies to its answers, and note the least time of each part."""
    bodies, leads = batch

    def timed(part: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        done = work()
        seconds = (time.perf_counter() - began) / BATCH_WRITES
        spent[part] = min(seconds, spent.get(part, seconds))
        return done

    decoded = timed("decode", lambda: [decode_object(body) for body in bodies])
    deliveries = [Delivery("r" * 20, 901, 7, body.decode()) for body in bodies]
    pairs = list(zip(decoded, deliveries, strict=True))
    writes = timed("read", lambda: [upsert_write(body, delivery) for body, delivery in pairs])
    checks = timed("check", lambda: [checked_write(write, settings) for write in writes])
    snapshot = _snapshot(leads, checks)
    plan = timed("plan", lambda: plan_batch(checks, snapshot, settings, now=NOW, last_id=PEOPLE))
    timed("rows", lambda: _rows(checks, plan))
    timed("answer", lambda: [_answer(result, settings) for result in plan.results])


def _rows(checks: Sequence[CheckedWrite], plan: BatchPlan) -> None:
    plan_entries(1, checks, plan, NOW)
    for lead in (*plan.created, *plan.updated):
        lead_row(1, lead)


def _answer(result: WriteResult, settings: AccountSettings) -> JsonResponse:
    assert result.lead is not None
    headers = receipt_headers(result) | row_headers([1])
    return JsonResponse(lead_body(result.lead, settings), headers=headers)


def main() -> None:
    """Print a table of the parts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=KINDS)
    options = parser.parse_args()
    gc.disable()
    settings = _settings()
    for kind in [options.kind] if options.kind else KINDS:
        spent: dict[str, float] = {}
        prepared = batches(kind, settings)
        for batch in prepared * ROUNDS:
            run(batch, settings, spent)
        parts = "  ".join(f"{part} {seconds * 1e6:.2f}" for part, seconds in spent.items())
        print(f"{kind}: {parts}  all {sum(spent.values()) * 1e6:.1f}")


if __name__ == "__main__":
    main()
