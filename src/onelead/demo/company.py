"""The demo account: a company that sells solar roofs, with its users, API keys and settings."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from onelead.contract.access import NewAccount
from onelead.contract.store import Store
from onelead.domain.access import UserChange
from onelead.domain.account import Role
from onelead.domain.errors import NotPossible
from onelead.domain.settings.change import Resource, SettingsWrite
from onelead.domain.writes import Action, Delivery

NAME = "Brightside Solar"
ADMIN = ("Dana Whitfield", "dana@brightside.example")
MEMBERS = (
    ("Marco Ruiz", "marco@brightside.example"),
    ("Priya Nair", "priya@brightside.example"),
    ("Tom Becker", "tom@brightside.example"),
)
#: Has left the company; some leads are still assigned to her.
FORMER_MEMBER = ("Lena Vogt", "lena@brightside.example")

FORM = "Website form"
ADS = "Ad platform"
SCANNER = "Event scanner"
ENRICHMENT = "Enrichment"
IMPORT = "CSV import"
CALLS = "Call tracking"
SENDERS = (FORM, ADS, SCANNER, ENRICHMENT, IMPORT, CALLS)

ROOFS = ("Flat", "Pitched, tiles", "Pitched, shingles", "Metal", "Ground mount")
PRODUCTS = ("Solar roof", "Battery", "Heat pump", "EV charger", "Monitoring")

CLICK_ID = "Ad click ID"
CUSTOMER_NUMBER = "Customer number"
BADGE = "Badge number"
ROOF = "Roof type"
INTERESTS = "Interested in"
BILL = "Energy bill per year"
AREA = "Roof area (m²)"
START = "Preferred start date"
CALL_CONSENT = "Call consent"
OWN_USE = "Self-consumption"
LANDING_PAGE = "Landing page"
SURVEY = "Survey notes"

_ON_LEADS = {"available_on": ["lead"]}
_FILTERABLE = {**_ON_LEADS, "is_filterable": True}
#: All ten types. The badge number was forgotten: it is not included in filters.
_FIELDS: tuple[dict[str, Any], ...] = (
    {"name": CLICK_ID, "data_type": "String", **_FILTERABLE},
    {"name": CUSTOMER_NUMBER, "data_type": "String", "canonical_name": "customer_number"}
    | {"available_on": ["lead", "person", "company"], "is_filterable": True},
    {"name": BADGE, "data_type": "String", **_ON_LEADS},
    {"name": ROOF, "data_type": "Dropdown", **_FILTERABLE}
    | {"options": [{"name": name} for name in ROOFS]},
    {"name": INTERESTS, "data_type": "MultiSelect", **_FILTERABLE}
    | {"options": [{"name": name} for name in PRODUCTS]},
    {"name": BILL, "data_type": "Currency", "currency": "USD", **_FILTERABLE},
    {"name": AREA, "data_type": "Float", **_ON_LEADS},
    {"name": START, "data_type": "Date", **_FILTERABLE},
    {"name": CALL_CONSENT, "data_type": "Checkbox", **_FILTERABLE},
    {"name": OWN_USE, "data_type": "Percentage", **_ON_LEADS},
    {"name": LANDING_PAGE, "data_type": "URL", **_ON_LEADS},
    {"name": SURVEY, "data_type": "Text", **_ON_LEADS},
)
#: Between the first and the last status of a new account.
_STATUSES = ({"name": "Survey planned", "order": 3}, {"name": "Offer sent", "order": 4})
_SOURCES = ("Website", "Event", "Recommendation")


class Sender(Struct, frozen=True):
    """A source of deliveries: its API key and the user it belongs to."""

    label: str
    email: str
    user_id: int
    api_key_id: int
    secret: str


class Company(Struct, frozen=True):
    """The account, with the ids that the deliveries need."""

    account_id: int
    #: By e-mail.
    user_ids: dict[str, int]
    #: By label.
    senders: dict[str, Sender]
    #: Ids of custom field definitions, lead statuses and customer sources, by name.
    fields: dict[str, int]
    statuses: dict[str, int]
    sources: dict[str, int]


async def set_up(store: Store) -> Company:
    """Create the account in an empty database, with everything its leads need."""
    account = await store.create_account(NAME, ADMIN[1])
    admin = UserChange(name=ADMIN[0])
    await store.change_user(account.account_id, account.user_id, admin)
    for name, email in (*MEMBERS, FORMER_MEMBER):
        await store.create_user(account.account_id, email, name, Role.MEMBER)
    senders = {label: await _sender(store, account, label) for label in SENDERS}
    for resource, bodies in (
        (Resource.CUSTOM_FIELD_DEFINITION, _FIELDS),
        (Resource.LEAD_STATUS, _STATUSES),
        (Resource.CUSTOMER_SOURCE, [{"name": name} for name in _SOURCES]),
    ):
        for body in bodies:
            await _create(store, account, resource, body)
    while await store.build_index(account.account_id):
        pass
    settings = await store.settings(account.account_id)
    return Company(
        settings.account_id,
        {user.email: user.id for user in settings.users},
        senders,
        {field.name: field.id for field in settings.fields},
        {status.name: status.id for status in settings.statuses},
        {source.name: source.id for source in settings.sources},
    )


async def _sender(store: Store, account: NewAccount, label: str) -> Sender:
    key, secret = await store.create_api_key(account.account_id, account.email, label)
    return Sender(label, account.email, account.user_id, key.id, secret)


async def _create(
    store: Store, account: NewAccount, resource: Resource, body: dict[str, Any]
) -> None:
    payload = msgspec.json.encode(body).decode()
    delivery = Delivery(f"demo-{body['name']}", account.user_id, None, payload)
    write = SettingsWrite(resource, Action.CREATE, delivery, body=body)
    result = await store.change_settings(account.account_id, write)
    if result.refusal is not None:
        raise NotPossible(f"the demo cannot create {body['name']}: {result.refusal.message}")
