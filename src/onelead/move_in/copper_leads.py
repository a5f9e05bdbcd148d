"""Turns a lead of Copper into the properties of ours; pure.

The two APIs have the same fields, so this is about what the fields refer to (users, statuses,
sources, definitions, options), about days, and about values that our rules refuse: these stay out,
or are cut, with a remark, and the rest of the lead comes in.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from onelead.domain.account import AccountSettings
from onelead.domain.coercions import is_empty
from onelead.domain.custom_fields import (
    TYPES_WITH_OPTIONS,
    CustomField,
    DataType,
    ValueInvalid,
    day_of,
)
from onelead.domain.errors import Problem
from onelead.domain.lead import LIST_FIELDS, custom_name
from onelead.domain.limits import (
    LINE_CHARS_MAX,
    LIST_ENTRIES_MAX,
    TAGS_MAX,
    TEXT_CHARS_MAX,
    UNIX_SECONDS_MAX,
)
from onelead.domain.names import NAME_PARTS, join_name
from onelead.domain.properties import checked
from onelead.domain.text import fold, is_blank, quoted, tidy
from onelead.incoming.lead_json import lead_patch
from onelead.move_in.copper_settings import (
    CONVERTED,
    COPPER_ID,
    CopperSettings,
    fields_by_definition,
    own_field,
    users_by_copper_id,
)

#: What comes in as it is.
_PLAIN = (
    *("address", "company_name", "details", "email", "phone_numbers", "socials", "tags", "title"),
    "websites",
)
#: Where a cut text says more than none.
_CUT_AT = {
    **dict.fromkeys(("name", *NAME_PARTS, "title", "company_name"), LINE_CHARS_MAX),
    "details": TEXT_CHARS_MAX,
}
_CUSTOM = "custom_fields"
#: In whose midnights Copper keeps days, besides those of its account.
_PACIFIC = ZoneInfo("America/Los_Angeles")


class Mapped(NamedTuple):
    """A lead of Copper as ours."""

    #: Custom fields are among them by the names of changes, such as `custom_fields.17`.
    properties: dict[str, Any]
    #: What could not be mapped, by the same names: it may be possible later.
    left_out: tuple[str, ...]
    remarks: tuple[str, ...]

    def since(self, before: Mapped | None, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the properties that Copper has changed since it sent a lead as it was `before`.

        Of what was left out then, nothing has come in. Without `before`, everything that is filled.
        """
        if before is None:
            return {name: value for name, value in self.properties.items() if not _is_unset(value)}
        known = {name: one for name, one in before.properties.items() if name not in left_out}
        return {
            name: value
            for name, value in self.properties.items()
            if known.get(name) != value and not (_is_unset(known.get(name)) and _is_unset(value))
        }


def _is_unset(value: Any) -> bool:
    return value is False or is_empty(value)


def api_properties(properties: dict[str, Any]) -> dict[str, Any]:
    """Return properties as the API takes them, with their custom fields in a list."""
    custom = [
        {"custom_field_definition_id": int(name.removeprefix(f"{_CUSTOM}.")), "value": value}
        for name, value in properties.items()
        if name.startswith(f"{_CUSTOM}.")
    ]
    plain = {name: one for name, one in properties.items() if not name.startswith(f"{_CUSTOM}.")}
    return plain | {_CUSTOM: custom} if custom else plain


