"""Sessions, passwords and one-time links: what every engine promises."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import EMAIL
from tests.support.web.open_session import open_session

from onelead.contract.access import KnownSession, LinkPurpose, SignInFacts, WebSession
from onelead.contract.store import Store
from onelead.domain.access import UserChange
from onelead.domain.account import Role, User
from onelead.domain.audit import Channel, Requester
from onelead.domain.errors import NotPossible, ResourceNotFound
from onelead.domain.limits import (
    ACCOUNT_CHOICE_S,
    INVITATION_S,
    LINK_S,
    SESSION_S,
    SESSIONS_PER_USER_MAX,
)
from onelead.storage.access.accounts import key_hash

PASSWORD_LINKS = [LinkPurpose.FIRST_SIGN_IN, LinkPurpose.INVITATION, LinkPurpose.LOST_PASSWORD]


def a_session(user: User, clock: Clock, account_id: int = 1) -> WebSession:
    return WebSession(account_id, user.id, clock.now, clock.now, "192.0.2.7", "curl/8")


def requester(user: User) -> Requester:
    return Requester(Channel.PAGE, user.id)


@pytest.fixture
async def dana(account: AccountStore) -> User:
    """The account's first admin."""
    return (await account.settings()).users[0]


@pytest.fixture
async def mia(account: AccountStore) -> User:
    return await account.store.create_user(1, "mia@shop.example", "Mia Roe", Role.MEMBER)


async def with_password(
    store: Store, user: User, password_hash: str, clock: Clock, account_id: int = 1
) -> None:
    """Have a user set a password through a link."""
    token = await store.create_link(account_id, user.id, LinkPurpose.INVITATION)
    session = a_session(user, clock, account_id)
    link_hash, token_hash = key_hash(token), f"of link {token}"
    assert await store.set_password(link_hash, password_hash, token_hash, session)


class TestSessions:
    async def test_a_session_is_known_by_its_hash_only(
        self, store: Store, dana: User, clock: Clock
    ) -> None:
        session = a_session(dana, clock)
        await open_session(store, "hash", session)
        assert await store.session("hash") == session
        assert await store.session("other") is None

    async def test_the_last_use_is_remembered(self, store: Store, dana: User, clock: Clock) -> None:
        await open_session(store, "hash", a_session(dana, clock))
        await store.touch_session("hash", clock.now + 99)
        session = await store.session("hash")
        assert session is not None
        assert session.date_last_used == clock.now + 99
        assert session.date_created == clock.now

    async def test_an_ended_session_is_gone(self, store: Store, dana: User, clock: Clock) -> None:
        await open_session(store, "hash", a_session(dana, clock))
        for _ in range(2):
            await store.end_session("hash")
            assert await store.session("hash") is None

    async def test_the_sessions_of_a_user_are_listed_by_their_last_use(
        self, store: Store, dana: User, mia: User, clock: Clock
    ) -> None:
        first, second = a_session(dana, clock), a_session(dana, clock)
        await open_session(store, "first", first)
        await open_session(store, "second", second)
        await open_session(store, "of mia", a_session(mia, clock))
        await store.touch_session("first", clock.now + 5)
        found = await store.sessions(1, dana.id)
        assert [one.token_hash for one in found] == ["first", "second"]
        assert found[1] == KnownSession("second", second)
        assert await store.sessions(2, dana.id) == []

    async def test_all_but_one_can_be_ended(
        self, store: Store, dana: User, mia: User, clock: Clock
    ) -> None:
        for token_hash in ("first", "second"):
            await open_session(store, token_hash, a_session(dana, clock))
        await open_session(store, "of mia", a_session(mia, clock))
        await store.end_sessions(1, dana.id, keep="second")
        assert [one.token_hash for one in await store.sessions(1, dana.id)] == ["second"]
        await store.end_sessions(1, dana.id)
        assert await store.sessions(1, dana.id) == []
        assert await store.session("of mia") is not None

    async def test_what_is_too_old_or_too_many_is_forgotten(
        self, store: Store, dana: User, clock: Clock
    ) -> None:
        await open_session(store, "too old", a_session(dana, clock))
        clock.advance(SESSION_S)
        for number in range(SESSIONS_PER_USER_MAX + 2):
            clock.advance(1)
            await open_session(store, f"{number:03}", a_session(dana, clock))
        kept = [one.token_hash for one in await store.sessions(1, dana.id)]
        assert len(kept) == SESSIONS_PER_USER_MAX
        assert kept[0] == f"{SESSIONS_PER_USER_MAX + 1:03}"
        assert kept[-1] == "002"


