"""`onelead prove` against real processes: it passes on the engines.

It fails without the lane, without the rule by which a repeated upsert finds its lead, when the
answers to acts are not true, and when a read shows what is past.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.support.storage.databases import Database, PostgresqlDatabase
from tests.support.storage.postgresql_server import PostgresqlServer

from onelead.configuration import Configuration, load_configuration
from onelead.domain.errors import NotPossible
from onelead.domain.writes import Action
from onelead.prove import report
from onelead.prove.operations import ReadKind
from onelead.prove.options import Options
from onelead.prove.run import Outcome, Progress, prove

pytestmark = pytest.mark.slow

KINDS = {
    *("upsert by e-mail", "upsert by name", "upsert by custom field", "update"),
    *("merge", "undo", "replay", "ruling", "separate", "keyed upsert"),
    *(ReadKind.LEAD, ReadKind.HISTORY, ReadKind.SEARCH, ReadKind.LIST),
}
#: So few that a short proof has acts of all kinds: people act in one of two families.
PEOPLE = 10
LANELESS, FORGETFUL, CARELESS, STALE = (
    (sys.executable, str(Path(__file__).parent / name))
    for name in ("laneless.py", "forgetful.py", "careless.py", "stale.py")
)


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first server keeps how to sign in where it was started."""
    monkeypatch.chdir(tmp_path)


def configuration_of(database: Database) -> Configuration:
    if isinstance(database, PostgresqlDatabase):
        place = conninfo_to_dict(database.address)
        url = "postgresql://{user}@{host}:{port}/{dbname}".format_map(place)
    else:
        url = database.address.replace("sqlite:", "sqlite:///", 1)
    return load_configuration({"database": url}, {})


def proof(database: Database, **options: Any) -> Outcome:
    progress: list[Progress] = []
    options = {"seed": 7, "processes": 2, "clients": 32, "seconds": 2.0} | options
    outcome = prove(configuration_of(database), Options(**options), progress.append)
    assert [progress[0].phase, progress[-1].phase] == ["starting", "checking"]
    return outcome


def kept(make: Callable[[int], Outcome], *, has_kills: bool = False) -> Outcome:
    """Return the last of some proofs that tried everything; the promise must be kept in each.

    If the machine stalls, a proof may be over before enough was sent; the next one takes longer.
    """
    kinds: set[str] = set()
    for attempt in range(1, 6):
        outcome = make(attempt)
        assert outcome.verdict.is_kept, "\n".join(report.verdict_lines(outcome.verdict))
        was_killed = outcome.happened.kills > 0 and outcome.recorded.broken > 0
        kinds |= {row[0] for row in report.rows(outcome)}
        if kinds >= KINDS and was_killed == has_kills:
            return outcome
    raise AssertionError(report.summary(outcome))


def test_the_promise_is_kept(database: Database) -> None:
    kept(lambda attempt: proof(database, people=PEOPLE, seconds=2.0 * attempt))


def test_it_is_kept_when_processes_are_killed(database: Database) -> None:
    outcome = kept(
        lambda attempt: proof(database, people=PEOPLE, kill=True, seconds=4.0 * attempt),
        has_kills=True,
    )
    assert f"{outcome.happened.kills} kill" in report.summary(outcome)


def test_it_is_kept_when_processes_stand_still(database: Database) -> None:
    for attempt in range(1, 6):
        outcome = proof(database, people=PEOPLE, pause=True, seconds=12.0 * attempt, seed=attempt)
        assert outcome.verdict.is_kept, "\n".join(report.verdict_lines(outcome.verdict))
        # One that is longer than a transaction may wait is drawn in nearly every run.
        if outcome.happened.long_pauses:
            break
    assert f"{outcome.happened.pauses} pause" in report.summary(outcome)
    assert report.machine(outcome)["long_pauses"] == outcome.happened.long_pauses > 0


def test_it_is_kept_when_the_database_server_crashes() -> None:
    with PostgresqlServer(durable=True) as server:
        configuration = load_configuration({"database": server.url()}, {})
        options = Options(seed=1, processes=2, clients=16, seconds=10.0, kill_database=True)
        outcome = prove(configuration, options, lambda _progress: None)
    assert outcome.verdict.is_kept, "\n".join(report.verdict_lines(outcome.verdict))
    happened = outcome.happened
    assert happened.database_crashes > 0
    assert happened.sessions_ended == 0
    assert "database crash" in report.summary(outcome)


