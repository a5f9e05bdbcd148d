"""Which calls of `serve` start without the command line, which says the same about the others."""

from __future__ import annotations

import json
import sys

import pytest

from onelead.commands.cli import main
from onelead.commands.options import CONFIGURATION_OPTIONS
from onelead.commands.start import plain_serve
from onelead.configuration import load_configuration

EVERY_OPTION = (
    *("--host", "::1", "--port", "0", "--database", "sqlite:///a b.db", "--log-format", "json"),
    *("--log-level", "debug", "--workers", "1", "--trusted-proxies", "10.0.0.0/8"),
    *("--company-issuer", "https://login.example", "--company-client-id", "x"),
    *("--url", "https://leads.shop.example"),
)


@pytest.mark.parametrize("options", [(), ("--port", "8001"), EVERY_OPTION])
@pytest.mark.usefixtures("restored_logging")
def test_a_plain_call_has_the_configuration_that_the_command_line_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    flags = plain_serve(["serve", *options])
    assert flags is not None
    assert set(flags) <= set(CONFIGURATION_OPTIONS)
    assert len(EVERY_OPTION) == 2 * len(CONFIGURATION_OPTIONS)
    monkeypatch.setattr(sys, "argv", ["onelead", "config", *options, "--json"])
    with pytest.raises(SystemExit):
        main()
    assert load_configuration(flags).shown() == json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("migrate",),
        ("--version",),
        ("serve", "--help"),
        ("serve", "--port"),
        ("serve", "--port=8001"),
        ("serve", "--port", "-1"),
        ("serve", "--port", "--help"),
        ("serve", "--prot", "8001"),
        ("serve", "8001", "--port"),
        ("serve", "--port", "1", "--port", "2"),
    ],
)
def test_every_other_call_is_left_to_the_command_line(arguments: tuple[str, ...]) -> None:
    assert plain_serve(arguments) is None
