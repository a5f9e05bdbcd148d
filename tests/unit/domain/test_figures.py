"""What ledger rows add to the figures: the same however the ledger is split into runs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_lead, a_settings

from onelead.domain.account import OPTION_RESOURCE, CustomerSource, DeletedReference, LeadStatus
from onelead.domain.custom_fields import CustomField, DataType, Option
from onelead.domain.figures import DAY_S, DeliveryRow, FigureChanges, Grouping
from onelead.domain.references import Reference, References, payload_texts, reference
from onelead.domain.writes import RowDetails

TEXT = CustomField(5, "Customer number", DataType.STRING)
PERCENT = CustomField(6, "Chance", DataType.PERCENTAGE)
RANK = CustomField(7, "Rank", DataType.DROPDOWN, options=(Option(71, "A"), Option(72, "B")))
LIKES = CustomField(8, "Likes", DataType.MULTI_SELECT, options=(Option(81, "A"), Option(82, "B")))
#: Deleted in the second 90,000: a definition, options of others, a status and a source.
DELETED = (
    DeletedReference(9, "custom_field_definition", "Budget", None, 90_000),
    DeletedReference(79, OPTION_RESOURCE, "B", 7, 90_000),
    DeletedReference(78, OPTION_RESOURCE, "C", 7, 90_000),
    DeletedReference(89, OPTION_RESOURCE, "C", 8, 90_000),
    DeletedReference(19, "lead_status", "Cold", None, 90_000),
    DeletedReference(18, "lead_status", "OPEN", None, 90_000),
    DeletedReference(29, "customer_source", "Fair", None, 90_000),
)
SETTINGS = a_settings(
    fields=(TEXT, PERCENT, RANK, LIKES),
    statuses=(LeadStatus(11, "New", is_default=True), LeadStatus(12, "Open")),
    sources=(CustomerSource(21, "Email"),),
    deleted={one.id: one for one in DELETED},
)


def row(seq: int = 1, date: int = 0, outcome: str = "updated", **parts: object) -> DeliveryRow:
    texts: dict[str, Any] = {
        name: msgspec.json.encode(part).decode() for name, part in parts.items()
    }
    nothing = {"match": None, "changes": None}
    return DeliveryRow(seq, date, 4, outcome, 3, None, **nothing | texts)


def folded(*rows: DeliveryRow) -> FigureChanges:
    changes = FigureChanges(SETTINGS)
    for one in rows:
        changes.add(one)
    return changes


def leads(**changes: object) -> dict[tuple[str, str], int]:
    named = {name.replace("custom_", "custom_fields."): pair for name, pair in changes.items()}
    return {(key.field, key.value): more for key, more in folded(row(changes=named)).leads.items()}


def test_an_hour_begins_at_its_first_second() -> None:
    found = folded(row(date=7_199), row(date=7_200), row(date=7_200, outcome="refused"))
    assert found.deliveries == {
        (3_600, "updated", 3, 0): 1,
        (7_200, "updated", 3, 0): 1,
        (7_200, "refused", 3, 0): 1,
    }


def test_a_lead_moves_from_one_value_to_another() -> None:
    assert leads(status_id=[1, 2], assignee_id=[None, 3], customer_source_id=[4, None]) == {
        ("status_id", "1"): -1,
        ("status_id", "2"): 1,
        ("assignee_id", "3"): 1,
        ("customer_source_id", "4"): -1,
    }


def test_for_a_custom_field_any_value_and_each_option_are_counted() -> None:
    assert leads(custom_5=[None, "null"]) == {("custom_fields.5", ""): 1}
    assert leads(custom_5=["A", "B"]) == {}
    assert leads(custom_6=[None, 71]) == {("custom_fields.6", ""): 1}
    assert leads(custom_7=[71, 72]) == {("custom_fields.7", "71"): -1, ("custom_fields.7", "72"): 1}
    assert leads(custom_8=[[81, 82], [82]]) == {("custom_fields.8", "81"): -1}
    assert leads(custom_8=[[81], None]) == {
        ("custom_fields.8", ""): -1,
        ("custom_fields.8", "81"): -1,
    }


def test_what_is_not_counted_is_not_looked_at() -> None:
    assert (
        leads(name=["A", "B"], custom_99=[None, 71], email=[None, {"email": "n@x.example"}]) == {}
    )


def test_only_refusals_have_named_leads() -> None:
    match = {"field_name": "name", "value": "a", "matches": 2, "ids": [4, 9], "definition_id": None}
    assert folded(row(8, outcome="refused", match=match)).named_leads == [(4, 8), (9, 8)]
    assert folded(row(8, outcome="updated", match=match)).named_leads == []
    too_many = match | {"matches": 31, "ids": []}
    assert folded(row(8, outcome="refused", match=too_many)).named_leads == []


def test_an_upsert_by_a_custom_field_counts_for_the_field_whatever_its_outcome() -> None:
    match = {"field_name": "custom", "value": "a", "matches": 1, "ids": [4], "definition_id": 5}
    ambiguous = match | {"matches": 2, "ids": [4, 9]}
    by_name = match | {"field_name": "name", "definition_id": None}
    found = folded(
        row(date=7_199, match=match),
        row(date=3_600, outcome="refused", match=ambiguous),
        row(date=7_200, outcome="created", match=match | {"matches": 0, "ids": []}),
        row(date=7_200, match=by_name),
        row(date=7_200, outcome="refused"),
    )
    by_match = {key: n for key, n in found.hours.items() if key.grouping is Grouping.MATCH}
    assert by_match == {
        (Grouping.MATCH, "5 user-3", 3_600): 2,
        (Grouping.MATCH, "5 user-3", 7_200): 1,
    }


def hours(grouping: Grouping, *rows: DeliveryRow) -> dict[tuple[str, int], int]:
    found = folded(*rows).hours
    return {(key.value, key.hour): n for key, n in found.items() if key.grouping is grouping}


def entry(definition_id: object, value: object = None) -> dict[str, object]:
    return {"custom_field_definition_id": definition_id, "value": value}


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"custom_fields": [entry(5, "A"), entry("6"), entry(99), entry(9, 5)]}, {5, 6, 9}),
        ({"custom_fields": [entry([]), entry(None), entry("x"), {}]}, set()),
        ({"custom_fields": [entry(7, 71)]}, {7, 71}),
        ({"custom_fields": [entry(7, " A ")]}, {7, 71}),
        ({"custom_fields": [entry(7, "72")]}, {7, 72}),
        # The name means the living option; the id still means the deleted one.
        ({"custom_fields": [entry(7, "B")]}, {7, 72}),
        ({"custom_fields": [entry(7, 79)]}, {7, 79}),
        ({"custom_fields": [entry(7, "C")]}, {7, 78}),
        ({"custom_fields": [entry(8, [81, "B", "C", "D", None])]}, {8, 81, 82, 89}),
        ({"custom_fields": [entry(8, "A;B"), entry(8, "C, 82")]}, {8, 81, 82, 89}),
        ({"custom_fields": [entry(5, 71)]}, {5}),
        ({"status_id": 12, "customer_source_id": "21"}, {12, 21}),
        ({"status_id": 19, "customer_source_id": 29}, {19, 29}),
        ({"status_id": 21, "customer_source_id": 12}, set()),
        ({"status": "new"}, {11}),
        ({"status": "cold"}, {19}),
        ({"status": "open"}, {12}),
        ({"status": "Hot"}, set()),
        # The id takes precedence.
        ({"status": "New", "status_id": 12}, {12}),
        ({"custom_fields": None, "status": 5, "status_id": None}, set()),
        ({"name": "A", "email": {"email": "a@x.example", "status_id": 12}}, set()),
    ],
)
def test_settings_are_named_by_ids_and_names(
    properties: dict[str, object], named: set[int]
) -> None:
    references = References(SETTINGS)
    text = msgspec.json.encode(properties).decode()
    assert references.named_in(text) == named
    upsert = {"match": {"field_name": "name", "field_value": "A"}, "properties": properties}
    assert references.named_in(msgspec.json.encode(upsert).decode()) == named


@pytest.mark.parametrize(
    "payload",
    [
        *("", "x", "null", "5", "[]", '"text"', "[" * 100_000, '{"custom_fields": 5}'),
        *('{"custom_fields": [5]}', '{"properties": []}', '{"leads": [{"status_id": 12}]}'),
    ],
)
def test_a_payload_may_be_anything(payload: str) -> None:
    assert References(SETTINGS).named_in(payload) == set()


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        (5, Reference("custom_field_definition", "Customer number")),
        (71, Reference(OPTION_RESOURCE, "A", 7)),
        (11, Reference("lead_status", "New")),
        (21, Reference("customer_source", "Email")),
        (9, Reference("custom_field_definition", "Budget", is_deleted=True)),
        (89, Reference(OPTION_RESOURCE, "C", 8, is_deleted=True)),
        (99, None),
    ],
)
def test_an_id_refers_to_a_setting(id_: int, expected: Reference | None) -> None:
    assert reference(id_, SETTINGS) == expected


@pytest.mark.parametrize(
    ("id_", "texts"),
    [
        *((id_, ((str(id_),),)) for id_ in (5, 9, 21, 29, 99)),
        (72, (("72",), ("7", '"B"'))),
        (89, (("89",), ("8", '"C"'))),
        (19, (("19",), ('"status"', '"Cold"'))),
    ],
)
def test_a_payload_that_names_a_setting_has_its_texts(id_: int, texts: object) -> None:
    assert payload_texts(id_, SETTINGS) == texts


def test_a_name_is_looked_for_as_programs_write_it() -> None:
    settings = a_settings(statuses=(LeadStatus(11, "Größe", is_default=True),))
    assert payload_texts(11, settings)[1:] == (
        ('"status"', '"Gr\\u00f6\\u00dfe"'),
        ('"status"', '"Größe"'),
    )


def test_what_a_delivery_sends_is_counted_by_day_and_caller() -> None:
    sent = {"status_id": 12, "custom_fields": [entry(5, "A")]}
    rows = [row(date=date, payload=sent) for date in (0, DAY_S - 1, DAY_S)]
    assert hours(Grouping.SENT, *rows) == {
        ("5 user-3", 0): 2,
        ("12 user-3", 0): 2,
        ("5 user-3", DAY_S): 1,
        ("12 user-3", DAY_S): 1,
    }


def test_what_was_deleted_before_it_was_sent_is_counted_apart() -> None:
    sent = {"status_id": 19, "custom_fields": [entry(5, "A"), entry(9, 7)]}
    rows = [row(date=date, payload=sent) for date in (89_999, 90_000, 95_000)]
    assert hours(Grouping.GONE, *rows) == {("19 user-3", DAY_S): 2, ("9 user-3", DAY_S): 2}
    assert hours(Grouping.SENT, *rows) == {
        ("5 user-3", DAY_S): 3,
        ("19 user-3", DAY_S): 1,
        ("9 user-3", DAY_S): 1,
    }


def test_what_was_ignored_and_what_is_shared_is_counted_by_the_hour() -> None:
    rows = [
        row(date=3_600, ignored=["email", "custom_fields.9"]),
        row(date=7_199, ignored=["email"], shares={"email": [7], "custom_fields.5": [8, 9]}),
        row(date=7_200, shares={"email": [7]}),
    ]
    assert hours(Grouping.IGNORED, *rows) == {
        ("email user-3", 3_600): 2,
        ("custom_fields.9 user-3", 3_600): 1,
    }
    assert hours(Grouping.SHARED, *rows) == {
        ("email", 3_600): 1,
        ("custom_fields.5", 3_600): 1,
        ("email", 7_200): 1,
    }


def test_new_names_of_leads_are_counted_as_they_are_compared() -> None:
    long = "x" * 500
    changes = [
        row(date=7_199, changes={"name": ["A", "Nora  FIELD"]}),
        row(date=3_600, changes={"name": ["A", "nora field"]}),
        row(date=7_200, changes={"name": ["A", long]}),
        row(outcome="created", changes={"name": [None, "Nora"]}),
        row(outcome="deleted", changes={"name": ["Nora", None]}),
        row(changes={"first_name": ["A", "B"]}),
    ]
    names = {(key.hour, key.lead_id, key.name): n for key, n in folded(*changes).names.items()}
    digests = [name for _hour, _lead, name in names if len(name) == 65]
    assert names == {(3_600, 4, "nora field"): 2, (7_200, 4, digests[0]): 1}


values = st.none() | st.sampled_from([71, 72])
sets = st.none() | st.lists(st.sampled_from([81, 82]), min_size=1, unique=True)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "status_id": st.tuples(values, values),
                "custom_fields.7": st.tuples(values, values),
                "custom_fields.8": st.tuples(sets, sets),
            }
        ),
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_pieces_add_up_to_the_whole(changes: list[dict[str, object]], cut: int) -> None:
    rows = [row(seq, seq * 900, changes=one) for seq, one in enumerate(changes)]
    whole, first, rest = folded(*rows), folded(*rows[:cut]), folded(*rows[cut:])
    assert whole.deliveries == first.deliveries + rest.deliveries
    for key in {*whole.leads, *first.leads, *rest.leads}:
        assert whole.leads[key] == first.leads[key] + rest.leads[key]
        assert whole.leads.get(key, 1) != 0


def moved(action: str, outcome: str, details: RowDetails, **changes: object) -> FigureChanges:
    """Fold the row of an act on lead 4."""
    texts = {"changes": msgspec.json.encode(changes).decode()} if changes else {"changes": None}
    text = msgspec.json.encode(details).decode()
    act = row(7, outcome=outcome)._replace(action=action, details=text, **texts)
    return folded(act)


def test_a_merge_takes_the_losers_out_and_is_no_delivery() -> None:
    loser = a_lead(id=5, status_id=11, assignee_id=3)
    found = moved("merge", "merged", RowDetails(merged=(loser,)), assignee_id=[None, 3])
    assert found.leads == {("status_id", "11"): -1}
    assert found.named_leads == [(5, 7)]
    assert not found.deliveries
    assert not found.names


def test_an_undone_merge_brings_them_back() -> None:
    loser = a_lead(id=5, status_id=12)
    found = moved("undo", "restored", RowDetails(restored=(loser,)), name=["A", "B"])
    assert found.leads == {("status_id", "12"): 1}
    assert found.named_leads == [(5, 7)]
    assert not found.names


def test_an_undone_deletion_is_counted_by_its_changes_alone() -> None:
    lead = a_lead(id=4, status_id=12)
    found = moved("undo", "restored", RowDetails(restored=(lead,)), status_id=[None, 12])
    assert found.leads == {("status_id", "12"): 1}
    assert found.named_leads == []


def test_a_decision_changes_no_figure() -> None:
    assert not folded(row(outcome="decided")._replace(action="dismiss")).hours


def test_the_names_that_deliveries_gave_a_lead() -> None:
    renamed = row(seq=1, changes={"name": ["Nora", "Nora  FIELD"]})
    created = row(seq=2, outcome="created", changes={"name": [None, "Nora"]})
    undone = renamed._replace(action="undo")
    assert folded(renamed, created, undone).names == {(0, 4, "nora field"): 1}
