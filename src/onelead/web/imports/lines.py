"""An import in words, for the list and for its own page: its state, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping as Map

from msgspec import Struct

from onelead.contract.batches import BatchUndo
from onelead.contract.imports import AT_WORK, FileImport, ImportState
from onelead.domain.text import isolated
from onelead.files.imports.choices import choices_of, findings_of, source_name
from onelead.files.imports.outcomes import OUTCOMES, total
from onelead.files.imports.undone import undo_of, undo_word
from onelead.web.frame.visit import Visit

_STATE_TEXTS = {
    ImportState.UPLOADING: "Upload incomplete",
    ImportState.READING: "Reading",
    ImportState.READ: "Waiting for you",
    ImportState.REHEARSING: "Dry run",
    ImportState.REHEARSED: "Waiting for you",
    ImportState.RUNNING: "Running",
    ImportState.PAUSED: "Paused",
    ImportState.DONE: "Done",
    ImportState.STOPPED: "Stopped",
    ImportState.FAILED: "Failed",
}


class ImportLine(Struct, frozen=True):
    """An import in words."""

    of: FileImport
    state: str
    source: str
    #: Who began it; empty for the command line.
    who: str
    #: By outcome, in their order, without those that no row has.
    counts: dict[str, int]
    #: How many rows are done, in the phase that is under way.
    done: int
    #: Rows a second and the seconds that are left; None while they are unknown.
    pace: tuple[int, int] | None
    #: What took it back, if something did.
    undo: BatchUndo | None

    @property
    def href(self) -> str:
        """The address of its page."""
        return f"/imports/{self.of.number}"


async def sources_of(visit: Visit) -> dict[int, str]:
    """Return the names of the sources by their ids."""
    return {key.id: key.label for key in await visit.store.api_keys(visit.account_id)}


async def import_line(one: FileImport, visit: Visit, sources: Map[int, str]) -> ImportLine:
    """Put an import into words."""
    user = visit.settings.users_by_id.get(one.user_id or 0)
    source = sources.get(one.source_id or 0)
    undo = await undo_of(visit.store, visit.account_id, one)
    counts, pace = _progress(one, visit.now)
    word = undo_word(undo)
    return ImportLine(
        one,
        word.capitalize() if word else _STATE_TEXTS[one.state],
        source or source_name(choices_of(one), one.name),
        isolated(user.name) if user else "",
        {outcome: counts[outcome] for outcome in OUTCOMES if counts.get(outcome)},
        (one.row_count or 0) if one.state is ImportState.READING else total(counts),
        pace,
        undo,
    )


def _progress(one: FileImport, now: int) -> tuple[Map[str, int], tuple[int, int] | None]:
    """Return the outcomes so far, and how fast it goes."""
    findings = findings_of(one) if one.state in AT_WORK else None
    if findings is None or one.state is ImportState.READING:
        return one.counts, None
    if one.state is ImportState.REHEARSING:
        if (so_far := findings.rehearsed) is None:
            return {}, None
        return so_far.counts, _pace(so_far.rows, so_far.seconds, so_far.rows, one.row_count)
    if findings.started is None:
        return one.counts, None
    done = total(one.counts)
    seconds = max(now - findings.started, 1)
    return one.counts, _pace(done - findings.rows_before, seconds, done, one.row_count)


def _pace(rows: int, seconds: float, done: int, of: int | None) -> tuple[int, int] | None:
    speed = int(rows / seconds) if seconds else 0
    return (speed, max(of - done, 0) // speed) if speed > 0 and of is not None else None
