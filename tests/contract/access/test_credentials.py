"""Passkeys, codes, half-done sign-ins and confirmations: what every engine promises."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.audit_rows import audit_of
from tests.support.web.open_session import open_session

from onelead.contract.access import KnownSession, LinkPurpose, StoredPassword, WebSession
from onelead.contract.credentials import (
    CodeProof,
    FirstCode,
    Passkey,
    PendingKind,
    PendingSignIn,
    SignInWays,
)
from onelead.contract.store import Store
from onelead.domain.access import UserChange
from onelead.domain.account import Role, User
from onelead.domain.audit import AuditEntry, AuditEvent, Channel, Requester
from onelead.domain.errors import NotPossible, ResourceNotFound
from onelead.domain.limits import PASSKEYS_PER_USER_MAX, PENDING_SIGN_INS_MAX, SECOND_STEP_S
from onelead.storage.access.accounts import key_hash

ACCOUNT = 1
BY = Requester(Channel.PAGE, 7, None, "request-1", "192.0.2.7")
HASHES = ["hash-1", "hash-2"]


@pytest.fixture
async def mia(account: AccountStore) -> User:
    return await account.store.create_user(ACCOUNT, "mia@shop.example", "Mia Roe", Role.MEMBER)


def a_passkey(user: User, clock: Clock, name: str = "laptop", count: int = 0) -> Passkey:
    transports = ("internal", "usb")
    return Passkey(name, ACCOUNT, user.id, "key", count, f"My {name}", transports, clock.now)


def a_session(user: User, clock: Clock, token_hash: str = "new") -> KnownSession:
    session = WebSession(ACCOUNT, user.id, clock.now, clock.now, "192.0.2.7", "curl/8")
    return KnownSession(token_hash, session)


async def codes_on(store: Store, user: User) -> None:
    await store.begin_codes(ACCOUNT, user.id, "SECRET")
    assert await store.turn_on_codes(ACCOUNT, user.id, FirstCode(100, HASHES), BY)


async def with_password(store: Store, user: User, clock: Clock) -> StoredPassword:
    token = await store.create_link(ACCOUNT, user.id, LinkPurpose.INVITATION)
    new = a_session(user, clock, "of link")
    assert await store.set_password(key_hash(token), "argon", new.token_hash, new.session)
    (stored,) = await store.passwords(user.email)
    return stored


class TestPending:
    async def test_it_is_found_by_its_hash_and_kind_until_it_ends(
        self, store: Store, clock: Clock
    ) -> None:
        data = {"challenge": "c"}
        pending = PendingSignIn(PendingKind.SIGN_IN, clock.now + 300, data=data)
        await store.begin_pending("hash", pending)
        assert await store.pending("hash", PendingKind.SIGN_IN) == pending
        assert await store.pending("hash", PendingKind.CODE) is None
        assert await store.pending("other", PendingKind.SIGN_IN) is None
        clock.advance(300)
        assert await store.pending("hash", PendingKind.SIGN_IN) is None
        assert await store.take_pending("hash", PendingKind.SIGN_IN) is None

    async def test_one_of_many_takes_it(
        self, store: Store, other_store: Store, clock: Clock
    ) -> None:
        pending = PendingSignIn(PendingKind.CONFIRM, clock.now + 300, ACCOUNT, 5)
        await store.begin_pending("hash", pending)
        taken = await asyncio.gather(
            *(one.take_pending("hash", PendingKind.CONFIRM) for one in [store, other_store] * 4)
        )
        assert [one for one in taken if one is not None] == [pending]

    async def test_the_oldest_end_when_there_are_too_many(
        self, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("onelead.storage.access.pending.PENDING_SIGN_INS_MAX", 3)
        assert PENDING_SIGN_INS_MAX > 3
        for number in range(5):
            ends = clock.now + 300 + number
            await store.begin_pending(str(number), PendingSignIn(PendingKind.SIGN_IN, ends))
        found = [await store.pending(str(number), PendingKind.SIGN_IN) for number in range(5)]
        assert [one is not None for one in found] == [False, False, True, True, True]


class TestPasskeys:
    async def test_they_are_listed_and_found_by_their_id_alone(
        self, store: Store, mia: User, clock: Clock
    ) -> None:
        one = a_passkey(mia, clock)
        await store.add_passkey(one, BY)
        clock.advance(5)
        two = a_passkey(mia, clock, "a phone")
        await store.add_passkey(two, BY)
        assert await store.passkeys(ACCOUNT, mia.id) == [one, two]
        assert await store.passkey("laptop") == one
        assert await store.passkey("other") is None
        assert await store.passkeys(ACCOUNT, mia.id + 1) == []
        assert await store.sign_in_ways(ACCOUNT) == {mia.id: SignInWays(passkeys=2)}

    async def test_one_that_is_known_or_too_many_are_refused(
        self, store: Store, mia: User, clock: Clock
    ) -> None:
        for number in range(PASSKEYS_PER_USER_MAX):
            await store.add_passkey(a_passkey(mia, clock, str(number)), BY)
        for name in ("0", "one more"):
            with pytest.raises(NotPossible):
                await store.add_passkey(a_passkey(mia, clock, name), BY)
        assert len(await store.passkeys(ACCOUNT, mia.id)) == PASSKEYS_PER_USER_MAX

    async def test_only_its_user_s_is_removed(self, store: Store, mia: User, clock: Clock) -> None:
        await store.add_passkey(a_passkey(mia, clock), BY)
        with pytest.raises(ResourceNotFound):
            await store.remove_passkey(ACCOUNT, mia.id + 1, "laptop", BY)
        removed = await store.remove_passkey(ACCOUNT, mia.id, "laptop", BY)
        assert removed.label == "My laptop"
        with pytest.raises(ResourceNotFound):
            await store.remove_passkey(ACCOUNT, mia.id, "laptop", BY)
        events = (AuditEvent.PASSKEY_ADDED, AuditEvent.PASSKEY_REMOVED)
        assert await audit_of(store, ACCOUNT, *events) == [
            AuditEntry(events[0], BY, mia.id, changes={"passkey": (None, "My laptop")}),
            AuditEntry(events[1], BY, mia.id, changes={"passkey": ("My laptop", None)}),
        ]

    async def test_of_simultaneous_uses_of_one_count_one_signs_in(
        self, store: Store, other_store: Store, mia: User, clock: Clock
    ) -> None:
        passkey = a_passkey(mia, clock, count=3)
        await store.add_passkey(passkey, BY)
        done = await asyncio.gather(
            *(
                one.sign_in_with_passkey(passkey, 4, a_session(mia, clock, f"hash {n}"), BY)
                for n, one in enumerate([store, other_store] * 3)
            )
        )
        assert sorted(done) == [False] * 5 + [True]
        assert len(await store.sessions(ACCOUNT, mia.id)) == 1
        stored = await store.passkey("laptop")
        assert stored is not None
        assert (stored.sign_count, stored.date_last_used) == (4, clock.now)
        assert not await store.confirm_with_passkey(passkey, 5, "hash 0", BY)
        assert await store.confirm_with_passkey(stored, 5, "hash 0", BY)

    async def test_a_removed_one_and_a_deactivated_user_s_sign_nobody_in(
        self, store: Store, mia: User, clock: Clock
    ) -> None:
        first, second = a_passkey(mia, clock), a_passkey(mia, clock, "phone")
        await store.add_passkey(first, BY)
        await store.add_passkey(second, BY)
        await store.remove_passkey(ACCOUNT, mia.id, "laptop", BY)
        assert not await store.sign_in_with_passkey(first, 0, a_session(mia, clock), BY)
        await store.change_user(ACCOUNT, mia.id, UserChange(is_active=False), by=BY)
        assert await store.passkey("phone") is None
        assert not await store.sign_in_with_passkey(second, 0, a_session(mia, clock), BY)
        with pytest.raises(NotPossible):
            await store.add_passkey(a_passkey(mia, clock, "third"), BY)
        assert await store.sessions(ACCOUNT, mia.id) == []


class TestCodes:
    async def test_they_are_asked_for_after_the_first_right_one(
        self, store: Store, mia: User, clock: Clock
    ) -> None:
        stored = await with_password(store, mia, clock)
        assert await store.codes(ACCOUNT, mia.id) is None
        assert not await store.turn_on_codes(ACCOUNT, mia.id, FirstCode(1, HASHES), BY)
        await store.begin_codes(ACCOUNT, mia.id, "OLD")
        await store.begin_codes(ACCOUNT, mia.id, "SECRET")
        new = a_session(mia, clock, "before")
        assert await store.sign_in(stored, new.token_hash, new.session)
        assert await store.session("before") == new.session
        assert await store.turn_on_codes(ACCOUNT, mia.id, FirstCode(1, HASHES), BY)
        assert not await store.turn_on_codes(ACCOUNT, mia.id, FirstCode(1, HASHES), BY)
        with pytest.raises(NotPossible):
            await store.begin_codes(ACCOUNT, mia.id, "OTHER")
        codes = await store.codes(ACCOUNT, mia.id)
        assert codes is not None
        assert (codes.secret, codes.are_on, codes.recovery_codes_left) == ("SECRET", True, 2)
        assert await store.sign_in_ways(ACCOUNT) == {mia.id: SignInWays(0, has_codes=True)}

    async def test_no_way_with_a_password_passes_them_by(
        self, store: Store, mia: User, clock: Clock
    ) -> None:
        stored = await with_password(store, mia, clock)
        await codes_on(store, mia)
        signed_in = a_session(mia, clock, "signed in")
        assert await store.sign_in(stored, signed_in.token_hash, signed_in.session)
        choice = await store.create_link(ACCOUNT, mia.id, LinkPurpose.ACCOUNT_CHOICE)
        chosen = a_session(mia, clock, "chosen")
        assert await store.choose_account(key_hash(choice), chosen.token_hash, chosen.session)
        lost = await store.create_link(ACCOUNT, mia.id, LinkPurpose.LOST_PASSWORD)
        reset = a_session(mia, clock, "reset")
        assert await store.set_password(key_hash(lost), "new", reset.token_hash, reset.session)
        for new in (signed_in, chosen, reset):
            assert await store.session(new.token_hash) is None
        # The new password has ended what the old one began.
        assert await store.pending("signed in", PendingKind.CODE) is None
        assert await store.pending("reset", PendingKind.CODE) == PendingSignIn(
            PendingKind.CODE, clock.now + SECOND_STEP_S, ACCOUNT, mia.id
        )

    @pytest.mark.parametrize("proof", [CodeProof(step=101), CodeProof(recovery_hash="hash-1")])
    async def test_a_code_and_a_half_done_sign_in_count_once(
        self, store: Store, other_store: Store, mia: User, clock: Clock, proof: CodeProof
    ) -> None:
        await codes_on(store, mia)
        pending = PendingSignIn(PendingKind.CODE, clock.now + 300, ACCOUNT, mia.id)
        for name in ("p0", "p1"):
            await store.begin_pending(name, pending)
        done = await asyncio.gather(
            *(
                one.sign_in_with_code(f"p{n % 2}", proof, a_session(mia, clock, f"s{n}"), BY)
                for n, one in enumerate([store, other_store, other_store, store])
            )
        )
        assert sorted(done) == [False, False, False, True]
        assert len(await store.sessions(ACCOUNT, mia.id)) == 1
        # The other half-done sign-in is still there, for another code.
        left = [name for name in ("p0", "p1") if await store.pending(name, PendingKind.CODE)]
        assert len(left) == 1
        later = CodeProof(step=102)
        assert await store.sign_in_with_code(left[0], later, a_session(mia, clock, "s9"), BY)
        assert not await store.sign_in_with_code(
            left[0], CodeProof(step=103), a_session(mia, clock), BY
        )

    async def test_an_older_step_an_unknown_recovery_code_or_another_user_do_not(
        self, store: Store, mia: User, clock: Clock
    ) -> None:
        await codes_on(store, mia)
        dana = (await store.settings(ACCOUNT)).users[0]
        pending = PendingSignIn(PendingKind.CODE, clock.now + 300, ACCOUNT, mia.id)
        await store.begin_pending("p", pending)
        for proof in (CodeProof(step=100), CodeProof(step=99), CodeProof(recovery_hash="x")):
            assert not await store.sign_in_with_code("p", proof, a_session(mia, clock), BY)
        right = CodeProof(step=101)
        assert not await store.sign_in_with_code("p", right, a_session(dana, clock), BY)
        assert await store.sign_in_with_code("p", right, a_session(mia, clock), BY)

    async def test_they_are_renewed_and_forgotten(
        self, store: Store, mia: User, clock: Clock
    ) -> None:
        with pytest.raises(NotPossible):
            await store.renew_recovery_codes(ACCOUNT, mia.id, ["x"], BY)
        await codes_on(store, mia)
        await store.renew_recovery_codes(ACCOUNT, mia.id, ["x", "y", "z"], BY)
        codes = await store.codes(ACCOUNT, mia.id)
        assert codes is not None
        assert codes.recovery_codes_left == 3
        for _ in range(2):
            await store.turn_off_codes(ACCOUNT, mia.id, BY)
        assert await store.codes(ACCOUNT, mia.id) is None
        assert [one.event for one in await audit_of(store, ACCOUNT) if one.by == BY] == [
            *(AuditEvent.CODES_TURNED_ON, AuditEvent.RECOVERY_CODES_MADE),
            AuditEvent.CODES_TURNED_OFF,
        ]
        assert clock.now


class TestConfirming:
    async def test_a_session_remembers_when_its_user_confirmed(
        self, store: Store, mia: User, clock: Clock
    ) -> None:
        for name in ("one", "other"):
            await open_session(store, name, a_session(mia, clock).session)
        clock.advance(1_000)
        await store.confirm_session(ACCOUNT, "one", "password", BY)
        one, other = [await store.session(name) for name in ("one", "other")]
        assert one is not None
        assert other is not None
        assert (one.date_confirmed, other.date_confirmed) == (clock.now, None)
        (entry,) = await audit_of(store, ACCOUNT, AuditEvent.CONFIRMED)
        assert entry == AuditEntry(
            AuditEvent.CONFIRMED, BY, BY.user_id, changes={"way": (None, "password")}
        )

    async def test_all_of_a_user_s_ways_can_be_forgotten(
        self, store: Store, mia: User, clock: Clock
    ) -> None:
        await store.add_passkey(a_passkey(mia, clock), BY)
        await codes_on(store, mia)
        pending = PendingSignIn(PendingKind.CODE, clock.now + 300, ACCOUNT, mia.id)
        await store.begin_pending("p", pending)
        await store.forget_credentials(ACCOUNT, mia.id, BY)
        assert await store.sign_in_ways(ACCOUNT) == {}
        assert await store.pending("p", PendingKind.CODE) is None
        with pytest.raises(ResourceNotFound):
            await store.forget_credentials(ACCOUNT, mia.id + 99, BY)
