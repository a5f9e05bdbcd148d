"""A call of every method of the store about imports and exports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from onelead.contract.imports import (
    ImportChange,
    ImportState,
    NewImport,
    SavedMapping,
    Sought,
)
from onelead.contract.store import Store
from onelead.domain.audit import COMMAND_LINE
from onelead.domain.search import LeadSearch

NEW_IMPORT = NewImport(batch_id="b", name="leads.csv", choices="{}")
STARTED = ImportChange(state=ImportState.RUNNING)
SAVED_MAPPING = SavedMapping(name="Fair", headers_hash="h", mapping="{}")


def import_calls(store: Store, account_id: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return the calls by the names of the methods."""
    return {
        "import_source": lambda: store.import_source(account_id, "Fair", by=COMMAND_LINE),
        "begin_import": lambda: store.begin_import(account_id, NEW_IMPORT),
        "add_import_part": lambda: store.add_import_part(account_id, 1, 0, b"Name"),
        "import_part": lambda: store.import_part(account_id, 1, 0),
        "file_imports": lambda: store.file_imports(account_id, limit=1),
        "file_import": lambda: store.file_import(account_id, 1),
        "import_of_batch": lambda: store.import_of_batch(account_id, "b"),
        "change_import": lambda: store.change_import(account_id, 1, STARTED, only_in=[]),
        "forget_import": lambda: store.forget_import(account_id, 1),
        "clean_imports": store.clean_imports,
        "accounts_importing": store.accounts_importing,
        "take_import": lambda: store.take_import(account_id, "a"),
        "hold_import": lambda: store.hold_import(account_id, 1, "a"),
        "note_import": lambda: store.note_import(account_id, 1, "a", STARTED, leave=True),
        "keep_import_rows": lambda: store.keep_import_rows(account_id, 1, "a", [], first=True),
        "import_rows": lambda: store.import_rows(account_id, 1, after=0, limit=1),
        "batch_rows": lambda: store.batch_rows(account_id, "b", after=0, limit=1),
        "written_rows": lambda: store.written_rows(account_id, "b"),
        "save_import_mapping": lambda: store.save_import_mapping(account_id, SAVED_MAPPING),
        "import_mappings": lambda: store.import_mappings(account_id),
        "forget_import_mapping": lambda: store.forget_import_mapping(account_id, "Fair"),
        "rehearsal_start": lambda: store.rehearsal_start(account_id),
        "known_of": lambda: store.known_of(account_id, Sought([("name", "nora")], [], 1, 1)),
        "leads_in_order": lambda: store.leads_in_order(
            account_id, LeadSearch(), after=0, limit=1, now=1
        ),
    }
