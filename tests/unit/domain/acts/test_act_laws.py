"""Every act can be taken back: laws that hold for any sequence of deliveries and acts."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support.domain.act_writes import edit, merge, rule, separate, undo
from tests.support.domain.builders import a_settings
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.domain.planned_acts import PlannedAccount

from onelead.domain.lead import Lead
from onelead.domain.writes import Action, LeadWrite, Outcome

EMAILS = [f"{name}@field.example" for name in "abcd"]
NAMES = ["Nora Field", "Sam Roe", "Pat Lake"]
LEADS = range(71_000_001, 71_000_007)
_lead_ids = st.sampled_from(LEADS)
_emails = st.sampled_from(EMAILS)
_names = st.sampled_from(NAMES)
_properties = st.fixed_dictionaries(
    {},
    optional={
        "email": _emails,
        "title": st.sampled_from(["Buyer", "Owner", None]),
        "tags": st.lists(st.sampled_from(["vip", "fair"]), unique=True),
        "phone_numbers": st.lists(st.sampled_from(["512-555-0100", "512-555-0101"]), unique=True),
    },
)


def _writes() -> st.SearchStrategy[LeadWrite]:
    deliveries = st.one_of(
        st.builds(lambda name, more: create(name=name, **more), _names, _properties),
        st.builds(lambda email, more: upsert("email", email, **more), _emails, _properties),
        st.builds(lambda name, more: upsert("name", name, **more), _names, _properties),
        st.builds(lambda lead_id, more: update(lead_id, **more), _lead_ids, _properties),
        st.builds(delete, _lead_ids),
    )
    acts = st.one_of(
        st.builds(lambda one, others: merge(one, *others), _lead_ids, _some_leads()),
        st.builds(rule, _lead_ids, st.just("email"), _emails),
        st.builds(lambda one, pins: edit(one, pin=tuple(pins)), _lead_ids, _pins()),
        st.builds(separate, _lead_ids, _lead_ids),
    )
    return st.one_of(deliveries, acts)


def _some_leads() -> st.SearchStrategy[list[int]]:
    return st.lists(_lead_ids, min_size=1, max_size=3, unique=True)


def _pins() -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(["title", "email"]), unique=True)


def _account() -> PlannedAccount:
    account = PlannedAccount(a_settings())
    for number in range(4):
        account.result(create(name=NAMES[number % 2], email=EMAILS[number], tags=["fair"]))
    return account


def _content(account: PlannedAccount) -> dict[int, Any]:
    """Return the leads without what an undo does not give back: versions and dates."""
    return {id_: _without_version(lead) for id_, lead in account.leads.items()}


def _without_version(lead: Lead) -> Lead:
    return structs.replace(lead, version=0, date_modified=0)


@given(st.lists(_writes(), max_size=12))
def test_acts_undone_in_reverse_give_the_start(writes: list[LeadWrite]) -> None:
    account = _account()
    start, first = _content(account), len(account.rows)
    account.write(*writes[:6])
    for write in writes[6:]:
        account.result(write)
        account.check()
    for seq in range(len(account.rows), first, -1):
        outcome = account.rows[seq - 1][1].outcome
        if outcome not in (Outcome.REFUSED, Outcome.UNCHANGED):
            undone = account.result(undo(seq))
            assert undone.refusal is None, undone.refusal
            account.check()
    assert _content(account) == start
    assert account.merged == {}
    assert account.pairs == {}


@given(st.lists(_writes(), max_size=8), st.data())
def test_an_undo_of_an_undo_does_the_same_again(writes: list[LeadWrite], data: Any) -> None:
    account = _account()
    account.write(*writes)
    done = [
        seq
        for seq, (_write, result) in enumerate(account.rows, 1)
        if result.outcome not in (Outcome.REFUSED, Outcome.UNCHANGED)
    ]
    seq = data.draw(st.sampled_from(done))
    before = _content(account)
    undone = account.write(undo(seq))
    if undone.results[0].outcome in (Outcome.REFUSED, Outcome.UNCHANGED):
        return
    again = account.result(undo(undone.seqs[0]))
    assert again.refusal is None, again.refusal
    assert _content(account) == before


@given(st.lists(_writes(), max_size=12))
def test_every_value_of_a_merged_lead_finds_somebody(writes: list[LeadWrite]) -> None:
    account = _account()
    for write in writes:
        account.result(write)
    for survivor_id in {one.lead_id for one in account.merged.values()} & account.leads.keys():
        inside = [id_ for id_, one in account.merged.items() if one.lead_id == survivor_id]
        for id_ in inside:
            gone = _as_merged(account, id_)
            assert survivor_id in account.matching("name", gone.name.lower())
            if gone.email:
                assert survivor_id in account.matching("email", gone.email.email)


def _as_merged(account: PlannedAccount, lead_id: int) -> Lead:
    details = account.fact(account.merged[lead_id].seq).details
    return next(lead for lead in details.merged if lead.id == lead_id)


@given(st.lists(_writes(), max_size=10), st.integers(0, 10))
def test_a_batch_does_what_its_writes_do_one_by_one(writes: list[LeadWrite], at: int) -> None:
    together, alone = _account(), _account()
    together.write(*writes[:at])
    together.write(*writes[at:])
    for write in writes:
        alone.result(write)
    assert together.leads == alone.leads
    assert together.merged == alone.merged
    assert [result.outcome for _, result in together.rows] == [
        result.outcome for _, result in alone.rows
    ]


def test_acts_are_among_the_writes() -> None:
    """A merge of these leads takes place, so that the laws are about something."""
    account = _account()
    merged = account.result(merge(LEADS[0], LEADS[1]))
    assert (merged.outcome, account.rows[-1][0].action) == (Outcome.MERGED, Action.MERGE)
