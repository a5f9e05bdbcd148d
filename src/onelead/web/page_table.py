"""Every page and form of the web application, in the order in which paths are tried."""

from __future__ import annotations

from onelead.web import (
    account,
    api_keys,
    bulk_pages,
    custom_fields,
    deliveries,
    lead_edit,
    lead_list,
    lead_page,
    overview,
    pick_lists,
    profile,
    sign_in,
    try_it,
    users,
)
from onelead.web.pages import Page

PAGES: tuple[Page, ...] = (
    *sign_in.PAGES,
    *profile.PAGES,
    *users.PAGES,
    *api_keys.PAGES,
    *account.PAGES,
    *custom_fields.PAGES,
    *pick_lists.PAGES,
    *overview.PAGES,
    *deliveries.PAGES,
    *try_it.PAGES,
    *lead_list.PAGES,
    *bulk_pages.PAGES,
    *lead_edit.PAGES,
    *lead_page.PAGES,
)
