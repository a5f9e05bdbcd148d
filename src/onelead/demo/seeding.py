"""Fills the demo database with the calls of its weeks, through the real writer and store.

The store's clock is set to the time of each call, so that ledger, history and figures span weeks
instead of the seconds that seeding takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from random import Random

import msgspec
from msgspec import Struct

from onelead.contract.store import Store
from onelead.demo.colleagues import Links, create_users
from onelead.demo.company import ADMIN, Company, set_up
from onelead.demo.people import Person
from onelead.demo.weeks import DAYS, Call, Weeks
from onelead.domain.search import LeadSearch
from onelead.domain.writes import Action, Delivery, LeadWrite
from onelead.incoming.lead_json import lead_patch, upsert_write
from onelead.process.writer import BatchingWriter, Receipt

#: Calls this close together share a batch and its date: in the last days, which are looked at most,
#: and before.
_TOGETHER_S, _TOGETHER_BEFORE_S = 30, 2_400
_LAST_DAYS_S = 2 * 86_400
#: How many leads can be delivered again while the demo runs.
_KNOWN = 2_000


class MovedClock:
    """A clock that is set by hand, in Unix seconds."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        """Return the time it is set to."""
        return self.at


class Seeded(Struct, frozen=True):
    """The account when the demo begins, and the people who can be delivered next."""

    company: Company
    #: Endless.
    strangers: Iterator[Person]
    known: list[Person]
    leads: int
    links: Links


async def seed_account(store: Store, clock: MovedClock, seed: int) -> Seeded:
    """Make the account and its past; `clock` is the store's clock, set to now."""
    now = clock.at
    clock.at = now - (DAYS + 1) * 86_400
    company = await set_up(store)
    zone = (await store.settings(company.account_id)).zone
    weeks = Weeks(company, zone, now, seed)
    calls = weeks.calls()
    writer = BatchingWriter(store)
    for together in _batches(calls):
        clock.at = together[0].at
        await _write(writer, company, together)
    await writer.drain()
    clock.at = now
    while await store.fold_ledger(company.account_id):
        pass
    made = {id(call.person): call.person for call in calls if call.person and call.person.lead_id}
    known = Random(seed).sample(list(made.values()), _KNOWN)  # noqa: S311 - no secret
    leads = (await store.search_leads(company.account_id, LeadSearch(), now=now)).total
    admin_id = company.user_ids[ADMIN[1]]
    links = await create_users(store, company, admin_id, calls)
    return Seeded(company, weeks.strangers, known, leads, links)


def _batches(calls: list[Call]) -> list[list[Call]]:
    """Split the calls into batches; no person is in a batch twice, as an update needs its lead."""
    batches: list[list[Call]] = []
    people: set[int] = set()
    last_days = calls[-1].at - _LAST_DAYS_S
    for call in calls:
        person = id(call.person) if call.person else 0
        near = _TOGETHER_S if call.at > last_days else _TOGETHER_BEFORE_S
        if not batches or call.at - batches[-1][0].at > near or person in people:
            batches.append([])
            people = set()
        batches[-1].append(call)
        people.add(person)
    return batches


async def _write(writer: BatchingWriter, company: Company, calls: list[Call]) -> None:
    pairs = [(call, write) for call in calls if (write := _lead_write(call)) is not None]
    writes = [write for _call, write in pairs]
    if not writes:
        return
    receipts = await writer.write_many(company.account_id, writes)
    for (call, _write), receipt in zip(pairs, receipts, strict=True):
        _learn(call, receipt)


def _learn(call: Call, receipt: Receipt) -> None:
    if call.person is not None and receipt.result.lead is not None:
        call.person.lead_id = receipt.result.lead.id


def _lead_write(call: Call) -> LeadWrite | None:
    """Return a call as the API would read it; None if its lead was never created."""
    delivery = _delivery(call)
    lead_id = call.person.lead_id if call.person else None
    match call.action:
        case Action.UPSERT:
            return upsert_write(call.body, delivery)
        case Action.CREATE:
            patch, problems = lead_patch(call.body, "base")
            return LeadWrite(call.action, delivery, patch=patch, problems=problems)
        case Action.UPDATE if lead_id is not None:
            patch, problems = lead_patch(call.body, "base")
            return LeadWrite(call.action, delivery, lead_id, patch, problems=problems)
        case Action.DELETE if lead_id is not None:
            return LeadWrite(call.action, delivery, lead_id)
    return None


def _delivery(call: Call) -> Delivery:
    payload = "" if call.action is Action.DELETE else msgspec.json.encode(call.body).decode()
    key_id = call.sender.api_key_id if call.sender else None
    request_id = hashlib.blake2b(f"{call.at}{payload}".encode(), digest_size=16).hexdigest()
    return Delivery(request_id, call.user_id, key_id, payload)
