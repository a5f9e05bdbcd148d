"""Taking back a change of the settings, attribute by attribute, where nothing newer stands.

What comes back is checked as if it was sent: a name that another entry has by now is refused. A
deleted setting comes back under its id; a deleted definition with its options, too, so that the
leads that were not written since have their values again. `docs/decisions/0029-undo-of-settings.md`
has the reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, structs, to_builtins

from onelead.domain.account import AccountSettings, CustomerSource, LeadStatus
from onelead.domain.acts.facts import ActFact, LedgerFact, undo_of
from onelead.domain.custom_fields import CustomField, IndexState, Option
from onelead.domain.errors import (
    Erased,
    InputInvalid,
    OneleadError,
    Problem,
    ResourceNotFound,
    UndoNotPossible,
)
from onelead.domain.settings.account_details import KeyCallers, details_of, has_policy_field
from onelead.domain.settings.change import (
    Resource,
    SettingsPlan,
    SettingsWrite,
    definition_plan,
    entry_plan,
    plan_settings_change,
    refused,
    with_references,
)
from onelead.domain.settings.definitions import (
    created_definition,
    definition_attributes,
    updated_definition,
)
from onelead.domain.settings.pick_lists import entry_attributes, with_entry
from onelead.domain.writes import Action, Delivery, Kept, KeptReason, Outcome, RowDetails

Attributes = dict[str, Any]


class UndoneRow(Struct, frozen=True):
    """The ledger row that an undo takes back, and what follows from other rows."""

    fact: LedgerFact
    #: See `facts.Facts`.
    acts: dict[int, list[ActFact]]
    #: How many ledger rows its resource has.
    rows: int


def undo_settings(
    resource: str, resource_id: int | None, seq: int, delivery: Delivery
) -> SettingsWrite:
    """Return the write that takes back a ledger row of the settings.

    The resource and its id are those of the row. `Store.change_settings` makes it.
    """
    return SettingsWrite(Resource(resource), Action.UNDO, delivery, resource_id, about_seq=seq)


def plan_undo(
    write: SettingsWrite,
    row: UndoneRow | None,
    settings: AccountSettings,
    *,
    last_id: int,
    in_use: Callable[[], int],
    callers: KeyCallers,
) -> SettingsPlan:
    """Plan an undo as `plan_settings_change` plans other changes; None stands for no such row."""
    try:
        if row is None or row.fact.resource != write.resource:
            raise ResourceNotFound
        fact = row.fact
        if fact.details.erased is not None:
            raise Erased
        match fact.outcome:
            case Outcome.REFUSED:
                raise InputInvalid(Problem("base", "It was refused: there is nothing to undo"))
            case Outcome.UPDATED | Outcome.CREATED | Outcome.RESTORED | Outcome.DELETED:
                is_undone = undo_of(row.acts, fact.seq) is not None
            case _:
                is_undone = True
        if is_undone:
            return SettingsPlan(Outcome.UNCHANGED, fact.resource_id, last_id=last_id)
        if fact.outcome == Outcome.UPDATED:
            return _reverted(write, fact, settings, last_id, callers)
        if fact.outcome == Outcome.DELETED:
            return _restored(write, row, settings, last_id)
        return _removed(write, fact, settings, last_id, in_use)
    except OneleadError as error:
        return refused(write, error, last_id)


def _changes_of(fact: LedgerFact) -> dict[str, tuple[Any, Any]]:
    changes: dict[str, tuple[Any, Any]] = msgspec.json.decode(fact.changes or "{}")
    return changes


def _attributes(resource: str, resource_id: int | None, settings: AccountSettings) -> Attributes:
    """Return the attributes of a setting as the ledger has them; {} for one that is gone."""
    id_ = resource_id or 0
    match resource:
        case Resource.ACCOUNT:
            attributes = to_builtins(details_of(settings))
        case Resource.CUSTOM_FIELD_DEFINITION:
            attributes = definition_attributes(settings.fields_by_id.get(id_))
        case Resource.LEAD_STATUS:
            attributes = entry_attributes(id_, settings.statuses)
        case _:
            attributes = entry_attributes(id_, settings.sources)
    decoded: Attributes = msgspec.json.decode(msgspec.json.encode(attributes))
    return decoded


def _removed(
    write: SettingsWrite,
    fact: LedgerFact,
    settings: AccountSettings,
    last_id: int,
    in_use: Callable[[], int],
) -> SettingsPlan:
    """Take back a creation, unless it would take later changes with it."""
    now = _attributes(fact.resource, fact.resource_id, settings)
    if not now:
        return SettingsPlan(Outcome.UNCHANGED, fact.resource_id, last_id=last_id)
    # The place in a list changes with the others.
    given = {name: new for name, (_old, new) in _changes_of(fact).items() if name != "order"}
    if any(now.get(name) != value for name, value in given.items()):
        raise UndoNotPossible("It was changed since; undo that first, or delete it")
    removal = structs.replace(write, action=Action.DELETE)
    return plan_settings_change(removal, settings, last_id=last_id, in_use=in_use)


def _reverted(
    write: SettingsWrite,
    fact: LedgerFact,
    settings: AccountSettings,
    last_id: int,
    callers: KeyCallers,
) -> SettingsPlan:
    now = _attributes(fact.resource, fact.resource_id, settings)
    if not now:
        raise UndoNotPossible("It was deleted since; undo that first")
    body, kept = dict[str, Any](), dict[str, Kept]()
    for name, (old, new) in _changes_of(fact).items():
        if now.get(name) == old:
            continue
        if now.get(name) == new:
            body[name] = old
        else:
            kept[name] = Kept(KeptReason.CHANGED, old)
    if "policies" in body:
        body["policies"] = {
            name: policy
            for name, policy in body["policies"].items()
            if has_policy_field(name, settings)
        }
    change = structs.replace(write, action=Action.UPDATE, body=body)
    if fact.resource == Resource.CUSTOM_FIELD_DEFINITION:
        field = settings.fields_by_id[fact.resource_id or 0]
        plan = _with_options_of(change, field, settings, last_id)
    else:
        plan = plan_settings_change(
            change, settings, last_id=last_id, in_use=lambda: 0, callers=callers
        )
    return _with_kept(plan, kept)


def _with_options_of(
    change: SettingsWrite, field: CustomField, settings: AccountSettings, last_id: int
) -> SettingsPlan:
    """Plan the update of a definition, whose deleted options come back under their ids."""
    known = {option.id for option in field.options}
    sent = [Option(one["id"], one["name"]) for one in change.body.get("options") or ()]
    again = tuple(option for option in sent if option.id not in known)
    wider = structs.replace(field, options=(*field.options, *again))
    after = updated_definition(change.body, wider, settings, last_id=last_id)
    plan = definition_plan(change, field, after, last_id)
    plan = structs.replace(plan, forgotten=tuple(option.id for option in again))
    return _with_lost_options(plan, change, settings)


def _with_lost_options(
    plan: SettingsPlan, change: SettingsWrite, settings: AccountSettings
) -> SettingsPlan:
    """Add the options that go because the change which brought them is taken back."""
    lost = with_references(plan, change, settings)
    return structs.replace(lost, forgotten=tuple({*plan.forgotten, *lost.forgotten}))


def _with_kept(plan: SettingsPlan, kept: dict[str, Kept]) -> SettingsPlan:
    if not kept or plan.refusal is not None:
        return plan
    return structs.replace(plan, details=RowDetails(kept=kept))


def _restored(
    write: SettingsWrite, row: UndoneRow, settings: AccountSettings, last_id: int
) -> SettingsPlan:
    """Take back a deletion: the setting exists again, under its id."""
    fact = row.fact
    assert fact.resource_id is not None
    if _attributes(fact.resource, fact.resource_id, settings):
        return SettingsPlan(Outcome.UNCHANGED, fact.resource_id, last_id=last_id)
    old = {name: was for name, (was, _new) in _changes_of(fact).items()}
    kept: dict[str, Kept] = {}
    match fact.resource:
        case Resource.CUSTOM_FIELD_DEFINITION:
            taken = {field.canonical_name for field in settings.fields} - {None}
            if old.get("canonical_name") in taken:
                kept["canonical_name"] = Kept(KeptReason.CLAIMED, old.pop("canonical_name"))
            field = _definition_again(old, fact.resource_id, row.rows, settings)
            plan = definition_plan(write, None, field, last_id)
        case Resource.LEAD_STATUS:
            status = LeadStatus(fact.resource_id, "")
            statuses = with_entry(_entry_body(old), status, settings.statuses)
            plan = entry_plan(write, status, settings.statuses, statuses, last_id)
        case _:
            source = CustomerSource(fact.resource_id, "")
            sources = with_entry(_entry_body(old), source, settings.sources)
            plan = entry_plan(write, source, settings.sources, sources, last_id)
    plan = structs.replace(plan, outcome=Outcome.RESTORED, forgotten=(fact.resource_id,))
    return _with_kept(plan, kept)


def _entry_body(old: Attributes) -> Attributes:
    return {name: old[name] for name in ("name", "order")}


def _definition_again(
    old: Attributes, definition_id: int, rows: int, settings: AccountSettings
) -> CustomField:
    """Return a deleted definition. Raises InputInvalid.

    Its leads may have values, so its index is built again, and under a generation that it never
    had: keys of earlier ones may still be there. A generation is one ledger row at least, so the
    number of rows is none that it had after them.
    """
    field = created_definition(old, settings, last_id=definition_id - 1)
    options = tuple(Option(one["id"], one["name"]) for one in old.get("options") or ())
    return structs.replace(
        field,
        options=options,
        index_state=IndexState.BUILDING if field.is_indexed else IndexState.NONE,
        index_generation=rows + 1,
    )
