"""A form with a file: its fields first, then the file in parts, whatever the pieces are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from starlette.requests import Request
from starlette.types import Message

from onelead.domain.errors import BodyMalformed, BodyTooLarge, BodyTooSlow, OneleadError
from onelead.domain.limits import FORM_FIELDS_MAX, REQUEST_BODY_BYTES_MAX
from onelead.web.frame import upload as upload_module
from onelead.web.frame.upload import Upload

FILE = b"Name,E-mail\r\nNora,nora@field.example\r\n"


def part(name: bytes, content: bytes, more: bytes = b"") -> bytes:
    head = b'--B\r\nContent-Disposition: form-data; name="' + name + b'"' + more + b"\r\n\r\n"
    return head + content + b"\r\n"


def file_part(content: bytes = FILE, name: bytes = b"leads.csv") -> bytes:
    return part(b"file", content, b'; filename="' + name + b'"\r\nContent-Type: text/csv')


def request(body: bytes, piece_bytes: int = 0, *, breaks: bool = False) -> Request:
    """Return a request whose body comes in pieces; the connection can break at its end."""
    piece_bytes = piece_bytes or max(7, len(body) // 100)
    pieces = [body[at : at + piece_bytes] for at in range(0, len(body), piece_bytes)]

    def messages() -> Iterator[Message]:
        for piece in pieces:
            yield {"type": "http.request", "body": piece, "more_body": True}
        yield {"type": "http.disconnect"} if breaks else {"type": "http.request", "body": b""}

    coming = messages()

    async def receive() -> Message:
        return next(coming)

    headers = [(b"content-type", b"multipart/form-data; boundary=B")]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def parts(upload: Upload, size_bytes: int = 10) -> list[bytes]:
    await upload.form()
    found: AsyncIterator[bytes] = upload.parts(size_bytes)
    return [one async for one in found]


async def test_a_file_that_trickles_in_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_module, "REQUEST_BODY_TIMEOUT_S", 0.05)
    monkeypatch.setattr(upload_module, "UPLOAD_PIECE_BYTES_MIN", 500)
    body = file_part(FILE * 20)

    def trickling(size: int) -> Request:
        pieces = iter(body[at : at + size] for at in range(0, len(body), size))

        async def receive() -> Message:
            await asyncio.sleep(0.03 if size < 500 else 0)
            return {"type": "http.request", "body": next(pieces, b""), "more_body": True}

        headers = [(b"content-type", b"multipart/form-data; boundary=B")]
        return Request({"type": "http", "method": "POST", "headers": headers}, receive)

    with pytest.raises(BodyTooSlow, match="Less than 500 bytes"):
        await parts(Upload(trickling(10)))
    upload = Upload(trickling(600))
    await upload.form()
    assert upload.file_name == "leads.csv"


@pytest.mark.parametrize("piece_bytes", [1, 7, 10_000])
async def test_the_fields_are_there_before_the_file_is_read(piece_bytes: int) -> None:
    body = part(b"csrf", b"token") + part(b"x", "Ü".encode()) + file_part() + b"--B--\r\n"
    upload = Upload(request(body, piece_bytes))
    form = await upload.form()
    assert (form.get("csrf"), form.get("x")) == ("token", "Ü")
    assert upload.file_name == "leads.csv"
    found = await parts(upload)
    assert b"".join(found) == FILE
    assert {len(one) for one in found[:-1]} == {10}


async def test_a_file_name_stays_on_its_line() -> None:
    upload = Upload(request(file_part(name="a\u202eb.csv".encode()) + b"--B--\r\n"))
    await upload.form()
    assert upload.file_name == "a\\u202eb.csv"


async def test_a_form_without_a_file_has_no_file() -> None:
    upload = Upload(request(part(b"csrf", b"token") + b"--B--\r\n"))
    assert (await upload.form()).get("csrf") == "token"
    assert upload.file_name is None
    with pytest.raises(BodyMalformed):
        await parts(upload)


@pytest.mark.parametrize("breaks", [True, False])
async def test_a_file_that_breaks_off_is_no_file(breaks: bool) -> None:  # noqa: FBT001
    upload = Upload(request(file_part()[:-8], breaks=breaks))
    with pytest.raises(BodyMalformed, match="before all of the file"):
        await parts(upload)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"not a form", BodyMalformed),
        (file_part() + part(b"csrf", b"token"), BodyMalformed),
        (part(b"x", b"") * (FORM_FIELDS_MAX + 1), BodyMalformed),
        (part(b"x", b"\0"), BodyMalformed),
        (part(b"x", b"\xff"), BodyMalformed),
        (part(b"x", b"", b"\r\nX: " + b"x" * 5_000), BodyMalformed),
        (part(b"", b"x"), BodyMalformed),
        (part(b"x", b"x" * (REQUEST_BODY_BYTES_MAX + 1)), BodyTooLarge),
    ],
)
async def test_what_our_page_never_sends_is_refused(body: bytes, error: type[OneleadError]) -> None:
    with pytest.raises(error):
        await parts(Upload(request(body + b"--B--\r\n")))


async def test_the_most_that_is_allowed_is_taken() -> None:
    body = part(b"x", b"") * (FORM_FIELDS_MAX - 1) + part(b"y", b"y" * REQUEST_BODY_BYTES_MAX)
    form = await Upload(request(body + file_part() + b"--B--\r\n")).form()
    assert len(form.fields) == FORM_FIELDS_MAX


async def test_another_kind_of_body_has_no_fields() -> None:
    plain = Request({"type": "http", "method": "POST", "headers": []}, request(b"").receive)
    assert (await Upload(plain).form()).fields == []
