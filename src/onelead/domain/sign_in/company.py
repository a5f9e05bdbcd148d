"""Signing in at the company's own provider (OIDC): what it says, and what that proves.

The provider's `subject` is a user for good; an e-mail can be given to somebody else. So an e-mail
only makes the link to a user, once, and only if the provider has verified it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct


class CompanyIdentity(Struct, frozen=True):
    """Who the provider says is there. Its issuer and subject together are unique."""

    issuer: str
    subject: str
    #: The e-mail that the provider has verified; empty if it says so of none.
    email: str
    #: When they last proved there who they are, Unix seconds; None when it does not say.
    date_confirmed: int | None


class CompanyUser(Struct, frozen=True):
    """An active user that an identity signs in to."""

    account_id: int
    user_id: int
    account_name: str


def is_safe_url(url: str) -> bool:
    """Say whether what is sent to a URL can be read only there: by TLS, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    is_here = parts.scheme == "http" and host in ("127.0.0.1", "::1", "localhost")
    return bool(host) and (parts.scheme == "https" or is_here)
