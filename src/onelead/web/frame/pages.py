"""How the web application describes a page: as a row of a table, like an endpoint of the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import NamedTuple

from starlette.responses import Response

from onelead.web.frame.visit import Visit


class Access(Enum):
    """Who may see a page or send a form."""

    #: Even without signing in.
    ANYONE = auto()
    #: Every user of the account.
    USER = auto()
    #: Admins, and members where an admin allows them to import files.
    IMPORTER = auto()
    ADMIN = auto()


class Page(NamedTuple):
    """A page (GET) or a form (POST): `handler` is called for users who have access.

    The path can have parameters, as in `/leads/{id}`.
    """

    method: str
    path: str
    handler: Callable[[Visit], Awaitable[Response]]
    access: Access = Access.USER
    #: For a form that is processed only once: the page to show when it is sent again and the
    #: page with its result is unknown. Empty for other forms.
    once: str = ""
    #: Does nothing when nobody is signed in, so no CSRF token is asked for.
    needs_no_session: bool = False
    #: Only for a user who has proved lately who they are; others are asked again first.
    confirm: bool = False
    #: For a form with a file, which the handler reads: see `upload.py`.
    has_file: bool = False
