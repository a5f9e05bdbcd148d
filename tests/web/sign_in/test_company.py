"""Signing in at the company's provider, and everything that somebody in between may try."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from joserfc.jwk import OctKey
from structlog.testing import capture_logs
from tests.support.storage.audit_rows import audit_of
from tests.support.web.browser_client import Browser, Shown
from tests.support.web.company import CLIENT_ID, CLIENT_SECRET, Provider, a_key, a_provider
from tests.support.web.signing_in import a_member
from tests.support.web.web_service import Web

from onelead.domain.access import UserChange
from onelead.domain.account import Role
from onelead.domain.audit import COMMAND_LINE, AuditEvent
from onelead.domain.limits import COMPANY_PROVIDER_KEPT_S, COMPANY_SIGN_IN_S, CONFIRM_S
from onelead.process.company_provider import CompanyClient, CompanyProvider

EMAIL = "mia@shop.example"
FAILED = "The company sign-in did not work"
NOBODY = "No user here has the e-mail of your company sign-in"
SESSION = "onelead_session"


@pytest.fixture
async def provider(web: Web) -> AsyncIterator[Provider]:
    async with a_provider(web.clock) as running:
        yield running


@pytest.fixture
async def company(web: Web, provider: Provider) -> Web:
    """The service, connected with the provider."""
    client = CompanyClient(provider.issuer, CLIENT_ID, CLIENT_SECRET)
    connected = CompanyProvider(client, web.clock, web.clock.monotonic)
    return Web(replace(web.api, runtime=replace(web.api.runtime, company=connected)))


async def leave(browser: Browser, path: str = "/sign-in/company") -> str:
    """Go to the provider; return its address."""
    answer = await browser.client.get(path)
    assert answer.status_code == 303
    return answer.headers["location"]


async def sign_in_there(
    provider: Provider, browser: Browser, path: str = "/sign-in/company"
) -> Shown:
    """Sign in at the provider, and come back."""
    return await browser.get(
        f"/sign-in/company/return?{provider.visit(await leave(browser, path))}"
    )


def is_signed_in(browser: Browser) -> bool:
    return SESSION in browser.client.cookies


class TestSigningIn:
    async def test_the_verified_email_is_enough_the_first_time(
        self, company: Web, provider: Provider
    ) -> None:
        user = await company.store.create_user(company.account_id, EMAIL, "Mia", Role.MEMBER)
        provider.email = EMAIL.upper()
        shown = await company.visitor().get("/sign-in?next=/profile")
        link = str(shown.one('a[href^="/sign-in/company"]')["href"])
        shown = await sign_in_there(provider, shown.browser, link)
        assert (shown.status, shown.path) == (200, "/profile")
        assert user.email in shown.text
        # From now on the subject counts, whatever becomes of the e-mail.
        provider.email, provider.is_verified = "renamed@shop.example", False
        assert is_signed_in((await sign_in_there(provider, company.visitor())).browser)

    async def test_what_is_asked_of_the_provider(self, company: Web, provider: Provider) -> None:
        browser = company.visitor()
        provider.visit(await leave(browser))
        (query,) = provider.visits.values()
        assert (query["client_id"], query["response_type"]) == (CLIENT_ID, "code")
        assert query["scope"] == "openid email"
        assert query["redirect_uri"].endswith("/sign-in/company/return")
        assert len({query["state"], query["nonce"], query["code_challenge"]}) == 3
        cookie = browser.client.cookies["onelead_company"]
        assert not any(value in cookie for value in query.values())

    async def test_an_unverified_email_signs_nobody_in(
        self, company: Web, provider: Provider
    ) -> None:
        await a_member(company)
        for provider.is_verified in (False, None, "true"):
            shown = await sign_in_there(provider, company.visitor())
            assert NOBODY in shown.text
            assert not is_signed_in(shown.browser)

    async def test_an_email_that_somebody_else_got_later_signs_nobody_in(
        self, company: Web, provider: Provider
    ) -> None:
        await a_member(company)
        await sign_in_there(provider, company.visitor())
        provider.subject = "u-18"
        shown = await sign_in_there(provider, company.visitor())
        assert NOBODY in shown.text

    async def test_nobody_becomes_a_user_by_it(self, company: Web, provider: Provider) -> None:
        shown = await sign_in_there(provider, company.visitor())
        assert NOBODY in shown.text
        assert len((await company.store.settings(company.account_id)).users) == 1

    async def test_a_deactivated_user_is_not_signed_in(
        self, company: Web, provider: Provider
    ) -> None:
        user = await a_member(company)
        await sign_in_there(provider, company.visitor())
        change = UserChange(is_active=False)
        await company.store.change_user(company.account_id, user.id, change, by=COMMAND_LINE)
        shown = await sign_in_there(provider, company.visitor())
        assert NOBODY in shown.text

    async def test_who_is_a_user_of_several_accounts_chooses(
        self, company: Web, provider: Provider
    ) -> None:
        user = await a_member(company)
        await company.store.create_account("Other Ltd", user.email)
        shown = await sign_in_there(provider, company.visitor(), "/sign-in/company?next=/profile")
        assert shown.texts("form#choose button") == ["Shop Ltd", "Other Ltd"]
        again = await shown.submit("form#choose", button="li:nth-child(2) button")
        assert again.path == "/profile"

    async def test_nobody_is_sent_to_another_site(self, company: Web, provider: Provider) -> None:
        await a_member(company)
        path = "/sign-in/company?next=//evil.example/"
        assert (await sign_in_there(provider, company.visitor(), path)).path == "/"

    async def test_the_audit_names_who_signed_in_and_how(
        self, company: Web, provider: Provider
    ) -> None:
        user = await company.store.create_user(company.account_id, EMAIL, "Mia", Role.MEMBER)
        # The browser of a user of another account: that one has done none of it.
        await sign_in_there(provider, await company.stranger())
        events = (AuditEvent.COMPANY_SIGN_IN_LINKED, AuditEvent.SIGNED_IN)
        found = await audit_of(company.store, company.account_id, *events)
        assert [(one.event, one.by.user_id, one.changes) for one in found] == [
            (AuditEvent.COMPANY_SIGN_IN_LINKED, user.id, None),
            (AuditEvent.SIGNED_IN, user.id, {"way": (None, "company")}),
        ]

    async def test_who_has_no_user_here_is_a_line_in_the_log(
        self, company: Web, provider: Provider
    ) -> None:
        with capture_logs() as lines:
            await sign_in_there(provider, company.visitor(address="192.0.2.7"))
        (line,) = [line for line in lines if line["event"] == "sign-in"]
        email_hash = await company.store.email_hash(provider.email)
        assert (line["address"], line["outcome"]) == ("192.0.2.7", "refused")
        assert line["email_hash"] == email_hash


class TestAttacks:
    @pytest.fixture(autouse=True)
    async def mia(self, company: Web) -> None:
        await a_member(company)

    async def refused(self, shown: Shown) -> None:
        assert FAILED in shown.text
        assert not is_signed_in(shown.browser)

    async def test_an_answer_counts_in_the_browser_that_asked(
        self, company: Web, provider: Provider
    ) -> None:
        query = provider.visit(await leave(company.visitor()))
        await self.refused(await company.visitor().get(f"/sign-in/company/return?{query}"))
        other = company.visitor()
        await leave(other)
        await self.refused(await other.get(f"/sign-in/company/return?{query}"))

    async def test_an_answer_counts_once(self, company: Web, provider: Provider) -> None:
        browser = company.visitor()
        query = provider.visit(await leave(browser))
        cookie = browser.client.cookies["onelead_company"]
        await browser.get(f"/sign-in/company/return?{query}")
        assert is_signed_in(browser)
        other = company.visitor()
        other.client.cookies.set("onelead_company", cookie)
        await self.refused(await other.get(f"/sign-in/company/return?{query}"))

    @pytest.mark.parametrize("query", ["", "error=access_denied", "code=x", "state=%00&code=y"])
    async def test_an_answer_without_what_belongs_to_it(self, company: Web, query: str) -> None:
        browser = company.visitor()
        await leave(browser)
        await self.refused(await browser.get(f"/sign-in/company/return?{query}"))

    @pytest.mark.parametrize("cookie", ["", "x", "x.y", ".", "x.bnVsbA", "é.é"])
    async def test_a_cookie_that_makes_no_sense(self, company: Web, cookie: str) -> None:
        headers = {b"Cookie": f"onelead_company={cookie}".encode()}
        answer = await company.visitor().client.get(
            "/sign-in/company/return?state=x&code=y", headers=headers
        )
        assert answer.headers["location"] == "/sign-in"

    @pytest.mark.parametrize(
        "claims",
        [
            {"nonce": "another"},
            {"nonce": None},
            {"aud": "another client"},
            {"aud": ["another client", CLIENT_ID], "azp": "another client"},
            {"iss": "https://another.example"},
            {"exp": 1},
            {"exp": None},
            {"iat": None},
            {"sub": None},
            {"sub": ""},
            {"sub": "x" * 256},
            {"sub": 5},
        ],
        ids=str,
    )
    async def test_a_token_that_says_something_else(
        self, company: Web, provider: Provider, claims: dict[str, object]
    ) -> None:
        provider.claims = claims
        await self.refused(await sign_in_there(provider, company.visitor()))

    @pytest.mark.parametrize("algorithm", ["HS256", "RS256"])
    async def test_a_token_that_somebody_else_signed(
        self, company: Web, provider: Provider, algorithm: str
    ) -> None:
        # With the client's secret, which an attacker may know; with another key of the same name.
        is_hmac = algorithm == "HS256"
        provider.signing_key = OctKey.import_key(CLIENT_SECRET) if is_hmac else a_key(1)
        provider.header = {"alg": algorithm, "kid": "key-0"}
        await self.refused(await sign_in_there(provider, company.visitor()))

    async def test_a_provider_that_does_not_answer(self, company: Web, provider: Provider) -> None:
        provider.is_broken = True
        shown = await company.visitor().get("/sign-in/company")
        assert (shown.path, FAILED in shown.text) == ("/sign-in", True)

    @pytest.mark.parametrize(
        "metadata",
        [
            {"issuer": "https://another.example"},
            {"token_endpoint": "http://another.example/token"},
            {"jwks_uri": None},
        ],
        ids=str,
    )
    async def test_a_provider_that_publishes_something_else(
        self, company: Web, provider: Provider, metadata: dict[str, object]
    ) -> None:
        provider.metadata = metadata
        shown = await company.visitor().get("/sign-in/company")
        assert (shown.path, FAILED in shown.text) == ("/sign-in", True)


async def test_new_keys_of_the_provider_are_read_once(company: Web, provider: Provider) -> None:
    await a_member(company)
    await sign_in_there(provider, company.visitor())
    assert provider.key_reads == 1
    company.clock.advance(60)
    provider.key = provider.signing_key = a_key(1)
    provider.header = {"alg": "RS256", "kid": "key-1"}
    assert is_signed_in((await sign_in_there(provider, company.visitor())).browser)
    assert provider.key_reads == 2
    # Broken tokens do not make the server ask again and again.
    provider.signing_key = a_key(2)
    for _ in range(3):
        await sign_in_there(provider, company.visitor())
    assert provider.key_reads == 2
    company.clock.advance(COMPANY_PROVIDER_KEPT_S)
    await sign_in_there(provider, company.visitor())
    assert provider.key_reads == 3


class TestConnecting:
    async def connect(self, provider: Provider, browser: Browser) -> Shown:
        shown = await (await browser.get("/profile")).submit("form#connect-company")
        query = provider.visit(str(shown.one("main a.btn-primary")["href"]))
        return await browser.get(f"/sign-in/company/return?{query}")

    async def test_a_user_connects_and_disconnects(self, company: Web, provider: Provider) -> None:
        provider.email = "mia.roe@corp.example"
        browser = await company.member()
        shown = await self.connect(provider, browser)
        assert "You can sign in with your company from now on" in shown.text
        (query,) = [*provider.visits.values()] or [{}]
        assert query.get("prompt", "login") == "login"
        assert is_signed_in((await sign_in_there(provider, company.visitor())).browser)
        shown = await (await browser.get("/profile")).submit("form#disconnect-company")
        assert "disconnected" in shown.text
        assert NOBODY in (await sign_in_there(provider, company.visitor())).text

    async def test_an_identity_belongs_to_one_user_of_an_account(
        self, company: Web, provider: Provider
    ) -> None:
        provider.is_verified = False
        await self.connect(provider, await company.member())
        shown = await self.connect(provider, await company.admin())
        assert "already belongs to another user" in shown.text

    async def test_it_counts_for_the_session_that_asked(
        self, company: Web, provider: Provider
    ) -> None:
        """A browser that was handed to somebody else meanwhile connects nobody."""
        browser = await company.member()
        shown = await (await browser.get("/profile")).submit("form#connect-company")
        query = provider.visit(str(shown.one("main a.btn-primary")["href"]))
        other = await company.admin()
        browser.client.cookies.set(SESSION, other.client.cookies[SESSION])
        shown = await browser.get(f"/sign-in/company/return?{query}")
        assert FAILED in shown.text
        provider.is_verified = False
        assert NOBODY in (await sign_in_there(provider, company.visitor())).text


class TestConfirming:
    @pytest.fixture
    async def mia(self, company: Web, provider: Provider) -> Browser:
        """A browser of a user who has only the company sign-in, some time after it."""
        await company.store.create_user(company.account_id, EMAIL, "Mia", Role.ADMIN)
        shown = await sign_in_there(provider, company.visitor())
        company.clock.advance(CONFIRM_S + 1)
        return shown.browser

    async def confirm(self, provider: Provider, mia: Browser) -> Shown:
        shown = await mia.get("/settings/users/new")
        assert "Confirm that it is you" in shown.text
        link = str(shown.one('a[href^="/sign-in/company"]')["href"])
        address = await leave(mia, link)
        assert "prompt=login" in address
        assert "max_age=0" in address
        return await mia.get(f"/sign-in/company/return?{provider.visit(address)}")

    async def test_who_signs_in_there_again_is_confirmed(
        self, company: Web, provider: Provider, mia: Browser
    ) -> None:
        provider.claims = {"auth_time": company.clock()}
        await self.confirm(provider, mia)
        assert (await mia.get("/settings/users/new")).path == "/settings/users/new"

    @pytest.mark.parametrize("age_s", [None, COMPANY_SIGN_IN_S + 1])
    async def test_a_provider_that_did_not_ask_again_confirms_nobody(
        self, company: Web, provider: Provider, mia: Browser, age_s: int | None
    ) -> None:
        provider.claims = {"auth_time": None if age_s is None else company.clock() - age_s}
        assert FAILED in (await self.confirm(provider, mia)).text
        assert "Confirm that it is you" in (await mia.get("/settings/users/new")).text

    async def test_somebody_else_there_confirms_nobody(
        self, company: Web, provider: Provider, mia: Browser
    ) -> None:
        provider.claims = {"auth_time": company.clock()}
        provider.subject, provider.email = "u-99", "kim@shop.example"
        assert FAILED in (await self.confirm(provider, mia)).text
        assert "Confirm that it is you" in (await mia.get("/settings/users/new")).text


async def test_without_a_provider_there_is_nothing(web: Web) -> None:
    shown = await web.visitor().get("/sign-in")
    assert shown.html.select('a[href^="/sign-in/company"]') == []
    assert "Company" not in (await (await web.admin()).get("/profile")).text
    for path in ("/sign-in/company", "/sign-in/company/return?state=x&code=y"):
        await web.visitor().get(path, status=404)
