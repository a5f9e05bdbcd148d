"""Copper's settings: what they are, what is missing of them here, and which of ours each one is.

What is made here for a custom field of Copper has its id in the canonical name, so that both sides
can rename it. Anything that the account already has is found by its name and type.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from onelead.domain.account import AccountSettings, CustomerSource, LeadStatus
from onelead.domain.custom_fields import TYPES_WITH_OPTIONS, CustomField, DataType, IndexState
from onelead.domain.limits import OPTIONS_MAX, PAGE_NUMBER_MAX
from onelead.domain.settings.body import name_problem
from onelead.domain.settings.change import Resource, SettingsWrite, plan_settings_change
from onelead.domain.text import fold, fold_case, quoted, tidy
from onelead.domain.writes import Action, Delivery
from onelead.move_in.copper_api import Copper
from onelead.move_in.copper_windows import LEADS

#: The field that holds Copper's id, by which its leads are found again.
COPPER_ID = CustomField(
    0, "Copper id", DataType.STRING, "copper_id", available_on=("lead",), is_filterable=True
)
#: The day on which a lead became a person there; Copper hides such leads.
CONVERTED = CustomField(
    0, "Converted in Copper", DataType.DATE, "copper_converted", available_on=("lead",)
)
_DEFINITION = Resource.CUSTOM_FIELD_DEFINITION
#: No real id is so large: the ids of settings that are only planned.
_PLANNED_IDS = 1 << 48


class Named(Struct, frozen=True):
    """A lead status, a customer source or an option."""

    id: int
    name: str


class CopperUser(Struct, frozen=True):
    """A user there."""

    id: int
    name: str | None = None
    email: str | None = None

    @property
    def label(self) -> str:
        """The user for a report."""
        return self.email or self.name or str(self.id)


class Definition(Struct, frozen=True):
    """A custom field there."""

    id: int
    name: str
    data_type: str
    available_on: list[str] = []
    options: list[Named] | None = None
    currency: str | None = None

    @property
    def option_names(self) -> list[str]:
        """Its options that we can have, each once."""
        names = {tidy(one.name): one.name for one in reversed(self.options or [])}
        return [one for one in reversed(names.values()) if name_problem(one) is None][:OPTIONS_MAX]


class _Account(Struct, frozen=True):
    id: int
    name: str | None = None
    primary_timezone: str | None = None


class _Tag(Struct, frozen=True):
    name: str
    count_leads: int = 0


class CopperSettings(Struct, frozen=True):
    """Everything besides the leads."""

    account: str
    time_zone: str | None
    users: dict[int, CopperUser]
    statuses: list[Named]
    sources: list[Named]
    #: Those on leads, ascending by id.
    definitions: list[Definition]
    #: How many tags leads have.
    tags: int
    #: How many leads there are, converted ones included, and how many of them are.
    leads: int
    converted: int

    @property
    def zone(self) -> ZoneInfo | None:
        """The account's time zone; None if it is not known here."""
        try:
            return ZoneInfo(self.time_zone or "")
        except (KeyError, ValueError, OSError):
            return None


async def read_settings(copper: Copper) -> CopperSettings:
    """Read everything besides the leads. Raises CopperFailed."""
    account = await copper.get("/account", _Account)
    users = await _users(copper)
    statuses = await copper.get("/lead_statuses", list[Named])
    sources = await copper.get("/customer_sources", list[Named])
    definitions = await copper.get("/custom_field_definitions", list[Definition])
    tags = await copper.get("/tags", list[_Tag])
    leads = await count_of_leads(copper)
    return CopperSettings(
        account=account.name or str(account.id),
        time_zone=account.primary_timezone,
        users=users,
        statuses=statuses,
        sources=sources,
        definitions=sorted(
            (one for one in definitions if "lead" in one.available_on), key=lambda one: one.id
        ),
        tags=sum(tag.count_leads > 0 for tag in tags),
        leads=leads,
        converted=leads - await count_of_leads(copper, converted=False),
    )


async def count_of_leads(copper: Copper, *, converted: bool = True) -> int:
    """Return how many leads Copper counts. Raises CopperFailed."""
    criteria = {"page_size": 1, "include_converted_leads": converted}
    found = await copper.search(LEADS, criteria)
    return len(found.entries) if found.total is None else found.total


