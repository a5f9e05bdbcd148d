"""`onelead move-in copper`, called in this process with a stand-in of Copper that listens."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.support.commands.database import stored
from tests.support.copper.stand_in import EMAIL, KEY, StandIn, refused

from onelead.commands.cli import main

pytestmark = pytest.mark.usefixtures("restored_logging")


class Done(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Call = Callable[..., Done]


@pytest.fixture
def there() -> StandIn:
    copper = StandIn()
    for number in range(1, 6):
        copper.add(number, title="Buyer")
    return copper


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Run commands in a folder with a database, with the key in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONELEAD_COPPER_API_KEY", KEY)
    # The log says as much as it can; the key is not in it.
    monkeypatch.setenv("ONELEAD_LOG_LEVEL", "debug")

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["onelead", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        assert isinstance(left.value.code, int)
        done = Done(left.value.code, *capsys.readouterr())
        assert KEY not in done.out + done.err
        return done

    assert run("init", "--account", "Shop", "--email", EMAIL).code == 0
    return run


def move_in(call: Call, there: StandIn, *options: str) -> Done:
    with there.listening() as url:
        return call("move-in", "copper", "--email", EMAIL, "--base-url", url, *options)


def test_it_says_what_it_would_do_and_does_it(call: Call, there: StandIn, tmp_path: Path) -> None:
    tried = move_in(call, there, "--dry-run")
    assert tried.code == 0
    assert 'The Copper account "Shop Ltd" has 5 leads' in tried.out
    assert "To bring: 5 new, 0 changed" in tried.out
    assert tried.out.endswith("Nothing was written.\n")
    assert stored(tmp_path, "SELECT count(*) FROM ledger") == [(0,)]
    done = move_in(call, there, "--yes", "--source", "Old CRM")
    assert done.code == 0
    assert "Moved in, as the source Old CRM:\n  5 created" in done.out
    assert "5 leads compared field by field, 0 differ" in done.out
    batch = done.out.rsplit(maxsplit=1)[-1]
    again = move_in(call, there, "--yes", "--source", "Old CRM")
    assert "  5 not changed there" in again.out
    assert "Undo the leads" not in again.out
    assert call("undo", "--batch", batch).code == 0
    assert stored(tmp_path, "SELECT count(*) FROM lead") == [(0,)]


def test_it_asks_before_it_writes(
    call: Call, there: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for answer, leads in (("n", 0), ("y", 5)):
        monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
        done = move_in(call, there)
        assert "Bring these leads?" in done.out
        assert stored(tmp_path, "SELECT count(*) FROM lead") == [(leads,)]


def test_scripts_get_json(call: Call, there: StandIn) -> None:
    done: Any = json.loads(move_in(call, there, "--yes", "--json").out)
    assert done["forecast"]["new"] == 5
    assert done["brought"]["outcomes"] == {"created": 5}
    assert done["brought"]["comparison"]["gone"] == []
    tried: Any = json.loads(move_in(call, there, "--dry-run", "--json").out)
    assert (tried["forecast"]["unchanged"], tried["brought"]) == (5, None)


def test_since_brings_only_later_changes(call: Call, there: StandIn) -> None:
    done = move_in(call, there, "--yes", "--since", "2020-09-13T12:31:40+00:00")
    assert "3 created" in done.out


def test_a_key_that_copper_does_not_know_is_a_failure(call: Call, there: StandIn) -> None:
    there.on_request = lambda _number: refused(401, "Unauthorized")
    done = move_in(call, there, "--yes")
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith(
        'onelead: Copper does not know this key with this e-mail (401: "Unauthorized")\n'
    )


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ((), 1, "add --yes, or --dry-run"),
        (("--dry-run", "--since", "soon"), 2, "is not a day"),
        (("--dry-run", "--base-url", "http://copper.example"), 1, "https://"),
        (("--dry-run", "--source", ""), 2, "source"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_asked(
    call: Call, options: tuple[str, ...], code: int, text: str
) -> None:
    done = call("move-in", "copper", "--email", EMAIL, *options)
    assert (done.code, done.out) == (code, "")
    assert text in done.err


def test_without_a_key_and_a_terminal_it_says_where_to_put_it(
    call: Call, there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ONELEAD_COPPER_API_KEY")
    done = move_in(call, there, "--yes")
    assert (done.code, done.out) == (1, "")
    assert "ONELEAD_COPPER_API_KEY" in done.err
    assert there.requests == []
