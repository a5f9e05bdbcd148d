"""The upload of a file to import: kept part by part as it arrives, never whole in memory."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from onelead.contract.imports import FileImport
from onelead.domain.errors import BodyTooLarge, InputInvalid, OneleadError, Problem
from onelead.domain.importing.limits import IMPORT_FILE_BYTES_MAX, IMPORT_PART_BYTES_MAX
from onelead.files.imports.choices import ImportChoices
from onelead.files.imports.steps import end_upload, new_import
from onelead.web.frame.visit import Visit

#: What a form adds to its file.
_FORM_BYTES_MAX = 65_536
_MIB = 1_048_576


async def received(visit: Visit) -> FileImport:
    """Keep the file that a form sends. Raises InputInvalid without one, and what uploads raise."""
    upload = visit.upload
    if not upload.file_name:
        raise InputInvalid(Problem("file", "can't be blank: choose a file", "blank"))
    _refuse_too_large(visit)
    choices = ImportChoices(source=(await visit.form()).get("source"))
    user_id = visit.signed_in.user.id
    one = await new_import(
        *(visit.store, visit.account_id, upload.file_name, choices), user_id=user_id
    )
    digest, part = hashlib.sha256(), 0
    try:
        async for content in upload.parts(IMPORT_PART_BYTES_MAX):
            await visit.store.add_import_part(visit.account_id, one.number, part, content)
            digest.update(content)
            part += 1
        if not part:
            raise InputInvalid(Problem("file", "is empty", "blank"))
    except OneleadError:
        # What was received is of no use.
        with suppress(OneleadError):
            await visit.store.forget_import(visit.account_id, one.number)
        raise
    return await end_upload(visit.store, visit.account_id, one.number, digest.hexdigest())


def _refuse_too_large(visit: Visit) -> None:
    """Refuse a file that is too large before it arrives. Raises BodyTooLarge."""
    length = visit.request.headers.get("content-length", "0")
    is_number = length.isascii() and length.isdecimal()
    if is_number and int(length[:20]) > IMPORT_FILE_BYTES_MAX + _FORM_BYTES_MAX:
        raise BodyTooLarge(f"The file is larger than {IMPORT_FILE_BYTES_MAX // _MIB} MiB")
