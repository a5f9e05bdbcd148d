"""Writes a picture of every page into build/screenshots: light and dark, wide and on a phone.

`make screenshots` runs it on the demo. It is not a test: somebody has to look at the pictures.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import BrowserContext
from tests.support.web.chromium import PHONE, WIDE, Site, Theme, a_demo, chromium
from tests.support.web.shown_pages import INSIDE, OUTSIDE, SETTINGS, ShownPage

FOLDER = Path(__file__).parents[2] / "build" / "screenshots"
_SIZES = {"wide": WIDE, "phone": PHONE}
_THEMES: tuple[Theme, ...] = ("light", "dark")


def main(wanted: list[str]) -> None:
    """Take pictures of the named pages, or of all.

    Each is taken in full, and, in the folder "screens", as much as fits on a screen.
    """
    (FOLDER / "screens").mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix="onelead-gallery-") as folder,
        chromium() as browser,
        a_demo(Path(folder)) as server,
    ):
        site = Site(server.url, server.database, browser)
        admin = _sign_in(site, server.sign_in_link)
        for size, pixels in _SIZES.items():
            for theme in _THEMES:
                ending = f"{theme}-{size}.png"
                with site.visitor(size=pixels, theme=theme) as context:
                    _take(context, _chosen(OUTSIDE, wanted), ending)
                with site.visitor(size=pixels, theme=theme) as context:
                    context.add_cookies(admin)
                    _take(context, _chosen((*INSIDE, *SETTINGS), wanted), ending)


def _sign_in(site: Site, link: str) -> Any:
    """Set the admin's password, as visitors of the demo do, and return the cookies."""
    with site.visitor() as context:
        tab = context.new_page()
        tab.goto(link)
        tab.screenshot(path=FOLDER / "welcome-light-wide.png")
        password = secrets.token_urlsafe()
        for box in tab.locator("[type=password]").all():
            box.fill(password)
        tab.get_by_role("button").first.click()
        tab.get_by_role("heading", name="Overview").wait_for()
        return context.cookies()


def _chosen(pages: tuple[ShownPage, ...], wanted: list[str]) -> list[ShownPage]:
    return [page for page in pages if not wanted or page.name in wanted]


def _take(context: BrowserContext, pages: list[ShownPage], ending: str) -> None:
    tab = context.new_page()
    for page in pages:
        page.open(tab)
        # The focus can have scrolled sticky elements out of place.
        tab.evaluate("() => window.scrollTo(0, 0)")
        tab.screenshot(path=FOLDER / "screens" / f"{page.name}-{ending}")
        tab.screenshot(path=FOLDER / f"{page.name}-{ending}", full_page=True)


if __name__ == "__main__":
    main(sys.argv[1:])
