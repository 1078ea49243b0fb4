"""Registrations: one of each kind per node key, newest first, and never more than the bounds."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import select

from sent_graphql.models.pages import Position, Window
from sent_graphql.models.registrations import Registration, RegistrationKind
from sent_graphql.settings import RegistrationsSettings
from sent_graphql.sources.database import registrations as module
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.registrations import RegistrationStore
from sent_graphql.sources.database.tables import registrations

MOMENT = datetime(2025, 5, 21, 1, 0, 0, 123_457, tzinfo=UTC)
OPERATOR = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
OTHER = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
ALL = Window(first=1_000)


def registration(number: int, **fields: Any) -> Registration:
    """Registration of node `number`, stored `number` seconds after the moment."""
    defaults: dict[str, Any] = {
        "kind": RegistrationKind.SOLO,
        "pubkey": f"{number:064x}",
        "pubkey_bls": f"{number:0128x}",
        "sig_ed25519": "ed" * 64,
        "sig_bls": "b1" * 128,
        "operator": OPERATOR,
        "contract": None,
        "stored_at": MOMENT + timedelta(seconds=number),
    }
    return Registration(**(defaults | fields))


def store_in(database: Database, registered: Collection[int] = (), **settings: int) -> RegistrationStore:
    """A store with these bounds, on a network that has the nodes with these numbers."""
    keys = {f"{number:064x}" for number in registered}
    return RegistrationStore(database, RegistrationsSettings(**settings), keys.__contains__)


def place(item: Registration) -> Position:
    return False, -((item.stored_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)), item.id


async def kept(database: Database) -> list[int]:
    """Numbers of the nodes whose registrations are there, oldest first."""
    async with database.reading() as connection:
        rows = await connection.scalars(select(registrations.c.pubkey).order_by(registrations.c.stored_at))
        return [int(pubkey, 16) for pubkey in rows]


class TestStoring:
    async def test_what_is_stored_is_found_as_it_was(self, database: Database) -> None:
        store = store_in(database)
        solo = registration(1)
        shared = registration(1, kind=RegistrationKind.CONTRACT, contract=OTHER, stored_at=MOMENT)

        assert await store.store(solo) == solo
        assert await store.store(shared) == shared

        assert await store.find(solo.pubkey, RegistrationKind.SOLO) == solo
        assert await store.find(solo.pubkey, RegistrationKind.CONTRACT) == shared
        assert (await store.of_pubkey(solo.pubkey, ALL)).items == (solo, shared)

    async def test_what_is_not_there_is_not_found(self, database: Database) -> None:
        store = store_in(database)

        assert await store.find("ab" * 32, RegistrationKind.SOLO) is None
        assert (await store.of_pubkey("ab" * 32, ALL)).items == ()
        assert (await store.of_operator(OPERATOR, ALL)).items == ()

    async def test_the_newer_replaces_the_older_of_its_key_and_kind(self, database: Database) -> None:
        store = store_in(database)
        await store.store(registration(1))
        await store.store(registration(1, kind=RegistrationKind.CONTRACT, contract=OTHER))
        newer = registration(1, operator=OTHER, sig_bls="cc" * 128, stored_at=MOMENT + timedelta(days=1))

        await store.store(newer)

        assert await store.find(newer.pubkey, RegistrationKind.SOLO) == newer
        assert len((await store.of_pubkey(newer.pubkey, ALL)).items) == 2
        assert (await store.of_operator(OTHER, ALL)).items == (newer,)

    async def test_no_two_share_a_moment_however_many_come_at_once(self, database: Database) -> None:
        store = store_in(database)

        stored = [await store.store(registration(number, stored_at=MOMENT)) for number in range(5)]

        microseconds = [(item.stored_at - MOMENT) // timedelta(microseconds=1) for item in stored]
        assert microseconds == list(range(5))

    async def test_one_that_is_stored_again_in_its_moment_keeps_it(self, database: Database) -> None:
        store = store_in(database)

        again = [await store.store(registration(1)) for _ in range(2)]

        assert again == [registration(1)] * 2


class TestPages:
    async def test_an_operators_are_paged_newest_first(self, database: Database) -> None:
        store = store_in(database)
        mine = [registration(number) for number in range(1, 8)]
        for item in [*mine, registration(100, operator=OTHER)]:
            await store.store(item)
        newest_first = tuple(reversed(mine))

        first = await store.of_operator(OPERATOR, Window(first=3))
        second = await store.of_operator(OPERATOR, Window(first=3, after=place(first.items[-1])))
        last = await store.of_operator(OPERATOR, Window(last=2))
        back = await store.of_operator(OPERATOR, Window(last=2, before=place(second.items[0])))

        assert (first.items, first.more_before, first.more_after) == (newest_first[:3], False, True)
        assert (second.items, second.more_before, second.more_after) == (newest_first[3:6], True, True)
        assert (last.items, last.more_before, last.more_after) == (newest_first[-2:], True, False)
        assert (back.items, back.more_before, back.more_after) == (newest_first[1:3], True, True)

    async def test_a_page_goes_on_where_its_cursor_was_though_that_one_was_replaced(self, database: Database) -> None:
        store = store_in(database)
        for number in range(1, 5):
            await store.store(registration(number))
        cursor = place(registration(3))
        await store.store(registration(3, stored_at=MOMENT + timedelta(days=1)))

        page = await store.of_operator(OPERATOR, Window(first=10, after=cursor))

        assert page.items == (registration(2), registration(1))
        assert page.more_before


class TestBounds:
    async def test_of_an_operator_the_oldest_unregistered_go_first(self, database: Database) -> None:
        store = store_in(database, registered=[1, 3], max_per_operator=4)
        await store.store(registration(50, operator=OTHER, stored_at=MOMENT))

        for number in range(1, 7):
            await store.store(registration(number))

        assert await kept(database) == [50, 1, 3, 5, 6]

    async def test_in_all_the_oldest_unregistered_go_first(self, database: Database) -> None:
        store = store_in(database, registered=[2], max_total=3)

        for number in range(1, 7):
            await store.store(registration(number, operator=f"0x{number:040x}"))

        assert await kept(database) == [2, 5, 6]

    async def test_where_all_are_registered_the_oldest_go(self, database: Database) -> None:
        store = store_in(database, registered=range(10), max_total=3)

        for number in range(1, 6):
            await store.store(registration(number))

        assert await kept(database) == [3, 4, 5]

    async def test_the_new_one_stays_even_if_it_is_the_only_unregistered(self, database: Database) -> None:
        store = store_in(database, registered=[1, 2], max_total=2)

        for number in (1, 2, 9):
            await store.store(registration(number))

        assert await kept(database) == [2, 9]

    async def test_a_replacement_drives_nobody_out(self, database: Database) -> None:
        store = store_in(database, max_total=2, max_per_operator=2)

        for number in (1, 2, 2, 1):
            await store.store(registration(number))

        assert await kept(database) == [1, 2]

    async def test_a_bound_that_was_lowered_is_reached_step_by_step(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_EVICTED", 3)
        monkeypatch.setattr(module, "EVICTION_CHUNK", 2)
        generous = store_in(database)
        for number in range(1, 11):
            await generous.store(registration(number))
        strict = store_in(database, registered=[2], max_total=4)

        await strict.store(registration(11))
        assert await kept(database) == [2, 5, 6, 7, 8, 9, 10, 11]

        for number in (12, 13):
            await strict.store(registration(number))
        assert await kept(database) == [2, 11, 12, 13]

    async def test_the_search_for_unregistered_ones_is_bounded(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_LOOKED_AT", 4)
        monkeypatch.setattr(module, "EVICTION_CHUNK", 2)
        store = store_in(database, registered=range(1, 6), max_total=6)

        for number in range(1, 8):
            await store.store(registration(number))

        assert await kept(database) == [2, 3, 4, 5, 6, 7]


async def test_the_id_stays_when_a_registration_is_replaced(database: Database) -> None:
    store = store_in(database)
    first = await store.store(registration(1))

    second = await store.store(structs.replace(registration(1), stored_at=MOMENT + timedelta(days=1)))

    assert first.id == second.id
