"""Beginning an erasure, and its steps: each a short transaction that notes how far it is. Portable.

The leads go first, so that from then on nobody finds them. Their ledger rows wait until the figures
have counted them: the figures are sums over the ledger, and the erasure's own row takes the leads
out of the counts before it loses its changes, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from msgspec import Struct, structs
from sqlalchemy import (
    Connection,
    Row,
    Table,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from onelead.contract.erasures import Erasure, ErasureBy, ErasureRequest
from onelead.domain.account import AccountSettings
from onelead.domain.acts.erasure import (
    ErasureState,
    PersonValues,
    counted_changes,
    is_mentioned_in,
    values_of_row,
)
from onelead.domain.errors import InputInvalid, Problem, ResourceNotFound
from onelead.domain.lead import Lead, changes_between
from onelead.domain.limits import (
    ERASURE_CHUNK_ROWS,
    ERASURE_SEARCHED_ROWS,
    ERASURES_LISTED_MAX,
    LINE_CHARS_MAX,
)
from onelead.domain.matching import KEY_RULES, lead_keys
from onelead.domain.text import is_one_line, too_long
from onelead.domain.writes import LEAD, Action, Outcome
from onelead.storage.erasure.finding import (
    Finding,
    Person,
    find_person,
    own_rows,
    search_rows,
)
from onelead.storage.erasure.rows import erase_rows, forget_keys, read_rows, redact_rows
from onelead.storage.imports.contents import remove_all_files
from onelead.storage.lane import SAVE_LEADS, require_own_id, take_lane
from onelead.storage.leads.old_keys import old_keys
from onelead.storage.leads.rows import json_text
from onelead.storage.schema import (
    distinct_pair,
    erasure,
    figure_progress,
    lead,
    ledger,
    match_key,
    merged_lead,
    name_figure,
    sent_form,
)
from onelead.storage.settings.rows import load_settings

_read_ids = msgspec.json.Decoder(tuple[int, ...]).decode
_read_counts = msgspec.json.Decoder(dict[str, int]).decode
_read_person = msgspec.json.Decoder(PersonValues).decode


def begin_erasure(
    connection: Connection, account_id: int, now: int, request: ErasureRequest, by: ErasureBy
) -> Erasure:
    """Remove the leads and write the erasure. Raises ResourceNotFound, InputInvalid."""
    # Only then is it certain which leads there are, and under which settings.
    take_lane(connection, account_id, 0)
    settings = load_settings(connection, account_id)
    person = find_person(connection, settings, request)
    _require_reason(by.reason, person.values)
    rows = person.lead_ids or (None,)
    lane = take_lane(connection, account_id, len(rows))
    erasure_id, last_seq = lane.last_id + 1, lane.first_seq + len(rows) - 1
    require_own_id(account_id, erasure_id)
    connection.execute(
        SAVE_LEADS,
        {
            "key_account_id": account_id,
            "new_last_id": erasure_id,
            "more_leads": -len(person.leads),
        },
    )
    _remove_leads(connection, settings, person)
    # Nobody knows whom they name.
    remove_all_files(connection, account_id, now)
    begun = Erasure(
        id=erasure_id,
        state=ErasureState.HISTORY,
        date=now,
        date_done=None,
        user_id=by.user_id,
        api_key_id=by.api_key_id,
        reason=by.reason,
        seq=last_seq,
        lead_ids=person.lead_ids,
        merged_ids=person.merged_ids,
        searched_rows=0,
        counts={"leads": len(person.leads), "merged_leads": len(person.merged_ids)},
    )
    leads = {one.id: one for one in person.leads}
    connection.execute(
        insert(ledger),
        [
            _ledger_row(settings, begun, seq, by.request_id, lead_id, leads.get(lead_id or 0))
            for seq, lead_id in enumerate(rows, start=lane.first_seq)
        ],
    )
    connection.execute(insert(erasure), _erasure_row(account_id, begun, person.values))
    return begun


def is_begun(connection: Connection, account_id: int, begun: Erasure) -> bool:
    """Return whether a commit that reported an error happened all the same."""
    take_lane(connection, account_id, 0)
    where = (erasure.c.account_id == account_id, erasure.c.id == begun.id)
    statement = select(erasure.c.id).where(*where, erasure.c.seq == begun.seq)
    return connection.execute(statement).first() is not None


def _require_reason(reason: str, values: PersonValues) -> None:
    if len(reason) > LINE_CHARS_MAX:
        raise InputInvalid(Problem("reason", too_long(LINE_CHARS_MAX), "too_long"))
    if not is_one_line(reason):
        raise InputInvalid(Problem("reason", "must be one line of text"))
    if is_mentioned_in(values, reason):
        text = "must not name the person: it stays when everything else is erased"
        raise InputInvalid(Problem("reason", text))


def _remove_leads(connection: Connection, settings: AccountSettings, person: Person) -> None:
    """Remove the leads, their match keys, and where merged leads led."""
    account_id, ids = settings.account_id, sorted(person.ids)
    for table, *columns in (
        (lead, lead.c.id),
        (merged_lead, merged_lead.c.id),
        (distinct_pair, distinct_pair.c.first_id, distinct_pair.c.second_id),
    ):
        _delete(connection, table, account_id, or_(*(column.in_(ids) for column in columns)))
    of_key = tuple(
        match_key.c[name] == bindparam(f"key_{name}") for name in ("field", "value", "lead_id")
    )
    keys = [
        {"key_field": key.field, "key_value": key.value, "key_lead_id": one.id}
        for one in person.leads
        for key in lead_keys(one, settings) | old_keys(one, settings)
    ]
    if keys:
        statement = delete(match_key).where(match_key.c.account_id == account_id, *of_key)
        connection.execute(statement, keys)


def _delete(connection: Connection, table: Table, account_id: int, *where: Any) -> None:
    connection.execute(delete(table).where(table.c.account_id == account_id, *where))


def _ledger_row(
    settings: AccountSettings,
    begun: Erasure,
    seq: int,
    request_id: str,
    lead_id: int | None,
    gone: Lead | None,
) -> dict[str, Any]:
    changes = json_text(changes_between(gone, None)) if gone else None
    return {
        "account_id": settings.account_id,
        "seq": seq,
        "date": begun.date,
        "request_id": request_id,
        "resource": LEAD,
        "resource_id": lead_id,
        "action": Action.ERASE.value,
        "outcome": Outcome.DECIDED.value,
        "user_id": begun.user_id,
        "api_key_id": begun.api_key_id,
        "payload": _payload(begun),
        # Until the figures have counted it.
        "changes": counted_changes(changes, settings),
        "key_rules": KEY_RULES,
    }


def _payload(of: Erasure) -> str:
    """Return what the ledger says about an erasure: nothing of the person."""
    return json_text(
        {
            "erasure_id": of.id,
            "lead_ids": of.lead_ids,
            "merged_ids": of.merged_ids,
            "reason": of.reason,
            "counts": of.counts,
        }
    )


def _erasure_row(account_id: int, begun: Erasure, values: PersonValues) -> dict[str, Any]:
    columns = structs.asdict(begun)
    del columns["searched_rows"]
    return columns | {
        "account_id": account_id,
        "lead_ids": json_text(begun.lead_ids),
        "merged_ids": json_text(begun.merged_ids),
        "counts": json_text(begun.counts),
        "person": json_text(values),
        "progress": 0,
    }


class Unfinished(Struct, frozen=True):
    """Where an erasure is."""

    account_id: int
    erasure: Erasure
    progress: int
    values: PersonValues
    #: The figures have not counted its ledger rows yet.
    is_ahead: bool

    @property
    def ids(self) -> frozenset[int]:
        """All ids that ever meant the person."""
        return frozenset((*self.erasure.lead_ids, *self.erasure.merged_ids))


def next_unfinished(connection: Connection, account_id: int) -> Unfinished | None:
    """Return where the oldest unfinished erasure is; None if there is none."""
    where = (erasure.c.account_id == account_id, erasure.c.date_done.is_(None))
    row = connection.execute(select(erasure).where(*where).order_by(erasure.c.id).limit(1)).first()
    if row is None:
        return None
    table = figure_progress
    folded = select(table.c.seq).where(table.c.account_id == account_id)
    values = _read_person(row.person) if row.person else PersonValues()
    is_ahead = (connection.execute(folded).scalar() or 0) < row.seq
    return Unfinished(account_id, _erasure(row), row.progress, values, is_ahead)


class LedgerStep(Struct, frozen=True):
    """What a search of the ledger has found."""

    unfinished: Unfinished
    up_to: int
    findings: Sequence[Finding]


def search_step(connection: Connection, unfinished: Unfinished) -> LedgerStep:
    """Search the next ledger rows for the person."""
    up_to = min(unfinished.progress + ERASURE_SEARCHED_ROWS, unfinished.erasure.seq)
    between = (unfinished.progress, up_to)
    findings: list[Finding] = []
    for finding in search_rows(
        connection, unfinished.account_id, between, unfinished.values, unfinished.ids
    ):
        findings.append(finding)
        if len(findings) == ERASURE_CHUNK_ROWS:
            up_to = finding.seq
            break
    return LedgerStep(unfinished, up_to, findings)


def _hold(connection: Connection, unfinished: Unfinished) -> bool:
    """Take the lane; False if another process has done this step."""
    take_lane(connection, unfinished.account_id, 0)
    now = next_unfinished(connection, unfinished.account_id)
    return now is not None and (now.erasure.id, now.erasure.state, now.progress) == (
        unfinished.erasure.id,
        unfinished.erasure.state,
        unfinished.progress,
    )


def _mark(unfinished: Unfinished) -> dict[str, int | None]:
    of = unfinished.erasure
    return {"date": of.date, "user_id": of.user_id, "erasure_id": of.id}


def history_step(connection: Connection, settings: AccountSettings, unfinished: Unfinished) -> bool:
    """Erase the next rows that are filed under the leads, and learn the values that they had."""
    account_id = settings.account_id
    if not _hold(connection, unfinished):
        return True
    where = own_rows(account_id, unfinished.ids, unfinished.erasure.seq)
    seqs = list(
        connection.execute(
            select(ledger.c.seq)
            .where(*where, ledger.c.seq > unfinished.progress)
            .order_by(ledger.c.seq)
            .limit(ERASURE_CHUNK_ROWS)
        ).scalars()
    )
    values = unfinished.values
    changes = connection.execute(
        select(ledger.c.seq, ledger.c.changes).where(
            ledger.c.account_id == account_id, ledger.c.seq.in_(seqs)
        )
    ).all()
    texts = {row.seq: row.changes for row in changes}
    rows = read_rows(connection, account_id, seqs)
    for row in rows:
        if row.erased is None:
            more = values_of_row(texts[row.seq], row.match, row.details, settings)
            values = values.with_more(more)
    erase_rows(connection, account_id, rows, _mark(unfinished), changes={})
    counts = {"ledger_rows": len(rows), "idempotency_keys": 0}
    if seqs:
        counts["idempotency_keys"] = forget_keys(connection, account_id, seqs)
        _advance(connection, unfinished, counts, progress=seqs[-1], values=values)
        return True
    _delete(connection, name_figure, account_id, name_figure.c.lead_id.in_(sorted(unfinished.ids)))
    _finish_own_rows(connection, unfinished)
    _advance(
        *(connection, unfinished, counts),
        progress=0,
        values=values,
        state=ErasureState.LEDGER,
    )
    return True


def _finish_own_rows(connection: Connection, unfinished: Unfinished) -> None:
    """Take the changes from the erasure's own rows, which the figures have counted by now."""
    ids = sorted(unfinished.ids)
    where = (ledger.c.account_id == unfinished.account_id, ledger.c.resource_id.in_(ids))
    is_own = (ledger.c.action == Action.ERASE.value, ledger.c.resource == LEAD)
    connection.execute(update(ledger).where(*where, *is_own).values(changes=None))