async def _users(copper: Copper) -> dict[int, CopperUser]:
    path = "/users/search"
    known: dict[int, CopperUser] = {}
    for number in range(1, PAGE_NUMBER_MAX):
        found = await copper.search(path, {"page_number": number})
        users = copper.read(path, found.entries, list[CopperUser])
        # One that ignores the page number would go on forever.
        if known.keys() >= {user.id for user in users}:
            break
        known |= {user.id: user for user in users}
    return known


class Change(Struct, frozen=True):
    """A change of our settings, and how a report puts it."""

    text: str
    resource: Resource
    body: dict[str, Any]
    #: The definition to change; None to create something.
    resource_id: int | None = None

    def write(self, delivery: Delivery) -> SettingsWrite:
        """Return the write that makes it."""
        action = Action.CREATE if self.resource_id is None else Action.UPDATE
        return SettingsWrite(self.resource, action, delivery, self.resource_id, self.body)


def missing(copper: CopperSettings, settings: AccountSettings) -> Iterator[Change]:
    """Yield the changes that our settings need before leads come in."""
    yield from _missing_entries(
        "lead status", Resource.LEAD_STATUS, copper.statuses, settings.statuses
    )
    yield from _missing_entries(
        "customer source", Resource.CUSTOMER_SOURCE, copper.sources, settings.sources
    )
    own = [COPPER_ID, CONVERTED] if copper.converted else [COPPER_ID]
    for wanted in own:
        field = own_field(wanted, settings)
        if field is None:
            yield _new_field(wanted, settings, set())
        elif wanted.is_filterable and not field.is_filterable:
            text = f"include the custom field {quoted(field.name)} in filters"
            yield Change(text, _DEFINITION, {"is_filterable": True}, field.id)
    ours = fields_by_definition(copper, settings)
    names: set[str] = {fold(one.name) for one in own}
    for definition in copper.definitions:
        if (data_type := _type(definition)) is None:
            continue
        field = ours.get(definition.id)
        if field is None:
            yield _new_field(_as_ours(definition, data_type), settings, names, definition)
        elif (added := _options_to_add(definition, field))[1]:
            yield added[0]


def _missing_entries(
    what: str,
    resource: Resource,
    theirs: Sequence[Named],
    ours: Sequence[LeadStatus | CustomerSource],
) -> Iterator[Change]:
    known = {fold(one.name) for one in ours}
    for one in theirs:
        if fold(one.name) not in known and name_problem(one.name) is None:
            known.add(fold(one.name))
            yield Change(f"make the {what} {quoted(one.name)}", resource, {"name": one.name})


def _new_field(
    wanted: CustomField,
    settings: AccountSettings,
    names: set[str],
    definition: Definition | None = None,
) -> Change:
    """Return the change that makes a field, under a name that no other field on leads has."""
    taken = {fold(field.name) for field in settings.lead_fields} | names
    choices = (wanted.name, f"{wanted.name} (Copper)", f"{wanted.name} ({wanted.canonical_name})")
    name = next((one for one in choices if fold(one) not in taken), choices[-1])
    names.add(fold(name))
    body: dict[str, Any] = {
        "name": name,
        "data_type": wanted.data_type.value,
        "available_on": ["lead"],
        "is_filterable": wanted.is_filterable,
    }
    if all(field.canonical_name != wanted.canonical_name for field in settings.fields):
        body["canonical_name"] = wanted.canonical_name
    if definition and wanted.data_type in TYPES_WITH_OPTIONS:
        body["options"] = [{"name": one} for one in definition.option_names]
    if definition and wanted.data_type is DataType.CURRENCY and definition.currency:
        body["currency"] = definition.currency
    text = f"make the custom field {quoted(name)} ({wanted.data_type.value})"
    if name != wanted.name:
        text += f"; another field is called {quoted(wanted.name)}"
    return Change(text, _DEFINITION, body)


def _as_ours(definition: Definition, data_type: DataType) -> CustomField:
    return CustomField(0, definition.name, data_type, _canonical_name(definition))


def _canonical_name(definition: Definition) -> str:
    return f"copper_{definition.id}"


