"""Whose values win in a merge, what finds the survivor from then on, and what cannot be merged."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs
from tests.support.domain.act_writes import edit, merge, rule, undo
from tests.support.domain.builders import a_field, a_lead, a_settings
from tests.support.domain.lead_writes import create, delete, update, upsert, upsert_custom
from tests.support.domain.planned_acts import PlannedAccount

from onelead.domain.custom_fields import DataType, IndexState
from onelead.domain.errors import (
    InputInvalid,
    LeadMerged,
    MergeConflict,
    OneleadError,
    ResourceNotFound,
    VersionConflict,
)
from onelead.domain.lead import Address, Email, FieldOrigin, Link, PhoneNumber
from onelead.domain.limits import MERGE_LEADS_MAX, OTHER_VALUES_MAX, TAGS_MAX
from onelead.domain.writes import Outcome, WriteResult

A, B, C, D = 71_000_001, 71_000_002, 71_000_003, 71_000_004
NUMBER = a_field(id=4101, is_filterable=True, index_state=IndexState.READY)
CHOICES = a_field(
    id=4102,
    name="Interests",
    data_type=DataType.MULTI_SELECT,
    is_filterable=True,
    index_state=IndexState.READY,
)
CHECKBOX = a_field(
    id=4103,
    name="Newsletter",
    data_type=DataType.CHECKBOX,
    is_filterable=True,
    index_state=IndexState.READY,
)
LATER = a_field(id=4104, name="Badge")
SETTINGS = a_settings(fields=(NUMBER, CHOICES, CHECKBOX, LATER))


def account_of(*leads: dict[str, Any]) -> PlannedAccount:
    """Return an account with the leads A, B, ... of these attributes."""
    return PlannedAccount(
        SETTINGS, [a_lead(id=A + number, **more) for number, more in enumerate(leads)]
    )


def refusal_of(result: WriteResult) -> OneleadError:
    assert result.outcome is Outcome.REFUSED
    assert result.refusal is not None
    return result.refusal


def test_the_survivors_values_win_and_the_losers_fill_its_gaps() -> None:
    account = account_of(
        {"title": "Buyer"},
        {"title": "Owner", "company_name": "Shop Ltd", "address": Address(city="Ulm")},
        {
            "company_name": "Field AG",
            "address": Address(street="Main 1"),
            "customer_source_id": 3101,
        },
    )
    # The order of the request does not decide: the oldest loser comes first.
    lead = account.result(merge(A, C, B)).lead
    assert lead is not None
    assert (lead.title, lead.company_name, lead.address) == (
        "Buyer",
        "Shop Ltd",
        Address(city="Ulm"),
    )
    assert lead.customer_source_id == 3101
    assert account.leads == {A: lead}


def test_lists_are_united_without_what_compares_equal() -> None:
    account = account_of(
        {
            "tags": ("VIP",),
            "phone_numbers": (PhoneNumber("512-555-0100", "work"),),
            "websites": (Link("https://field.example", "work"),),
            "custom_fields": {4102: (5102,)},
        },
        {
            "tags": ("vip", "fair"),
            "phone_numbers": (
                PhoneNumber("(512) 555 0100", "home"),
                PhoneNumber("512-555-0101", "work"),
            ),
            "websites": (Link("HTTPS://field.example", "other"),),
            "socials": (Link("https://social.example/nora", "other"),),
            "custom_fields": {4102: (5101,)},
        },
    )
    lead = account.result(merge(A, B)).lead
    assert lead is not None
    assert lead.tags == ("VIP", "fair")
    assert [phone.number for phone in lead.phone_numbers] == ["512-555-0100", "512-555-0101"]
    assert (len(lead.websites), len(lead.socials)) == (1, 1)
    assert lead.custom_fields == {4102: (5101, 5102)}


def test_what_is_counted_is_added_up() -> None:
    account = account_of(
        {"interaction_count": 2, "date_created": 1_700_000_050, "date_last_contacted": 5},
        {"interaction_count": 3, "date_created": 1_700_000_010, "date_last_contacted": 9},
    )
    result = account.result(merge(A, B))
    assert result.lead is not None
    assert (result.lead.interaction_count, result.lead.date_created) == (5, 1_700_000_010)
    assert result.lead.date_last_contacted == 9
    assert result.changes["interaction_count"] == (2, 5)


def test_each_field_can_be_chosen_otherwise() -> None:
    account = account_of(
        {"name": "Nora", "title": "Buyer", "tags": ("vip",), "email": Email("a@x.example", "work")},
        {
            "name": "Nora Field",
            "title": "Owner",
            "tags": ("fair",),
            "email": Email("b@x.example", "work"),
            "origins": {"email": FieldOrigin("key-1", 5)},
        },
    )
    choose = {"name": B, "title": None, "tags": B, "email": B, "phone_numbers": None}
    lead = account.result(merge(A, B, choose=choose)).lead
    assert lead is not None
    assert (lead.name, lead.title, lead.tags) == ("Nora Field", None, ("fair",))
    assert lead.email == Email("b@x.example", "work")
    assert lead.origins == {"email": FieldOrigin("key-1", 5)}
    # What was not chosen still finds the survivor.
    found = account.result(upsert("email", "a@x.example", title="Head buyer"))
    assert (found.outcome, found.lead and found.lead.id) == (Outcome.UPDATED, A)


def test_every_value_of_either_finds_the_survivor() -> None:
    account = account_of(
        {"name": "Nora", "email": Email("a@x.example", "work"), "custom_fields": {4101: "A-1"}},
        {
            "name": "N. Field",
            "email": Email("b@x.example", "work"),
            "custom_fields": {4101: "B-1", 4102: (5101, 5102), 4103: True, 4104: "badge"},
        },
    )
    account.result(merge(A, B))
    for write in (
        *(upsert("name", "Nora"), upsert("name", "N. Field"), upsert("email", "b@x.example")),
        *(upsert_custom(4101, "A-1"), upsert_custom(4101, "B-1"), upsert_custom(4102, 5101)),
    ):
        assert account.result(write).outcome is Outcome.UNCHANGED
    # Its own values, too, after they changed.
    account.result(update(A, email="c@x.example", custom_fields={4101: "C-1"}))
    for write in (upsert("email", "a@x.example"), upsert_custom(4101, "A-1")):
        result = account.result(write)
        assert result.lead is not None
        assert result.lead.id == A
    assert {value.field for value in account.leads[A].other_values.values()} == {
        *("name", "email", "custom_fields.4101", "custom_fields.4102", "custom_fields.4104"),
    }


def test_a_delivery_by_another_value_does_not_turn_the_main_one_round() -> None:
    account = account_of(
        {"email": Email("a@x.example", "work")}, {"email": Email("b@x.example", "work")}
    )
    account.result(merge(A, B))
    again = account.result(upsert("email", "b@x.example", email="b@x.example", title="Buyer"))
    assert again.lead is not None
    assert again.details is not None
    assert again.lead.email == Email("a@x.example", "work")
    assert again.details.kept["email"].reason == "other_value"
    # A third value is a change like any other, and so is one that names the lead by its id.
    for write in (
        upsert("email", "b@x.example", email="c@x.example"),
        update(A, email="b@x.example"),
    ):
        assert "email" in account.result(write).changes


def test_a_pinned_value_wins_and_two_have_to_be_chosen() -> None:
    account = account_of(
        {"title": "Buyer"},
        {"title": "Owner", "pins": ("title",)},
        {"title": "Boss", "pins": ("title",)},
    )
    assert account.write(merge(A, B)).results[0].outcome is Outcome.MERGED
    assert account.leads[A].title == "Owner"
    assert account.leads[A].pins == ("title",)
    assert "is pinned with different values" in str(refusal_of(account.result(merge(A, C))))
    assert account.result(merge(A, C, choose={"title": C})).lead is not None


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (merge(A), "can't be blank"),
        (merge(A, *range(1, MERGE_LEADS_MAX + 2)), "too many leads"),
        (merge(A, A), "has the lead itself"),
        (merge(A, B, B), "has a lead twice"),
        (merge(A, 99), "lead 99 does not exist"),
        (merge(A, B, choose={"nonsense": A}), 'has no such field: "nonsense"'),
        (merge(A, B, choose={"title": C}), "is none of these leads"),
        (merge(A, B, choose={"name": None}), "name can't be blank"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(write: Any, words: str) -> None:
    account = account_of({}, {}, {})
    refusal = refusal_of(account.result(write))
    assert isinstance(refusal, InputInvalid)
    assert words in refusal.message
    assert account.merged == {}


def test_a_merge_into_nobody_is_not_found() -> None:
    assert isinstance(refusal_of(account_of({}).result(merge(99, A))), ResourceNotFound)


def test_a_lead_that_changed_since_it_was_seen_is_a_conflict() -> None:
    account = account_of({}, {})
    account.result(update(B, title="Buyer"))
    refusal = refusal_of(account.result(merge(A, B, versions={A: 1, B: 1})))
    assert isinstance(refusal, VersionConflict)
    assert account.result(merge(A, B, versions={A: 1, B: 2})).outcome is Outcome.MERGED


def test_the_same_merge_again_changes_nothing() -> None:
    account = account_of({}, {}, {})
    account.result(merge(A, B))
    assert account.result(merge(A, B)).outcome is Outcome.UNCHANGED
    assert account.result(merge(A, B, C)).outcome is Outcome.MERGED


def test_of_two_who_merge_crosswise_one_wins() -> None:
    account = account_of({}, {})
    first, second = account.write(merge(A, B), merge(B, A)).results
    assert first.outcome is Outcome.MERGED
    assert isinstance(refusal_of(second), MergeConflict)
    assert [*account.leads] == [A]


def test_a_merged_lead_is_no_survivor_and_no_loser_of_another() -> None:
    account = account_of({}, {}, {}, {})
    account.result(merge(A, B))
    assert isinstance(refusal_of(account.result(merge(B, C))), LeadMerged)
    refusal = refusal_of(account.result(merge(C, B)))
    assert isinstance(refusal, MergeConflict)
    assert f"merged into lead {A}" in refusal.message


def test_a_merge_of_the_merged_leads_its_ids_to_the_last_survivor() -> None:
    account = account_of({}, {}, {})
    account.result(merge(B, C))
    # Naming the loser and its survivor is naming one lead.
    account.result(merge(A, B, C))
    assert {id_: one.lead_id for id_, one in account.merged.items()} == {B: A, C: A}
    updated = account.result(update(C, title="Buyer"))
    assert updated.lead is not None
    assert updated.details is not None
    assert (updated.lead.id, updated.details.via_id) == (A, C)


def test_an_old_id_takes_updates_but_no_version_and_no_deletion() -> None:
    account = account_of({}, {})
    account.result(merge(A, B))
    assert isinstance(refusal_of(account.result(delete(B))), LeadMerged)
    for_version = structs.replace(update(B, title="Buyer"), expected_version=1)
    assert isinstance(refusal_of(account.result(for_version)), VersionConflict)
    account.result(delete(A))
    for write in (update(B, title="Buyer"), delete(B), for_version):
        assert isinstance(refusal_of(account.result(write)), ResourceNotFound)
    account.result(undo(len(account.rows) - 3))
    assert account.result(update(B, title="Buyer")).outcome is Outcome.UPDATED


def test_a_delivery_by_the_losers_value_in_the_same_batch_sees_the_merge() -> None:
    account = account_of({}, {"email": Email("b@x.example", "work")})
    found = account.write(
        upsert("email", "b@x.example", title="Buyer"),
        merge(A, B),
        upsert("email", "b@x.example", title="Owner"),
    ).results
    assert [result.lead.id for result in found if result.lead] == [B, A, A]


def test_a_lead_that_was_made_in_the_batch_can_be_merged() -> None:
    account = account_of({})
    account.write(create(name="Sam Roe"), merge(A, B))
    assert ([*account.leads], [*account.merged]) == ([A], [B])


def test_limits_are_not_passed_silently() -> None:
    tags = [tuple(f"{name}{number}" for number in range(TAGS_MAX)) for name in "ab"]
    account = account_of({"tags": tags[0]}, {"tags": tags[1]})
    assert "tags would have too many entries" in str(refusal_of(account.result(merge(A, B))))
    assert account.result(merge(A, B, choose={"tags": A})).outcome is Outcome.MERGED


def test_other_values_are_limited() -> None:
    account = account_of({}, {})
    for number in range(OTHER_VALUES_MAX):
        account.leads[A].other_values[number] = next(iter(_one_other_value(account)))
    refusal = refusal_of(account.result(merge(A, B)))
    assert "too many other values" in refusal.message
    refusal = refusal_of(account.result(rule(A, "email", "z@x.example")))
    assert "too many other values" in refusal.message


def _one_other_value(account: PlannedAccount) -> Any:
    other = account_of({})
    other.result(rule(A, "email", "y@x.example", claims=False))
    assert account is not other
    return other.leads[A].other_values.values()


def test_other_values_of_a_loser_move_with_their_ids() -> None:
    account = account_of({}, {})
    account.result(rule(B, "email", "b@x.example"))
    (value_id,) = account.leads[B].other_values
    account.result(merge(A, B))
    assert account.leads[A].other_values[value_id].claims
    taken = account.result(edit(A, remove_values=(value_id,)))
    assert taken.changes == {
        f"other_values.{value_id}": (taken.changes[f"other_values.{value_id}"][0], None)
    }


def test_a_value_of_a_deleted_definition_matches_nothing_after_a_merge() -> None:
    account = account_of({}, {"custom_fields": {4999: "A-1"}})
    assert account.result(merge(A, B)).outcome is Outcome.MERGED
    assert not [one for one in account.leads[A].other_values.values() if one.value == "A-1"]