class TestPasswords:
    async def test_a_password_is_found_by_the_email_without_case(
        self, store: Store, dana: User, clock: Clock
    ) -> None:
        assert await store.passwords(EMAIL) == []
        await with_password(store, dana, "hash of dana", clock)
        (stored,) = await store.passwords(f" {EMAIL.upper()}")
        assert (stored.account_id, stored.user_id) == (1, dana.id)
        assert (stored.account_name, stored.password_hash) == ("Shop Ltd", "hash of dana")
        assert await store.passwords("mia@shop.example") == []

    async def test_each_account_of_an_email_has_its_own(
        self, store: Store, dana: User, clock: Clock
    ) -> None:
        other = await store.create_account("Other Ltd", EMAIL)
        twin = (await store.settings(other.account_id)).users[0]
        await with_password(store, dana, "here", clock)
        await with_password(store, twin, "there", clock, other.account_id)
        found = await store.passwords(EMAIL)
        assert [(one.account_name, one.password_hash) for one in found] == [
            ("Shop Ltd", "here"),
            ("Other Ltd", "there"),
        ]
        # What an admin does in one account changes nothing in the other.
        await store.create_user(other.account_id, "olga@other.example", "", Role.ADMIN)
        await store.change_user(other.account_id, twin.id, UserChange(is_active=False))
        assert [one.account_id for one in await store.passwords(EMAIL)] == [1]

    async def test_a_deactivated_user_has_none(self, store: Store, mia: User, clock: Clock) -> None:
        await with_password(store, mia, "hash", clock)
        await store.deactivate_user(1, mia.email)
        assert await store.passwords(mia.email) == []
        await store.change_user(1, mia.id, UserChange(is_active=True))
        assert len(await store.passwords(mia.email)) == 1

    async def test_signing_in_needs_the_password_of_now(
        self, store: Store, mia: User, clock: Clock
    ) -> None:
        await with_password(store, mia, "old", clock)
        (stored,) = await store.passwords(mia.email)
        session = a_session(mia, clock)
        assert await store.sign_in(stored, "first", session)
        await store.change_password(1, mia.id, "new", keep="")
        assert not await store.sign_in(stored, "second", session)
        (stored,) = await store.passwords(mia.email)
        await store.deactivate_user(1, mia.email)
        assert not await store.sign_in(stored, "third", session)
        assert await store.sessions(1, mia.id) == []

    async def test_a_newer_hash_replaces_only_the_one_it_was_made_of(
        self, store: Store, dana: User, clock: Clock
    ) -> None:
        await with_password(store, dana, "old", clock)
        (stored,) = await store.passwords(EMAIL)
        await store.renew_password_hash(stored, "newer")
        (renewed,) = await store.passwords(EMAIL)
        assert renewed.password_hash == "newer"
        await store.renew_password_hash(stored, "too late")
        assert list(await store.passwords(EMAIL)) == [renewed]

    async def test_a_new_password_ends_the_other_sessions_and_the_links(
        self, store: Store, dana: User, mia: User, clock: Clock
    ) -> None:
        await with_password(store, dana, "old", clock)
        for token_hash in ("here", "there"):
            await open_session(store, token_hash, a_session(dana, clock))
        await open_session(store, "of mia", a_session(mia, clock))
        link = key_hash(await store.create_link(1, dana.id, LinkPurpose.LOST_PASSWORD))
        await store.change_password(1, dana.id, "new", keep="here")
        assert [one.token_hash for one in await store.sessions(1, dana.id)] == ["here"]
        assert await store.session("of mia") is not None
        assert await store.link(link) is None
        assert [one.password_hash for one in await store.passwords(EMAIL)] == ["new"]

    async def test_the_last_sign_in_is_remembered_whatever_follows(
        self, store: Store, dana: User, mia: User, clock: Clock
    ) -> None:
        nothing = SignInFacts(has_password=False, date_last_sign_in=None)
        assert await store.sign_in_facts(1) == {dana.id: nothing, mia.id: nothing}
        clock.advance(10)
        await with_password(store, mia, "hash", clock)
        at = clock.now
        clock.advance(10)
        await store.end_sessions(1, mia.id)
        await store.change_password(1, mia.id, "new", keep="")
        facts = await store.sign_in_facts(1)
        assert facts == {dana.id: nothing, mia.id: SignInFacts(True, at)}  # noqa: FBT003


