"""Following every link of the pages leads to no error, no dead end and no other server."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page
from tests.support.web.chromium import Site, Watched

from onelead.domain.account import Role

pytestmark = pytest.mark.slow

#: Addresses that differ in numbers and values only, such as those of all leads, are the same page
#: with other data.
_OF_A_KIND = 2
#: Parameters whose every value is a page of its own.
_TELLING = {"edit", "example", "outcome", "span"}
_PAGES_MAX = 400
_LINKS = "elements => elements.map(element => element.href)"
#: The address of a GET form, with what it would send unchanged.
_FORMS = """
forms => forms.map(form => {
  const query = new URLSearchParams(new FormData(form));
  return form.action.split("?")[0] + "?" + query;
})
"""


class Crawl:
    """Visits everything that can be reached, a few addresses of each kind."""

    def __init__(self, tab: Page, url: str) -> None:
        self._tab = tab
        self._url = url
        self._kinds: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._waiting: list[tuple[str, str]] = []
        #: By address: its status.
        self.statuses: dict[str, int] = {}
        #: What is broken, and where it is linked from.
        self.broken: list[str] = []

    def run(self, start: str) -> None:
        """Visit everything that can be reached from an address."""
        self._add(start, "the start")
        while self._waiting and len(self.statuses) < _PAGES_MAX:
            address, origin = self._waiting.pop(0)
            self._visit(address, origin)

    def _visit(self, address: str, origin: str) -> None:
        response = self._tab.goto(address)
        assert response is not None
        self.statuses[address] = response.status
        if response.status >= 400:
            self.broken.append(f"{response.status} {address}, linked from {origin}")
            return
        if "text/html" not in response.headers.get("content-type", ""):
            return
        self._require_targets(address)
        for target in [
            *self._tab.eval_on_selector_all("a[href]:not([download])", _LINKS),
            *self._tab.eval_on_selector_all(
                "form[method=get]:not([data-download]), form:not([method])", _FORMS
            ),
        ]:
            self._add(urljoin(address, target), address)

    def _require_targets(self, address: str) -> None:
        """Note links to anchors of this page that do not exist."""
        for target in self._tab.eval_on_selector_all("a[href^='#']", _LINKS):
            anchor = urlsplit(target).fragment
            # One with a slash is an address within the pages of the API documentation.
            if anchor and "/" not in anchor and self._tab.locator(f"[id='{anchor}']").count() == 0:
                self.broken.append(f"#{anchor} on {address}")

    def _add(self, target: str, origin: str) -> None:
        address = target.partition("#")[0]
        if not address.startswith(self._url):
            if urlsplit(address).scheme in {"http", "https", "mailto", "tel"}:
                # The sites and addresses of leads: users may go there, the crawl does not.
                return
            self.broken.append(f"{address}, linked from {origin}")
            return
        kinds = _kinds(address)
        is_known = all(self._kinds[kind] >= _OF_A_KIND for kind in kinds)
        if address in self._seen or is_known:
            return
        self._seen.add(address)
        self._kinds.update(kinds)
        self._waiting.append((address, origin))


def _kinds(address: str) -> set[str]:
    """Return what an address shares with those of other data: its path and parameters."""
    parts = urlsplit(address)
    path = re.sub(r"\d+", "N", parts.path)
    return {path} | {
        f"{path} {name} {value if name in _TELLING else ''}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    }


@contextmanager
def _watched_tab(context: BrowserContext, watched: Watched) -> Iterator[Page]:
    with context:
        tab = context.new_page()
        watched.watch(tab)
        yield tab


def _crawl(context: BrowserContext, site: Site, start: str = "/") -> Crawl:
    watched = Watched(site.url)
    with _watched_tab(context, watched) as tab:
        crawl = Crawl(tab, site.url)
        crawl.run(f"{site.url}{start}")
    watched.require_clean()
    assert not crawl.broken, "\n".join(crawl.broken)
    assert len(crawl.statuses) < _PAGES_MAX, "the crawl was cut short"
    return crawl


def test_an_admin_can_follow_every_link(demo: Site) -> None:
    crawl = _crawl(demo.signed_in(Role.ADMIN), demo)
    paths = {urlsplit(address).path for address in crawl.statuses}
    assert {"/", "/leads", "/deliveries", "/try", "/settings/custom-fields"} <= paths


def test_a_member_can_follow_every_link_and_none_leads_to_the_settings(demo: Site) -> None:
    crawl = _crawl(demo.signed_in(Role.MEMBER), demo)
    paths = {urlsplit(address).path for address in crawl.statuses}
    assert {"/", "/leads", "/deliveries", "/try"} <= paths
    assert [path for path in paths if path.startswith("/settings")] == []


def test_a_visitor_can_follow_every_link_and_none_leads_inside(demo: Site) -> None:
    crawl = _crawl(demo.visitor(), demo)
    shown = {re.sub(r"\?.*", "", address.removeprefix(demo.url)) for address in crawl.statuses}
    assert "/leads" not in shown


@pytest.mark.parametrize("path", ["/leads", "/settings/custom-fields", "/deliveries/1", "/profile"])
def test_a_visitor_is_sent_to_the_sign_in_page(demo: Site, path: str) -> None:
    with demo.visitor() as context:
        tab = context.new_page()
        tab.goto(path)
        assert urlsplit(tab.url).path == "/sign-in"


def test_the_watch_sees_what_goes_wrong(demo: Site) -> None:
    watched = Watched(demo.url)
    with _watched_tab(demo.visitor(), watched) as tab:
        tab.goto("/sign-in")
        tab.evaluate("document.body.setAttribute('onclick', 'alert(1)')")
        tab.evaluate("fetch('http://elsewhere.example/').catch(() => 0)")
        tab.wait_for_function("true")
    assert "elsewhere.example" in " ".join([*watched.errors, *watched.elsewhere])
    with pytest.raises(AssertionError):
        watched.require_clean()
