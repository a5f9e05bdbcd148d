"""A write that was made for one version of a lead does not touch another version."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_lead, a_settings, a_write
from tests.support.domain.planned_leads import PlannedLeads

from onelead.domain.errors import Kind, ResourceNotFound, VersionConflict
from onelead.domain.writes import Action, LeadWrite, Outcome, WriteResult


def leads() -> PlannedLeads:
    return PlannedLeads(a_settings(), [a_lead(id=1, version=3, title="Buyer")])


def an_update(expected: int | None, **properties: Any) -> LeadWrite:
    return a_write(Action.UPDATE, lead_id=1, properties=properties, expected_version=expected)


def a_delete(expected: int | None) -> LeadWrite:
    return a_write(Action.DELETE, lead_id=1, expected_version=expected)


def assert_conflict(result: WriteResult, version: int) -> None:
    assert result.outcome is Outcome.REFUSED
    assert isinstance(result.refusal, VersionConflict)
    assert (result.refusal.kind, result.refusal.version) == (Kind.PRECONDITION, version)
    assert (result.lead, result.changes) == (None, {})


@pytest.mark.parametrize("expected", [3, None])
def test_the_expected_version_is_written(expected: int | None) -> None:
    (updated,) = leads().write(an_update(expected, title="Owner")).results
    assert (updated.outcome, updated.lead and updated.lead.version) == (Outcome.UPDATED, 4)
    (deleted,) = leads().write(a_delete(expected)).results
    assert deleted.outcome is Outcome.DELETED


@pytest.mark.parametrize("expected", [0, 1, 2, 4])
@pytest.mark.parametrize("properties", [{"title": "Owner"}, {"title": "Buyer"}, {}])
def test_another_version_is_refused_even_if_nothing_would_change(
    expected: int, properties: dict[str, Any]
) -> None:
    kept = leads()
    plan = kept.write(an_update(expected, **properties), a_delete(expected))
    for result in plan.results:
        assert_conflict(result, 3)
    assert (plan.updated, plan.deleted) == ([], [])
    assert kept.leads[1].title == "Buyer"


def test_a_write_sees_the_version_that_the_batch_has_made() -> None:
    kept = leads()
    first, second, third = kept.write(
        an_update(3, title="Owner"), an_update(3, title="Seller"), an_update(4, title="Head")
    ).results
    assert first.outcome is Outcome.UPDATED
    assert_conflict(second, 4)
    assert (third.outcome, kept.leads[1].title) == (Outcome.UPDATED, "Head")


def test_a_lead_that_is_gone_is_not_found_whatever_was_expected() -> None:
    results = leads().write(a_delete(3), an_update(3, title="Owner"), a_delete(3)).results
    assert [type(result.refusal) for result in results[1:]] == [ResourceNotFound] * 2


def test_problems_of_the_write_are_reported_first() -> None:
    (result,) = leads().write(an_update(1, title="x" * 256)).results
    assert result.refusal is not None
    assert "Title: is too long" in result.refusal.message


@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["A", "B"])), max_size=12))
def test_every_write_that_is_done_met_its_expected_version(writes: list[tuple[int, str]]) -> None:
    kept = PlannedLeads(a_settings(), [a_lead(id=1, version=1)])
    results = kept.write(*(an_update(version, title=title) for version, title in writes)).results
    version, title = 1, None
    for (expected, wanted), result in zip(writes, results, strict=True):
        if expected != version:
            assert_conflict(result, version)
            continue
        version += wanted != title
        title = wanted
        assert result.lead is not None
        assert (result.lead.version, result.lead.title) == (version, title)
    assert (kept.leads[1].version, kept.leads[1].title) == (version, title)
