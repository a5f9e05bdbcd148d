"""Bulk upsert: a receipt for each line, of JSON Lines without end or of one JSON array."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, structs
from starlette.responses import Response

from onelead.api.answers import JsonResponse
from onelead.api.bulk.stream import LineStream
from onelead.api.call import Call
from onelead.api.endpoints import DRY_RUN, IDEMPOTENCY_KEY, OBSERVED_AT, Endpoint
from onelead.api.examples import ANSWERED_LEAD, UPSERT
from onelead.api.lead_endpoints import UpsertRequest
from onelead.api.lead_writes import Done, written
from onelead.api.leads import recorded
from onelead.domain.api_keys.purposes import KeyScope
from onelead.domain.errors import (
    BodyMalformed,
    BodyTooLarge,
    InputInvalid,
    MatchAmbiguous,
    OneleadError,
    Problem,
    StoreUnavailable,
)
from onelead.domain.limits import (
    BULK_ARRAY_LINES_MAX,
    BULK_CHECKED_AT_ONCE_MAX,
    IDEMPOTENCY_KEY_CHARS_MAX,
)
from onelead.domain.text import quoted
from onelead.domain.writes import Action, LeadWrite, Outcome, WriteResult
from onelead.files.imports.rehearsal import Rehearsal
from onelead.incoming.json_lines import Line
from onelead.incoming.lead_json import upsert_write

_JSON = "application/json"
#: Both name the idempotency key of a line.
_KEY_MEMBERS = ("key", "Idempotency-Key")
_TOO_MANY = f"Request size too large, limit is {BULK_ARRAY_LINES_MAX}"
_encode = msgspec.json.Encoder().encode

LineKey = Annotated[
    Annotated[str, Meta(min_length=1, max_length=IDEMPOTENCY_KEY_CHARS_MAX)] | UnsetType,
    Meta(
        description="The idempotency key of this line; `Idempotency-Key` is the same. Without one, "
        "the key in the header of the call counts, together with the number of the line."
    ),
]


class UpsertLine(UpsertRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line: what to look for, and what to write."""

    key: LineKey = UNSET


class BulkUpsertRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The lines as JSON, up to a thousand. They can also be sent as the list alone."""

    leads: Annotated[list[UpsertLine], Meta(max_length=BULK_ARRAY_LINES_MAX)]


class LineReceipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one line. Members that say nothing are left out."""

    line: Annotated[int, Meta(ge=1, description="Its number, from 1; empty lines count.")]
    outcome: Annotated[
        str,
        Meta(
            description="`created`, `updated`, `unchanged` or `refused`; of the last line of an "
            "answer that ends early `not_written`, or `unknown` when the database did not answer."
        ),
    ]
    id: Annotated[int | UnsetType, Meta(description="The lead.")] = UNSET
    version: int | UnsetType = UNSET
    changed: Sequence[str] | UnsetType = UNSET
    matches: Annotated[
        int | UnsetType, Meta(description="How many leads matched; 31 means more than 30.")
    ] = UNSET
    ledger_row: int | UnsetType = UNSET
    ignored: Annotated[Sequence[str], Meta(description="What no lead takes.")] = ()
    kept: Annotated[dict[str, str], Meta(description="The fields that stay, and why.")] = {}
    shares: Annotated[
        dict[str, Sequence[int]],
        Meta(description="The other leads that have a value which this lead was given."),
    ] = {}
    replayed: Annotated[bool, Meta(description="It was done before, with the same key.")] = False
    message: str | UnsetType = UNSET
    ids: Annotated[Sequence[int], Meta(description="The leads that matched, up to 30.")] = ()


@recorded(Action.UPSERT)
async def bulk_upsert_leads(call: Call) -> Response:
    """Upsert any number of leads, a line each.

    The body is JSON Lines: each line is the body of an upsert, and can have a `key`, which is its
    idempotency key. The answer is JSON Lines, too: a receipt for each line, in order, as soon as
    the line is committed. A line that is refused, or is no JSON, does not stop the others. Both
    directions are streamed, so read the answer while you send, or send up to 5,000 lines a call.
    When the connection breaks, send all lines again with the same keys. Up to 1,000 lines can also
    be sent as a JSON array, and are answered as one. All lines are one batch, named by Lead-Batch,
    which can be undone.
    """
    is_dry_run, problems = call.dry_run()
    if problems:
        raise InputInvalid(*problems)
    taker = _Rehearsed(call) if is_dry_run else _Written(call)
    media_type = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _JSON:
        return await _answered_at_once(call, taker)
    return await _streamed(call, taker)


async def _streamed(call: Call, taker: _Written) -> Response:
    ends = ExitStack()
    ends.callback(taker.close)
    ends.enter_context(call.runtime.bulk_streams.taken(call.account_id))
    try:
        stream = LineStream(call.lines(), taker, ends.close)
        if await stream.begin():
            stream.headers.update(taker.headers)
    except BaseException:
        ends.close()
        raise
    return stream


async def _answered_at_once(call: Call, taker: _Written) -> Response:
    lines = await call.json_lines()
    if len(lines) > BULK_ARRAY_LINES_MAX:
        problem = Problem("leads", _TOO_MANY, "too_long")
        write = LeadWrite(Action.UPSERT, call.delivery(), problems=(problem,))
        return await written(call, write)
    with closing(taker):
        done = await asyncio.gather(*await taker.take(lines))
    receipts = [line_receipt(line, one) for line, one in zip(lines, done, strict=True)]
    return JsonResponse(receipts, headers=taker.headers if lines else {})


