"""Bodies that were compressed, over a real socket to the real server."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.api.service import Service
from tests.support.api.sockets import Address, connected, head, in_pieces, resident_bytes, sized
from tests.support.api.wire_leads import table_rows

from onelead.domain.limits import REQUEST_BODY_BYTES_MAX

NORA = b'{"name": "Nora"}'
Compress = Callable[[bytes], bytes]
ENCODED: list[tuple[str, Compress]] = [
    *(("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)),
]


@pytest.mark.parametrize(("name", "compress"), ENCODED)
@pytest.mark.parametrize("piece", [None, 1, 7])
async def test_a_compressed_body_is_read_however_it_arrives(
    service: Service, address: Address, tmp_path: Path, name: str, compress: Compress, *, piece: int
) -> None:
    body = compress(b"\xef\xbb\xbf" + NORA)
    async with connected(address) as connection:
        request = sized(service, "POST /leads", body, f"Content-Encoding: {name}")
        await in_pieces(connection, request, piece or len(request))
        assert (await connection.answer()).status == 200
        framing = ("Transfer-Encoding: chunked", f"Content-Encoding: {name}")
        chunks = [b"%x\r\n%s\r\n" % (1, body[n : n + 1]) for n in range(len(body))]
        request = head(service, "POST /leads", *framing) + b"".join([*chunks, b"0\r\n\r\n"])
        await in_pieces(connection, request, piece or len(request))
        assert (await connection.answer()).status == 200
    assert [row["payload"] for row in table_rows(tmp_path, "ledger")] == [NORA.decode()] * 2


def bomb_of(megabytes: int, wbits: int) -> bytes:
    """Compress white space; the stream is cut, which nobody gets to see."""
    compressor = zlib.compressobj(9, wbits=wbits)

    def megabyte() -> bytes:
        white = b" " * 1024 * 1024
        # After a full flush, a stream can go on with a copy of any of its parts.
        return compressor.compress(white) + compressor.flush(zlib.Z_FULL_FLUSH)

    return megabyte() + megabyte() * (megabytes - 1)


@pytest.mark.parametrize(("name", "wbits"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
async def test_a_bomb_is_refused_without_growing(
    service: Service, address: Address, tmp_path: Path, name: str, wbits: int
) -> None:
    """Almost a megabyte on the wire, which would become almost a gigabyte."""
    bomb = bomb_of(950, wbits)
    assert 950 * 1024 * 1024 / 1_100 < len(bomb) < REQUEST_BODY_BYTES_MAX
    before = resident_bytes()
    async with connected(address) as connection:
        connection.writer.write(sized(service, "POST /leads", bomb, f"Content-Encoding: {name}"))
        answer = await connection.answer()
        message = f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes when decompressed"
        assert answer.body == {"success": False, "status": 413, "message": message}
        assert resident_bytes() - before < 8 * REQUEST_BODY_BYTES_MAX
        connection.writer.write(sized(service, "POST /leads", NORA))
        assert (await connection.answer()).status == 200
    outcomes = [row["outcome"] for row in table_rows(tmp_path, "ledger")]
    assert outcomes == ["refused", "created"]


async def test_what_is_compressed_in_another_way_is_named(
    service: Service, address: Address, tmp_path: Path
) -> None:
    async with connected(address) as connection:
        connection.writer.write(sized(service, "POST /leads", NORA, "Content-Encoding: zstd"))
        answer = await connection.answer()
    message = "The body is encoded as zstd; send it plain, or compressed once with gzip or deflate"
    assert answer.status == 415
    assert answer.body == {"success": False, "status": 415, "message": message}
    assert answer.headers["accept-encoding"] == "gzip, deflate"
    assert table_rows(tmp_path, "lead") == []


async def test_an_empty_body_is_empty_in_any_encoding(service: Service, address: Address) -> None:
    async with connected(address) as connection:
        for name in ("gzip", "deflate", "br"):
            encoding = f"Content-Encoding: {name}"
            connection.writer.write(sized(service, "POST /leads/search", b"", encoding))
            assert (await connection.answer()).status == 200


async def test_a_compressed_body_is_as_strict_as_a_plain_one(
    service: Service, address: Address
) -> None:
    bodies = {
        b'{"name": "a", "name": "b"}': "the same key twice",
        b'{"name": "\\u0000"}': "a NUL character",
        '{"name": "Nora"}'.encode("utf-16"): "is UTF-16",
        b"[" * 100_000: "nested deeper",
        b"": "Name: can't be blank",
    }
    async with connected(address) as connection:
        for body, text in bodies.items():
            line = "Content-Encoding: gzip"
            connection.writer.write(sized(service, "POST /leads", gzip.compress(body), line))
            assert text in json.dumps((await connection.answer()).body)
