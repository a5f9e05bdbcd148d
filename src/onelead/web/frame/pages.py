"""What a page is to the rest of the web application: a row of a table, as an endpoint is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import NamedTuple

from starlette.responses import Response

from onelead.web.frame.visit import Visit


class Access(Enum):
    """Who may see a page or send a form."""

    #: Also who is not signed in.
    ANYONE = auto()
    #: Every user of the account.
    USER = auto()
    ADMIN = auto()


class Page(NamedTuple):
    """A page (GET) or a form (POST): `handler` is called for those who have access.

    The path may have parameters, as in `/leads/{id}`.
    """

    method: str
    path: str
    handler: Callable[[Visit], Awaitable[Response]]
    access: Access = Access.USER
    #: Of a form that does its work once, however often it is sent: the page that shows the result
    #: when it is sent again and nothing better is known.
    once: str = ""
    #: Whether the form changes nothing for who is not signed in; then it proves nothing either.
    is_moot_signed_out: bool = False
