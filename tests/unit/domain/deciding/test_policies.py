"""Fields and callers, as policies name them."""

from __future__ import annotations

from onelead.domain.acts.policies import POLICY_FIELDS, field_of, is_field, members_of, rank_of


def test_what_belongs_together_is_one_field() -> None:
    assert [field_of(name) for name in ("title", "last_name", "monetary_unit")] == [
        *("title", "name", "monetary_value")
    ]
    assert members_of("title") == ("title",)
    assert members_of("monetary_value") == ("monetary_value", "monetary_unit")
    assert "first_name" in members_of("name")


def test_the_fields_of_every_lead() -> None:
    assert POLICY_FIELDS[:3] == ("name", "address", "assignee_id")
    assert "first_name" not in POLICY_FIELDS
    names = ("title", "custom_fields.4101", "custom_fields.x", "first_name", "pins.title")
    assert [name for name in names if is_field(name)] == ["title", "custom_fields.4101"]


def test_the_users_of_the_web_application_rank_alike() -> None:
    ranks = {"key-951": 3, "web": 2}
    assert rank_of("key-951", ranks) == 3
    assert rank_of("user-901", ranks) == rank_of("user-902", ranks) == 2
    assert rank_of("key-952", ranks) == rank_of("server", ranks) == 0
