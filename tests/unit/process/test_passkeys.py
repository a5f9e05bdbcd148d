"""Which site passkeys are bound to."""

from __future__ import annotations

import pytest

from onelead.process.passkeys import Site, credential_id_of, site_of, user_handle


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("http://localhost:8000", Site("localhost", "http://localhost:8000")),
        ("https://Leads.Example", Site("leads.example", "https://leads.example")),
        ("https://leads.example:443", Site("leads.example", "https://leads.example")),
        ("https://leads.example:8443/x", Site("leads.example", "https://leads.example:8443")),
        ("http://leads.example:80", Site("leads.example", "http://leads.example")),
        ("http://[::1]:8000", Site("::1", "http://[::1]:8000")),
    ],
)
def test_the_site_is_what_the_browser_names(url: str, site: Site) -> None:
    assert site_of(url) == site


def test_a_handle_is_one_user_s() -> None:
    handles = {user_handle(1, 23), user_handle(12, 3), user_handle(1, 2)}
    assert len(handles) == 3


def test_an_answer_that_cannot_be_read_is_from_nobody() -> None:
    for answer in ("", "x", "[]", '{"id": null}', "[" * 100_000):
        assert credential_id_of(answer) == ""
