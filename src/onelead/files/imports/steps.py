"""What people ask of an import: to upload, choose, try, start, pause, stop."""

from __future__ import annotations

import secrets
from typing import Any, Protocol

from msgspec import structs

from onelead.contract.imports import (
    UNDER_WAY,
    FileImport,
    ImportChange,
    ImportState,
    ImportStore,
    NewImport,
)
from onelead.domain.account import OPTION_RESOURCE, AccountSettings, ApiKey, Role
from onelead.domain.audit import Requester
from onelead.domain.errors import AdminRequired, ImportNotPossible
from onelead.domain.importing.creating import Creation, creations
from onelead.domain.importing.targets import CUSTOM
from onelead.domain.settings.change import Resource, SettingsResult, SettingsWrite
from onelead.domain.writes import Action, Delivery
from onelead.files.imports.choices import (
    Findings,
    ImportChoices,
    choices_of,
    findings_of,
    source_name,
    text_of,
)
from onelead.files.imports.outcomes import total

_BEFORE_START = (
    *(ImportState.READING, ImportState.READ, ImportState.REHEARSING, ImportState.REHEARSED),
    ImportState.FAILED,
)
_STARTABLE = (ImportState.READ, ImportState.REHEARSED, ImportState.STOPPED, ImportState.FAILED)


class StepStore(ImportStore, Protocol):
    """What the steps need of a store."""

    async def settings(self, account_id: int) -> AccountSettings:
        """See `SettingsStore`."""

    async def change_settings(self, account_id: int, write: SettingsWrite) -> SettingsResult:
        """See `SettingsStore`."""

    async def import_source(self, account_id: int, name: str, *, by: Requester) -> ApiKey:
        """See `AccessStore`."""


async def new_import(
    store: StepStore, account_id: int, name: str, choices: ImportChoices, **given: Any
) -> FileImport:
    """Begin an import of a file. Raises ImportNotPossible with too many that are not done."""
    new = NewImport(batch_id=secrets.token_hex(16), name=name, choices=text_of(choices), **given)
    return await store.begin_import(account_id, new)


async def end_upload(store: StepStore, account_id: int, number: int, digest: str) -> FileImport:
    """Say that all parts of a file are there: it is read next."""
    change = ImportChange(state=ImportState.READING, digest=digest)
    return await store.change_import(account_id, number, change, only_in=(ImportState.UPLOADING,))


async def change_choices(
    store: StepStore, account_id: int, number: int, choices: ImportChoices
) -> FileImport:
    """Choose otherwise before the start: the file is read again."""
    one = await store.file_import(account_id, number)
    if one.source_id is not None:
        raise ImportNotPossible("The import has started; its choices stay as they are")
    if not one.digest:
        raise ImportNotPossible("The file was removed; import it again")
    change = ImportChange(
        state=ImportState.READING, choices=text_of(choices), row_count=0, message=""
    )
    return await store.change_import(account_id, number, change, only_in=_BEFORE_START)


async def rehearse(store: StepStore, account_id: int, number: int) -> FileImport:
    """Ask for a dry run. Raises ImportNotPossible while something is open."""
    one = await store.file_import(account_id, number)
    _ready_findings(one)
    change = ImportChange(state=ImportState.REHEARSING)
    return await store.change_import(
        account_id, number, change, only_in=(ImportState.READ, ImportState.REHEARSED)
    )


def _ready_findings(one: FileImport) -> Findings:
    """Return the findings of an import with nothing open. Raises ImportNotPossible."""
    findings = findings_of(one)
    if findings is None or not one.digest:
        raise ImportNotPossible(one.message or "The file has not been read")
    if findings.open_questions:
        raise ImportNotPossible(" ".join(findings.open_questions))
    return findings


async def start(
    store: StepStore, account_id: int, number: int, by: Requester, now: int
) -> FileImport:
    """Begin to write, or go on after a stop or a failure.

    The source and the settings that the mapping asks for are made first. Raises ImportNotPossible
    while something is open, InputInvalid, and AdminRequired for settings that a member asks for.
    """
    one = await store.file_import(account_id, number)
    if one.state not in _STARTABLE:
        raise ImportNotPossible
    findings = _ready_findings(one)
    await _make_settings(store, account_id, one, findings, by)
    source = await store.import_source(account_id, source_name(choices_of(one), one.name), by=by)
    change = ImportChange(
        state=ImportState.RUNNING,
        source_id=source.id,
        findings=_started(one, findings, now),
        message="",
    )
    return await store.change_import(account_id, number, change, only_in=_STARTABLE)


def _started(one: FileImport, findings: Findings, now: int) -> str:
    return text_of(structs.replace(findings, started=now, rows_before=total(one.counts)))


async def pause(store: StepStore, account_id: int, number: int) -> FileImport:
    """Let the import wait."""
    change = ImportChange(state=ImportState.PAUSED)
    return await store.change_import(account_id, number, change, only_in=(ImportState.RUNNING,))


async def resume(store: StepStore, account_id: int, number: int, now: int) -> FileImport:
    """Let the import go on."""
    one = await store.file_import(account_id, number)
    findings = findings_of(one)
    started = None if findings is None else _started(one, findings, now)
    change = ImportChange(state=ImportState.RUNNING, findings=started)
    return await store.change_import(account_id, number, change, only_in=(ImportState.PAUSED,))


async def stop(store: StepStore, account_id: int, number: int) -> FileImport:
    """End the import; what is written stays."""
    change = ImportChange(state=ImportState.STOPPED)
    return await store.change_import(account_id, number, change, only_in=UNDER_WAY)


# --- The settings that a mapping asks for --------------------------------------------------------


async def _make_settings(
    store: StepStore, account_id: int, one: FileImport, findings: Findings, by: Requester
) -> None:
    """Make what is not there yet. Raises InputInvalid, AdminRequired."""
    surveyed = findings.surveyed
    settings = await store.settings(account_id)
    wanted = creations(surveyed.mapping, surveyed.columns, settings)
    user = settings.users_by_id.get(by.user_id or 0)
    if wanted and user is not None and user.role is not Role.ADMIN:
        raise AdminRequired
    delivery = Delivery(one.batch_id, by.user_id, None, "")
    for creation in wanted:
        result = await store.change_settings(
            account_id, _settings_write(creation, settings, delivery)
        )
        if result.refusal is not None:
            raise result.refusal
        settings = result.settings


def _settings_write(
    wanted: Creation, settings: AccountSettings, delivery: Delivery
) -> SettingsWrite:
    if wanted.resource == OPTION_RESOURCE:
        field = settings.fields_by_id[int(wanted.target.removeprefix(CUSTOM))]
        options: list[dict[str, Any]] = [
            {"id": option.id, "name": option.name} for option in field.options
        ]
        body: dict[str, Any] = {"options": [*options, {"name": wanted.name}]}
        resource = Resource.CUSTOM_FIELD_DEFINITION
        return SettingsWrite(resource, Action.UPDATE, delivery, field.id, body)
    body = {"name": wanted.name}
    if wanted.data_type is not None:
        body |= {"data_type": wanted.data_type.value, "available_on": ["lead"]}
        if wanted.options:
            body["options"] = [{"name": name} for name in wanted.options]
    return SettingsWrite(Resource(wanted.resource), Action.CREATE, delivery, None, body)
