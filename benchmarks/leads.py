"""A database full of believable leads, written through the store like any other write."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from rich.progress import track

from onelead.account import AccountSettings
from onelead.limits import BATCH_WRITES_MAX, MATCH_IDS_MAX
from onelead.properties import (
    AddressPatch,
    CustomFieldPatch,
    EmailPatch,
    LeadPatch,
    PhoneNumberPatch,
)
from onelead.settings_change import Resource, SettingsWrite
from onelead.storage.sqlite import SqliteStore
from onelead.store import Batch
from onelead.upsert import Action, Delivery, LeadWrite, prepared

#: The name that one lead more has than an upsert may name.
SHARED_NAME = "Thirty One"
_SYLLABLES = ("la", "ro", "mi", "ta", "ne", "xa", "do", "so", "be", "ku")
_PAYLOAD = '{"properties": {"name": "as delivered"}, "match": {"field_name": "email"}}'


def open_store(folder: Path) -> SqliteStore:
    """Open the database of a run as a server does."""
    return SqliteStore(folder / "onelead.db", lambda: int(time.time()), serving=True)


def a_delivery(number: int) -> Delivery:
    """Return where a benchmark's write comes from."""
    return Delivery(f"request-{number}", None, None, _PAYLOAD)


async def fill(store: SqliteStore, leads: int) -> AccountSettings:
    """Create an account with two definitions included in filters and that many leads."""
    account = await store.create_account("Benchmark", "bench@onelead.example")
    for name, data_type in (("Customer number", "String"), ("Score", "Float")):
        body = {"name": name, "data_type": data_type, "available_on": ["lead"]}
        write = SettingsWrite(
            *(Resource.CUSTOM_FIELD_DEFINITION, Action.CREATE, a_delivery(0)),
            body={**body, "is_filterable": True},
        )
        await store.change_settings(account.account_id, write)
    settings = await store.settings(account.account_id)
    chunks = range(0, leads, BATCH_WRITES_MAX)
    for start in track(chunks, f"writing {leads:,} leads"):
        patches = _patches(settings, start, min(start + BATCH_WRITES_MAX, leads), leads)
        writes = [LeadWrite(Action.CREATE, a_delivery(0), patch=patch) for patch in patches]
        await store.write_leads(Batch(settings, [prepared(write, settings) for write in writes]))
    return settings


def _patches(settings: AccountSettings, start: int, end: int, leads: int) -> Iterator[LeadPatch]:
    customer_number, score = settings.fields
    every = leads // (MATCH_IDS_MAX + 1)
    for number in range(start, end):
        shares = number % every == 0 and number // every <= MATCH_IDS_MAX
        yield LeadPatch(
            name=SHARED_NAME if shares else f"{_word(number)} {_word(number // 1000)}field",
            email=EmailPatch(f"p{number}@field.example"),
            phone_numbers=[PhoneNumberPatch(f"512-{number // 10_000:03}-{number % 10_000:04}")],
            company_name="Field Supplies",
            title=f"Buyer {number % 977}",
            tags=[f"tag{number % 50}", f"rare{number % 20_011}"],
            address=AddressPatch(city=f"City {number % 300}", country="US"),
            custom_fields=[
                CustomFieldPatch(customer_number.id, f"C-{number}"),
                CustomFieldPatch(score.id, random.Random(number).randrange(100_000)),
            ],
        )


def _word(number: int) -> str:
    return "P" + "".join(_SYLLABLES[number // step % 10] for step in (1, 10, 100))
