"""The names of sources of imports."""

from __future__ import annotations

import pytest

from onelead.domain.api_keys.sources import require_source_name
from onelead.domain.errors import InputInvalid
from onelead.domain.limits import LINE_CHARS_MAX


def test_a_name_is_kept_without_space_around_it() -> None:
    assert require_source_name(" Fair 2026 ") == "Fair 2026"


@pytest.mark.parametrize("name", ["", " ", "x" * (LINE_CHARS_MAX + 1)])
def test_a_name_is_there_and_not_too_long(name: str) -> None:
    with pytest.raises(InputInvalid):
        require_source_name(name)
