"""The pages of imports: the list with the upload, and one import from its reading to its result."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from msgspec import structs
from starlette.responses import Response

from onelead.contract.imports import AT_WORK, ENDED, FileImport, ImportState
from onelead.domain.api_keys.sources import require_source_name
from onelead.domain.errors import (
    AdminRequired,
    InputInvalid,
    OneleadError,
    Problem,
    ResourceNotFound,
)
from onelead.domain.importing.limits import IMPORT_FILE_BYTES_MAX
from onelead.domain.importing.mapping import Mapping, require_usable
from onelead.domain.text import isolated, known_id
from onelead.files.imports import reports, steps
from onelead.files.imports.choices import (
    Findings,
    ImportChoices,
    choices_of,
    findings_of,
)
from onelead.files.imports.outcomes import NOT_TAKEN, OUTCOMES
from onelead.incoming.statuses import STATUS_BY_KIND
from onelead.web.frame.downloads import Download
from onelead.web.frame.forms import Form
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.visit import NO_PROBLEMS, Problems, Visit, error_line, problems_of
from onelead.web.imports.choices_form import (
    MODES,
    choices_from,
    column_lines,
    columns_shown,
    countries,
    creates_settings,
    match_choices,
    question_lines,
    reading_choices,
    reading_shown,
    target_groups,
)
from onelead.web.imports.lines import import_line, sources_of
from onelead.web.imports.mappings import offered, saved, used
from onelead.web.imports.receiving import received
from onelead.web.imports.rows import corrected, rehearsed_page, written_page

PATH = "/imports"
_ONLY_ADMINS = Problem("base", "Only admins can make custom fields and entries of lists on the way")
_LISTED = 25
#: Before these, nothing of an import is written.
_BEFORE = frozenset({ImportState.READ, ImportState.REHEARSING, ImportState.REHEARSED})


async def import_list(visit: Visit) -> Response:
    """List the imports, the newest first, with the form of the upload."""
    return await _list_page(visit)


async def _list_page(
    visit: Visit, problems: Problems = NO_PROBLEMS, status: int = HTTPStatus.OK
) -> Response:
    before = known_id(visit.query("before"))
    found = await visit.store.file_imports(visit.account_id, before=before, limit=_LISTED + 1)
    sources = await sources_of(visit)
    lines = [await import_line(one, visit, sources) for one in found[:_LISTED]]
    return visit.page(
        "imports/list.html",
        status,
        imports=lines,
        is_working=any(line.of.state in AT_WORK for line in lines),
        before=before,
        next_before=found[_LISTED - 1].number if len(found) > _LISTED else None,
        mappings=await visit.store.import_mappings(visit.account_id),
        bytes_max=IMPORT_FILE_BYTES_MAX,
        problems=problems,
    )


async def upload(visit: Visit) -> Response:
    """Take a file, and lead to its page, where it is being read."""
    try:
        one = await received(visit)
    except OneleadError as error:
        status = STATUS_BY_KIND[error.kind]
        return await _list_page(visit, problems_of(error), status)
    visit.runtime.import_begun()
    return visit.redirect(f"{PATH}/{one.number}")


async def forget_mapping(visit: Visit) -> Response:
    """Remove a saved mapping."""
    name = (await visit.form()).raw("name")
    await visit.store.forget_import_mapping(visit.account_id, name)
    return visit.redirect(PATH, f"The mapping {isolated(name)} was removed.")


async def one_import(visit: Visit) -> Response:
    """Show an import: what it asks, what would happen, how far it is, or what came of it."""
    return await _import_page(visit, await _import(visit))


async def _import(visit: Visit) -> FileImport:
    return await visit.store.file_import(visit.account_id, visit.path_id("number"))


async def _import_page(
    visit: Visit,
    one: FileImport,
    problems: Problems = NO_PROBLEMS,
    typed: ImportChoices | None = None,
) -> Response:
    findings, choices = findings_of(one), typed or choices_of(one)
    context: dict[str, Any] = {
        "line": await import_line(one, visit, await sources_of(visit)),
        "one": one,
        "state": one.state.value,
        "is_working": one.state in AT_WORK,
        "has_ended": one.state in ENDED,
        "findings": findings,
        "choices": choices,
        "outcomes": OUTCOMES,
        "not_taken": NOT_TAKEN,
        "setup": None,
        "rows": None,
    }
    if one.source_id is not None:
        if one.state in ENDED:
            context["rows"] = await written_page(visit, one)
    elif findings is not None and one.state not in AT_WORK:
        context["setup"] = await _setup(visit, findings, choices)
        if findings.rehearsed is not None and one.state is ImportState.REHEARSED:
            context["rows"] = await rehearsed_page(visit, one, findings)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK
    return visit.page("imports/import.html", status, **context, problems=problems)


async def _setup(visit: Visit, findings: Findings, choices: ImportChoices) -> dict[str, Any]:
    """Return what the form of the choices shows."""
    settings, is_admin = visit.settings, visit.signed_in.is_admin
    mapping: Mapping = choices.mapping or findings.surveyed.mapping
    first = known_id(visit.query("columns")) or 0
    next_first = first + columns_shown(settings)
    match_options, matched = match_choices(mapping, settings)
    return {
        "mapping": mapping,
        "reading": reading_shown(choices, findings),
        "reading_choices": reading_choices(findings),
        "columns": column_lines(mapping, findings, settings, first, is_admin=is_admin),
        "first": first,
        "next_first": next_first if next_first < len(mapping.columns) else None,
        "groups": target_groups(settings),
        "questions": question_lines(findings.surveyed.questions, mapping, is_admin=is_admin),
        "match_options": match_options,
        "matched": matched,
        "modes": MODES,
        "countries": [("", "Leave numbers as they are"), *countries()],
        "offered": await offered(visit, findings),
    }


async def act(visit: Visit) -> Response:
    """Do what a button of an import's page says, and show the page again."""
    one, form = await _import(visit), await visit.form()
    wanted = form.get("do")
    if (do := _ACTS.get(wanted)) is None:
        raise ResourceNotFound
    path = f"{PATH}/{one.number}"
    try:
        flash = await do(visit, one)
    except OneleadError as error:
        if STATUS_BY_KIND[error.kind] == HTTPStatus.NOT_FOUND:
            raise
        if isinstance(error, InputInvalid):
            return await _import_page(visit, one, problems_of(error), _typed(one, form))
        return visit.redirect(path, error_line(error), is_problem=True)
    visit.runtime.import_begun()
    return visit.redirect(PATH if wanted == "forget" else path, flash)