class _Written:
    """Has the lines of a call written."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.headers = {"Lead-Batch": call.request_id}

    async def take(self, lines: Sequence[Line]) -> Sequence[asyncio.Future[Any]]:
        """See LinesTaker."""
        call = self._call
        return await call.runtime.writer.accept_bulk(call.account_id, await self._writes(lines))

    async def _writes(self, lines: Sequence[Line]) -> list[LeadWrite]:
        # A call may last longer than its key.
        await self._call.look_again()
        writes = []
        for number, line in enumerate(lines, 1):
            writes.append(_line_write(self._call, line))
            if number % BULK_CHECKED_AT_ONCE_MAX == 0:
                # Others have a turn.
                await asyncio.sleep(0)
        return writes

    def close(self) -> None:
        """Do nothing: what was accepted is written."""

    def receipt(self, line: Line, done: Any) -> bytes:
        """See LinesTaker."""
        return _encode(line_receipt(line, done))

    def last_line(self, number: int, error: OneleadError) -> bytes:
        """See LinesTaker."""
        is_unknown = isinstance(error, StoreUnavailable)
        outcome = "unknown" if is_unknown else "not_written"
        return _encode(LineReceipt(line=number, outcome=outcome, message=error.message))


class _Rehearsed(_Written):
    """Plans the lines of a dry run, each after those before it."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.headers = {"Lead-Dry-Run": "true"}
        self._rehearsal = Rehearsal(call.runtime.store, call.account_id)
        self._planning: asyncio.Future[list[WriteResult]] | None = None

    async def take(self, lines: Sequence[Line]) -> Sequence[asyncio.Future[Any]]:
        """See LinesTaker."""
        answers = []
        writes = await self._writes(lines)
        self._planning = asyncio.ensure_future(self._rehearsal.plan(writes))
        for result in await asyncio.shield(self._planning):
            answer = asyncio.get_running_loop().create_future()
            answer.set_result(Done(result, self._rehearsal.settings, None))
            answers.append(answer)
        return answers

    def close(self) -> None:
        """Forget what was planned, as soon as nothing is: the client may have left meanwhile."""
        if self._planning is None or self._planning.done():
            self._rehearsal.close()
        else:
            self._planning.add_done_callback(lambda _planned: self._rehearsal.close())


def _line_write(call: Call, line: Line) -> LeadWrite:
    try:
        body = line.decoded()
    except (BodyMalformed, BodyTooLarge) as error:
        received = line.received()
        delivery = structs.replace(
            call.line_delivery(received.start_as_json(), line.number, None),
            unread_bytes=received.size_bytes,
            idempotency=None,
        )
        return LeadWrite(Action.UPSERT, delivery, unread=error.with_traceback(None))
    given = [body.pop(name) for name in _KEY_MEMBERS if name in body]
    if not given:
        return upsert_write(body, call.line_delivery(line.text.decode(), line.number, None))
    key, problems = _key_from(given)
    # Without the key, so that a refused line can be applied from the ledger.
    delivery = call.line_delivery(_encode(body).decode(), line.number, key)
    write = upsert_write(body, delivery)
    return structs.replace(write, problems=(*problems, *write.problems)) if problems else write


def _key_from(given: Sequence[Any]) -> tuple[str | None, tuple[Problem, ...]]:
    key = given[0]
    if len(given) > 1:
        return None, (Problem("key", "is sent twice, as key and as Idempotency-Key"),)
    if isinstance(key, str) and 1 <= len(key) <= IDEMPOTENCY_KEY_CHARS_MAX:
        return key, ()
    text = f"must be a text of 1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters, not {quoted(key)}"
    return None, (Problem("key", text),)


def line_receipt(line: Line, done: Any) -> LineReceipt:
    """Return the receipt of a line."""
    result, seq = done.result, done.seq or UNSET
    match = UNSET if result.match is None else result.match.matches
    refusal = Done(result, done.settings, done.seq).refusal
    replayed = result.replayed_seq is not None
    if refusal is not None:
        return LineReceipt(
            line=line.number,
            outcome=Outcome.REFUSED,
            matches=match,
            ledger_row=seq,
            replayed=replayed,
            message=refusal.message,
            ids=refusal.ids if isinstance(refusal, MatchAmbiguous) else (),
        )
    kept = result.details.kept if result.details is not None else {}
    return LineReceipt(
        line=line.number,
        outcome=result.outcome,
        id=result.lead.id,
        version=result.lead.version,
        changed=list(result.changes),
        matches=match,
        ledger_row=seq,
        ignored=result.ignored,
        kept={name: one.reason for name, one in kept.items()},
        shares=result.shares,
        replayed=replayed,
    )


_ID = ANSWERED_LEAD.id

ENDPOINTS = (
    Endpoint(
        *("PUT", "/leads/bulk_upsert", bulk_upsert_leads, "Leads"),
        *(BulkUpsertRequest, list[LineReceipt], (UpsertLine, LineReceipt)),
        scope=KeyScope.DELIVER,
        parameters=(DRY_RUN, IDEMPOTENCY_KEY, OBSERVED_AT),
        example={"leads": [{**UPSERT, "key": "fair-2026-1"}, UPSERT]},
        answer=[
            LineReceipt(
                line=1,
                outcome=Outcome.CREATED,
                id=_ID,
                version=1,
                changed=("name", "email"),
                matches=0,
                ledger_row=17,
            ),
            LineReceipt(
                line=2,
                outcome=Outcome.REFUSED,
                matches=2,
                ledger_row=18,
                message=MatchAmbiguous((_ID, _ID + 1)).message,
                ids=(_ID, _ID + 1),
            ),
        ],
        headers=("Lead-Batch", "Lead-Dry-Run"),
        refusals=(InputInvalid(Problem("leads", _TOO_MANY)),),
        is_copper=False,
    ),
)
