"""The users of the demo: sign-ins, last uses of API keys, and links for the visitor."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from onelead.contract.access import ApiKeyUse, LinkPurpose, WebSession
from onelead.contract.store import Store
from onelead.demo.company import FORMER_MEMBER, MEMBERS, Company
from onelead.demo.weeks import Call
from onelead.domain.access import UserChange
from onelead.process.password_hashes import PasswordHashes
from onelead.web.frame.sessions import new_token, token_hash

_BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Firefox/150.0"
#: A range that is reserved for documentation.
_NETWORK = "203.0.113"


class Links(Struct, frozen=True):
    """Tokens of one-time links for the visitor of the demo."""

    admin: str
    member: str


async def create_users(
    store: Store, company: Company, admin_id: int, calls: Sequence[Call]
) -> Links:
    """Sign in the users of the company, except the two that the visitor can sign in as."""
    account_id = company.account_id
    visitor_id, *others = [company.user_ids[email] for _name, email in MEMBERS]
    hashes = PasswordHashes()
    for number, user_id in enumerate(others):
        await _sign_in(store, hashes, company, user_id, calls[-1 - 40 * number].at)
    former_id = company.user_ids[FORMER_MEMBER[1]]
    await store.change_user(account_id, former_id, UserChange(is_active=False), by=admin_id)
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
