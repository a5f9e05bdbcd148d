"""One change of the settings as a transaction: lane, plan, rows, ledger. Portable."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from onelead.domain.account import AccountSettings
from onelead.domain.settings.change import (
    SettingsPlan,
    SettingsResult,
    SettingsWrite,
    plan_settings_change,
)
from onelead.domain.settings.undo import plan_undo
from onelead.domain.writes import Action, Outcome, RowDetails
from onelead.storage import schema
from onelead.storage.lane import next_settings_version, save_last_id, take_lane
from onelead.storage.leads.rows import json_text
from onelead.storage.settings.index_steps import build_step, field_to_build
from onelead.storage.settings.rows import (
    api_key_callers,
    count_using,
    load_settings,
    save_deleted,
    save_plan,
)
from onelead.storage.settings.undo_reads import undone_row

_WRITTEN = {Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED, Outcome.RESTORED}


def change_settings(
    connection: Connection, account_id: int, write: SettingsWrite, now: int
) -> SettingsResult:
    """Make one change of the settings in the connection's transaction."""
    lane = take_lane(connection, account_id, 1)
    settings = load_settings(connection, account_id)
    plan = _planned(connection, write, settings, lane.last_id)
    if plan.outcome in _WRITTEN:
        save_plan(connection, account_id, write, plan)
        save_deleted(connection, account_id, plan, now)
        save_last_id(connection, account_id, plan.last_id)
        next_settings_version(connection, account_id)
        settings = load_settings(connection, account_id)
        if (field := field_to_build(settings)) is not None:
            # With few leads the first step is the last, so the field is ready immediately.
            build_step(connection, account_id, field)
            settings = load_settings(connection, account_id)
    _write_ledger(connection, account_id, lane.first_seq, write, plan, now)
    return SettingsResult(
        *(plan.outcome, plan.resource_id, plan.changes, plan.refusal),
        settings=settings,
        seq=lane.first_seq,
        details=plan.details,
    )


def _planned(
    connection: Connection, write: SettingsWrite, settings: AccountSettings, last_id: int
) -> SettingsPlan:
    account_id = settings.account_id

    def in_use() -> int:
        return count_using(connection, account_id, write)

    def callers() -> set[str]:
        return api_key_callers(connection, account_id)

    if write.action is Action.UNDO:
        row = undone_row(connection, account_id, write.about_seq)
        return plan_undo(write, row, settings, last_id=last_id, in_use=in_use, callers=callers)
    return plan_settings_change(write, settings, last_id=last_id, in_use=in_use, callers=callers)


def _write_ledger(
    connection: Connection,
    account_id: int,
    seq: int,
    write: SettingsWrite,
    plan: SettingsPlan,
    now: int,
) -> None:
    row = {
        "account_id": account_id,
        "seq": seq,
        "date": now,
        "request_id": write.delivery.request_id,
        "resource": write.resource.value,
        "resource_id": plan.resource_id,
        "action": write.action.value,
        "outcome": plan.outcome.value,
        "user_id": write.delivery.user_id,
        "api_key_id": write.delivery.api_key_id,
        "payload": write.delivery.payload,
        "changes": json_text(plan.changes) if plan.changes else None,
        "message": plan.refusal.message if plan.refusal else None,
    }
    connection.execute(insert(schema.ledger), row)
    if write.about_seq is not None:
        detail = {
            "account_id": account_id,
            "seq": seq,
            "about_seq": write.about_seq,
            "batch_id": write.delivery.batch_id,
            "details": json_text(plan.details or RowDetails()),
        }
        connection.execute(insert(schema.ledger_detail), detail)
