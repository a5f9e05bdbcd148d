"""Which values of a delivery a lead takes, under each policy and pin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support.domain.builders import a_delivery, a_field, a_lead, a_patch, a_settings

from onelead.domain.account import AccountSettings
from onelead.domain.acts.deciding import (
    decided,
    is_decided,
    is_typed,
    observed_at,
    pinned_by_edit,
    with_origins,
)
from onelead.domain.acts.policies import Deciding, Policy
from onelead.domain.custom_fields import DataType
from onelead.domain.lead import Email, FieldOrigin, Lead, OtherValue
from onelead.domain.limits import OBSERVED_AHEAD_S
from onelead.domain.properties import applied, checked
from onelead.domain.writes import Action, Delivery, Kept, LeadWrite

NOW = 1_700_000_000
BOX = a_field(id=4109, name="Newsletter", data_type=DataType.CHECKBOX)
TITLE, TAGS = "title", "tags"


def settings_with(
    policy: Policy | None = None,
    ranks: Mapping[str, int] | None = None,
    *,
    pins_edits: bool = False,
) -> AccountSettings:
    """Build settings with one policy for some fields."""
    fields = (TITLE, TAGS, "name", "monetary_value", f"custom_fields.{BOX.id}")
    policies = dict.fromkeys(fields, policy) if policy else {}
    return a_settings(fields=(BOX,), deciding=Deciding(policies, ranks or {}, pins_edits))


def deliver(
    lead: Lead,
    settings: AccountSettings,
    *,
    at: int | None = None,
    key: int | None = 951,
    action: Action = Action.UPDATE,
    if_empty: Sequence[str] = (),
    **properties: Any,
) -> tuple[Lead, dict[str, Kept]]:
    """Return what a delivery leaves of a lead, as the fold does it, and what was not taken."""
    delivery = a_delivery(api_key_id=key, observed_at=at)
    write = LeadWrite(action, delivery, lead.id, if_empty=tuple(if_empty))
    patch, kept = checked(a_patch(**properties), settings), dict[str, Kept]()
    if is_decided(lead, write, settings):
        patch, kept = decided(lead, patch, write, settings, NOW)
    after = applied(lead, patch, settings)
    after = pinned_by_edit(lead, after, patch, write, settings)
    return with_origins(lead, after, patch, delivery, settings, NOW), kept


CHECKED, UNCHECKED, CLEARED = True, False, None


def box(value: Any) -> list[dict[str, Any]]:
    """Return the custom fields of a delivery that sends something for the box."""
    return [{"custom_field_definition_id": BOX.id, "value": value}]


def test_without_policies_everything_is_taken_and_nothing_is_kept_in_mind() -> None:
    lead = a_lead(title="Buyer")
    write = LeadWrite(Action.UPDATE, a_delivery(), lead.id)
    assert not is_decided(lead, write, settings_with())
    after, kept = deliver(lead, settings_with(), title=None)
    assert (after.title, after.origins, kept) == (None, {}, {})


def test_the_time_of_observation() -> None:
    def at(time: int | None) -> int:
        return observed_at(a_delivery(observed_at=time), NOW)

    assert at(None) == NOW
    assert at(5) == 5
    assert at(NOW + OBSERVED_AHEAD_S) == NOW + OBSERVED_AHEAD_S
    assert at(NOW + OBSERVED_AHEAD_S + 1) == NOW


def test_a_person_decides_what_is_typed_and_not_what_is_applied() -> None:
    assert is_typed(a_delivery(api_key_id=None))
    assert not is_typed(a_delivery())
    assert not is_typed(a_delivery(api_key_id=None, observed_at=5))
    lead = a_lead(title="Buyer", pins=(TITLE,))
    typed, kept = deliver(lead, settings_with(Policy.FILL), key=None, title="Boss")
    assert (typed.title, kept) == ("Boss", {})
    replayed, kept = deliver(lead, settings_with(Policy.FILL), key=None, at=5, title="Boss")
    assert (replayed.title, kept) == ("Buyer", {TITLE: Kept("pinned", "Boss")})


def test_a_request_asks_for_less() -> None:
    lead = a_lead(title="Buyer")
    after, kept = deliver(lead, settings_with(), if_empty=[TITLE, TAGS], title="Boss", tags=["a"])
    assert (after.title, after.tags) == ("Buyer", ("a",))
    assert kept == {TITLE: Kept("if_empty", "Boss")}


def test_the_same_value_is_not_kept() -> None:
    lead = a_lead(title="Buyer", pins=(TITLE,))
    assert deliver(lead, settings_with(), title="Buyer") == (lead, {})


def test_other_values_stay_other_values() -> None:
    other = {9: OtherValue("email", "b@field.example", "merge")}
    lead = a_lead(email=Email("a@field.example", "work"), other_values=other)
    email = {"email": "B@field.example"}
    after, kept = deliver(lead, settings_with(), action=Action.UPSERT, title="Boss", email=email)
    assert after.email == lead.email
    assert after.title == "Boss"
    assert kept == {"email": Kept("other_value", Email("B@field.example", "work"))}
    third, kept = deliver(
        *(lead, settings_with()),
        action=Action.UPSERT,
        email={"email": "c@field.example"},
    )
    assert (third.email, kept) == (Email("c@field.example", "work"), {})
    spelled, kept = deliver(
        *(lead, settings_with()),
        action=Action.UPSERT,
        email={"email": "A@field.example"},
    )
    assert (spelled.email, kept) == (Email("A@field.example", "work"), {})
    updated, kept = deliver(lead, settings_with(), email=email)
    assert (updated.email, kept) == (Email("B@field.example", "work"), {})
    without = a_lead(title="Buyer", pins=(TAGS,))
    assert deliver(without, settings_with(), action=Action.UPSERT, title="Boss")[1] == {}


def test_parts_of_a_name_and_the_currency_are_decided_together() -> None:
    lead = a_lead(name="Nora Field", monetary_value=5, monetary_unit="EUR")
    settings = settings_with(Policy.FILL)
    after, kept = deliver(lead, settings, first_name="Eva", monetary_unit="USD")
    assert (after, [*kept]) == (lead, ["name", "monetary_value"])
    named, kept = deliver(lead, settings, name="Eva Field", monetary_value=7)
    assert (named, [*kept]) == (lead, ["name", "monetary_value"])
    assert kept["name"].value == "Eva Field"


def test_fill_takes_what_the_lead_has_not() -> None:
    settings = settings_with(Policy.FILL)
    after, kept = deliver(a_lead(), settings, title="Boss", tags=["vip"])
    assert (after.title, after.tags, kept, after.origins) == ("Boss", ("vip",), {}, {})


def test_newest_takes_what_was_observed_later_or_in_the_same_second() -> None:
    settings = settings_with(Policy.NEWEST)
    lead, _ = deliver(a_lead(title="?"), settings, at=20, title="Buyer")
    assert lead.origins == {TITLE: FieldOrigin("key-951", 20)}
    older, kept = deliver(lead, settings, at=19, title="Clerk")
    assert (older.title, kept) == ("Buyer", {TITLE: Kept("newest", "Clerk")})
    assert deliver(lead, settings, at=20, title="Boss")[0].title == "Boss"
    # A value that is repeated is as new as its newest delivery, and no older.
    again, _ = deliver(lead, settings, at=30, title="Buyer")
    assert again.origins[TITLE].date == 30
    assert deliver(again, settings, at=25, title="Buyer")[0] == again


def test_ranked_takes_what_comes_from_as_high() -> None:
    settings = settings_with(Policy.RANKED, {"key-952": 5, "web": 3})
    lead, _ = deliver(a_lead(), settings, key=952, title="Buyer")
    lower, kept = deliver(lead, settings, title="Clerk")
    assert (lower, kept) == (lead, {TITLE: Kept("ranked", "Clerk")})
    # To repeat a value does not lower it.
    assert deliver(lead, settings, title="Buyer")[0] == lead
    assert deliver(lead, settings, key=952, title="Boss")[0].title == "Boss"
    typed, _ = deliver(lead, settings, key=None, title="Boss")
    assert typed.origins[TITLE].caller == "user-901"
    assert deliver(typed, settings, title="Clerk")[0] == typed


@pytest.mark.parametrize("policy", [Policy.FILL, Policy.NEWEST, Policy.RANKED])
def test_an_empty_value_clears_nothing(policy: Policy) -> None:
    lead = a_lead(title="Buyer", tags=("vip",))
    after, kept = deliver(lead, settings_with(policy), title="", tags=[])
    assert (after, {*kept}) == (lead, {TITLE, TAGS})
    cleared, kept = deliver(lead, settings_with(policy), key=None, title=None)
    assert (cleared.title, kept) == (None, {})


def test_what_a_person_cleared_has_no_origin() -> None:
    settings = settings_with(Policy.NEWEST)
    lead, _ = deliver(a_lead(), settings, at=20, title="Buyer")
    cleared, _ = deliver(lead, settings, key=None, title=None)
    assert cleared.origins == {}
    assert deliver(cleared, settings, at=10, title="Clerk")[0].title == "Clerk"


def test_an_unchecked_box_is_a_value() -> None:
    settings = settings_with(Policy.NEWEST)
    checked_box, _ = deliver(a_lead(), settings, at=10, custom_fields=box(CHECKED))
    unchecked, kept = deliver(checked_box, settings, at=20, custom_fields=box(UNCHECKED))
    assert (unchecked.custom_fields, kept) == ({}, {})
    late, kept = deliver(unchecked, settings, at=15, custom_fields=box(CHECKED))
    assert (late, [*kept]) == (unchecked, [f"custom_fields.{BOX.id}"])
    nothing, kept = deliver(checked_box, settings, at=30, custom_fields=box(CLEARED))
    assert (nothing, [*kept]) == (checked_box, [f"custom_fields.{BOX.id}"])


def test_origins_go_with_their_policy() -> None:
    origins = {TITLE: FieldOrigin("key-951", 5), "details": FieldOrigin("key-951", 5)}
    lead = a_lead(title="Buyer", details="x", origins=origins)
    after, _ = deliver(lead, settings_with(Policy.NEWEST), tags=[])
    assert after.origins == {TITLE: FieldOrigin("key-951", 5)}


def test_a_new_lead_remembers_who_gave_its_values() -> None:
    settings = settings_with(Policy.RANKED)
    patch = checked(a_patch(name="Nora", title="Buyer", details="x"), settings)
    lead = applied(a_lead(name="?"), patch, settings)
    after = with_origins(None, lead, patch, a_delivery(), settings, NOW)
    assert after.origins == dict.fromkeys(("name", TITLE), FieldOrigin("key-951", NOW))


def test_what_people_edit_is_pinned_where_the_account_wants_it() -> None:
    settings = settings_with(pins_edits=True)
    lead = a_lead(title="Buyer", pins=("details",))
    after, _ = deliver(lead, settings, key=None, title="Boss", last_name="Ito")
    assert after.pins == ("details", "name", TITLE)
    again, _ = deliver(after, settings, key=None, title="Chief")
    assert again.pins == after.pins
    assert deliver(lead, settings, title="Boss")[0].pins == ("details",)
    patch = checked(a_patch(title="Boss"), settings)
    by_command = LeadWrite(Action.UPDATE, a_delivery(user_id=None, api_key_id=None), lead.id)
    assert pinned_by_edit(lead, after, patch, by_command, settings) == after
    assert deliver(lead, settings, key=None, at=5, title="Boss")[0].pins == ("details",)
    assert deliver(lead, settings_with(), key=None, title="Boss")[0].pins == ("details",)


TITLES = st.sampled_from(["Buyer", "Boss", "Clerk", "", None])
KEYS = st.sampled_from([951, 952, 953])
RANKS = {"key-951": 1, "key-952": 5, "key-953": 5, "web": 3}


@given(
    policy=st.sampled_from([None, *Policy]),
    deliveries=st.lists(st.tuples(TITLES, KEYS, st.integers(1, 9)), max_size=6),
)
def test_a_pinned_field_never_changes_by_a_delivery(
    policy: Policy | None, deliveries: list[tuple[str | None, int, int]]
) -> None:
    settings = settings_with(policy, RANKS)
    lead = a_lead(title="Chief", pins=(TITLE,))
    for title, key, at in deliveries:
        lead, kept = deliver(lead, settings, at=at, key=key, title=title)
        assert (lead.title, [*kept]) == ("Chief", [TITLE])


@given(deliveries=st.lists(st.tuples(TITLES, KEYS), max_size=6))
def test_fill_never_overwrites(deliveries: list[tuple[str | None, int]]) -> None:
    lead = a_lead()
    for title, key in deliveries:
        before = lead.title
        lead, _ = deliver(lead, settings_with(Policy.FILL), key=key, title=title)
        assert lead.title == (before or title or None)


@given(
    deliveries=st.lists(
        st.tuples(TITLES, st.one_of(st.none(), st.booleans()), st.integers(1, 99)),
        max_size=4,
        unique_by=lambda delivery: delivery[2],
    )
)
def test_newest_gives_the_same_in_any_order_of_arrival(
    deliveries: list[tuple[str | None, bool | None, int]],
) -> None:
    settings = settings_with(Policy.NEWEST)
    results = []
    for order in permutations(deliveries):
        lead = a_lead()
        for title, value, at in order:
            lead, _ = deliver(lead, settings, at=at, title=title, custom_fields=box(value))
        results.append(lead)
    assert all(lead == results[0] for lead in results)
    newest = max((one for one in deliveries if one[0]), key=lambda one: one[2], default=None)
    assert results[0].title == (newest[0] if newest else None)


@given(deliveries=st.lists(st.tuples(TITLES, KEYS), max_size=6))
def test_ranked_never_lets_a_lower_rank_win(deliveries: list[tuple[str | None, int]]) -> None:
    settings = settings_with(Policy.RANKED, RANKS)
    lead, highest = a_lead(), 0
    for title, key in deliveries:
        before, rank = lead.title, RANKS[f"key-{key}"]
        lead, _ = deliver(lead, settings, key=key, title=title)
        if rank < highest:
            assert lead.title == before
        elif title:
            assert lead.title == title
            highest = rank


@given(
    policy=st.sampled_from([Policy.FILL, Policy.NEWEST, Policy.RANKED]),
    key=KEYS,
    at=st.integers(1, 9),
)
def test_empty_values_clear_only_under_overwrite(policy: Policy, key: int, at: int) -> None:
    lead = a_lead(title="Buyer", origins={TITLE: FieldOrigin("key-952", 5)})
    after, _ = deliver(lead, settings_with(policy, RANKS), key=key, at=at, title=None)
    assert after.title == "Buyer"
    assert deliver(lead, settings_with(Policy.OVERWRITE), key=key, at=at, title="")[0].title is None


def test_a_patch_is_not_changed_by_what_is_not_taken() -> None:
    settings = settings_with(Policy.FILL)
    patch = checked(a_patch(title="Boss", custom_fields=box(CHECKED)), settings)
    before = structs.replace(patch, fields={**patch.fields})
    lead = a_lead(title="Buyer", custom_fields={BOX.id: True})
    write = LeadWrite(Action.UPDATE, Delivery("r", 1, 2, "{}"), lead.id)
    left, kept = decided(lead, patch, write, settings, NOW)
    assert (patch, [*kept], left.fields) == (before, [TITLE], {})
