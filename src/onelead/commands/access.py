"""The commands for API keys, users and one-time links."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from onelead import app
from onelead.commands.options import (
    Account,
    AsJson,
    Database,
    EmailOption,
    Url,
    a_table,
    chosen_account,
    date_text,
    line_option,
    print_result,
)
from onelead.commands.running import configuration_from
from onelead.contract.access import LinkPurpose
from onelead.contract.store import Store
from onelead.domain.account import AccountSettings, ApiKey, Role, User
from onelead.domain.api_keys.purposes import KeyPurpose, KeyScope, end_of_day
from onelead.domain.audit import COMMAND_LINE
from onelead.domain.errors import NotPossible
from onelead.domain.text import fold_case
from onelead.web.frame.sessions import welcome_path

Label = typer.Option(callback=line_option, help="What the key is for.")

Scope = typer.Option(
    help="What the key may do: deliver leads, read, write (all about leads), or admin.  "
    "[default: whatever its user may]"
)
Expires = typer.Option(metavar="DAY", help="Its last day, as in 2027-03-31.  [default: none]")
Networks = typer.Option(
    metavar="NETWORK",
    help="An address or a network that it works from, as in 10.0.0.0/8; can be repeated.  "
    "[default: everywhere]",
)
_KEY_COLUMNS = (
    *("ID", "E-mail", "Label", "Scope", "Networks", "Created", "Created by", "Expires"),
    *("Last used", "From", "Revoked"),
)

keys = typer.Typer(rich_markup_mode=None, help="Manage API keys.")
users = typer.Typer(rich_markup_mode=None, help="Manage users.")


@keys.command("create")
def create_key(
    email: Annotated[str | None, EmailOption] = None,
    label: Annotated[str, Label] = "command line",
    scope: Annotated[KeyScope | None, Scope] = None,
    expires: Annotated[str, Expires] = "",
    network: Annotated[list[str] | None, Networks] = None,
    account: Account = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key; --email is needed if the account has several users."""

    async def create(store: Store) -> tuple[ApiKey, str]:
        chosen = await chosen_account(store, account)
        owner = email or _only_user(chosen).email
        ends = end_of_day(expires, chosen.zone) if expires else None
        purpose = KeyPurpose(scope, ends, tuple(network or ()))
        return await store.create_api_key(chosen.account_id, owner, label, purpose)

    key, secret = app.on_store(configuration_from(database=database), create)
    made = {"id": key.id, "email": key.email, "label": key.label, "api_key": secret}
    made |= {"scope": key.scope, "date_expires": key.date_expires, "networks": key.networks}
    text = (
        f"API key {key.id} is ready.\n  E-mail   {key.email}\n  API key  {secret}  (shown only now)"
    )
    print_result(made, text, as_json=as_json)


@keys.command("list")
def list_keys(account: Account = None, database: Database = None, as_json: AsJson = False) -> None:
    """List the API keys, including revoked ones."""

    async def read(store: Store) -> tuple[list[ApiKey], AccountSettings]:
        chosen = await chosen_account(store, account)
        keys = [one for one in await store.api_keys(chosen.account_id) if not one.is_source]
        # The user who made a key can be newer than what was read first.
        return keys, await store.settings(chosen.account_id)

    found, settings = app.on_store(configuration_from(database=database), read)
    rows = [
        (
            *(str(key.id), key.email, key.label, key.scope or "", ", ".join(key.networks)),
            *(date_text(key.date_created), _maker(key, settings), date_text(key.date_expires)),
            *(date_text(key.date_last_used), key.last_address, date_text(key.date_revoked)),
        )
        for key in found
    ]
    table = a_table(_KEY_COLUMNS, rows)
    print_result(msgspec.to_builtins(found), table, as_json=as_json)


