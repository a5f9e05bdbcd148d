"""`onelead import` as a person meets it: it looks, writes, reports, and goes on after a kill."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from tests.support.commands.database import stored as rows
from tests.support.commands.process import refusal, run, run_json, wait_until
from tests.support.files.imports import csv_file, people

from onelead.commands.running import EXIT_INTERRUPTED

COUNT = 12_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run_json(tmp_path, "init", "--account", "Shop Ltd", "--email", "dana@shop.example")
    return tmp_path


def test_a_file_is_looked_at_imported_reported_and_taken_back(folder: Path) -> None:
    lines = [*people(3), "p0@field.example,Nora Field,Head", "p9@field.example,Ida,,beyond"]
    csv_file(folder, *lines)
    told = refusal(run(folder, "import", "leads.csv"), 1)
    assert told.startswith("there is nobody to ask: add --yes")
    looked = run(folder, "import", "leads.csv", "--match", "email", "--dry-run")
    assert looked.returncode == 1
    assert "5 rows would be: 3 created, 1 updated, 1 refused" in looked.stdout
    assert rows(folder, "SELECT count(*) FROM ledger WHERE resource = 'lead'") == [(0,)]
    options = ("--match", "email", "--source", "Fair 2026", "--report", "out.csv", "--yes")
    done = run(folder, "import", "leads.csv", *options)
    assert (done.returncode, done.stderr) == (1, "")
    assert "Import 1 is done: 3 created, 1 updated, 1 refused." in done.stdout
    assert (folder / "out.csv").read_text().splitlines()[4].startswith("5,updated,10000000")
    refused = (folder / "out.refused.csv").read_text()
    (folder / "mended.csv").write_text(refused.replace(",beyond", ""))
    mended = run_json(folder, "import", "mended.csv", "--match", "email", "--yes")
    assert mended["counts"] == {"created": 1}
    again = run(folder, "import", "leads.csv", "--source", "fair 2026", "--match", "email", "--yes")
    assert "Import 3 is done: 1 refused, 4 done before." in again.stdout
    assert "--again" not in again.stdout
    listed = json.loads(run(folder, "import", "--list", "--json").stdout)
    assert [(one["import"], one["state"]) for one in listed] == [
        (3, "done"),
        (2, "done"),
        (1, "done"),
    ]
    undone = run(folder, "import", "--undo", "1")
    assert "3 deleted" in undone.stdout
    listed = json.loads(run(folder, "import", "--list", "--json").stdout)
    assert [bool(one["undo"]) for one in listed] == [False, False, True]
    options = ("--source", "Fair 2026", "--match", "email", "--yes", "--again", "--json")
    assert json.loads(run(folder, "import", "leads.csv", *options).stdout)["counts"]["created"] == 3


@pytest.mark.slow
def test_what_is_open_ends_it_before_anything_is_written(folder: Path) -> None:
    csv_file(folder, "Name,Value", "Nora Field,1.234", "Ida Roe,2.345")
    told = run(folder, "import", "leads.csv", "--yes")
    assert told.returncode == 1
    assert "nothing was imported" in told.stderr
    assert "add --decimal , or --decimal ." in told.stderr
    assert rows(folder, "SELECT count(*) FROM file_import") == [(0,)]
    done = run_json(folder, "import", "leads.csv", "--yes", "--decimal", ",")
    assert done["counts"] == {"created": 2}


@pytest.mark.slow
def test_a_terminal_is_asked_even_before_a_dry_run(folder: Path) -> None:
    csv_file(folder, "Name,Value", "Nora Field,1.234", "Ida Roe,2.345")
    looked = in_terminal(folder, "1\n2\n", "leads.csv", "--dry-run")
    assert "The first rows would be:\n  line 2: created Nora Field (Currency: USD, Val" in looked
    assert "2 rows would be: 2 created" in looked
    done = in_terminal(folder, "1\n2\ny\n", "leads.csv", "--report", "out.csv")
    assert "Import 1 is done: 2 created." in done


def in_terminal(folder: Path, typed: str, *arguments: str) -> str:
    """Run the command in a terminal where somebody types; return what it prints."""
    terminal, keyboard = os.openpty()
    try:
        os.write(terminal, typed.encode())
        command = (sys.executable, "-m", "onelead", "import", *arguments)
        done = subprocess.run(
            command, cwd=folder, stdin=keyboard, capture_output=True, text=True, check=True
        )
    finally:
        os.close(terminal)
        os.close(keyboard)
    return done.stdout


@pytest.mark.slow
def test_mistakes_are_told_in_a_line(folder: Path) -> None:
    assert "there is no file" in refusal(run(folder, "import", "none.csv", "--yes"), 1)
    csv_file(folder, "Name", "Nora Field")
    assert "one of: a file" in refusal(run(folder, "import"), 2)
    call = run(folder, "import", "leads.csv", "--match", "Shoe size", "--yes")
    assert "no field and no column is called" in call.stderr
    assert refusal(run(folder, "import", "--resume", "7"), 1) == "Resource not found"
    call = run(folder, "import", "leads.csv", "--yes", "--report", "nowhere/out.csv")
    assert "nowhere/out.csv cannot be written" in refusal(call, 1)
    (folder / "out.refused.csv").touch()
    call = run(folder, "import", "leads.csv", "--yes", "--report", "out.csv")
    assert "out.refused.csv exists already" in refusal(call, 1)
    assert rows(folder, "SELECT count(*) FROM file_import") == [(0,)]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_it_goes_on_after_it_was_ended(folder: Path, number: signal.Signals) -> None:
    csv_file(folder, *people(COUNT))
    command = [sys.executable, "-m", "onelead", "import", "leads.csv", "--yes"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as process:
        wait_until(partial(_has_leads, folder))
        process.send_signal(number)
        process.wait()
    # It waits for a process that might be alive, and says so.
    done = json.loads(run(folder, "import", "--resume", "1", "--json").stdout)
    assert (done["state"], done["counts"]) == ("done", {"created": COUNT})
    assert rows(
        folder, "SELECT count(*), count(DISTINCT resource_id) FROM ledger WHERE resource = 'lead'"
    ) == [(COUNT, COUNT)]


@pytest.mark.slow
def test_an_import_whose_file_is_gone_has_failed_and_can_be_undone(folder: Path) -> None:
    csv_file(folder, *people(COUNT))
    command = [sys.executable, "-m", "onelead", "import", "leads.csv", "--yes"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as process:
        wait_until(partial(_has_leads, folder))
        process.send_signal(signal.SIGTERM)
        assert process.wait() == EXIT_INTERRUPTED
    (folder / "leads.csv").rename(folder / "later.csv")
    told = refusal(run(folder, "import", "--resume", "1"), 1)
    assert told.endswith("go on with: onelead import --resume 1")
    (listed,) = json.loads(run(folder, "import", "--list", "--json").stdout)
    assert listed["state"] == "failed"
    assert "cannot be read" in listed["message"]
    # As if a process was at it.
    with closing(sqlite3.connect(folder / "data" / "onelead.db")) as connection, connection:
        connection.execute("UPDATE file_import SET state = 'running'")
    assert "deleted" in run(folder, "import", "--undo", "1").stdout
    assert rows(folder, "SELECT state FROM file_import") == [("stopped",)]
    assert rows(folder, "SELECT count(*) FROM lead") == [(0,)]


def _has_leads(folder: Path) -> bool:
    return int(rows(folder, "SELECT count(*) FROM lead")[0][0]) > 500