def ledger_step(connection: Connection, settings: AccountSettings, step: LedgerStep) -> bool:
    """Erase what a search has found; the last step forgets the values."""
    account_id, unfinished = settings.account_id, step.unfinished
    if not _hold(connection, unfinished):
        return True
    whole = [finding.seq for finding in step.findings if finding.is_whole]
    rows = read_rows(connection, account_id, whole)
    # These are of other leads, whose changes the figures go on counting.
    changes = {
        row.seq: counted_changes(json_text(row.changes), settings) for row in rows if row.changes
    }
    erase_rows(connection, account_id, rows, _mark(unfinished), changes=changes)
    mentions = [finding.seq for finding in step.findings if not finding.is_whole]
    redact_rows(connection, account_id, mentions, unfinished.values, unfinished.ids)
    refused = sum(row.outcome == Outcome.REFUSED for row in rows)
    counts = {
        "refused_deliveries": refused,
        "ledger_rows": len(rows) - refused,
        "mentions": len(mentions),
        "idempotency_keys": forget_keys(connection, account_id, whole) if whole else 0,
    }
    if step.up_to < unfinished.erasure.seq:
        _advance(connection, unfinished, counts, progress=step.up_to, values=unfinished.values)
        return True
    _forget_forms(connection, account_id, unfinished.values)
    done = _advance(
        *(connection, unfinished, counts),
        progress=step.up_to,
        values=None,
        state=ErasureState.FILES,
    )
    _tell_counts(connection, account_id, done)
    return True


