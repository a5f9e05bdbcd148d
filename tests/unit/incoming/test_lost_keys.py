"""A key that an object has twice is found, however the text is spaced and escaped."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onelead.domain.errors import BodyMalformed
from onelead.incoming.json_body import decode_json

#: Texts whose colons, quotes and escapes could be taken for the end of a key.
TEXTS = st.text(alphabet='a:"\\u03 {,é', max_size=4)
SPACES = st.sampled_from(["", " ", "\n", "\t\r "])


@st.composite
def spelled(draw: st.DrawFn, text: str) -> str:
    """Write a text as JSON, some of its characters as escapes."""
    spell = {'"': '\\"', "\\": "\\\\"}
    written = [
        f"\\u{ord(char):04x}" if draw(st.booleans()) else spell.get(char, char) for char in text
    ]
    return f'"{"".join(written)}"'


@st.composite
def objects(draw: st.DrawFn, depth: int = 2) -> str:
    """Write an object that may have keys twice, here or further down."""
    members = []
    for key in draw(st.lists(TEXTS, max_size=3)):
        value = draw(spelled(draw(TEXTS)))
        if depth and draw(st.booleans()):
            value = f"[{draw(objects(depth - 1))}]"
        spaces = [draw(SPACES) for _ in range(4)]
        members.append(f"{spaces[0]}{draw(spelled(key))}{spaces[1]}:{spaces[2]}{value}{spaces[3]}")
    return "{" + ",".join(members) + "}"


def has_key_twice(text: str) -> bool:
    """Return whether a slow decoder that sees each key finds one twice."""
    found = []

    def see(pairs: list[tuple[str, Any]]) -> None:
        found.append(len({key for key, _ in pairs}) < len(pairs))

    json.loads(text, object_pairs_hook=see)
    return any(found)


@given(objects())
def test_exactly_the_bodies_with_a_key_twice_are_refused(text: str) -> None:
    if not has_key_twice(text):
        assert decode_json(text.encode()) == json.loads(text)
        return
    with pytest.raises(BodyMalformed, match="the same key twice"):
        decode_json(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":"x\\u003a"}',
        '{"a":1,"a":2,"b":"\\u003A"}',
        '{"a" : 1, "a" : ":"}',
        '{"a":{"b":1},"a":{"b":2}}',
        '{"":":","":":"}',
    ],
)
def test_a_colon_in_a_text_hides_no_key(text: str) -> None:
    with pytest.raises(BodyMalformed, match="the same key twice"):
        decode_json(text.encode())


@pytest.mark.parametrize(
    "spell",
    [
        json.dumps,
        lambda value: json.dumps(value, indent=2),
        lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
        lambda value: msgspec.json.encode(value).decode(),
    ],
)
def test_the_texts_of_usual_encoders_are_decoded(spell: Any) -> None:
    value = {"name": 'Nora "N:" Fïeld', "at": "12:30", "deep": [{"a": 1.5e300, "b": 2**70}]}
    assert decode_json(spell(value).encode()) == value
