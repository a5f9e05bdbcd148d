"""The checks: what all engines share."""

from __future__ import annotations

from collections.abc import Sequence

from onelead.contract.checks import Finding
from onelead.storage.check.account import check_account
from onelead.storage.check.leads import check_keys, check_leads
from onelead.storage.check.ledger import check_ledger
from onelead.storage.check.quick import quick_findings, table_findings
from onelead.storage.transactions import Transactions, reads, reads_by_settings


class PortableChecks(Transactions):
    """The portable part of `CheckStore`."""

    check_tables = reads(table_findings)
    check_leads = reads_by_settings(check_leads)
    check_keys = reads_by_settings(check_keys)
    check_ledger = reads_by_settings(check_ledger)
    check_account = reads_by_settings(check_account)

    async def quick_check(self) -> Sequence[Finding]:
        return await self._read(quick_findings)
