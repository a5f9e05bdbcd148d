"""The rules of the house that no tool checks: sizes, names, and what a module may reach for."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "onelead"
SOURCE_FILES = sorted((ROOT / "src").rglob("*.py"))
ALL_FILES = SOURCE_FILES + sorted((ROOT / "tests").rglob("*.py"))

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
FOLDER_FILES_MAX = 25
VAGUE_NAMES = {"utils", "helpers", "common", "services", "repositories", "managers"}
PUT_OFF = re.compile(r"\b(TO[D]O|FIX[M]E)\b")  # the brackets keep this line from matching itself
ENVIRONMENT = re.compile(r"\bos\.(environ|getenv)\b|from os import .*\b(environ|getenv)\b")
CLOCK = re.compile(
    r"\bdatetime\.(now|utcnow)\b|\bdate\.today\b|\btime\.(time|time_ns|monotonic|perf_counter)\("
)
#: What runs or revives what comes from outside.
DANGEROUS = re.compile(
    r"(?<![\w.])(?:eval|exec)\(|\bos\.(?:system|popen)\b|\bshell=True"
    r"|(?:import|from) (?:pickle|marshal|shelve|yaml|xml|lxml)\b"
)
#: An import and the process of its own that prepares its rows.
PICKLERS = {"files/imports/prepared.py", "files/imports/prepare_program.py"}
WEAK_HASH = re.compile(r"\b(?:md5|sha1)\b", re.IGNORECASE)
#: Clients for other servers; the driver of PostgreSQL has an import rule of its own.
CLIENT = re.compile(
    r"(?:import|from) (?:httpx2?|authlib|aiohttp|requests|ftplib|smtplib|urllib\.request"
    r"|http\.client|urllib3)\b|\b(?:create_connection|open_connection)\("
)
#: They call the server that they test or feed, the provider that the operator names, and Copper.
CALLERS = {
    *("prove/drive/http_connection.py", "demo/stream.py", "process/company_provider.py"),
    "move_in/copper_api.py",
}
RANDOM = re.compile(r"(?:import|from) random\b")
#: `app` and the store draw the pauses before another try; the others make up people.
DICE = ("app.py", "storage/postgresql/store.py", "prove/", "demo/")


def test_there_is_source_to_check() -> None:
    assert SOURCE_FILES


def test_every_module_says_what_it_is_in_charge_of() -> None:
    assert [_name(file) for file in ALL_FILES if not ast.get_docstring(_parsed(file))] == []


def test_no_file_is_too_long() -> None:
    lengths = {_name(file): len(_text(file).splitlines()) for file in ALL_FILES}
    assert {name: n for name, n in lengths.items() if n > FILE_LINES_MAX} == {}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{_name(file)}:{function.lineno} {function.name}": _lines_without_docstring(function)
        for file in ALL_FILES
        for function in _functions(file)
    }
    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES_MAX} == {}


def test_no_module_has_a_vague_name() -> None:
    assert [
        _name(file)
        for file in ALL_FILES
        if VAGUE_NAMES & set(file.relative_to(ROOT).with_suffix("").parts)
    ] == []


def test_no_folder_is_a_corridor() -> None:
    files = Counter(_name(file.parent) for file in ALL_FILES if file.name != "__init__.py")
    assert {name: n for name, n in files.items() if n > FOLDER_FILES_MAX} == {}


def test_nothing_is_put_off() -> None:
    assert _lines_with(PUT_OFF, ALL_FILES) == []


def test_only_the_configuration_reads_the_environment() -> None:
    others = [file for file in SOURCE_FILES if file != PACKAGE / "configuration.py"]
    assert _lines_with(ENVIRONMENT, others) == []


def test_the_domain_has_no_clock_of_its_own() -> None:
    domain = [file for file in SOURCE_FILES if file.is_relative_to(PACKAGE / "domain")]
    assert domain
    assert _lines_with(CLOCK, domain) == []


def test_nothing_from_outside_is_run_or_revived() -> None:
    found = {line.partition(":")[0] for line in _lines_with(DANGEROUS, SOURCE_FILES)}
    assert found == {f"src/onelead/{name}" for name in PICKLERS}


def test_no_hash_is_weak() -> None:
    assert _lines_with(WEAK_HASH, SOURCE_FILES) == []


def test_only_known_modules_call_another_server() -> None:
    found = {line.partition(":")[0] for line in _lines_with(CLIENT, SOURCE_FILES)}
    assert found == {f"src/onelead/{name}" for name in CALLERS}


def test_secrets_are_not_drawn_like_dice() -> None:
    found = [line.removeprefix("src/onelead/") for line in _lines_with(RANDOM, SOURCE_FILES)]
    assert found
    assert [line for line in found if not line.startswith(DICE)] == []


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@cache
def _parsed(file: Path) -> ast.Module:
    return ast.parse(_text(file))


def _functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_parsed(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _lines_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = _line_count(function)
    return lines - _line_count(function.body[0]) if ast.get_docstring(function) else lines


def _line_count(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _lines_with(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    return [
        f"{_name(file)}:{number} {line.strip()}"
        for file in files
        for number, line in enumerate(_text(file).splitlines(), start=1)
        if pattern.search(line)
    ]