class TestLinks:
    @pytest.mark.parametrize("purpose", PASSWORD_LINKS)
    async def test_a_link_sets_a_password_once(
        self, store: Store, mia: User, clock: Clock, purpose: LinkPurpose
    ) -> None:
        await open_session(store, "elsewhere", a_session(mia, clock))
        hashed = key_hash(await store.create_link(1, mia.id, purpose))
        link = await store.link(hashed)
        assert link is not None
        assert (link.account_id, link.user_id, link.purpose) == (1, mia.id, purpose)
        session = a_session(mia, clock)
        assert await store.set_password(hashed, "first", "here", session)
        assert not await store.set_password(hashed, "second", "there", session)
        assert await store.link(hashed) is None
        assert [one.token_hash for one in await store.sessions(1, mia.id)] == ["here"]
        assert [one.password_hash for one in await store.passwords(mia.email)] == ["first"]

    async def test_only_one_of_many_simultaneous_uses_of_a_link_succeeds(
        self, store: Store, other_store: Store, mia: User, clock: Clock
    ) -> None:
        hashed = key_hash(await store.create_link(1, mia.id, LinkPurpose.INVITATION))
        session = a_session(mia, clock)
        done = await asyncio.gather(
            *(
                one.set_password(hashed, f"hash {number}", f"token {number}", session)
                for number, one in enumerate([store, other_store] * 4)
            )
        )
        assert sorted(done) == [False] * 7 + [True]
        (known,) = await store.sessions(1, mia.id)
        (stored,) = await store.passwords(mia.email)
        assert known.token_hash.split()[1] == stored.password_hash.split()[1]

    @pytest.mark.parametrize(
        ("purpose", "seconds"),
        [
            (LinkPurpose.FIRST_SIGN_IN, LINK_S),
            (LinkPurpose.LOST_PASSWORD, LINK_S),
            (LinkPurpose.INVITATION, INVITATION_S),
            (LinkPurpose.ACCOUNT_CHOICE, ACCOUNT_CHOICE_S),
        ],
    )
    async def test_a_link_ends_after_its_time(
        self, store: Store, mia: User, clock: Clock, purpose: LinkPurpose, seconds: int
    ) -> None:
        hashed = key_hash(await store.create_link(1, mia.id, purpose))
        clock.advance(seconds - 1)
        link = await store.link(hashed)
        assert link is not None
        assert link.date_expires == clock.now + 1
        clock.advance(1)
        assert await store.link(hashed) is None
        assert not await store.set_password(hashed, "hash", "token", a_session(mia, clock))
        assert await store.passwords(mia.email) == []

    async def test_a_newer_link_ends_the_older_ones_of_the_user(
        self, store: Store, dana: User, mia: User
    ) -> None:
        older = key_hash(await store.create_link(1, mia.id, LinkPurpose.INVITATION))
        others = key_hash(await store.create_link(1, dana.id, LinkPurpose.INVITATION))
        newer = key_hash(await store.create_link(1, mia.id, LinkPurpose.LOST_PASSWORD))
        choice = key_hash(await store.create_link(1, mia.id, LinkPurpose.ACCOUNT_CHOICE))
        assert await store.link(older) is None
        assert None not in [await store.link(one) for one in (others, newer, choice)]

    async def test_a_link_for_choosing_an_account_sets_no_password_and_the_other_way_round(
        self, store: Store, mia: User, clock: Clock
    ) -> None:
        session = a_session(mia, clock)
        choice = key_hash(await store.create_link(1, mia.id, LinkPurpose.ACCOUNT_CHOICE))
        assert not await store.set_password(choice, "hash", "token", session)
        invitation = key_hash(await store.create_link(1, mia.id, LinkPurpose.INVITATION))
        assert not await store.choose_account(invitation, "token", session)
        assert await store.sessions(1, mia.id) == []
        # Neither was used up.
        assert await store.choose_account(choice, "token", session)
        assert not await store.choose_account(choice, "again", session)
        assert await store.link(invitation) is not None

    async def test_a_deactivated_user_has_no_links_and_gets_none(
        self, store: Store, mia: User
    ) -> None:
        hashed = key_hash(await store.create_link(1, mia.id, LinkPurpose.INVITATION))
        await store.deactivate_user(1, mia.email)
        assert await store.link(hashed) is None
        with pytest.raises(NotPossible, match="deactivated"):
            await store.create_link(1, mia.id, LinkPurpose.INVITATION)

    async def test_a_user_of_another_account_gets_no_link(self, store: Store, dana: User) -> None:
        other = await store.create_account("Other Ltd", "omar@other.example")
        for account_id, user_id in ((1, other.user_id), (other.account_id, dana.id), (1, 77)):
            with pytest.raises(ResourceNotFound):
                await store.create_link(account_id, user_id, LinkPurpose.INVITATION)

    async def test_each_start_has_a_link_until_a_user_has_a_password(
        self, store: Store, dana: User, mia: User, clock: Clock
    ) -> None:
        first = await store.create_first_link()
        second = await store.create_first_link()
        assert first is not None
        assert second is not None
        assert await store.link(key_hash(first)) is None
        link = await store.link(key_hash(second))
        assert link is not None
        assert (link.user_id, link.purpose) == (dana.id, LinkPurpose.FIRST_SIGN_IN)
        await with_password(store, mia, "hash", clock)
        assert await store.create_first_link() is None

    async def test_tokens_and_passwords_are_stored_as_hashes_only(
        self, account: AccountStore, mia: User
    ) -> None:
        token = await account.store.create_link(1, mia.id, LinkPurpose.INVITATION)
        rows = account.database.rows("SELECT * FROM one_time_link")
        columns = {str(column) for row in rows for column in row}
        assert key_hash(token) in columns
        assert token not in columns


