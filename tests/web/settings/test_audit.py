"""System Settings, Audit: the entries in words, the filters in the address, and the export."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.signing_in import a_member, sign_in
from tests.support.web.web_service import Web

from onelead.contract.audit import AuditSearch
from onelead.contract.store import Store
from onelead.domain.account import Role
from onelead.domain.audit import AuditEntry, AuditEvent, AuditRow, Channel, Requester
from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import AUDIT_PAGE_ROWS
from onelead.web.settings import audit
from onelead.web.words.audit_lines import EVENT_LABELS

PATH = "/settings/audit"


def entries(shown: Shown) -> list[str]:
    """Return the entries of a page, as people read them."""
    return shown.texts("#entries li")


async def refused(web: Web, count: int = 1, **by: Any) -> None:
    """Record refused sign-ins."""
    for _ in range(count):
        entry = AuditEntry(
            *(AuditEvent.SIGN_IN_REFUSED, Requester(Channel.PAGE, **by)),
            subject_user_id=web.api.account.user_id,
        )
        await web.store.record_audit(web.account_id, entry)


def exported(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


async def test_every_event_has_its_words() -> None:
    assert EVENT_LABELS.keys() == set(AuditEvent)


async def test_who_made_a_key_for_whom_is_said_with_links(web: Web, browser: Browser) -> None:
    mia = await web.store.create_user(web.account_id, "mia@shop.example", "Mia Roe", Role.MEMBER)
    page = await browser.get("/settings/api-keys/new")
    await page.submit(
        *("form#create", {"scope": "read", "networks": "10.0.0.0/8"}),
        label="Web form",
        email=mia.email,
    )
    shown = await browser.get(PATH)
    first = entries(shown)[0]
    assert first.startswith("dana created the API key Web form for Mia Roe")
    assert "Label: Web form; scope: read; networks: 10.0.0.0/8" in first
    assert "web application · from 127.0.0.1" in first
    links = [str(link["href"]) for link in shown.html.select("#entries li")[0].select("a")]
    dana = web.api.account.user_id
    assert links == [
        *(f"/settings/users/{dana}", "/settings/api-keys", f"/settings/users/{mia.id}"),
    ]


async def test_a_life_of_a_user_is_told(web: Web, browser: Browser) -> None:
    mia = await a_member(web)
    form = await browser.get(f"/settings/users/{mia.id}")
    await form.submit("form#edit", role="admin", name="Mia R")
    await (await browser.get(f"/settings/users/{mia.id}")).submit("form#new-link")
    await (await browser.get(f"/settings/users/{mia.id}")).submit("form#deactivate")
    shown = await browser.get(PATH)
    assert shown.texts("#entries li p:first-child")[:7] == [
        "dana deactivated Mia R",
        "dana created a one-time link for Mia R",
        "dana changed the user Mia R",
        "Mia R signed in",
        "Mia R set a password with a one-time link",
        "The command line created a one-time link for Mia R",
        "The command line created the user Mia R",
    ]
    assert "Name from Mia Roe to Mia R; role from member to admin" in entries(shown)[2]
    assert "Name: Mia Roe; e-mail: mia@shop.example; role: member" in entries(shown)[6]


async def test_a_refused_sign_in_is_told_with_its_address(web: Web, browser: Browser) -> None:
    mia = await a_member(web)
    await sign_in(web.visitor(address="192.0.2.66"), mia.email, "a wrong password")
    await web.api.runtime.refused_sign_ins.settle()
    first = entries(await browser.get(PATH))[0]
    assert "A sign-in as Mia Roe was refused" in first
    assert "from 192.0.2.66" in first


async def test_the_filters_live_in_the_address(web: Web, browser: Browser) -> None:
    mia = await a_member(web)
    await refused(web, address="192.0.2.66")
    shown = await (await browser.get(PATH)).submit("form#filters", user=str(mia.id))
    assert f"user={mia.id}" in shown.path
    assert all("Mia Roe" in entry for entry in entries(shown))
    assert "User Mia Roe" in shown.text
    for query, count in (
        ("event=sign_in_refused", 1),
        ("address=192.0.2.66", 1),
        ("address=192.0.2.66&event=signed_in", 0),
        ("until=1990-01-01", 0),
        ("from=1990-01-01&event=sign_in_refused", 1),
    ):
        assert len(entries(await browser.get(f"{PATH}?{query}"))) == count, query
    (key,) = await web.store.api_keys(web.account_id)
    (made,) = entries(await browser.get(f"{PATH}?key={key.id}"))
    assert "created the API key first key" in made


@pytest.mark.parametrize(
    "query",
    [
        "user=7",
        "user=x",
        "key=0",
        "event=none",
        "from=yesterday",
        "until=2026-13-01",
        "user=1&key=y",
    ],
)
async def test_a_filter_that_is_none_is_said(browser: Browser, query: str) -> None:
    shown = await browser.get(f"{PATH}?{query}", status=422)
    assert shown.html.select(".problem")
    answer = await browser.client.get(f"{PATH}/export?{query}")
    assert answer.status_code == 422


async def test_pages_follow_each_other_without_a_gap(web: Web, browser: Browser) -> None:
    await refused(web, AUDIT_PAGE_ROWS + 5)
    first = await browser.get(f"{PATH}?event=sign_in_refused")
    second = await first.follow("#older")
    assert len(entries(first)) == AUDIT_PAGE_ROWS
    assert len(entries(second)) == 5
    assert not second.html.select("#older")
    assert "event=sign_in_refused" in second.path


async def test_nothing_found_says_what_to_do(browser: Browser) -> None:
    shown = await browser.get(f"{PATH}?address=192.0.2.1")
    assert "No entries match these filters" in shown.text
    assert not shown.html.select("#export")


async def test_names_and_addresses_are_escaped(web: Web, browser: Browser) -> None:
    script = "<script>alert(1)</script>"
    await web.store.create_user(web.account_id, "eve@shop.example", script, Role.MEMBER)
    await refused(web, address=script)
    shown = await browser.get(PATH)
    assert script in shown.text
    assert script not in shown.response.text


async def test_another_account_sees_none_of_it(web: Web, browser: Browser) -> None:
    stranger = await web.stranger()
    mia = await a_member(web)
    theirs = await stranger.get(PATH)
    assert "Mia" not in theirs.text
    await stranger.get(f"{PATH}?user={mia.id}", status=422)
    assert "Mia" not in (await stranger.client.get(f"{PATH}/export")).text
    assert "omar" not in (await browser.get(PATH)).text


class TestExport:
    async def test_it_has_what_the_filters_choose(self, web: Web, browser: Browser) -> None:
        await refused(web, 2, address="192.0.2.66", request_id="request-77")
        page = await browser.get(f"{PATH}?event=sign_in_refused")
        answer = await browser.client.get(str(page.one("#export")["href"]))
        assert answer.headers["content-type"].startswith("text/csv")
        assert "attachment" in answer.headers["content-disposition"]
        columns, *rows = exported(answer.text)
        assert [dict(zip(columns, row, strict=True))["Address"] for row in rows] == [
            *("192.0.2.66", "192.0.2.66"),
        ]
        assert rows[0][3] == "A sign-in as dana was refused"

    async def test_a_cell_is_no_formula(self, web: Web, browser: Browser) -> None:
        await refused(web, address='=HYPERLINK("http://evil.example")', request_id="+1")
        _columns, first, *_rest = exported((await browser.client.get(f"{PATH}/export")).text)
        assert '\'=HYPERLINK("http://evil.example")' in first
        assert "'+1" in first

    async def test_it_goes_piece_by_piece(self, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audit, "AUDIT_EXPORT_CHUNK_ROWS", 3)
        limits: list[int] = []

        class Watched:
            def __getattr__(self, name: str) -> Any:
                return getattr(web.store, name)

            async def search_audit(
                self, account_id: int, search: AuditSearch
            ) -> Sequence[AuditRow]:
                limits.append(search.limit)
                return await web.store.search_audit(account_id, search)

        await refused(web, 7)
        runtime = replace(web.api.runtime, store=cast("Store", Watched()))
        other = await Web(replace(web.api, runtime=runtime)).admin()
        answer = await other.client.get(f"{PATH}/export?event=sign_in_refused")
        assert len({row[0] for row in exported(answer.text)[1:]}) == 7
        assert limits == [3, 3, 3]

    async def test_a_database_that_goes_away_is_said_at_the_end(self, web: Web) -> None:
        class Gone:
            def __getattr__(self, name: str) -> Any:
                return getattr(web.store, name)

            async def search_audit(
                self, _account_id: int, _search: AuditSearch
            ) -> Sequence[AuditRow]:
                raise StoreUnavailable

        runtime = replace(web.api.runtime, store=cast("Store", Gone()))
        other = await Web(replace(web.api, runtime=runtime)).admin()
        answer = await other.client.get(f"{PATH}/export")
        assert exported(answer.text)[-1] == [
            "The export is not complete: the database does not answer."
        ]

    async def test_the_headers_alone_read_nothing(self, browser: Browser) -> None:
        answer = await browser.client.head(f"{PATH}/export")
        assert (answer.status_code, answer.text) == (200, "")
