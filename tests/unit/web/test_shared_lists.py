"""Shared values in words: labels, bounds, and the address of the leads."""

from __future__ import annotations

from tests.support.domain.builders import a_field, a_settings

from onelead.contract.figures import SharedValue
from onelead.domain.custom_fields import IndexState
from onelead.domain.limits import MATCH_IDS_MAX
from onelead.domain.matching import key_value
from onelead.process.shared_values import FieldScan, SharedValueScan
from onelead.web.overview.shared_values import SharedLine, SharedList, shared_lists

FIELD = a_field(id=7, name="Badge", index_state=IndexState.READY, index_generation=2)
SETTINGS = a_settings(fields=(FIELD,))


def lists(key_field: str, *values: tuple[str, int], shared: int | None = None) -> list[SharedList]:
    found = [SharedValue(*value) for value in values]
    scan = SharedValueScan(0, [FieldScan(key_field, shared or len(found), found)])
    return shared_lists(scan, SETTINGS)


def test_a_value_leads_to_its_leads() -> None:
    (shared,) = lists("email", ("a&b+c@x.example", 2), shared=5)
    assert (shared.label, shared.more) == ("E-mail", 4)
    assert shared.lines == [
        SharedLine(
            "a&b+c@x.example",
            "2",
            "/leads?emails=a%26b%2Bc%40x.example",
            "/leads/merge?emails=a%26b%2Bc%40x.example",
        )
    ]


def test_a_custom_field_has_its_own_name() -> None:
    (shared,) = lists("custom:7.2", ("A 7", 3))
    assert shared.label == "Badge"
    assert shared.lines[0].text == "A 7"


def test_more_than_a_refusal_can_name_are_not_counted() -> None:
    (shared,) = lists("name", ("nora", MATCH_IDS_MAX), ("omar", MATCH_IDS_MAX + 1))
    assert [line.leads for line in shared.lines] == ["30", "more than 30"]
    assert [line.merge_href for line in shared.lines] == ["/leads/merge?name=nora", ""]


def test_a_long_value_that_is_kept_as_a_digest_is_not_shown() -> None:
    (shared,) = lists("name", (key_value("x" * 1_000), 2))
    assert shared.lines == [SharedLine("(a long value)", "2", "", "")]


def test_a_field_that_is_gone_or_was_indexed_again_is_left_out() -> None:
    assert lists("custom:7.1", ("A", 2)) == []
    assert lists("custom:8.1", ("A", 2)) == []
