"""A form of lines: what it changes, and what it was loaded with."""

from __future__ import annotations

from onelead.web.frame.forms import Form
from onelead.web.frame.line_form import LineForm, line_form, read_lines


def sent(stored: dict[str, str], **typed: str) -> LineForm:
    """Return the form of stored values as a browser sends it back."""
    shown = line_form(stored)
    was = [(f"was.{name}", text) for name, text in shown.was.items()]
    return read_lines(Form([*(dict(shown.typed) | typed).items(), *was]), stored)


def test_only_what_was_typed_is_wanted() -> None:
    stored = {"name": "Shop", "zone": "UTC"}
    assert sent(stored).wanted == {}
    assert sent(stored, name=" Shop ").wanted == {}
    assert sent(stored, name=" Store\n").wanted == {"name": "Store"}


def test_what_a_line_cannot_show_is_not_taken_for_a_change() -> None:
    stored = {"name": " Two\r\nlines "}
    form = sent(stored)
    assert form.typed == {"name": "Twolines"}
    assert form.wanted == {}
    assert form.seen(stored) == stored


def test_what_others_changed_meanwhile_is_seen_as_it_was() -> None:
    form = sent({"name": "Shop ", "zone": "UTC"}, name="Store")
    now = {"name": "Shop ", "zone": "Asia/Tokyo"}
    assert form.seen(now) == {"name": "Shop ", "zone": "UTC"}
    assert form.over(now) == LineForm(
        {"name": "Store", "zone": "Asia/Tokyo"}, {"name": "Shop", "zone": "Asia/Tokyo"}
    )
    assert form.conflicts(now) == ["name"]
    assert form.conflicts({"name": "Store", "zone": "UTC"}) == []


def test_a_form_that_does_not_say_what_it_was_made_from_is_of_what_is_stored() -> None:
    form = read_lines(Form([("name", "Store")]), {"name": "Shop", "zone": "UTC"})
    assert form.was == {"name": "Shop", "zone": "UTC"}
    assert form.wanted == {"name": "Store", "zone": ""}
