"""Helpers to plan settings changes, and to check the plans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.domain.builders import a_delivery, a_settings

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.settings.change import (
    Resource,
    SettingsPlan,
    SettingsWrite,
    plan_settings_change,
)
from onelead.domain.writes import Action, Outcome

LAST_ID = 9000
TOO_LONG = "is too long (maximum is 255 characters)"
DEFINITION = Resource.CUSTOM_FIELD_DEFINITION
STATUS = Resource.LEAD_STATUS
SOURCE = Resource.CUSTOMER_SOURCE


def not_asked() -> int:
    pytest.fail("the leads were counted for nothing")


def change(
    resource: Resource,
    action: Action,
    body: dict[str, Any] | None = None,
    *,
    of: int | None = None,
    settings: AccountSettings | None = None,
    in_use: Callable[[], int] = not_asked,
) -> SettingsPlan:
    write = SettingsWrite(resource, action, a_delivery(), of, body or {})
    return plan_settings_change(write, settings or a_settings(), last_id=LAST_ID, in_use=in_use)


def create(resource: Resource, body: dict[str, Any], **more: Any) -> SettingsPlan:
    return change(resource, Action.CREATE, body, **more)


def update_field(field: CustomField, body: dict[str, Any], *others: CustomField) -> SettingsPlan:
    settings = a_settings(fields=(field, *others))
    return change(DEFINITION, Action.UPDATE, body, of=field.id, settings=settings)


def saved_field(plan: SettingsPlan) -> CustomField:
    assert plan.refusal is None
    assert plan.saved_field is not None
    return plan.saved_field


def saved_options(plan: SettingsPlan) -> list[tuple[int, str]]:
    return [(option.id, option.name) for option in saved_field(plan).options]


def assert_refused(plan: SettingsPlan, *problems: Problem) -> None:
    assert isinstance(plan.refusal, InputInvalid)
    assert plan.refusal.problems == problems
    assert_nothing_saved(plan, Outcome.REFUSED)


def assert_nothing_saved(plan: SettingsPlan, outcome: Outcome) -> None:
    assert plan.outcome is outcome
    assert plan.changes == {}
    assert (plan.saved_field, plan.saved_statuses, plan.saved_sources) == (None, None, None)
    assert plan.last_id == LAST_ID
