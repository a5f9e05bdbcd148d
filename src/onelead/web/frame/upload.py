"""A form with a file, read as it arrives (multipart/form-data): its fields, then the file in parts.

The fields have to come first, so that a form of another site is refused before the file is read.
They have the bounds of any other form; how large the file may be is up to those who take it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from onelead.domain.errors import BodyMalformed, BodyTooLarge, BodyTooSlow
from onelead.domain.limits import (
    FORM_FIELDS_MAX,
    REQUEST_BODY_BYTES_MAX,
    REQUEST_BODY_TIMEOUT_S,
    UPLOAD_PIECE_BYTES_MIN,
)
from onelead.domain.text import as_one_line
from onelead.web.frame.forms import Form

_HEADERS_MAX = 8
_HEADER_BYTES_MAX = 4_096
_UNREADABLE = "The form is not readable"
_TOO_MANY = "The form has more fields than the page"


class Upload:
    """The fields and the file of one request. Its methods raise as `read_body` does."""

    def __init__(self, request: Request) -> None:
        """Begin to read; an empty form when it is of another type. Raises BodyMalformed."""
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        self._pieces = aiter(request.stream())
        self._is_over = kind != b"multipart/form-data"
        self._fields: list[tuple[str, str]] = []
        self._fields_bytes = 0
        self._header, self._value = bytearray(), bytearray()
        self._name = ""
        self._content = bytearray()
        #: What the browser calls the file; None before it begins.
        self.file_name: str | None = None
        self._is_file_over = False
        #: How long to wait for so many bytes: what the server does meanwhile does not count.
        self._left_s: float = REQUEST_BODY_TIMEOUT_S
        self._waited_for_bytes = 0
        try:
            self._parser = MultipartParser(
                options.get(b"boundary", b"-"),
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header,
                    "on_header_value": self._add_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_content,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
                max_header_count=_HEADERS_MAX,
                max_header_size=_HEADER_BYTES_MAX,
            )
        except FormParserError:
            raise BodyMalformed(_UNREADABLE) from None

    async def form(self) -> Form:
        """Read up to the file, and return the fields."""
        while not self._is_over and self.file_name is None:
            await self._read()
        return Form(self._fields)

    async def parts(self, size_bytes: int) -> AsyncIterator[bytes]:
        """Read the file, in parts of one size; only the last one is smaller."""
        while True:
            while len(self._content) >= size_bytes:
                yield bytes(self._content[:size_bytes])
                del self._content[:size_bytes]
            if self._is_over:
                break
            await self._read()
        if not self._is_file_over:
            raise BodyMalformed("The connection was closed before all of the file was there")
        if self._content:
            yield bytes(self._content)

    async def _read(self) -> None:
        clock = asyncio.get_running_loop().time
        began_s = clock()
        try:
            async with asyncio.timeout(self._left_s):
                piece = await anext(self._pieces, b"")
            self._left_s -= clock() - began_s
            self._waited_for_bytes += len(piece)
            if self._waited_for_bytes >= UPLOAD_PIECE_BYTES_MIN:
                self._waited_for_bytes, self._left_s = 0, REQUEST_BODY_TIMEOUT_S
            if piece:
                self._parser.write(piece)
            else:
                self._is_over = True
        except TimeoutError:
            raise BodyTooSlow(
                f"Less than {UPLOAD_PIECE_BYTES_MIN} bytes came in {REQUEST_BODY_TIMEOUT_S} seconds"
            ) from None
        except ClientDisconnect:
            self._is_over = True
        except (FormParserError, UnicodeDecodeError):
            raise BodyMalformed(_UNREADABLE) from None

    def _begin_part(self) -> None:
        if self.file_name is not None:
            raise BodyMalformed(_TOO_MANY)
        self._name = ""

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._name = options.get(b"name", b"").decode()
            if b"filename" in options:
                self.file_name = as_one_line(options[b"filename"].decode(errors="replace"))
        self._header.clear()
        self._value.clear()

    def _end_headers(self) -> None:
        if not self._name:
            raise BodyMalformed(_UNREADABLE)

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        if self.file_name is None:
            self._fields_bytes += end - start
            if self._fields_bytes > REQUEST_BODY_BYTES_MAX:
                raise BodyTooLarge(f"The fields are larger than {REQUEST_BODY_BYTES_MAX} bytes")
        self._content += data[start:end]

    def _end_part(self) -> None:
        if self.file_name is not None:
            self._is_file_over = True
            return
        if len(self._fields) == FORM_FIELDS_MAX:
            raise BodyMalformed(_TOO_MANY)
        text = self._content.decode()
        if "\0" in text:
            # No database can store it in text.
            raise BodyMalformed("The form has a NUL character")
        self._fields.append((self._name, text))
        self._content.clear()

    def _end(self) -> None:
        self._is_over = True
