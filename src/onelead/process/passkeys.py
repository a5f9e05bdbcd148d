"""Asks passkeys (WebAuthn), and checks what they answer, with py_webauthn.

The library and its cryptography take a tenth of a second and 24 MiB to load, so they are loaded
in a thread when the first passkey is asked. A passkey has to verify its user, by a finger or a
PIN, so it counts for both steps of a sign-in.
"""

from __future__ import annotations

import asyncio
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec
import structlog

from onelead.contract.credentials import Passkey
from onelead.domain.account import User
from onelead.domain.limits import PASSKEY_ANSWER_CHARS_MAX, PASSKEY_ANSWER_S
from onelead.domain.text import as_one_line, shortened

T = TypeVar("T")
_CHALLENGE_BYTES = 32
_TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "internal", "cable", "hybrid"})

log = structlog.get_logger(__name__)


class Site(NamedTuple):
    """The address that passkeys are bound to."""

    #: The host without the port.
    rp_id: str
    #: Scheme, host and port, as the browser names them.
    origin: str


class NewCredential(NamedTuple):
    """What a browser has made for a new passkey."""

    credential_id: str
    public_key: str
    sign_count: int
    transports: tuple[str, ...]


def site_of(url: str) -> Site:
    """Return the site that browsers see at an address."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    shown = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port and parts.port != _PORTS.get(parts.scheme) else ""
    return Site(host, f"{parts.scheme}://{shown}{port}")


_PORTS = {"http": 80, "https": 443}


def new_challenge() -> str:
    """Return 256 random bits, as Base64url."""
    return _text(secrets.token_bytes(_CHALLENGE_BYTES))


def user_handle(account_id: int, user_id: int) -> str:
    """Return by what a passkey knows its user, as Base64url: without personal data."""
    return _text(f"{account_id}.{user_id}".encode())


def creation_options(
    site: Site, account_id: int, user: User, known: Sequence[Passkey], challenge: str
) -> dict[str, Any]:
    """Return what a browser needs to make a passkey for a user."""
    return {
        "rp": {"id": site.rp_id, "name": "onelead"},
        "user": {"id": user_handle(account_id, user.id), "name": user.email}
        | {"displayName": user.name},
        "challenge": challenge,
        # EdDSA, ECDSA and RSA, as the library checks them.
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (-8, -7, -257)],
        "timeout": PASSKEY_ANSWER_S * 1_000,
        "attestation": "none",
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "excludeCredentials": _named(known),
    }


def request_options(site: Site, known: Sequence[Passkey], challenge: str) -> dict[str, Any]:
    """Return what a browser needs to ask a passkey: one of `known`, or without any the user's."""
    return {
        "rpId": site.rp_id,
        "challenge": challenge,
        "timeout": PASSKEY_ANSWER_S * 1_000,
        "userVerification": "required",
        "allowCredentials": _named(known),
    }


def _named(known: Sequence[Passkey]) -> list[dict[str, Any]]:
    return [
        {"type": "public-key", "id": one.credential_id, "transports": list(one.transports)}
        for one in known
    ]


def credential_id_of(answer: str) -> str:
    """Return the id that an answer claims to be from; empty for one that cannot be read."""
    return _member(_read(answer), "id")


async def new_credential(site: Site, challenge: str, answer: str) -> NewCredential | None:
    """Check the answer to `creation_options`; None when it is not accepted."""
    sent = _read(answer)

    def check() -> NewCredential:
        from webauthn import verify_registration_response  # noqa: PLC0415 - see the module

        found = verify_registration_response(
            credential=sent,
            expected_challenge=_bytes(challenge),
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
        named = sent["response"].get("transports") or ()
        transports = tuple(sorted(_TRANSPORTS.intersection(named)))
        public_key = _text(found.credential_public_key)
        return NewCredential(_text(found.credential_id), public_key, found.sign_count, transports)

    return await _checked(check)


async def sign_count_of(site: Site, challenge: str, passkey: Passkey, answer: str) -> int | None:
    """Check the answer of a passkey, and return its sign count; None when it is not accepted.

    Whether the sign count may be is up to the caller: see `went_back`.
    """
    sent = _read(answer)

    def check() -> int:
        from webauthn import verify_authentication_response  # noqa: PLC0415 - see the module

        handle = _member(sent.get("response"), "userHandle").rstrip("=")
        if handle not in ("", user_handle(passkey.account_id, passkey.user_id)):
            raise ValueError("the answer is for another user")
        found = verify_authentication_response(
            credential=sent,
            expected_challenge=_bytes(challenge),
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=_bytes(passkey.public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
        if _text(found.credential_id) != passkey.credential_id:
            raise ValueError("the answer is from another passkey")
        return found.new_sign_count

    return await _checked(check)


async def _checked(check: Callable[[], T]) -> T | None:
    try:
        return await asyncio.to_thread(check)
    except Exception as error:  # noqa: BLE001 - hostile bytes; whatever they lead to is a no
        log.info("passkey_refused", reason=shortened(as_one_line(str(error))))
        return None


def _read(answer: str) -> dict[str, Any]:
    """Return an answer as JSON; empty when it is too long, or no object."""
    if len(answer) > PASSKEY_ANSWER_CHARS_MAX:
        return {}
    try:
        return msgspec.json.decode(answer, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return {}


def _member(found: Any, name: str) -> str:
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
