"""Taking back what a ledger row did: first what that would do, then the undo itself.

An undo of a merge also shows what was delivered since by the values of the leads that stand again,
each with a button that applies it to its lead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
from msgspec import Struct
from starlette.responses import Response

from onelead.contract.ledger import AccountLedgerRow, LedgerRead
from onelead.domain.account import AccountSettings
from onelead.domain.acts.changes import changes_from, taken_back
from onelead.domain.acts.facts import ActFact, is_in_effect, undo_of
from onelead.domain.errors import BodyMalformed, OneleadError, ResourceNotFound, UndoLosesChanges
from onelead.domain.lead import Lead, custom_name
from onelead.domain.limits import DELIVERED_SINCE_MAX
from onelead.domain.matching import lead_keys
from onelead.domain.text import known_id
from onelead.domain.writes import DELIVERED, LEAD, Action, LeadWrite, Outcome, WriteResult
from onelead.incoming.lead_json import lead_patch, upsert_write
from onelead.incoming.statuses import STATUS_BY_KIND
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import Visit, error_line, local_path
from onelead.web.words.deleted_names import settings_to_write_by
from onelead.web.words.ledger_lines import (
    ApiKeyLabels,
    LedgerLine,
    api_key_labels,
    change_lines,
    kept_lines,
    ledger_line,
)
from onelead.web.words.ledger_rows import decoded, visible_row

_FLASHES = {
    Outcome.UPDATED: "The change was undone.",
    Outcome.DELETED: "The creation was undone: the lead is deleted.",
    Outcome.RESTORED: "Undone: {leads} again.",
    Outcome.MERGED: "Merged again.",
    Outcome.DECIDED: "The decision was undone.",
    Outcome.UNCHANGED: "There was nothing to undo.",
}


class Since(Struct, frozen=True):
    """A delivery that came after a merge by a value of a lead that is part of the survivor."""

    line: LedgerLine
    #: The lead whose value it came by, and its name.
    lead_id: int
    name: str
    #: Whether it was applied to that lead already.
    is_applied: bool


async def ask_undo(visit: Visit) -> Response:
    """Show what undoing a ledger row would do, or that it was undone."""
    return await _question(visit, await _row(visit), local_path(visit.query("then")))


async def undo(visit: Visit) -> Response:
    """Undo a ledger row, or show why that cannot be done, or what would be lost."""
    read, form = await _row(visit), await visit.form()
    receipt = await visit.written(_write(visit, read.row.seq, force=form.has("force")))
    result, then = receipt.result, local_path(form.get("then"))
    if result.refusal is not None:
        return await _question(visit, read, then, refusal=result.refusal)
    is_merge = read.row.outcome == Outcome.MERGED
    if is_merge and await _since(visit, read.row):
        # What came since is offered there.
        then = f"/ledger/{read.row.seq}/undo"
    text = _FLASHES[result.outcome].format(leads=_stand(result))
    if result.details and result.details.kept:
        labels = [line.label for line in kept_lines(result.details.kept, receipt.settings)]
        text += f" Not changed back: {', '.join(labels)}."
    seq = None if result.outcome is Outcome.UNCHANGED else receipt.seq
    return visit.redirect(then or _lead_path(read.row), text, undo_seq=seq)


def _stand(result: WriteResult) -> str:
    restored = result.details.restored if result.details else ()
    ids = ", ".join(str(lead.id) for lead in restored)
    return f"lead {ids} stands" if len(restored) == 1 else f"leads {ids} stand"


def _lead_path(row: AccountLedgerRow) -> str:
    return f"/leads/{row.resource_id}" if row.resource_id else "/deliveries"


async def _row(visit: Visit) -> LedgerRead:
    """Read the row that is to be undone. Raises ResourceNotFound for a change of the settings."""
    read = await visible_row(visit, visit.path_id("seq"))
    if read.row.resource != LEAD:
        raise ResourceNotFound
    return read


def _write(visit: Visit, seq: int, *, force: bool) -> LeadWrite:
    body = {"force": True} if force else {}
    return LeadWrite(Action.UNDO, visit.delivery(body), about_seq=seq, force=force)


async def _question(
    visit: Visit, read: LedgerRead, then: str, refusal: OneleadError | None = None
) -> Response:
    row = read.row
    plan = await visit.store.plan_write(visit.account_id, _write(visit, row.seq, force=False))
    found = plan.result.refusal
    loses = isinstance(found, UndoLosesChanges)
    if loses:
        # What would happen with all that was changed since.
        forced = _write(visit, row.seq, force=True)
        plan = await visit.store.plan_write(visit.account_id, forced)
    refusal = refusal or found
    result = plan.result
    acts = await visit.store.acts_about(visit.account_id, [row.seq])
    values = [(name, one) for name, pair in result.changes.items() for one in pair]
    settings = await settings_to_write_by(visit, plan.settings, [row], values)
    labels = api_key_labels(await visit.store.api_keys(visit.account_id))
    since = await _since(visit, row) if row.outcome == Outcome.MERGED else []
    is_problem = refusal is not None and not (loses and visit.request.method == "GET")
    return visit.page(
        "leads/undo.html",
        STATUS_BY_KIND[refusal.kind] if refusal is not None and is_problem else HTTPStatus.OK,
        row=row,
        line=ledger_line(row, settings, labels),
        result=result,
        is_possible=result.refusal is None and result.outcome is not Outcome.UNCHANGED,
        loses=error_line(found) if loses and found else "",
        problem="" if loses or refusal is None else error_line(refusal),
        undone_by=undo_of(acts, row.seq),
        changes=change_lines(result.changes, settings),
        kept=kept_lines(result.details.kept, settings) if result.details else (),
        restored=result.details.restored if result.details else (),
        since=since,
        lead=next((lead for lead in read.leads if lead.id == row.resource_id), None),
        then=then or _lead_path(row),
    )


async def _since(visit: Visit, row: AccountLedgerRow) -> list[Since]:
    """Return what was delivered after a merge by values of its losers alone, newest first."""
    losers = row.details.merged if row.details else ()
    if row.resource_id is None:
        return []
    history = await visit.store.lead_ledger(
        visit.account_id, row.resource_id, limit=DELIVERED_SINCE_MAX
    )
    later = [one for one in history.rows if one.seq > row.seq and _was_delivered(one, row)]
    if not later:
        return []
    owners = await _owners(visit, row, losers)
    found = [(one, lead) for one in later if (lead := _meant(one, owners, losers))]
    acts = await visit.store.acts_about(visit.account_id, [one.seq for one, _ in found])
    labels = api_key_labels(await visit.store.api_keys(visit.account_id))
    settings = await settings_to_write_by(visit, history.settings, [one for one, _ in found])
    return [_one_since(one, lead, settings, labels, acts) for one, lead in found]


def _was_delivered(one: AccountLedgerRow, row: AccountLedgerRow) -> bool:
    return (
        one.resource_id == row.resource_id
        and one.action in (Action.UPDATE, Action.UPSERT)
        and one.outcome in (Outcome.UPDATED, Outcome.UNCHANGED)
    )


#: By the name of a field and a normalised value: the lead that was merged and had it.
_Owners = Mapping[tuple[str, str], Lead]


async def _owners(visit: Visit, row: AccountLedgerRow, losers: Sequence[Lead]) -> _Owners:
    assert row.resource_id is not None
    try:
        read = await visit.store.lead(visit.account_id, row.resource_id)
    except ResourceNotFound:
        return {}
    # The survivor's own values: by its other values, it is found by all that the others had.
    changes = changes_from(msgspec.json.encode(row.changes or {}).decode())
    own, _kept = taken_back(read.lead, changes, (), read.settings)
    own = msgspec.structs.replace(own, other_values={})
    own_keys, names = lead_keys(own, read.settings), read.settings.names_by_key_field
    return {
        (names.get(key.field, key.field), key.value): loser
        for loser in losers
        for key in lead_keys(loser, read.settings) - own_keys
    }


def _meant(row: AccountLedgerRow, owners: _Owners, losers: Sequence[Lead]) -> Lead | None:
    """Return the merged lead that a delivery meant by its value, or named by its id."""
    if row.details is not None and row.details.via_id is not None:
        via_id = row.details.via_id
        return next((lead for lead in losers if lead.id == via_id), None)
    if row.match is None:
        return None
    definition_id = row.match["definition_id"]
    name = custom_name(definition_id) if definition_id else row.match["field_name"]
    return owners.get((name, row.match["value"]))


def _one_since(
    row: AccountLedgerRow,
    lead: Lead,
    settings: AccountSettings,
    labels: ApiKeyLabels,
    acts: dict[int, list[ActFact]],
) -> Since:
    is_applied = any(
        act.action in DELIVERED and act.outcome != Outcome.REFUSED and is_in_effect(acts, act.seq)
        for act in acts.get(row.seq, ())
    )
    return Since(ledger_line(row, settings, labels), lead.id, lead.name, is_applied)


async def apply_delivery(visit: Visit) -> Response:
    """Apply a delivery to a lead, as it came. Raises ResourceNotFound, BodyMalformed."""
    lead_id, form = visit.path_id(), await visit.form()
    row = (await visible_row(visit, known_id(form.get("seq")) or 0)).row
    if row.resource != LEAD or row.action not in (Action.UPDATE, Action.UPSERT):
        raise ResourceNotFound
    receipt = await visit.written(applied_write(visit, row, lead_id))
    then = form.get("then") or f"/leads/{lead_id}"
    if receipt.result.refusal is not None:
        return visit.redirect(then, error_line(receipt.result.refusal), is_problem=True)
    text = f"Delivery {row.seq} was applied to lead {lead_id}."
    if receipt.result.outcome is Outcome.UNCHANGED:
        return visit.redirect(then, f"{text} It changed nothing.")
    return visit.redirect(then, text, undo_seq=receipt.seq)


def applied_write(visit: Visit, row: AccountLedgerRow, lead_id: int) -> LeadWrite:
    """Return the write that applies a delivery to a lead, as it came. Raises BodyMalformed."""
    observed_at = row.details.observed_at if row.details else None
    delivery = msgspec.structs.replace(
        visit.delivery(row.payload), observed_at=observed_at or row.date
    )
    body = decoded(row.payload)
    if not isinstance(body, dict):
        raise BodyMalformed("What was delivered is not readable")
    if row.action == Action.UPSERT:
        write = upsert_write(body, delivery)
        return msgspec.structs.replace(write, lead_id=lead_id, match=None, about_seq=row.seq)
    patch, problems = lead_patch(body, "base")
    return LeadWrite(
        *(Action.UPDATE, delivery, lead_id, patch), problems=problems, about_seq=row.seq
    )


PAGES = (
    Page("GET", "/ledger/{seq}/undo", ask_undo),
    Page("POST", "/ledger/{seq}/undo", undo),
    Page("POST", "/leads/{id}/apply", apply_delivery),
)
