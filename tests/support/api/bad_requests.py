"""Requests that no client of ours sends: broken, hostile, or meant for another kind of server."""

from __future__ import annotations

_HOST = b"Host: onelead.test\r\n"
_END = b"\r\n"


def _get(*lines: bytes, target: bytes = b"/healthz", version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET %b %b\r\n" % (target, version) + b"".join((*lines, _END))


def _put(*lines: bytes, body: bytes = b"", target: bytes = b"/developer_api/v1/leads/7") -> bytes:
    head = b"PUT %b HTTP/1.1\r\n" % target + _HOST
    return head + b"".join(line + b"\r\n" for line in lines) + _END + body


def _chunked(body: bytes) -> bytes:
    return _put(b"Transfer-Encoding: chunked", body=body)


def _method(line: bytes) -> bytes:
    return line + b"\r\n" + _HOST + _END


_CHUNKS = b"0\r\n\r\n"

#: Each gets at least one answer.
ANSWERED: dict[str, bytes] = {
    # Targets.
    "CONNECT": _method(b"CONNECT shop.example:443 HTTP/1.1"),
    "CONNECT without a host": b"CONNECT shop.example:443 HTTP/1.1\r\n\r\n",
    "CONNECT with TLS behind it": _method(b"CONNECT a:443 HTTP/1.1") + b"\x16\x03\x01\x00\xa5",
    "CONNECT to a path": _method(b"CONNECT /leads HTTP/1.1"),
    "CONNECT with a body": b"CONNECT / HTTP/1.1\r\n" + _HOST + b"Content-Length: 3\r\n\r\nabc",
    "CONNECT to an address": _method(b"CONNECT [::1]:443 HTTP/1.0"),
    "CONNECT behind a request": _get(_HOST) + _method(b"CONNECT a:1 HTTP/1.1"),
    "absolute form": _get(_HOST, target=b"http://onelead.test/healthz"),
    "absolute form of another": _get(_HOST, target=b"http://evil.example/healthz"),
    "absolute form without a path": _get(_HOST, target=b"http://onelead.test"),
    "absolute form with a wrong port": _get(_HOST, target=b"http://onelead.test:99999/"),
    "authority form": _get(_HOST, target=b"onelead.test:80"),
    "asterisk form": _method(b"OPTIONS * HTTP/1.1"),
    "asterisk form of GET": _get(_HOST, target=b"*"),
    "no target": _method(b"GET  HTTP/1.1"),
    "relative target": _get(_HOST, target=b"healthz"),
    "only a query": _get(_HOST, target=b"?a"),
    "only a fragment": _get(_HOST, target=b"#a"),
    "two slashes": _get(_HOST, target=b"//evil.example/"),
    "up the tree": _get(_HOST, target=b"/assets/../../etc/passwd"),
    "NUL in the target": _get(_HOST, target=b"/\0"),
    "encoded NUL": _get(_HOST, target=b"/%00"),
    "no UTF-8 in the target": _get(_HOST, target=b"/\xff\xfe"),
    "encoded no UTF-8": _get(_HOST, target=b"/%ff%fe"),
    "encoded line break": _get(_HOST, target=b"/%0d%0aX-Evil:%20y"),
    "lone surrogate": _get(_HOST, target=b"/leads?q=%ed%a0%80"),
    "a target without an end": _get(_HOST, target=b"/" + b"a" * 100_000),
    # Methods and versions.
    "unknown method": _method(b"FOO / HTTP/1.1"),
    "method in small letters": _method(b"get / HTTP/1.1"),
    "method of a cache": _method(b"PURGE / HTTP/1.1"),
    "RTSP": b"DESCRIBE rtsp://a/ RTSP/1.0\r\n\r\n",
    "Icecast": _method(b"SOURCE / ICE/1.0"),
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.2": _get(_HOST, version=b"HTTP/1.2"),
    "HTTP/2.0": _get(_HOST, version=b"HTTP/2.0"),
    "HTTP/9.9": _get(_HOST, version=b"HTTP/9.9"),
    "no version": _get(_HOST, version=b"HTTP/x"),
    "space before the method": b" " + _get(_HOST),
    # Other protocols.
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "h2c": _get(_HOST, b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"),
    "websocket": _get(_HOST, b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    "upgrade with bytes behind it": _get(_HOST, b"Connection: Upgrade\r\nUpgrade: a\r\n")
    + b"\x81\5",
    "TLS": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(160),
    "PROXY": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 1\r\n" + _get(_HOST),
    "SMTP": b"EHLO onelead.test\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "Redis": b"*1\r\n$4\r\nPING\r\n",
    "RDP": b"\x03\x00\x00\x2f\x2a\xe0\x00\x00\x00\x00\x00Cookie: a",
    "NULs": bytes(100),
    # Heads.
    "NUL in a value": _get(_HOST, b"X-A: a\0b\r\n"),
    "control in a name": _get(_HOST, b"X\x01: a\r\n"),
    "no ASCII in a name": _get(_HOST, b"X-\xc3\xa9: a\r\n"),
    "no name": _get(_HOST, b": a\r\n"),
    "no colon": _get(_HOST, b"X-A\r\n"),
    "space before the colon": _put(b"Transfer-Encoding : chunked", body=_CHUNKS),
    "bare LF": b"GET /healthz HTTP/1.1\nHost: onelead.test\n\n",
    "bare CR": b"GET /healthz HTTP/1.1\rHost: onelead.test\r\r",
    "folded value": _get(_HOST, b"X-A: a\r\n b\r\n"),
    "no host": _get(),
    "two hosts": _get(_HOST, b"Host: evil.example\r\n"),
    "empty host": _get(b"Host:\r\n", target=b"/sign-in"),
    "no host at all": _get(b"Host: %%%\r\n", target=b"/sign-in"),
    "no UTF-8 in the host": _get(b"Host: \xff\xfe\r\n", target=b"/sign-in"),
    "NUL in the host": _get(b"Host: a\0\r\n"),
    "one huge header": _get(_HOST, b"X-A: " + b"a" * 200_000 + b"\r\n"),
    "many headers": _get(_HOST, b"X-A: a\r\n" * 20_000),
    "many cookies": _get(_HOST, b"Cookie: " + b"a=b;" * 2_000 + b"\r\n", target=b"/sign-in"),
    # Lengths and chunks.
    "two lengths": _put(b"Content-Length: 1", b"Content-Length: 2", body=b"ab"),
    "the same length twice": _put(b"Content-Length: 1", b"Content-Length: 1", body=b"a"),
    "a list of lengths": _put(b"Content-Length: 1, 1", body=b"a"),
    "negative length": _put(b"Content-Length: -1", body=b"a"),
    "length with a plus": _put(b"Content-Length: +1", body=b"a"),
    "length beyond all": _put(b"Content-Length: " + b"9" * 30, body=b"a"),
    "length and chunks": _put(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=_CHUNKS),
    "chunks and length": _put(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=_CHUNKS),
    "almost chunked": _put(b"Transfer-Encoding: xchunked", body=_CHUNKS),
    "identity": _put(b"Transfer-Encoding: identity", body=_CHUNKS),
    "chunked twice": _put(
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=_CHUNKS
    ),
    "not chunked at last": _put(b"Transfer-Encoding: chunked, identity", body=_CHUNKS),
    "compressed chunks": _put(b"Transfer-Encoding: gzip, chunked", body=_CHUNKS),
    "tab before chunked": _put(b"Transfer-Encoding:\tchunked", body=_CHUNKS),
    "vertical tab before chunked": _put(b"Transfer-Encoding:\x0bchunked", body=_CHUNKS),
    "chunks in HTTP/1.0": _chunked(_CHUNKS).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "chunk extension": _chunked(b'1;a="b"\r\na\r\n0\r\n\r\n'),
    "chunk extension without an end": _chunked(b"1;" + b"a" * 200_000),
    "size that is none": _chunked(b"zz\r\na\r\n0\r\n\r\n"),
    "negative size": _chunked(b"-1\r\na\r\n0\r\n\r\n"),
    "size beyond all": _chunked(b"f" * 30 + b"\r\na\r\n0\r\n\r\n"),
    "size of C": _chunked(b"0x1\r\na\r\n0\r\n\r\n"),
    "more than the size": _chunked(b"1\r\nabc\r\n0\r\n\r\n"),
    "bare LF behind a size": _chunked(b"1\na\n0\n\n"),
    "length in a trailer": _chunked(b"0\r\nContent-Length: 5\r\n\r\n"),
    "a second request in the body": _put(b"Content-Length: 5", body=_CHUNKS + _get(_HOST)),
    "bytes behind the last request": _get(_HOST, b"Connection: close\r\n") + _get(_HOST),
    "waits for leave": _put(b"Content-Length: 10", b"Expect: 100-continue"),
    "waits for something else": _put(b"Content-Length: 0", b"Expect: 200-ok"),
}

#: These are waited for, until it takes too long.
UNFINISHED: dict[str, bytes] = {
    "nothing": b"",
    "blank lines": b"\r\n" * 50,
    "half a line": b"GET /heal",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: onel",
    "half a TLS record": b"\x16",
}
