"""System Settings, Audit: who did what with users, keys, links, passwords and sign-ins."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime

from msgspec import structs
from starlette.responses import Response

from onelead.domain.audit import AuditRow
from onelead.domain.errors import InputInvalid, Problem, StoreUnavailable
from onelead.domain.importing.cells import harmless
from onelead.domain.limits import AUDIT_EXPORT_CHUNK_ROWS
from onelead.web.frame.downloads import Download
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.visit import Visit
from onelead.web.settings.audit_filters import EXPORT, PATH, AuditFilters
from onelead.web.words.audit_lines import EVENT_LABELS, AuditNames, audit_line

_COLUMNS = (
    *("Number", "Date (UTC)", "Event", "What", "Changes", "User", "API key", "By way of"),
    *("Address", "About user", "About API key", "E-mail hash", "Request"),
)
_BROKEN_OFF = "The export is not complete: the database does not answer."


async def audit_page(visit: Visit) -> Response:
    """Show the entries that the filters choose, the newest first."""
    filters = AuditFilters(visit.request.query_params, await _names(visit))
    found: Sequence[AuditRow] = ()
    has_more = False
    if not filters.problems:
        # One more shows whether there are others.
        search = structs.replace(filters.search, limit=filters.search.limit + 1)
        rows = await visit.store.search_audit(visit.account_id, search)
        found, has_more = rows[: filters.search.limit], len(rows) > filters.search.limit
    # The subject of an entry can be newer than this visit.
    names = await _names(visit)
    return visit.page(
        "audit.html",
        422 if filters.problems else 200,
        filters=filters,
        problems=filters.problems,
        lines=[audit_line(row, names) for row in found],
        next_before=found[-1].seq if has_more else None,
        chips=filters.chips(),
        events=EVENT_LABELS,
        users=[(user.id, user.name) for user in names.users.values()],
        keys=[(key.id, key.label) for key in names.keys.values()],
        export=filters.href(path=EXPORT),
    )


async def _names(visit: Visit) -> AuditNames:
    keys = await visit.store.api_keys(visit.account_id)
    settings = await visit.store.settings(visit.account_id)
    return AuditNames(settings.users_by_id, {key.id: key for key in keys}, settings.zone)


async def export_audit(visit: Visit) -> Response:
    """Send the entries that the filters choose as CSV. Raises InputInvalid."""
    filters = AuditFilters(visit.request.query_params, await _names(visit))
    if filters.problems:
        raise InputInvalid(
            *(Problem(name, text) for name, texts in filters.problems.items() for text in texts)
        )
    day = f"{datetime.fromtimestamp(visit.now, UTC):%Y-%m-%d}"
    headers = {"Content-Disposition": f'attachment; filename="onelead-audit-{day}.csv"'}
    if visit.request.method == "HEAD":
        return Response(headers=headers, media_type="text/csv")
    return Download(_pieces(visit, filters), headers=headers, media_type="text/csv")


async def _pieces(visit: Visit, filters: AuditFilters) -> AsyncIterator[str]:
    """Yield the lines of an export, a piece at a time, so that memory holds no more."""
    yield _csv([_COLUMNS])
    search = structs.replace(filters.search, limit=AUDIT_EXPORT_CHUNK_ROWS)
    while True:
        try:
            rows = await visit.store.search_audit(visit.account_id, search)
            names = await _names(visit)
        except StoreUnavailable:
            # The status is sent already.
            yield _csv([[_BROKEN_OFF]])
            return
        yield _csv(_cells(row, names) for row in rows)
        if len(rows) < search.limit:
            return
        search = structs.replace(search, before=rows[-1].seq)


def _cells(row: AuditRow, names: AuditNames) -> list[str]:
    entry, line = row.entry, audit_line(row, names)
    ids = (entry.by.user_id, entry.by.api_key_id, entry.subject_user_id, entry.subject_key_id)
    user_id, key_id, subject_user_id, subject_key_id = (str(one or "") for one in ids)
    return [
        *(str(row.seq), f"{datetime.fromtimestamp(row.date, UTC):%Y-%m-%d %H:%M:%S}"),
        *(EVENT_LABELS[entry.event], line.text, line.changes, user_id, key_id, line.channel),
        *(line.address, subject_user_id, subject_key_id),
        *(entry.email_hash or "", entry.by.request_id),
    ]


def _csv(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


PAGES = (
    Page("GET", PATH, audit_page, Access.ADMIN),
    Page("GET", EXPORT, export_audit, Access.ADMIN, confirm=True),
)
