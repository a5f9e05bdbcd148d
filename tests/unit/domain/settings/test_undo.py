"""Taking back changes of the settings."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.domain.builders import a_delivery, a_field, a_settings
from tests.support.domain.settings_changes import (
    DEFINITION,
    LAST_ID,
    SOURCE,
    STATUS,
    not_asked,
)

from onelead.domain.account import AccountSettings, CustomerSource, DeletedReference, LeadStatus
from onelead.domain.acts.facts import ActFact, LedgerFact
from onelead.domain.acts.policies import Deciding, Policy
from onelead.domain.custom_fields import DataType, IndexState, Option
from onelead.domain.errors import Erased, InputInvalid, ResourceNotFound, UndoNotPossible
from onelead.domain.lead import Changes
from onelead.domain.settings.change import Resource, SettingsPlan
from onelead.domain.settings.undo import UndoneRow, plan_undo, undo_settings
from onelead.domain.writes import Action, Kept, Outcome, RowDetails

SEQ = 40


def undo(
    resource: Resource,
    of: int,
    outcome: Outcome,
    changes: Changes,
    settings: AccountSettings,
    **more: Any,
) -> SettingsPlan:
    """Take back a row of the settings."""
    text = msgspec.json.encode(changes).decode() if changes else None
    details = more.pop("details", RowDetails())
    fact = LedgerFact(SEQ, resource.value, "update", outcome.value, of, None, text, details)
    row = UndoneRow(fact, more.pop("acts", {}), rows=7)
    write = undo_settings(more.pop("named", resource), of, SEQ, a_delivery())
    assert (write.action, write.about_seq) == (Action.UNDO, SEQ)
    in_use = more.pop("in_use", not_asked)
    return plan_undo(write, row, settings, last_id=LAST_ID, in_use=in_use, callers=set)


def test_a_renamed_source_has_its_old_name_again() -> None:
    changes: Changes = {"name": ("Cold Call", "Call")}
    sources = (CustomerSource(3101, "Email"), CustomerSource(3102, "Call"))
    plan = undo(SOURCE, 3102, Outcome.UPDATED, changes, a_settings(sources=sources))
    assert plan.outcome is Outcome.UPDATED
    assert plan.saved_sources == (sources[0], CustomerSource(3102, "Cold Call"))
    assert plan.changes == {"name": ("Call", "Cold Call")}
    assert plan.details is None


def test_an_entry_that_was_moved_is_moved_back() -> None:
    statuses = a_settings().statuses
    moved = (statuses[1], statuses[0], *statuses[2:])
    changes: Changes = {"order": (1, 2)}
    plan = undo(STATUS, 2001, Outcome.UPDATED, changes, a_settings(statuses=moved))
    assert plan.saved_statuses == statuses


def test_what_was_changed_since_stays_and_is_named() -> None:
    changes: Changes = {"name": ("Euro Ltd", "Shop GmbH"), "currency": ("EUR", "USD")}
    plan = undo(Resource.ACCOUNT, 1, Outcome.UPDATED, changes, a_settings())
    assert plan.changes == {"currency": ("USD", "EUR")}
    assert plan.details == RowDetails(kept={"name": Kept("changed", "Euro Ltd")})


def test_what_has_its_old_value_again_is_nothing_to_undo() -> None:
    changes: Changes = {"name": ("Shop Ltd", "Shop GmbH")}
    plan = undo(Resource.ACCOUNT, 1, Outcome.UPDATED, changes, a_settings())
    assert (plan.outcome, plan.details) == (Outcome.UNCHANGED, None)


def test_policies_come_back_for_fields_that_still_exist() -> None:
    before = {"title": "fill", "custom_fields.9": "newest"}
    deciding = Deciding({"tags": Policy.FILL}, {"key-5": 2})
    changes: Changes = {
        "policies": (before, {"tags": "fill"}),
        "ranks": ({"key-5": 1}, {"key-5": 2}),
        "placeholders": (["n/a"], ["none"]),
    }
    settings = a_settings(deciding=deciding, placeholder_texts=("none",))
    plan = undo(Resource.ACCOUNT, 1, Outcome.UPDATED, changes, settings)
    assert plan.saved_account is not None
    assert plan.saved_account.deciding == Deciding({"title": Policy.FILL}, {"key-5": 1})
    assert plan.saved_account.placeholders == ("n/a",)


def test_a_name_that_is_taken_meanwhile_is_refused() -> None:
    changes: Changes = {"name": ("Email", "Mail")}
    sources = (CustomerSource(3101, "Mail"), CustomerSource(3102, "Email"))
    plan = undo(SOURCE, 3101, Outcome.UPDATED, changes, a_settings(sources=sources))
    assert isinstance(plan.refusal, InputInvalid)
    assert "has already been taken" in plan.refusal.message


def test_the_default_status_cannot_be_without_another() -> None:
    plan = undo(STATUS, 2001, Outcome.UPDATED, {"is_default": (False, True)}, a_settings())
    assert isinstance(plan.refusal, InputInvalid)
    assert "make another status the default" in plan.refusal.message


def test_filters_are_turned_off_again() -> None:
    field = a_field(is_filterable=True, index_state=IndexState.READY, index_generation=1)
    plan = undo(
        *(DEFINITION, field.id, Outcome.UPDATED),
        {"is_filterable": (False, True)},
        a_settings(fields=(field,)),
    )
    assert plan.saved_field is not None
    assert (plan.saved_field.is_filterable, plan.saved_field.is_indexed) == (False, False)


def test_a_deleted_option_comes_back_under_its_id() -> None:
    field = a_field(data_type=DataType.DROPDOWN)
    silver, gold = field.options
    was = [{"id": 5100, "name": "Bronze"}, {"id": silver.id, "name": "Silver"}]
    now = [{"id": option.id, "name": option.name} for option in (silver, gold)]
    deleted = {5100: DeletedReference(5100, "custom_field_option", "Bronze", field.id, 1)}
    settings = a_settings(fields=(field,), deleted=deleted)
    plan = undo(DEFINITION, field.id, Outcome.UPDATED, {"options": (was, now)}, settings)
    assert plan.saved_field is not None
    assert plan.saved_field.options == (Option(5100, "Bronze"), silver)
    assert plan.forgotten == (5100,)
    assert [one.id for one in plan.deleted] == [gold.id]
    assert plan.last_id == LAST_ID


def test_a_deleted_definition_comes_back_with_its_id_and_its_options() -> None:
    plan = undo(DEFINITION, 4101, Outcome.DELETED, GRADE, a_settings())
    assert plan.outcome is Outcome.RESTORED
    field = plan.saved_field
    assert field is not None
    assert (field.id, field.name, field.canonical_name) == (4101, "Grade", "grade")
    assert field.options == (Option(5101, "A"), Option(5102, "B"))
    # Its leads may have values, and keys of the generations before.
    assert (field.index_state, field.index_generation) == (IndexState.BUILDING, 8)
    assert plan.forgotten == (4101,)
    assert plan.last_id == LAST_ID
    assert plan.changes["name"] == (None, "Grade")


GRADE: Changes = {
    "name": ("Grade", None),
    "canonical_name": ("grade", None),
    "data_type": ("Dropdown", None),
    "available_on": (["lead"], None),
    "is_filterable": (True, None),
    "options": ([{"id": 5101, "name": "A"}, {"id": 5102, "name": "B"}], None),
}


def test_a_key_that_another_field_has_now_stays_with_it() -> None:
    settings = a_settings(fields=(a_field(id=4102, canonical_name="grade"),))
    changes = {**GRADE, "is_filterable": (False, None)}
    plan = undo(DEFINITION, 4101, Outcome.DELETED, changes, settings)
    assert plan.saved_field is not None
    assert plan.saved_field.canonical_name is None
    assert plan.saved_field.index_state is IndexState.NONE
    assert plan.details == RowDetails(kept={"canonical_name": Kept("claimed", "grade")})


@pytest.mark.parametrize(
    ("resource", "deleted", "saved"),
    [
        (STATUS, LeadStatus(9, "Hot"), "saved_statuses"),
        (SOURCE, CustomerSource(9, "Hot"), "saved_sources"),
    ],
)
def test_a_deleted_entry_comes_back_at_its_place(
    resource: Resource, deleted: LeadStatus | CustomerSource, saved: str
) -> None:
    changes: Changes = {"name": ("Hot", None), "order": (2, None), "is_default": (False, None)}
    plan = undo(resource, 9, Outcome.DELETED, changes, a_settings())
    assert plan.outcome is Outcome.RESTORED
    assert getattr(plan, saved)[1] == deleted
    assert (plan.forgotten, plan.last_id) == ((9,), LAST_ID)


def test_what_exists_already_is_nothing_to_restore() -> None:
    changes: Changes = {"name": ("Email", None), "order": (1, None)}
    plan = undo(SOURCE, 3101, Outcome.DELETED, changes, a_settings())
    assert plan.outcome is Outcome.UNCHANGED


@pytest.mark.parametrize("outcome", [Outcome.CREATED, Outcome.RESTORED])
def test_what_was_created_or_restored_is_deleted_again(outcome: Outcome) -> None:
    changes: Changes = {"name": (None, "Email"), "order": (None, 9)}
    plan = undo(SOURCE, 3101, outcome, changes, a_settings(), in_use=lambda: 0)
    assert plan.outcome is Outcome.DELETED
    assert [one.id for one in plan.deleted] == [3101]
    used = undo(SOURCE, 3101, outcome, changes, a_settings(), in_use=lambda: 2)
    assert isinstance(used.refusal, InputInvalid)
    assert "is used by 2 leads" in used.refusal.message


def test_a_created_definition_is_deleted_again() -> None:
    changes: Changes = {"name": (None, "Customer number"), "is_filterable": (None, False)}
    settings = a_settings(fields=(a_field(),))
    plan = undo(DEFINITION, 4101, Outcome.CREATED, changes, settings)
    assert (plan.outcome, plan.saved_field) == (Outcome.DELETED, None)


def test_what_was_changed_since_its_creation_is_not_deleted() -> None:
    changes: Changes = {"name": (None, "Mail")}
    plan = undo(SOURCE, 3101, Outcome.CREATED, changes, a_settings())
    assert isinstance(plan.refusal, UndoNotPossible)


def test_what_is_gone_needs_no_deletion_and_cannot_be_changed() -> None:
    changes: Changes = {"name": (None, "Mail")}
    gone = undo(SOURCE, 77, Outcome.CREATED, changes, a_settings())
    assert gone.outcome is Outcome.UNCHANGED
    plan = undo(STATUS, 77, Outcome.UPDATED, {"name": ("A", "B")}, a_settings())
    assert isinstance(plan.refusal, UndoNotPossible)


def test_rows_that_did_nothing_or_are_undone_already() -> None:
    plan = undo(SOURCE, 3101, Outcome.UNCHANGED, {}, a_settings())
    assert plan.outcome is Outcome.UNCHANGED
    acts = {SEQ: [ActFact(41, "undo", "updated")]}
    changes: Changes = {"name": ("Mail", "Email")}
    done = undo(SOURCE, 3101, Outcome.UPDATED, changes, a_settings(), acts=acts)
    assert done.outcome is Outcome.UNCHANGED
    refused = undo(SOURCE, 3101, Outcome.REFUSED, {}, a_settings())
    assert isinstance(refused.refusal, InputInvalid)
    assert refused.last_id == LAST_ID


def test_other_rows_are_not_found_and_erased_ones_are_gone() -> None:
    changes: Changes = {"name": ("Mail", "Email")}
    other = undo(SOURCE, 3101, Outcome.UPDATED, changes, a_settings(), named=STATUS)
    assert isinstance(other.refusal, ResourceNotFound)
    erased = RowDetails(erased={"by": 1})
    gone = undo(SOURCE, 3101, Outcome.UPDATED, {}, a_settings(), details=erased)
    assert isinstance(gone.refusal, Erased)
    write = undo_settings(SOURCE, 3101, SEQ, a_delivery())
    none = plan_undo(write, None, a_settings(), last_id=1, in_use=not_asked, callers=set)
    assert isinstance(none.refusal, ResourceNotFound)
