"""What is remembered of each decision about a sign-in: the log line, and refusals in the audit."""

from __future__ import annotations

import io
import json
import re
from configparser import RawConfigParser
from pathlib import Path

import pytest
from tests.support.web.authenticator import Authenticator
from tests.support.web.passkeys import add_passkey, sign_in_with_passkey, turn_codes_on
from tests.support.web.signing_in import PASSWORD, a_member, set_password, sign_in
from tests.support.web.web_service import Web

from onelead.configuration import LogFormat, LogLevel
from onelead.contract.audit import AuditSearch
from onelead.domain.account import Role
from onelead.domain.audit import AuditEvent, AuditRow
from onelead.domain.limits import (
    AUDIT_WAITING_MAX,
    CODES_BY_USER_MAX,
    PASSKEY_QUESTIONS_BY_ADDRESS_MAX,
    REFUSALS_LOGGED_PER_S_MAX,
    SIGN_IN_BY_PLACE_MAX,
)
from onelead.domain.sign_in.attempts import passkey_question
from onelead.logs import configure_logs

EMAIL = "mia@shop.example"
REFUSED = AuditSearch(events=frozenset({AuditEvent.SIGN_IN_REFUSED}))
OPERATING = Path(__file__).parents[3] / "docs" / "operating.md"


@pytest.fixture
def log(restored_logging: None) -> io.StringIO:
    stream = io.StringIO()
    configure_logs(LogFormat.JSON, LogLevel.INFO, stream)
    return stream


def lines_of(log: io.StringIO) -> list[dict[str, str]]:
    """Return the lines about sign-ins."""
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["event"] == "sign-in"]


async def refusals(web: Web, account_id: int | None = None) -> list[AuditRow]:
    await web.api.runtime.refused_sign_ins.settle()
    return list(await web.store.search_audit(account_id or web.account_id, REFUSED))


async def test_each_decision_is_one_line(web: Web, log: io.StringIO) -> None:
    await a_member(web)
    log.truncate(0)
    log.seek(0)
    await sign_in(web.visitor(address="192.0.2.7"), EMAIL)
    await sign_in(web.visitor(address="2001:db8::7"), EMAIL, "a wrong password")
    await sign_in(web.visitor(address="192.0.2.8"), "nobody@shop.example")
    first, second, third = lines_of(log)
    assert (first["outcome"], first["address"]) == ("signed_in", "192.0.2.7")
    assert (second["outcome"], second["address"]) == ("refused", "2001:db8::7")
    assert (third["outcome"], third["address"]) == ("refused", "192.0.2.8")
    assert first["email_hash"] == second["email_hash"] != third["email_hash"]
    for secret in (EMAIL, "nobody", PASSWORD, "wrong"):
        assert secret not in log.getvalue()


async def test_an_attempt_too_many_is_a_line_and_no_entry(web: Web, log: io.StringIO) -> None:
    await a_member(web)
    for _ in range(SIGN_IN_BY_PLACE_MAX + 1):
        await sign_in(web.visitor(), EMAIL, "a wrong password")
    *_others, last = lines_of(log)
    assert last["outcome"] == "throttled"
    assert len(await refusals(web)) == SIGN_IN_BY_PLACE_MAX


async def test_a_flood_does_not_fill_the_log(web: Web, log: io.StringIO) -> None:
    for _ in range(SIGN_IN_BY_PLACE_MAX + REFUSALS_LOGGED_PER_S_MAX + 9):
        await sign_in(web.visitor(), EMAIL, "a wrong password")
    outcomes = [line["outcome"] for line in lines_of(log)]
    assert outcomes.count("throttled") == REFUSALS_LOGGED_PER_S_MAX
    web.clock.advance(1)
    await sign_in(web.visitor(), EMAIL, "a wrong password")
    assert len(lines_of(log)) > len(outcomes)


async def test_a_refusal_is_in_every_account_where_the_email_has_an_active_user(web: Web) -> None:
    mia = await a_member(web)
    other = await web.store.create_account("Other Ltd", "omar@other.example")
    twin = await web.store.create_user(other.account_id, EMAIL.upper(), "", Role.MEMBER)
    third = await web.store.create_account("Third Ltd", "olga@third.example")
    gone = await web.store.create_user(third.account_id, EMAIL, "", Role.MEMBER)
    await web.store.deactivate_user(third.account_id, gone.email)
    await sign_in(web.visitor(address="192.0.2.66"), f" {EMAIL}", "a wrong password")
    (mine,) = await refusals(web)
    (theirs,) = await refusals(web, other.account_id)
    assert await refusals(web, third.account_id) == []
    assert (mine.entry.subject_user_id, theirs.entry.subject_user_id) == (mia.id, twin.id)
    assert mine.entry.by.address == "192.0.2.66"
    assert mine.entry.by.user_id is None
    assert mine.entry.email_hash == await web.store.email_hash(EMAIL)


async def test_an_unknown_email_leaves_no_entry(web: Web) -> None:
    await sign_in(web.visitor(), "nobody@shop.example")
    assert await refusals(web) == []


async def test_a_password_that_is_right_in_one_account_is_no_refusal(web: Web) -> None:
    await a_member(web)
    other = await web.store.create_account("Other Ltd", EMAIL)
    await set_password(web, other.user_id, "another dry winter")
    shown = await sign_in(web.visitor(), EMAIL, "another dry winter")
    assert shown.path == "/"
    assert await refusals(web) == []


async def test_only_so_many_entries_wait(web: Web) -> None:
    refused = web.api.runtime.refused_sign_ins
    await a_member(web)
    by = (await refusals(web), (await web.store.search_audit(1, AuditSearch()))[0].entry.by)[1]
    for _ in range(AUDIT_WAITING_MAX + 5):
        refused.add(EMAIL, "abc", by)
    assert len(await refusals(web)) == AUDIT_WAITING_MAX


