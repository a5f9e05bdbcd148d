"""Whether a request is for the host of this service, as `--url` names it.

Links are made of that URL, and a browser that was led here under another name would keep cookies
and pages under that name. Without a URL, every host is the service's own.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from onelead.domain.limits import STRICT_TRANSPORT_S

#: Of every answer over TLS: the browser comes back over TLS only.
STRICT_TRANSPORT = ("Strict-Transport-Security", f"max-age={STRICT_TRANSPORT_S}")
#: A host and its port, which does not matter: a proxy may leave it out, or add its own.
_HOST = re.compile(rb"(\[[0-9a-f:.]+\]|[^:\[\]]*)(?::\d*)?")


class OwnHost:
    """The host of one service."""

    def __init__(self, url: str | None) -> None:
        self._name = b"" if url is None else _name_in(urlsplit(url).netloc.encode())
        #: As clients usually spell it, so that a lookup is enough.
        self._spelled = {self._name, url.partition("://")[2].encode()} if url else set()

    def is_own(self, host: bytes | None) -> bool:
        """Say whether the value of a Host header names it; None for a request without one."""
        if not self._name or host in self._spelled:
            return True
        return host is not None and _name_in(host) == self._name


def is_over_tls(url: str | None) -> bool:
    """Say whether clients reach a service with this URL over TLS."""
    return url is not None and url.startswith("https://")


def _name_in(host: bytes) -> bytes:
    found = _HOST.fullmatch(host.lower())
    return found[1] if found else b""
