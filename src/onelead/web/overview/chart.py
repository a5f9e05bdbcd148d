"""The chart of deliveries as an SVG picture, in a light and a dark theme.

The picture has no script, loads nothing, and shows nothing that is not in the table below it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pygal
from pygal.style import Style

from onelead.web.overview.arrivals import Bucket
from onelead.web.overview.stack import Layer

THEMES = ("light", "dark")
#: By the colour names of the layers; the stylesheet has the same for the legend.
COLOURS = {
    "light": {
        "emerald": "#059669",
        "sky": "#0284c7",
        "grey": "#a1a1aa",
        "amber": "#f59e0b",
        "rose": "#e11d48",
        "indigo": "#4f46e5",
        "teal": "#0d9488",
        "orange": "#ea580c",
        "pink": "#db2777",
        "lime": "#65a30d",
        "cyan": "#0891b2",
    },
    "dark": {
        "emerald": "#34d399",
        "sky": "#38bdf8",
        "grey": "#71717a",
        "amber": "#fbbf24",
        "rose": "#fb7185",
        "indigo": "#818cf8",
        "teal": "#2dd4bf",
        "orange": "#fb923c",
        "pink": "#f472b6",
        "lime": "#a3e635",
        "cyan": "#22d3ee",
    },
}
_TEXT = {"light": "#52525b", "dark": "#a1a1aa"}
_LINES = {"light": "#e4e4e7", "dark": "#3f3f46"}
#: At most this many guide lines above zero.
_GUIDES_MAX = 5
#: Scripts, and bars without height.
_USELESS = (
    re.compile(r"<script.*?</script>|<!--.*?-->", re.DOTALL),
    re.compile(r'<g class="bar"><rect [^>]*height="0\.0"[^>]*/></g>'),
)


class _Bars(pygal.StackedBar):  # type: ignore[misc]  # pygal has no types
    """Stacked bars without the elements that pygal adds to each bar for its scripts."""

    def _tooltip_and_print_values(self, *_bar: object) -> None:
        """Draw nothing: this would take half of the time, and the table has the numbers."""


def arrivals_svg(
    shown: Sequence[Bucket], layers: Sequence[Layer], theme: str, *, is_narrow: bool
) -> str:
    """Draw the buckets from left to right, each a stack of the layers."""
    # Empty bars take as long to draw as others. One layer stays, for the guide lines.
    layers = [one for one in layers if any(bucket.counts.get(one.value) for bucket in shown)] or [
        layers[0]
    ]
    chart = _Bars(
        style=_style(layers, theme, is_narrow=is_narrow),
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
    for layer in layers:
        chart.add(layer.value, [bucket.counts.get(layer.value, 0) for bucket in shown])
    drawn = str(chart.render(is_unicode=True))
    for useless in _USELESS:
        drawn = useless.sub("", drawn)
    return drawn


def _heights(most: int) -> list[int]:
    """Return the whole numbers at the guide lines, up to the first that no bar exceeds."""
    step = 1
    while step * _GUIDES_MAX < most:
        # 1, 2, 5, 10, 20, 50 ...
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return [step * line for line in range(max(-(-most // step), 1) + 1)]


def _ticks(shown: Sequence[Bucket], *, every: int) -> list[str]:
    return [bucket.tick for bucket in shown if bucket.is_major][::every]


def _style(layers: Sequence[Layer], theme: str, *, is_narrow: bool) -> Style:
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
        colors=tuple(COLOURS[theme][layer.colour] for layer in layers),
        font_family="ui-sans-serif, system-ui, sans-serif",
        label_font_size=14 if is_narrow else 13,
        major_label_font_size=14 if is_narrow else 13,
    )
