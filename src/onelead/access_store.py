"""The part of the storage contract about who may come in: accounts, users and API keys.

`store.py` says what holds for every method.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from onelead.account import ApiKey, Caller, Role, User


class NewAccount(Struct, frozen=True, gc=False):
    """A new account, its first admin and that user's API key; the key is not kept anywhere."""

    account_id: int
    user_id: int
    email: str
    api_key: str


class AccessStore(Protocol):
    """Accounts, users, keys, passwords and sessions."""

    async def account_ids(self) -> Sequence[int]:
        """Return the ids of all accounts, ascending."""

    async def caller(self, key_hash: str) -> Caller | None:
        """Return who a valid key belongs to; None for an unknown or revoked key or user."""

    async def create_account(self, name: str, email: str) -> NewAccount:
        """Create an account with its default pick lists, its first admin and a key."""

    async def create_first_account(self, name: str, email: str) -> NewAccount | None:
        """Create an account when there is none; None when there is one, also just now."""

    async def create_api_key(self, account_id: int, email: str, label: str) -> tuple[ApiKey, str]:
        """Create a key of the user with that e-mail and return it with its secret."""

    async def api_keys(self, account_id: int) -> Sequence[ApiKey]:
        """Return all keys, ascending by id, also revoked ones."""

    async def revoke_api_key(self, account_id: int, key_id: int) -> ApiKey:
        """Revoke a key; revoking it again changes nothing. Raises ResourceNotFound."""

    async def create_user(self, account_id: int, email: str, name: str, role: Role) -> User:
        """Create a user. Raises NotPossible when the e-mail has one already."""

    async def deactivate_user(self, account_id: int, email: str) -> User:
        """Deactivate a user, whose keys stop working. Raises ResourceNotFound."""
