"""A change to an account's settings, and the pure plan of what it does.

An engine reads the settings under the account's lane, calls `plan_settings_change` and writes the
plan; nothing here touches a database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct, to_builtins

from onelead.domain.account import (
    OPTION_RESOURCE,
    AccountSettings,
    CustomerSource,
    DeletedReference,
    LeadStatus,
)
from onelead.domain.custom_fields import CustomField
from onelead.domain.errors import (
    InputInvalid,
    OneleadError,
    ResourceNotFound,
    unrecognized,
)
from onelead.domain.lead import Changes
from onelead.domain.limits import DELETED_REFERENCES_MAX
from onelead.domain.settings.account_details import (
    AccountDetails,
    KeyCallers,
    changed_details,
    details_of,
)
from onelead.domain.settings.body import require_as_seen
from onelead.domain.settings.definitions import (
    created_definition,
    definition_attributes,
    updated_definition,
)
from onelead.domain.settings.pick_lists import Entry, entry_attributes, with_entry, without
from onelead.domain.writes import Action, Delivery, Outcome, RowDetails

T = TypeVar("T", bound=CustomField | LeadStatus | CustomerSource)


class Resource(StrEnum):
    """What a settings change is about."""

    #: Its name, time zone, currency and rules, which can only be updated.
    ACCOUNT = "account"
    CUSTOM_FIELD_DEFINITION = "custom_field_definition"
    LEAD_STATUS = "lead_status"
    CUSTOMER_SOURCE = "customer_source"


class SettingsWrite(Struct, frozen=True):
    """A requested change to the settings: a create, an update, a delete or an undo."""

    resource: Resource
    action: Action
    delivery: Delivery
    #: What to update or delete.
    resource_id: int | None = None
    #: The JSON object as sent, unchecked; empty for a delete.
    body: dict[str, Any] = {}
    #: The attributes as the user saw them: the ones that change must not have changed meanwhile.
    #: Empty where that does not matter.
    seen: dict[str, Any] = {}
    #: The members that the body may have, where only some are offered; empty for all.
    members: tuple[str, ...] = ()
    #: The ledger row that an undo takes back.
    about_seq: int | None = None


class Deleted(NamedTuple):
    """What a change deletes and deliveries may go on sending: a `DeletedReference` without date."""

    id: int
    resource: str
    name: str
    definition_id: int | None = None


class SettingsPlan(Struct, frozen=True):
    """What an engine has to write, and what to answer."""

    outcome: Outcome
    resource_id: int | None = None
    changes: Changes = {}
    refusal: OneleadError | None = None
    #: The definition to insert or replace, with all its options; None for a deleted one.
    saved_field: CustomField | None = None
    #: The whole new list, in order; None when it stays as it is.
    saved_statuses: tuple[LeadStatus, ...] | None = None
    saved_sources: tuple[CustomerSource, ...] | None = None
    saved_account: AccountDetails | None = None
    #: The last id in use after the change.
    last_id: int = 0
    #: What to add to the account's deleted references, and the ids of those to forget.
    deleted: tuple[Deleted, ...] = ()
    forgotten: tuple[int, ...] = ()
    #: Of an undo: what stays as it is.
    details: RowDetails | None = None


class SettingsResult(Struct, frozen=True):
    """What a change did."""

    outcome: Outcome
    resource_id: int | None
    changes: Changes
    refusal: OneleadError | None
    #: After the change.
    settings: AccountSettings
    #: The number of its ledger row.
    seq: int
    #: Of an undo: what stays as it is.
    details: RowDetails | None = None


_OUTCOMES = {
    Action.CREATE: Outcome.CREATED,
    Action.UPDATE: Outcome.UPDATED,
    Action.DELETE: Outcome.DELETED,
    # What an undo changes otherwise is planned as that.
    Action.UNDO: Outcome.UPDATED,
}


def plan_settings_change(
    write: SettingsWrite,
    settings: AccountSettings,
    *,
    last_id: int,
    in_use: Callable[[], int],
    callers: KeyCallers = frozenset,
) -> SettingsPlan:
    """Check a change and plan what it does; an error becomes its refusal.

    New ids follow `last_id`. `in_use` counts the leads that have the lead status or customer source
    to delete; it is called only for a delete. `callers` is called only to check ranks. An undo is
    planned by `plan_undo`.
    """
    try:
        match write.resource:
            case Resource.ACCOUNT:
                return _account_plan(write, settings, last_id, callers)
            case Resource.CUSTOM_FIELD_DEFINITION:
                plan = _definition_plan(write, settings, last_id)
            case Resource.LEAD_STATUS:
                status = LeadStatus(last_id + 1, "")
                plan = _pick_list_plan(write, settings.statuses, status, last_id, in_use)
            case Resource.CUSTOMER_SOURCE:
                source = CustomerSource(last_id + 1, "")
                plan = _pick_list_plan(write, settings.sources, source, last_id, in_use)
    except OneleadError as error:
        return refused(write, error, last_id)
    return with_references(plan, write, settings)


def refused(write: SettingsWrite, error: OneleadError, last_id: int) -> SettingsPlan:
    """Return the plan of a change that an error refuses."""
    return SettingsPlan(Outcome.REFUSED, write.resource_id, refusal=error, last_id=last_id)


def with_references(
    plan: SettingsPlan, write: SettingsWrite, settings: AccountSettings
) -> SettingsPlan:
    """Return a plan with what it deletes, so that deliveries may go on sending it."""
    deleted = _deleted(write, settings, plan)
    if not deleted:
        return plan
    forgotten = _forgotten(deleted, settings.deleted.values())
    return msgspec.structs.replace(plan, deleted=deleted, forgotten=forgotten)


def _deleted(
    write: SettingsWrite, settings: AccountSettings, plan: SettingsPlan
) -> tuple[Deleted, ...]:
    """Return what the change deletes: one setting, or options of a definition that stays.

    The options of a deleted definition are not listed: they are only ever sent with its own id.
    """
    assert plan.resource_id is not None
    if plan.outcome is Outcome.DELETED:
        name, _nothing = plan.changes["name"]
        return (Deleted(plan.resource_id, write.resource.value, name),)
    field, after = settings.fields_by_id.get(plan.resource_id), plan.saved_field
    if field is None or after is None:
        return ()
    kept = {option.id for option in after.options}
    return tuple(
        Deleted(option.id, OPTION_RESOURCE, option.name, field.id)
        for option in field.options
        if option.id not in kept
    )


def _forgotten(deleted: tuple[Deleted, ...], known: Iterable[DeletedReference]) -> tuple[int, ...]:
    """Return the options of definitions deleted now, and the oldest references over the limit."""
    gone = {one.id for one in deleted}
    newest = sorted(known, key=lambda one: (one.date, one.id), reverse=True)
    options = [one.id for one in newest if one.definition_id in gone]
    others = [one.id for one in newest if one.definition_id not in gone]
    return (*options, *others[DELETED_REFERENCES_MAX - len(deleted) :])


def references_after(
    known: Mapping[int, DeletedReference], plan: SettingsPlan, date: int
) -> dict[int, DeletedReference]:
    """Return the account's deleted references after a change at `date` (Unix seconds)."""
    kept = {id_: one for id_, one in known.items() if id_ not in plan.forgotten}
    return kept | {one.id: DeletedReference(*one, date) for one in plan.deleted}