class TestUsers:
    async def test_a_change_is_in_the_settings_of_every_process_at_once(
        self, account: AccountStore, elsewhere: AccountStore, mia: User
    ) -> None:
        before = await elsewhere.settings()
        change = UserChange(name="Mia Poe", role=Role.ADMIN)
        after = await account.store.change_user(1, mia.id, change)
        assert after == User(mia.id, "Mia Poe", mia.email, Role.ADMIN)
        settings = await elsewhere.settings()
        assert settings.users_by_id[mia.id] == after
        assert settings.version > before.version

    async def test_a_deactivated_user_is_signed_out_everywhere(
        self, store: Store, dana: User, mia: User, clock: Clock
    ) -> None:
        await open_session(store, "of mia", a_session(mia, clock))
        await open_session(store, "of dana", a_session(dana, clock))
        await store.change_user(1, mia.id, UserChange(is_active=False), by=requester(dana))
        assert await store.session("of mia") is None
        assert await store.session("of dana") is not None

    async def test_the_last_admin_stays_even_when_two_go_at_once(
        self, store: Store, other_store: Store, dana: User
    ) -> None:
        olga = await store.create_user(1, "olga@shop.example", "", Role.ADMIN)
        done = await asyncio.gather(
            store.change_user(1, dana.id, UserChange(role=Role.MEMBER), by=requester(dana)),
            other_store.change_user(1, olga.id, UserChange(role=Role.MEMBER), by=requester(olga)),
            return_exceptions=True,
        )
        assert [type(one) for one in done].count(NotPossible) == 1
        users = (await store.settings(1)).users
        assert [user.role for user in users].count(Role.ADMIN) == 1

    async def test_a_user_of_another_account_cannot_be_changed(
        self, store: Store, dana: User
    ) -> None:
        other = await store.create_account("Other Ltd", "omar@other.example")
        for account_id, user_id in ((1, other.user_id), (other.account_id, dana.id), (1, 77)):
            with pytest.raises(ResourceNotFound):
                await store.change_user(account_id, user_id, UserChange(name="x"))
