"""Serves the demo: an account in a temporary file, seeded, kept busy and thrown away."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from onelead import __version__, app
from onelead.configuration import Configuration
from onelead.demo.seeding import MovedClock, Seeded, seed_account
from onelead.demo.stream import Stream
from onelead.serving.server import listening
from onelead.web.frame.sessions import welcome_path


def run_demo(configuration: Configuration, seed: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; the configured database is left alone. Raises NotPossible.

    Once the demo can be visited, `announce` gets a text that says how. The same seed draws the same
    people and the same weeks, which always end now.
    """
    # If the port is taken, fail now and not after the seconds that seeding takes.
    with listening(configuration.host, configuration.port):
        pass
    with _ended_by_sigterm(), TemporaryDirectory(prefix="onelead-demo-") as folder:
        file = Path(folder) / "demo.db"
        configuration = dataclasses.replace(
            configuration, database=f"sqlite:///{file}", workers=1, url=Configuration.url
        )
        clock = MovedClock(int(time.time()))
        seeded = app.on_store(
            configuration, lambda store: seed_account(store, clock, seed), create=True, clock=clock
        )
        stream = Stream(seeded, seed)

        def on_started(started: app.Started) -> None:
            stream.start(started.base_url)
            announce(_welcome(started.web_url, seeded))

        try:
            app.serve(configuration, on_started)
        finally:
            stream.stop()


def _welcome(url: str, seeded: Seeded) -> str:
    return (
        f"onelead {__version__} serves a demo: {seeded.leads:,} leads from six weeks, "
        "and a new delivery every few seconds.\n\n"
        f"  Open            {url}{welcome_path(seeded.links.admin)}\n"
        f"  As a member     {url}{welcome_path(seeded.links.member)}\n\n"
        "Each link works once and sets a password. Ctrl-C throws everything away.\n"
    )


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block as SIGINT does, so that the file is deleted.

    While the server runs it handles both itself.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