_Act = Callable[[Visit, FileImport], Awaitable[str]]


async def _choose(visit: Visit, one: FileImport) -> str:
    """Save the choices of the form, and try them where the button says so."""
    form = await visit.form()
    return await _save(visit, one, _chosen(one, form), rehearses=form.get("do") == "try")


def _chosen(one: FileImport, form: Form) -> ImportChoices:
    findings, choices = findings_of(one), choices_of(one)
    return choices if findings is None else choices_from(form, choices, findings)


def _typed(one: FileImport, form: Form) -> ImportChoices | None:
    """Return what a form has that was refused, to show it again."""
    with suppress(InputInvalid):
        return _chosen(one, form)
    return None


async def _save(
    visit: Visit, one: FileImport, choices: ImportChoices, *, rehearses: bool = False
) -> str:
    if choices.mapping is not None:
        require_usable(choices.mapping, visit.settings)
    if creates_settings(choices.mapping) and not visit.signed_in.is_admin:
        raise InputInvalid(_ONLY_ADMINS)
    if choices.source:
        require_source_name(choices.source)
    choices = structs.replace(choices, rehearses=rehearses)
    await steps.change_choices(visit.store, visit.account_id, one.number, choices)
    return ""


async def _start_over(visit: Visit, one: FileImport) -> str:
    """Forget what was chosen, and read the file as if it were new."""
    return await _save(visit, one, ImportChoices(source=choices_of(one).source))


