"""Asks whether a known advisory is about one of the locked packages; `make audit-dependencies`.

pip-audit asks. It needs the network, and says "no known vulnerabilities" even when nobody could
tell it about a package. So its report is read here: an advisory fails, and what could not be
checked is said and does not fail.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from supply_chain.lock import LOCKS

TIMEOUT_S = 10
_UNCHECKED = "The advisories could not be checked:"
#: What the end of pip-audit's error has when it did not reach the place that it asks.
_NO_NETWORK = ("requests.exceptions.", "pip_audit._service.interface.", "your network")


def audit(lock: Path) -> tuple[int, str]:
    """Return the exit code and the text for what is known about the packages of a lock file."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip"),
            *("--requirement", str(lock), "--format", "json"),
            *("--timeout", str(TIMEOUT_S), "--progress-spinner", "off"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.stdout:
        return verdict(json.loads(run.stdout)["dependencies"])
    return no_answer(run.stderr)


def verdict(packages: list[dict[str, Any]]) -> tuple[int, str]:
    """Return the same for a report, which has a list of advisories or a reason for each package."""
    found = [
        f"{package['name']} {package['version']} has the advisory {advisory['id']}, mended in "
        f"{', '.join(advisory['fix_versions']) or 'no release'}: {advisory['description']}"
        for package in packages
        for advisory in package.get("vulns", [])
    ]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        return (
            0,
            f"{_UNCHECKED} the place that was asked knows none of the {len(packages)} packages.",
        )
    lines = [*found, f"{len(packages) - len(skipped)} packages checked, {len(found)} advisories."]
    if skipped:
        lines.append(f"{len(skipped)} packages could not be checked: {', '.join(skipped)}.")
    return (1 if found else 0), "\n".join(lines)


def no_answer(error: str) -> tuple[int, str]:
    """Return the same for a run without a report: only a missing network is no failure."""
    lines = error.strip().splitlines() or ["pip-audit said nothing"]
    if any(sign in error for sign in _NO_NETWORK):
        return 0, f"{_UNCHECKED} {lines[-1]}"
    return 1, f"pip-audit failed: {lines[-1]}"


if __name__ == "__main__":
    exit_code, text = audit(LOCKS / "bench.txt")
    print(text)
    sys.exit(exit_code)
