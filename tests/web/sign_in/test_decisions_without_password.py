"""The log line of each decision about a sign-in by code, passkey or the company's provider."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from tests.support.web.authenticator import Authenticator
from tests.support.web.company import CLIENT_ID, CLIENT_SECRET, a_provider
from tests.support.web.passkeys import add_passkey, sign_in_with_passkey, turn_codes_on
from tests.support.web.signing_in import a_member, sign_in
from tests.support.web.web_service import Web

from onelead.configuration import LogFormat, LogLevel
from onelead.domain.limits import CODES_BY_USER_MAX, PASSKEY_QUESTIONS_BY_ADDRESS_MAX
from onelead.domain.sign_in.attempts import passkey_question
from onelead.logs import configure_logs
from onelead.process.company_provider import CompanyClient, CompanyProvider

EMAIL = "mia@shop.example"
ADDRESS = "192.0.2.7"


@pytest.fixture
def log(restored_logging: None) -> io.StringIO:
    stream = io.StringIO()
    configure_logs(LogFormat.JSON, LogLevel.INFO, stream)
    return stream


def decisions(log: io.StringIO) -> list[tuple[str, str, str]]:
    """Return the address, outcome and e-mail hash of the lines about sign-ins."""
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    found = [line for line in lines if line["event"] == "sign-in"]
    return [(line["address"], line["outcome"], line["email_hash"]) for line in found]


async def test_wrong_codes_and_those_too_many_are_a_line_each(web: Web, log: io.StringIO) -> None:
    await a_member(web)
    mia = web.visitor()
    await sign_in(mia, EMAIL)
    await turn_codes_on(mia, web.clock())
    shown = await sign_in(web.visitor(address=ADDRESS), EMAIL)
    before = len(decisions(log))
    for _ in range(CODES_BY_USER_MAX + 1):
        await shown.submit("form#code-form", code="000000")
    mine = await web.store.email_hash(EMAIL)
    outcomes = ["refused"] * CODES_BY_USER_MAX + ["throttled"]
    assert decisions(log)[before:] == [(ADDRESS, outcome, mine) for outcome in outcomes]


async def test_a_refused_passkey_is_a_line(web: Web, log: io.StringIO) -> None:
    await a_member(web)
    mia = web.visitor()
    await sign_in(mia, EMAIL)
    passkey = Authenticator()
    await add_passkey(mia, passkey)
    before = len(decisions(log))
    await sign_in_with_passkey(web.visitor(address=ADDRESS), passkey, verified=False)
    await sign_in_with_passkey(web.visitor(address=ADDRESS), passkey)
    refused, signed_in = decisions(log)[before:]
    mine = await web.store.email_hash(EMAIL)
    assert refused == (ADDRESS, "refused", mine)
    assert signed_in == (ADDRESS, "signed_in", mine)


async def test_a_question_too_many_is_a_line(web: Web, log: io.StringIO) -> None:
    await web.store.take_attempts([passkey_question(ADDRESS)] * PASSKEY_QUESTIONS_BY_ADDRESS_MAX)
    visitor = web.visitor(address=ADDRESS)
    csrf = str((await visitor.get("/sign-in")).html.select("[name=csrf]")[0]["value"])
    await visitor.post("/sign-in/passkey/options", [("csrf", csrf)], status=429)
    assert decisions(log) == [(ADDRESS, "throttled", "")]


async def test_a_company_sign_in_without_a_user_is_a_line(web: Web, log: io.StringIO) -> None:
    async with a_provider(web.clock) as provider:
        client = CompanyClient(provider.issuer, CLIENT_ID, CLIENT_SECRET)
        connected = CompanyProvider(client, web.clock, web.clock.monotonic)
        company = Web(replace(web.api, runtime=replace(web.api.runtime, company=connected)))
        browser = company.visitor(address=ADDRESS)
        away = (await browser.client.get("/sign-in/company")).headers["location"]
        await browser.get(f"/sign-in/company/return?{provider.visit(away)}")
    expected = (ADDRESS, "refused", await web.store.email_hash(provider.email))
    assert decisions(log) == [expected]
