"""Where `onelead` starts.

A server is started right here when its options are plain; every other call, and every mistake in
one, is the command line's. That is built on typer, which loads a library to check types: a server
would start later, and keep 8 MiB more as long as it lives.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from dataclasses import fields

from onelead.commands.running import configuration_from, exit_code_of
from onelead.configuration import SECRETS, Configuration

_OPTIONS = {
    f"--{field.name.replace('_', '-')}": field.name
    for field in fields(Configuration)
    if field.name not in SECRETS
}


def main() -> None:
    """Run the command line and exit."""
    flags = plain_serve(sys.argv[1:])
    # What is loaded stays; the collector would only walk all of it, again and again.
    gc.disable()
    if flags is None:
        from onelead.commands.cli import main as run  # noqa: PLC0415 - it loads typer
    else:
        from onelead.commands.serve import serve  # noqa: PLC0415 - it loads all that serves

        def run() -> None:
            sys.exit(exit_code_of(lambda: serve(configuration_from(**flags))))

    gc.enable()
    run()


def plain_serve(arguments: Sequence[str]) -> dict[str, str] | None:
    """Return the options of `serve --name value ...`; None for any other call."""
    names, values = arguments[1::2], arguments[2::2]
    is_plain = (
        arguments[:1] == ["serve"]
        and len(names) == len(values) == len(set(names))
        and _OPTIONS.keys() >= set(names)
        and not any(value.startswith("-") for value in values)
    )
    return dict(zip((_OPTIONS[name] for name in names), values, strict=True)) if is_plain else None
