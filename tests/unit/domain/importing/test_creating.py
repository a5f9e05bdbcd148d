"""The settings that an import makes on the way."""

from __future__ import annotations

import pytest
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.imports import File

from onelead.domain.custom_fields import DataType
from onelead.domain.importing.creating import Creation, creations, settings_with, with_created
from onelead.domain.importing.mapping import mapping_problems
from onelead.domain.importing.questions import answered
from onelead.domain.text import fold

SETTINGS = a_settings(fields=(a_field(id=7, name="Level", data_type=DataType.DROPDOWN),))
HEADER = ["Email", "Status", "Source", "Level", "Owner", "Budget", "Sector", "Since", "Colours"]
ROWS = (
    ["a@a.example", "Hot", "Fair", "Gold", "x", "1.234,5", "Farming", "13/02/2026", "red; blue"],
    ["b@a.example", "hot", "fair", "Bronze", "", "7", "farming", "01/02/2026", "blue"],
)


def file() -> File:
    found = File(HEADER, *ROWS, settings=SETTINGS).with_targets(
        *("email", "status", "customer_source", "custom:7", "assignee", "new:Currency:Budget"),
        *("new:Dropdown:Sector", "new:Date:Since", "new:MultiSelect:Colours"),
    )
    for place in (1, 2, 3):
        found.mapping = answered(found.mapping, f"choices:{place}", "create")
    return found


def test_what_the_account_lacks_is_made_once() -> None:
    surveyed = file().surveyed()
    assert [question.key for question in surveyed.questions] == [
        *("choices:1", "choices:2", "choices:3", "choices:4"),
    ]
    assert creations(surveyed.mapping, surveyed.columns, SETTINGS) == (
        Creation("lead_status", "Hot", "status"),
        Creation("customer_source", "Fair", "customer_source"),
        Creation("custom_field_option", "Bronze", "custom:7"),
        Creation("custom_field_definition", "Budget", "new:Currency:Budget", DataType.CURRENCY),
        Creation(
            *("custom_field_definition", "Sector", "new:Dropdown:Sector", DataType.DROPDOWN),
            ("Farming",),
        ),
        Creation("custom_field_definition", "Since", "new:Date:Since", DataType.DATE),
        Creation(
            *("custom_field_definition", "Colours", "new:MultiSelect:Colours"),
            *(DataType.MULTI_SELECT, ("blue", "red")),
        ),
    )


def test_a_rehearsal_has_them_under_ids_that_are_made_up() -> None:
    found = file()
    surveyed = found.surveyed()
    made = creations(surveyed.mapping, surveyed.columns, SETTINGS)
    found.settings = settings_with(SETTINGS, made)
    found.mapping = with_created(surveyed.mapping, found.settings)
    assert creations(found.mapping, found.surveyed().columns, found.settings) == ()
    ids = [one.id for one in found.settings.fields] + [
        option.id for one in found.settings.fields for option in one.options
    ]
    assert len({*ids}) == len(ids)
    first, second = found.leads()
    assert first.status_id == second.status_id == found.settings.statuses[-1].id
    assert first.customer_source_id == found.settings.sources[-1].id
    budget, sector, since, colours = found.settings.fields[1:]
    assert first.custom_fields == {
        7: 5102,
        budget.id: 1234.5,
        sector.id: sector.options[0].id,
        since.id: "2026-02-13",
        colours.id: tuple(option.id for option in colours.options),
    }
    assert second.custom_fields[colours.id] == (colours.options[0].id,)


def test_a_step_that_is_repeated_makes_nothing_twice() -> None:
    found = file()
    surveyed = found.surveyed()
    made = creations(surveyed.mapping, surveyed.columns, SETTINGS)
    settings = settings_with(SETTINGS, made)
    assert creations(surveyed.mapping, surveyed.columns, settings) == ()


def test_a_field_that_another_import_has_made_gets_the_options_that_it_lacks() -> None:
    surveyed = file().surveyed()
    sector = a_field(id=8, name="sector", data_type=DataType.DROPDOWN)
    settings = a_settings(fields=(*SETTINGS.fields, sector))
    made = creations(surveyed.mapping, surveyed.columns, settings)
    assert Creation("custom_field_option", "Farming", "custom:8") in made
    assert "Sector" not in [one.name for one in made]


@pytest.mark.parametrize("other", ["new:String:sector", "new:Dropdown:Sector", "custom:8"])
def test_two_columns_do_not_make_one_field(other: str) -> None:
    sector = a_field(id=8, name="Sector", data_type=DataType.DROPDOWN)
    settings = a_settings(fields=(sector,) if other == "custom:8" else ())
    mapping = File(["Name", "Sector", "Field"], settings=settings).mapping
    mapping = mapping.with_columns(target={1: "new:Dropdown:Sector", 2: other})
    (problem,) = mapping_problems(mapping, settings)
    assert fold(problem) == fold('Two columns cannot both be "Sector".')


def test_what_is_not_wanted_is_not_made() -> None:
    surveyed = File(HEADER, *ROWS, settings=SETTINGS).surveyed()
    assert creations(surveyed.mapping, surveyed.columns, SETTINGS) == ()


def test_a_new_field_that_was_not_made_is_left_out() -> None:
    mapping = file().mapping
    assert with_created(mapping, SETTINGS) == mapping
