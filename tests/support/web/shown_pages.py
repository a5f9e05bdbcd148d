"""Every page of the web application, and how to get there: for axe and for the screenshots."""

from __future__ import annotations

from typing import NamedTuple

from playwright.sync_api import Page


class ShownPage(NamedTuple):
    """A page by its name: an address, and the link to follow from there when it depends on ids."""

    name: str
    path: str
    link: str = ""
    #: Added to the address that the link leads to.
    more: str = ""
    #: A button to press there, and what appears then.
    press: str = ""
    appears: str = ""

    def open(self, page: Page) -> None:
        """Load the page, and wait until it is complete."""
        page.goto(self.path)
        if self.link:
            href = page.locator(self.link).first.get_attribute("href")
            assert href is not None
            page.goto(href + self.more)
        if self.press:
            page.locator(self.press).last.click()
            page.locator(self.appears).wait_for()
        page.wait_for_load_state("load")


_LEAD = "main a[href^='/leads/1']"
_DELIVERY = "main a[href^='/deliveries/']"
_IMPORT = "main a[href^='/imports/']"
_FIELD = "main a[href^='/settings/custom-fields/1']"

#: What everybody may see.
OUTSIDE = (ShownPage("sign-in", "/sign-in"),)
#: What every user may see.
INSIDE = (
    ShownPage("overview", "/"),
    ShownPage("leads", "/leads"),
    ShownPage("leads-found", "/leads?q=garcia"),
    ShownPage("leads-none", "/leads?name=Nobody+At+All"),
    ShownPage("lead", "/deliveries?outcome=updated", _LEAD),
    ShownPage("lead-edit", "/leads", _LEAD, "?edit=contact"),
    ShownPage("lead-delete", "/leads", _LEAD, "/delete"),
    ShownPage("lead-merge-with", "/leads", _LEAD, "/merge-with?q=a"),
    ShownPage("lead-new", "/leads/new"),
    ShownPage("queue", "/queue"),
    ShownPage("queue-reason", "/queue", "nav a:has-text('Unrecognized attributes')"),
    ShownPage("deliveries", "/deliveries"),
    ShownPage("deliveries-dismissed", "/deliveries?state=dismissed"),
    ShownPage("deliveries-refused", "/deliveries?outcome=refused"),
    ShownPage("delivery", "/deliveries?outcome=updated", _DELIVERY),
    ShownPage("delivery-refused", "/deliveries?outcome=refused&match=email", _DELIVERY),
    ShownPage(
        *("delivery-correct", "/deliveries?outcome=refused&match=email", _DELIVERY, "/correct")
    ),
    ShownPage("try", "/try"),
    ShownPage("try-example", "/try?example=new"),
    ShownPage(
        *("try-refused", "/try?example=refused"), press="[name=do][value=check]", appears="#result"
    ),
    ShownPage("profile", "/profile"),
    ShownPage("passkey-new", "/profile/passkeys/new"),
    ShownPage("confirm", "/confirm?next=/profile"),
    ShownPage("not-found", "/nothing/here"),
)
#: What admins may see.
SETTINGS = (
    ShownPage("custom-fields", "/settings/custom-fields"),
    ShownPage("custom-field", "/settings/custom-fields", _FIELD),
    ShownPage("custom-field-delete", "/settings/custom-fields", _FIELD, "/delete"),
    ShownPage("custom-field-new", "/settings/custom-fields/new"),
    ShownPage("custom-field-options", "/settings/custom-fields?q=roof+type", _FIELD),
    ShownPage("lead-statuses", "/settings/lead-statuses"),
    ShownPage("customer-sources", "/settings/customer-sources"),
    ShownPage("lead-status-delete", "/settings/lead-statuses", "main a[href$='/delete']"),
    ShownPage("imports", "/imports"),
    ShownPage("import", "/imports", _IMPORT),
    ShownPage("import-choices", "/imports", "main tr:nth-child(2) a"),
    ShownPage("import-refused", "/imports", _IMPORT, "?outcome=refused"),
    ShownPage("users", "/settings/users"),
    ShownPage("user", "/settings/users", "main tr:nth-child(2) a"),
    ShownPage("user-new", "/settings/users/new"),
    ShownPage("api-keys", "/settings/api-keys"),
    ShownPage("api-key-new", "/settings/api-keys/new"),
    ShownPage("api-key-revoke", "/settings/api-keys", "main a[href$='/revoke']"),
    ShownPage("audit", "/settings/audit"),
    ShownPage("account", "/settings/account"),
)
