"""Two files that the demo's visitor finds: one that was tried, and one that has questions.

The first is a list of a fair: some visitors are leads already, some are new, and some rows are
broken. In the second, nothing says whether the day or the month comes first.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from itertools import islice

from onelead.contract.store import Store
from onelead.demo.company import ADMIN, BILL, ROOF, ROOFS, START, Company
from onelead.demo.people import Person
from onelead.files.imports.choices import ImportChoices
from onelead.files.imports.steps import end_upload, new_import

_KNOWN, _NEW, _ASKED = 18, 42, 12
#: Every so many rows name a day that does not exist.
_BROKEN_EVERY = 17


async def upload_files(
    store: Store, company: Company, known: Sequence[Person], strangers: Iterator[Person]
) -> None:
    """Keep the files as uploads do; the server then reads them, and tries the first one."""
    asked = _partner_list(list(islice(strangers, _ASKED)))
    await _upload(store, company, "partner-leads.csv", asked, ImportChoices())
    people = [*known[:_KNOWN], *islice(strangers, _NEW)]
    choices = ImportChoices(source="Roof & Garden Days", rehearses=True)
    await _upload(store, company, "roof-and-garden-days.csv", _fair_list(people), choices)


async def _upload(
    store: Store, company: Company, name: str, rows: list[list[str]], choices: ImportChoices
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    content = text.getvalue().encode()
    account_id, user_id = company.account_id, company.user_ids[ADMIN[1]]
    one = await new_import(store, account_id, name, choices, user_id=user_id)
    await store.add_import_part(account_id, one.number, 0, content)
    await end_upload(store, account_id, one.number, hashlib.sha256(content).hexdigest())


def _fair_list(people: Sequence[Person]) -> list[list[str]]:
    rows = [["Full name", "E-mail", "Mobile", "Town", ROOF, BILL, START, "Stand"]]
    for number, one in enumerate(people, start=1):
        is_broken = number % _BROKEN_EVERY == 0
        day = "2027-02-30" if is_broken else f"2027-{number % 6 + 1:02}-{number % 27 + 1:02}"
        bill = str(900 + number * 37 % 2_000)
        reach = [one.name, one.email, one.phone, one.city]
        rows.append([*reach, ROOFS[number % len(ROOFS)], bill, day, f"B{number % 9}"])
    return rows


def _partner_list(people: Sequence[Person]) -> list[list[str]]:
    rows = [["Name", "E-mail", "Phone", "State", "Lead status", START, "Partner note"]]
    for number, one in enumerate(people, start=1):
        day = f"{number:02}/{number % 9 + 1:02}/2027"
        status = ("New", "Hot", "Contacted")[number % 3]
        rows.append([one.name, one.email, one.phone, one.state, status, day, f"Call {number}"])
    return rows
