"""What an account's settings answer."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from tests.support.domain.builders import a_field, a_settings

from onelead.domain.account import (
    DEFAULT_CUSTOMER_SOURCES,
    DEFAULT_LEAD_STATUSES,
    DEFAULT_TIME_ZONE,
    CustomerSource,
    LeadStatus,
)
from onelead.domain.custom_fields import IndexState

ON_LEADS = a_field(id=4101, index_state=IndexState.READY)
BUILDING = a_field(id=4102, index_state=IndexState.BUILDING)
ON_PEOPLE = a_field(id=4103, available_on=("person",))
SETTINGS = a_settings(time_zone="Asia/Tokyo", fields=(ON_LEADS, BUILDING, ON_PEOPLE))


def test_everything_is_found_by_its_id() -> None:
    assert SETTINGS.users_by_id[901].email == "dana@shop.example"
    assert SETTINGS.statuses_by_id[2002] == LeadStatus(2002, "Open")
    assert SETTINGS.sources_by_id[3101] == CustomerSource(3101, "Email")
    assert SETTINGS.fields_by_id == {4101: ON_LEADS, 4102: BUILDING, 4103: ON_PEOPLE}


def test_definitions_on_leads_are_told_from_the_others() -> None:
    assert SETTINGS.lead_fields == (ON_LEADS, BUILDING)


def test_a_definition_is_indexed_from_the_moment_of_the_switch() -> None:
    assert SETTINGS.indexed_fields == (ON_LEADS, BUILDING)


def test_the_default_status_need_not_be_the_first() -> None:
    assert SETTINGS.default_status.id == 2001
    statuses = (LeadStatus(1, "Old"), LeadStatus(2, "New", is_default=True))
    assert a_settings(statuses=statuses).default_status.id == 2


def test_the_time_zone_is_ready_to_use() -> None:
    assert SETTINGS.zone == ZoneInfo("Asia/Tokyo")


def test_a_new_account_starts_with_the_lists_of_the_wire() -> None:
    assert DEFAULT_LEAD_STATUSES == ("New", "Open", "Unqualified", "Junk")
    assert DEFAULT_CUSTOMER_SOURCES == ("Email", "Cold Call", "Advertising")
    assert str(ZoneInfo(DEFAULT_TIME_ZONE)) == DEFAULT_TIME_ZONE