class LeadMapper:
    """Maps leads between one version of Copper's settings and one of ours."""

    def __init__(self, copper: CopperSettings, settings: AccountSettings) -> None:
        self._copper = copper
        self._settings = settings
        self._users = users_by_copper_id(copper, settings)
        statuses = {fold(one.name): one.id for one in settings.statuses}
        sources = {fold(one.name): one.id for one in settings.sources}
        self._statuses_by_name = statuses
        self._statuses = _mapped_ids(copper.statuses, statuses)
        self._sources = _mapped_ids(copper.sources, sources)
        self._fields = fields_by_definition(copper, settings)
        self._options = {
            definition.id: _mapped_options(definition.options or [], field)
            for definition in copper.definitions
            if (field := self._fields.get(definition.id)) and field.data_type in TYPES_WITH_OPTIONS
        }
        self._definitions = {one.id: one for one in copper.definitions}
        self._converted = own_field(CONVERTED, settings)
        self.copper_id = own_field(COPPER_ID, settings)

    def mapped(self, lead: dict[str, Any]) -> Mapped:
        """Return a lead as ours."""
        building = _Building({name: lead.get(name) for name in _PLAIN}, [], {})
        building.properties.update(_names(lead))
        self._add_references(lead, building)
        self._add_amount(lead, building)
        self._add_custom_fields(lead, building)
        if self._converted is not None:
            day = lead.get("converted_at") and _day(lead["converted_at"], self._copper.zone)
            building.properties[custom_name(self._converted.id)] = day or None
        self._keep_to_the_rules(building)
        return Mapped(building.properties, tuple(building.left_out), tuple(building.remarks))

    def _add_references(self, lead: dict[str, Any], building: _Building) -> None:
        user_id, source_id = _id(lead, "assignee_id"), _id(lead, "customer_source_id")
        if user_id is None or user_id in self._users:
            building.properties["assignee_id"] = user_id and self._users[user_id]
        else:
            user = self._copper.users.get(user_id)
            label = quoted(user.label) if user else "a user who is gone there"
            building.leave_out("assignee_id", f"no owner: {label} is not a user here")
        if source_id is None or source_id in self._sources:
            building.properties["customer_source_id"] = source_id and self._sources[source_id]
        else:
            building.leave_out("customer_source_id", "a customer source that is not known here")
        name = lead.get("status")
        found = self._statuses.get(_id(lead, "status_id") or 0)
        if found is None and isinstance(name, str):
            found = self._statuses_by_name.get(fold(name))
        if found is not None:
            building.properties["status_id"] = found
        else:
            building.leave_out("status_id", "a lead status that is not known here")

    def _add_amount(self, lead: dict[str, Any], building: _Building) -> None:
        """Take over an amount; one in another currency would be a lie."""
        unit = lead.get("monetary_unit")
        is_other = isinstance(unit, str) and tidy(unit).upper() not in ("", self._settings.currency)
        if lead.get("monetary_value") is not None and is_other:
            ours = self._settings.currency
            text = f"no value: it is in {quoted(unit)}, and this account counts in {ours}"
            building.leave_out("monetary_value", text)
        else:
            building.properties["monetary_value"] = lead.get("monetary_value")

    def _add_custom_fields(self, lead: dict[str, Any], building: _Building) -> None:
        entries = lead.get(_CUSTOM)
        for entry in entries if isinstance(entries, list) else []:
            if not isinstance(entry, dict):
                continue
            definition_id, value = entry.get("custom_field_definition_id"), entry.get("value")
            if type(definition_id) is not int:
                continue
            if (field := self._fields.get(definition_id)) is not None:
                name = custom_name(field.id)
                building.properties[name] = self._value(definition_id, field, value, building)
            elif not _is_unset(value):
                definition = self._definitions.get(definition_id)
                label = quoted(definition.name if definition else definition_id)
                building.remark(f"a value of the custom field {label}, which is not here")

    def _value(
        self, definition_id: int, field: CustomField, value: Any, building: _Building
    ) -> Any:
        if field.data_type is DataType.DATE:
            is_moment = type(value) is int or isinstance(value, float)
            return _day(value, self._copper.zone) if is_moment else value
        if field.data_type not in TYPES_WITH_OPTIONS or is_empty(value):
            return value
        known = self._options[definition_id]
        chosen = value if isinstance(value, list) else [value]
        ours = [known[one] for one in chosen if isinstance(one, int) and one in known]
        if len(ours) < len(chosen):
            text = f"an option of the custom field {quoted(field.name)} that is not known here"
            building.leave_out(custom_name(field.id), text)
        if field.data_type is DataType.MULTI_SELECT:
            return sorted(set(ours))
        return ours[0] if ours else None

    def _keep_to_the_rules(self, building: _Building) -> None:
        """Cut or leave out what our rules refuse, and nothing else."""
        if not self._problems(building.properties):
            return
        for name, value in list(building.properties.items()):
            problems = self._problems({name: value})
            if not problems:
                continue
            field = name
            if name.startswith(f"{_CUSTOM}."):
                field = f"the custom field {quoted(self._field_name(name))}"
            kept = self._kept(name, value)
            done = "was left out" if kept is None else "was cut"
            building.remark(f"{field} {done}: it {_reason(problems[0])}")
            if kept is None:
                del building.properties[name]
            else:
                building.properties[name] = kept

    def _kept(self, name: str, value: Any) -> Any:
        """Return what can be kept of a value; None for nothing."""
        if isinstance(value, list) and name in LIST_FIELDS:
            entries = [one for one in value if not self._problems({name: [one]})]
            return entries[: TAGS_MAX if name == "tags" else LIST_ENTRIES_MAX] or None
        if isinstance(value, str) and name in _CUT_AT:
            cut = value[: _CUT_AT[name]]
            return None if self._problems({name: cut}) else cut
        return None

    def _problems(self, properties: dict[str, Any]) -> list[Problem]:
        patch, problems = lead_patch(api_properties(properties), "properties")
        more = checked(patch, self._settings).problems if patch is not None else []
        return [*problems, *more]

    def _field_name(self, name: str) -> str:
        definition_id = int(name.removeprefix(f"{_CUSTOM}."))
        return self._settings.fields_by_id[definition_id].name


