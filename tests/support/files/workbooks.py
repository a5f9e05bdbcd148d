"""Makes workbooks: XLSX by openpyxl, ODS and XLS byte by byte, as no library writes them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from datetime import date
from html import escape
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

_ODS = "application/vnd.oasis.opendocument.spreadsheet"
_NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text")
)
_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def xlsx(
    *sheets: Sequence[Sequence[object]], change: Callable[[Worksheet], None] | None = None
) -> bytes:
    """Return a workbook with the sheets `Sheet1`, `Sheet2`, ...; `change` gets the first one."""
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for number, rows in enumerate(sheets, start=1):
        sheet = workbook.create_sheet(f"Sheet{number}")
        for row in rows:
            sheet.append(list(row))
    if change is not None:
        change(workbook.worksheets[0])
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def ods(rows: Sequence[Sequence[object]]) -> bytes:
    """Return a workbook with one sheet."""
    lines = "".join(
        f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {_NAMES}><office:body><office:spreadsheet>'
        f'<table:table table:name="Sheet1">{lines}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return zipped({"mimetype": _ODS, "content.xml": content, "META-INF/manifest.xml": _MANIFEST})


_MANIFEST = (
    '<?xml version="1.0"?><manifest:manifest '
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
)


def zipped(parts: dict[str, str]) -> bytes:
    """Return an archive."""
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


def _ods_cell(value: object) -> str:
    match value:
        case int() | float():
            kind = f'office:value-type="float" office:value="{value}"'
        case date():
            kind = f'office:value-type="date" office:date-value="{value.isoformat()}"'
        case _:
            kind = 'office:value-type="string"'
    return f"<table:table-cell {kind}><text:p>{escape(str(value))}</text:p></table:table-cell>"


def xls(rows: Sequence[Sequence[str | float]]) -> bytes:
    """Return a workbook with one sheet, in the format of Excel 97."""
    stream = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    name = b"Sheet1"
    sheet_at = len(stream) + 4 + 8 + len(name) + 4
    stream += _record(0x0085, struct.pack("<IHBB", sheet_at, 0, len(name), 0) + name)
    stream += _record(0x000A, b"")
    stream += _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            place = struct.pack("<HHH", at, column, 0)
            if isinstance(value, str):
                text = value.encode("utf-16-le")
                stream += _record(0x0204, place + struct.pack("<HB", len(value), 1) + text)
            else:
                stream += _record(0x0203, place + struct.pack("<d", value))
    return compound({"Workbook": stream + _record(0x000A, b"")})


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def compound(streams: dict[str, bytes]) -> bytes:
    """Return a compound file (OLE) of one FAT sector: sector 0 it, sector 1 the directory."""
    fat, body = [_FAT, _END], b""
    directory = _entry("Root Entry", 5, _END, 0, child=1)
    for number, (name, stream) in enumerate(streams.items(), start=1):
        # Smaller streams would go elsewhere.
        count = -(-max(len(stream), 4_096) // _SECTOR)
        content = stream.ljust(count * _SECTOR, b"\0")
        first = len(fat)
        fat += [*range(first + 1, first + count), _END]
        right = number + 1 if number < len(streams) else _FREE
        directory += _entry(name, 2, first, len(content), right=right)
        body += content
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 1, 0, 4096, _END, 0, _END, 0, 0),
    )
    header += b"\xff" * (_SECTOR - len(header))
    table = struct.pack("<128I", *fat, *[_FREE] * (128 - len(fat)))
    return header + table + directory.ljust(_SECTOR, b"\0") + body


def _entry(
    name: str, kind: int, start: int, size: int, *, right: int = _FREE, child: int = _FREE
) -> bytes:
    text = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16xI8x8xIQ",
        *(text, len(text) + 2, kind, 1, _FREE, right, child, 0, start, size),
    )
