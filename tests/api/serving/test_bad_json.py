"""Bodies that are not readable JSON: a 400 in the standard body, and nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.support.api.answers import assert_body, assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import stored_lead, table_rows

from onelead.domain.limits import JSON_DEPTH_MAX, REQUEST_BODY_BYTES_MAX

WRITES = [
    ("POST", "/leads"),
    ("PUT", "/leads/upsert"),
    ("PUT", "/leads/7"),
    ("POST", "/leads/bulk_create"),
    ("POST", "/leads/bulk_update"),
]
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
START = "Invalid input: the body"
NOT_JSON = f"{START} is not readable JSON: "
NOT_AN_OBJECT = f"{START} must be a JSON object"
TOO_DEEP = f"{START} is nested deeper than 32 levels"
NUL = f"{START} has a NUL character"
HALF = f"{START} has half of a surrogate pair"
TWICE = f"{START} has the same key twice in one object"
TOO_LARGE = {
    "success": False,
    "status": 413,
    "message": f"The body is larger than {REQUEST_BODY_BYTES_MAX} bytes",
}


def nested(depth: int) -> bytes:
    """Nest empty objects; the body is the outermost."""
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


UNREADABLE = {
    "a cut": b'{"name": "Nora"',
    "a word": b"name",
    "a form": b"name=Nora&title=Buyer",
    "a trailing comma": b'{"name": "Nora",}',
    "single quotes": b"{'name': 'Nora'}",
    "a comment": b'{"name": "Nora"} // x',
    "two values": b'{"name": "Nora"} {}',
    "no value": b'{"name": }',
    "NaN": b'{"name": "Nora", "monetary_value": NaN}',
    "Infinity": b'{"name": "Nora", "monetary_value": -Infinity}',
    "a leading zero": b'{"name": "Nora", "monetary_value": 01}',
    "a float out of range": b'{"name": "Nora", "monetary_value": 1e400}',
    "a huge integer": b'{"name": "Nora", "monetary_value": ' + b"9" * 5000 + b"}",
    "a huge fraction": b'{"name": "Nora", "monetary_value": 0.' + b"9" * 500_000 + b"e999}",
    "a huge exponent": b'{"name": "Nora", "monetary_value": 1e' + b"9" * 400_000 + b"}",
    "a raw control character": b'{"name": "No\nra"}',
    "a raw NUL": b'{"name": "No\x00ra"}',
    "a bad escape": b'{"name": "No\\xra"}',
    "a wall of brackets": b"[" * 1_000_000,
    "a wall of braces": b'{"a":' * 200_000,
}
NO_UTF_8 = {
    "a Latin-1 letter": (b'{"name": "No\xffra"}', "is not UTF-8 (byte 12 is 0xff); send UTF-8"),
    "a cut character": (b'{"name": "No\xc3"}', "is not UTF-8 (byte 12 is 0xc3); send UTF-8"),
    "an overlong slash": (b'{"name": "\xc0\xaf"}', "is not UTF-8 (byte 10 is 0xc0); send UTF-8"),
    "a surrogate": (b'{"name": "\xed\xa0\x80"}', "is not UTF-8 (byte 10 is 0xed); send UTF-8"),
    "UTF-16": ('{"name": "Nora"}'.encode("utf-16"), "is UTF-16; send UTF-8"),
    "gzip": (b"\x1f\x8b\x08\x00" + b"\x00" * 1000, "is gzip, which no Content-Encoding names"),
}
HALVES = {
    "a high one": b'{"name": "\\ud800"}',
    "a high one before text": b'{"name": "\\ud800 and more text"}',
    "a low one": b'{"name": "\\udc00 and more text"}',
    "two turned round": b'{"name": "\\udc00\\ud800 and more text"}',
    "a high one before a letter": b'{"name": "\\ud800\\u0041 and more text"}',
    "in a key": b'{"na\\ud800me": "Nora"}',
    "far down": b'{"name": "Nora", "custom_fields": [{"value": {"a": ["\\ud800"]}}]}',
}
NO_OBJECT = {
    "null": b"null",
    "true": b"true",
    "a number": b"7",
    "a huge number": b"9" * 50,
    "text": b'"{}"',
    "a list": b"[]",
    "a list of leads": b'[{"name": "Nora"}]',
}
DEPTHS = {"nested objects": nested(JSON_DEPTH_MAX + 1), "nested far": nested(50_000)} | {
    "nested lists": b'{"tags": ' + b"[" * 40 + b"]" * 40 + b"}"
}
NULS = {
    "in a value": b'{"name": "No\\u0000ra"}',
    "in a key": b'{"\\u0000": "Nora"}',
    "in a list": b'{"name": "Nora", "tags": ["a", "\\u0000"]}',
    "far down": b'{"name": "Nora", "custom_fields": [{"value": {"a": ["\\u0000"]}}]}',
}
TWICES = {
    "the same value": b'{"name": "Nora", "name": "Nora"}',
    "two values": b'{"name": "Nora", "name": "Sam"}',
    "spelled otherwise": b'{"name": "Nora", "\\u006eame": "Sam"}',
    "below": b'{"name": "Nora", "email": {"email": "a", "email": "b"}}',
    "in a list": b'{"name": "Nora", "tags": [{"a": 1, "a": 1}]}',
}
CASES = [
    *((f"unreadable: {name}", body, None) for name, body in UNREADABLE.items()),
    *((f"no UTF-8: {name}", body, f"{START} {end}") for name, (body, end) in NO_UTF_8.items()),
    *((f"half a pair: {name}", body, HALF) for name, body in HALVES.items()),
    *((f"no object: {name}", body, NOT_AN_OBJECT) for name, body in NO_OBJECT.items()),
    *((f"too deep: {name}", body, TOO_DEEP) for name, body in DEPTHS.items()),
    *((f"NUL {name}", body, NUL) for name, body in NULS.items()),
    *((f"a key twice: {name}", body, TWICE) for name, body in TWICES.items()),
]


def assert_malformed(response: httpx.Response, message: str | None) -> None:
    if message is None:
        message = response.json()["message"]
        assert message.startswith((NOT_JSON, TOO_DEEP))
        assert len(message) < 300
    assert_body(response, 400, {"success": False, "status": 400, "message": message})
    assert response.headers["Lead-Outcome"] == "refused"


@pytest.mark.parametrize(
    ("body", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
async def test_a_body_that_is_no_readable_json(
    service: Service, tmp_path: Path, body: bytes, message: str | None
) -> None:
    for method, path in WRITES:
        assert_malformed(await service.client.request(method, path, content=body), message)
    assert table_rows(tmp_path, "lead") == []
    await service.lead()


async def test_nesting_up_to_the_limit_is_read(client: httpx.AsyncClient) -> None:
    body = b'{"name": "Nora", "a": ' + nested(JSON_DEPTH_MAX - 1) + b"}"
    response = await client.post("/leads", content=body)
    assert_invalid(response, "Base: Unrecognized attributes specified: a")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (rb'"\ud83d\ude00 Nora"', "😀 Nora"),
        (rb'"a\\u0000b"', r"a\u0000b"),
        (rb'"\u00e9\u0301\/\t\""', 'é\u0301/\t"'),
        ('"\U0010ffff"'.encode(), "\U0010ffff"),
        (rb'"=1+1\r\nX-Injected: 1"', "=1+1\r\nX-Injected: 1"),
        (b'"<script>alert(1)</script>"', "<script>alert(1)</script>"),
        (b'"\'; DROP TABLE lead; --"', "'; DROP TABLE lead; --"),
    ],
)
async def test_odd_text_is_kept_as_sent(service: Service, text: bytes, name: str) -> None:
    response = await service.client.post("/leads", content=b'{"name": ' + text + b"}")
    assert response.json()["name"] == name
    assert (await stored_lead(service, response.json()["id"]))["name"] == name


@pytest.mark.parametrize("path", ["/leads", "/leads/", "/leads?utm_source=x&_=1"])
async def test_a_byte_order_mark_is_skipped(service: Service, tmp_path: Path, path: str) -> None:
    response = await service.client.post(path, content=b'\xef\xbb\xbf{"name": "Nora"}')
    assert response.json()["name"] == "Nora"
    (row,) = table_rows(tmp_path, "ledger")
    assert row["payload"] == '{"name": "Nora"}'
    history = await service.client.get(f"/leads/{response.json()['id']}/history")
    assert history.json()[0]["payload"] == {"name": "Nora"}


async def test_a_byte_order_mark_alone_is_no_body(client: httpx.AsyncClient) -> None:
    response = await client.post("/leads", content=b"\xef\xbb\xbf")
    assert_invalid(response, "Name: can't be blank")


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "x", f"{FORM}; charset=latin-1"])
async def test_json_under_any_content_type_is_read(
    client: httpx.AsyncClient, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = await client.post("/leads", content=b' {"name": "Nora"}', headers=headers)
    assert response.json()["name"] == "Nora"


@pytest.mark.parametrize(
    ("body", "content_type", "end"),
    [
        (b"name=Nora+Field", FORM, f"is a form ({FORM}); send JSON"),
        (b"name=Nora", f"{FORM}; charset=utf-8".upper(), f"is a form ({FORM}); send JSON"),
        (b"--x\r\n\xff", "multipart/form-data; boundary=x", "is a form (multipart/form-data)"),
        (b"<lead/>", "text/xml", "is text/xml; send JSON"),
        (b"7", "text/plain", "is text/plain; send JSON"),
        (b"name,title", "a/" + "b" * 100, f"is a/{'b' * 58}...; send JSON"),
        ('{"name": "José"}'.encode("latin-1"), "x; charset=Latin1", "is Latin1; send UTF-8"),
        ('{"name": "José"}'.encode("latin-1"), "x; charset=utf8", "is not UTF-8 (byte 13 is 0xe9)"),
        ('{"name": "Nora"}'.encode("utf-16-be"), JSON, "is UTF-16; send UTF-8"),
        (
            '{"name": "Nora"}'.encode("utf-32-le"),
            f"{JSON}; charset=utf-32",
            "is UTF-32; send UTF-8",
        ),
        # JSON that is broken, under the content type that curl sends by itself.
        (b'{"name": Nora}', FORM, "is not readable JSON: JSON is malformed"),
        (b"name=Nora", JSON, "is not readable JSON: JSON is malformed"),
        (b"name=Nora", "", "is not readable JSON: JSON is malformed"),
    ],
)
async def test_what_is_no_json_is_called_what_it_is(
    service: Service, tmp_path: Path, body: bytes, content_type: str, end: str
) -> None:
    for method, path in WRITES:
        headers = {"Content-Type": content_type}
        response = await service.client.request(method, path, content=body, headers=headers)
        message = response.json()["message"]
        assert message.startswith(f"{START} {end}")
        assert_malformed(response, message)
    assert table_rows(tmp_path, "lead") == []


@pytest.mark.parametrize("number", ["1e2", "100.0", "1E+2", "10000e-2", "100." + "0" * 400])
async def test_a_number_may_be_written_in_many_ways(client: httpx.AsyncClient, number: str) -> None:
    body = f'{{"name": "Nora", "monetary_value": {number}}}'
    response = await client.post("/leads", content=body)
    assert response.json()["monetary_value"] == 100


async def test_no_text_of_a_body_becomes_a_header(service: Service) -> None:
    line = "x\r\nX-Injected: 1"
    number = await service.field()
    entry = {"custom_field_definition_id": number["id"], "value": line}
    match = {"field_name": "custom", "field_value": entry}
    for body in (
        {"properties": {"name": line, "tags": [line], "email": {"email": line}}, "match": match},
        {"properties": {line: line}, "match": match | {line: line}},
        {"properties": {}, "match": {"field_name": line, "field_value": line}},
        {"properties": {}, "match": {"field_name": "name", "field_value": line}},
    ):
        response = await service.client.put("/leads/upsert", json=body)
        assert response.status_code in (200, 422)
        assert "X-Injected" not in response.headers
        assert not [value for value in response.headers.values() if "\r" in value or value == "x"]


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


async def test_a_body_may_be_as_large_as_the_limit(client: httpx.AsyncClient) -> None:
    body = b'{"name": "Nora"}'.ljust(REQUEST_BODY_BYTES_MAX)
    for content in (body, chunks(body)):
        response = await client.post("/leads", content=content)
        assert response.status_code == 200


async def test_a_larger_body_is_refused(service: Service, tmp_path: Path) -> None:
    body = b'{"name": "Nora"}'.ljust(REQUEST_BODY_BYTES_MAX + 1)
    for method, path in WRITES:
        for content in (body, chunks(body)):
            response = await service.client.request(method, path, content=content)
            assert_body(response, 413, TOO_LARGE)
    assert table_rows(tmp_path, "lead") == []


@pytest.mark.parametrize("length", ["1048577", "99999999999999999999", "9" * 5000])
async def test_an_announced_length_is_enough(client: httpx.AsyncClient, length: str) -> None:
    response = await client.post("/leads", content=b"{}", headers={"Content-Length": length})
    assert_body(response, 413, TOO_LARGE)
