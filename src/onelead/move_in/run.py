"""A move-in from Copper: first a forecast, which writes nothing, then the settings and the leads.

Each lead is an upsert by Copper's id from a source with a name, as a row of a file is. What Copper
has not changed since the last time is not sent again, so that local edits stay; where Copper has
changed a field since, its value is delivered, and the account's policies decide as ever. All ledger
rows of a run are one batch.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

import msgspec
from msgspec import structs

from onelead.contract.store import Store
from onelead.domain.account import AccountSettings, ApiKey
from onelead.domain.audit import COMMAND_LINE
from onelead.domain.custom_fields import CustomField
from onelead.domain.errors import NotPossible
from onelead.domain.lead import Lead
from onelead.domain.limits import (
    BATCH_BYTES_MAX,
    BATCH_WRITES_MAX,
    PAGE_SIZE_MAX,
    REQUEST_BODY_BYTES_MAX,
    RETRY_AFTER_S,
    UNIX_SECONDS_MAX,
)
from onelead.domain.text import fold
from onelead.domain.writes import Delivery, IdempotencyKey, LeadWrite, Outcome, WriteResult
from onelead.incoming.lead_json import upsert_write
from onelead.move_in.comparison import Compared, Sample, compare
from onelead.move_in.copper_api import Copper, CopperFailed
from onelead.move_in.copper_leads import LeadMapper, Mapped, api_properties
from onelead.move_in.copper_settings import (
    COPPER_ID,
    CopperSettings,
    is_ready,
    missing,
    not_mapped,
    own_field,
    planned_settings,
    read_settings,
)
from onelead.move_in.copper_windows import Page, Windows
from onelead.move_in.known_leads import KnownLeads, Sent, cells
from onelead.move_in.report import UNCHANGED_THERE, Brought, Forecast, Remarks
from onelead.process.writer import BatchingWriter

#: Takes a text such as `1,200 leads read`.
OnProgress = Callable[[str], None]

assert PAGE_SIZE_MAX <= BATCH_WRITES_MAX


class Run(NamedTuple):
    """What a run works with."""

    store: Store
    account_id: int
    copper: Copper
    #: The name of the source.
    source: str
    #: Unix seconds.
    clock: Callable[[], int]
    on_progress: OnProgress
    #: Of the batch.
    batch_id: str
    #: From when on leads are brought; None for what changed since the last run.
    since: int | None = None


class Plan(NamedTuple):
    """What Copper has, and what would become of it."""

    copper: CopperSettings
    since: int
    forecast: Forecast


async def plan(run: Run) -> Plan:
    """Read all that is to be brought, and say what would become of it; writes nothing.

    Raises CopperFailed.
    """
    run.on_progress("reading the settings")
    copper = await read_settings(run.copper)
    settings = await run.store.settings(run.account_id)
    source = await _known_source(run)
    known = KnownLeads(run.store, run.account_id, source.id if source else None)
    since = await known.resume_point() if run.since is None else run.since
    changes = list(missing(copper, settings))
    planned, refused = planned_settings(settings, changes)
    forecast = Forecast(
        account=copper.account,
        leads=copper.leads,
        converted=copper.converted,
        tags=copper.tags,
        since=since,
        changes=[change.text for change in changes],
        not_mapped=[*not_mapped(copper, planned), *refused],
    )
    found = own_field(COPPER_ID, settings)
    reader = _Reader(
        known, LeadMapper(copper, planned), found if found and is_ready(found) else None
    )
    windows = Windows(run.copper, since, run.clock())
    read, began = 0, run.clock()
    async with aclosing(windows.pages()) as pages:
        async for page in pages:
            for lead in await reader.leads(page):
                if lead.is_new or lead.properties:
                    forecast.remarks.add(lead.id, lead.mapped.remarks)
                forecast.new += lead.is_new
                forecast.changed += not lead.is_new and bool(lead.properties)
                forecast.unchanged += not lead.is_new and not lead.properties
            read += len(page.leads)
            told = _so_far(read, None if since else copper.leads, run.clock() - began)
            run.on_progress(f"reading {told}; nothing is written yet")
    forecast.unseen = windows.unseen
    return Plan(copper, since, forecast)


async def bring(run: Run, planned: Plan) -> Brought:
    """Change the settings, bring the leads, and compare. Raises CopperFailed, StoreUnavailable."""
    source = await run.store.import_source(run.account_id, run.source, by=COMMAND_LINE)
    delivery = Delivery(run.batch_id, None, source.id, "", batch_id=run.batch_id)
    settings, refused = await _changed_settings(run, planned.copper, delivery)
    field = own_field(COPPER_ID, settings)
    if field is None:
        raise NotPossible("; ".join(refused))
    settings, field = await _indexed(run, field)
    known = KnownLeads(run.store, run.account_id, source.id)
    mapper = LeadMapper(planned.copper, settings)
    brought = Brought(
        batch_id=run.batch_id,
        source=source.label,
        outcomes={},
        refusals={},
        shared=0,
        settings_refused=refused,
        remarks=Remarks(),
    )
    sample = await _bring_leads(run, planned, _Reader(known, mapper, field), delivery, brought)
    run.on_progress("comparing")
    sides = Compared(run.store, run.account_id, run.copper, known, mapper, field)
    try:
        brought.comparison = await compare(sides, sample)
    except CopperFailed as error:
        brought.not_compared = error.message
    return brought


async def _known_source(run: Run) -> ApiKey | None:
    """Return the source of earlier runs; it is made by the first one that writes."""
    for key in await run.store.api_keys(run.account_id):
        if key.is_source and fold(key.label) == fold(run.source):
            return key
    return None


async def _changed_settings(
    run: Run, copper: CopperSettings, delivery: Delivery
) -> tuple[AccountSettings, list[str]]:
    """Make what is missing, and say what was refused and is not there otherwise."""
    settings = await run.store.settings(run.account_id)
    refused: dict[str, str] = {}
    for change in list(missing(copper, settings)):
        payload = msgspec.json.encode(change.body).decode()
        # A change of the settings is undone by itself, and not with the leads.
        own = structs.replace(delivery, payload=payload, batch_id=None)
        result = await run.store.change_settings(run.account_id, change.write(own))
        settings = result.settings
        if result.refusal is not None:
            refused[change.text] = f"cannot {change.text}: {result.refusal.message}"
    # Another run may have made the same meanwhile.
    still = {change.text for change in missing(copper, settings)}
    return settings, [text for name, text in refused.items() if name in still]


async def _indexed(run: Run, field: CustomField) -> tuple[AccountSettings, CustomField]:
    """Wait until upserts can match by the field; a server may be building its index, too."""
    while True:
        settings = await run.store.settings(run.account_id)
        field = settings.fields_by_id[field.id]
        if is_ready(field) and not settings.are_keys_stale:
            return settings, field
        run.on_progress(f"building the index of {field.name}")
        if not await run.store.build_index(run.account_id):
            await asyncio.sleep(RETRY_AFTER_S)


def _so_far(done: int, total: int | None, seconds: int) -> str:
    """Say how many leads are done, how fast, and how long the others will take."""
    rate = done // max(seconds, 1)
    if total is None or total < done:
        return f"{done:,} leads; {rate:,} leads/s"
    left = (total - done) // rate if rate else 0
    return f"{done:,} of {total:,} leads; {rate:,} leads/s, {left // 60}:{left % 60:02} left"


async def _bring_leads(
    run: Run, planned: Plan, reader: _Reader, delivery: Delivery, brought: Brought
) -> Sample:
    """Write page after page; each is committed before the next one."""
    writer = BatchingWriter(run.store)
    outcomes, refusals, sample = Counter[str](), Counter[str](), Sample()
    began, total = run.clock(), planned.forecast.read
    windows = Windows(run.copper, planned.since, began)
    async with aclosing(windows.pages()) as pages:
        async for page in pages:
            leads = await reader.leads(page)
            for lead in leads:
                sample.add(lead.id, lead.date_modified)
            coming = [lead for lead in leads if lead.is_new or lead.properties]
            writes = [lead.write(delivery, page.since, reader.field_id) for lead in coming]
            if run.since is None:
                writes = [
                    _done_once(write, lead) for write, lead in zip(writes, coming, strict=True)
                ]
            for part in _parts(writes):
                for receipt in await writer.write_many(run.account_id, part):
                    _count(receipt.result, outcomes, refusals, brought)
            for lead in coming:
                brought.remarks.add(lead.id, lead.mapped.remarks)
            outcomes[UNCHANGED_THERE] += len(leads) - len(coming)
            told = _so_far(outcomes.total(), total, run.clock() - began)
            run.on_progress(f"{told}, as batch {run.batch_id}")
    brought.outcomes, brought.refusals = dict(+outcomes), dict(refusals)
    return sample


def _parts(writes: Sequence[LeadWrite]) -> Iterator[list[LeadWrite]]:
    """Yield writes that the writer has room for together."""
    part, size_bytes = list[LeadWrite](), 0
    for write in writes:
        size_bytes += len(write.delivery.payload)
        if part and size_bytes > BATCH_BYTES_MAX:
            yield part
            part, size_bytes = [], len(write.delivery.payload)
        part.append(write)
    if part:
        yield part


def _count(
    result: WriteResult, outcomes: Counter[str], refusals: Counter[str], brought: Brought
) -> None:
    if result.replayed_seq is not None:
        outcomes["done before"] += 1
        return
    outcomes[result.outcome.value] += 1
    brought.shared += bool(result.shares)
    if result.refusal is not None:
        refusals[result.refusal.code] += 1
    assert (result.outcome is Outcome.REFUSED) is (result.refusal is not None)


class _Coming(NamedTuple):
    """A lead that was read, and what of it is new here."""

    id: int
    date_modified: int
    lead: dict[str, Any]
    mapped: Mapped
    is_new: bool
    #: What Copper has changed since the last time.
    properties: dict[str, Any]

    def write(self, delivery: Delivery, since: int, field_id: int) -> LeadWrite:
        """Return the upsert that brings it."""
        value = {"custom_field_definition_id": field_id, "value": str(self.id)}
        body: dict[str, Any] = {
            "properties": api_properties(self.properties),
            "match": {"field_name": "custom", "field_value": value},
        }
        payload = _payload(body, cells(self.lead, self.mapped.left_out, since))
        if len(payload) > REQUEST_BODY_BYTES_MAX:
            short = {"id": self.id, "date_modified": self.date_modified}
            payload = _payload(body, cells(short, self.mapped.left_out, since))
        own = structs.replace(
            delivery, payload=payload.decode(), observed_at=self.date_modified or None
        )
        created = self.lead.get("date_created")
        is_date = type(created) is int and 0 < created <= UNIX_SECONDS_MAX
        return structs.replace(upsert_write(body, own), date_created=created if is_date else None)


def _payload(body: dict[str, Any], own_cells: dict[str, Any]) -> bytes:
    return msgspec.json.encode(body | {"cells": own_cells})


def _done_once(write: LeadWrite, lead: _Coming) -> LeadWrite:
    """Return a write that repeats nothing: a lead that was deleted here stays deleted.

    Runs overlap, so a version of a lead that came in before comes again. With an explicit `since`
    it is meant to.
    """
    version = (write.delivery.api_key_id, lead.id, lead.date_modified, lead.properties)
    key = hashlib.sha256(msgspec.json.encode(version)).hexdigest()
    own = structs.replace(write.delivery, idempotency=IdempotencyKey(key, key, is_answered=False))
    return structs.replace(write, delivery=own)


class _Reader(NamedTuple):
    """Finds out what is new of the leads of a page."""

    known: KnownLeads
    mapper: LeadMapper
    #: The field with Copper's ids; None as long as no lead can be found by it.
    field: CustomField | None

    @property
    def field_id(self) -> int:
        """The id of the field with Copper's ids."""
        assert self.field is not None
        return self.field.id

    async def leads(self, page: Page) -> Sequence[_Coming]:
        """Return the leads of a page."""
        ids = [lead["id"] for lead in page.leads]
        here = await self.known.find(self.field, ids) if self.field else {}
        sent = await self.known.sent([lead for ours in here.values() for lead in ours])
        return [self._coming(lead, here.get(lead["id"], []), sent) for lead in page.leads]

    def _coming(
        self, lead: dict[str, Any], ours: Sequence[Lead], sent: Mapping[tuple[int, int], Sent]
    ) -> _Coming:
        mapped = self.mapper.mapped(lead)
        properties = mapped.since(None)
        before = sent.get((ours[0].id, lead["id"])) if len(ours) == 1 else None
        if before is not None:
            properties = mapped.since(self.mapper.mapped(before.lead), before.left_out)
        return _Coming(lead["id"], lead["date_modified"], lead, mapped, not ours, properties)
