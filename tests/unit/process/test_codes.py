"""Making codes, and what apps read."""

from __future__ import annotations

from onelead.process.codes import code_at, new_recovery_codes, new_secret, setup_address


def test_the_codes_are_those_of_the_rfc() -> None:
    # RFC 6238, appendix B, shortened to six digits: the seed "12345678901234567890".
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert code_at(secret, 59 // 30) == "287082"
    assert code_at(secret, 1_111_111_109 // 30) == "081804"


def test_secrets_and_recovery_codes_are_random() -> None:
    assert new_secret() != new_secret()
    codes, hashes = new_recovery_codes()
    assert len(set(codes)) == len(set(hashes)) == len(codes)
    assert not set(codes) & set(hashes)


def test_a_colon_in_a_name_does_not_split_the_address() -> None:
    secret = new_secret()
    address = setup_address(secret, "mia@shop.example", "onelead A: B")
    assert address.startswith("otpauth://totp/onelead%20A%20%20B:mia%40shop.example?")