def documented_filter() -> list[re.Pattern[str]]:
    """Return the expressions of the filter in the documents, as fail2ban compiles them."""
    text = re.search(r"```ini\n(\[Definition\]\n.*?)```", OPERATING.read_text(), re.DOTALL)
    assert text is not None
    parser = RawConfigParser()
    parser.read_string(text[1])
    host = r"(?P<host>[0-9a-fA-F:.]+)"
    found = parser["Definition"]["failregex"].splitlines()
    return [re.compile(one.replace("<HOST>", host)) for one in found]


def banned(line: str) -> str | None:
    """Return the address that the filter finds in a line, from which fail2ban cuts the date."""
    line = re.sub(r'^\d{4}-\S+Z|"timestamp": "[^"]*"', "", line)
    found = [match["host"] for one in documented_filter() if (match := one.search(line))]
    return found[0] if found else None


@pytest.mark.parametrize("log_format", LogFormat)
@pytest.mark.parametrize("process", [{}, {"worker": 3}])
@pytest.mark.usefixtures("restored_logging")
async def test_the_documented_filter_reads_the_lines(
    web: Web, log_format: LogFormat, process: dict[str, int]
) -> None:
    await a_member(web)
    log = io.StringIO()
    configure_logs(log_format, LogLevel.INFO, log, **process)
    await sign_in(web.visitor(address="192.0.2.7"), EMAIL)
    for _ in range(SIGN_IN_BY_PLACE_MAX + 1):
        await sign_in(web.visitor(address="2001:db8::7"), EMAIL, "a wrong password")
    # An unknown passkey names no e-mail.
    await sign_in_with_passkey(web.visitor(address="2001:db8::7"), Authenticator())
    lines = [line for line in log.getvalue().splitlines() if "sign-in" in line]
    of_sign_ins = [line for line in lines if "decisions" in line]
    found = [banned(line) for line in of_sign_ins]
    assert found == [None, *["2001:db8::7"] * (SIGN_IN_BY_PLACE_MAX + 2)]
    assert not any(banned(line) for line in lines if line not in of_sign_ins)
    # systemd's journal puts its own words before the line.
    journal = [banned(f" shop onelead[77]: {line}") for line in of_sign_ins]
    assert journal == found


@pytest.mark.parametrize("log_format", LogFormat)
@pytest.mark.usefixtures("restored_logging")
async def test_a_made_up_address_bans_nobody_else(web: Web, log_format: LogFormat) -> None:
    log = io.StringIO()
    configure_logs(log_format, LogLevel.INFO, log)
    for address in (
        "198.51.100.9 email_hash=ab outcome=refused\n",
        '198.51.100.9", "outcome": "refused", "email_hash": "ab", "event": "sign-in", "x": "',
    ):
        await sign_in(web.visitor(address=address), EMAIL, "a wrong password")
    assert "sign-in" in log.getvalue()
    assert [found for line in log.getvalue().splitlines() if (found := banned(line))] == []


async def test_a_browser_of_another_account_is_nobody_in_the_audit(web: Web) -> None:
    await a_member(web)
    stranger = await web.stranger()
    csrf = str((await stranger.get("/profile")).html.select("[name=csrf]")[0]["value"])
    fields = [("csrf", csrf), ("email", EMAIL), ("password", "a wrong password")]
    assert (await stranger.post("/sign-in", fields)).status == 422
    (entry,) = await refusals(web)
    assert entry.entry.by.user_id is None


async def test_refused_codes_and_passkeys_are_a_line_and_an_entry(
    web: Web, log: io.StringIO
) -> None:
    await a_member(web)
    mia, passkey = web.visitor(), Authenticator()
    await sign_in(mia, EMAIL)
    await add_passkey(mia, passkey)
    await turn_codes_on(mia, web.clock())
    log.truncate(0)
    log.seek(0)
    shown = await sign_in(web.visitor(address="192.0.2.7"), EMAIL)
    for _ in range(CODES_BY_USER_MAX + 1):
        shown = await shown.submit("form#code-form", code="000000")
    await sign_in_with_passkey(web.visitor(address="192.0.2.8"), passkey, verified=False)
    await sign_in_with_passkey(web.visitor(address="192.0.2.8"), Authenticator())
    email_hash = await web.store.email_hash(EMAIL)
    found = [(line["address"], line["outcome"], line["email_hash"]) for line in lines_of(log)]
    assert found == [
        *[("192.0.2.7", "refused", email_hash)] * CODES_BY_USER_MAX,
        ("192.0.2.7", "throttled", email_hash),
        ("192.0.2.8", "refused", email_hash),
        ("192.0.2.8", "refused", ""),
    ]
    entries = [row.entry for row in await refusals(web)]
    assert len(entries) == CODES_BY_USER_MAX + 1
    assert {(entry.by.user_id, entry.email_hash) for entry in entries} == {(None, email_hash)}


async def test_too_many_questions_to_passkeys_are_a_line(web: Web, log: io.StringIO) -> None:
    visitor = web.visitor(address="192.0.2.9")
    csrf = str((await visitor.get("/sign-in")).html.select("[name=csrf]")[0]["value"])
    for _ in range(PASSKEY_QUESTIONS_BY_ADDRESS_MAX):
        await web.store.take_attempts([passkey_question("192.0.2.9")])
    assert (await visitor.post("/sign-in/passkey/options", [("csrf", csrf)])).status == 429
    (line,) = lines_of(log)
    assert (line["outcome"], line["address"]) == ("throttled", "192.0.2.9")
