"""The pages of the web application with a million leads stored, one request after another.

A browser asks over one connection; the time from its request to the last byte is measured. Before
that the whole ledger is folded, as the server does in the background.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Mapping
from functools import partial

import httpx

from benchmarks.contenders.onelead_server import ServedDatabase, serve_command
from benchmarks.people import TAGS
from benchmarks.processes import Failed, free_port, running, wait_until_listening
from benchmarks.results import PageRow
from benchmarks.run import ENGINES, Run
from onelead.app import on_store
from onelead.configuration import Configuration
from onelead.contract.access import LinkPurpose, WebSession
from onelead.contract.store import Store
from onelead.storage.access.accounts import key_hash
from onelead.web.frame.sessions import token_hash

_REQUESTS = 9
_ROUNDS_MAX = 3
_TOKEN = "a browser of the benchmark"
_LEAD = re.compile(r'href="(/leads/\d+)"')


def measure_pages(run: Run) -> list[PageRow]:
    """Load every kind of page on each engine in turn."""
    rows = []
    for engine in ENGINES:
        database = run.database(engine, run.size.many)
        run.say(f"pages, folding the ledger of {database.account.email} on {engine}")
        on_store(Configuration(database=database.url), partial(_prepare, database))
        port = free_port()
        with (
            running(serve_command("onelead", database, port), run.log) as process,
            httpx.Client(
                base_url=f"http://127.0.0.1:{port}", cookies={"onelead_session": _TOKEN}, timeout=60
            ) as browser,
        ):
            wait_until_listening(process, port, run.log)
            paths = _paths(browser, database, run.size.many)
            for number, order in run.rounds(list(paths), at_most=_ROUNDS_MAX):
                run.say(f"pages on {engine}, round {number}")
                rows += [_measured(browser, engine, page, paths[page], number) for page in order]
    return rows


async def _prepare(database: ServedDatabase, store: Store) -> None:
    """Sign a browser in, and fold the whole ledger as the server would in the background."""
    account_id = database.account.account_id
    settings = await store.settings(account_id)
    now = int(time.time())
    session = WebSession(account_id, settings.users[0].id, now, now, "127.0.0.1", "benchmark")
    link = await store.create_link(account_id, session.user_id, LinkPurpose.ACCOUNT_CHOICE)
    await store.choose_account(key_hash(link), token_hash(_TOKEN), session)
    while await store.fold_ledger(account_id):
        pass


def _paths(browser: httpx.Client, database: ServedDatabase, people: int) -> Mapping[str, str]:
    """Return the path of every page by its name."""
    found = _LEAD.search(_loaded(browser, "/leads"))
    if found is None:
        raise Failed("the list of leads shows no lead")
    text, _score = database.account.definitions
    settings = "/settings/custom-fields"
    return {
        "overview": "/",
        "overview, 90 days by caller": "/?span=90d&by=caller",
        "overview, chart": "/overview/deliveries.svg?span=24h&theme=light",
        "overview, chart of 90 days": "/overview/deliveries.svg?span=90d&theme=light",
        "leads": "/leads",
        "leads, 200 a page, by company": "/leads?page_size=200&sort_by=company_name",
        "leads, last modified": "/leads?sort_by=date_modified&sort_direction=desc",
        "leads, quick search for a common start": "/leads?q=a",
        "leads, quick search for one e-mail": f"/leads?q=p{people // 2}@field.example",
        "leads, common tag": f"/leads?tags=tag{TAGS - 1}",
        "leads, status": f"/leads?status_ids={_status_id(database)}",
        "leads, title (no index)": "/leads?title=nobody",
        "leads, two words of a name (no index)": "/leads?name=zz%20zz",
        "lead": found[1],
        "lead, editing": f"{found[1]}?edit=contact",
        "deliveries": "/deliveries",
        "deliveries, refused (none)": "/deliveries?outcome=refused",
        "delivery": "/deliveries/500",
        "try it": "/try",
        "custom fields": settings,
        "custom field": f"{settings}/{text}",
        "custom field, deleting": f"{settings}/{text}/delete",
        "lead statuses": "/settings/lead-statuses",
        "customer sources": "/settings/customer-sources",
        "users": "/settings/users",
        "API keys": "/settings/api-keys",
        "audit": "/settings/audit",
        "account": "/settings/account",
        "profile": "/profile",
    }


def _status_id(database: ServedDatabase) -> int:
    async def read(store: Store) -> int:
        return (await store.settings(database.account.account_id)).default_status.id

    return on_store(Configuration(database=database.url), read)


def _measured(browser: httpx.Client, engine: str, page: str, path: str, number: int) -> PageRow:
    _loaded(browser, path)
    seconds = []
    for _ in range(_REQUESTS):
        began = time.perf_counter()
        _loaded(browser, path)
        seconds.append(time.perf_counter() - began)
    return PageRow(engine, page, number, statistics.median(seconds), max(seconds))


def _loaded(browser: httpx.Client, path: str) -> str:
    response = browser.get(path)
    if response.status_code != httpx.codes.OK:
        raise Failed(f"{path} was answered with {response.status_code}")
    return response.text
