"""Every page and form of the web application, in the order in which their paths are tried."""

from __future__ import annotations

from onelead.web.deliveries import pages as deliveries
from onelead.web.frame.pages import Page
from onelead.web.leads import bulk_pages, edit, list_page, page
from onelead.web.overview import page as overview
from onelead.web.settings import account, api_keys, custom_fields, matching, pick_lists, users
from onelead.web.sign_in import profile, sign_in
from onelead.web.try_it import page as try_it

PAGES: tuple[Page, ...] = (
    *sign_in.PAGES,
    *profile.PAGES,
    *users.PAGES,
    *api_keys.PAGES,
    *account.PAGES,
    *matching.PAGES,
    *custom_fields.PAGES,
    *pick_lists.PAGES,
    *overview.PAGES,
    *deliveries.PAGES,
    *try_it.PAGES,
    *list_page.PAGES,
    *bulk_pages.PAGES,
    *edit.PAGES,
    *page.PAGES,
)
