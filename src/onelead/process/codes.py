"""Makes and checks codes from an app (TOTP) and recovery codes, with pyotp and segno."""

from __future__ import annotations

import hashlib
import secrets

from onelead.contract.credentials import CodeProof, StoredCodes
from onelead.domain.limits import RECOVERY_CODES_MAX
from onelead.domain.sign_in.codes import (
    RECOVERY_CHARS,
    RECOVERY_LETTERS,
    STEP_S,
    recovery_form,
    recovery_text,
    step_of_code,
)


def new_secret() -> str:
    """Return 160 random bits for an app, as Base32."""
    import pyotp  # noqa: PLC0415 - loaded with the first code

    return pyotp.random_base32()


def code_at(secret: str, step: int) -> str:
    """Return the code of a time step."""
    import pyotp  # noqa: PLC0415 - as above

    return pyotp.TOTP(secret).at(step * STEP_S)


def setup_address(secret: str, email: str, issuer: str) -> str:
    """Return the address that an app reads from the picture."""
    import pyotp  # noqa: PLC0415 - as above

    # The colon separates the two in the address.
    return pyotp.TOTP(secret).provisioning_uri(
        name=email.replace(":", " "), issuer_name=issuer.replace(":", " ")
    )


def picture(text: str) -> str:
    """Return a QR code as SVG without styles, so that it fits into a page as it is."""
    import segno  # noqa: PLC0415 - as above

    return segno.make(text, error="m", micro=False).svg_inline(
        dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )


def typed_code(codes: StoredCodes, typed: str, now: int) -> CodeProof | None:
    """Return what a typed code proves, from the app or for recovery; None for a wrong one.

    Whether a recovery code is one of the user's, and unused, is seen when it is used.
    """
    step = step_of_code(typed, now, codes.last_step, lambda at: code_at(codes.secret, at))
    if step is not None:
        return CodeProof(step=step)
    form = recovery_form(typed)
    return CodeProof(recovery_hash=_hash(form)) if form else None


def new_recovery_codes() -> tuple[list[str], list[str]]:
    """Return new recovery codes as they are shown, and their hashes."""
    codes = [
        recovery_text(secrets.choice(RECOVERY_LETTERS) for _ in range(RECOVERY_CHARS))
        for _ in range(RECOVERY_CODES_MAX)
    ]
    return codes, [_hash(recovery_form(code)) for code in codes]


def _hash(form: str) -> str:
    return hashlib.sha256(form.encode()).hexdigest()
