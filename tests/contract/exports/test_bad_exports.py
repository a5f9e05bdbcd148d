"""A file that is no whole export is refused with a sentence, and leaves nothing behind."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.support.files.raw_bytes import RawBytes
from tests.support.storage.databases import SqliteDatabase

from onelead import app
from onelead.configuration import Configuration
from onelead.domain.errors import NotPossible
from onelead.files.exports.account_file import compressed, read_export

ID = 1_000_000_000
LINES = (
    b'{"kind":"export","format":1,"version":"1","account":1}',
    b'{"kind":"account","name":"Shop","time_zone":"UTC","currency":"EUR","date_created":1}',
    b'{"kind":"lane","ledger_seq":1,"last_id":1000000009,"lead_count":1}',
    (
        b'{"kind":"user","id":1000000001,"name":"Dana","email":"dana@shop.example","role":"admin",'
        b'"is_active":true,"date_created":1}'
    ),
    b'{"kind":"lead_status","id":1000000002,"name":"New","rank":0,"is_default":true}',
    (
        b'{"kind":"lead","document":{"id":1000000009,"version":1,"name":"Nora",'
        b'"status_id":1000000002,"date_created":1,"date_modified":1}}'
    ),
    (
        b'{"kind":"ledger","seq":1,"date":1,"request_id":"r","resource":"lead","action":"create",'
        b'"outcome":"created","payload":"{}","resource_id":1000000009,"version":1}'
    ),
)


def whole(*lines: bytes) -> bytes:
    """Return lines as an export, with a last line that proves them."""
    text = b"".join(line + b"\n" for line in lines)
    kinds: dict[str, int] = {}
    for line in lines[1:]:
        kind = line.split(b'"')[3].decode()
        kinds[kind] = kinds.get(kind, 0) + 1
    end = {"kind": "end", "lines": kinds, "sha256": hashlib.sha256(text).hexdigest()}
    return text + msgspec.json.encode(end) + b"\n"


FILE = whole(*LINES)


def altered(old: str, new: str) -> bytes:
    """Return a proved export in which a text is another one."""
    lines = [re.sub(old.encode(), new.encode(), line) for line in LINES]
    assert lines != [*LINES]
    return whole(*lines)


#: What is wrong with the file, and the sentence about it.
BAD = {
    "is empty": (b"", "no export of onelead"),
    "is another file": (b"Name,Email\nNora,\n", "no export of onelead"),
    "is of a later format": (FILE.replace(b'"format":1', b'"format":2'), "has format 2"),
    "ends within a line": (FILE[:-20], "cut off"),
    "ends within a row": (FILE[:300], "cut off"),
    "has no last line": (b"".join(line + b"\n" for line in LINES), "cut off"),
    "was changed": (FILE.replace(b"Nora", b"Cora"), "changed after it was written"),
    "lacks a line": (FILE.replace(LINES[4] + b"\n", b""), "changed after it was written"),
    "goes on": (FILE + b"{}\n", "goes on behind its last line"),
    "has an unreadable end": (
        FILE.replace(b'"lines"', b'"rows"'),
        "last line of the export cannot",
    ),
    "is cut gzip": (gzip.compress(FILE)[:-20], "cut off"),
    "is damaged gzip": (gzip.compress(FILE)[:60] + bytes(40), "damaged|cut off"),
    "has an unknown kind": (altered('"kind":"lane"', '"kind":"web_session"'), "line 3 cannot"),
    "has a secret": (
        altered('"kind":"lead_status"', '"kind":"password"'),
        "line 5 cannot be loaded",
    ),
    "has the hash of a key": (
        whole(
            *LINES[:4],
            b'{"kind":"api_key","id":1000000003,"user_id":1000000001,"label":"x","date_created":1,'
            b'"key_hash":"0123"}',
            *LINES[4:],
        ),
        "line 5 cannot be loaded",
    ),
    "has a source of another account": (
        whole(
            *LINES[:4],
            b'{"kind":"api_key","id":1000000003,"user_id":1000000001,"label":"x","date_created":1,'
            b'"key_hash":"source:2:0123"}',
            *LINES[4:],
        ),
        "no source of account 1",
    ),
    "has an unknown column": (altered('"rank":0', '"rank":0,"color":1'), "line 5 cannot"),
    "has another type": (altered('"rank":0', '"rank":"0"'), "line 5 cannot"),
    "has a number that is too large": (altered('"rank":0', '"rank":3000000000'), "line 5 cannot"),
    "has a NUL": (altered('"name":"New"', r'"name":"New\\u0000"'), "line 5 cannot"),
    "has a lead of another account": (
        altered('"id":1000000009,"version"', '"id":2000000009,"version"'),
        "no id of account 1",
    ),
    "has a user of another account": (altered('"id":1000000001', '"id":5'), "no id of account 1"),
    "has an id that was never given": (
        altered('"last_id":1000000009', '"last_id":1000000008'),
        "newest id",
    ),
    "has a lead that is no lead": (altered('"name":"Nora",', ""), "line 6 cannot be loaded"),
    "has a lead with a name twice": (
        altered('"name":"Nora"', '"name":"Nora","name":"Cora"'),
        "as onelead writes it",
    ),
    "has fewer leads than it says": (altered('"lead_count":1', '"lead_count":2'), "rows of lead"),
    "has gaps in the ledger": (altered('"seq":1,', '"seq":2,'), "gaps"),
    "has a row twice": (whole(*LINES[:5], LINES[4], *LINES[5:]), "row of lead_status twice"),
    "has another order": (whole(*LINES[:4], LINES[5], LINES[4], LINES[6]), "comes after"),
    "lacks the account": (whole(LINES[0], *LINES[2:]), "lines of the account are missing"),
    "has settings that nobody knows": (altered('"role":"admin"', '"role":"king"'), "king"),
    "has no time zone of this world": (altered('"UTC"', '"Mars/Base"'), "is no time zone"),
    "has an unknown currency": (altered('"EUR"', '"EUX"'), "is no currency"),
    "has a row of the ledger beyond the calendar": (
        altered('"seq":1,"date":1,', '"seq":1,"date":9007199254740991,'),
        "line 7 cannot",
    ),
    "has a lead beyond the calendar": (
        altered('"date_modified":1}', '"date_modified":9007199254740991}'),
        "is no date",
    ),
    "has an unknown outcome": (
        altered('"outcome":"created"', '"outcome":"eaten"'),
        "line 7 cannot",
    ),
    "has changes that are none": (
        altered('"payload":"{}"', '"payload":"{}","changes":{"name":7}'),
        "line 7 cannot be loaded",
    ),
    "has a delivery that is no JSON": (
        altered('"payload":"{}"', '"payload":"{"'),
        "line 7 cannot be loaded",
    ),
    "has a row about no lead": (
        altered(',"resource_id":1000000009', ""),
        "line 7 cannot be loaded: created is about a lead, and none is named",
    ),
    "has a field of an unknown type": (
        altered(
            '"resource":"lead","action":"create"',
            '"resource":"custom_field_definition","action":"create",'
            '"changes":{"data_type":[null,"Colour"]}',
        ),
        "line 7 cannot be loaded: 'Colour' is not a valid DataType",
    ),
    "has an account that cannot be": (altered('"account":1', '"account":0'), "can be no account"),
    "is nested deeply": (
        altered('"payload":"{}"', '"payload":"{}","match":' + "[" * 2_000 + "]" * 2_000),
        "line 7 cannot",
    ),
}


def load(database: SqliteDatabase, file: bytes) -> None:
    configuration = Configuration(database=f"sqlite:///{database.path}")
    account = read_export(RawBytes(file), lambda _lines: None)
    app.upkeep(configuration).load_account(account, 1)


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    return SqliteDatabase(tmp_path)


def tables(database: SqliteDatabase) -> list[list[tuple[object, ...]]]:
    return [
        database.rows(f'SELECT * FROM "{name}"')
        for name in ("account", "lane", "user", "api_key", "lead", "ledger", "audit", "match_key")
    ]


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_refused_and_nothing_is_done(database: SqliteDatabase, what: str) -> None:
    file, sentence = BAD[what]
    before = tables(database)
    with pytest.raises(NotPossible, match=sentence):
        load(database, file)
    assert tables(database) == before


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda file: b"".join(compressed([file]))])
def test_the_whole_file_is_loaded(database: SqliteDatabase, pack: Callable[[bytes], bytes]) -> None:
    load(database, pack(FILE))
    assert database.rows("SELECT id, name_key FROM lead") == [(ID + 9, "nora")]


def test_the_same_export_is_the_same_gzip() -> None:
    assert b"".join(compressed([FILE])) == b"".join(compressed([FILE[:50], FILE[50:]]))
