"""What a lead has besides its fields, in words."""

from __future__ import annotations

import pytest
from tests.support.domain.builders import a_lead, a_settings

from onelead.domain.acts.policies import Deciding, Policy
from onelead.domain.lead import Email, FieldOrigin, OtherValue
from onelead.web.leads.beside import origin_texts, other_lines

LEAD = a_lead(
    id=7,
    name="Nora Field",
    email=Email("nora@field.example", "work"),
    title="Buyer",
    origins={"title": FieldOrigin("key-951", 1_700_000_000)},
)


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (Policy.NEWEST, "The newest value wins: from "),
        (Policy.RANKED, "The sender with the highest rank wins: from "),
    ],
)
def test_the_rule_that_decided_a_value_is_named(policy: Policy, text: str) -> None:
    settings = a_settings(deciding=Deciding({"title": policy}))
    said = origin_texts(LEAD, settings, {951: "API key Website form"})["title"]
    assert said.startswith(text)
    assert "API key Website form" in said
    assert "an earlier sender" in origin_texts(LEAD, settings, {})["title"]


def test_a_field_that_is_overwritten_has_no_rule_to_name() -> None:
    assert origin_texts(LEAD, a_settings(), {}) == {}


def test_other_values_are_listed_unless_they_repeat_the_leads_own() -> None:
    values = {
        11: OtherValue("email", "NORA@field.example", "merge", from_id=7),
        12: OtherValue("email", "n@field.example", "merge", from_id=8),
        13: OtherValue("name", "nora field", "ruling", claims=True),
        14: OtherValue("name", "N. Field", "person"),
    }
    lead = a_lead(id=7, name="Nora Field", email=LEAD.email, other_values=values)
    lines = other_lines(lead, a_settings())
    assert [(line.id, line.text.text, line.origin, line.is_ruling) for line in lines] == [
        (12, "n@field.example", "from lead 8", False),
        (13, "nora field", "ruling", True),
        (14, "N. Field", "added by a person", False),
    ]
    assert [line.from_id for line in lines] == [8, None, None]