def _account_plan(
    write: SettingsWrite, settings: AccountSettings, last_id: int, callers: KeyCallers
) -> SettingsPlan:
    if write.action is not Action.UPDATE or write.resource_id != settings.account_id:
        raise ResourceNotFound
    others = set(write.body).difference(write.members or write.body)
    if problem := unrecognized(sorted(others)):
        raise InputInvalid(problem)
    before, after = details_of(settings), changed_details(write.body, settings, callers)
    plan = _plan(write, settings.account_id, to_builtins(before), to_builtins(after))
    saved_account = after if plan.changes else None
    return msgspec.structs.replace(plan, saved_account=saved_account, last_id=last_id)


def _definition_plan(write: SettingsWrite, settings: AccountSettings, last_id: int) -> SettingsPlan:
    before = _addressed(write, settings.fields)
    after = None
    if before is None:
        after = created_definition(write.body, settings, last_id=last_id)
    elif write.action is Action.UPDATE:
        after = updated_definition(write.body, before, settings, last_id=last_id)
    return definition_plan(write, before, after, last_id)


def definition_plan(
    write: SettingsWrite, before: CustomField | None, after: CustomField | None, last_id: int
) -> SettingsPlan:
    """Return the plan that leaves a definition otherwise. Raises SettingsConflict."""
    ids = [field.id for field in (before, after) if field]
    plan = _plan(write, ids[0], definition_attributes(before), definition_attributes(after))
    if not plan.changes or after is None:
        return msgspec.structs.replace(plan, last_id=last_id)
    used_ids = [last_id, after.id, *(option.id for option in after.options)]
    return msgspec.structs.replace(plan, saved_field=after, last_id=max(used_ids))


def _pick_list_plan(
    write: SettingsWrite,
    entries: tuple[Entry, ...],
    new: Entry,
    last_id: int,
    in_use: Callable[[], int],
) -> SettingsPlan:
    entry = _addressed(write, entries) or new
    if write.action is Action.DELETE:
        after = without(entry, entries, in_use)
    else:
        after = with_entry(write.body, entry, entries)
    return entry_plan(write, entry, entries, after, last_id)


def entry_plan(
    write: SettingsWrite,
    entry: Entry,
    entries: tuple[Entry, ...],
    after: tuple[Entry, ...],
    last_id: int,
) -> SettingsPlan:
    """Return the plan of what a change of an entry leaves of its list. Raises SettingsConflict."""
    plan = _plan(
        *(write, entry.id, entry_attributes(entry.id, entries), entry_attributes(entry.id, after))
    )
    saved = {"saved_statuses" if isinstance(entry, LeadStatus) else "saved_sources": after}
    return msgspec.structs.replace(
        plan, last_id=max(last_id, entry.id), **saved if plan.changes else {}
    )


def _plan(
    write: SettingsWrite, resource_id: int, before: dict[str, Any], after: dict[str, Any]
) -> SettingsPlan:
    """Return the plan of a change. Raises SettingsConflict."""
    require_as_seen(write.seen, before, after)
    changes = _changes(before, after)
    outcome = _OUTCOMES[write.action] if changes else Outcome.UNCHANGED
    return SettingsPlan(outcome, resource_id, changes)


def _addressed(write: SettingsWrite, resources: tuple[T, ...]) -> T | None:
    """Return what to update or delete; None for a create."""
    if write.action is Action.CREATE:
        return None
    for resource in resources:
        if resource.id == write.resource_id:
            return resource
    raise ResourceNotFound


def _changes(before: dict[str, Any], after: dict[str, Any]) -> Changes:
    """Return what differs; an empty attribute counts as absent."""
    changes: Changes = {}
    for attribute in before or after:
        old, new = before.get(attribute), after.get(attribute)
        has_content = old not in (None, []) or new not in (None, [])
        if old != new and has_content:
            changes[attribute] = (old, new)
    return changes
