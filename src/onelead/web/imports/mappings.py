"""Saved mappings: offered by the headers of a file, saved under a name."""

from __future__ import annotations

import hashlib

import msgspec

from onelead.contract.imports import SavedMapping
from onelead.domain.errors import InputInvalid, Problem, ResourceNotFound
from onelead.domain.importing.headers import header_key_set, mapping_for
from onelead.domain.importing.mapping import Mapping, require_usable
from onelead.domain.limits import LINE_CHARS_MAX
from onelead.domain.text import as_one_line, is_blank, tidy, too_long
from onelead.files.imports.choices import Findings, text_of
from onelead.web.frame.visit import Visit

_mapping = msgspec.json.Decoder(Mapping).decode


def _headers_hash(findings: Findings) -> str:
    return hashlib.sha256(msgspec.json.encode(header_key_set(findings.header))).hexdigest()


async def offered(visit: Visit, findings: Findings) -> list[str]:
    """Return the names of the mappings that were saved for these headers."""
    found = await visit.store.import_mappings(visit.account_id, _headers_hash(findings))
    return [one.name for one in found]


async def saved(visit: Visit, name: str, findings: Findings, mapping: Mapping) -> str:
    """Save a mapping under a name, in the place of one with the same name. Raises InputInvalid."""
    name = tidy(as_one_line(name))
    if is_blank(name) or len(name) > LINE_CHARS_MAX:
        text = "can't be blank" if is_blank(name) else too_long(LINE_CHARS_MAX)
        raise InputInvalid(Problem("save_as", text))
    new = SavedMapping(
        name=name,
        headers_hash=_headers_hash(findings),
        mapping=text_of(mapping),
        user_id=visit.signed_in.user.id,
    )
    await visit.store.save_import_mapping(visit.account_id, new)
    return name


async def used(visit: Visit, name: str, findings: Findings) -> Mapping:
    """Return a saved mapping for the columns of a file. Raises ResourceNotFound, InputInvalid."""
    for one in await visit.store.import_mappings(visit.account_id, _headers_hash(findings)):
        if one.name == name:
            mapping = mapping_for(_mapping(one.mapping), findings.header)
            require_usable(mapping, visit.settings)
            return mapping
    raise ResourceNotFound
