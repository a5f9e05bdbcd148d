"""Finds out what kind of file it is, by its contents first and by its name second."""

from __future__ import annotations

import re
from pathlib import Path

from onelead.files.readers.delimited import open_csv
from onelead.files.readers.errors import FileUnreadable
from onelead.files.readers.fingerprint import Watch, cannot_be_opened
from onelead.files.readers.header import IsKnown
from onelead.files.readers.json_rows import open_json
from onelead.files.readers.table import Choices, Table
from onelead.files.readers.text import TextFile
from onelead.files.readers.vcard import open_vcards
from onelead.files.readers.workbook import open_workbook

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
#: What people take for a spreadsheet, and what to do about it.
_OTHERS = {
    b"\x1f\x8b": "The file is compressed; unpack it first",
    b"BZh": "The file is compressed; unpack it first",
    b"\xfd7zXZ": "The file is compressed; unpack it first",
    b"(\xb5/\xfd": "The file is compressed; unpack it first",
    b"7z\xbc\xaf": "The file is an archive; unpack it first",
    b"Rar!": "The file is an archive; unpack it first",
    b"PK\x05\x06": "The file is an empty archive",
    b"%PDF": "The file is a PDF; ask for the table that it was made from",
    b"{\\rtf": "The file is a text document; save its table as CSV",
}
#: Some programs give a web page, or XML, the name of a spreadsheet.
_MARKUP = re.compile(r"<(?:!doctype|\?xml|html|head|meta|table|!--)", re.IGNORECASE)
_ARRAY = re.compile(r"\[\s*[{\]]")
_OBJECT = re.compile(r'\{\s*["}]')


def open_table(
    path: Path, name: str, is_known_header: IsKnown, choices: Choices | None = None
) -> Table:
    """Open a file that the user calls `name`. It is read at once or twice, in bounded memory.

    Raises FileUnreadable, FileTooLarge.
    """
    choices = choices or Choices()
    watch = Watch(path)
    try:
        with path.open("rb") as file:
            head = file.read(16)
        if not head:
            raise FileUnreadable("The file is empty")
        if head.startswith(_WORKBOOKS):
            return open_workbook(path, watch, is_known_header, choices)
        for start, sentence in _OTHERS.items():
            if head.startswith(start):
                raise FileUnreadable(sentence)
        return _open_text(path, name, watch, is_known_header, choices)
    except OSError as error:
        raise cannot_be_opened(error) from None


def _open_text(
    path: Path, name: str, watch: Watch, is_known_header: IsKnown, choices: Choices
) -> Table:
    start = TextFile(path, choices.encoding).start().lstrip()
    ending = name.rpartition(".")[2].lower()
    if start[:11].upper() == "BEGIN:VCARD" or ending in {"vcf", "vcard"}:
        return open_vcards(path, watch, choices)
    if _OBJECT.match(start) or _ARRAY.match(start) or ending in {"json", "jsonl", "ndjson"}:
        return open_json(path, watch, choices)
    if _MARKUP.match(start):
        raise FileUnreadable(
            "The file is a web page or XML; open it in a spreadsheet and save it as XLSX or CSV"
        )
    return open_csv(path, watch, is_known_header, choices)
