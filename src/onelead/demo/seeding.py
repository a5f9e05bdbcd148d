"""Fills the demo database with the calls of its weeks, and signs its users in.

The calls are written by the real writer and store. The store's clock is set to the time of each
call, so that ledger, history and figures span weeks instead of the seconds that seeding takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from random import Random

import msgspec
from msgspec import Struct

from onelead.contract.access import ApiKeyUse, LinkPurpose, WebSession
from onelead.contract.store import Store
from onelead.demo.company import ADMIN, FORMER_MEMBER, MEMBERS, Company, set_up
from onelead.demo.people import Person
from onelead.demo.spreadsheet import upload_files
from onelead.demo.weeks import DAYS, Call, Weeks
from onelead.domain.access import UserChange
from onelead.domain.search import LeadSearch
from onelead.domain.writes import Action, Delivery, LeadWrite
from onelead.incoming.lead_json import lead_write
from onelead.process.password_hashes import PasswordHashes
from onelead.process.writer import BatchingWriter
from onelead.web.frame.sessions import new_token, token_hash

#: Calls this close together share a batch and its date: in the last days, which are looked at most,
#: and before.
_TOGETHER_S, _TOGETHER_BEFORE_S = 30, 2_400
_LAST_DAYS_S = 2 * 86_400
#: How many leads can be delivered again while the demo runs.
_KNOWN = 2_000
_BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Firefox/150.0"
#: A range that is reserved for documentation.
_NETWORK = "203.0.113"


class MovedClock:
    """A clock that is set by hand, in Unix seconds."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        """Return the time it is set to."""
        return self.at


class Links(Struct, frozen=True):
    """Tokens of one-time links for the visitor of the demo."""

    admin: str
    member: str


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
    await upload_files(store, company, known, weeks.strangers)
    leads = (await store.search_leads(company.account_id, LeadSearch(), now=now)).total
    links = await _sign_in_users(store, company, calls)
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
        if call.person is not None and receipt.result.lead is not None:
            call.person.lead_id = receipt.result.lead.id


def _lead_write(call: Call) -> LeadWrite | None:
    """Return a call as the API would read it; None if its lead was never created."""
    lead_id = None
    if call.action in (Action.UPDATE, Action.DELETE):
        lead_id = call.person.lead_id if call.person else None
        if lead_id is None:
            return None
    payload = "" if call.action is Action.DELETE else msgspec.json.encode(call.body).decode()
    key_id = call.sender.api_key_id if call.sender else None
    request_id = hashlib.blake2b(f"{call.at}{payload}".encode(), digest_size=16).hexdigest()
    delivery = Delivery(request_id, call.user_id, key_id, payload)
    return lead_write(call.action, lead_id, call.body, delivery)


async def _sign_in_users(store: Store, company: Company, calls: Sequence[Call]) -> Links:
    """Sign in the users of the company, except the two that the visitor can sign in as."""
    account_id, admin_id = company.account_id, company.user_ids[ADMIN[1]]
    visitor_id, *others = [company.user_ids[email] for _name, email in MEMBERS]
    hashes = PasswordHashes()
    for number, user_id in enumerate(others):
        await _sign_in(store, hashes, company, user_id, calls[-1 - 40 * number].at)
    former_id = company.user_ids[FORMER_MEMBER[1]]
    await store.change_user(account_id, former_id, UserChange(is_active=False))
    last = {call.sender.api_key_id: call.at for call in calls if call.sender}
    uses = [
        ApiKeyUse(key_id, at, f"{_NETWORK}.{10 + number}")
        for number, (key_id, at) in enumerate(sorted(last.items()))
    ]
    await store.record_api_key_uses(account_id, uses)
    # The first API key of the account was never used.
    (unused,) = {key.id for key in await store.api_keys(account_id)} - last.keys()
    await store.revoke_api_key(account_id, unused)
    return Links(
        admin=await store.create_link(account_id, admin_id, LinkPurpose.FIRST_SIGN_IN),
        member=await store.create_link(account_id, visitor_id, LinkPurpose.INVITATION),
    )


async def _sign_in(
    store: Store, hashes: PasswordHashes, company: Company, user_id: int, at: int
) -> None:
    """Sign a user in with a random password."""
    account_id = company.account_id
    link = await store.create_link(account_id, user_id, LinkPurpose.INVITATION)
    password_hash = await hashes.of(new_token())
    session = WebSession(account_id, user_id, at, at, f"{_NETWORK}.5", _BROWSER)
    await store.set_password(token_hash(link), password_hash, token_hash(new_token()), session)
