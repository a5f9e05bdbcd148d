"""How every command runs: with which configuration and log, and what becomes of a failure."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import structlog

from onelead.configuration import Configuration, load_configuration
from onelead.domain.errors import ConfigurationInvalid, OneleadError
from onelead.logs import configure_logs

EXIT_FAILED = 1
EXIT_MISUSED = 2
EXIT_INTERRUPTED = 130
_NICENESS = 10

log = structlog.get_logger(__name__)


def configuration_from(**flags: str | None) -> Configuration:
    """Read the configuration and set up the log accordingly."""
    configuration = load_configuration(flags)
    configure_logs(configuration.log_format, configuration.log_level, sys.stderr)
    return configuration


def exit_code_of(command: Callable[[], int | None]) -> int:
    """Run a command and return its exit code; a failure prints one line and no traceback."""
    configure_logs(Configuration.log_format, Configuration.log_level, sys.stderr)
    try:
        return command() or 0
    except ConfigurationInvalid as error:
        return failed(
            "\n  ".join(["the configuration is not valid:", *error.problems]), EXIT_MISUSED
        )
    except OneleadError as error:
        return failed(error.message, EXIT_FAILED)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:
        log.debug("command failed", exc_info=True)
        # Its text may be a driver's, with a statement in it.
        return failed(
            f"unexpected {type(error).__name__}; the log at the level debug has more", EXIT_FAILED
        )


def give_way() -> None:
    """Let a server on this machine go first: the command takes only the time that is left."""
    os.nice(_NICENESS)


def failed(message: str, exit_code: int) -> int:
    """Print why a command failed, and return the exit code."""
    sys.stderr.write(f"onelead: {message}\n")
    return exit_code
