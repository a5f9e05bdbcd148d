"""The documents are complete and true: rooms, options, errors, limits, calls and links."""

from __future__ import annotations

import json
import re
import sqlite3
import tomllib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from typer.core import TyperGroup
from typer.main import get_command

from onelead.api.application import ENDPOINTS
from onelead.commands.cli import commands
from onelead.configuration import SECRETS, Configuration
from onelead.domain import limits
from onelead.domain.errors import (
    ClaimTaken,
    ConfigurationInvalid,
    InputInvalid,
    LeadMerged,
    MatchAmbiguous,
    OneleadError,
    ScopeMissing,
    VersionConflict,
    WriteQueueFull,
)
from onelead.domain.importing import limits as limits_of_files
from onelead.incoming.api_calls import BASE_PATH
from onelead.incoming.search_request import TRACKING_PARAMETERS, TRACKING_PREFIX
from onelead.incoming.statuses import STATUS_BY_KIND
from onelead.move_in import limits as limits_of_copper
from onelead.process.metrics import Metrics
from onelead.storage.migrate import migrate

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))

#: Options that configure the process; the rows of the commands leave them out.
CONFIGURATION_FLAGS = {f"--{field.name.replace('_', '-')}" for field in fields(Configuration)}
#: Errors whose sentence depends on what went wrong: how it begins.
BEGINNINGS = {
    ScopeMissing: "This API key has the scope",
    InputInvalid: "Invalid input: Validation errors:",
    MatchAmbiguous: "Invalid input: Multiple matches found:",
    VersionConflict: "The lead has changed in the meantime; its version is",
    LeadMerged: "Invalid input: lead",
    ClaimTaken: "Deliveries by",
    ConfigurationInvalid: "the configuration is not valid:",
}
#: Exit codes of errors that only the command line reports.
EXIT_CODES = {"configuration_invalid": "2"}
COMMAND_LINE_ONLY = {
    *("configuration_invalid", "database_newer", "database_unusable", "database_locked"),
    "not_possible",
}

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HOST = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:com|dev|io|net|org)\b", re.IGNORECASE)
KNOWN_HOSTS = {"example.com", "copper.com", "developer.copper.com", "sqlite.org"}
PATH_OF_A_MACHINE = re.compile(r"(?<![\w.}])/(?:home|root|tmp|usr|var|opt|mnt|work|Users)\b")


def test_every_room_is_on_the_map() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    code_map = page[page.index("## Code map") : page.index("## To change X")]
    named = set(re.findall(r"`([\w/]+)`", code_map))
    package = ROOT / "src" / "onelead"
    rooms = {file.parent.relative_to(package).as_posix() for file in package.rglob("*.py")}
    modules = {file.stem for file in package.glob("[!_]*.py")}
    assert (rooms - {".", *_MIGRATIONS}) | modules == named


#: Alembic's, and part of `storage`.
_MIGRATIONS = {"storage/migrations", "storage/migrations/versions"}


