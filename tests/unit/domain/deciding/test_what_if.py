"""What past deliveries would have done under other policies."""

from __future__ import annotations

from typing import Any

from onelead.domain.acts.policies import Deciding, Policy
from onelead.domain.acts.what_if import Difference, PastWrite, WhatIf, what_if
from onelead.domain.lead import FieldOrigin
from onelead.domain.writes import Kept, KeptReason

BOX = "custom_fields.4109"


def past(seq: int, *, key: int = 951, at: int | None = None, **values: Any) -> PastWrite:
    """Build a row of lead 1; `custom_fields_4109` stands for the name with a point."""
    others = {"lead_id": 1, "is_delivery": True, "is_new": False, "kept": {}}
    row = {name: values.pop(name, usual) for name, usual in others.items()}
    changes = {name.replace("fields_", "fields."): change for name, change in values.items()}
    origin = FieldOrigin(f"key-{key}", seq if at is None else at)
    return PastWrite(seq, origin=origin, changes=changes, **row)


def under(
    policy: Policy, *writes: PastWrite, field: str = "title", listed: int = 9, **ranks: int
) -> WhatIf:
    named = {caller.replace("_", "-"): rank for caller, rank in ranks.items()}
    deciding = Deciding({field: policy}, named)
    return what_if(writes, deciding, boxes={BOX}, listed=listed)


CREATED = past(1, is_new=True, title=[None, "Buyer"], name=[None, "Nora"])
CHANGED = past(2, title=["Buyer", "Boss"])


def test_nothing_differs_under_the_policy_that_was() -> None:
    assert under(Policy.OVERWRITE, CREATED, CHANGED) == WhatIf(2, 0, ())
    assert under(Policy.FILL) == WhatIf(0, 0, ())


def test_fill_would_have_kept_the_first_value() -> None:
    found = under(Policy.FILL, CREATED, CHANGED, past(3, title=["Boss", "Buyer"]))
    assert found == WhatIf(3, 1, (Difference(2, 1, "title", "Boss", "Buyer", KeptReason.FILL),))


def test_fill_would_have_taken_what_the_lead_had_not() -> None:
    assert under(Policy.FILL, past(2, title=[None, "Boss"])).otherwise == 0
    assert under(Policy.FILL, past(2, tags=[[], ["a"]]), field="tags").otherwise == 0


def test_values_from_before_can_be_filled_but_have_no_origin() -> None:
    assert under(Policy.FILL, CHANGED).otherwise == 1
    assert under(Policy.NEWEST, CHANGED).otherwise == 0
    assert under(Policy.NEWEST, past(2, title=["Buyer", None])).otherwise == 1


def test_newest_would_have_kept_what_was_observed_later() -> None:
    late = past(3, at=1, title=["Boss", "Clerk"])
    found = under(Policy.NEWEST, CREATED, CHANGED, late)
    assert found.differences == (Difference(3, 1, "title", "Clerk", "Boss", KeptReason.NEWEST),)
    # What a delivery repeats of what would be there is as new as the newest.
    again = past(4, at=9, title=["Clerk", "Boss"])
    after = past(5, at=8, title=["Boss", "Chief"])
    older = past(4, at=1, title=["Clerk", "Boss"])
    assert under(Policy.NEWEST, CREATED, CHANGED, late, again, after).otherwise == 2
    assert under(Policy.NEWEST, CREATED, CHANGED, late, older, after).otherwise == 1


def test_ranked_would_have_kept_what_came_from_higher() -> None:
    writes = (past(2, key=952, title=[None, "Boss"]), past(3, title=["Boss", "Clerk"]))
    found = under(Policy.RANKED, *writes, key_952=5)
    assert [one.reason for one in found.differences] == ["ranked"]
    assert under(Policy.RANKED, *writes).otherwise == 0


def test_people_are_always_taken_and_are_no_deliveries() -> None:
    typed = past(2, is_delivery=False, title=["Buyer", "Boss"])
    found = under(Policy.FILL, CREATED, typed, past(3, title=["Boss", "Clerk"]))
    assert (found.deliveries, found.otherwise) == (2, 1)
    assert found.differences[0].other == "Boss"


def test_leads_and_fields_are_told_apart() -> None:
    other = past(2, lead_id=2, title=[None, "Boss"])
    assert under(Policy.FILL, CREATED, other, past(3, tags=[["a"], ["b"]])).otherwise == 0


def test_what_belongs_together_is_one_field() -> None:
    renamed = past(2, first_name=[None, "Eva"], last_name=["Field", "Ito"])
    found = under(Policy.FILL, CREATED, renamed, field="name")
    assert found.differences == (Difference(2, 1, "first_name", "Eva", None, KeptReason.FILL),)
    whole = past(3, name=["Nora", "Eva"], first_name=["Nora", "Eva"])
    (found_name, _) = under(Policy.FILL, CREATED, renamed, whole, field="name").differences
    assert (found_name.field, found_name.value, found_name.other) == ("name", "Eva", "Nora")


def test_acts_on_more_than_fields_are_passed_over() -> None:
    changes: dict[str, Any] = {"pins.title": [None, True], "other_values.7": [None, {"value": "x"}]}
    write = past(2, **changes)
    assert under(Policy.FILL, write).otherwise == 0


def test_an_unchecked_box_is_a_value() -> None:
    writes = (
        past(1, at=10, custom_fields_4109=[None, True]),
        past(2, at=20, custom_fields_4109=[True, None]),
        past(3, at=15, custom_fields_4109=[None, True]),
    )
    found = under(Policy.NEWEST, *writes, field=BOX)
    assert [one.seq for one in found.differences] == [3]


def test_what_was_not_taken_would_be_where_the_policy_allows_it() -> None:
    kept = {"title": Kept("fill", "Boss"), "details": Kept("pinned", "x")}
    write = past(2, kept=kept, tags=[[], ["a"]])
    taken = Difference(2, 1, "title", "Boss", None, None)
    assert under(Policy.OVERWRITE, write).differences == (taken,)
    assert under(Policy.FILL, write).otherwise == 0
    known = Difference(2, 1, "title", "Boss", "Buyer", None)
    assert under(Policy.NEWEST, CREATED, write).differences == (known,)
    assert under(Policy.FILL, CREATED, write).otherwise == 0
    # From then on it would have been the lead's.
    then = past(3, kept=kept)
    assert under(Policy.NEWEST, CREATED, write, then).otherwise == 1


def test_only_the_newest_differences_are_listed() -> None:
    found = under(Policy.FILL, CREATED, *(past(n, title=["?", f"{n}"]) for n in range(2, 9)))
    assert found.otherwise == 7
    few = under(
        Policy.FILL, CREATED, *(past(n, title=["?", f"{n}"]) for n in range(2, 9)), listed=2
    )
    assert (few.otherwise, [one.seq for one in few.differences]) == (7, [8, 7])
