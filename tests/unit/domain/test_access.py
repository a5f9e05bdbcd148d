"""The rules for users and API keys."""

from __future__ import annotations

import pytest

from onelead.domain.access import (
    UserChange,
    changed_user,
    is_email,
    require_label,
    require_new_user,
)
from onelead.domain.account import Role, User
from onelead.domain.errors import InputInvalid, NotPossible, Problem, SettingsConflict

DANA = User(901, "Dana Poe", "dana@shop.example", Role.ADMIN)
OLGA = User(902, "Olga Lind", "olga@shop.example", Role.ADMIN)
MIA = User(903, "Mia Roe", "mia@shop.example", Role.MEMBER)
GONE = User(904, "Gus Old", "gus@shop.example", Role.ADMIN, is_active=False)


@pytest.mark.parametrize("text", ["a@b", "dana@shop.example", "x" * 250 + "@y.de"])
def test_an_email_is_ascii_with_an_at(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    ["", "dana", "@shop", "dana@", "zo\u00eb@shop.example", "a b@c", "a@b@c", "x" * 255 + "@y"],
)
def test_nothing_else_is_an_email(text: str) -> None:
    assert not is_email(text)


def test_all_problems_of_a_new_user_are_reported_together() -> None:
    with pytest.raises(InputInvalid) as refused:
        require_new_user("dana", "x" * 256)
    assert [problem.attribute for problem in refused.value.problems] == ["email", "name"]
    require_new_user("dana@shop.example", "")


@pytest.mark.parametrize("label", ["", " \u200b", "x" * 256, "\x1b[2J", "Web\u202eform"])
def test_a_label_is_a_line(label: str) -> None:
    with pytest.raises(InputInvalid):
        require_label(label)
    require_label("Web form")


#: They clear a terminal, end a line, and reverse the text that follows.
STEERING = ["Mia\x1b[2J", "Mia\nroot", "Mia\x9b2J", "Mia\u2028", "Mia \u202egnp", "Mia\u2066"]


@pytest.mark.parametrize("name", STEERING)
def test_a_name_cannot_control_a_terminal_or_reverse_text(name: str) -> None:
    expected = (Problem("name", "must be one line of printable text"),)
    with pytest.raises(InputInvalid) as refused:
        require_new_user("mia@shop.example", name)
    assert refused.value.problems == expected
    with pytest.raises(InputInvalid) as refused:
        changed_user(MIA, UserChange(name=name), (DANA, MIA), by=None)
    assert refused.value.problems == expected


#: Some have an ideographic space, or joiners that separate letters or combine two emoji.
WRITTEN = [
    "Zo\u00eb",
    "\u5c71\u7530\u3000\u82b1",
    "\u0645\u06cc\u200c\u0645",
    "\u2764\u200d\U0001f525",
]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_name_may_be_in_any_script(name: str) -> None:
    require_new_user("mia@shop.example", name)


def test_absent_attributes_stay() -> None:
    assert changed_user(MIA, UserChange(), (DANA, MIA), by=None) == MIA
    after = changed_user(MIA, UserChange(name="Mia Poe"), (DANA, MIA), by=None)
    assert after == User(903, "Mia Poe", "mia@shop.example", Role.MEMBER)


def test_a_name_cannot_be_removed() -> None:
    with pytest.raises(InputInvalid) as refused:
        changed_user(MIA, UserChange(name=" "), (DANA, MIA), by=None)
    assert refused.value.problems == (Problem("name", "can't be blank", "blank"),)


@pytest.mark.parametrize("change", [UserChange(role=Role.MEMBER), UserChange(is_active=False)])
def test_an_active_admin_has_to_remain(change: UserChange) -> None:
    with pytest.raises(NotPossible, match=r"dana@shop\.example is the only active admin"):
        changed_user(DANA, change, (DANA, MIA, GONE), by=None)
    after = changed_user(DANA, change, (DANA, MIA, OLGA), by=None)
    assert after != DANA


def test_the_only_admin_may_change_the_name() -> None:
    after = changed_user(DANA, UserChange(name="Dana Roe", role=Role.ADMIN), (DANA,), by=901)
    assert after.name == "Dana Roe"


def test_users_cannot_deactivate_themselves() -> None:
    with pytest.raises(NotPossible, match="nobody can deactivate themselves"):
        changed_user(DANA, UserChange(is_active=False), (DANA, OLGA), by=DANA.id)
    assert not changed_user(OLGA, UserChange(is_active=False), (DANA, OLGA), by=DANA.id).is_active


def test_members_and_deactivated_users_can_always_be_changed() -> None:
    assert not changed_user(MIA, UserChange(is_active=False), (DANA, MIA), by=DANA.id).is_active
    assert changed_user(GONE, UserChange(is_active=True), (DANA, GONE), by=DANA.id).is_active
    demoted = changed_user(GONE, UserChange(role=Role.MEMBER), (DANA, GONE), by=None)
    assert demoted.role is Role.MEMBER


def test_deactivating_again_is_not_refused() -> None:
    again = changed_user(GONE, UserChange(is_active=False), (DANA, GONE), by=GONE.id)
    assert again == GONE


def test_changed_attributes_must_be_as_they_were_seen() -> None:
    users = (DANA, MIA)
    seen = User(903, "Mia", MIA.email, MIA.role)
    with pytest.raises(SettingsConflict):
        changed_user(MIA, UserChange(name="Mia Poe", seen=seen), users, by=901)
    assert changed_user(MIA, UserChange(name="Mia Poe", seen=MIA), users, by=901).name == "Mia Poe"
    # Attributes that the change leaves alone, or sets to what they already are, may differ.
    assert changed_user(MIA, UserChange(role=Role.ADMIN, seen=seen), users, by=901).name == MIA.name
    assert changed_user(MIA, UserChange(name=MIA.name, seen=seen), users, by=901) == MIA
