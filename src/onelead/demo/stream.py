"""New deliveries to the demo: one every few seconds, through the API."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from random import Random
from urllib.parse import urlsplit

import msgspec
import structlog

from onelead.demo.bodies import Bodies, Body
from onelead.demo.company import ADS, CALLS, ENRICHMENT, FORM, Sender
from onelead.demo.people import Person
from onelead.demo.seeding import Seeded
from onelead.demo.weeks import NAMELESS_NAME
from onelead.incoming.api_calls import call_headers

PAUSE_S = (1.0, 3.0)
_TIMEOUT_S = 10.0
Sent = tuple[Sender, Body]

log = structlog.get_logger(__name__)


class Stream:
    """Delivers in its own thread until it is stopped."""

    def __init__(self, seeded: Seeded, seed: int, pause_s: tuple[float, float] = PAUSE_S) -> None:
        self._seeded = seeded
        self._random = Random(seed)  # noqa: S311 - invented people, no secret
        self._bodies = Bodies(seeded.company, self._random)
        self._pause_s = pause_s
        self._last: Sent | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="onelead-demo", daemon=True)
        self._base_url = ""

    def start(self, base_url: str) -> None:
        """Begin to deliver to a base URL, as in `http://127.0.0.1:8000/developer_api/v1`."""
        self._base_url = base_url
        self._thread.start()

    def stop(self) -> None:
        """Stop delivering, and wait for the delivery under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._random.uniform(*self._pause_s)):
            sender, body = self._last = self._next()
            try:
                self._send(sender, body)
            except (OSError, HTTPException) as error:
                # The server is stopping or busy; the next delivery may get through.
                log.debug("not delivered", error=str(error))

    def _next(self) -> Sent:
        """Draw the next delivery; most are about a new person."""
        kinds: dict[Callable[[], Sent], int] = {
            self._new_person: 60,
            self._known_person_again: 12,
            self._enriched: 10,
            self._the_same_again: 10,
            self._broken: 5,
            self._nameless: 3,
        }
        (kind,) = self._random.choices(tuple(kinds), tuple(kinds.values()))
        return kind()

    def _new_person(self) -> Sent:
        person = next(self._seeded.strangers)
        self._seeded.known.append(person)
        if self._random.random() < 0.4:
            return self._by(ADS, self._bodies.ad(person))
        return self._by(FORM, self._bodies.form(person))

    def _known_person_again(self) -> Sent:
        return self._by(FORM, self._bodies.form(self._known_person()))

    def _enriched(self) -> Sent:
        return self._by(ENRICHMENT, self._bodies.enrichment(self._known_person()))

    def _the_same_again(self) -> Sent:
        return self._last or self._new_person()

    def _broken(self) -> Sent:
        return self._by(FORM, self._bodies.broken(next(self._seeded.strangers)))

    def _nameless(self) -> Sent:
        return self._by(CALLS, self._bodies.by_name(NAMELESS_NAME))

    def _known_person(self) -> Person:
        return self._random.choice(self._seeded.known)

    def _by(self, label: str, body: Body) -> Sent:
        return self._seeded.company.senders[label], body

    def _send(self, sender: Sender, body: Body) -> None:
        url = urlsplit(self._base_url)
        assert url.hostname is not None
        headers = call_headers(sender.email, sender.secret)
        raw = msgspec.json.encode(body)
        with closing(HTTPConnection(url.hostname, url.port, timeout=_TIMEOUT_S)) as connection:
            connection.request("PUT", f"{url.path}/leads/upsert", raw, headers)
            connection.getresponse().read()
