"""What is erased is neither applied nor answered again."""

from __future__ import annotations

from tests.support.domain.act_writes import keyed, replay
from tests.support.domain.builders import a_lead, a_settings
from tests.support.domain.lead_writes import create, upsert

from onelead.domain.acts.facts import Facts, KeyedWrite, LedgerFact
from onelead.domain.acts.state import Snapshot
from onelead.domain.errors import Erased
from onelead.domain.fold import checked_write, keys_needed, plan_batch
from onelead.domain.writes import LeadWrite, Outcome, RowDetails, WriteResult

ERASED = RowDetails(erased={"date": 1, "user_id": None, "erasure_id": 5})


def planned(write: LeadWrite, facts: Facts) -> WriteResult:
    settings = a_settings()
    checked = checked_write(write, settings)
    snapshot = Snapshot({}, {key: [] for key in keys_needed([checked])}, facts)
    (result,) = plan_batch([checked], snapshot, settings, now=1, last_id=10).results
    return result


def test_an_erased_delivery_is_not_applied() -> None:
    write = replay(upsert("name", "Nora Field"), 3)
    for details, outcome in ((ERASED, Outcome.REFUSED), (RowDetails(), Outcome.CREATED)):
        row = LedgerFact(3, "lead", "upsert", "refused", None, None, None, details)
        result = planned(write, Facts(rows={3: row}))
        assert result.outcome is outcome
        assert isinstance(result.refusal, Erased) is (outcome is Outcome.REFUSED)


def test_the_answer_to_a_repeated_call_may_be_erased() -> None:
    write = keyed(create(name="Nora Field"), "key-1")
    for details in (ERASED, RowDetails(answer=a_lead())):
        before = WriteResult(Outcome.CREATED, details.answer, details=details)
        result = planned(write, Facts(keyed={"key-1": KeyedWrite(3, "body", before)}))
        # It is not done again, even if there is no answer left.
        assert (result.replayed_seq, result.lead) == (3, details.answer)
