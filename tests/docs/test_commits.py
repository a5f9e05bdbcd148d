"""The subjects of the commits have the form that CONTRIBUTING.md promises.

A checkout without history, such as an unpacked archive, has no commits to check. The name of the
test then says "0 commits", and the tests of the rule itself still run.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SUBJECT_CHARS_MAX = 72
COMMITS_MAX = 200
#: The last commit before subjects were checked: "Read which versions were chosen once a form".
LAST_UNCHECKED = "69d8c395"
#: Subjects that git writes.
_BY_GIT = re.compile(r'Merge |Revert "|fixup! |squash! ')


def faults(subject: str) -> list[str]:
    """Say what is wrong with the form of a subject."""
    found = []
    if len(subject) > SUBJECT_CHARS_MAX:
        found.append(f"{len(subject)} characters")
    if not subject[:1].isupper():
        found.append("no capital")
    if subject.endswith((".", "!", ",", ":", ";")):
        found.append("punctuation at the end")
    return found


def subjects_to_check(log: str) -> list[str]:
    """Return the subjects of a log, newest first, each line with its commit's hash before it."""
    subjects = []
    for line in log.splitlines():
        commit, _, subject = line.partition(" ")
        if commit.startswith(LAST_UNCHECKED):
            break
        if not _BY_GIT.match(subject):
            subjects.append(subject)
    return subjects


def _log() -> str:
    """Return the newest commits: of a shallow clone those that it has, of an archive none."""
    if not (ROOT / ".git").exists():
        return ""
    # A CI job's checkout often belongs to a different user than the one who runs the tests.
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT)]
    log = ["log", "--no-merges", "--topo-order", f"--max-count={COMMITS_MAX}", "--format=%H %s"]
    return subprocess.run([*git, *log], check=True, capture_output=True, encoding="utf-8").stdout


SUBJECTS = subjects_to_check(_log())


@pytest.mark.parametrize("subjects", [pytest.param(SUBJECTS, id=f"{len(SUBJECTS)} commits")])
def test_every_subject_has_its_form(subjects: list[str]) -> None:
    assert {subject: faults(subject) for subject in subjects if faults(subject)} == {}


@pytest.mark.parametrize("subject", ["Keep one lead", "Show “Try it” to members", "K" * 72])
def test_a_subject_in_its_form_has_no_fault(subject: str) -> None:
    assert faults(subject) == []


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ("K" * 73, "73 characters"),
        ("keep one lead", "no capital"),
        ("", "no capital"),
        ("Keep one lead.", "punctuation at the end"),
    ],
)
def test_a_subject_in_another_form_has_its_fault(subject: str, fault: str) -> None:
    assert faults(subject) == [fault]


def test_checked_is_what_people_wrote_since_the_check_began() -> None:
    old = f"{LAST_UNCHECKED}f82264848ccd8c63a466ea6ebad1a91e An old one.\n0a Older still."
    log = f"0d Keep one lead\n0c Merge branch 'lane'\n0b Count the leads\n{old}"
    assert subjects_to_check(log) == ["Keep one lead", "Count the leads"]


def test_without_history_nothing_is_checked() -> None:
    assert subjects_to_check("") == []