def test_where_it_may_not_be_crashed_its_sessions_are_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_pid: int, _number: int) -> None:
        raise PermissionError

    monkeypatch.setattr("onelead.prove.drive.disturbances.os.kill", refuse)
    with closing(PostgresqlDatabase()) as database:
        outcome = proof(database, kill_database=True, seconds=8.0)
    assert outcome.verdict.is_kept, "\n".join(report.verdict_lines(outcome.verdict))
    assert outcome.happened.sessions_ended > 0
    assert outcome.happened.database_crashes == 0
    assert "its sessions were ended instead of crashing it" in report.summary(outcome)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_database_that_is_a_file_crashes_with_the_process_that_writes_it(
    engine: str, tmp_path: Path
) -> None:
    configuration = load_configuration({"database": f"sqlite:///{tmp_path}/onelead.db"}, {})
    options = Options(seed=1, clients=16, seconds=8.0, kill_database=True)
    outcome = prove(configuration, options, lambda _progress: None)
    assert outcome.verdict.is_kept, "\n".join(report.verdict_lines(outcome.verdict))
    assert outcome.happened.database_crashes > 0
    assert "SQLite writes in the process that serves" in report.summary(outcome)


def test_reads_that_show_what_is_past_are_found(database: Database) -> None:
    for seed in range(7, 12):
        outcome = proof(database, command=STALE, processes=1, people=20, seconds=2.0, seed=seed)
        violations = outcome.verdict.reads.violations
        if violations:
            assert not outcome.verdict.is_kept
            # Nothing else is wrong.
            assert outcome.verdict.unexplained == []
            assert outcome.verdict.stored == []
            assert any(text.startswith("reads:") for text in report.verdict_lines(outcome.verdict))
            return
    raise AssertionError("\n".join(report.verdict_lines(outcome.verdict)))


def test_without_the_lane_the_duplicates_are_found(database: Database) -> None:
    for seed in range(7, 12):
        outcome = proof(database, command=LANELESS, people=20, seconds=2.5, seed=seed)
        assert not outcome.verdict.is_kept
        assert report.machine(outcome)["violations"]
        if creations(outcome):
            return
        # Other failures without the lane may end the replay before the first duplicate.
    raise AssertionError("\n".join(report.verdict_lines(outcome.verdict)))


def test_upserts_that_do_not_find_their_leads_again_are_found(database: Database) -> None:
    for seed in range(7, 12):
        outcome = proof(database, command=FORGETFUL, processes=1, seconds=2.0, seed=seed)
        if creations(outcome) and outcome.verdict.repeats.violations:
            assert not outcome.verdict.is_kept
            assert any(
                text.startswith("repeated:") for text in report.verdict_lines(outcome.verdict)
            )
            return
        # On a busy machine hardly any upsert comes again that has given its lead another value.
    raise AssertionError("\n".join(report.verdict_lines(outcome.verdict)))


@pytest.mark.parametrize("engine", ["sqlite"])
def test_untrue_answers_to_acts_are_found(engine: str, tmp_path: Path) -> None:
    configuration = load_configuration({"database": f"sqlite:///{tmp_path}/onelead.db"}, {})
    wanted = {
        *("is not what was sent", "is not in the ledger", "Ledger-Row is", "title is 'Merged'"),
        *("lead_id is 1,", "Lead-Merged-Into is None"),
    }
    for seed in range(7, 12):
        options = Options(seed, command=CARELESS, processes=1, people=5, seconds=3.0)
        verdict = prove(configuration, options, lambda _progress: None).verdict
        texts = [*verdict.deliveries, *(text for _operation, text in verdict.unexplained)]
        wanted = {part for part in wanted if not any(part in text for text in texts)}
        if not wanted:
            return
    raise AssertionError(wanted)


def creations(outcome: Outcome) -> list[Any]:
    """Return the upserts that are shown to have created although the lead existed.

    Shown by their answers, or by the ledger up to its first gap: without the lane it gets gaps.
    """
    verdict = outcome.verdict
    pairs = [
        pair
        for pair in (one.operations for one in verdict.contradictions)
        if [one.action for one in pair] == [Action.UPSERT] * 2
        and all(one.answer and one.answer.outcome == "created" for one in pair)
    ]
    alone = [
        operation
        for operation, difference in verdict.unexplained
        if difference.startswith("Lead-Outcome is created, should be ")
    ]
    return [*pairs, *alone]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_one_process_serves_a_sqlite_file(engine: str, tmp_path: Path) -> None:
    configuration = load_configuration({"database": f"sqlite:///{tmp_path}/new/onelead.db"}, {})
    options = Options(seed=1, seconds=2.0, clients=4)
    outcome = prove(configuration, options, lambda _progress: None)
    assert (outcome.verdict.is_kept, outcome.processes) == (True, 1)
    assert "to 1 process, as SQLite allows one, in" in report.summary(outcome)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("raise SystemExit('no room')", "a server did not start\n  no room"),
        (
            "import time; print('Base URL http://[::1]:9/', flush=True); time.sleep(0.2); 1 / 0",
            "a server ended unexpectedly\n  Traceback",
        ),
    ],
)
def test_a_process_that_fails_ends_the_proof_with_what_it_logged(
    tmp_path: Path, program: str, message: str
) -> None:
    configuration = load_configuration({"database": f"sqlite:///{tmp_path}/onelead.db"}, {})
    options = Options(seed=1, seconds=30, clients=2, command=(sys.executable, "-c", program))
    with pytest.raises(NotPossible, match=re.escape(message)):
        prove(configuration, options, lambda _progress: None)
