"""Which leads an upsert finds: by its match, a ruling, or what its properties give."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from onelead.domain.account import AccountSettings
from onelead.domain.acts.facts import Combination
from onelead.domain.acts.state import LeadState
from onelead.domain.errors import (
    InputInvalid,
    OneleadError,
    PreconditionFailed,
    Problem,
    VersionConflict,
)
from onelead.domain.lead import Lead
from onelead.domain.limits import MATCH_IDS_MAX, RETRY_AFTER_S
from onelead.domain.matching import CheckedMatch, MatchKey, claim_key, lead_keys, value_keys
from onelead.domain.writes import CheckedWrite, LeadWrite, MatchResult

#: In the key of a name that may have had another one; of a long name, the key has only a digest.
_CHANGED_NAME = re.compile("^ |['-]")


class Found(NamedTuple):
    """The leads that an upsert found."""

    match: CheckedMatch
    #: What the leads were found by: one key, or the keys of a step with several values.
    keys: Sequence[MatchKey]
    #: Ascending.
    ids: list[int]
    by: str | None = None
    #: Of several steps: the one that decided, counted from 1.
    step: int | None = None


def found_by(state: LeadState, write: CheckedWrite) -> Found:
    """Return the leads of the first step that finds any.

    A step looks for its own values first, and then for those that the properties give the same
    fields. So the lead that an upsert has written is found by the same step, or by an earlier one,
    when it is sent again.
    """
    assert write.match is not None
    if not write.steps:
        return _found_by_value(state, write.match)
    for number, step in enumerate(write.steps, 1):
        found = _found_by_value(state, step[0]) if len(step) == 1 else _found_by_all(state, step)
        if found.ids:
            return found._replace(step=number)
    return Found(write.match, [write.match.key], [])


def _found_by_value(state: LeadState, match: CheckedMatch) -> Found:
    ids = state.matching(match.key)
    if not ids and match.key_by_properties is not None:
        ids = state.matching(match.key_by_properties)
        if ids:
            return Found(match, [match.key_by_properties], ids, "properties")
    return Found(match, [match.key], ids)


def _found_by_all(state: LeadState, step: Sequence[CheckedMatch]) -> Found:
    for combination, by in zip(combinations_of(step), (None, "properties"), strict=False):
        if ids := state.matching_all(combination):
            return Found(step[0], [key for keys in combination for key in keys], ids, by)
    return Found(step[0], [one.key for one in step], [])


def told_match(found: Found, named: tuple[int, ...], by: str | None) -> MatchResult:
    """Return what the receipt and the ledger say about a match; `named` are the ids to list."""
    match = found.match
    return MatchResult(
        match.field_name,
        found.keys[0].value,
        min(len(found.ids), MATCH_IDS_MAX + 1),
        named,
        by,
        match.definition.id if match.definition else None,
    )


def chosen_of(state: LeadState, request: LeadWrite, found: Found) -> tuple[int | None, str | None]:
    """Return which of several leads is meant, and by what; None if only people can tell."""
    meant = {claimant(state, key, found.ids) for key in found.keys} - {None}
    if len(found.keys) > 1:
        # A ruling on one value is no ruling on all of them.
        meant &= {*found.ids}
    if len(meant) == 1:
        return meant.pop(), "ruling"
    if request.on_ambiguous == "refuse" or len(found.ids) > MATCH_IDS_MAX:
        return None, None
    chosen = found.ids[0 if request.on_ambiguous == "oldest" else -1]
    return chosen, request.on_ambiguous


def claimant(state: LeadState, key: MatchKey, ids: Sequence[int]) -> int | None:
    """Return the lead that deliveries by a value mean by a ruling."""
    claimants = {*state.matching(claim_key(key))}
    for lead_id in ids:
        lead = state.lead(lead_id)
        if lead is not None and lead.other_values and _claims(lead, key, state.settings):
            claimants.add(lead_id)
    return claimants.pop() if len(claimants) == 1 else None


def is_certain(
    state: LeadState, write: CheckedWrite, found: Found, lead: Lead | None, ids: Sequence[int]
) -> bool:
    """Return whether older leads whose keys are not rebuilt can make no difference.

    Only the rules of e-mails have changed, and those of names with apostrophes and hyphens. One
    lead that has the keys by today's rules is the one that is meant, if no earlier step could have
    found another one.
    """
    last = found.step or len(write.steps) + 1
    earlier = (one for step in write.steps[: last - 1] for one in step)
    if any(_may_have_changed(one.key) for one in earlier):
        return False
    changed = [key for key in found.keys if _may_have_changed(key)]
    if len(ids) > 1 or not changed:
        return True
    has = lead_keys(lead, state.settings) if lead is not None else set()
    return {key.field for key in changed} == {key.field for key in changed if key in has}


def _may_have_changed(key: MatchKey) -> bool:
    is_name = key.field == "name" and _CHANGED_NAME.search(key.value) is not None
    return is_name or key.field == "email"


def combinations_of(step: Sequence[CheckedMatch]) -> list[Combination]:
    """Return what a lead has to have to be found by a step with several values.

    The second, if there is one, allows for each value the one that the properties give its field.
    """
    own = tuple((one.key,) for one in step)
    given = tuple(
        (one.key,) if one.key_by_properties is None else (one.key, one.key_by_properties)
        for one in step
    )
    return [own] if own == given else [own, given]


def _claims(lead: Lead, key: MatchKey, settings: AccountSettings) -> bool:
    return any(
        value.claims and key in value_keys(value, settings) for value in lead.other_values.values()
    )


def keys_stale() -> InputInvalid:
    """Return the refusal of an upsert while match keys are being rebuilt."""
    text = "names and e-mails are being indexed again after an upgrade; try again shortly"
    return InputInvalid(Problem("match", text, "building"), retry_after_s=RETRY_AFTER_S)


def precondition_refusal(request: LeadWrite, found: Lead | None) -> OneleadError | None:
    """Return why an upsert may not write what it found; None if it may."""
    if found is None:
        text = "No lead matches, and the call was only to update one"
        return PreconditionFailed(text) if request.only == "update" else None
    if request.only == "create":
        return PreconditionFailed("A lead matches, and the call was only to create one")
    is_other = request.expected_version not in (None, found.version)
    return VersionConflict(found.version) if is_other else None
