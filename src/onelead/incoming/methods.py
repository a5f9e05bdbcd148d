"""Which methods a path takes, for the answers to all others: 405, and 204 to OPTIONS."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.routing import Route

OPTIONS = "OPTIONS"


class Paths:
    """The paths of a front end."""

    def __init__(self, routes: Iterable[Route]) -> None:
        methods: dict[str, tuple[re.Pattern[str], set[str]]] = {}
        # A path without parameters comes before a pattern that matches it too.
        for route in sorted(routes, key=lambda route: "{" in route.path):
            taken = methods.setdefault(route.path, (route.path_regex, {OPTIONS}))[1]
            taken.update(route.methods or ())
        self._methods = tuple(methods.values())

    def allow(self, path: str) -> str:
        """Return the value of `Allow` for a path; empty for one that does not exist."""
        taken = (methods for regex, methods in self._methods if regex.match(path))
        return ", ".join(sorted(next(taken, ())))
