"""Who decides a value: policies by field, ranks of callers, pins.

A policy names a field as the changes of a lead do, except that what belongs together is one field:
`name` stands for the parts of the name, too, and `monetary_value` for the currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from onelead.domain.lead import CHANGEABLE_FIELDS, definition_id_of
from onelead.domain.names import NAME_PARTS


class Policy(StrEnum):
    """When a delivery's value is taken."""

    #: Always, as Copper does.
    OVERWRITE = "overwrite"
    #: Only where the lead has none.
    FILL = "fill"
    #: When it was observed later than the present one.
    NEWEST = "newest"
    #: When its caller ranks at least as high as the one who gave the present one.
    RANKED = "ranked"


#: The policies that have to know who gave the present value, and when.
WITH_ORIGIN = frozenset({Policy.NEWEST, Policy.RANKED})


class Deciding(Struct, frozen=True):
    """What an account has decided about values; the default is Copper's way."""

    #: By field; a field without one is overwritten.
    policies: Mapping[str, Policy] = {}
    #: By caller, as `figures.caller_value` names an API key, or `WEB`; the higher one wins, others
    #: have 0.
    ranks: Mapping[str, int] = {}
    #: An edit in the web application pins the fields that it changes.
    pins_edits: bool = False


OVERWRITE_ALL = Deciding()

#: Among the ranks: the web application, whose users rank alike.
WEB = "web"

_MEMBERS = {
    "name": ("name", *NAME_PARTS),
    "monetary_value": ("monetary_value", "monetary_unit"),
}
_FIELD_OF_MEMBER = {member: field for field, members in _MEMBERS.items() for member in members}
#: The fields that every account has, in the order of the wire.
POLICY_FIELDS = tuple(
    field for field in CHANGEABLE_FIELDS if _FIELD_OF_MEMBER.get(field, field) == field
)


def field_of(name: str) -> str:
    """Return the field to which a name among a lead's changes belongs."""
    return _FIELD_OF_MEMBER.get(name, name)


def members_of(field: str) -> tuple[str, ...]:
    """Return the names that belong to a field, as a lead's changes have them."""
    return _MEMBERS.get(field, (field,))


def rank_of(caller: str, ranks: Mapping[str, int]) -> int:
    """Return the rank of a caller, as `figures.caller_value` names it."""
    return ranks.get(WEB if caller.startswith("user-") else caller, 0)


def is_field(name: str) -> bool:
    """Return whether a policy or pin can name this; a custom field need not exist."""
    return name in POLICY_FIELDS or definition_id_of(name) is not None