def test_the_picture_has_the_floors_of_the_import_rules() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    picture = page[page.index("┌") : page.index("└")]
    # A room begins one blank after a wall; its description is further in.
    drawn = [set(re.findall(r"│ (\w+)", floor)) for floor in picture.split("├")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rules = {rule["id"]: rule for rule in project["tool"]["importlinter"]["contracts"]}
    floors = [set(re.findall(r"\w+", layer)) for layer in rules["layers"]["layers"]]
    assert [{"__main__"}, *drawn] == floors


def test_every_setting_has_its_row() -> None:
    rows = _rows("configuration.md")
    for field in fields(Configuration):
        variable, default = f"`ONELEAD_{field.name.upper()}`", f"`{field.default}`"
        if field.name in SECRETS:
            assert f"| none | {variable} | {default} |" in _text(DOCS / "configuration.md")
        else:
            assert rows[f"--{field.name.replace('_', '-')}"][:2] == [variable, default]


def test_every_command_has_its_row_with_its_own_options() -> None:
    rows = _rows("configuration.md")
    documented = {name: _code_words(row[-1]) for name, row in rows.items() if " " in name}
    assert documented == dict(_commands(get_command(commands), "onelead"))


def test_every_error_has_its_row() -> None:
    rows = _rows("errors.md")
    for error in OneleadError.all():
        sentence = BEGINNINGS.get(error) or error().message
        status = str(STATUS_BY_KIND[error.kind].value)
        if error.code in COMMAND_LINE_ONLY:
            status = EXIT_CODES.get(error.code, "1")
        assert rows[error.code][:3] == [error.kind.value, status, sentence]


def test_every_described_error_exists() -> None:
    codes = {error.code for error in OneleadError.all()}
    described = {code for code, row in _rows("errors.md").items() if len(row) == len(_COLUMNS)}
    assert described == codes


_COLUMNS = ("kind", "status", "sentence", "what to do")


def test_every_limit_has_its_row_with_its_value() -> None:
    modules = (limits, limits_of_files, limits_of_copper)
    found = (pair for module in modules for pair in vars(module).items())
    figures = {name: value for name, value in found if name.isupper()}
    documented = {name: int(row[0]) for name, row in _rows("limits.md").items()}
    assert documented == figures


@pytest.mark.parametrize(
    ("page", "name"),
    [
        (Path(limits.__file__), "^([A-Z_]+) = "),
        (DOCS / "limits.md", r"^\| `([A-Z_]+)`"),
        (DOCS / "errors.md", r"^\| `([a-z_]+)`"),
        (DOCS / "configuration.md", r"^\| `([^`]+)`"),
    ],
)
def test_nothing_is_defined_twice(page: Path, name: str) -> None:
    """The second definition would win silently."""
    names = re.findall(name, page.read_text(), re.MULTILINE)
    assert len(names) > 20
    assert sorted(names) == sorted(set(names))


def test_sentences_with_numbers_are_those_of_the_program() -> None:
    sentences = {
        "api.md": [WriteQueueFull().message],
        "errors.md": [
            f"The headers took longer than {limits.REQUEST_HEADERS_TIMEOUT_S} seconds",
            f"The headers are larger than {limits.REQUEST_HEADERS_BYTES_MAX} bytes",
            f"Request size too large, limit is {limits.BULK_LEADS_MAX}",
        ],
        "operating-sqlite.md": [
            f"answered with 503 after {limits.COMMIT_TIMEOUT_S} seconds",
            f"takes longer than {limits.STOP_TIMEOUT_S} seconds is cut off",
        ],
    }
    for page, expected in sentences.items():
        assert [sentence for sentence in expected if sentence not in _text(DOCS / page)] == []


def test_every_metric_has_its_row() -> None:
    page = Metrics().page().decode()
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", page, re.MULTILINE))
    described = {
        name: row[0].split()[0]
        for name, row in _rows("metrics.md").items()
        if name.startswith(("onelead_", "process_"))
    }
    assert described == types


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = [*project["dependencies"]]
    for extra, more in project["optional-dependencies"].items():
        entries += [] if extra in {"bench", "dev"} else more
    names = {re.split(r"[\[<>=]", entry)[0] for entry in entries}
    rows = _rows("dependencies.md")
    assert rows.keys() == names
    assert all(row[-1].startswith("it ") for row in rows.values())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_row_of_a_table_has_the_cells_of_its_head(page: Path) -> None:
    cells = 0
    for line in _text(page).splitlines():
        found = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not (cells and found) or found == cells, line
        cells = found


@pytest.mark.parametrize(
    "call", [f"{e.method} {e.path}" for e in ENDPOINTS if not e.is_copper], ids=str
)
def test_every_endpoint_beyond_copper_is_described(call: str) -> None:
    assert f"`{call}`" in _text(DOCS / "api.md")


def test_every_call_in_the_documents_exists() -> None:
    served = {f"{endpoint.method} {endpoint.path}" for endpoint in ENDPOINTS}
    pages = {"GET /docs", "GET /openapi.json", "GET /healthz", "GET /readyz", "GET /metrics"}
    absent = {"POST /leads/{id}/convert", "POST /leads/{id}/activities"}
    for page in PAGES:
        called = re.findall(r"`((?:GET|POST|PUT|DELETE) /\S+)`", _text(page))
        unknown = {call.replace(BASE_PATH, "") for call in called} - served - pages - absent
        assert unknown == set(), page


def test_every_tracking_parameter_is_named() -> None:
    page = _text(DOCS / "api.md")
    assert [
        name for name in {*TRACKING_PARAMETERS, TRACKING_PREFIX} if f"`{name}`" not in page
    ] == []


def test_the_base_url_is_the_one_that_is_served() -> None:
    assert f"`http://{Configuration.host}:{Configuration.port}{BASE_PATH}`" in _text(
        DOCS / "api.md"
    )


def test_every_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", _text(ROOT / "Makefile"), re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"(?:`|^)make ([a-z-]+)", _text(page), re.MULTILINE)
        assert set(named) <= targets, page


def test_every_folder_of_tests_is_described() -> None:
    folders = {
        f"tests/{entry.name}"
        for entry in (ROOT / "tests").iterdir()
        if entry.is_dir() and any(entry.rglob("test_*.py"))
    }
    described = {name for name in _rows(ROOT / "CONTRIBUTING.md") if (ROOT / name).is_dir()}
    assert folders <= described


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_resolves(page: Path) -> None:
    for target in LINK.findall(_without_code(_text(page))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_relative_to(ROOT), target
        assert linked.exists(), target
        assert not anchor or anchor in _anchors(linked), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_page_names_a_path_of_a_machine_or_an_unknown_host(page: Path) -> None:
    text = _text(page)
    assert PATH_OF_A_MACHINE.findall(text) == []
    assert {host.lower() for host in HOST.findall(text)} <= KNOWN_HOSTS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_json_example_is_readable(page: Path) -> None:
    for example in _blocks(page, "json"):
        json.loads(example)


def test_every_sql_example_runs(tmp_path: Path) -> None:
    database = tmp_path / "onelead.db"
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()
    examples = _blocks(DOCS / "operating-sqlite.md", "sql")
    assert examples
    with closing(sqlite3.connect(database)) as driver:
        for example in examples:
            assert driver.execute(example).fetchall() == []


def test_the_decisions_are_numbered_without_a_gap() -> None:
    numbers = [page.name[:4] for page in DECISIONS]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name) for page in DECISIONS)


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_every_decision_has_the_four_parts(page: Path) -> None:
    title, *parts = re.split(r"^##? ", _text(page), flags=re.MULTILINE)[1:]
    assert title.startswith(f"{page.name[:4]}: ")
    contents = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}
    assert list(contents) == ["Context", "Decision", "Consequences", "Alternatives"]
    assert all(contents.values())
    # One sentence that can be quoted.
    assert re.fullmatch(r"> [^\n]+[^.\n]\.", contents["Decision"])
    assert contents["Alternatives"].startswith("- ")


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _rows(page: str | Path) -> dict[str, list[str]]:
    """Return the table rows that begin with a `name`, by that name."""
    rows = {}
    for line in _text(DOCS / page).splitlines():
        first, *rest = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and (name := re.match("`([^`]+)`", first)):
            rows[name.group(1)] = rest
    return rows


def _code_words(text: str) -> set[str]:
    return set(re.findall("`([^`]+)`", text))


def _commands(command: Any, name: str) -> Iterator[tuple[str, set[str]]]:
    """Return every command with its options, those of the configuration left out."""
    if isinstance(command, TyperGroup):
        for sub_name, sub_command in command.commands.items():
            yield from _commands(sub_command, f"{name} {sub_name}")
    else:
        flags = {flag for option in command.params for flag in option.opts if flag[:2] == "--"}
        yield name, flags - CONFIGURATION_FLAGS - {"--help"}


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", _text(page), re.DOTALL | re.MULTILINE)


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
