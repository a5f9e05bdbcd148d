"""A known advisory fails; what could not be checked is said, and never taken for a good answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from supply_chain.advisories import audit, no_answer, verdict

GOOD = {"name": "one", "version": "1.0", "vulns": []}
BAD = {
    "name": "two",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"], "description": "It leaks."}],
}
UNKNOWN = {"name": "three", "skip_reason": "Dependency not found"}


def test_an_advisory_fails_and_is_named_with_the_release_that_mends_it() -> None:
    code, text = verdict([GOOD, BAD])
    assert code == 1
    assert "two 2.0 has the advisory PYSEC-1, mended in 2.1: It leaks." in text
    assert "2 packages checked, 1 advisories." in text


def test_an_advisory_that_no_release_mends_fails_too() -> None:
    code, text = verdict([BAD | {"vulns": [{"id": "X", "fix_versions": [], "description": "."}]}])
    assert code == 1
    assert "mended in no release" in text


def test_without_an_advisory_it_passes() -> None:
    assert verdict([GOOD]) == (0, "1 packages checked, 0 advisories.")


def test_a_package_that_could_not_be_checked_is_named() -> None:
    code, text = verdict([GOOD, UNKNOWN])
    assert code == 0
    assert text.splitlines() == [
        "1 packages checked, 0 advisories.",
        "1 packages could not be checked: three.",
    ]


def test_a_place_that_knows_no_package_has_checked_nothing() -> None:
    code, text = verdict([UNKNOWN])
    assert code == 0
    assert text.startswith("The advisories could not be checked:")


def test_a_failure_that_is_not_the_network_fails() -> None:
    assert no_answer("Traceback:\nValueError: no") == (1, "pip-audit failed: ValueError: no")
    assert no_answer("") == (1, "pip-audit failed: pip-audit said nothing")


@pytest.mark.slow  # starts pip-audit, which takes a second to import
def test_without_the_network_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"jinja2==3.1.6 --hash=sha256:{'a' * 64}\n")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    code, text = audit(lock)
    assert code == 0
    assert text.startswith("The advisories could not be checked: ")
