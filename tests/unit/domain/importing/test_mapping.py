"""Mappings that cannot be used, as old or hostile ones."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.imports import filterable

from onelead.domain.custom_fields import DataType
from onelead.domain.errors import InputInvalid
from onelead.domain.importing.mapping import Column, Mapping, mapping_problems, require_usable
from onelead.domain.importing.targets import field_of_target, is_target

SETTINGS = a_settings(
    fields=(
        filterable(a_field(id=7)),
        a_field(id=8, data_type=DataType.DATE),
        a_field(id=9, available_on=("company",)),
    )
)
EMAIL = (Column("Email", "email"), Column("No", "custom:7"))


@pytest.mark.parametrize(
    ("columns", "options", "problem"),
    [
        ((Column("A", "shoe size"),), {}, 'Column "A" cannot be "shoe size".'),
        ((Column("A", "custom:9"),), {}, 'Column "A" cannot be "custom:9".'),
        ((Column("A", "custom:x"),), {}, 'Column "A" cannot be "custom:x".'),
        ((Column("A", "title"), Column("B", "title")), {}, 'Two columns cannot both be "Title".'),
        (EMAIL, {"match": ("name",)}, 'Rows cannot be matched by "name"'),
        (EMAIL, {"match": ("email", "email")}, "Rows can be matched by 10 fields in turn"),
        (EMAIL, {"country": "ZZ"}, 'No country has the code "ZZ".'),
        (EMAIL, {"more_emails": "title"}, 'Further e-mails cannot go to "title".'),
        (EMAIL, {"more_emails": "custom:8"}, 'Further e-mails cannot go to "custom:8".'),
    ],
)
def test_a_mapping_says_why_it_cannot_be_used(
    columns: tuple[Column, ...], options: dict[str, Any], problem: str
) -> None:
    mapping = Mapping(columns, **options)
    (found,) = mapping_problems(mapping, SETTINGS)
    assert found.startswith(problem)
    with pytest.raises(InputInvalid):
        require_usable(mapping, SETTINGS)


def test_a_usable_mapping_has_no_problems() -> None:
    columns = (*EMAIL, Column("Phone", "phone"), Column("Phone", "phone"), Column("x"))
    match = ("custom:7", "email")
    mapping = Mapping(columns, match, country="DE", more_emails="custom:7")
    assert mapping_problems(mapping, SETTINGS) == ()
    assert mapping_problems(Mapping(EMAIL, more_emails="leave_out"), SETTINGS) == ()


def test_a_mapping_is_kept_as_json() -> None:
    mapping = Mapping(EMAIL, ("email",), choices={"status": {"*": "create"}})
    assert msgspec.json.decode(msgspec.json.encode(mapping), type=Mapping) == mapping


@pytest.mark.parametrize(
    ("target", "is_one"),
    [
        *[("new:String:Shoe size", True), ("new:Date:a:b", True), ("new:String: ", False)],
        *[("new:Colour:x", False), ("old:String:x", False), (f"new:String:{'x' * 256}", False)],
        *[("new:String:a\nb", False), ("phone:mobile", True), ("phone:pager", False)],
        *[("title:work", False), ("", False), ("address", True), ("custom:7", True)],
    ],
)
def test_a_target_exists_or_not(target: str, is_one: bool) -> None:  # noqa: FBT001
    assert is_target(target, SETTINGS) is is_one


@pytest.mark.parametrize(
    ("target", "field"),
    [
        *[("first_name", "name"), ("phone:mobile", "phone_numbers"), ("website", "websites")],
        *[("address.city", "address"), ("status", "status_id"), ("custom:7", "custom_fields.7")],
        *[("monetary_unit", "monetary_value"), ("social:linkedin", "socials"), ("title", "title")],
    ],
)
def test_a_target_gives_a_field_as_policies_name_it(target: str, field: str) -> None:
    assert field_of_target(target) == field
