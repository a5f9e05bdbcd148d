"""Double clicks, reloads and lost responses: what a form creates is created once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.support.api.service import Service
from tests.support.web.browser_client import Browser, fields_of
from tests.support.web.web_service import Web

from onelead.web.page_table import PAGES

#: The page of the form, the form, and its input.
FORMS = {
    "/leads/new": ("main form", {"name": "Nora Field"}),
    "/settings/custom-fields/new": ("main form", {"name": "Badge", "data_type": "String"}),
    "/settings/api-keys/new": ("#create", {"label": "Form"}),
    "/settings/users/new": ("#invite", {"email": "mia@shop.example", "name": "Mia Roe"}),
    "/settings/lead-statuses": ("#new", {"name": "Qualified"}),
    "/settings/customer-sources": ("#new", {"name": "Fair"}),
}
CHANGES_OF_MANY = "/leads/change/run"
#: Its own tests send it twice.
ANSWERS = "/queue/answer"
#: What was erased cannot be erased twice: the second form finds nobody.
ERASURE = "/settings/erasure"


async def form_of(browser: Browser, path: str) -> Sequence[tuple[str, str]]:
    """Return what a filled-in form of a page sends."""
    selector, typed = FORMS[path]
    fields = fields_of((await browser.get(path)).one(selector))
    return [*(pair for pair in fields if pair[0] not in typed), *typed.items()]


async def everything(web: Web) -> tuple[object, ...]:
    settings = await web.store.settings(web.account_id)
    rows = await web.store.account_rows(web.account_id)
    keys = await web.store.api_keys(web.account_id)
    return (settings.users, rows.ledger, [key.id for key in keys])


def test_no_form_that_creates_is_left_out() -> None:
    assert {page.path for page in PAGES if page.once} == {*FORMS, CHANGES_OF_MANY, ANSWERS, ERASURE}


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_that_is_sent_twice_does_its_work_once(
    web: Web, browser: Browser, path: str
) -> None:
    form = await form_of(browser, path)
    before = await everything(web)
    first = await browser.post(path, form)
    assert first.status == 200
    after = await everything(web)
    assert after != before
    again = await browser.post(path, form)
    assert await everything(web) == after
    assert "This form was already submitted" in again.text
    if first.response.history:
        # It redirects to what the first one created.
        assert again.path == first.path


@pytest.mark.parametrize("path", FORMS)
async def test_two_clicks_at_the_same_moment_do_it_once(
    web: Web, browser: Browser, path: str
) -> None:
    form = await form_of(browser, path)
    rows = len((await web.store.account_rows(web.account_id)).ledger)
    keys, users = len((await everything(web))[2]), len((await everything(web))[0])  # type: ignore[arg-type]
    await asyncio.gather(*(browser.post(path, form) for _ in range(3)))
    more = len((await web.store.account_rows(web.account_id)).ledger) - rows
    more += len((await everything(web))[2]) - keys  # type: ignore[arg-type]
    more += len((await everything(web))[0]) - users  # type: ignore[arg-type]
    assert more == 1


async def test_what_was_refused_can_be_mended_and_sent(browser: Browser) -> None:
    form = [pair for pair in await form_of(browser, "/leads/new") if pair[0] != "name"]
    for _ in range(2):
        assert (await browser.post("/leads/new", form)).status == 422
    shown = await browser.post("/leads/new", [*form, ("name", "Nora Field")])
    assert "The lead was created." in shown.text


async def test_a_form_without_an_id_is_done_each_time(
    web: Web, browser: Browser, service: Service
) -> None:
    form = [pair for pair in await form_of(browser, "/leads/new") if pair[0] != "form_id"]
    # A lead with a name that another one has is asked about first.
    names = iter(("Omar Lake", "Pat Wells", "Mia Field", "Sam Roe"))
    for more in ([], [("form_id", "x" * 65)]):
        for _ in range(2):
            shown = await browser.post("/leads/new", [*form, ("name", next(names)), *more])
            assert "The lead was created." in shown.text
    assert len((await web.store.account_rows(web.account_id)).ledger) == 4
