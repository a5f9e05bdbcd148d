"""Some of a lead's tags change, the others stay as they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onelead.domain.properties import tags_changed
from onelead.domain.text import fold

TAGS = st.lists(st.sampled_from(["fair", "Fair", "VIP", "été", "spring"]), max_size=5)


def test_a_tag_is_added_at_the_end_once_in_any_case() -> None:
    assert tags_changed(["Fair"], added=["VIP", "fair", "vip"]) == ["Fair", "VIP"]


def test_a_tag_is_removed_in_any_case() -> None:
    assert tags_changed(["Fair", "VIP"], removed=["FAIR", "other"]) == ["VIP"]


@given(TAGS, TAGS, TAGS)
def test_doing_it_again_changes_nothing(
    tags: list[str], added: list[str], removed: list[str]
) -> None:
    once = tags_changed(tags, added=added, removed=removed)
    again = tags_changed(once, added=added, removed=removed)
    assert {*map(fold, again)} == {*map(fold, once)}
    assert tags_changed(once, added=added) == once
    folded = [fold(tag) for tag in once]
    assert len(set(folded)) == len(folded)
    assert {fold(tag) for tag in added} <= set(folded)
    kept = {fold(tag) for tag in tags} - {fold(tag) for tag in removed}
    assert set(folded) == kept | {fold(tag) for tag in added}
