"""What a batch has to know besides leads and matches, and when it needs nothing more."""

from __future__ import annotations

import pytest
from msgspec import structs
from sqlalchemy.dialects import sqlite
from tests.support.domain.act_writes import keyed
from tests.support.domain.builders import a_settings
from tests.support.domain.lead_writes import upsert

from onelead.domain.acts.state import Snapshot
from onelead.domain.fold import checked_write
from onelead.domain.writes import LeadWrite
from onelead.storage.leads.act_reads import Read, needs_facts, read_facts

NAME = ("name", "nora field")
CLAIMS = ("name claim", "nora field")
BY_NAME = upsert("name", "Nora Field", title="Buyer")


def needs(write: LeadWrite, **matches: list[int]) -> bool:
    at = {"found": NAME, "claims": CLAIMS}
    snapshot = Snapshot({}, {at[one]: ids for one, ids in matches.items()})
    return needs_facts([checked_write(write, a_settings())], snapshot)


@pytest.mark.parametrize("found", [[], [1]])
def test_a_match_that_is_clear_needs_nothing_more(found: list[int]) -> None:
    assert not needs(BY_NAME, found=found)


def test_a_refusal_of_several_leads_needs_nothing_more_when_no_ruling_has_the_value() -> None:
    assert not needs(BY_NAME, found=[1, 2], claims=[])


def test_several_leads_need_more_when_a_ruling_has_the_value_or_may_have_it() -> None:
    assert needs(BY_NAME, found=[1, 2], claims=[2])
    assert needs(BY_NAME, found=[1, 2])


def test_several_leads_of_which_one_is_taken_need_more() -> None:
    assert needs(structs.replace(BY_NAME, on_ambiguous="oldest"), found=[1, 2], claims=[])


def test_an_idempotency_key_needs_more() -> None:
    assert needs(keyed(BY_NAME, "key"), found=[])


def test_a_statement_is_the_same_for_every_batch_and_is_given_its_values() -> None:
    settings = a_settings()
    reads = []
    for key in ("one", "two"):
        writes = [checked_write(keyed(BY_NAME, key), settings)]
        reads.append(next(read_facts(settings, writes, Snapshot({}, {NAME: []}), 31)))
    one, two = reads
    assert one.statement is two.statement
    assert (one.values["keys"], two.values["keys"]) == (["one"], ["two"])


def test_a_list_has_a_parameter_for_each_value() -> None:
    settings = a_settings()
    writes = [checked_write(keyed(BY_NAME, key), settings) for key in ("one", "two")]
    read = next(read_facts(settings, writes, Snapshot({}, {NAME: []}), 31))
    assert isinstance(read, Read)
    state = read.expanded(sqlite.dialect(paramstyle="qmark"))
    assert state.statement.count("?") == 3
    assert {*state.positional_parameters} == {settings.account_id, "one", "two"}
