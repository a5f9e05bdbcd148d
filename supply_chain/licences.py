"""Says under which licence an installed package is, as SPDX writes it, and which are welcome.

Most packages name their licence in that form; for the others there is a table here, so that a new
spelling is looked at by a person.
"""

from __future__ import annotations

from functools import cache
from importlib import metadata

from license_expression import Licensing, get_spdx_licensing

#: What onelead may depend on. It ships none of these packages and changes none, so the LGPL and the
#: MPL, which ask for the changes to their own files, ask nothing of onelead or of those who run it.
WELCOME = frozenset(
    {
        *("MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "PSF-2.0"),
        *("MPL-2.0", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later"),
    }
)

#: Texts of the old metadata field, and of classifiers that say enough.
_SPDX = {
    "Apache 2.0": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "GNU LGPL v3+": "LGPL-3.0-or-later",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "PSFL": "PSF-2.0",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
#: Packages whose metadata leaves it open; read in their licence files.
_READ = {
    "axe-playwright-python": "MIT",
    "jinja2": "BSD-3-Clause",
    "pyasn1-modules": "BSD-2-Clause",
    "segno": "BSD-3-Clause",
}


def licence_of(name: str) -> str | None:
    """Return the SPDX expression of an installed package's licence, or None where it says none."""
    found = _stated(metadata.metadata(name)) or _READ.get(name.lower())
    return found and str(_spdx().parse(found, validate=True))


def is_welcome(expression: str) -> bool:
    """Tell whether every licence that an expression names is welcome."""
    return WELCOME.issuperset(_spdx().license_keys(expression))


@cache
def _spdx() -> Licensing:
    return get_spdx_licensing()


def _stated(about: metadata.PackageMetadata) -> str | None:
    if expressions := about.get_all("License-Expression"):
        return str(expressions[0])
    texts = [*(about.get_all("License") or []), *(about.get_all("Classifier") or [])]
    known = [_SPDX.get(text, text if text in WELCOME else None) for text in texts]
    return next(filter(None, known), None)
