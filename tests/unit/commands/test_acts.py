"""`onelead undo` and `onelead replay`, called in this process on a database without a server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.support.commands.database import create_batch, stored, write_all

from onelead.commands.cli import main
from onelead.domain.errors import Problem
from onelead.domain.properties import EmailPatch, LeadPatch
from onelead.domain.writes import Action, Delivery, LeadWrite
from onelead.incoming.lead_json import upsert_write

pytestmark = pytest.mark.usefixtures("restored_logging")


class Done(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out)


Call = Callable[..., Done]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Run commands in a folder with a database."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["onelead", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        assert isinstance(left.value.code, int)
        return Done(left.value.code, *capsys.readouterr())

    assert run("init", "--account", "Shop", "--email", "dana@shop.example").code == 0
    return run


def delivered(email: str, title: str) -> LeadWrite:
    """Upsert by an e-mail."""
    body = {
        "match": {"field_name": "email", "field_value": email},
        "properties": {"name": "Nora Field", "title": title},
    }
    return upsert_write(body, Delivery(f"r-{title}", None, None, json.dumps(body)))


def two_leads(folder: Path, email: str) -> None:
    """Create two leads with the same e-mail, so that an upsert by it is refused."""
    patch = LeadPatch(name="Nora Field", email=EmailPatch(email, "work"))
    write_all(folder, [LeadWrite(Action.CREATE, Delivery("r", None, None, "{}"), patch=patch)] * 2)


def test_a_row_is_undone_and_redone(tmp_path: Path, call: Call) -> None:
    create_batch(tmp_path, 1)
    planned = call("undo", "1", "--dry-run", "--json").result
    assert (planned["outcome"], planned["seq"]) == ("deleted", None)
    lead_id = planned["lead_id"]
    text = f"Ledger row 1 is undone by row 2: lead {lead_id} deleted.\n"
    assert call("undo", "1") == (0, text, "")
    assert call("undo", "1", "--json").result["outcome"] == "unchanged"
    assert call("undo", "2", "--json").result["outcome"] == "restored"


def test_an_undo_says_what_it_changed_back_and_what_it_kept(tmp_path: Path, call: Call) -> None:
    create_batch(tmp_path, 1)
    ((lead_id,),) = stored(tmp_path, "SELECT id FROM lead")
    for title in ("Buyer", "Boss"):
        patch = LeadPatch(title=title, details=f"A {title}" if title == "Buyer" else "A Buyer")
        delivery = Delivery("r", None, None, "{}")
        write_all(tmp_path, [LeadWrite(Action.UPDATE, delivery, lead_id, patch)])
    assert call("undo", "2", "--dry-run").out.splitlines() == [
        f"Undoing ledger row 2 would be: lead {lead_id} updated.",
        "  Changed back  details",
        "  Kept          title",
    ]


def test_the_undo_of_a_batch_lists_what_stays_field_by_field(tmp_path: Path, call: Call) -> None:
    create_batch(tmp_path, 1)
    ((lead_id,),) = stored(tmp_path, "SELECT id FROM lead")
    for batch_id, title in (("b2", "Buyer"), ("b3", "Boss")):
        patch = LeadPatch(title=title, details="A buyer")
        delivery = Delivery("r", None, None, "{}", batch_id=batch_id)
        write_all(tmp_path, [LeadWrite(Action.UPDATE, delivery, lead_id, patch)])
    done = call("undo", "--batch", "b2", "--json").result
    assert done["outcomes"] == {"updated": 1}
    assert done["left"] == [{"about_seq": 2, "lead_id": lead_id, "kept": ["title"], "why": None}]
    told = call("undo", "--batch", "b2").out.splitlines()
    assert told[-1] == f"  lead {lead_id} keeps title"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("undo", "7"), 1, "Resource not found"),
        (("undo", "--batch", "nope"), 1, "Resource not found"),
        (("undo", "--batch", "a b"), 1, "Resource not found"),
        (("undo", "--batch", "nope", "--dry-run"), 1, "Resource not found"),
        (("undo",), 2, "give the number of a ledger row, or --batch and an id"),
        (("undo", "1", "--batch", "b1"), 2, "give the number of a ledger row"),
        (("undo", "0"), 2, "SEQ"),
        (("replay",), 2, "say which deliveries: --open"),
        (("replay", "--open", "--match", "email"), 2, "'email' is not FIELD=VALUE"),
        (("replay", "--open", "--match", "email="), 2, "'email=' is not FIELD=VALUE"),
        (("replay", "--open", "--match", "title=x"), 1, "field_name must be name, email or custom"),
        (("replay", "--open", "--match", "77=x"), 1, "77"),
        (("replay", "--open", "--limit", "0"), 2, "--limit"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    call: Call, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = call(*arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_batch_is_undone_but_for_what_is_refused(tmp_path: Path, call: Call) -> None:
    create_batch(tmp_path, 3)
    ((lead_id,),) = stored(tmp_path, "SELECT min(id) FROM lead")
    change = LeadPatch(title="Buyer")
    write_all(
        tmp_path, [LeadWrite(Action.UPDATE, Delivery("r", None, None, "{}"), lead_id, change)]
    )
    assert call("undo", "--batch", "b1", "--dry-run").out.splitlines() == [
        "3 ledger rows would be undone, the newest first. Of all of them:",
        "  2 deleted",
        "  1 refused: undo_loses_changes",
    ]
    done = call("undo", "--batch", "b1")
    assert (done.code, done.err) == (1, "")
    lost = "was changed once since, which would be lost; undo it with force"
    assert done.out.splitlines()[1:] == [
        *("  2 deleted", "  1 refused", "Left as others have changed them since, or refused:"),
        f"  ledger row 1: Lead {lead_id} {lost}",
        "Undo even what loses later changes with: onelead undo --batch b1 --force",
    ]
    forced = call("undo", "--batch", "b1", "--force", "--json").result
    assert forced["outcomes"] == {"deleted": 1, "unchanged": 2}
    assert stored(tmp_path, "SELECT count(*) FROM lead") == [(0,)]
    # Nothing is left: the same undo is answered.
    again = call("undo", "--batch", "b1", "--json")
    assert (again.code, again.result) == (0, forced)


def test_open_deliveries_are_replayed_once_their_cause_is_gone(tmp_path: Path, call: Call) -> None:
    for email in ("a@field.example", "b@field.example"):
        two_leads(tmp_path, email)
        write_all(tmp_path, [delivered(email, "Buyer"), delivered(email, "Boss")])
    planned = call("replay", "--open", "--dry-run", "--json")
    assert planned.code == 1
    assert planned.result["outcomes"] == {"refused": 4}
    assert planned.result["batch_id"] is None
    # The newer of the leads with each e-mail goes.
    for email in ("a@field.example", "b@field.example"):
        where = f"document LIKE '%{email}%'"
        ((newer,),) = stored(tmp_path, f"SELECT max(id) FROM lead WHERE {where}")
        write_all(tmp_path, [LeadWrite(Action.DELETE, Delivery("r", None, None, ""), newer)])
    one = call("replay", "--open", "--match", "email= A@field.example", "--limit", "1", "--json")
    assert (one.code, one.result["outcomes"]) == (0, {"updated": 1})
    rest = call("replay", "--open")
    assert rest.code == 0
    assert rest.out.splitlines()[:2] == ["Replayed 3 open deliveries:", "  3 updated"]
    titles = stored(tmp_path, "SELECT title_key FROM lead")
    assert titles == [("boss",), ("boss",)]
    nothing = call("replay", "--open")
    assert (nothing.code, nothing.out) == (0, "Nothing is open.\n")
    undo = rest.out.splitlines()[-1].removeprefix("Undo it all with: onelead ")
    assert call(*undo.split(), "--json").result["outcomes"] == {"updated": 3}


def test_a_delivery_that_cannot_be_applied_stays_open(tmp_path: Path, call: Call) -> None:
    problem = Problem("base", "Unrecognized attributes specified: x", "unknown")
    delivery = Delivery("r", None, None, '{"x":1}')
    write_all(tmp_path, [LeadWrite(Action.CREATE, delivery, problems=(problem,))])
    done = call("replay", "--open", "--json")
    assert (done.code, done.result["refusals"]) == (1, {"input_invalid": 1})
    # Nothing was applied, so there is nothing to undo.
    lines = ["Replayed 1 open delivery:", "  1 refused: input_invalid"]
    assert call("replay", "--open").out.splitlines() == lines