def _maker(key: ApiKey, settings: AccountSettings) -> str:
    """Return the e-mail of the user who made a key; empty for the command line."""
    maker = settings.users_by_id.get(key.created_by_id or 0)
    return maker.email if maker else ""


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[int, typer.Argument(metavar="ID", help="The key's id, as listed.")],
    account: Account = None,
    database: Database = None,
) -> None:
    """Revoke an API key; it stops working within seconds, even in a running server."""

    async def revoke(store: Store) -> ApiKey:
        return await store.revoke_api_key((await chosen_account(store, account)).account_id, key_id)

    key = app.on_store(configuration_from(database=database), revoke)
    typer.echo(f"API key {key.id} of {key.email} is revoked.")


@users.command("create")
def create_user(
    email: Annotated[str, EmailOption],
    name: Annotated[str, typer.Option(help="The display name.  [default: from the e-mail]")] = "",
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.ADMIN,
    account: Account = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Create a user; they still need a one-time link (`users link`) or an API key."""

    async def create(store: Store) -> User:
        account_id = (await chosen_account(store, account)).account_id
        return await store.create_user(account_id, email, name, role)

    user = app.on_store(configuration_from(database=database), create)
    text = f"User {user.id} is ready: {user.name}, {user.email}, {user.role}."
    print_result(msgspec.to_builtins(user), text, as_json=as_json)


@users.command("list")
def list_users(account: Account = None, database: Database = None, as_json: AsJson = False) -> None:
    """List the users, including deactivated ones."""

    async def read(store: Store) -> tuple[User, ...]:
        return (await chosen_account(store, account)).users

    found = app.on_store(configuration_from(database=database), read)
    rows = [
        (str(user.id), user.name, user.email, user.role, "yes" if user.is_active else "no")
        for user in found
    ]
    table = a_table(("ID", "Name", "E-mail", "Role", "Active"), rows)
    print_result(msgspec.to_builtins(found), table, as_json=as_json)


@users.command("link")
def create_link(
    email: Annotated[str, EmailOption],
    url: Url = None,
    account: Account = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Create a one-time link that lets a user set a password and sign in."""

    async def create(store: Store) -> str:
        chosen = await chosen_account(store, account)
        user_id = _user(chosen, email).id
        return await store.create_link(chosen.account_id, user_id, LinkPurpose.LOST_PASSWORD)

    configuration = configuration_from(database=database, url=url)
    sign_in_url = app.browsers_url(configuration) + welcome_path(
        app.on_store(configuration, create)
    )
    text = (
        f"{sign_in_url}\nIt works once and expires in a day. Older links of {email} no longer work."
    )
    print_result({"email": email, "sign_in_url": sign_in_url}, text, as_json=as_json)


@users.command("deactivate")
def deactivate_user(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail.")],
    account: Account = None,
    database: Database = None,
) -> None:
    """Deactivate a user; their API keys stop working within seconds."""

    async def deactivate(store: Store) -> User:
        return await store.deactivate_user((await chosen_account(store, account)).account_id, email)

    user = app.on_store(configuration_from(database=database), deactivate)
    typer.echo(f"User {user.id}, {user.email}, is deactivated.")


@users.command("forget-codes")
def forget_codes(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail.")],
    account: Account = None,
    database: Database = None,
) -> None:
    """Remove the passkeys and codes of a user who has lost them, and sign the user out."""

    async def forget(store: Store) -> User:
        chosen = await chosen_account(store, account)
        user = _user(chosen, email)
        await store.forget_credentials(chosen.account_id, user.id, COMMAND_LINE)
        return user

    user = app.on_store(configuration_from(database=database), forget)
    typer.echo(f"User {user.id}, {user.email}, has no passkeys and codes any more.")


def _user(account: AccountSettings, email: str) -> User:
    for user in account.users:
        if fold_case(user.email) == fold_case(email):
            return user
    raise NotPossible(f"no user has the e-mail {email}")


def _only_user(account: AccountSettings) -> User:
    active = [user for user in account.users if user.is_active]
    if len(active) != 1:
        raise NotPossible("the account has several users; choose one with --email")
    return active[0]
