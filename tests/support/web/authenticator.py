"""A passkey in software: it answers as a browser does, or wrongly where a test says so."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = "http://onelead.test"
RP_ID = "onelead.test"
#: Flags: the user was there, was verified, and the data has a credential.
_PRESENT, _VERIFIED, _HAS_CREDENTIAL = 0x01, 0x04, 0x40


def as_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def as_bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """One credential; the keyword arguments of its answers make them wrong."""

    def __init__(self, *, counts: bool = True) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.raw_id = secrets.token_bytes(16)
        self.handle = ""
        self.sign_count = 0
        self._counts = counts

    @property
    def id(self) -> str:
        """The id of the credential, as Base64url."""
        return as_text(self.raw_id)

    def created(self, question: dict[str, Any], **wrong: Any) -> str:
        """Answer `navigator.credentials.create`."""
        options = question["publicKey"]
        self.handle = options["user"]["id"]
        numbers = self._key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        public_key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        credential = bytes(16) + len(self.raw_id).to_bytes(2, "big") + self.raw_id + public_key
        data = self._data(_HAS_CREDENTIAL, **wrong) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {"attestationObject": as_text(attestation), "transports": ["internal", "x"]}
        return self._answer("webauthn.create", options["challenge"], response, **wrong)

    def got(self, question: dict[str, Any], **wrong: Any) -> str:
        """Answer `navigator.credentials.get`."""
        options = question["publicKey"]
        if self._counts:
            self.sign_count += 1
        data = self._data(0, **wrong)
        challenge = wrong.pop("challenge", options["challenge"])
        client_data = self._client_data("webauthn.get", challenge, **wrong)
        signed = data + hashlib.sha256(client_data).digest()
        signature = self._key.sign(signed, ec.ECDSA(hashes.SHA256()))
        response = {
            "authenticatorData": as_text(data),
            "signature": as_text(wrong.get("signature", signature)),
            "userHandle": wrong.get("handle", self.handle),
        }
        return self._answer("webauthn.get", challenge, response, **wrong)

    def _data(
        self,
        flags: int,
        *,
        rp_id: str = RP_ID,
        verified: bool = True,
        sign_count: int | None = None,
        **_wrong: Any,
    ) -> bytes:
        flags |= _PRESENT | (_VERIFIED if verified else 0)
        count = self.sign_count if sign_count is None else sign_count
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def _client_data(
        self, kind: str, challenge: str, *, origin: str = ORIGIN, **_wrong: Any
    ) -> bytes:
        found = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
        return json.dumps(found).encode()

    def _answer(self, kind: str, challenge: str, response: dict[str, Any], **wrong: Any) -> str:
        client_data = self._client_data(kind, challenge, **wrong)
        found = response | {"clientDataJSON": as_text(client_data)}
        credential_id = wrong.get("credential_id", self.id)
        answer = {"id": credential_id, "rawId": credential_id, "type": "public-key"}
        return json.dumps(answer | {"response": found, "clientExtensionResults": {}})
