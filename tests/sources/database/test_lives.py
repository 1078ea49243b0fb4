"""Lives come back as they were kept, each once, however many there are."""

from typing import Any

import pytest

from sent_graphql.sources.database import lives as module
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.sources.database.lives import LifeRecord, LifeStore


def record(number: int, **fields: Any) -> LifeRecord:
    defaults: dict[str, Any] = {
        "id": f"contract:{number}",
        "contract_id": number,
        "pubkey": f"{number:064x}",
        "registration_height": None if number % 2 else 1_000 + number,
        "node": '{"state":"exited","name":"Ὀδυσσεύς"}',
    }
    return LifeRecord(**(defaults | fields))


async def everything(store: LifeStore) -> dict[str, LifeRecord]:
    found: dict[str, LifeRecord] = {}
    async for chunk in store.all():
        assert len(chunk) <= module.CHUNK
        assert not found.keys() & {item.id for item in chunk}
        found |= {item.id: item for item in chunk}
    return found


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5])
async def test_all_come_back_chunk_by_chunk(database: Database, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    store = LifeStore(database)
    records = [record(number) for number in range(count)]

    await store.save(records)

    assert await everything(store) == {item.id: item for item in records}


async def test_what_is_saved_again_replaces_what_was_kept(database: Database) -> None:
    store = LifeStore(database)
    await store.save([record(1), record(2)])
    newer = record(2, contract_id=None, node="{}")

    await store.save([record(2), newer, record(3)])

    assert await everything(store) == {"contract:1": record(1), "contract:2": newer, "contract:3": record(3)}


async def test_of_a_save_that_fails_nothing_is_kept(database: Database) -> None:
    store = LifeStore(database)
    await store.save([record(1)])

    with pytest.raises(DatabaseUnavailableError):
        await store.save([record(2), record(1, pubkey=None)])

    assert await everything(store) == {"contract:1": record(1)}
