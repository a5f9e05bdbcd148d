"""Which values of a Host header name this service."""

from __future__ import annotations

import pytest

from onelead.incoming.own_host import OwnHost

URL = "https://leads.shop.example"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (URL, b"leads.shop.example"),
        (URL, b"leads.shop.example:443"),
        (URL, b"LEADS.Shop.example"),
        # A proxy may leave the port out, or add its own.
        (URL, b"leads.shop.example:8000"),
        (URL + ":8443", b"leads.shop.example:8443"),
        (URL + ":8443", b"leads.shop.example"),
        ("http://[::1]:8000", b"[::1]:8000"),
        ("http://[::1]:8000", b"[::1]"),
        ("http://127.0.0.1:8000", b"127.0.0.1:8000"),
        (None, b"anything"),
        (None, b""),
        (None, None),
    ],
)
def test_these_name_it(url: str | None, host: bytes | None) -> None:
    assert OwnHost(url).is_own(host)


@pytest.mark.parametrize(
    "host",
    [
        *(
            b"evil.example",
            b"leads.shop.example.evil.example",
            b"evil.example:443",
            b"shop.example",
        ),
        *(b"leads.shop.example@evil.example", b"evil.example#leads.shop.example", b"127.0.0.1"),
        *(b"", b":443", b"[", b"[::1]", b"leads.shop.example:x", b"leads.shop.example:1:2"),
        *(b"leads.shop.example.", b"\xff\xfe", b"leads.shop.example/x", b"a, leads.shop.example"),
        None,
    ],
)
def test_these_do_not(host: bytes | None) -> None:
    assert not OwnHost(URL).is_own(host)