def _forget_forms(connection: Connection, account_id: int, values: PersonValues) -> None:
    """Forget where forms led when the address holds a value, such as a filter of a list."""
    where = (sent_form.c.account_id == account_id, sent_form.c.location != "")
    rows = connection.execute(select(sent_form.c.form_id, sent_form.c.location).where(*where)).all()
    ids = [row.form_id for row in rows if is_mentioned_in(values, unquote_plus(row.location))]
    if ids:
        forms = (sent_form.c.account_id == account_id, sent_form.c.form_id.in_(ids))
        connection.execute(update(sent_form).where(*forms).values(location=""))


def _advance(
    connection: Connection,
    unfinished: Unfinished,
    more: dict[str, int],
    *,
    progress: int,
    values: PersonValues | None,
    state: str | None = None,
) -> Erasure:
    """Note how far an erasure is, and return it."""
    counts = dict(unfinished.erasure.counts)
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count
    state = state or unfinished.erasure.state
    where = (erasure.c.account_id == unfinished.account_id, erasure.c.id == unfinished.erasure.id)
    connection.execute(
        update(erasure)
        .where(*where)
        .values(
            state=state,
            progress=progress,
            person=None if values is None else json_text(values),
            counts=json_text(counts),
        )
    )
    return structs.replace(unfinished.erasure, counts=counts, state=state)


