"""A list of leads as a file: the filters and columns of the list, CSV or XLSX."""

from __future__ import annotations

import csv
import io

import pytest
from openpyxl import load_workbook
from tests.support.storage.audit_rows import audit_of
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

from onelead.domain.audit import AuditEvent
from onelead.files.exports import list_files


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def test_the_list_is_exported_with_its_filters_and_columns(web: Web, member: Browser) -> None:
    nora = await web.api.lead(name="Nora Field", company_name="=HYPERLINK(1)", tags=["fair"])
    await web.api.lead(name="Omar Other", tags=["web"])
    page = await member.get("/leads?tags=fair&columns=company_name&columns=tags")
    page = await page.follow("#export")
    assert "Those of the list Name, Company, Tags" in page.text
    shown = await page.submit("form#export-list", {"form": "csv", "which": "shown"})
    found = rows(shown.response.content)
    assert found[0] == ["Lead ID", "Name", "Company", "Tags"]
    assert [row[1:] for row in found[1:]] == [["Nora Field", "'=HYPERLINK(1)", "fair"]]
    assert found[1][0] == str(nora["id"])
    (entry,) = await audit_of(web.store, web.account_id, AuditEvent.EXPORTED)
    assert entry.changes == {"what": (None, "leads as CSV")}


async def test_excel_has_its_mark_and_every_column(web: Web, member: Browser) -> None:
    await web.api.lead(name="Núria")
    answer = await member.client.get("/leads/export/file?form=excel&which=all")
    assert answer.content.startswith("\ufeffLead ID,".encode())
    assert len(rows(answer.content)[1]) > 30


async def test_a_workbook_has_the_same_cells(web: Web, member: Browser) -> None:
    await web.api.lead(name="Nora Field", details="a\x0bb", title="+1", company_name="#N/A")
    answer = await member.client.get("/leads/export/file?form=xlsx&which=all")
    sheet = load_workbook(io.BytesIO(answer.content), read_only=True).worksheets[0]
    header, first = sheet.iter_rows()
    named = {str(cell.value): one.value or "" for cell, one in zip(header, first, strict=True)}
    types = {str(cell.value): one.data_type for cell, one in zip(header, first, strict=True)}
    assert (named["Company"], types["Company"]) == ("#N/A", "s")
    assert (named["Name"], named["Details"], named["Title"]) == ("Nora Field", "ab", "'+1")


async def test_more_leads_than_a_piece_are_all_there_once(
    web: Web, member: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_files, "LIST_FILE_CHUNK_LEADS", 2)
    names = [f"Nora {number}" for number in range(4)]
    for name in names:
        await web.api.lead(name=name)
    answer = await member.client.get("/leads/export/file?form=csv&columns=title&which=shown")
    assert [row[1] for row in rows(answer.content)[1:]] == names


async def test_a_filter_that_is_wrong_is_refused(member: Browser) -> None:
    for path in ("/leads/export", "/leads/export/file"):
        assert (await member.client.get(f"{path}?minimum_monetary_value=x")).status_code == 422


async def test_no_leads_are_a_header(member: Browser) -> None:
    answer = await member.client.get("/leads/export/file?which=shown")
    (header,) = rows(answer.content)
    assert header[:4] == ["Lead ID", "Name", "Company", "Email"]
