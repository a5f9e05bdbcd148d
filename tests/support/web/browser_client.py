"""A browser without JavaScript for tests: it keeps cookies, follows redirects, fills in forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode, urljoin

import httpx
from bs4 import BeautifulSoup, Tag

WEB_URL = "http://onelead.test"
#: The value of a field; None leaves it out, like an unchecked box.
Values = Mapping[str, str | Sequence[str] | None]


@lru_cache(maxsize=4)
def _elements(text: str) -> BeautifulSoup:
    """Read a page, which tests often ask for again."""
    return BeautifulSoup(text, "html.parser")


class Shown:
    """A page as the server returned it."""

    def __init__(self, browser: Browser, response: httpx.Response) -> None:
        self.browser = browser
        self.response = response

    @cached_property
    def html(self) -> BeautifulSoup:
        """The elements, which are read only when a test looks: that costs more than the request."""
        return _elements(self.response.text)

    @property
    def status(self) -> int:
        """The status of the response."""
        return self.response.status_code

    @property
    def path(self) -> str:
        """The path and query that the browser ended at."""
        return self.response.request.url.raw_path.decode()

    @property
    def text(self) -> str:
        """The text of the main part, with its white space tidied."""
        return tidy(self.html.select_one("main") or self.html)

    def one(self, selector: str) -> Tag:
        """Return the only element that a CSS selector finds."""
        (found,) = self.html.select(selector)
        return found

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all elements that a CSS selector finds."""
        return [tidy(found) for found in self.html.select(selector)]

    def problem_of(self, field: str) -> str:
        """Return the problem text next to a field, by the field's name."""
        described = str(self.one(f'[name="{field}"]').get("aria-describedby") or "")
        texts = [self.html.find(id=part) for part in described.split() if "problem" in part]
        return " ".join(tidy(text) for text in texts if isinstance(text, Tag))

    async def follow(self, selector: str) -> Shown:
        """Click on a link."""
        return await self.browser.get(urljoin(self.path, str(self.one(selector)["href"])))

    async def submit(
        self, form: str, values: Values | None = None, *, button: str | None = None, **more: Any
    ) -> Shown:
        """Fill in a form, found by a CSS selector, and send it with the button that is named.

        Fields that are not named keep what the page has for them; `button` is a selector inside
        the form.
        """
        element = self.one(form)
        fields = fields_of(element)
        for name, value in {**(values or {}), **more}.items():
            fields = [pair for pair in fields if pair[0] != name]
            given = [] if value is None else [value] if isinstance(value, str) else value
            fields += [(name, one) for one in given]
        action = str(element.get("action") or self.path)
        if button is not None:
            (pressed,) = element.select(button)
            if pressed.get("name"):
                fields.append((str(pressed["name"]), str(pressed.get("value", ""))))
            action = str(pressed.get("formaction") or action)
        url = urljoin(self.path, action)
        if str(element.get("method", "get")).lower() == "post":
            return await self.browser.post(url, fields)
        return await self.browser.get(f"{url.partition('?')[0]}?{urlencode(fields)}")


class Browser:
    """One browser with its cookies."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, *, status: int | None = 200) -> Shown:
        """Load a page and follow redirects; `status` None accepts any but a server error."""
        return self._shown(await self.client.get(path, follow_redirects=True), status)

    async def post(
        self, path: str, fields: Sequence[tuple[str, str]], *, status: int | None = None
    ) -> Shown:
        """Send fields as a form does."""
        body = urlencode(fields)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = self.client.post(path, content=body, headers=headers, follow_redirects=True)
        return self._shown(await sent, status)

    async def upload(self, path: str, fields: dict[str, str], name: str, content: bytes) -> Shown:
        """Send a file as a form does, behind other fields."""
        sent: list[tuple[str, Any]] = [(field, (None, value)) for field, value in fields.items()]
        sent.append(("file", (name, content, "application/octet-stream")))
        response = await self.client.post(path, files=sent, follow_redirects=True)
        return self._shown(response, None)

    def _shown(self, response: httpx.Response, status: int | None) -> Shown:
        if status is not None:
            assert response.status_code == status, response.text
        assert response.status_code < 500, response.text
        return Shown(self, response)


def fields_of(form: Tag) -> list[tuple[str, str]]:
    """Return what an untouched form sends."""
    fields: list[tuple[str, str]] = []
    for control in form.select("input[name], select[name], textarea[name]"):
        if control.has_attr("disabled"):
            continue
        name, kind = str(control["name"]), str(control.get("type", "text"))
        if control.name == "select":
            fields += [(name, value) for value in _chosen(control)]
        elif control.name == "textarea":
            fields.append((name, control.get_text().removeprefix("\n")))
        elif kind in ("checkbox", "radio"):
            if control.has_attr("checked"):
                fields.append((name, str(control.get("value", "on"))))
        elif kind not in ("submit", "button", "image", "file"):
            fields.append((name, str(control.get("value", ""))))
    return fields


def _chosen(select: Tag) -> list[str]:
    options = select.select("option")
    chosen = [option for option in options if option.has_attr("selected")]
    if not chosen and not select.has_attr("multiple"):
        chosen = options[:1]
    return [str(option.get("value", option.get_text())) for option in chosen]


def tidy(element: Tag) -> str:
    """Return an element's text with its white space tidied."""
    return " ".join(element.get_text(" ").split())
