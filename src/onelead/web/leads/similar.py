"""The question before a lead is saved that may be another one, or whose e-mail is no address.

It is about facts, such as that lead 1000000012 has the same e-mail. The form that answers "save all
the same" sends the facts back, so the question is asked again only when there are new ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus

from msgspec import Struct
from starlette.responses import Response

from onelead.domain.account import AccountSettings
from onelead.domain.emails import email_keys
from onelead.domain.errors import StoreUnavailable
from onelead.domain.lead import Lead, custom_name
from onelead.domain.limits import MATCH_IDS_MAX
from onelead.domain.matching import MatchKey, SimilarKeys, lead_keys, similar_keys
from onelead.domain.phones import phone_digits
from onelead.domain.search import LeadSearch
from onelead.domain.text import isolated, shortened
from onelead.domain.writes import LeadWrite, WriteResult
from onelead.web.frame.forms import Form
from onelead.web.frame.visit import Visit
from onelead.web.words.lead_texts import custom_field_of, field_label, field_text
from onelead.web.words.ledger_lines import LongText
from onelead.web.words.links import leads_href

#: The button that leads back to the form, and the inputs that accept facts.
BACK, _ACCEPTED, _ACCEPTED_EMAIL = "back", "accepted", "accepted_email"
#: What the form of the question adds to what was typed.
_OWN = frozenset({"csrf", "form_id", BACK, _ACCEPTED, _ACCEPTED_EMAIL})
_SHOWN_MAX = 5
_TOO_MANY = f"more than {MATCH_IDS_MAX}"
#: By match key: what two people may have in common, too.
_HINTS = {"phone": "the same or a similar phone number", "name": "the same name"}

#: By field, or match key of a hint: the other leads.
Others = Mapping[str, Sequence[int]]


class Finding(Struct, frozen=True):
    """A sentence about the leads that have something in common with the one that is saved."""

    text: str
    #: The list of all of them, when the question does not show them all.
    href: str = ""


class ValueLine(Struct, frozen=True):
    """A value of a lead; `mark` is `same` or `similar` if it is one that would be saved."""

    label: str
    text: LongText
    mark: str = ""


class SimilarLead(Struct, frozen=True):
    """A lead that may be the same person."""

    lead: Lead
    has_same_name: bool
    lines: Sequence[ValueLine]


class Question(Struct, frozen=True, kw_only=True):
    """What the user is asked before a lead is saved."""

    #: The lead as it would be saved, in a few words.
    subject: str
    findings: Sequence[Finding]
    #: Whether upserts would be refused because several leads have a value.
    has_shared: bool
    #: The first of the other leads.
    leads: Sequence[SimilarLead]
    #: What is wrong with the e-mail; empty for nothing.
    email_doubt: str
    #: The names and values of the inputs that accept all this.
    accepted: Sequence[tuple[str, str]]


class _Facts(Struct, frozen=True):
    """What a write would bring about, and may not be meant to."""

    #: As it would be saved.
    lead: Lead
    settings: AccountSettings
    #: The match keys that it would get, and those of other leads that may be the same person.
    gained: Collection[MatchKey]
    similar: Sequence[SimilarKeys]
    #: Certain ones first.
    others: Others
    #: A new e-mail that is not one address.
    odd_email: str

    @property
    def accepted(self) -> list[tuple[str, str]]:
        """The inputs of a form that accepts the facts."""
        found = [(_ACCEPTED, f"{name} {' '.join(_ids(ids))}") for name, ids in self.others.items()]
        return found + ([(_ACCEPTED_EMAIL, self.odd_email)] if self.odd_email else [])

    def are_accepted(self, form: Form) -> bool:
        """Return whether a form accepts them all."""
        accepted = [text.partition(" ") for text in form.all(_ACCEPTED)]
        ids_by_name = {name: set(ids.split()) for name, _, ids in accepted}
        return self.odd_email in ("", form.raw(_ACCEPTED_EMAIL)) and all(
            ids_by_name.get(name, set()).issuperset(_ids(ids)) for name, ids in self.others.items()
        )


def _ids(ids: Sequence[int]) -> list[str]:
    return [str(one) for one in ids] if len(ids) <= MATCH_IDS_MAX else [f"{MATCH_IDS_MAX}+"]


async def question_about(
    visit: Visit, write: LeadWrite, before: Lead | None, form: Form
) -> Question | None:
    """Return what to ask before a write; None when there is nothing, or the form answers it.

    `before` is the lead that the write changes: only what it changes is asked about.
    """
    facts = await _facts(visit, write, before)
    if facts is None or facts.are_accepted(form):
        return None
    first = dict.fromkeys(lead_id for ids in facts.others.values() for lead_id in ids)
    leads = await _leads(visit, list(first)[:_SHOWN_MAX])
    return Question(
        subject=_subject(facts.lead),
        findings=[_finding(name, ids, facts) for name, ids in facts.others.items()],
        has_shared=not facts.others.keys() <= _HINTS.keys(),
        leads=[_similar_lead(lead, facts) for lead in leads],
        email_doubt=_email_doubt(facts.odd_email, facts.settings),
        accepted=facts.accepted,
    )


async def _facts(visit: Visit, write: LeadWrite, before: Lead | None) -> _Facts | None:
    check = await visit.store.plan_write(visit.account_id, write)
    result, settings = check.result, check.settings
    if result.lead is None or not result.changes:
        return None
    gained = lead_keys(result.lead, settings) - (lead_keys(before, settings) if before else set())
    similar = [one for key in gained if (one := similar_keys(key, settings)) is not None]
    # Another category of the e-mail is a change, but no new value.
    names = {settings.names_by_key_field.get(key.field, key.field) for key in gained}
    others = {name: ids for name, ids in result.shares.items() if name in names}
    return _Facts(
        lead=result.lead,
        settings=settings,
        gained=gained,
        similar=similar,
        others=others | await _similar_ids(visit, similar, result.lead.id, before),
        odd_email=_odd_email(before, result.lead, settings),
    )


async def _similar_ids(
    visit: Visit, similar: Sequence[SimilarKeys], own_id: int, before: Lead | None
) -> dict[str, Sequence[int]]:
    # More than are counted, by the lead itself, which may have had a similar number.
    limit = MATCH_IDS_MAX + 2
    found = await visit.store.similar_lead_ids(visit.account_id, similar, limit=limit)
    ids: dict[str, set[int]] = {name: set() for name in _HINTS}
    for keys, lead_ids in zip(similar, found, strict=True):
        ids[keys.field].update(lead_ids)
    not_meant = {own_id} | await _other_persons(visit, before, ids)
    return {name: sorted(some) for name, all_ids in ids.items() if (some := all_ids - not_meant)}


async def _other_persons(visit: Visit, lead: Lead | None, ids: Mapping[str, set[int]]) -> set[int]:
    """Return the leads of which people said that they are not the same person as the lead."""
    if lead is None or not any(ids.values()):
        return set()
    wanted = {lead.id}.union(*ids.values())
    pairs = await visit.store.distinct_pairs(visit.account_id, wanted)
    return {one for pair in pairs if lead.id in pair[:2] for one in pair[:2]}


def _odd_email(before: Lead | None, after: Lead, settings: AccountSettings) -> str:
    had, email = before.email if before else None, after.email
    if email is None or (had is not None and had.email == email.email):
        return ""
    is_one = len(email_keys(email.email)) == 1 and not settings.placeholders.have(email.email)
    return "" if is_one else email.email


def _subject(lead: Lead) -> str:
    email = [lead.email.email] if lead.email else []
    phones = [phone.number for phone in lead.phone_numbers[:1]]
    return ", ".join(isolated(text) for text in (lead.name, *email, *phones))


def _email_doubt(text: str, settings: AccountSettings) -> str:
    if not text:
        return ""
    shown = f"“{isolated(shortened(text))}”"
    count = len(email_keys(text))
    if settings.placeholders.have(text):
        return f"{shown} is a placeholder. It is better to leave the e-mail empty."
    if count:
        return (
            f"{shown} has {count} e-mail addresses. Deliveries find the lead by each of them, "
            "but not by all of them in one text."
        )
    return f"{shown} does not look like an e-mail address. Deliveries will not find the lead by it."


def _finding(name: str, ids: Sequence[int], facts: _Facts) -> Finding:
    count = len(ids) if len(ids) <= MATCH_IDS_MAX else _TOO_MANY
    who = "Another lead has" if count == 1 else f"{str(count).capitalize()} other leads have"
    href = _list_href(name, facts) if len(ids) > _SHOWN_MAX else ""
    if name in _HINTS:
        return Finding(f"{who} {_HINTS[name]} and may be the same person.", href)
    return Finding(f"{who} the same {_label(name, facts.settings)}.", href)


def _label(name: str, settings: AccountSettings) -> str:
    """Return the label of a field inside a sentence."""
    label = field_label(name, settings)
    return isolated(label) if custom_field_of(name, settings) else label.lower()


def _list_href(name: str, facts: _Facts) -> str:
    """Return the address of the list of all leads with a new value; empty without such a filter."""
    if name == "phone":
        return ""
    names = facts.settings.names_by_key_field
    values = (key.value for key in facts.gained if names.get(key.field, key.field) == name)
    return leads_href(name, custom_field_of(name, facts.settings), next(values))


async def _leads(visit: Visit, ids: Sequence[int]) -> list[Lead]:
    """Return leads in the order of `ids`; a lead that was just deleted is left out."""
    search = LeadSearch(ids=tuple(ids), limit=_SHOWN_MAX)
    found = await visit.store.search_leads(visit.account_id, search, now=visit.now)
    return sorted(found.leads, key=lambda lead: ids.index(lead.id))


def _similar_lead(lead: Lead, facts: _Facts) -> SimilarLead:
    settings = facts.settings
    shared = {name for name, ids in facts.others.items() if lead.id in ids}
    email = lead.email.email if lead.email else ""
    lines = [
        ValueLine("E-mail", LongText(email), "same" if "email" in shared else ""),
        *_phone_lines(lead, facts),
        *(
            ValueLine(field.name, LongText(str(lead.custom_fields[field.id])), "same")
            for field in settings.lead_fields
            if custom_name(field.id) in shared and field.id in lead.custom_fields
        ),
        ValueLine("Company", LongText(lead.company_name or "")),
        ValueLine("Status", LongText(field_text("status_id", lead.status_id, settings))),
    ]
    return SimilarLead(lead, "name" in shared, [line for line in lines if line.text.text])


def _phone_lines(lead: Lead, facts: _Facts) -> list[ValueLine]:
    """Return the numbers that may be one that would be saved; without any, the first number."""
    lines = []
    for phone in lead.phone_numbers:
        key = MatchKey("phone", phone_digits(phone.number)[::-1])
        is_similar = any(one.field == "phone" and one.have(key.value) for one in facts.similar)
        mark = "same" if key in facts.gained else "similar" if is_similar else ""
        lines.append(ValueLine("Phone", LongText(phone.number), mark))
    return [line for line in lines if line.mark] or lines[:1]


def question_page(
    visit: Visit, question: Question, form: Form, lead: Lead | None = None, back: str = ""
) -> Response:
    """Ask; the form of the page sends everything again. A new lead has no `lead` yet.

    `back` is the address that the way back to the form is sent to.
    """
    return visit.page(
        "leads/similar.html",
        HTTPStatus.CONFLICT,
        question=question,
        lead=lead,
        back=back,
        kept=[pair for pair in form.fields if pair[0] not in _OWN],
    )


async def shares_text(visit: Visit, result: WriteResult) -> str:
    """Say in sentences with which leads a lead that was just written shares values."""
    if not result.shares:
        return ""
    first = [ids[0] for ids in result.shares.values()][:_SHOWN_MAX]
    names: dict[int, str] = {}
    # The lead is written, whether or not the names of others can be read.
    with suppress(StoreUnavailable):
        names = {lead.id: isolated(lead.name) for lead in await _leads(visit, first)}
    sentences = (
        f"Its {_label(name, visit.settings)} is also that of {_who(ids, names)}."
        for name, ids in result.shares.items()
    )
    return " ".join(sentences)


def _who(ids: Sequence[int], names: Mapping[int, str]) -> str:
    if len(ids) > MATCH_IDS_MAX:
        return f"{_TOO_MANY} other leads"
    name = names.get(ids[0], f"lead {ids[0]}")
    more = len(ids) - 1
    return f"{name} and {more} other lead{'' if more == 1 else 's'}" if more else name
