"""What `onelead import` does with a store: it looks, rehearses, writes, reports, and goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.files.imports import csv_file, people
from tests.support.storage.account_store import AccountStore

from onelead.commands import import_run
from onelead.commands.import_run import Wanted
from onelead.commands.running import EXIT_FAILED
from onelead.contract.imports import ImportChange, ImportState
from onelead.domain.errors import NotPossible

NOTHING: dict[str, Any] = dict.fromkeys(
    (
        *("file", "resume", "mode", "mapping", "dates", "decimal", "blank", "country"),
        *("encoding", "separator", "sheet", "report"),
    )
)


@pytest.fixture(autouse=True)
def _usual_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_run, "collect_garbage_rarely", lambda: None)


def wanted(**given: Any) -> Wanted:
    """Return what is wanted without a terminal: an import by e-mail, without asking."""
    usual: dict[str, Any] = {"match": ("email",), "source": "", "yes": True, "dry_run": False}
    usual |= {"keep_filled": False, "again": False, "as_json": False}
    return Wanted(**{**NOTHING, **usual, **given})


async def done(account: AccountStore, asked: Wanted) -> int:
    import_run.require_answers(asked)
    return await import_run.run(account.store, account.account_id, asked)


async def test_rows_are_written_and_reported(
    account: AccountStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [*people(3), "p0@field.example,Nora Field,Head", "p9@field.example,Ida,,beyond"]
    file, report = csv_file(tmp_path, *lines), tmp_path / "out.csv"
    asked = wanted(file=file, report=report, source="Fair", blank="leaves", country="DE")
    assert await done(account, asked) == EXIT_FAILED
    printed = capsys.readouterr().out
    assert "Import 1 is done: 3 created, 1 updated, 1 refused." in printed
    assert len(report.read_text().splitlines()) == 6
    refused = (tmp_path / "out.refused.csv").read_text().splitlines()
    assert refused[1].startswith("p9@field.example,Ida,,")
    assert len(await account.leads()) == 3
    with pytest.raises(NotPossible, match="exists already"):
        await done(account, asked)


async def test_a_dry_run_says_what_would_happen_and_writes_nothing(
    account: AccountStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = csv_file(tmp_path, *people(3))
    assert await done(account, wanted(file=file, dry_run=True, yes=False)) == 0
    assert "3 rows would be: 3 created" in capsys.readouterr().out
    mapping = tmp_path / "mapping.json"
    assert await done(account, wanted(file=file, dry_run=True, as_json=True)) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["dry_run"]["counts"] == {"created": 3}
    mapping.write_text(json.dumps(told))
    assert (
        await done(account, wanted(file=file, mapping=str(mapping), mode="update")) == EXIT_FAILED
    )
    assert await account.leads() == []


async def test_it_goes_on_where_it_was_left(
    account: AccountStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = csv_file(tmp_path, *people(3))
    assert await done(account, wanted(file=file, as_json=True)) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"created": 3}
    again = ImportChange(state=ImportState.STOPPED, line=0, counts={})
    await account.store.change_import(account.account_id, 1, again, only_in=(ImportState.DONE,))
    assert await done(account, wanted(resume=1)) == 0
    assert "Import 1 is done: 3 created." in capsys.readouterr().out
    with pytest.raises(NotPossible, match="there is nothing to go on with"):
        await done(account, wanted(resume=1))


async def test_what_stops_it_is_said_before_anything_is_written(
    account: AccountStore, tmp_path: Path
) -> None:
    file = csv_file(tmp_path, "Name,Value", "Nora Field,1.234", "Ida Roe,2.345")
    with pytest.raises(NotPossible, match="--decimal"):
        await done(account, wanted(file=file, match=()))
    for asked, why in (
        (wanted(file=tmp_path / "none.csv"), "there is no file"),
        (wanted(file=file, yes=False), "there is nobody to ask"),
        (wanted(file=file, match=("Shoe size",)), "no field and no column"),
        (wanted(file=file, mapping="Monday"), "no saved mapping"),
    ):
        with pytest.raises(NotPossible, match=why):
            await done(account, asked)
    assert await account.store.file_imports(account.account_id, limit=1) == []


async def test_an_import_whose_file_is_gone_has_failed(
    account: AccountStore, tmp_path: Path
) -> None:
    file = csv_file(tmp_path, *people(3))
    await done(account, wanted(file=file))
    running = ImportChange(state=ImportState.RUNNING)
    await account.store.change_import(account.account_id, 1, running, only_in=(ImportState.DONE,))
    file.unlink()
    with pytest.raises(NotPossible, match="go on with: onelead import --resume 1"):
        await done(account, wanted(resume=1))
    one = await account.store.file_import(account.account_id, 1)
    assert one.state is ImportState.FAILED
    assert "cannot be read" in (one.message or "")
