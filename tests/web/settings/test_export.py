"""System Settings, Export: the whole account as a download, for admins, and in the audit."""

from __future__ import annotations

import gzip
from contextlib import ExitStack

from tests.support.storage.audit_rows import audit_of
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web

from onelead.domain.audit import AuditEvent
from onelead.domain.limits import CONFIRM_S, PAGE_EXPORTS_AT_ONCE_MAX
from onelead.files.exports.account_file import export_pieces

FILE = "/settings/export/file"


async def test_an_admin_gets_everything(web: Web, browser: Browser) -> None:
    await web.api.lead(name="Nora Field")
    shown = await browser.get("/settings/export")
    assert "1 lead and 1 row of history" in shown.text
    answer = await browser.client.get(str(shown.one("#export-file")["href"]))
    assert answer.headers["content-type"] == "application/gzip"
    assert '"onelead-export-' in answer.headers["content-disposition"]
    with web.store.snapshot(lambda _text: None) as snapshot:
        assert gzip.decompress(answer.content) == b"".join(export_pieces(snapshot, web.account_id))
    (entry,) = await audit_of(web.store, web.account_id, AuditEvent.EXPORTED)
    assert (entry.by.user_id, entry.changes) == (
        web.api.account.user_id,
        {"what": (None, "everything")},
    )
    shown = await browser.get("/settings/audit")
    assert "exported data What: everything" in shown.text


async def test_only_an_admin_who_proved_it_lately_gets_it(web: Web, member: Browser) -> None:
    for path in ("/settings/export", FILE):
        assert (await member.client.get(path)).status_code == 403
    browser = await web.admin()
    web.clock.advance(CONFIRM_S + 1)
    answer = await browser.client.get(FILE)
    assert answer.headers.get("content-type") != "application/gzip"
    assert await audit_of(web.store, web.account_id, AuditEvent.EXPORTED) == []


async def test_a_look_at_the_headers_exports_nothing(web: Web, browser: Browser) -> None:
    answer = await browser.client.head(FILE)
    assert (answer.status_code, answer.content) == (200, b"")
    assert await audit_of(web.store, web.account_id, AuditEvent.EXPORTED) == []


async def test_a_process_does_a_few_exports_at_a_time(web: Web, browser: Browser) -> None:
    turns = web.api.runtime.exports
    with ExitStack() as places:
        for other in range(PAGE_EXPORTS_AT_ONCE_MAX):
            places.enter_context(turns.taken(web.account_id + 1 + other))
        shown = await browser.get(FILE, status=409)
        assert "Other exports are under way" in shown.text
    with turns.taken(web.account_id):
        await browser.get(FILE, status=409)
    assert (await browser.client.get(FILE)).status_code == 200
