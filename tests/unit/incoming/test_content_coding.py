"""Bodies that were compressed: what is decoded, within which bounds, and what is refused."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onelead.domain.errors import BodyEncodingUnknown, BodyMalformed, BodyTooLarge
from onelead.domain.limits import GZIP_MEMBERS_MAX, INFLATE_SLICE_BYTES_MAX, REQUEST_BODY_BYTES_MAX
from onelead.incoming.content_coding import decoded

TEXT = b'{"name": "Nora Field"}'
LARGEST = TEXT.ljust(REQUEST_BODY_BYTES_MAX)


def decode(body: bytes, *content_encodings: str) -> bytes:
    """Decode a body with these header lines."""
    return asyncio.run(decoded(body, [line.encode("latin-1") for line in content_encodings]))


def raw_deflate(body: bytes) -> bytes:
    """Compress without the header and the checksum of zlib."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


@pytest.mark.parametrize(
    "spelling", ["gzip", "GZip", " gzip ", "x-gzip", "identity, gzip", ",gzip"]
)
def test_gzip_in_all_its_spellings(spelling: str) -> None:
    assert decode(gzip.compress(TEXT), spelling) == TEXT


@pytest.mark.parametrize("spelling", ["", " ", "identity", "Identity, identity"])
def test_a_body_that_is_not_encoded(spelling: str) -> None:
    assert decode(TEXT, spelling) == TEXT


@given(st.binary(max_size=2_000))
def test_deflate_with_and_without_the_header_of_zlib(body: bytes) -> None:
    assert decode(zlib.compress(body), "deflate") == body
    assert decode(raw_deflate(body), "deflate") == body


@pytest.mark.parametrize("lines", [("gzip, deflate",), ("gzip", "deflate")])
def test_two_encodings_are_undone_from_the_last_to_the_first(lines: tuple[str, ...]) -> None:
    assert decode(zlib.compress(gzip.compress(TEXT)), *lines) == TEXT
    assert decode(gzip.compress(gzip.compress(TEXT)), "gzip, gzip") == TEXT


@pytest.mark.parametrize("name", ["gzip", "deflate", "gzip, deflate"])
def test_no_body_is_no_body_whatever_the_headers_say(name: str) -> None:
    assert decode(b"", name) == b""
    assert decode(zlib.compress(b""), "gzip, deflate") == b""


def test_gzip_in_several_members() -> None:
    members = [gzip.compress(TEXT[:7]), gzip.compress(b""), gzip.compress(TEXT[7:])]
    assert decode(b"".join(members), "gzip") == TEXT
    assert decode(gzip.compress(TEXT) * 3, "gzip") == TEXT * 3


def test_the_members_are_counted() -> None:
    empty = gzip.compress(b"")
    assert decode(empty * GZIP_MEMBERS_MAX, "gzip") == b""
    with pytest.raises(BodyMalformed, match="the body goes on after the end of its gzip"):
        decode(empty * (GZIP_MEMBERS_MAX + 1), "gzip")


def test_deflate_has_one_member() -> None:
    with pytest.raises(BodyMalformed, match="the body goes on after the end of its deflate"):
        decode(zlib.compress(TEXT) + b"x", "deflate")


@pytest.mark.parametrize("name", ENCODERS)
def test_a_body_that_is_cut(name: str) -> None:
    body = ENCODERS[name](TEXT)
    for end in range(1, len(body)):
        with pytest.raises(BodyMalformed, match=f"the body is {name} that ends too early"):
            decode(body[:end], name)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("body", [TEXT, b"\xff" * 20, "{}".encode("utf-16")])
def test_a_body_that_is_not_what_its_header_says(name: str, body: bytes) -> None:
    expected = f"Content-Encoding says {name}, but the body is not {name} or is damaged"
    with pytest.raises(BodyMalformed, match=expected):
        decode(body, name)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_checksum_that_is_wrong(name: str) -> None:
    body = bytearray(ENCODERS[name](TEXT))
    body[-1 if name == "deflate" else -8] ^= 1
    with pytest.raises(BodyMalformed, match="or is damaged"):
        decode(bytes(body), name)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_body_as_large_as_the_limit(name: str) -> None:
    assert decode(ENCODERS[name](LARGEST), name) == LARGEST


@pytest.mark.parametrize("name", ENCODERS)
def test_a_larger_body_is_refused_however_small_it_came(name: str) -> None:
    bomb = ENCODERS[name](b" " * (REQUEST_BODY_BYTES_MAX + 1))
    assert len(bomb) < REQUEST_BODY_BYTES_MAX / 900
    expected = f"^The body is larger than {REQUEST_BODY_BYTES_MAX} bytes when decompressed$"
    with pytest.raises(BodyTooLarge, match=expected):
        decode(bomb, name)


def test_a_bomb_in_a_bomb_and_one_of_many_members() -> None:
    megabyte = gzip.compress(b" " * REQUEST_BODY_BYTES_MAX)
    for bomb, encodings in ((gzip.compress(megabyte * 50), "gzip, gzip"), (megabyte * 2, "gzip")):
        with pytest.raises(BodyTooLarge):
            decode(bomb, encodings)


def test_others_are_served_while_a_large_body_is_decoded() -> None:
    # Blocks without content: they cost much and make nothing.
    block = bytes([0b0, 0, 0, 0xFF, 0xFF])
    body = block * (INFLATE_SLICE_BYTES_MAX * 4 // len(block)) + raw_deflate(TEXT)

    async def both() -> list[str]:
        order: list[str] = []

        async def other() -> None:
            order.append("other")

        async with asyncio.TaskGroup() as group:
            decoding = group.create_task(decoded(body, [b"deflate"]))
            decoding.add_done_callback(lambda _: order.append("decoded"))
            group.create_task(other())
        assert decoding.result() == TEXT
        return order

    assert asyncio.run(both()) == ["other", "decoded"]


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (("br",), "br"),
        (("zstd, gzip",), "zstd"),
        (("compress", "BR"), "compress, br"),
        (("gzip, gzip, gzip",), "gzip, gzip, gzip"),
        (("a" * 100,), "a" * 60 + "..."),
        (("gzip;q=1",), "gzip;q=1"),
    ],
)
def test_an_encoding_that_is_not_known(lines: tuple[str, ...], named: str) -> None:
    with pytest.raises(BodyEncodingUnknown) as refusal:
        decode(gzip.compress(TEXT), *lines)
    assert refusal.value.message == (
        f"The body is encoded as {named}; send it plain, or compressed once with gzip or deflate"
    )
