"""What an undo takes back, what it leaves and why, and what cannot be undone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs
from tests.support.domain.act_writes import (
    dismiss,
    edit,
    merge,
    reopen,
    replay,
    rule,
    separate,
    undo,
)
from tests.support.domain.builders import a_field, a_lead, a_settings
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.domain.planned_acts import PlannedAccount

from onelead.domain.account import AccountSettings, LeadStatus
from onelead.domain.acts.facts import APPLIED, DISMISSED, OPEN, delivery_state
from onelead.domain.custom_fields import DataType
from onelead.domain.errors import (
    Erased,
    InputInvalid,
    OneleadError,
    ResourceNotFound,
    UndoLosesChanges,
    UndoNotPossible,
)
from onelead.domain.lead import Email
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action, LeadWrite, Outcome, RowDetails, WriteResult

A, B, C = 71_000_001, 71_000_002, 71_000_003
CHOICE = a_field(id=4101, name="Plan", data_type=DataType.DROPDOWN)
CHOICES = a_field(id=4102, name="Interests", data_type=DataType.MULTI_SELECT)
NUMBER = a_field(id=4103)
SETTINGS = a_settings(fields=(CHOICE, CHOICES, NUMBER))


def account_of(*leads: dict[str, Any], settings: AccountSettings = SETTINGS) -> PlannedAccount:
    """Return an account with the leads A, B, ... of these attributes."""
    found = [a_lead(id=A + number, **more) for number, more in enumerate(leads)]
    return PlannedAccount(settings, found)


def done(account: PlannedAccount, write: LeadWrite) -> int:
    """Do a write, and return its ledger number."""
    plan = account.write(write)
    assert plan.results[0].refusal is None
    return plan.seqs[0]


def refusal_of(result: WriteResult) -> OneleadError:
    assert result.outcome is Outcome.REFUSED
    assert result.refusal is not None
    return result.refusal


def kept(result: WriteResult) -> dict[str, tuple[str, Any, int | None]]:
    """Return what was kept: reason, value, and the row that changed it."""
    found = result.details.kept if result.details else {}
    return {name: (one.reason, one.value, one.seq) for name, one in found.items()}


def test_an_update_goes_back_field_by_field() -> None:
    account = account_of({"title": "Buyer", "tags": ("vip",)})
    seq = done(account, update(A, title="Owner", tags=["fair"], email="a@x.example"))
    result = account.result(undo(seq))
    assert (result.outcome, kept(result)) == (Outcome.UPDATED, {})
    assert account.leads[A] == a_lead(
        id=A, title="Buyer", tags=("vip",), version=3, date_modified=account.now
    )


def test_what_was_changed_since_is_kept_and_names_the_row() -> None:
    account = account_of({"title": "Buyer"})
    seq = done(account, update(A, title="Owner", company_name="Shop Ltd"))
    later = done(account, update(A, title="Boss"))
    result = account.result(undo(seq))
    assert kept(result) == {"title": ("changed", "Buyer", later)}
    assert (account.leads[A].title, account.leads[A].company_name) == ("Boss", None)


def test_what_was_changed_back_by_hand_is_not_worth_a_word() -> None:
    account = account_of({"title": "Buyer"})
    seq = done(account, update(A, title="Owner"))
    done(account, update(A, title="Buyer"))
    result = account.result(undo(seq))
    assert (result.outcome, kept(result)) == (Outcome.UNCHANGED, {})


def test_what_belongs_together_goes_back_together_or_stays() -> None:
    account = account_of({"name": "Nora Field", "first_name": "Nora", "last_name": "Field"})
    seq = done(account, update(A, name="Sam Roe", monetary_value=5))
    later = done(account, update(A, first_name="Samuel"))
    result = account.result(undo(seq))
    assert kept(result) == {"name": ("changed", "Nora Field", later)}
    assert account.leads[A].last_name == "Roe"
    assert account.leads[A].monetary_unit is None


def test_a_change_of_a_list_item_since_keeps_the_list() -> None:
    account = account_of({"tags": ("a",)})
    seq = done(account, update(A, tags=["a", "b"]))
    later = done(account, update(A, tags=["a", "b", "c"]))
    assert kept(account.result(undo(seq))) == {"tags": ("changed", ("a",), later)}


def test_an_undo_twice_changes_nothing_and_an_undo_of_it_does_it_again() -> None:
    account = account_of({"title": "Buyer"})
    seq = done(account, update(A, title="Owner"))
    first = done(account, undo(seq))
    assert account.result(undo(seq)).outcome is Outcome.UNCHANGED
    assert account.result(undo(first)).outcome is Outcome.UPDATED
    assert account.leads[A].title == "Owner"
    assert account.result(undo(seq)).outcome is Outcome.UPDATED


def test_a_creation_goes_back_unless_that_loses_changes() -> None:
    account = account_of()
    seq = done(account, create(name="Nora Field"))
    later = done(account, update(A, title="Owner"))
    done(account, update(A, title="Boss"))
    refusal = refusal_of(account.result(undo(seq)))
    assert isinstance(refusal, UndoLosesChanges)
    assert "changed 2 times since" in refusal.message
    done(account, undo(later + 1))
    done(account, undo(later))
    assert account.result(undo(seq)).outcome is Outcome.DELETED


def test_a_creation_can_be_forced_back() -> None:
    account = account_of()
    seq = done(account, create(name="Nora Field"))
    done(account, update(A, title="Owner"))
    assert "changed once since" in refusal_of(account.result(undo(seq))).message
    gone = account.write(undo(seq, force=True))
    assert (gone.results[0].outcome, account.leads) == (Outcome.DELETED, {})
    assert account.result(undo(gone.seqs[0])).outcome is Outcome.RESTORED
    assert account.leads[A].title == "Owner"
    assert account.result(undo(gone.seqs[0] + 1)).outcome is Outcome.DELETED


def test_a_deleted_lead_stands_again_under_its_id() -> None:
    account = account_of({"title": "Buyer", "interaction_count": 4})
    done(account, rule(A, "email", "a@x.example"))
    seq = done(account, delete(A))
    result = account.result(undo(seq))
    assert result.outcome is Outcome.RESTORED
    assert (account.leads[A].title, account.leads[A].interaction_count) == ("Buyer", 4)
    assert account.matching("email", "a@x.example") == [A]
    assert account.result(undo(seq)).outcome is Outcome.UNCHANGED


def test_a_lead_that_stands_again_makes_its_values_ambiguous() -> None:
    account = account_of({"email": Email("a@x.example", "work")})
    seq = done(account, delete(A))
    done(account, upsert("email", "a@x.example", name="Sam Roe"))
    done(account, undo(seq))
    assert account.result(upsert("email", "a@x.example")).outcome is Outcome.REFUSED


def test_a_lead_that_stands_again_has_lost_a_claim_that_was_taken() -> None:
    account = account_of({}, {})
    done(account, rule(A, "email", "a@x.example"))
    (value_id,) = account.leads[A].other_values
    seq = done(account, delete(A))
    done(account, rule(B, "email", "a@x.example"))
    result = account.result(undo(seq))
    assert kept(result) == {f"other_values.{value_id}": ("claimed", "a@x.example", None)}
    found = account.result(upsert("email", "a@x.example", title="Buyer"))
    assert (found.lead and found.lead.id) == B


def test_a_ruling_that_comes_back_has_lost_its_claim_likewise() -> None:
    account = account_of({}, {})
    done(account, rule(A, "email", "a@x.example"))
    (value_id,) = account.leads[A].other_values
    seq = done(account, edit(A, remove_values=(value_id,)))
    done(account, rule(B, "email", "a@x.example"))
    assert f"other_values.{value_id}" in kept(account.result(undo(seq)))
    assert not account.leads[A].other_values[value_id].claims


def test_what_no_longer_exists_does_not_come_back() -> None:
    account = account_of(
        {
            "status_id": 2002,
            "customer_source_id": 3101,
            "assignee_id": 901,
            "custom_fields": {4101: 5101, 4102: (5101, 5102), 4103: "A-1"},
        }
    )
    changed = done(account, update(A, status_id=2003, custom_fields={4101: None}))
    gone = done(account, delete(A))
    option = CHOICE.options[1:]
    account.settings = structs_of(
        users=(),
        sources=(),
        statuses=(SETTINGS.statuses[0],),
        fields=(structs.replace(CHOICE, options=option), structs.replace(CHOICES, options=option)),
    )
    result = account.result(undo(gone))
    assert {name: reason for name, (reason, *_) in kept(result).items()} == dict.fromkeys(
        (
            *("status_id", "customer_source_id", "assignee_id"),
            *("custom_fields.4102", "custom_fields.4103"),
        ),
        "gone",
    )
    assert account.leads[A].status_id == SETTINGS.default_status.id
    assert account.leads[A].custom_fields == {4102: (5102,)}
    assert set(kept(account.result(undo(changed)))) == {
        "status_id",
        "custom_fields.4101",
    }


def structs_of(**changed: Any) -> AccountSettings:
    return a_settings(**changed)


def test_references_that_are_gone_stay_as_they_are() -> None:
    account = account_of({"customer_source_id": 3101, "assignee_id": 901})
    seq = done(account, update(A, customer_source_id=None, assignee_id=None, title="Buyer"))
    account.settings = structs_of(users=(), sources=())
    assert set(kept(account.result(undo(seq)))) == {"customer_source_id", "assignee_id"}


def test_a_status_that_is_gone_stays_gone() -> None:
    statuses = (LeadStatus(2001, "New", is_default=True), LeadStatus(2002, "Old"))
    account = account_of({"status_id": 2002}, settings=a_settings(statuses=statuses))
    seq = done(account, update(A, status_id=2001))
    account.settings = a_settings(statuses=statuses[:1])
    assert kept(account.result(undo(seq))) == {"status_id": ("gone", 2002, None)}


def test_a_custom_field_goes_back_to_its_value_before() -> None:
    account = account_of({"custom_fields": {NUMBER.id: "A-1"}})
    seq = done(account, update(A, custom_fields={NUMBER.id: "A-2"}))
    assert account.result(undo(seq)).outcome is Outcome.UPDATED
    assert account.leads[A].custom_fields == {NUMBER.id: "A-1"}


def test_a_deletion_is_taken_back_once() -> None:
    account = account_of({})
    seq = done(account, delete(A))
    plan = account.write(undo(seq), undo(seq))
    assert [one.outcome for one in plan.results] == [Outcome.RESTORED, Outcome.UNCHANGED]
    assert account.result(undo(seq)).outcome is Outcome.UNCHANGED


def test_a_lead_that_came_back_by_another_undo_is_left_alone() -> None:
    account = account_of({})
    deleted = done(account, delete(A))
    deleted_again = done(account, undo(done(account, undo(deleted))))
    assert account.result(undo(deleted)).outcome is Outcome.RESTORED
    assert account.result(undo(deleted_again)).outcome is Outcome.UNCHANGED


def test_an_undone_merge_gives_everything_back() -> None:
    account = account_of(
        {"title": "Buyer", "interaction_count": 1},
        {"email": Email("b@x.example", "work"), "interaction_count": 2},
    )
    before = dict(account.leads)
    seq = done(account, merge(A, B))
    result = account.result(undo(seq))
    assert (result.outcome, account.merged) == (Outcome.RESTORED, {})
    assert {
        id_: structs.replace(lead, version=1, date_modified=before[id_].date_modified)
        for id_, lead in account.leads.items()
    } == before


def test_what_was_delivered_since_the_merge_stays_with_the_survivor() -> None:
    account = account_of({}, {"email": Email("b@x.example", "work"), "title": "Owner"})
    seq = done(account, merge(A, B))
    later = done(account, upsert("email", "b@x.example", title="Boss", tags=["vip"]))
    result = account.result(undo(seq))
    assert kept(result) == {"title": ("changed", None, later)}
    assert (account.leads[A].tags, account.leads[A].email) == (("vip",), None)
    assert account.leads[B].title == "Owner"


def test_a_merge_inside_a_merge_is_undone_from_the_top() -> None:
    account = account_of({}, {}, {})
    inner = done(account, merge(B, C))
    outer = done(account, merge(A, B))
    refusal = refusal_of(account.result(undo(inner)))
    assert isinstance(refusal, UndoNotPossible)
    assert f"undo row {outer} first" in refusal.message
    done(account, undo(outer))
    assert {id_: one.lead_id for id_, one in account.merged.items()} == {C: B}
    done(account, undo(inner))
    assert sorted(account.leads) == [A, B, C]


def test_of_two_merges_into_one_lead_the_first_can_be_undone() -> None:
    account = account_of({}, {}, {})
    first = done(account, merge(A, B))
    done(account, merge(A, C))
    done(account, undo(first))
    assert sorted(account.leads) == [A, B]
    assert [*account.merged] == [C]


def test_a_merge_again_is_refused_where_it_would_lose_changes() -> None:
    account = account_of({}, {})
    undone = done(account, undo(done(account, merge(A, B))))
    done(account, update(B, title="Boss"))
    assert isinstance(refusal_of(account.result(undo(undone))), UndoLosesChanges)
    assert account.result(undo(undone, force=True)).outcome is Outcome.MERGED
    assert account.leads[A].title is None


def test_a_lead_that_is_gone_has_to_come_back_first() -> None:
    account = account_of({}, {})
    seq = done(account, update(A, title="Buyer"))
    done(account, delete(A))
    refusal = refusal_of(account.result(undo(seq)))
    assert isinstance(refusal, UndoNotPossible)
    assert "was deleted; undo that first" in refusal.message


@pytest.mark.parametrize(
    ("write", "outcome"),
    [(update(A), Outcome.UNCHANGED), (dismiss(1), Outcome.UNCHANGED)],
)
def test_what_changed_nothing_is_undone_without_an_effect(
    write: LeadWrite, outcome: Outcome
) -> None:
    account = account_of({})
    account.result(upsert("name", "Sam Roe", assignee_id=77))
    account.write(dismiss(1))
    result = account.write(write)
    assert result.results[0].outcome is outcome
    assert account.result(undo(result.seqs[0])).outcome is Outcome.UNCHANGED


def test_there_is_nothing_to_undo_about_a_refusal_or_an_unknown_row() -> None:
    account = account_of({})
    account.result(update(99, title="Buyer"))
    assert "nothing to undo" in refusal_of(account.result(undo(1))).message
    assert isinstance(refusal_of(account.result(undo(77))), ResourceNotFound)


def test_a_change_of_the_settings_is_not_undone_here() -> None:
    account = settings_row_account()
    assert "is a change of the settings" in refusal_of(account.result(undo(1))).message
    assert isinstance(refusal_of(account.result(dismiss(1))), InputInvalid)


def settings_row_account() -> PlannedAccount:
    """Return an account whose first row is not about a lead."""

    class WithSettingsRow(PlannedAccount):
        def fact(self, seq: int) -> Any:
            return structs.replace(super().fact(seq), resource=Resource.LEAD_STATUS)

    account = WithSettingsRow(SETTINGS)
    account.result(create(name="Nora Field"))
    return account


def test_what_is_erased_does_not_come_back() -> None:
    account = account_of({})
    done(account, update(A, title="Buyer"))
    write, result = account.rows[0]
    erased = RowDetails(erased={"date": 5, "user_id": 901})
    account.rows[0] = (write, structs.replace(result, details=erased))
    assert isinstance(refusal_of(account.result(undo(1))), Erased)
    act = structs.replace(write, action=Action.ERASE)
    account.rows[0] = (act, WriteResult(Outcome.DECIDED))
    assert isinstance(refusal_of(account.result(undo(1))), Erased)


def test_a_deletion_of_an_earlier_version_keeps_nothing() -> None:
    account = account_of({})
    seq = done(account, delete(A))
    write, result = account.rows[0]
    account.rows[0] = (write, structs.replace(result, details=None))
    assert isinstance(refusal_of(account.result(undo(seq))), UndoNotPossible)


def test_a_refused_delivery_is_open_until_it_is_applied_or_dismissed() -> None:
    account = account_of({}, {})
    delivery = upsert("name", "Nora Field", title="Buyer")
    account.result(delivery)

    def state() -> str:
        return delivery_state(account.facts().acts, 1).state

    assert state() == OPEN
    seq = done(account, dismiss(1))
    assert state() == DISMISSED
    done(account, undo(seq))
    assert state() == OPEN
    done(account, dismiss(1))
    done(account, reopen(1))
    assert (state(), account.result(reopen(1)).outcome) == (OPEN, Outcome.UNCHANGED)
    applied = done(account, replay(delivery, 1, B))
    assert (state(), account.leads[B].title) == (APPLIED, "Buyer")
    for decision in (dismiss(1), reopen(1)):
        assert (account.result(decision).outcome, state()) == (Outcome.UNCHANGED, APPLIED)
    undone = done(account, undo(applied))
    assert (state(), account.leads[B].title) == (OPEN, None)
    done(account, dismiss(1))
    done(account, undo(undone))
    assert (state(), account.leads[B].title) == (APPLIED, "Buyer")
    assert account.result(reopen(1)).outcome is Outcome.UNCHANGED


def test_only_a_refused_delivery_is_dismissed() -> None:
    account = account_of({})
    done(account, update(A, title="Buyer"))
    assert isinstance(refusal_of(account.result(dismiss(1))), InputInvalid)


def test_two_persons_are_remembered_and_forgotten_and_remembered_again() -> None:
    account = account_of({}, {}, {})
    seq = done(account, separate(B, A))
    assert account.result(separate(A, B)).outcome is Outcome.UNCHANGED
    # Of A and C nothing was said.
    assert account.result(separate(A, C)).outcome is Outcome.DECIDED
    undone = done(account, undo(seq))
    assert (A, B) not in account.pairs
    done(account, undo(undone))
    assert (A, B) in account.pairs


def test_a_merged_lead_is_a_person_too() -> None:
    account = account_of({}, {}, {})
    done(account, merge(A, B))
    assert account.result(separate(B, C)).outcome is Outcome.DECIDED


def test_two_persons_are_two_leads_that_exist() -> None:
    account = account_of({})
    assert isinstance(refusal_of(account.result(separate(A, A))), InputInvalid)
    assert isinstance(refusal_of(account.result(separate(A, 99))), ResourceNotFound)
