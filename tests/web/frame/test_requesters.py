"""Every change of access that the front ends make names its requester, for the audit."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import onelead
from onelead.contract.access import AccessStore

SOURCE = Path(onelead.__file__).parent
CHANGES = {
    name
    for name, method in vars(AccessStore).items()
    if inspect.isfunction(method) and "by" in inspect.signature(method).parameters
}


def calls_in(folder: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of a store's changes, with where they are."""
    for file in sorted((SOURCE / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in CHANGES
                and ast.unparse(node.func.value).endswith("store")
            ):
                yield f"{file.name}:{node.lineno}", node


def test_the_changes_are_those_of_the_contract() -> None:
    assert {"create_user", "sign_in", "end_session", "set_password", "create_link"} <= CHANGES


def test_every_change_names_its_requester() -> None:
    calls = [*calls_in("web"), *calls_in("api")]
    assert len(calls) >= len(CHANGES) - 1
    for where, call in calls:
        named = [keyword.value for keyword in call.keywords if keyword.arg == "by"]
        given = [one for one in call.args if ast.unparse(one).endswith("requester")]
        assert named or given, where
