"""A list of leads as a file: choose its form and its columns, and get it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import BinaryIO, cast
from urllib.parse import urlencode

from msgspec import Struct
from starlette.responses import Response

from onelead.domain.audit import AuditEntry, AuditEvent
from onelead.domain.limits import EXPORT_PIECE_BYTES_MAX, PAGE_SHEET_ROWS_MAX
from onelead.files.exports.list_columns import ListColumn, list_columns
from onelead.files.exports.list_files import XlsxFile, csv_head, csv_rows, leads_of, write_list
from onelead.web.frame.downloads import download
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import Visit
from onelead.web.leads.columns import all_columns, chosen_columns
from onelead.web.leads.query import PATH, LeadQuery

_PAGE = f"{PATH}/export"
_FILE = f"{_PAGE}/file"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class _Form(Struct, frozen=True):
    """A form that a list can have as a file."""

    label: str
    hint: str
    ending: str
    media_type: str


_FORMS = {
    "csv": _Form("CSV", "Any number of leads, UTF-8.", "csv", "text/csv; charset=utf-8"),
    "excel": _Form(
        *("CSV for Excel", "With a mark by which Excel reads it as UTF-8."),
        *("csv", "text/csv; charset=utf-8"),
    ),
    "xlsx": _Form("XLSX", f"A workbook of up to {PAGE_SHEET_ROWS_MAX:,} leads.", "xlsx", _XLSX),
}


async def choose_file(visit: Visit) -> Response:
    """Ask which form and which columns the file should have."""
    query = _query(visit)
    shown = chosen_columns(query.columns, all_columns(visit.settings))
    return visit.page(
        "leads/export.html",
        forms=_FORMS,
        file_href=_FILE,
        pairs=query.pairs,
        columns=shown,
        all_count=len(list_columns(visit.settings)),
        back=f"{PATH}?{urlencode(query.pairs)}" if query.pairs else PATH,
    )


def _query(visit: Visit) -> LeadQuery:
    """Read the address. Raises InputInvalid."""
    query = LeadQuery(visit.request.query_params, visit.settings)
    query.require_sound()
    return query


async def send_file(visit: Visit) -> Response:
    """Send the list that the address asks for, and remember in the audit who took it."""
    query = _query(visit)
    form = _FORMS.get(visit.query("form"), _FORMS["csv"])
    shown = chosen_columns(query.columns, all_columns(visit.settings))
    keys = [column.key for column in shown if visit.query("which") == "shown"]
    columns = list_columns(visit.settings, keys)
    if visit.request.method != "HEAD":
        what = f"leads as {form.label}"
        entry = AuditEntry(AuditEvent.EXPORTED, visit.requester, changes={"what": (None, what)})
        await visit.store.record_audit(visit.account_id, entry)
    pieces = (
        _sheet(visit, query, columns)
        if form.media_type == _XLSX
        else _csv(visit, query, columns, for_excel=form is _FORMS["excel"])
    )
    return await download(visit, pieces, f"leads.{form.ending}", form.media_type)


async def _csv(
    visit: Visit, query: LeadQuery, columns: Sequence[ListColumn], *, for_excel: bool
) -> AsyncGenerator[bytes, None]:
    with visit.runtime.exports.taken(visit.account_id):
        yield csv_head(columns, for_excel=for_excel).encode()
        leads = leads_of(visit.store, visit.account_id, query.search, now=visit.now)
        async with aclosing(leads):
            async for some in leads:
                yield csv_rows(columns, some).encode()


async def _sheet(
    visit: Visit, query: LeadQuery, columns: Sequence[ListColumn]
) -> AsyncGenerator[bytes, None]:
    """Write a workbook into a file without a name, and send that."""
    with visit.runtime.exports.taken(visit.account_id), tempfile.TemporaryFile() as file:
        target = cast("BinaryIO", file)
        leads = leads_of(visit.store, visit.account_id, query.search, now=visit.now)
        await write_list(XlsxFile(target, columns, PAGE_SHEET_ROWS_MAX), leads)
        file.seek(0)
        while piece := file.read(EXPORT_PIECE_BYTES_MAX):
            yield piece


PAGES = (
    Page("GET", _PAGE, choose_file),
    Page("GET", _FILE, send_file),
)
