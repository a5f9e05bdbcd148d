"""A page of a list for people, found in bounded time whatever the search and the number of leads.

There are two ways. Where one of the criteria has an index and finds few leads, only those are
examined: they are counted, and sorted by anything, even a custom field. Otherwise leads are
examined in the order of an index, from where the page begins until it is full or the bound is
reached: of the ledger's changes in the order of the last change (`changed`). Portable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    false,
    func,
    literal,
    select,
    tuple_,
    union,
    union_all,
)

from onelead.contract.leads import LeadList
from onelead.domain.account import AccountSettings
from onelead.domain.lead import Lead
from onelead.domain.limits import LIST_EXAMINED_MAX
from onelead.domain.search import (
    LIST_SORT_KEYS,
    NO_ID,
    CheckedSearch,
    Combination,
    CursorPlace,
    LeadSearch,
    checked_search,
    cursor_place,
    cursor_text,
)
from onelead.domain.text import fold
from onelead.storage.lane import lead_count
from onelead.storage.leads.changed import BY_CHANGE, Changes, Place
from onelead.storage.leads.conditions import (
    Condition,
    Keys,
    KeysOfEach,
    conditions_of,
    in_range,
    key_criteria,
    quick_ids,
)
from onelead.storage.leads.list_order import order_in_python
from onelead.storage.leads.rows import lead_from
from onelead.storage.leads.search import ORDER
from onelead.storage.schema import lead, match_key

#: The bound is divided by these, in turn, until a page is full: most pages are full early.
_LOOKS = (50, 5, 1)


def list_leads(
    connection: Connection,
    settings: AccountSettings,
    search: LeadSearch,
    *,
    now: int,
    backwards: bool = False,
    bound: int = LIST_EXAMINED_MAX,
) -> LeadList:
    """Find a page of a list, examining `bound` leads at most. Raises InputInvalid."""
    return _Listing(connection, settings, search, now, bound, backwards=backwards).page()


class _Listing:
    """The search for one page."""

    def __init__(
        self,
        connection: Connection,
        settings: AccountSettings,
        search: LeadSearch,
        now: int,
        bound: int,
        *,
        backwards: bool,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._checked = checked_search(search, settings)
        self._search = self._checked.search
        self._now = now
        self._bound = bound
        self._backwards = backwards
        self._of_account = lead.c.account_id == settings.account_id
        #: None for an order that the engines have.
        self._order = order_in_python(self._checked)
        self._keyed = Keys(settings.account_id)
        self._has_criteria = any(True for _ in conditions_of(self._checked, self._keyed, now))
        self._total = lead_count(connection, settings.account_id)
        self._changes = Changes(connection, settings.account_id, self._search.modified_date)

    @property
    def _descends(self) -> bool:
        return self._search.descending is not self._backwards

    def page(self) -> LeadList:
        """Find the page in the way that suits the criteria."""
        can_walk = self._search.sort_by in LIST_SORT_KEYS
        if self._total <= self._bound and (self._has_criteria or not can_walk):
            return self._of_few(None)
        driver, at_least = self._fewest()
        if driver is not None:
            return self._of_few(driver)
        if not can_walk:
            self._order = None
            self._search = msgspec.structs.replace(
                self._search, sort_by=LIST_SORT_KEYS[0], descending=False
            )
        return self._of_many(at_least)

    # Few leads: all of them together.

    def _fewest(self) -> tuple[Condition | None, int]:
        """Return the criterion whose index has the fewest entries, when that is few enough.

        Also how many leads at least meet all criteria together; 0 when that is not known.
        """
        best: Condition | None = None
        fewest = self._bound + 1
        drivers = list(self._drivers())
        leads = 0
        for driver in drivers:
            found = driver.entries.subquery()
            apart = func.count() if driver.is_of_leads else func.count(found.columns[0].distinct())
            counted = select(func.count(), apart).select_from(found)
            entries, leads = self._connection.execute(counted).one()
            if entries < fewest:
                best, fewest = driver.condition, entries
        # Of the values and the range of a custom field, one may be the driver.
        has_two = any(one.values and (one.low or one.high) for one in self._checked.key_filters)
        is_all_of_it = len(drivers) == 1 == self._search.criteria and not has_two
        return best, leads if is_all_of_it else 0

    def _drivers(self) -> Iterator[_Driver]:
        most = self._bound + 1
        yield from _drivers(self._checked, self._keyed, self._now, most)
        wanted = self._search.modified_date
        if wanted is not None and (wanted.minimum is not None or wanted.maximum is not None):
            changes = self._changes.look(None, most, descends=False).changes
            leads = select(lead.c.id).select_from(self._changes.leads(changes, or_none=True))
            yield _Driver(lead.c.id.in_(select(changes.c.lead_id)), leads)

    def _of_few(self, driver: Condition | None) -> LeadList:
        order = (self._order.stored if self._order else ORDER[self._search.sort_by]).label(
            "sort_value"
        )
        # The limit is never reached: it keeps planners from using another index.
        some = select(lead, order).where(self._of_account).limit(self._bound + 1)
        # Read by id, the leads of a small account are found without passing those of a large one.
        some = some.order_by(lead.c.id) if driver is None else some.where(driver)
        found = self._matching(some.subquery())
        place = cursor_place(self._search)
        if self._order is not None:
            every = list(self._connection.execute(found))
            limit = self._search.limit + 1
            page = self._order.page(every, place, descends=self._descends, limit=limit)
            return self._listed(page, place, count=len(every), is_count_exact=True)
        # Counted by the same statement, so that the criteria are evaluated only once.
        rows = self._rows(found.add_columns(func.count().over().label("count")), place)
        count = rows[0].count if rows else 0
        if place is not None and not rows:
            counted = select(func.count()).select_from(found.subquery())
            count = self._connection.execute(counted).scalar_one()
        return self._listed(rows, place, count=count, is_count_exact=True)

    # Many leads: as far as the page needs, and no further than the bound.

    def _of_many(self, at_least: int) -> LeadList:
        place = cursor_place(self._search)
        rows: list[Any] = []
        end: CursorPlace | None = place
        looked = 0
        for part in _LOOKS:
            # Each look begins where the last one ended.
            more = max(self._bound // part, self._search.limit + 1) - looked
            if more <= 0:
                continue
            some, end = self._look(end, more)
            rows += self._rows(self._matching(some.subquery()), None)
            looked += more
            if len(rows) > self._search.limit or end is None:
                break
        is_full = len(rows) > self._search.limit
        if not is_full and end is not None and self._total <= self._bound:
            # So few leads were changed so often that the leads themselves are fewer.
            return self._of_few(None)
        if not self._has_criteria:
            at_least = self._total
        is_all = not is_full and end is None and place is None
        shown = min(len(rows), self._search.limit)
        return self._listed(
            rows,
            place,
            count=shown if is_all else max(at_least, shown),
            is_count_exact=is_all or not self._has_criteria,
            end=None if is_full else end,
            examined=None if is_full or end is None else looked,
        )

    def _look(
        self, place: CursorPlace | None, count: int
    ) -> tuple[Select[Any], CursorPlace | None]:
        """Select the leads beyond a place, and return where that ends before the last one."""
        if self._search.sort_by != BY_CHANGE:
            some = self._walk(place, count)
            return some, self._place_of(some.offset(count - 1).limit(1))
        begin = Place(place.sort_value, place.lead_id) if place else None
        look = self._changes.look(begin, count, descends=self._descends)
        some = select(lead, lead.c.date_modified.label("sort_value"))
        some = some.select_from(self._changes.leads(look.changes))
        return some, look.end and CursorPlace(self._search.fingerprint(), *look.end)

    def _walk(self, place: CursorPlace | None, count: int) -> Select[Any]:
        order = ORDER[self._search.sort_by]
        found = select(lead, order.label("sort_value")).where(
            self._of_account, *_bounds_of_order(self._search, self._now)
        )
        if place is not None:
            found = found.where(self._beyond(place, order, lead.c.id))
        return found.order_by(*self._sorted(order, lead.c.id)).limit(count)

    def _place_of(self, statement: Select[Any]) -> CursorPlace | None:
        last = statement.subquery()
        row = self._connection.execute(select(last.c.sort_value, last.c.id)).first()
        return row and CursorPlace(self._search.fingerprint(), row.sort_value, row.id)

    # Common to both ways.

    def _matching(self, some: Subquery) -> Select[Any]:
        """Select the ids and sort values of the leads that meet the criteria."""
        keyed = KeysOfEach(self._settings.account_id, some.c)
        held = conditions_of(self._checked, keyed, self._now)
        return select(some.c.id, some.c.sort_value).where(*held)

    def _rows(self, found: Select[Any], place: CursorPlace | None) -> Sequence[Any]:
        """Return the rows of the page in the direction of the walk, and one more."""
        of = found.subquery()
        page = select(of)
        if place is not None:
            page = page.where(self._beyond(place, of.c.sort_value, of.c.id))
        page = page.order_by(*self._sorted(of.c.sort_value, of.c.id))
        return self._connection.execute(page.limit(self._search.limit + 1)).all()

    def _beyond(
        self, place: CursorPlace, order: ColumnElement[Any], lead_id: ColumnElement[int]
    ) -> Condition:
        here, there = tuple_(order, lead_id), tuple_(place.sort_value, place.lead_id)
        return here < there if self._descends else here > there

    def _sorted(self, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        return [column.desc() for column in columns] if self._descends else list(columns)

    def _listed(
        self,
        rows: Sequence[Any],
        place: CursorPlace | None,
        *,
        count: int,
        is_count_exact: bool,
        end: CursorPlace | None = None,
        examined: int | None = None,
    ) -> LeadList:
        """Return the page; `end` is where the look ended when the page is not full."""
        has_more = len(rows) > self._search.limit
        rows = rows[: self._search.limit]
        places = [CursorPlace(self._search.fingerprint(), row.sort_value, row.id) for row in rows]
        ahead = places[-1] if has_more else end
        # A page that begins at a place has leads on the other side of it.
        behind = (places[0] if places else self._just_after(place)) if place else None
        leads = self._leads([row.id for row in rows])
        if self._backwards:
            leads, ahead, behind = leads[::-1], behind, ahead
        return LeadList(
            leads=leads,
            count=count,
            is_count_exact=is_count_exact,
            next_cursor=cursor_text(ahead) if ahead else None,
            previous_cursor=cursor_text(behind) if behind else None,
            sort_by=self._search.sort_by,
            examined=examined,
            settings=self._settings,
        )

    def _just_after(self, place: CursorPlace) -> CursorPlace:
        """Return the place right after another one, so that the lead there comes before it."""
        step = -1 if self._descends else 1
        return msgspec.structs.replace(place, lead_id=place.lead_id + step)

    def _leads(self, ids: list[int]) -> list[Lead]:
        where = (self._of_account, lead.c.id.in_(ids))
        found = self._connection.execute(select(lead.c.id, lead.c.document).where(*where))
        documents = {row.id: row.document for row in found}
        return [lead_from(documents[one]) for one in ids if one in documents]


def _bounds_of_order(search: LeadSearch, now: int) -> Iterator[Condition]:
    """Yield the criteria that say where a walk begins and ends in the order of its index."""
    if search.sort_by != "date_created":
        return
    if (wanted := search.created_date) is not None:
        yield from in_range(lead.c.date_created, wanted.minimum, wanted.maximum)
    if search.age_s is not None:
        yield lead.c.date_created >= now - search.age_s


class _Driver(NamedTuple):
    """A criterion that an index answers alone."""

    condition: Condition
    #: A row for each index entry that it finds, up to a limit; null where its lead does not count.
    entries: Select[Any]
    #: Each entry is a different lead; otherwise some leads have several entries.
    is_of_leads: bool = False


def _drivers(checked: CheckedSearch, keyed: Keys, now: int, most: int) -> Iterator[_Driver]:
    for condition in _column_drivers(checked.search, now):
        # Nothing is read from the leads themselves.
        of_account = lead.c.account_id == keyed.account_id
        entries = select(literal(1)).select_from(lead).where(of_account, condition)
        yield _Driver(condition, entries.limit(most), is_of_leads=True)
    for ids in _key_drivers(checked, keyed, most):
        yield _Driver(lead.c.id.in_(ids.limit(most).subquery().select()), ids.limit(most))


def _column_drivers(search: LeadSearch, now: int) -> Iterator[Condition]:
    for ids, column in (
        (search.ids, lead.c.id),
        (search.status_ids, lead.c.status_id),
        (search.assignee_ids, lead.c.assignee_id),
        (search.customer_source_ids, lead.c.customer_source_id),
    ):
        if ids is not None and NO_ID not in ids:
            yield column.in_(ids)
    for text, key in (
        (search.city, lead.c.city_key),
        (search.state, lead.c.state_key),
        (search.postal_code, lead.c.postal_code_key),
    ):
        if text:
            yield and_(key == fold(text), key > "")
    if search.age_s is not None:
        yield lead.c.date_created >= now - search.age_s
    wanted = search.created_date
    if wanted and (held := [*in_range(lead.c.date_created, wanted.minimum, wanted.maximum)]):
        yield and_(*held)
    if search.followed is True or search.names_nobody:
        yield false()


def _key_drivers(checked: CheckedSearch, keyed: Keys, most: int) -> Iterator[Select[Any]]:
    if checked.search.batch_id is not None:
        yield keyed.batch_ids(checked.search.batch_id)
    if (terms := checked.quick_terms) is not None:
        # A lead with several phone numbers has several index entries. Each counts: otherwise a
        # part that was cut off would look like a complete one with fewer leads.
        together = union if terms.phone_ending is None else union_all
        parts = (one.limit(most).subquery().select() for one in quick_ids(keyed, terms))
        yield select(together(*parts).subquery())
    for one in key_criteria(checked):
        if one.combination is Combination.ALL:
            # Each on its own: the rarest one finds the fewest leads.
            for key in one.values:
                yield keyed.ids(one.field, match_key.c.value == key)
        elif one.combination is Combination.ANY:
            yield one.ids(keyed)
