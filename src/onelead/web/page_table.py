"""Every page and form of the web application, in the order in which their paths are tried."""

from __future__ import annotations

from onelead.web.batches import pages as batches
from onelead.web.deliveries import decide
from onelead.web.deliveries import pages as deliveries
from onelead.web.frame.pages import Page
from onelead.web.imports import pages as imports
from onelead.web.leads import (
    beside,
    bulk_pages,
    edit,
    history,
    list_file,
    list_page,
    merge_pages,
    page,
    undo,
    waiting,
)
from onelead.web.overview import page as overview
from onelead.web.queue import pages as queue
from onelead.web.settings import (
    account,
    api_keys,
    audit,
    custom_fields,
    erasure,
    export,
    matching,
    pick_lists,
    users,
)
from onelead.web.settings import undo as settings_undo
from onelead.web.sign_in import codes, company, confirming, passkeys, profile, second_step, sign_in
from onelead.web.try_it import page as try_it

PAGES: tuple[Page, ...] = (
    *sign_in.PAGES,
    *company.PAGES,
    *second_step.PAGES,
    *confirming.PAGES,
    *profile.PAGES,
    *passkeys.PAGES,
    *codes.PAGES,
    *users.PAGES,
    *api_keys.PAGES,
    *audit.PAGES,
    *account.PAGES,
    *matching.PAGES,
    *erasure.PAGES,
    *export.PAGES,
    *settings_undo.PAGES,
    *custom_fields.PAGES,
    *pick_lists.PAGES,
    *overview.PAGES,
    *queue.PAGES,
    *deliveries.PAGES,
    *decide.PAGES,
    *batches.PAGES,
    *try_it.PAGES,
    *imports.PAGES,
    *list_file.PAGES,
    *list_page.PAGES,
    *bulk_pages.PAGES,
    *edit.PAGES,
    *undo.PAGES,
    *beside.PAGES,
    *history.PAGES,
    *merge_pages.PAGES,
    *waiting.PAGES,
    *page.PAGES,
)
