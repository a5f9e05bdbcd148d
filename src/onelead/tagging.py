"""Changing some of a lead's tags, where a write replaces all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onelead.text import fold


def tags_changed(
    tags: Sequence[str], *, added: Iterable[str] = (), removed: Iterable[str] = ()
) -> list[str]:
    """Return the tags with some removed and some added; a tag is the same in any case."""
    gone = {fold(tag) for tag in removed}
    kept = {fold(tag): tag for tag in tags if fold(tag) not in gone}
    for tag in added:
        kept.setdefault(fold(tag), tag)
    return list(kept.values())
