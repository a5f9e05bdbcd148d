"""What a batch of writes does: the matches of an upsert, and each write seeing those before it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from tests.support.domain.builders import a_field, a_lead, a_settings, a_write
from tests.support.domain.planned_leads import NOW, PlannedLeads

from onelead.domain.custom_fields import DataType, IndexState
from onelead.domain.errors import InputInvalid, MatchAmbiguous, Problem, ResourceNotFound
from onelead.domain.fold import checked_write, leads_needed, matches_needed
from onelead.domain.lead import Email, Lead
from onelead.domain.writes import Action, LeadWrite, MatchResult, Outcome, WriteResult

FIELDS = {
    data_type: a_field(
        id=4101 + n,
        data_type=data_type,
        is_filterable=True,
        index_state=IndexState.READY,
        index_generation=1,
    )
    for n, data_type in enumerate(DataType)
}
SETTINGS = a_settings(time_zone="America/Los_Angeles", fields=tuple(FIELDS.values()))
EMAIL = {"field_name": "email", "field_value": "nora@field.example"}
BLANK_NAME = Problem("name", "can't be blank", "blank")


def leads_with(count: int, *others: Lead, **changed: Any) -> PlannedLeads:
    """Store leads that are alike, with the ids 1, 2, 3 and so on, beside others."""
    alike = [a_lead(id=n + 1, **changed) for n in range(count)]
    return PlannedLeads(SETTINGS, [*alike, *others])


def an_upsert(match: Any, **properties: Any) -> LeadWrite:
    return a_write(Action.UPSERT, match=match, properties=properties)


def an_update(lead_id: int, **properties: Any) -> LeadWrite:
    return a_write(Action.UPDATE, lead_id=lead_id, properties=properties)


def a_delete(lead_id: int) -> LeadWrite:
    return a_write(Action.DELETE, lead_id=lead_id)


def outcomes(results: list[WriteResult]) -> list[str]:
    return [result.outcome.value for result in results]


def lead_of(result: WriteResult) -> Lead:
    assert result.lead is not None
    return result.lead


# --- the matrix: 0, 1, 2, 30 and 31 matches, by each way to match


def by_custom(of: DataType, value: Any) -> dict[str, Any]:
    field_value = {"custom_field_definition_id": FIELDS[of].id, "value": value}
    return {"field_name": "custom", "field_value": field_value}


#: Each value as sent and as stored.
CUSTOM_VALUES: dict[DataType, tuple[Any, Any]] = {
    DataType.CHECKBOX: (True, True),
    DataType.CURRENCY: ("55.5", 55.5),
    DataType.DATE: (1_608_019_200, "2020-12-15"),
    DataType.DROPDOWN: ("Gold", 5102),
    DataType.FLOAT: (789, 789.0),
    DataType.MULTI_SELECT: (5102, (5101, 5102)),
    DataType.PERCENTAGE: ("95", 95),
    DataType.STRING: (" A-77", "A-77"),
    DataType.TEXT: ("two lines", "two\nlines"),
    DataType.URL: ("https://field.example", "https://field.example"),
}
#: A match, and the property of the leads that it finds.
MATCHES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "name": ({"field_name": "name", "field_value": " NORA  field"}, {"name": "Nora Field"}),
    "email": (
        {"field_name": "email", "field_value": "NORA@field.example "},
        {"email": Email("Nora@Field.example", "other")},
    ),
    **{
        of: (by_custom(of, sent), {"custom_fields": {FIELDS[of].id: stored}})
        for of, (sent, stored) in CUSTOM_VALUES.items()
    },
}
OTHERS = (
    a_lead(id=8001, name="Sam Roe", email=Email("sam@roe.example", "work")),
    a_lead(id=8002, name="Nora", custom_fields={FIELDS[DataType.STRING].id: "a-77"}),
)


@pytest.mark.parametrize("match", [match for match, _ in MATCHES.values()], ids=MATCHES)
class TestNoMatch:
    def test_none_creates(self, match: Any) -> None:
        leads = leads_with(0, *OTHERS)
        (result,) = leads.write(an_upsert(match, name="Max Poe")).results
        assert result.outcome is Outcome.CREATED
        assert result.match is not None
        assert (result.match.matches, result.match.ids) == (0, ())
        assert lead_of(result).id == 8003
        assert len(leads.leads) == 3

    def test_none_creates_a_lead_that_the_same_match_finds(self, match: Any) -> None:
        leads = leads_with(0, *OTHERS)
        properties = {} if match["field_name"] == "name" else {"name": "Max Poe"}
        upsert = an_upsert(match, **properties)
        first, again = leads.write(upsert, upsert).results
        (later,) = leads.write(upsert).results
        assert outcomes([first, again, later]) == ["created", "unchanged", "unchanged"]
        assert lead_of(first) == lead_of(again) == lead_of(later)
        assert len(leads.leads) == 3


@pytest.mark.parametrize(("match", "having"), MATCHES.values(), ids=MATCHES)
class TestMatches:
    def test_one_is_updated(self, match: Any, having: dict[str, Any]) -> None:
        leads = leads_with(1, *OTHERS, **having)
        before = leads.leads[1]
        (result,) = leads.write(an_upsert(match, title="Buyer")).results
        assert result.outcome is Outcome.UPDATED
        assert result.match is not None
        assert (result.match.matches, result.match.ids) == (1, (1,))
        assert result.changes == {"title": (None, "Buyer")}
        assert result.lead == leads.leads[1]
        assert result.lead == msgspec.structs.replace(
            before, title="Buyer", version=2, date_modified=NOW
        )

    @pytest.mark.parametrize("count", [2, 30])
    def test_some_are_named_and_nothing_is_written(
        self, match: Any, having: dict[str, Any], count: int
    ) -> None:
        leads = leads_with(count, *OTHERS, **having)
        plan = leads.write(an_upsert(match, title="Buyer"))
        (result,) = plan.results
        ids = tuple(range(1, count + 1))
        assert result.outcome is Outcome.REFUSED
        assert result.lead is None
        assert isinstance(result.refusal, MatchAmbiguous)
        assert result.refusal.ids == ids
        assert result.match is not None
        assert (result.match.matches, result.match.ids) == (count, ids)
        assert (plan.created, plan.updated, plan.deleted) == ([], [], [])
        assert (plan.keys_added, plan.keys_removed) == ([], [])

    @pytest.mark.parametrize("count", [31, 40])
    def test_more_are_not_named(self, match: Any, having: dict[str, Any], count: int) -> None:
        leads = leads_with(count, *OTHERS, **having)
        (result,) = leads.write(an_upsert(match, title="Buyer")).results
        assert result.outcome is Outcome.REFUSED
        assert isinstance(result.refusal, MatchAmbiguous)
        assert result.refusal.ids == ()
        assert not re.search(r"\d", result.refusal.message)
        assert result.match is not None
        assert (result.match.matches, result.match.ids) == (31, ())


class TestMatchReceipt:
    def test_it_names_the_field_and_the_normalised_value(self) -> None:
        (result,) = leads_with(0).write(an_upsert(EMAIL, name="Nora Field")).results
        assert result.match == MatchResult("email", "nora@field.example", 0, ())

    def test_it_names_the_definition(self) -> None:
        match, _ = MATCHES[DataType.DATE]
        (result,) = leads_with(0).write(an_upsert(match, name="Nora Field")).results
        assert result.match == MatchResult(
            "custom", "2020-12-15", 0, (), None, FIELDS[DataType.DATE].id
        )

    def test_only_an_upsert_has_one(self) -> None:
        results = leads_with(1).write(a_write(), an_update(1, title="x"), a_delete(1)).results
        assert [result.match for result in results] == [None, None, None]


class TestMatchedValueOnCreate:
    def test_the_match_gives_it(self) -> None:
        (result,) = leads_with(0).write(an_upsert(EMAIL, name="Nora Field")).results
        assert lead_of(result).email == Email("nora@field.example", "work")

    def test_properties_give_another(self) -> None:
        upsert = an_upsert(EMAIL, name="Nora Field", email={"email": "n@field.example"})
        (result,) = leads_with(0).write(upsert).results
        assert lead_of(result).email == Email("n@field.example", "work")

    def test_properties_that_clear_it_do_not_count(self) -> None:
        (result,) = leads_with(0).write(an_upsert(EMAIL, name="Nora Field", email=None)).results
        assert lead_of(result).email == Email("nora@field.example", "work")

    def test_a_name_from_the_match_is_split(self) -> None:
        match = {"field_name": "name", "field_value": "Dr. Nora Field"}
        (result,) = leads_with(0).write(an_upsert(match, title="Buyer")).results
        lead = lead_of(result)
        assert (lead.name, lead.prefix, lead.last_name) == ("Dr. Nora Field", "Dr.", "Field")

    def test_an_updated_lead_keeps_its_own_spelling(self) -> None:
        leads = leads_with(1, email=Email("Nora@Field.example", "other"))
        (result,) = leads.write(an_upsert(EMAIL, title="Buyer")).results
        assert lead_of(result).email == Email("Nora@Field.example", "other")

    def test_an_update_may_change_the_matched_value(self) -> None:
        leads = leads_with(1, email=Email("nora@field.example", "work"))
        moved = an_upsert(EMAIL, email={"email": "n@field.example"})
        results = leads.write(moved, an_upsert(EMAIL, name="Second Nora")).results
        assert outcomes(results) == ["updated", "created"]


class TestOutcomes:
    def test_a_create_makes_version_one(self) -> None:
        (result,) = leads_with(0).write(a_write(properties={"name": "Nora Field"})).results
        assert result == WriteResult(
            Outcome.CREATED,
            a_lead(date_created=NOW, date_modified=NOW),
            {
                "name": (None, "Nora Field"),
                "first_name": (None, "Nora"),
                "last_name": (None, "Field"),
                "status_id": (None, 2001),
            },
        )

    def test_ids_follow_each_other(self) -> None:
        leads = leads_with(3)
        results = leads.write(a_write(), a_write(), a_write()).results
        assert [lead_of(result).id for result in results] == [4, 5, 6]

    def test_a_refused_create_takes_no_id(self) -> None:
        leads = leads_with(3)
        long = "x" * 200
        refused = a_write(properties={"first_name": long, "last_name": long})
        results = leads.write(a_write(), refused, a_write()).results
        assert outcomes(results) == ["created", "refused", "created"]
        assert lead_of(results[2]).id == 5

    def test_an_update_makes_the_next_version(self) -> None:
        leads = leads_with(1)
        results = leads.write(an_update(1, title="a"), an_update(1, title="b")).results
        assert [lead_of(result).version for result in results] == [2, 3]
        assert results[1].changes == {"title": ("a", "b")}

    def test_an_update_of_nothing_makes_no_version(self) -> None:
        leads = leads_with(1, title="Buyer")
        plan = leads.write(an_update(1), an_update(1, title="Buyer", name="Nora Field"))
        assert outcomes(plan.results) == ["unchanged", "unchanged"]
        assert [result.lead for result in plan.results] == [leads.leads[1]] * 2
        assert lead_of(plan.results[0]).date_modified == 1_700_000_000
        assert not plan.updated

    def test_the_date_never_goes_backwards(self) -> None:
        leads = leads_with(1, date_modified=NOW + 50)
        (result,) = leads.write(an_update(1, title="Buyer"), now=NOW).results
        assert lead_of(result).date_modified == NOW + 50

    def test_a_delete_answers_with_the_lead_as_it_was(self) -> None:
        leads = leads_with(1)
        before = leads.leads[1]
        plan = leads.write(a_delete(1))
        (result,) = plan.results
        assert (result.outcome, result.lead) == (Outcome.DELETED, before)
        assert result.changes["name"] == ("Nora Field", None)
        assert plan.deleted == [1]
        assert leads.leads == {}

    @pytest.mark.parametrize("write", [an_update(77, title="x"), an_update(77), a_delete(77)])
    def test_a_lead_that_is_not_there(self, write: LeadWrite) -> None:
        (result,) = leads_with(1).write(write).results
        assert result.outcome is Outcome.REFUSED
        assert isinstance(result.refusal, ResourceNotFound)


class TestRefusals:
    @pytest.mark.parametrize("properties", [{}, {"title": "Buyer"}, {"first_name": " "}])
    def test_a_create_needs_a_name(self, properties: dict[str, Any]) -> None:
        (result,) = leads_with(0).write(a_write(properties=properties)).results
        assert isinstance(result.refusal, InputInvalid)
        assert result.refusal.problems == (BLANK_NAME,)

    def test_a_name_made_of_parts_is_enough(self) -> None:
        (result,) = leads_with(0).write(a_write(properties={"last_name": "Field"})).results
        assert lead_of(result).name == "Field"

    def test_an_upsert_needs_a_name_only_to_create(self) -> None:
        results = leads_with(0).write(an_upsert(EMAIL, title="Buyer")).results
        assert isinstance(results[0].refusal, InputInvalid)
        assert results[0].refusal.problems == (BLANK_NAME,)
        assert results[0].match == MatchResult("email", "nora@field.example", 0, ())
        leads = leads_with(1, email=Email("nora@field.example", "work"))
        assert outcomes(leads.write(an_upsert(EMAIL, title="Buyer")).results) == ["updated"]

    def test_an_update_cannot_take_the_name_away(self) -> None:
        leads = leads_with(1)
        plan = leads.write(an_update(1, first_name=None, last_name=None), an_update(1, name=""))
        assert outcomes(plan.results) == ["refused", "refused"]
        assert not plan.updated

    def test_parts_may_not_make_a_name_that_is_too_long(self) -> None:
        long = an_update(1, first_name="x" * 127, last_name="y" * 128)
        (result,) = leads_with(1).write(long).results
        assert result.refusal is not None
        assert result.refusal.message.endswith("Name: is too long (maximum is 255 characters)")
        longest = an_update(1, first_name="x" * 127, last_name="y" * 127)
        assert outcomes(leads_with(1).write(longest).results) == ["updated"]

    def test_a_refused_write_does_not_touch_its_neighbours(self) -> None:
        leads = leads_with(1)
        results = leads.write(
            a_write(properties={"name": " "}),
            an_update(1, title="a"),
            an_update(1, tags=["x" * 256]),
            an_update(1, company_name="b"),
        ).results
        assert outcomes(results) == ["refused", "updated", "refused", "updated"]
        assert (leads.leads[1].title, leads.leads[1].company_name) == ("a", "b")

    def test_everything_wrong_with_a_write_is_said_at_once(self) -> None:
        write = a_write(
            Action.UPSERT,
            problems=(Problem("base", "Unrecognized attributes specified: x"),),
            properties={"name": " ", "status_id": 77},
            match={"field_name": "phone", "field_value": "1"},
        )
        refusal = checked_write(write, SETTINGS).refusal
        assert isinstance(refusal, InputInvalid)
        attributes = [problem.attribute for problem in refusal.problems]
        assert attributes == ["base", "name", "status_id", "match"]

    def test_a_write_that_the_front_end_found_wrong_is_not_done(self) -> None:
        wrong = (Problem("base", "properties can't be blank", "blank"),)
        leads = leads_with(1)
        plan = leads.write(a_write(Action.UPDATE, lead_id=1, problems=wrong))
        assert outcomes(plan.results) == ["refused"]
        assert not plan.updated

    def test_a_match_by_a_field_that_is_being_indexed_says_when_to_try_again(self) -> None:
        building = a_field(is_filterable=True, index_state=IndexState.BUILDING)
        match = {
            "field_name": "custom",
            "field_value": {"custom_field_definition_id": building.id, "value": "A-77"},
        }
        refusal = checked_write(an_upsert(match, name="x"), a_settings(fields=(building,))).refusal
        assert refusal is not None
        assert refusal.retry_after_s == 1


class TestOneAfterTheOther:
    def test_an_upsert_finds_what_the_batch_created(self) -> None:
        leads = leads_with(0)
        create = a_write(
            properties={"name": "Nora Field", "email": {"email": "Nora@field.example"}}
        )
        results = leads.write(create, an_upsert(EMAIL, title="Buyer")).results
        assert outcomes(results) == ["created", "updated"]
        assert lead_of(results[1]).version == 2
        assert len(leads.leads) == 1

    def test_two_creates_make_a_later_upsert_ambiguous(self) -> None:
        match = {"field_name": "name", "field_value": "nora field"}
        plan = leads_with(0).write(a_write(), a_write(), an_upsert(match, title="Buyer"))
        refusal = plan.results[2].refusal
        assert isinstance(refusal, MatchAmbiguous)
        assert refusal.ids == (71_000_001, 71_000_002)

    def test_two_leads_that_match_each_other_by_different_fields(self) -> None:
        by_name = {"field_name": "name", "field_value": "Nora Field"}
        results = (
            leads_with(0)
            .write(an_upsert(EMAIL, name="Nora Field"), an_upsert(by_name, title="Buyer"))
            .results
        )
        assert outcomes(results) == ["created", "updated"]

    def test_an_update_moves_a_lead_into_the_match(self) -> None:
        leads = leads_with(1)
        moved = an_update(1, email={"email": "nora@field.example"})
        results = leads.write(moved, an_upsert(EMAIL, title="Buyer")).results
        assert outcomes(results) == ["updated", "updated"]

    def test_a_delete_makes_room(self) -> None:
        leads = leads_with(1, email=Email("nora@field.example", "work"))
        results = leads.write(a_delete(1), an_upsert(EMAIL, name="Nora Field")).results
        assert outcomes(results) == ["deleted", "created"]
        assert leads.leads.keys() == {2}

    def test_removing_all_but_one_leaves_a_match(self) -> None:
        leads = leads_with(3, email=Email("nora@field.example", "work"))
        upsert = an_upsert(EMAIL, title="Buyer")
        moved = an_update(3, email=None)
        results = leads.write(upsert, a_delete(1), moved, upsert).results
        assert outcomes(results) == ["refused", "deleted", "updated", "updated"]
        assert lead_of(results[3]).id == 2

    @pytest.mark.parametrize("removed", [1, 5, 9])
    def test_removing_some_of_many_leaves_thirty_to_be_named(self, removed: int) -> None:
        leads = leads_with(30 + removed, email=Email("nora@field.example", "work"))
        upsert = an_upsert(EMAIL, title="Buyer")
        deletes = [a_delete(n + 1) for n in range(removed)]
        before, *_, after = leads.write(upsert, *deletes, upsert).results
        assert before.match is not None
        assert after.match is not None
        assert (before.match.matches, before.match.ids) == (31, ())
        assert (after.match.matches, after.match.ids) == (30, tuple(leads.leads))

    def test_a_lead_leaves_and_comes_back(self) -> None:
        leads = leads_with(2, email=Email("nora@field.example", "work"))
        upsert = an_upsert(EMAIL, title="Buyer")
        back = an_update(1, email={"email": "NORA@field.example"})
        plan = leads.write(an_update(1, email=None), upsert, back, upsert)
        assert outcomes(plan.results) == ["updated", "updated", "updated", "refused"]
        assert not plan.keys_added
        assert not plan.keys_removed

    def test_a_lead_that_leaves_again_stays_away(self) -> None:
        leads = leads_with(2, email=Email("nora@field.example", "work"))
        away, back = an_update(1, email=None), an_update(1, email={"email": "nora@field.example"})
        *_, result = leads.write(away, back, away, an_upsert(EMAIL, title="Buyer")).results
        assert lead_of(result).id == 2
        assert leads.keys == leads.derived_keys()

    def test_what_is_created_and_deleted_leaves_nothing_but_its_id(self) -> None:
        leads = leads_with(1)
        plan = leads.write(a_write(), a_delete(2), an_update(2, title="x"))
        assert outcomes(plan.results) == ["created", "deleted", "refused"]
        assert (plan.created, plan.updated, plan.deleted) == ([], [], [])
        assert (plan.keys_added, plan.keys_removed) == ([], [])
        (later,) = leads.write(a_write()).results
        assert lead_of(later).id == 3

    def test_a_lead_that_is_written_often_is_saved_once(self) -> None:
        leads = leads_with(1)
        plan = leads.write(*(an_update(1, title=str(n)) for n in range(5)))
        assert [lead.title for lead in plan.updated] == ["4"]
        assert leads.leads[1].version == 6

    def test_a_lead_that_is_created_and_updated_is_saved_once(self) -> None:
        leads = leads_with(0)
        plan = leads.write(a_write(), an_update(71_000_001, name="Sam Roe"))
        assert [lead.name for lead in plan.created] == ["Sam Roe"]
        assert plan.updated == []
        assert leads.keys == leads.derived_keys()

    def test_a_tag_in_another_spelling_gets_a_new_label(self) -> None:
        leads = leads_with(1, tags=("VIP",))
        leads.write(an_update(1, tags=["vip"]))
        assert leads.keys == leads.derived_keys()
        assert leads.keys["tag", "vip"] == {1: "vip"}

    def test_an_empty_batch_plans_nothing(self) -> None:
        plan = leads_with(3).write()
        assert (plan.results, plan.last_id, plan.created) == ([], 3, [])


class TestWhatAPlanNeeds:
    def test_one_id_more_than_may_be_named(self) -> None:
        assert matches_needed([checked_write(a_write(), SETTINGS)]) == 31

    def test_one_id_more_for_each_write_that_can_remove_a_match(self) -> None:
        writes = [
            *(a_write(), an_upsert(EMAIL), an_update(1, title="x"), a_delete(2)),
            *(an_update(3, name=""), a_write(properties={})),
        ]
        assert matches_needed([checked_write(write, SETTINGS) for write in writes]) == 34

    def test_the_leads_that_are_named_and_the_few_that_may_be_meant(self) -> None:
        writes = [an_upsert(EMAIL), an_update(7, title="x"), a_delete(8), an_update(9, name="")]
        matches = {
            ("email", "nora@field.example"): [1, 2, 3],
            ("name", "nora field"): [4, 5, 6, 7],
        }
        needed = leads_needed([checked_write(write, SETTINGS) for write in writes], matches)
        assert needed == {1, 2, 3, 7, 8}
