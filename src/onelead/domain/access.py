"""The rules for users and API keys, from the pages and the command line alike."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct, structs

from onelead.domain.account import Role, User
from onelead.domain.errors import InputInvalid, NotPossible, Problem
from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.settings.body import name_problem, require_as_seen

#: API clients send it in a header, which holds ASCII only.
_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+")


class UserChange(Struct, frozen=True):
    """What is to change about a user; None leaves it as it is."""

    name: str | None = None
    role: Role | None = None
    is_active: bool | None = None
    #: The user as the requester last saw them; what is changed must still be as it was then.
    seen: User | None = None


def is_email(text: str) -> bool:
    """Return whether a text can be the e-mail of a user."""
    return _EMAIL.fullmatch(text) is not None and len(text) <= LINE_CHARS_MAX


def require_new_user(email: str, name: str) -> None:
    """Refuse an e-mail or a name that no user can have; an empty name is allowed.

    Raises InputInvalid.
    """
    problems = []
    if not is_email(email):
        problems.append(Problem("email", "is not an e-mail such as dana@shop.example"))
    if name and (found := name_problem(name)):
        problems.append(Problem("name", *found))
    if problems:
        raise InputInvalid(*problems)


def require_label(label: str) -> None:
    """Refuse a label that no API key can have. Raises InputInvalid."""
    if found := name_problem(label):
        raise InputInvalid(Problem("label", *found))


def changed_user(user: User, change: UserChange, users: Sequence[User], *, by: int | None) -> User:
    """Return a user after a change that the user `by` makes.

    At least one active admin has to remain, and users cannot deactivate themselves. Raises
    InputInvalid, NotPossible, and SettingsConflict when something is not as it was seen.
    """
    if change.name is not None and (found := name_problem(change.name)):
        raise InputInvalid(Problem("name", *found))
    after = structs.replace(
        user,
        name=user.name if change.name is None else change.name,
        role=user.role if change.role is None else change.role,
        is_active=user.is_active if change.is_active is None else change.is_active,
    )
    if change.seen is not None:
        require_as_seen(*(structs.asdict(each) for each in (change.seen, user, after)))
    if user.is_active and not after.is_active and user.id == by:
        raise NotPossible("nobody can deactivate themselves; another admin can do it")
    if _can_administer(user) and not _can_administer(after):
        others = [one for one in users if one.id != user.id and _can_administer(one)]
        if not others:
            raise NotPossible(
                f"{user.email} is the only active admin; make another user an admin first"
            )
    return after


def _can_administer(user: User) -> bool:
    return user.is_active and user.role is Role.ADMIN