def _options_to_add(definition: Definition, field: CustomField) -> tuple[Change, list[str]]:
    known = {tidy(option.name) for option in field.options}
    room = OPTIONS_MAX - len(field.options)
    added = [one for one in definition.option_names if tidy(one) not in known][:room]
    options: list[dict[str, Any]] = [{"id": one.id, "name": one.name} for one in field.options]
    body = {"options": options + [{"name": one} for one in added]}
    text = f"add {len(added)} options to the custom field {quoted(field.name)}"
    return Change(text, _DEFINITION, body, field.id), added if field.options else []


def _type(definition: Definition) -> DataType | None:
    """Return the type of a field that we can have."""
    is_known = definition.data_type in set(DataType)
    return DataType(definition.data_type) if is_known else None


def own_field(wanted: CustomField, settings: AccountSettings) -> CustomField | None:
    """Return the field on leads that is one of our own two."""
    for field in settings.lead_fields:
        if field.data_type is wanted.data_type and field.canonical_name == wanted.canonical_name:
            return field
    for field in settings.lead_fields:
        if field.data_type is wanted.data_type and fold(field.name) == fold(wanted.name):
            return field
    return None


def is_ready(field: CustomField) -> bool:
    """Return whether upserts can match by the field."""
    return field.index_state is IndexState.READY


def fields_by_definition(
    copper: CopperSettings, settings: AccountSettings
) -> dict[int, CustomField]:
    """Return our field for each definition of Copper that has one, by its id there."""
    found: dict[int, CustomField] = {}
    taken = {field.id for one in (COPPER_ID, CONVERTED) if (field := own_field(one, settings))}
    for by_name in (False, True):
        for definition in copper.definitions:
            if definition.id in found or (data_type := _type(definition)) is None:
                continue
            for field in settings.lead_fields:
                is_its = field.canonical_name == _canonical_name(definition)
                if by_name:
                    is_its = fold(field.name) == fold(definition.name)
                if is_its and field.data_type is data_type and field.id not in taken:
                    found[definition.id] = field
                    taken.add(field.id)
                    break
    return found


def users_by_copper_id(copper: CopperSettings, settings: AccountSettings) -> dict[int, int]:
    """Return our user for each of Copper's that has one, by e-mail."""
    ours = {fold_case(user.email): user.id for user in settings.users}
    return {
        user.id: ours[fold_case(user.email)]
        for user in copper.users.values()
        if user.email and fold_case(user.email) in ours
    }


def not_mapped(copper: CopperSettings, settings: AccountSettings) -> Iterator[str]:
    """Yield what of Copper's settings has no place here."""
    known = users_by_copper_id(copper, settings)
    for user in copper.users.values():
        if user.id not in known:
            yield f"{quoted(user.label)} is not a user here: their leads get no owner"
    for definition in copper.definitions:
        if _type(definition) is None:
            yield (
                f"the custom field {quoted(definition.name)} has the type "
                f"{quoted(definition.data_type)}, which onelead does not have"
            )
        elif len(definition.options or []) > len(definition.option_names):
            yield (
                f"the custom field {quoted(definition.name)} has options that are blank, too long, "
                f"too many, or twice: {len(definition.option_names)} of "
                f"{len(definition.options or [])} are made"
            )


def planned_settings(
    settings: AccountSettings, changes: Sequence[Change]
) -> tuple[AccountSettings, list[str]]:
    """Return the settings as the changes would leave them, and what would be refused."""
    refused = []
    for number, change in enumerate(changes):
        write = change.write(Delivery("", None, None, ""))
        last_id = _PLANNED_IDS + number * 2 * OPTIONS_MAX
        plan = plan_settings_change(write, settings, last_id=last_id, in_use=lambda: 0)
        if plan.refusal is not None:
            refused.append(f"cannot {change.text}: {plan.refusal.message}")
        if (field := plan.saved_field) is not None:
            others = [one for one in settings.fields if one.id != field.id]
            ordered = sorted([*others, field], key=lambda one: one.id)
            settings = replace(settings, fields=tuple(ordered))
        settings = replace(
            settings,
            statuses=plan.saved_statuses or settings.statuses,
            sources=plan.saved_sources or settings.sources,
        )
    return settings, refused
