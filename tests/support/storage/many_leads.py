"""A PostgreSQL database with many leads: only there does it show what its planner decides."""

from __future__ import annotations

from tests.support.storage.account_store import AccountStore

OTHER_ACCOUNT = 2


async def fill(account: AccountStore, count: int) -> None:
    """Copy a lead of the account many times, each copy with values of its own.

    Another account has as many, so that the account alone selects little. No client could write
    these leads; they exist to be counted.
    """
    await account.store.create_account("Other Ltd", "omar@other.example")
    model = await account.created(name="Nora Model", email="model@field.example")
    for account_id in (account.account_id, OTHER_ACCOUNT):
        account.database.execute(
            f"""
            INSERT INTO lead SELECT changed.*
            FROM lead AS model, generate_series(1, {count}) AS number,
            LATERAL jsonb_populate_record(model, jsonb_build_object(
                'account_id', {account_id},
                'id', {account_id} * 1000000000 + 100000 + number,
                'name_key', 'nora field ' || number,
                'first_name_key', 'nora',
                'last_name_key', 'field ' || number,
                'email_key', 'nora' || number || '@field.example',
                'city_key', 'city ' || number % 1000,
                'state_key', 'state ' || number % 1000,
                'postal_code_key', 10000 + number % 1000,
                'status_id', number % 1000,
                'customer_source_id', number % 1000,
                'assignee_id', number % 1000,
                'date_created', 1700000000 + number,
                'date_modified', 1700000000 + number
            )) AS changed
            WHERE model.account_id = {account.account_id} AND model.id = {model.id}
            """
        )
        for field, value in {
            "email": "'nora' || number || '@field.example'",
            "name": "'nora field ' || number",
            "tag": "'tag ' || number % 1000",
            "social": "'https://social.example/' || number",
            # Backwards: searches look for the end of a number.
            "phone": "reverse(lpad(number::text, 7, '0'))",
        }.items():
            account.database.execute(
                f"INSERT INTO match_key SELECT {account_id}, '{field}', {value},"
                f" {account_id} * 1000000000 + 100000 + number, NULL"
                f" FROM generate_series(1, {count}) AS number"
            )
        account.database.execute(
            f"""
            INSERT INTO ledger
                (account_id, seq, date, request_id, resource, resource_id, action, outcome,
                 version, payload)
            SELECT {account_id}, 1000000 + number, 1700000000 + number, number, 'lead',
                {account_id} * 1000000000 + 100000 + number, 'create', 'created', 1, '{{}}'
            FROM generate_series(1, {count}) AS number
            """
        )
    account.database.execute("ANALYZE")
