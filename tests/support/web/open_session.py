"""A browser that is signed in without a password, for tests that are not about signing in."""

from __future__ import annotations

from onelead.contract.access import LinkPurpose, WebSession
from onelead.contract.store import Store
from onelead.storage.access.accounts import key_hash


async def open_session(store: Store, token_hash: str, session: WebSession) -> None:
    """Store a session of a user, as choosing an account does."""
    purpose = LinkPurpose.ACCOUNT_CHOICE
    link = await store.create_link(session.account_id, session.user_id, purpose)
    assert await store.choose_account(key_hash(link), token_hash, session)
