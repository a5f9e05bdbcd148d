"""What ledger rows add to the figures: the same however the ledger is split into runs."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from onelead.domain.custom_fields import CustomField, DataType, Option
from onelead.domain.figures import DeliveryRow, FigureChanges, Grouping

TEXT = CustomField(5, "Customer number", DataType.STRING)
PERCENT = CustomField(6, "Chance", DataType.PERCENTAGE)
RANK = CustomField(7, "Rank", DataType.DROPDOWN, options=(Option(71, "A"), Option(72, "B")))
LIKES = CustomField(8, "Likes", DataType.MULTI_SELECT, options=(Option(81, "A"), Option(82, "B")))
FIELDS = {field.id: field for field in (TEXT, PERCENT, RANK, LIKES)}


def row(seq: int = 1, date: int = 0, outcome: str = "updated", **parts: object) -> DeliveryRow:
    texts = {name: msgspec.json.encode(part).decode() for name, part in parts.items()}
    return DeliveryRow(seq, date, outcome, 3, None, texts.get("match"), texts.get("changes"))


def folded(*rows: DeliveryRow) -> FigureChanges:
    changes = FigureChanges(FIELDS)
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
    hours = {key: count for key, count in found.hours.items() if key.grouping is Grouping.MATCH}
    assert hours == {
        (Grouping.MATCH, "5 user-3", 3_600): 2,
        (Grouping.MATCH, "5 user-3", 7_200): 1,
    }


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
