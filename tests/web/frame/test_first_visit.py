"""The web application is loaded with the first visit, however many arrive at the same time."""

from __future__ import annotations

import asyncio

import httpx
from tests.support.web.browser_client import WEB_URL
from tests.support.web.web_service import Web

from onelead.app import Application


async def test_the_first_visitors_load_the_pages_once_and_all_see_theirs(web: Web) -> None:
    visits: list[str] = []
    application = Application(web.api.runtime, on_visit=lambda: visits.append("loaded"))
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url=WEB_URL) as visitor:
        assert (await visitor.get("/healthz")).is_success
        assert visits == []
        answers = await asyncio.gather(*(visitor.get("/sign-in") for _ in range(8)))
        answers.append(await visitor.get("/sign-in"))
    assert [answer.status_code for answer in answers] == [200] * 9
    assert visits == ["loaded"]
