"""What axe finds wrong with a page, by the rules of WCAG 2.2 AA and its own best practices."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

_OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


def violations(tab: Page) -> list[str]:
    """Return each violation with the element at fault."""
    # A page that was just opened by a click may still be loading.
    tab.wait_for_load_state("load")
    # Whatever a sticky head covers counts as hidden, so scroll to the top.
    tab.evaluate("() => window.scrollTo(0, 0)")
    tab.evaluate(AXE_SCRIPT)
    results: dict[str, Any] = tab.evaluate("options => axe.run(options)", _OPTIONS)
    return [
        f"{violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]
