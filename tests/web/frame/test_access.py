"""Every page and form of the web application checks the session, the role, the account, the form.

The tests take the pages from the table that the application serves, so none is left out. They
share a service: whatever is refused must change nothing, and each test holds that it did not.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.support.web.browser_client import Browser
from tests.support.web.web_service import Web, a_web_service

from onelead.web.frame.pages import Access, Page
from onelead.web.page_table import PAGES

#: Larger than any id, and one of another account.
UNKNOWN, THEIRS = "9007199254740991", "2000000008"
GUARDED = [page for page in PAGES if page.access is not Access.ANYONE]
FORMS = [page for page in PAGES if page.method == "POST"]
#: Without the stream, which lasts until the browser leaves.
LOOKS = [page for page in PAGES if page.method == "GET" and page.path != "/overview/live"]
#: Pages that a browser may reload after the deletion that they offer.
LEAD_ON = [page for page in LOOKS if re.search("(statuses|sources)/.*/delete", page.path)]
OF_ADMINS = [page for page in PAGES if page.access is Access.ADMIN]
#: The service lives in the event loop of the module.
SHARED = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Web]:
    async with a_web_service(tmp_path_factory.mktemp("access")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(web: Web) -> Browser:
    return await web.admin()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def member(web: Web) -> Browser:
    return await web.member()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stranger(web: Web) -> Browser:
    return await web.stranger()


def named(page: Page) -> str:
    return f"{page.method} {page.path}"


def path_of(page: Page, filled_in: str = "1") -> str:
    """Return an address of the page."""
    return re.sub(r"\{[^}]*\}", filled_in, page.path)


async def csrf_of(browser: Browser) -> str:
    return str((await browser.get("/profile")).html.select("[name=csrf]")[0]["value"])


def test_there_are_pages_of_each_sort() -> None:
    assert len(GUARDED) > 20
    assert len(OF_ADMINS) > 10
    assert len(FORMS) > 10
    assert {page.path for page in PAGES if page.access is Access.ANYONE} == {
        *("/sign-in", "/sign-in/account", "/sign-out", "/welcome/{token}"),
        *("/sign-in/code", "/sign-in/passkey", "/sign-in/passkey/options"),
        *("/sign-in/company", "/sign-in/company/return"),
    }


def test_everything_below_system_settings_is_for_admins() -> None:
    below = [page for page in PAGES if page.path.startswith("/settings")]
    assert below == [page for page in below if page.access is Access.ADMIN]


@pytest.mark.parametrize("page", GUARDED, ids=named)
@SHARED
async def test_who_is_not_signed_in_is_sent_to_sign_in(web: Web, page: Page) -> None:
    answer = await web.visitor().client.request(page.method, path_of(page))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
    assert answer.text == ""


@pytest.mark.parametrize("page", OF_ADMINS, ids=named)
@SHARED
async def test_a_member_sees_and_changes_no_settings(member: Browser, page: Page) -> None:
    data = {"csrf": await csrf_of(member)} if page.method == "POST" else None
    answer = await member.client.request(page.method, path_of(page), data=data)
    assert answer.status_code == 403
    assert "Only admins of this account" in answer.text


@pytest.mark.parametrize("page", FORMS, ids=named)
@SHARED
async def test_a_form_of_another_site_is_refused(
    web: Web, browser: Browser, stranger: Browser, page: Page
) -> None:
    right, theirs = await csrf_of(browser), await csrf_of(stranger)
    before = (await web.store.account_rows(web.account_id)).ledger
    for csrf in ("", "x", theirs):
        answer = await browser.client.post(path_of(page), data={"csrf": csrf})
        assert answer.status_code == 403
    answer = await browser.client.post(path_of(page))
    assert answer.status_code == 403
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = await browser.client.post(path_of(page), data={"csrf": right}, headers=headers)
    assert answer.status_code == 403
    assert (await web.store.account_rows(web.account_id)).ledger == before
    assert (await browser.get("/profile")).path == "/profile"


@pytest.mark.parametrize("page", [page for page in GUARDED if "{" in page.path], ids=named)
@SHARED
async def test_what_is_of_another_account_or_nobody_s_is_not_there(
    web: Web, browser: Browser, stranger: Browser, page: Page
) -> None:
    (theirs,) = [one for one in await web.store.account_ids() if one != web.account_id]
    before = await web.store.settings(theirs)
    data = {"csrf": await csrf_of(browser)} if page.method == "POST" else None
    for filled_in in (UNKNOWN, THEIRS, "0", "-1", "x", "1e3", "%00", "9" * 40):
        answer = await browser.client.request(page.method, path_of(page, filled_in), data=data)
        # These may redirect to a page that says that it was deleted.
        is_gone = answer.status_code == 303 and (page.method == "POST" or page in LEAD_ON)
        assert is_gone or answer.status_code == 404, filled_in
        assert await web.store.settings(theirs) == before, filled_in
        assert (await web.store.account_rows(theirs)).ledger == [], filled_in


@pytest.mark.parametrize("page", LOOKS, ids=named)
@SHARED
async def test_a_page_changes_nothing(web: Web, browser: Browser, page: Page) -> None:
    before = await web.store.account_rows(web.account_id)
    settings = await web.store.settings(web.account_id)
    await browser.client.get(path_of(page))
    assert await web.store.settings(web.account_id) == settings
    assert (await web.store.account_rows(web.account_id)).ledger == before.ledger
