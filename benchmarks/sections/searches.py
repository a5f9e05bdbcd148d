"""Searches of a million leads over one connection: the first page of 20, and page 500."""

from __future__ import annotations

from contextlib import ExitStack

from msgspec.structs import replace

from benchmarks.contenders.contender import HttpContender
from benchmarks.contenders.onelead_server import BASE_PATH, ServedDatabase, onelead_serving
from benchmarks.names import ONELEAD
from benchmarks.people import SCORES, TAGS
from benchmarks.processes import Failed
from benchmarks.results import SearchRow
from benchmarks.run import ENGINES, Run

PAGES = (1, 500)
SEARCH_PATH = f"{BASE_PATH}/leads/search"
_ROUNDS_MAX = 3
#: The first of these is used that is long enough for some answers.
_SECONDS = (1, 5, 25)
_ANSWERS_MIN = 10


def measure_searches(run: Run) -> list[SearchRow]:
    """Search each engine in turn by each criterion."""
    rows = []
    with ExitStack() as servers:
        loads: dict[str, tuple[str, str, int, HttpContender]] = {}
        for engine in ENGINES:
            database = run.database(engine, run.size.many)
            server = servers.enter_context(onelead_serving(ONELEAD[engine], database, run.log))
            for criterion, text in criteria(database, run.size.many).items():
                for page in PAGES:
                    name = f"{engine} {criterion} {page}"
                    loads[name] = (engine, criterion, page, searching(server, text, page))
        for number, order in run.rounds(list(loads), at_most=_ROUNDS_MAX):
            run.say(f"searches, round {number}")
            rows += [_measured(run, *loads[name], number) for name in order]
    return rows


def criteria(database: ServedDatabase, people: int) -> dict[str, str]:
    """Return the members of the search's body by criterion.

    `%n` becomes a number below n; a script chooses among several that a `|` separates.
    """
    _text, score = database.account.definitions
    return {
        "e-mail": f'"emails":["p%{people}@field.example"],',
        "phone": '"phone_number":"%phone",',
        "tag": f'"tags":["tag%{TAGS}"],',
        "custom field": f'"custom_fields":[{{"custom_field_definition_id":{score},'
        f'"value":%{SCORES}}}],',
        "nothing": "",
    }


def searching(server: HttpContender, criterion: str, page: int) -> HttpContender:
    """Return the load that searches a server for such a page."""
    return replace(
        server,
        script="search.lua",
        path=SEARCH_PATH,
        values={**server.values, "criterion": criterion, "page": page},
    )


def _measured(
    run: Run, engine: str, criterion: str, page: int, server: HttpContender, number: int
) -> SearchRow:
    for seconds in _SECONDS:
        load = server.load(1, seconds, number=run.next_load())
        if load.requests >= _ANSWERS_MIN:
            break
    if load.refused or not load.requests:
        raise Failed(f"a search by {criterion} was refused or takes longer than {seconds} s")
    return SearchRow(engine, criterion, page, number, load)