def _tell_counts(connection: Connection, account_id: int, done: Erasure) -> None:
    """Write into the erasure's own rows how much it was."""
    first = done.seq - max(len(done.lead_ids), 1) + 1
    where = (
        ledger.c.account_id == account_id,
        ledger.c.seq >= first,
        ledger.c.seq <= done.seq,
    )
    connection.execute(update(ledger).where(*where).values(payload=_payload(done)))


def finish(connection: Connection, unfinished: Unfinished, now: int) -> bool:
    """Note that the files are clean."""
    where = (
        erasure.c.account_id == unfinished.account_id,
        erasure.c.id == unfinished.erasure.id,
        erasure.c.state == ErasureState.FILES.value,
    )
    connection.execute(
        update(erasure).where(*where).values(state=ErasureState.DONE.value, date_done=now)
    )
    return True


def _erasure(row: Row[Any]) -> Erasure:
    return Erasure(
        id=row.id,
        state=row.state,
        date=row.date,
        date_done=row.date_done,
        user_id=row.user_id,
        api_key_id=row.api_key_id,
        reason=row.reason,
        seq=row.seq,
        lead_ids=_read_ids(row.lead_ids),
        merged_ids=_read_ids(row.merged_ids),
        searched_rows=0 if row.state == ErasureState.HISTORY else row.progress,
        counts=_read_counts(row.counts),
    )


def read_erasure(connection: Connection, account_id: int, erasure_id: int) -> Erasure:
    """Return an erasure. Raises ResourceNotFound."""
    where = (erasure.c.account_id == account_id, erasure.c.id == erasure_id)
    row = connection.execute(select(erasure).where(*where)).first()
    if row is None:
        raise ResourceNotFound
    return _erasure(row)


def read_erasures(connection: Connection, account_id: int) -> list[Erasure]:
    """Return the newest erasures, newest first."""
    statement = select(erasure).where(erasure.c.account_id == account_id)
    rows = connection.execute(
        statement.order_by(erasure.c.id.desc()).limit(ERASURES_LISTED_MAX)
    ).all()
    return [_erasure(row) for row in rows]
