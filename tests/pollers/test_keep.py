"""The last snapshot on disk."""

from pathlib import Path
from typing import Any

import pytest

from sent_graphql.pollers.keep import FORMAT, Kept, SnapshotKeep
from sent_graphql.pollers.lives import Life, Lives


@pytest.fixture
def kept(make: Any, join: Any) -> Kept:
    state = make.contribution_state()
    (gone,) = join(make.oxend_view(exit_list=(make.removed_node(2),))).state.nodes
    return Kept(
        chain_id=421_614,
        service_node_rewards=make.address(0xEE),
        version=1_234,
        oxend=make.oxend_view(
            [make.oxend_node()],
            exit_list=(make.removed_node(2),),
            pending_registrations=(make.pending(3),),
            pending_unlocks=frozenset({make.bls(1)}),
            accrued={make.address(1): 2**70},
        ),
        oxend_at=1.5,
        contracts=make.contracts_view(
            [make.contract_node()],
            contribution_contracts={state.address: state},
            registrations={1: make.registration()},
            exits={9: make.exit(9)},
            recipients={make.address(1): make.recipient(credited=2**80, claimed=3)},
        ),
        contracts_at=2.5,
        lives=Lives(by_alias={"contract:1": Life("a.1", 1)}),
        seen=(gone,),
    )


def keep_in(directory: Path, make: Any, chain_id: int = 421_614) -> SnapshotKeep:
    return SnapshotKeep(directory, "stagenet", chain_id, make.address(0xEE))


def kept_file(directory: Path) -> Path:
    (file,) = directory.glob("*.snapshot")
    return file


async def test_what_was_kept_is_read_back_whole(tmp_path: Path, make: Any, kept: Kept) -> None:
    keep = keep_in(tmp_path / "state", make)
    await keep.save(kept)
    assert await keep.load() == kept


async def test_amounts_beyond_64_bits_survive(tmp_path: Path, make: Any, kept: Kept) -> None:
    await keep_in(tmp_path, make).save(kept)
    again = await keep_in(tmp_path, make).load()
    assert again is not None
    assert again.oxend.accrued[make.address(1)] == 2**70


async def test_nothing_kept_is_nothing(tmp_path: Path, make: Any) -> None:
    assert await keep_in(tmp_path, make).load() is None


async def test_another_chains_snapshot_is_not_taken(tmp_path: Path, make: Any, kept: Kept) -> None:
    await keep_in(tmp_path, make).save(kept)
    assert await keep_in(tmp_path, make, chain_id=1).load() is None


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "format", "date"])
async def test_a_damaged_file_is_left_out_not_a_crash(tmp_path: Path, make: Any, kept: Kept, damage: str) -> None:
    keep = keep_in(tmp_path, make)
    await keep.save(kept)
    file = kept_file(tmp_path)
    body = file.read_bytes()
    old_format = body.replace(b'"format":%d' % FORMAT, b'"format":99')
    assert old_format != body
    far_off = body.replace(b'"oxend_at":1.5', b'"oxend_at":1e30')
    assert far_off != body
    damaged = {"cut": body[:-9], "garbage": b"\xff" * 50, "empty": b"", "format": old_format, "date": far_off}
    file.write_bytes(damaged[damage])
    assert await keep.load() is None


async def test_a_place_that_cannot_be_written_is_reported_and_survived(tmp_path: Path, make: Any, kept: Kept) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    await keep_in(tmp_path / "state", make).save(kept)
    assert await keep_in(tmp_path / "state", make).load() is None
