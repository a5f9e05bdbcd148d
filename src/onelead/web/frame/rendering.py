"""Rendering templates: the environment, and how dates, numbers and icons are written.

Everything inserted into a page is escaped, unless a template marks it as HTML.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_decimal
from heroicons.jinja import heroicon_mini, heroicon_outline
from markupsafe import Markup

from onelead.domain.text import isolated
from onelead.web.frame.assets import asset_url

_LOCALE = "en_US"
_EXACT = "d MMM y, HH:mm:ss zzz"
_MINUTE = "d MMM y, HH:mm"
_SOON_S = 10


@cache
def environment() -> jinja2.Environment:
    """Return the template environment; a template is compiled when it is first used."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("onelead.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.globals.update(asset=asset_url, icon=icon, small_icon=small_icon, duration=duration)
    env.filters.update(number=number, isolated=isolated)
    return env


async def prepare() -> None:
    """Compile every template in a thread."""
    env = environment()
    for name in env.list_templates():
        await asyncio.to_thread(env.get_template, name)


def render(template: str, context: dict[str, Any]) -> str:
    """Render a template."""
    return environment().get_template(template).render(context)


def icon(name: str, classes: str = "size-5") -> Markup:
    """Return an outline icon, hidden from screen readers."""
    return _svg(heroicon_outline, name, classes)


def small_icon(name: str, classes: str = "size-4") -> Markup:
    """Return a small filled icon for text and buttons, hidden from screen readers."""
    return _svg(heroicon_mini, name, classes)


# A list has the same few icons hundreds of times.
@lru_cache(maxsize=1_000)
def _svg(draw: Callable[..., str], name: str, classes: str) -> Markup:
    # The library has escaped the attributes.
    return Markup(draw(name, **{"class": classes, "aria_hidden": "true"}))  # noqa: S704


def number(value: float) -> str:
    """Write a number with its thousands grouped."""
    return str(format_decimal(value, locale=_LOCALE))


def exact(unix_seconds: int, zone: ZoneInfo) -> str:
    """Write a moment in a time zone, to the second."""
    return _in_zone(unix_seconds, zone, _EXACT)


def minute(unix_seconds: int, zone: ZoneInfo) -> str:
    """Write a moment in a time zone, to the minute and without the zone."""
    return _in_zone(unix_seconds, zone, _MINUTE)


def _in_zone(unix_seconds: int, zone: ZoneInfo, pattern: str) -> str:
    at = datetime.fromtimestamp(unix_seconds, UTC)
    return str(format_datetime(at, pattern, tzinfo=zone, locale=_LOCALE))


def relative(unix_seconds: int, now: int) -> str:
    """Write how long ago a moment was, or how far ahead it is."""
    if abs(now - unix_seconds) < _SOON_S:
        return "just now"
    delta = timedelta(seconds=unix_seconds - now)
    return str(format_timedelta(delta, add_direction=True, locale=_LOCALE))


def duration(seconds: int) -> str:
    """Write how long something takes, roughly."""
    return str(format_timedelta(timedelta(seconds=seconds), locale=_LOCALE))


def moment_writer(zone: ZoneInfo, now: int) -> Callable[[int], Markup]:
    """Return a function that writes a moment for a page: relative, with the exact one on hover."""

    def when(unix_seconds: int) -> Markup:
        machine = datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            machine, exact(unix_seconds, zone), relative(unix_seconds, now)
        )

    return when
