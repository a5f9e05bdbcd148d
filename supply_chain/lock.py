"""Reads the lock files in requirements/: the exact packages that `make` installs, with hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "requirements"

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?=\s|$)")


@dataclass(frozen=True)
class LockedPackage:
    """One release of a package, and the SHA-256 of each of its files that may be installed."""

    name: NormalizedName
    version: str
    is_for_here: bool
    hashes: tuple[str, ...]


def read_lock(file: Path) -> list[LockedPackage]:
    """Return what a lock file pins; a package may have a release for each of several Pythons."""
    joined = file.read_text(encoding="utf-8").replace("\\\n", " ")
    return [_package(line) for line in joined.splitlines() if not line.startswith("#")]


def for_this_machine(file: Path) -> list[LockedPackage]:
    """Return what a lock file pins for this Python on this system."""
    return [package for package in read_lock(file) if package.is_for_here]


def _package(line: str) -> LockedPackage:
    requirement = Requirement(line.split("--hash", maxsplit=1)[0])
    (pin,) = requirement.specifier
    if pin.operator != "==":
        raise ValueError(f"not an exact version: {line}")
    return LockedPackage(
        name=canonicalize_name(requirement.name),
        version=pin.version,
        is_for_here=requirement.marker is None or requirement.marker.evaluate(),
        hashes=tuple(_HASH.findall(line)),
    )
