"""The command line: each command reads its options and calls one function."""

from __future__ import annotations

import sys


def _import_structlog_alone() -> None:
    """Import structlog without `rich`, for whose tracebacks it looks and which our log has not.

    That saves every process 5 MiB. It has to be the first import of structlog.
    """
    if not {"rich", "structlog"} & sys.modules.keys():
        # Makes `import rich` fail.
        sys.modules["rich"] = None  # type: ignore[assignment]
        try:
            import structlog  # noqa: F401, PLC0415
        finally:
            del sys.modules["rich"]


_import_structlog_alone()
