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

from msgspec import Struct

from onelead import __version__, app
from onelead.configuration import Configuration
from onelead.demo.seeding import MovedClock, Seeded, seed_account
from onelead.demo.stream import Stream
from onelead.serving.server import listening
from onelead.web.frame.sessions import welcome_path


class DemoStarted(Struct, frozen=True):
    """The demo, once it can be visited."""

    #: The address for browsers, as in `http://127.0.0.1:8000`.
    url: str
    leads: int
    #: Each works once: for an admin, and for a member.
    admin_link: str
    member_link: str


def welcome(started: DemoStarted) -> str:
    """Return what is printed once the demo can be visited."""
    return (
        f"onelead {__version__} serves a demo: {started.leads:,} leads from six weeks, "
        "and a new delivery every few seconds.\n\n"
        f"  Open            {started.admin_link}\n"
        f"  As a member     {started.member_link}\n\n"
        "Each link works once and sets a password. Ctrl-C throws everything away.\n"
    )


def run_demo(
    configuration: Configuration, seed: int, on_started: Callable[[DemoStarted], None]
) -> None:
    """Serve until SIGTERM or SIGINT; the configured database is left alone. Raises NotPossible.

    The same seed draws the same people and the same weeks, which always end now.
    """
    # If the port is taken, fail now and not after the seconds that seeding takes.
    with listening(configuration.host, configuration.port):
        pass
    with _ended_by_sigterm(), TemporaryDirectory(prefix="onelead-demo-") as folder:
        file = Path(folder) / "demo.db"
        configuration = dataclasses.replace(configuration, database=f"sqlite:///{file}", workers=1)
        clock = MovedClock(int(time.time()))
        seeded = app.on_store(
            configuration, lambda store: seed_account(store, clock, seed), create=True, clock=clock
        )
        _serve(configuration, seeded, seed, on_started)


def _serve(
    configuration: Configuration,
    seeded: Seeded,
    seed: int,
    on_started: Callable[[DemoStarted], None],
) -> None:
    stream = Stream(seeded, seed)

    def start_stream(started: app.Started) -> None:
        stream.start(started.base_url)
        admin, member = (
            started.web_url + welcome_path(token)
            for token in (seeded.links.admin, seeded.links.member)
        )
        on_started(DemoStarted(started.web_url, seeded.leads, admin, member))

    try:
        app.serve(configuration, start_stream)
    finally:
        stream.stop()


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
