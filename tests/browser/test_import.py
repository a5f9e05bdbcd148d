"""Bringing in a spreadsheet with broken rows, as somebody does it for the first time."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from openpyxl import Workbook
from playwright.sync_api import BrowserContext, Page, expect
from tests.support.tiers import slow_after
from tests.support.web.axe import violations
from tests.support.web.chromium import BEYOND_EDGE, PHONE, Site

#: So many rows of the spreadsheet are broken: the day does not exist.
BROKEN = 40


def spreadsheet(path: Path, rows: int) -> None:
    """Make a workbook of people; every row that is a multiple of something is broken."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Visitors")
    sheet.append(["Full name", "E-mail address", "Mobile", "Visited on", "Stand"])
    every = rows // BROKEN
    for number in range(1, rows + 1):
        day = "31.02.2026" if number % every == 0 else f"{number % 27 + 1:02}.11.2026"
        person = f"Visitor {number}", f"v{number}@fair.example", f"+49 30 {number:07}"
        sheet.append([*person, day, f"Hall {number % 9}"])
    book.save(path)


def upload(context: BrowserContext, path: Path) -> Page:
    """Find the page of imports, and upload a file there."""
    tab = context.new_page()
    tab.goto("/leads")
    tab.get_by_role("main").get_by_role("link", name="Import", exact=True).click()
    tab.get_by_label("File", exact=True).set_input_files(path)
    tab.get_by_role("button", name="Upload").click()
    expect(tab.get_by_role("heading", name="Which column is what")).to_be_visible()
    return tab


def what(tab: Page, column: str) -> str:
    return tab.get_by_label(f"What the column {column} becomes").input_value()


@pytest.mark.parametrize("rows", slow_after(1, [400, 20_000]))
def test_a_spreadsheet_with_40_broken_rows(site: Site, tmp_path: Path, rows: int) -> None:
    spreadsheet(tmp_path / "visitors.xlsx", rows)
    with site.signed_in() as context:
        tab = upload(context, tmp_path / "visitors.xlsx")
        expect(tab.get_by_text(f"{rows:,} rows")).to_be_visible()
        assert [what(tab, "Full name"), what(tab, "Mobile")] == ["name", "phone:mobile"]
        tab.get_by_label("What the column Visited on becomes").select_option(
            label="New field, date"
        )
        tab.get_by_label("What the column Stand becomes").select_option(label="New field, text")
        tab.get_by_label("Match leads by").select_option(label="E-mail")
        tab.get_by_label("Source", exact=True).fill(f"Fair {rows}")
        tab.get_by_role("button", name="Show what would happen").last.click()
        counts = tab.get_by_role("navigation", name="Outcomes")
        expect(counts).to_contain_text(f"created {rows - BROKEN:,}")
        counts.get_by_role("link", name=f"refused {BROKEN}").click()
        broken = tab.locator("#corrections li")
        expect(broken).to_have_count(BROKEN)
        broken.first.get_by_text("Correct the cells").click()
        broken.first.get_by_label("Visited on").fill("28.02.2026")
        tab.get_by_role("button", name="Keep corrections and try again").click()
        expect(counts).to_contain_text(f"refused {BROKEN - 1}")
        assert violations(tab) == []
        tab.get_by_role("button", name="Start the import").click()
        expect(tab.get_by_role("heading", name="Done")).to_be_visible()
        expect(tab.locator("#summary")).to_contain_text(f"created {rows - BROKEN + 1:,}")
        with tab.expect_download() as download:
            tab.get_by_role("link", name="Rows that were not taken").click()
        refused = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
        assert len(refused) == BROKEN - 1
        assert "31.02.2026" in refused[0]["Visited on"]
        assert refused[0]["why"]
        tab.get_by_role("link", name="Undo…").click()
        tab.get_by_role("button", name="Undo").click()
        expect(tab.get_by_text("Deliveries undone")).to_be_visible()
        tab.goto("/leads")
        expect(tab.get_by_text("No leads yet")).to_be_visible()


@pytest.mark.slow
def test_it_can_be_read_on_a_phone_and_is_read_otherwise_at_once(
    site: Site, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(
        "Name;Company;Met on\nJosé Núñez;Łódź AG;03/04/2026\n".encode("cp1250", "replace")
    )
    with site.signed_in(size=PHONE) as context:
        tab = upload(context, path)
        assert tab.evaluate(BEYOND_EDGE) == []
        assert violations(tab) == []
        tab.get_by_label("Encoding").select_option("windows-1250")
        expect(tab.locator("#first-rows")).to_contain_text("Łódź AG")
        tab.get_by_role("button", name="Show what would happen").last.click()
        expect(tab.get_by_role("navigation", name="Outcomes")).to_contain_text("created 1")
        assert tab.evaluate(BEYOND_EDGE) == []
        assert violations(tab) == []
