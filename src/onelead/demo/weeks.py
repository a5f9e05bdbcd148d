"""The past of the demo account: six weeks of deliveries, and of sales working with them.

Everything is drawn at random from a seed; only the dates depend on the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from onelead.demo.bodies import Bodies, Body
from onelead.demo.company import (
    ADS,
    BADGE,
    CALLS,
    ENRICHMENT,
    FORM,
    FORMER_MEMBER,
    IMPORT,
    MEMBERS,
    SCANNER,
    Company,
    Sender,
)
from onelead.demo.people import Person, people
from onelead.domain.writes import Action

DAYS = 42
LEADS = 5_050
#: How many people come from each source; sales types in the rest. A few do not become a lead of
#: their own.
_IMPORTED, _FROM_FORM, _FROM_ADS, _CALLERS, _NAMELESS = 1_000, 1_700, 1_250, 60, 34
#: The day of each event, its number of visitors and its tag.
_EVENTS = ((16, 420, "Solar Expo"), (33, 460, "Home & Garden Fair"))
#: The name that call tracking gives to callers it does not know.
NAMELESS_NAME = "Wireless Caller"
_HOUR, _DAY = 3_600, 86_400
_OFFICE = (9, 18)
_ANY_TIME = (6, 24)


@dataclass
class Call:
    """One write by a user, at a time in Unix seconds."""

    at: int
    user_id: int
    #: None when the user made it in the web application.
    sender: Sender | None
    action: Action
    body: Body
    #: The person the write is about; an update needs the lead that an earlier call created.
    person: Person | None = None


class Weeks:
    """Draws the calls of the weeks before `now` (Unix seconds)."""

    def __init__(self, company: Company, zone: ZoneInfo, now: int, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - invented people, no secret
        self._company = company
        self._bodies = Bodies(company, self._random)
        #: An endless supply of people who have not been delivered yet.
        self.strangers = people(self._random)
        self._now = now
        today = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0)
        #: When each day began; the last is today.
        self._days = [
            int((today - timedelta(days=back)).timestamp()) for back in range(DAYS, -1, -1)
        ]
        self._day_weights = [
            (1 + number / DAYS) * (0.5 if _is_weekend(day) else 1.0)
            for number, day in enumerate(self._days)
        ]
        self._calls: list[Call] = []

    def calls(self) -> list[Call]:
        """Return all calls in order of time."""
        self._import()
        self._arrive(_FROM_FORM, FORM, self._bodies.form)
        self._arrive(_FROM_ADS, ADS, self._bodies.ad)
        for day, visitors, event in _EVENTS:
            self._event(day, visitors, event)
        self._telephone()
        self._type_in()
        self._calls.sort(key=lambda call: call.at)
        return [call for call in self._calls if call.at < self._now]

    def _next_people(self, count: int) -> list[Person]:
        return list(islice(self.strangers, count))

    def _import(self) -> None:
        """Import a file on the first day; part of it is delivered again two weeks later."""
        rows = self._next_people(_IMPORTED)
        for before, person in pairwise(rows):
            if self._random.random() < 0.09:
                # People of one household share an e-mail.
                person.last_name, person.email = before.last_name, before.email
        began, again = self._days[0] + 10 * _HOUR, self._days[15] + 11 * _HOUR
        for number, person in enumerate(rows):
            row = self._bodies.row(person)
            self._send(began + number // 10 * 3, IMPORT, Action.CREATE, row, person)
            if number % 3 == 0:
                changed = row | {"monetary_value": row["monetary_value"] + 500}
                body = self._bodies.row_again(changed if number % 4 == 0 else row)
                self._send(again + number // 10, IMPORT, Action.UPSERT, body, person)
            if number % 5 == 0:
                # The form matches by e-mail, which a household may share.
                self._send(self._moment(_ANY_TIME), FORM, Action.UPSERT, self._bodies.form(person))
            self._work_with(person, self._days[1] + self._random.randrange(20 * _DAY), 0.3)

    def _arrive(self, count: int, label: str, body_of: Any) -> None:
        """Let people arrive over the weeks; some deliveries are repeated or broken."""
        for person in self._next_people(count):
            at = self._moment(_ANY_TIME)
            body = body_of(person)
            chance = self._random.random()
            if chance < 0.03:
                self._send(at - 40, label, Action.UPSERT, self._bodies.broken(person))
            elif chance < 0.12:
                # The button was pressed twice, or the answer was lost.
                at_again = at + self._random.randrange(8, 900)
                self._send(at_again, label, Action.UPSERT, body, person)
            elif chance < 0.2:
                at_again = at + self._random.randrange(_DAY, 9 * _DAY)
                self._send(at_again, FORM, Action.UPSERT, self._bodies.form(person), person)
            self._send(at, label, Action.UPSERT, body, person)
            self._enrich(person, at)
            self._work_with(person, at, 0.45)

    def _enrich(self, person: Person, at: int) -> None:
        """Enrich people of companies the following night; some are delivered again a week later."""
        if not person.company or self._random.random() < 0.3:
            return
        night = next((day for day in self._days if day > at), self._now) + 2 * _HOUR
        night += self._random.randrange(2 * _HOUR)
        body = self._bodies.enrichment(person)
        self._send(night, ENRICHMENT, Action.UPSERT, body, person)
        if self._random.random() < 0.3:
            self._send(night + 7 * _DAY, ENRICHMENT, Action.UPSERT, body, person)

    def _event(self, day: int, visitors: int, event: str) -> None:
        began = self._days[day] + 10 * _HOUR
        is_first = day == _EVENTS[0][0]
        for number, person in enumerate(self._next_people(visitors)):
            at = began + int(number / visitors * 7 * _HOUR) + self._random.randrange(60)
            if is_first and number < 38:
                # Refused until someone at the booth noticed.
                refused = self._bodies.scan(person, event, BADGE)
                self._send(at, SCANNER, Action.UPSERT, refused, person)
                at = began + 2 * _HOUR + number
            match = "name" if number % 9 == 0 else "email"
            scan = self._bodies.scan(person, event, match)
            self._send(at, SCANNER, Action.UPSERT, scan, person)
            self._enrich(person, at)
            self._work_with(person, at, 0.5)

    def _telephone(self) -> None:
        """Let people call; the names of some callers are not known."""
        for number, person in enumerate(self._next_people(_CALLERS + _NAMELESS)):
            at = self._moment(_OFFICE)
            name = NAMELESS_NAME if number < _NAMELESS else person.name
            body = self._bodies.caller(person, name)
            self._send(at, CALLS, Action.CREATE, body, person)
            if number < 7:
                late = self._now - (number + 1) * 5 * _HOUR
                self._send(late, CALLS, Action.UPSERT, self._bodies.by_name(NAMELESS_NAME))
            elif number >= _NAMELESS:
                self._work_with(person, at, 0.8)

    def _type_in(self) -> None:
        so_far = sum(visitors for _day, visitors, _event in _EVENTS)
        so_far += _IMPORTED + _FROM_FORM + _FROM_ADS + _CALLERS + _NAMELESS
        for person in self._next_people(LEADS - so_far):
            at = self._moment(_OFFICE)
            user_id = self._any_user()
            body = self._bodies.by_hand(person)
            self._calls.append(Call(at, user_id, None, Action.CREATE, body, person))
            self._work_with(person, at, 0.9)

    def _work_with(self, person: Person, at: int, chance: float) -> None:
        """Let sales work with a lead: take it, visit, make an offer, or give it up."""
        draw, statuses = self._random, self._company.statuses
        if draw.random() > chance:
            return
        user_id = self._any_user()
        steps: list[Body] = [{"assignee_id": user_id, "status_id": statuses["Open"]}]
        is_junk = draw.random() < 0.08
        if is_junk:
            steps.append({"status_id": statuses["Junk"]})
        elif draw.random() < 0.2:
            steps.append({"status_id": statuses["Unqualified"]})
        elif draw.random() < 0.5:
            steps.append({"status_id": statuses["Survey planned"]})
            if draw.random() < 0.6:
                steps.append(self._bodies.survey(at) | {"status_id": statuses["Offer sent"]})
        for body in steps:
            at = self._office_hour(at + draw.randrange(_HOUR, 3 * _DAY))
            self._calls.append(Call(at, user_id, None, Action.UPDATE, body, person))
        if is_junk and draw.random() < 0.2:
            self._calls.append(Call(at + _HOUR, user_id, None, Action.DELETE, {}, person))

    def _any_user(self) -> int:
        staff = [*MEMBERS, *MEMBERS, FORMER_MEMBER]
        return self._company.user_ids[self._random.choice(staff)[1]]

    def _send(
        self, at: int, label: str, action: Action, body: Body, person: Person | None = None
    ) -> None:
        sender = self._company.senders[label]
        self._calls.append(Call(at, sender.user_id, sender, action, body, person))

    def _moment(self, hours: tuple[int, int]) -> int:
        """Draw a time before now; later weeks and working days get more."""
        while True:
            (day,) = self._random.choices(self._days, self._day_weights)
            hour = self._random.triangular(*hours)
            at = day + int(hour * _HOUR)
            if at < self._now - 60:
                return at

    def _office_hour(self, at: int) -> int:
        """Draw a time in the next working hours."""
        day = max((one for one in self._days if one <= at), default=self._days[0])
        while True:
            moment = day + int(self._random.triangular(*_OFFICE) * _HOUR)
            if moment > at and not _is_weekend(day):
                return moment
            day += _DAY


def _is_weekend(day: int) -> bool:
    """Say whether the day that began at this time in America is a Saturday or a Sunday."""
    # 1 January 1970 was a Thursday. A day in America begins on the same date in UTC.
    return (day // _DAY + 3) % 7 >= 5
