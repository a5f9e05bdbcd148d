"""The headers of every page: what a browser may load, run, use and cache, and over what."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onelead.incoming.own_host import STRICT_TRANSPORT

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

#: What no page of ours asks a browser for.
_UNUSED = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "usb")

PAGE_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{what} {who}" for what, who in _POLICY.items()),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{what}=()" for what in _UNUSED),
    # A page is for one user, and soon out of date.
    "Cache-Control": "no-store",
}


def strict_over_tls(pages: ASGIApp) -> ASGIApp:
    """Add STRICT_TRANSPORT to the answers that a trusted proxy sends on over TLS."""
    name, value = (text.lower().encode() for text in STRICT_TRANSPORT)

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (name, value)]
            await send(message)

        await pages(scope, receive, strict if scope["scheme"] == "https" else send)

    return served
