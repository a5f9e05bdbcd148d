"""The lock files pin everything that pyproject.toml asks for, with hashes, in the same versions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from supply_chain.lock import LOCKS, ROOT, for_this_machine, read_lock

FILES = ["serve.txt", "company.txt", "test.txt", "bench.txt"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ADDRESS = re.compile(r"https?:|//|--(extra-)?index|--find-links|@")


def asked(file: str) -> Iterator[Requirement]:
    extras: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
    wanted = {"serve.txt": [], "company.txt": ["company"], "test.txt": ["dev", "company"]}
    yield from map(Requirement, PROJECT["build-system"]["requires"])
    yield from map(Requirement, PROJECT["project"]["dependencies"])
    for extra in wanted.get(file, extras):
        yield from map(Requirement, extras[extra])


@pytest.mark.parametrize("file", FILES)
def test_everything_that_is_asked_for_is_locked_in_a_version_that_fits(file: str) -> None:
    locked = read_lock(LOCKS / file)
    unfit = [
        str(requirement)
        for requirement in asked(file)
        if not (
            versions := [
                package.version
                for package in locked
                if package.name == canonicalize_name(requirement.name)
            ]
        )
        or not all(requirement.specifier.contains(version) for version in versions)
    ]
    assert unfit == [], "make lock"


@pytest.mark.parametrize("file", FILES)
def test_every_locked_package_has_hashes(file: str) -> None:
    assert [package.name for package in read_lock(LOCKS / file) if not package.hashes] == []


@pytest.mark.parametrize("file", FILES)
def test_a_lock_file_has_no_address(file: str) -> None:
    lines = (LOCKS / file).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if ADDRESS.search(line)] == []


def test_the_lock_files_agree() -> None:
    serve, company, test, bench = (set(read_lock(LOCKS / file)) for file in FILES)
    assert serve <= company <= test <= bench


def test_what_is_needed_by_what_is_locked_is_locked_too() -> None:
    locked = {package.name: package for package in for_this_machine(LOCKS / "test.txt")}
    missing = [
        f"{name} needs {need}"
        for name in locked
        for need in map(Requirement, metadata.requires(name) or [])
        if need.marker is None or need.marker.evaluate({"extra": ""})
        if canonicalize_name(need.name) not in locked.keys() | {"pip"}
    ]
    assert missing == []


def test_what_is_installed_is_what_is_locked() -> None:
    locked = for_this_machine(LOCKS / "test.txt")
    assert [
        f"{package.name} {metadata.version(package.name)} instead of {package.version}"
        for package in locked
        if metadata.version(package.name) != package.version
    ] == []


def test_a_pin_without_a_hash_or_an_exact_version_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "lock.txt"
    file.write_text(f"one==1.0 \\\n    --hash=sha256:{'a' * 64} \\\n    --hash=sha256:{'b' * 64}\n")
    assert read_lock(file)[0].hashes == ("a" * 64, "b" * 64)
    file.write_text("one==1.0\n")
    assert read_lock(file)[0].hashes == ()
    file.write_text(f"one>=1.0 \\\n    --hash=sha256:{'a' * 64}\n")
    with pytest.raises(ValueError, match="not an exact version"):
        read_lock(file)


def test_a_release_for_another_python_is_not_for_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "lock.txt"
    file.write_text("one==1.0 ; python_version < '3.0'\none==2.0 ; python_version >= '3.0'\n")
    assert [package.version for package in for_this_machine(file)] == ["2.0"]


def test_make_installs_nothing_without_a_hash_but_onelead() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if "$(PIP_INSTALL)" in line]
    assert installs == [
        "$(PIP_INSTALL) --require-hashes --only-binary :all: --requirement requirements/$(1).txt",
        "$(PIP_INSTALL) --no-build-isolation --editable .",
    ]
    assert makefile.count("pip install") == 2, "besides these only the dry run of make lock"
