"""A call as a command: the shell passes exactly the body to curl, whatever it is."""

from __future__ import annotations

import json
import shlex

from hypothesis import given
from hypothesis import strategies as st

from onelead.incoming.api_calls import BASE_PATH, EXAMPLE_UPSERT, upsert_command

BASE_URL = f"http://127.0.0.1:8000{BASE_PATH}"


@given(body=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_the_body_reaches_curl_as_it_is(body: str) -> None:
    command = upsert_command(BASE_URL, "o'hara@shop.example", "ol_1", body)
    words = shlex.split(command.replace(" \\\n  ", " ", 5))
    assert words[:4] == ["curl", "-X", "PUT", f"{BASE_URL}/leads/upsert"]
    assert words[-1] == body
    assert "X-PW-UserEmail: o'hara@shop.example" in words


def test_a_body_never_names_a_file() -> None:
    """After -d and an @, curl would send the file of that name."""
    words = shlex.split(upsert_command(BASE_URL, "a@b.example", "k", "@/etc/passwd"))
    assert words[-2:] == ["--data-raw", "@/etc/passwd"]


def test_the_example_is_an_upsert() -> None:
    assert set(json.loads(EXAMPLE_UPSERT)) == {"properties", "match"}