async def _correct(visit: Visit, one: FileImport) -> str:
    """Keep corrections of cells, and try again with them."""
    choices = await corrected(visit, one, await visit.form(), choices_of(one))
    return await _save(visit, one, choices, rehearses=True)


async def _save_mapping(visit: Visit, one: FileImport) -> str:
    form = await visit.form()
    choices = _chosen(one, form)
    if (findings := findings_of(one)) is None or choices.mapping is None:
        raise ResourceNotFound
    await _save(visit, one, choices)
    name = await saved(visit, form.get("save_as"), findings, choices.mapping)
    return f"The mapping {isolated(name)} was saved. Files with the same headers will offer it."


async def _use_mapping(visit: Visit, one: FileImport) -> str:
    findings = findings_of(one)
    if findings is None:
        raise ResourceNotFound
    mapping = await used(visit, (await visit.form()).get("saved"), findings)
    return await _save(visit, one, structs.replace(choices_of(one), mapping=mapping))


async def _start(visit: Visit, one: FileImport) -> str:
    try:
        await steps.start(visit.store, visit.account_id, one.number, visit.requester, visit.now)
    except AdminRequired:
        raise InputInvalid(_ONLY_ADMINS) from None
    visit.runtime.settings_changed()
    return ""


async def _resume(visit: Visit, one: FileImport) -> str:
    await steps.resume(visit.store, visit.account_id, one.number, visit.now)
    return ""


async def _forget(visit: Visit, one: FileImport) -> str:
    await visit.store.forget_import(visit.account_id, one.number)
    return f"{isolated(one.name)} was removed. Nothing was imported."


def _step(step: Callable[..., Awaitable[Any]]) -> _Act:
    async def do(visit: Visit, one: FileImport) -> str:
        await step(visit.store, visit.account_id, one.number)
        return ""

    return do


_ACTS: dict[str, _Act] = {
    "read": _choose,
    "try": _choose,
    "save": _save_mapping,
    "use": _use_mapping,
    "over": _start_over,
    "correct": _correct,
    "start": _start,
    "pause": _step(steps.pause),
    "resume": _resume,
    "stop": _step(steps.stop),
    "forget": _forget,
}


async def refused_file(visit: Visit) -> Response:
    """Send the rows that were not taken, or would not be, as a file with the reasons."""
    one = await _import(visit)
    report = reports.rehearsed_refused_rows if one.source_id is None else reports.refused_rows
    return _csv(report(visit.store, visit.account_id, one), f"{one.name} refused")


async def all_rows_file(visit: Visit) -> Response:
    """Send all rows with their outcomes as a file."""
    one = await _import(visit)
    return _csv(reports.all_rows(visit.store, visit.account_id, one), f"{one.name} outcomes")


def _csv(lines: AsyncIterator[str], name: str) -> Response:
    # A name of a stranger is in the header: only what every browser takes.
    plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in name)
    headers = {"Content-Disposition": f'attachment; filename="{plain[:100]}.csv"'}
    return Download(lines, media_type="text/csv; charset=utf-8", headers=headers)


PAGES = (
    Page("GET", PATH, import_list, Access.IMPORTER),
    Page("POST", PATH, upload, Access.IMPORTER, has_file=True),
    Page("POST", f"{PATH}/mappings", forget_mapping, Access.IMPORTER),
    Page("GET", f"{PATH}/{{number}}", one_import, Access.IMPORTER),
    Page("POST", f"{PATH}/{{number}}", act, Access.IMPORTER),
    Page("GET", f"{PATH}/{{number}}/refused.csv", refused_file, Access.IMPORTER),
    Page("GET", f"{PATH}/{{number}}/rows.csv", all_rows_file, Access.IMPORTER),
)
