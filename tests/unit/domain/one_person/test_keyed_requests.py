"""A request with an idempotency key is done once, whatever happens in between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support.domain.act_writes import keyed, merge
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.domain.planned_leads import PlannedLeads
from tests.support.domain.random_upserts import FILTERABLE

from onelead.domain.errors import IdempotencyKeyReused
from onelead.domain.writes import IdempotencyKey, LeadWrite, Outcome, WriteResult

NAMES = ("Nora Field", "Sam Roe", "Ann Lee")
_ids = st.integers(71_000_001, 71_000_006)
_names = st.sampled_from(NAMES)
_titles = st.sampled_from(["Buyer", "Owner", None])
requests = st.one_of(
    st.builds(lambda name, title: create(name=name, title=title), _names, _titles),
    st.builds(lambda name, title: upsert("name", name, title=title), _names, _titles),
    st.builds(lambda lead_id, title: update(lead_id, title=title), _ids, _titles),
    st.builds(delete, _ids),
    st.builds(merge, _ids, _ids),
)
#: Some without a key; often the same key, now and then with another body.
keys = st.sampled_from([None, *"aaabbbc"])


@st.composite
def histories(draw: st.DrawFn) -> list[list[LeadWrite]]:
    """Draw batches of requests, of which those with one key are the same."""
    by_key: dict[str, LeadWrite] = {}
    batches = []
    for _ in range(draw(st.integers(1, 6))):
        batch = []
        for key in draw(st.lists(keys, min_size=1, max_size=5)):
            request = draw(requests)
            if key is not None:
                request = by_key.setdefault(key, keyed(request, key))
            batch.append(request)
        batches.append(batch)
    return batches


@given(histories())
def test_a_request_that_was_done_is_answered_again_and_not_done_again(
    batches: list[list[LeadWrite]],
) -> None:
    leads = PlannedLeads(FILTERABLE)
    first: dict[str, tuple[int, WriteResult]] = {}
    rows = 0
    for batch in batches:
        plan = leads.write(*batch)
        for write, result, seq in zip(batch, plan.results, plan.seqs, strict=True):
            key = write.delivery.idempotency
            done = first.get(key.key_hash) if key else None
            if done is not None:
                assert (seq, result.replayed_seq) == (done[0], done[0])
                assert structs.replace(result, replayed_seq=None) == done[1]
                continue
            rows += 1
            assert (seq, result.replayed_seq) == (rows, None)
            if key is not None and result.refusal is None:
                first[key.key_hash] = (seq, result)


def test_another_body_is_refused_and_the_key_keeps_its_first_request() -> None:
    leads = PlannedLeads(FILTERABLE)
    nora, sam = keyed(create(name="Nora Field"), "a", "1"), keyed(create(name="Sam Roe"), "a", "2")
    first, other, again = leads.write(nora, sam, nora).results
    assert isinstance(other.refusal, IdempotencyKeyReused)
    assert (first.outcome, again.replayed_seq) == (Outcome.CREATED, 1)
    assert [lead.name for lead in leads.leads.values()] == ["Nora Field"]


def test_the_items_of_a_call_share_its_key() -> None:
    def item(number: int, body: str) -> LeadWrite:
        key = IdempotencyKey(str(number), body, ("0", "1", "2"))
        write = create(name="Nora Field")
        return structs.replace(write, delivery=structs.replace(write.delivery, idempotency=key))

    leads = PlannedLeads(FILTERABLE)
    first = leads.write(item(1, "a")).results[0]
    same, other, repeated = leads.write(item(0, "a"), item(2, "b"), item(1, "a")).results
    assert (same.outcome, same.replayed_seq) == (Outcome.CREATED, None)
    assert isinstance(other.refusal, IdempotencyKeyReused)
    assert (repeated.replayed_seq, repeated.lead) == (1, first.lead)
