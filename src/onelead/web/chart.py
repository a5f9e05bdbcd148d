"""The chart of arrivals as an SVG picture, in a light and a dark look.

The picture has no script, loads nothing, and says nothing that the table beside it does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pygal
from pygal.style import Style

from onelead.web.arrivals import OUTCOMES, Bucket

THEMES = ("light", "dark")
#: Of the outcomes in the order of the stack; the badges of the pages have the same hues.
_COLOURS = {
    "light": ("#059669", "#0284c7", "#a1a1aa", "#f59e0b", "#e11d48"),
    "dark": ("#34d399", "#38bdf8", "#71717a", "#fbbf24", "#fb7185"),
}
_TEXT = {"light": "#52525b", "dark": "#a1a1aa"}
_LINES = {"light": "#e4e4e7", "dark": "#3f3f46"}
#: So many lines above the ground.
_GUIDES_MAX = 5
#: Scripts, what they would show as tooltips, and bars of nothing.
_USELESS = (
    re.compile(r"<script.*?</script>|<!--.*?-->|<desc.*?</desc>", re.DOTALL),
    re.compile(r'<g class="bar"><rect [^>]*height="0\.0"[^>]*/></g>'),
)


def arrivals_svg(shown: Sequence[Bucket], theme: str, *, is_narrow: bool) -> str:
    """Draw the buckets from left to right, each a stack of its outcomes."""
    chart = pygal.StackedBar(
        style=_style(theme, is_narrow=is_narrow),
        js=(),
        no_prefix=True,
        disable_xml_declaration=True,
        width=520 if is_narrow else 1100,
        height=300,
        margin=6,
        spacing=8,
        show_legend=False,
        print_values=False,
        show_minor_x_labels=False,
        x_labels=[bucket.tick for bucket in shown],
        x_labels_major=_ticks(shown, every=2 if is_narrow else 1),
        truncate_label=-1,
        y_labels=_heights(max((bucket.total for bucket in shown), default=0)),
        formatter=lambda value: f"{value:,.0f}",
        value_formatter=lambda value: f"{value:,.0f}",
        no_data_text="",
    )
    for outcome in OUTCOMES:
        chart.add(outcome.value, [bucket.counts.get(outcome, 0) for bucket in shown])
    drawn = str(chart.render(is_unicode=True))
    for useless in _USELESS:
        drawn = useless.sub("", drawn)
    return drawn


def _heights(most: int) -> list[int]:
    """Return the whole numbers at the lines of the chart, up to the first that nothing exceeds."""
    step = 1
    while step * _GUIDES_MAX < most:
        # 1, 2, 5, 10, 20, 50 ...
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return [step * line for line in range(max(-(-most // step), 1) + 1)]


def _ticks(shown: Sequence[Bucket], *, every: int) -> list[str]:
    return [bucket.tick for bucket in shown if bucket.is_major][::every]


def _style(theme: str, *, is_narrow: bool) -> Style:
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground=_TEXT[theme],
        foreground_strong=_TEXT[theme],
        foreground_subtle=_LINES[theme],
        guide_stroke_color=_LINES[theme],
        major_guide_stroke_color=_LINES[theme],
        guide_stroke_dasharray="none",
        major_guide_stroke_dasharray="none",
        opacity="1",
        opacity_hover="1",
        colors=_COLOURS[theme],
        font_family="ui-sans-serif, system-ui, sans-serif",
        label_font_size=14 if is_narrow else 13,
        major_label_font_size=14 if is_narrow else 13,
    )