class _Building(NamedTuple):
    """A lead as far as it is mapped."""

    properties: dict[str, Any]
    left_out: list[str]
    #: In order, each once.
    remarks: dict[str, None]

    def leave_out(self, name: str, remark: str) -> None:
        self.left_out.append(name)
        self.remark(remark)

    def remark(self, text: str) -> None:
        self.remarks[text] = None


def _names(lead: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a name where they make it, or else the name, which is split again."""
    name = lead.get("name")
    parts = {part: lead.get(part) or None for part in NAME_PARTS}
    if not isinstance(name, str) or is_blank(name):
        email = lead.get("email")
        address = email.get("email") if isinstance(email, dict) else email
        others = (lead.get("company_name"), address, f"Copper lead {lead['id']}")
        return {"name": next(one for one in others if isinstance(one, str) and not is_blank(one))}
    are_texts = all(one is None or isinstance(one, str) for one in parts.values())
    is_made_of_them = are_texts and fold(join_name(parts)) == fold(name)
    return dict(parts) if is_made_of_them else {"name": name}


def _id(lead: dict[str, Any], name: str) -> int | None:
    value = lead.get(name)
    return value if type(value) is int else None


def _mapped_ids(theirs: Any, ours: dict[str, int]) -> dict[int, int]:
    return {one.id: ours[fold(one.name)] for one in theirs if fold(one.name) in ours}


def _mapped_options(theirs: Any, field: CustomField) -> dict[int, int]:
    ours = {tidy(option.name): option.id for option in field.options}
    return {one.id: ours[tidy(one.name)] for one in theirs if tidy(one.name) in ours}


def _day(seconds: Any, zone: ZoneInfo | None) -> Any:
    """Return the day that Copper means by a moment: it is a midnight somewhere.

    What is no moment is returned as it is, for the rules to refuse.
    """
    is_number = type(seconds) is int or isinstance(seconds, float)
    if not is_number or not 0 <= abs(seconds) <= UNIX_SECONDS_MAX:
        return seconds
    zones = (zone or UTC, _PACIFIC, UTC)
    at = (datetime.fromtimestamp(seconds, one) for one in zones)
    try:
        midnight = next((one for one in at if (one.hour, one.minute) == (0, 0)), None)
        return midnight.date().isoformat() if midnight else day_of(seconds, zones[0])
    except (ValueError, OverflowError, OSError, ValueInvalid):
        return seconds


def _reason(problem: Problem) -> str:
    """Return what is wrong with a value without the value, which may be a person's."""
    return {
        "too_long": "is too long or has too many entries",
        "not_a_number": "is not a number",
        "blank": "is blank",
    }.get(problem.symbol, "does not follow the rules of onelead")
