"""Ledger rows in words: names instead of ids, numbers as people write them, nothing lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_field, a_lead, a_settings

from onelead.contract.ledger import AccountLedgerRow, LedgerRow
from onelead.domain.account import ApiKey, User
from onelead.domain.custom_fields import CustomField, DataType, match_values
from onelead.domain.lead import Address, Email, Link, OtherValue, PhoneNumber
from onelead.domain.limits import MATCH_IDS_MAX
from onelead.domain.writes import Action, Kept, KeptReason, Outcome, RowDetails
from onelead.web.words.lead_texts import field_label, field_text
from onelead.web.words.ledger_lines import (
    LongText,
    api_key_labels,
    change_lines,
    ledger_line,
    match_text,
    reason_text,
)

FIELDS = {kind: a_field(id=4101 + n, data_type=kind, name=kind) for n, kind in enumerate(DataType)}
SETTINGS = a_settings(fields=tuple(FIELDS.values()))
KEYS = [
    ApiKey(951, 901, "dana@shop.example", "Website form", 1_700_000_000),
    ApiKey(952, 901, "dana@shop.example", "", 1_700_000_000),
    ApiKey(953, 901, "dana@shop.example", "Fair", 1_700_000_000, is_source=True),
]
LABELS = api_key_labels(KEYS)


def a_row(**changed: Any) -> LedgerRow:
    attributes: dict[str, Any] = {
        "seq": 17,
        "date": 1_700_000_000,
        "request_id": "request-1",
        "action": Action.UPDATE,
        "outcome": Outcome.UPDATED,
        "version": 2,
        "user_id": 901,
        "api_key_id": None,
        "match": None,
        "changes": None,
        "message": None,
        "payload": None,
    }
    return LedgerRow(**attributes | changed)


def a_match(**changed: Any) -> dict[str, Any]:
    attributes = {"field_name": "email", "value": "nora@field.example", "matches": 1}
    return {**attributes, "ids": [], "definition_id": None, **changed}


@pytest.mark.parametrize(
    ("action", "outcome", "what"),
    [
        (Action.CREATE, Outcome.CREATED, "Lead created"),
        (Action.UPSERT, Outcome.CREATED, "Lead created by an upsert"),
        (Action.UPDATE, Outcome.UPDATED, "Lead changed"),
        (Action.UPSERT, Outcome.UPDATED, "Lead changed by an upsert"),
        (Action.UPDATE, Outcome.UNCHANGED, "No change"),
        (Action.DELETE, Outcome.DELETED, "Lead deleted"),
        (Action.UPSERT, Outcome.REFUSED, "Upsert refused"),
        (Action.DELETE, Outcome.REFUSED, "Delete refused"),
    ],
)
def test_what_happened(action: Action, outcome: Outcome, what: str) -> None:
    assert ledger_line(a_row(action=action, outcome=outcome), SETTINGS, LABELS).what == what


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("outcome", Outcome)
def test_every_pair_of_action_and_outcome_has_words(action: Action, outcome: Outcome) -> None:
    # The ledger's JSON has plain text where the plan has the enumeration.
    row = a_row(action=action.value, outcome=outcome.value)
    assert ledger_line(row, SETTINGS, LABELS).what[0].isupper()


@pytest.mark.parametrize(
    ("source", "by"),
    [
        ({"user_id": 901}, "Dana Poe · web application"),
        ({"user_id": 901, "api_key_id": 951}, "Dana Poe · API key Website form"),
        ({"user_id": 901, "api_key_id": 952}, "Dana Poe · API key 952"),
        ({"user_id": 77, "api_key_id": 77}, "User 77 · API key 77"),
        ({"user_id": None}, "command line"),
    ],
)
def test_who_and_through_what(source: dict[str, Any], by: str) -> None:
    assert ledger_line(a_row(**source), SETTINGS, LABELS).by == by


def test_a_name_that_turns_its_text_leaves_what_stands_beside_it() -> None:
    settings = a_settings(users=(User(901, "Dana\u202e", "dana@shop.example"),))
    line = ledger_line(
        a_row(user_id=901, api_key_id=951, match=a_match(value="a\u2069\u202eb")),
        settings,
        api_key_labels([msgspec.structs.replace(KEYS[0], label="\u2067Form")]),
    )
    assert line.by == "\u2068Dana\u202e\u2069 · API key \u2068\u2067Form\u2069\u2069"
    assert line.match == "1 lead by e-mail \u2068a\u202eb\u2069"


def test_the_date_is_exact_in_the_time_zone_of_the_account() -> None:
    line = ledger_line(a_row(), SETTINGS, LABELS)
    assert (line.date, line.exact) == (1_700_000_000, "14 Nov 2023, 16:13:20 CST")


def test_labels_are_by_key() -> None:
    assert LABELS == {951: "API key Website form", 952: "API key 952", 953: "Import Fair"}


def test_a_row_of_a_file_names_its_line_and_its_file_where_that_is_known() -> None:
    row = a_row(user_id=901, api_key_id=953, batch_id="b", details=RowDetails(line=7))
    assert ledger_line(row, SETTINGS, LABELS).via == "Import Fair, line 7"
    files = {"b": "fair.csv"}
    assert ledger_line(row, SETTINGS, LABELS, files).via == "Import Fair, line 7 of fair.csv"


@pytest.mark.parametrize(
    ("match", "text"),
    [
        (a_match(), "1 lead by e-mail nora@field.example"),
        (a_match(matches=0), "no leads by e-mail nora@field.example"),
        (a_match(field_name="name", value="nora field", matches=2), "2 leads by name nora field"),
        (a_match(matches=31), "more than 30 leads by e-mail nora@field.example"),
        (a_match(by="properties"), "1 lead by e-mail nora@field.example, found by the new value"),
        (a_match(value=" 0a1b"), "1 lead by e-mail (a long value)"),
        (
            a_match(field_name="custom", definition_id=99, value="A-77"),
            "1 lead by deleted custom field 99 A-77",
        ),
    ],
)
def test_what_was_looked_for(match: dict[str, Any], text: str) -> None:
    assert match_text(match, SETTINGS) == text


@pytest.mark.parametrize(
    ("kind", "stored", "text"),
    [
        (DataType.STRING, "A-77", "A-77"),
        (DataType.TEXT, "two words", "two words"),
        (DataType.URL, "https://field.example", "https://field.example"),
        (DataType.DROPDOWN, 5101, "Silver"),
        (DataType.MULTI_SELECT, (5102,), "Gold"),
        (DataType.CHECKBOX, True, "yes"),
        (DataType.CHECKBOX, None, "no"),
        (DataType.FLOAT, -0.125, "-0.125"),
        (DataType.CURRENCY, 1234.5, "$1,234.50"),
        (DataType.PERCENTAGE, 34, "34 %"),
        (DataType.DATE, "2020-12-05", "5 Dec 2020"),
    ],
)
def test_a_custom_match_is_written_as_its_type_says(kind: DataType, stored: Any, text: str) -> None:
    (value,) = match_values(FIELDS[kind], stored)
    match = a_match(field_name="custom", definition_id=FIELDS[kind].id, value=value)
    assert match_text(match, SETTINGS) == f"1 lead by {kind} {text}"


def test_several_options_that_properties_gave_are_one_value() -> None:
    field = FIELDS[DataType.MULTI_SELECT]
    match = a_match(field_name="custom", definition_id=field.id, value="5101,5102", by="properties")
    expected = "1 lead by MultiSelect Silver, Gold, found by the new value"
    assert match_text(match, SETTINGS) == expected


@given(st.floats(-1e15, 1e15).map(lambda sent: round(sent, 9)))
def test_any_number_that_was_looked_for_is_read_back(sent: float) -> None:
    (value,) = match_values(FIELDS[DataType.FLOAT], sent)
    match = a_match(field_name="custom", definition_id=FIELDS[DataType.FLOAT].id, value=value)
    text = match_text(match, SETTINGS).removeprefix("1 lead by Float ")
    assert float(text.replace(",", "")) == sent


#: Each field with a value as it is stored, and how a person reads it.
VALUES: list[tuple[str, Any, str]] = [
    ("name", "Nora Field", "Nora Field"),
    ("address", Address("1 Main St", "Reno", "NV", "89501", "US"), "1 Main St, Reno, NV 89501, US"),
    ("address", Address(city="Reno"), "Reno"),
    ("assignee_id", 901, "Dana Poe"),
    ("assignee_id", 77, "Deleted user 77"),
    ("customer_source_id", 3103, "Advertising"),
    ("customer_source_id", 77, "Deleted customer source 77"),
    ("status_id", 2002, "Open"),
    ("status_id", 77, "Deleted status 77"),
    ("email", Email("nora@field.example", "work"), "nora@field.example (work)"),
    (
        "phone_numbers",
        (PhoneNumber("415 555 0100", "mobile"), PhoneNumber("2", "home")),
        "415 555 0100 (mobile), 2 (home)",
    ),
    ("websites", (Link("field.example", "work"),), "field.example (work)"),
    ("socials", (Link("@nora", "other"),), "@nora (other)"),
    ("tags", ("fair", "vip"), "fair, vip"),
    ("monetary_value", 1234567.891, "1,234,567.891"),
    ("monetary_unit", "USD", "USD"),
    ("title", None, ""),
    ("tags", (), ""),
    (f"custom_fields.{FIELDS[DataType.DROPDOWN].id}", 5101, "Silver"),
    (f"custom_fields.{FIELDS[DataType.DROPDOWN].id}", 5, "Deleted option 5"),
    (f"custom_fields.{FIELDS[DataType.MULTI_SELECT].id}", (5101, 5102), "Silver, Gold"),
    (f"custom_fields.{FIELDS[DataType.CHECKBOX].id}", True, "yes"),
    (f"custom_fields.{FIELDS[DataType.DATE].id}", "2020-12-05", "5 Dec 2020"),
    (f"custom_fields.{FIELDS[DataType.PERCENTAGE].id}", 34, "34 %"),
    (f"custom_fields.{FIELDS[DataType.CURRENCY].id}", 0.125, "$0.125"),
    (f"custom_fields.{FIELDS[DataType.TEXT].id}", "a\nb", "a\nb"),
    ("custom_fields.99", (1, 2), "1, 2"),
    ("custom_fields.99", None, ""),
]


@pytest.mark.parametrize(("name", "value", "text"), VALUES)
def test_a_value_reads_the_same_stored_and_out_of_the_ledger(
    name: str, value: Any, text: str
) -> None:
    in_ledger = msgspec.json.decode(msgspec.json.encode(value))
    assert field_text(name, value, SETTINGS) == field_text(name, in_ledger, SETTINGS) == text


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("title", "Title"),
        ("company_name", "Company"),
        ("assignee_id", "Owner"),
        (f"custom_fields.{FIELDS[DataType.DATE].id}", "Date"),
        ("custom_fields.99", "Deleted custom field 99"),
        ("custom_fields.", "Deleted custom field "),
        ("available_on", "Available on"),
    ],
)
def test_a_field_has_a_label(name: str, label: str) -> None:
    assert field_label(name, SETTINGS) == label


def test_changes_say_from_what_to_what() -> None:
    row = a_row(changes={"title": [None, "Buyer"], "status_id": [2001, 2002]})
    lines = ledger_line(row, SETTINGS, LABELS).changes
    assert [(line.label, line.before.text, line.after.text) for line in lines] == [
        ("Title", "", "Buyer"),
        ("Status", "New", "Open"),
    ]


def test_changes_of_settings_are_not_read_as_a_leads() -> None:
    row = a_row(
        changes={
            "options": [[], [{"id": 1, "name": "Gold", "rank": 0}]],
            "is_filterable": [False, True],
            "available_on": [["lead"], ["lead", "task"]],
        }
    )
    row = AccountLedgerRow(
        **msgspec.structs.asdict(row), resource="custom_field_definition", resource_id=4101
    )
    line = ledger_line(row, SETTINGS, LABELS)
    assert (line.what, line.resource_id) == ("Custom field “Checkbox” changed", 4101)
    assert [change.label for change in line.changes] == [
        "Options",
        "Included in filters",
        "Available on",
    ]
    assert [(each.before.text, each.after.text) for each in line.changes] == [
        ("", "Gold"),
        ("no", "yes"),
        ("lead", "lead, task"),
    ]


@pytest.mark.parametrize(
    ("resource", "resource_id", "changes", "what"),
    [
        ("lead_status", 2002, {}, "Lead status “Open” deleted"),
        ("customer_source", 3103, {}, "Customer source “Advertising” deleted"),
        # A deleted setting keeps its name in the row.
        ("lead_status", 77, {"name": ["Cold", None]}, "Lead status “Cold” deleted"),
        ("lead_status", 77, {"name": ["Cold", "Warm"]}, "Lead status “Warm” deleted"),
        ("custom_field_definition", 77, {}, "Custom field deleted"),
        ("account", 1, {"name": ["Old", "New"]}, "Account settings deleted"),
    ],
)
def test_a_setting_is_named(
    resource: str, resource_id: int, changes: dict[str, Any], what: str
) -> None:
    row = a_row(action=Action.DELETE, outcome=Outcome.DELETED, changes=changes)
    row = AccountLedgerRow(
        **msgspec.structs.asdict(row), resource=resource, resource_id=resource_id
    )
    assert ledger_line(row, SETTINGS, LABELS).what == what


def test_what_was_not_taken_is_named() -> None:
    names = [
        *("email", "name", "status_id", "customer_source_id", f"custom_fields.{4101}"),
        *("custom_fields.99", "email.category", "phone_numbers.category"),
    ]
    assert ledger_line(a_row(ignored=names), SETTINGS, LABELS).ignored == (
        *("E-mail", "Name", "Status", "Customer source", "Checkbox"),
        *("Deleted custom field 99", "E-mail category", "Phone category"),
    )
    settings = a_settings(fields=(a_field(id=5, name="\u202eBudget"),))
    line = ledger_line(a_row(ignored=["custom_fields.5"]), settings, LABELS)
    assert line.ignored == ("\u2068\u202eBudget\u2069",)


@pytest.mark.parametrize(
    ("others", "named", "more"),
    [
        (1, 1, ""),
        (3, 3, ""),
        (4, 3, "1 other"),
        (MATCH_IDS_MAX, 3, "27 others"),
        (MATCH_IDS_MAX + 1, 3, "more than 27 others"),
    ],
)
def test_leads_with_the_same_value_are_named(others: int, named: int, more: str) -> None:
    ids = list(range(11, 11 + others))
    row = a_row(shares={"email": ids, f"custom_fields.{FIELDS[DataType.URL].id}": ids[:1]})
    first, second = ledger_line(row, SETTINGS, LABELS).shares
    assert (first.label, first.lead_ids, first.more) == ("e-mail", tuple(ids[:named]), more)
    assert first.is_several == (others > 1)
    assert (second.label, second.lead_ids, second.more) == ("URL", (11,), "")


def test_a_refusal_has_its_reason_and_its_named_leads() -> None:
    message = "Invalid input: Multiple matches found: 2 leads match: 11, 12"
    row = a_row(
        action="upsert", outcome="refused", message=message, match=a_match(matches=2, ids=[11, 12])
    )
    line = ledger_line(row, SETTINGS, LABELS)
    assert line.reason.text == "Multiple matches found: 2 leads match: 11, 12"
    assert line.named_leads == (11, 12)
    assert ledger_line(a_row(match=a_match(ids=[11])), SETTINGS, LABELS).named_leads == ()


def test_a_reason_keeps_every_line_of_its_own() -> None:
    message = "Invalid input: Validation errors: Name: can't be blank\nTitle: is too long"
    assert reason_text(message) == "Name: can't be blank\nTitle: is too long"


@pytest.mark.parametrize("chars", [0, 1, 159, 160])
def test_a_short_text_is_shown_as_it_is(chars: int) -> None:
    text = LongText("x" * chars)
    assert (text.is_long, text.short) == (False, "x" * chars)


def test_a_long_text_is_shortened() -> None:
    text = LongText("x" * 161)
    assert text.is_long
    assert text.short == "x" * 159 + "…"


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)


@given(st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_value_of_an_unknown_field_can_be_written(value: Any) -> None:
    (line,) = change_lines({"custom_fields.99": (value, None)}, SETTINGS)
    assert isinstance(line.before.text, str)


def test_a_definition_is_found_by_its_name_among_the_fields() -> None:
    field: CustomField = FIELDS[DataType.URL]
    assert field_label(f"custom_fields.{field.id}", SETTINGS) == "URL"


def an_act(action: Action, outcome: Outcome, **details: Any) -> AccountLedgerRow:
    row = a_row(action=action, outcome=outcome, details=RowDetails(**details), about_seq=5)
    attributes = msgspec.structs.asdict(row)
    return AccountLedgerRow(**attributes, resource="lead", resource_id=7)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (an_act(Action.UNDO, Outcome.UPDATED), "Change undone"),
        (an_act(Action.UNDO, Outcome.DELETED), "Creation undone"),
        (an_act(Action.UNDO, Outcome.RESTORED, restored=(a_lead(id=7),)), "Deletion undone"),
        (an_act(Action.UNDO, Outcome.RESTORED, restored=(a_lead(id=8),)), "Merge undone"),
        (an_act(Action.UNDO, Outcome.MERGED, merged=(a_lead(id=8),)), "Merged again"),
        (an_act(Action.MERGE, Outcome.MERGED, merged=(a_lead(id=8),)), "Lead merged with lead 8"),
        (
            an_act(Action.MERGE, Outcome.MERGED, merged=(a_lead(id=8), a_lead(id=9))),
            "Lead merged with leads 8, 9",
        ),
        (an_act(Action.DISMISS, Outcome.DECIDED), "Delivery dismissed"),
        (an_act(Action.SEPARATE, Outcome.DECIDED, pair=(7, 8)), "Two leads kept apart"),
        (an_act(Action.UNDO, Outcome.DECIDED, pair=(7, 8)), "Decision undone"),
    ],
)
def test_acts_have_words(row: AccountLedgerRow, what: str) -> None:
    assert ledger_line(row, SETTINGS, LABELS).what == what


@pytest.mark.parametrize(
    ("action", "about"),
    [
        (Action.UNDO, "Undoes"),
        (Action.DISMISS, "Dismisses"),
        (Action.REOPEN, "Reopens"),
        (Action.UPSERT, "Applies"),
    ],
)
def test_what_an_act_does_to_its_row(action: Action, about: str) -> None:
    line = ledger_line(an_act(action, Outcome.UPDATED), SETTINGS, LABELS)
    assert (line.about, line.about_seq) == (about, 5)


@pytest.mark.parametrize("reason", KeptReason)
def test_what_was_kept_has_its_reason(reason: KeptReason) -> None:
    row = an_act(Action.UNDO, Outcome.UPDATED, kept={"title": Kept(reason, "Buyer", 9)})
    (kept,) = ledger_line(row, SETTINGS, LABELS).kept
    assert (kept.label, kept.value.text, kept.seq) == ("Title", "Buyer", 9)
    assert kept.reason.startswith("because ")


def test_what_was_kept_of_a_lead_that_stands_again_names_it() -> None:
    row = an_act(Action.UNDO, Outcome.RESTORED, kept={"8.status_id": Kept(KeptReason.GONE, 1)})
    (kept,) = ledger_line(row, SETTINGS, LABELS).kept
    assert (kept.label, kept.is_takeable) == ("Status of lead 8", False)


def test_an_erased_row_says_so_and_cannot_be_undone() -> None:
    line = ledger_line(an_act(Action.UPDATE, Outcome.UPDATED, erased={}), SETTINGS, LABELS)
    assert (line.is_erased, line.can_undo) == (True, False)


def test_pins_and_other_values_are_changes() -> None:
    other = OtherValue("email", "n@field.example", "merge", from_id=8)
    claimed = OtherValue(f"custom_fields.{FIELDS[DataType.FLOAT].id}", 5, "ruling", claims=True)
    changes = {
        "pins.title": (None, True),
        "other_values.12": (None, msgspec.to_builtins(other)),
        "other_values.13": (msgspec.to_builtins(claimed), None),
        "date_created": (1_700_000_000, 1_600_000_000),
    }
    pin, added, removed, created = change_lines(changes, SETTINGS)
    assert (pin.label, pin.after.text) == ("Pin of Title", "pinned")
    assert added.after.text == "E-mail n@field.example (from lead 8)"
    assert removed.before.text == f"{DataType.FLOAT} 5 (ruling)"
    assert (created.label, created.after.text[:6]) == ("Created", "13 Sep")
