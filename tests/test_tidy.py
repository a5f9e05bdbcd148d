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
