"""Try it: an upsert to check or to send, with the command that does the same."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField
from onelead.domain.errors import BodyMalformed, MatchAmbiguous, OneleadError, ResourceNotFound
from onelead.domain.matching import is_matchable
from onelead.domain.search import LeadSearch
from onelead.domain.text import known_id
from onelead.domain.writes import LeadWrite, WriteResult
from onelead.incoming.api_calls import BASE_PATH, upsert_command
from onelead.incoming.json_body import decode_object
from onelead.incoming.lead_json import upsert_write
from onelead.incoming.receipts import receipt_headers
from onelead.incoming.statuses import STATUS_BY_KIND, retry_after_s
from onelead.web.frame.forms import Form, in_one_form
from onelead.web.frame.pages import Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, problems_of
from onelead.web.try_it.examples import examples, field_values
from onelead.web.try_it.form import (
    Values,
    body_of,
    body_text,
    custom_input,
    form_of,
    matched_definition,
    values_of,
)
from onelead.web.words.comparison import Comparison, comparison
from onelead.web.words.ledger_lines import ChangeLine, change_lines, match_text
from onelead.web.words.ledger_rows import decoded, is_upsert, pretty, visible_row
from onelead.web.words.links import matching_leads_href

_YOUR_KEY = "YOUR_KEY"
_START: Values = {"by": ["email"]}


class Draft(Struct, frozen=True):
    """An upsert that is being written: as the fields of the form, or as JSON."""

    is_json: bool
    #: The body as it would be sent.
    text: str
    form: Form


class Tried(Struct, frozen=True):
    """What an upsert did, or would do."""

    result: WriteResult
    settings: AccountSettings
    #: Its ledger number; None for a check.
    seq: int | None
    status: int
    #: What an API client would have received.
    headers: dict[str, str]
    changes: tuple[ChangeLine, ...]
    match: str
    #: The leads that match, when there are several but not too many to name.
    compared: Comparison | None
    is_too_many: bool
    #: The list of all leads that match, if a filter can find them.
    leads_href: str
    #: The field of the match, when upserts cannot match by it now.
    unmatchable: CustomField | None


class Choices:
    """What the fields of the form offer."""

    def __init__(self, settings: AccountSettings, form: Form) -> None:
        self.fields = settings.lead_fields
        #: Those that the user has added to the form.
        self.asked = list(filter(None, map(known_id, form.all("more"))))
        filled = {field.id for field in self.fields if form.has(custom_input(field))}
        #: Those that have an input in the form.
        self.shown = in_one_form(self.fields, filled.union(self.asked))
        shown = {field.id for field in self.shown}
        more = [(field.id, field.name) for field in self.fields if field.id not in shown]
        self.more: list[tuple[int | str, str]] = [("", "Choose one"), *more] if more else []
        self.ready = [field for field in self.fields if is_matchable(field)]
        #: A match by one of these is refused, which users may want to see.
        self.refused = [field for field in self.fields if not is_matchable(field)]
        self.elsewhere = [field for field in settings.fields if not field.on_leads]
        self.sources = [("", ""), *((source.id, source.name) for source in settings.sources)]

    @staticmethod
    def options(field: CustomField) -> list[tuple[int | str, str]]:
        """Return the options of a Dropdown, after an empty one."""
        return [("", ""), *((option.id, option.name) for option in field.options)]


async def try_page(visit: Visit) -> Response:
    """Show the form, empty or filled as the address asks."""
    return _page(visit, await _asked_for(visit))


async def try_upsert(visit: Visit) -> Response:
    """Check, send or convert the upsert, as the pressed button says."""
    form, what = await visit.form(), (await visit.form()).get("do")
    draft = _draft(form, visit.settings)
    if what in ("json", "form"):
        return _switched(visit, draft, to_json=what == "json")
    if what not in ("check", "send"):
        return _page(visit, draft)
    try:
        body = decode_object(draft.text.encode())
        write = upsert_write(body, visit.delivery(draft.text.strip()))
        tried = await (_sent if what == "send" else _checked)(visit, write, body)
    except BodyMalformed as error:
        return _page(visit, draft, {"body": [error.message]}, status=HTTPStatus.BAD_REQUEST)
    except OneleadError as error:
        return _page(visit, draft, problems_of(error), status=STATUS_BY_KIND[error.kind])
    refusal = tried.result.refusal
    return _page(visit, draft, problems_of(refusal) if refusal else NO_PROBLEMS, tried=tried)


def _draft(form: Form, settings: AccountSettings) -> Draft:
    if form.get("mode") == "json":
        return Draft(is_json=True, text=form.raw("body"), form=form)
    return Draft(is_json=False, text=body_text(body_of(form, settings)), form=form)


def _of_text(text: str, settings: AccountSettings) -> Draft:
    """Make a draft of a body: in the form when that holds all of it, else as JSON."""
    values = values_of(decoded(text), settings)
    if values is not None:
        return _draft(form_of(values), settings)
    return Draft(is_json=True, text=pretty(text), form=Form([]))


async def _asked_for(visit: Visit) -> Draft:
    settings = visit.settings
    seq, field_id = known_id(visit.query("delivery")), known_id(visit.query("field"))
    if seq is not None:
        row = (await visible_row(visit, seq)).row
        if not is_upsert(row):
            raise ResourceNotFound
        return _of_text(row.payload, settings)
    if field_id and (field := settings.fields_by_id.get(field_id)):
        return _draft(form_of(field_values(field)), settings)
    chosen = {example.name: example.values for example in examples(settings)}
    return _draft(form_of(chosen.get(visit.query("example"), _START)), settings)


def _switched(visit: Visit, draft: Draft, *, to_json: bool) -> Response:
    if to_json:
        return _page(visit, Draft(is_json=True, text=draft.text, form=draft.form))
    other = _of_text(draft.text, visit.settings)
    if other.is_json:
        problem = "The form does not have a field for all of this, so it stays JSON."
        return _page(visit, draft, {"body": [problem]})
    return _page(visit, other)


async def _checked(visit: Visit, write: LeadWrite, body: dict[str, Any]) -> Tried:
    check = await visit.store.plan_write(visit.account_id, write)
    return await _tried(visit, check.result, check.settings, body)


async def _sent(visit: Visit, write: LeadWrite, body: dict[str, Any]) -> Tried:
    receipt = await visit.runtime.writer.write(visit.account_id, write)
    visit.line.wrote(receipt.result.outcome, receipt.seq, receipt.result.refusal)
    return await _tried(visit, receipt.result, receipt.settings, body, receipt.seq)


async def _tried(
    visit: Visit,
    result: WriteResult,
    settings: AccountSettings,
    body: dict[str, Any],
    seq: int | None = None,
) -> Tried:
    refusal = result.refusal
    ids = refusal.ids if isinstance(refusal, MatchAmbiguous) else ()
    compared = None
    if ids:
        search = LeadSearch(ids=ids, limit=len(ids))
        found = await visit.store.search_leads(visit.account_id, search, now=visit.now)
        compared = comparison(found.leads, ids, body.get("properties"), settings)
    match = msgspec.to_builtins(result.match) if result.match else None
    matched = matched_definition(body, settings)
    return Tried(
        result=result,
        settings=settings,
        seq=seq,
        status=STATUS_BY_KIND[refusal.kind] if refusal else HTTPStatus.OK,
        headers=_headers(visit, result, is_sent=seq is not None),
        changes=change_lines(result.changes, settings),
        match=match_text(match, settings) if match else "",
        compared=compared,
        is_too_many=isinstance(refusal, MatchAmbiguous) and not ids,
        leads_href=matching_leads_href(match, settings) if match else "",
        unmatchable=None if matched is None or is_matchable(matched) else matched,
    )


def _headers(visit: Visit, result: WriteResult, *, is_sent: bool) -> dict[str, str]:
    headers = receipt_headers(result)
    if result.refusal and (seconds := retry_after_s(result.refusal)) is not None:
        headers["Retry-After"] = str(seconds)
    return headers | ({"X-Request-Id": visit.line.request_id} if is_sent else {})


def _page(
    visit: Visit,
    draft: Draft,
    problems: Problems = NO_PROBLEMS,
    *,
    status: int = HTTPStatus.OK,
    tried: Tried | None = None,
) -> Response:
    settings = tried.settings if tried else visit.settings
    return visit.page(
        "try/try.html",
        status,
        draft=draft,
        form=draft.form,
        problems=problems,
        tried=tried,
        command=upsert_command(
            visit.base_url + BASE_PATH, visit.signed_in.user.email, _YOUR_KEY, draft.text.strip()
        ),
        settings=settings,
        choices=Choices(settings, draft.form),
        chosen=matched_definition(decoded(draft.text), settings),
        custom_input=custom_input,
        examples=examples(settings),
    )


PAGES = (
    Page("GET", "/try", try_page),
    Page("POST", "/try", try_upsert),
)
