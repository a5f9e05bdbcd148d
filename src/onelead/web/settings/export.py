"""System Settings, Export: everything that an account has, as a file to keep or to move."""

from __future__ import annotations

from collections.abc import Generator

from starlette.responses import Response

from onelead.contract.store import Store
from onelead.domain.audit import AuditEntry, AuditEvent
from onelead.files.exports.account_file import compressed, export_pieces
from onelead.web.frame.downloads import download, from_thread
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.visit import Visit

_PATH = "/settings/export"
_FILE = f"{_PATH}/file"


async def export_page(visit: Visit) -> Response:
    """Say what an export has, and offer it."""
    state = await visit.store.fold_state(visit.account_id)
    return visit.page("export.html", leads=state.lead_count, rows=state.ledger_seq, file_href=_FILE)


async def export_file(visit: Visit) -> Response:
    """Send the export, and remember in the audit who took it."""
    if visit.request.method != "HEAD":
        entry = AuditEntry(
            AuditEvent.EXPORTED, visit.requester, changes={"what": (None, "everything")}
        )
        await visit.store.record_audit(visit.account_id, entry)
    turn = visit.runtime.exports.taken(visit.account_id)
    pieces = from_thread(_pieces(visit.store, visit.account_id), turn)
    return await download(visit, pieces, "export.jsonl.gz", "application/gzip")


def _pieces(store: Store, account_id: int) -> Generator[bytes, None, None]:
    with store.snapshot(lambda _text: None) as snapshot:
        yield from compressed(export_pieces(snapshot, account_id))


PAGES = (
    Page("GET", _PATH, export_page, Access.ADMIN, confirm=True),
    Page("GET", _FILE, export_file, Access.ADMIN, confirm=True),
)
