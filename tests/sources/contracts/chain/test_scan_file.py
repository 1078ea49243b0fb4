"""The scan's file is ours and whole, or it is set aside."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from sent_graphql.models.contracts import NodeRegistration, Stake
from sent_graphql.settings import ContractsSettings, NetworkSettings
from sent_graphql.sources.contracts.event_log import Facts, ScanState
from sent_graphql.sources.contracts.events import ContractCreated, Exited, Finalized, Registered, WalletCredited
from sent_graphql.sources.contracts.scan_file import ScanFile

SETTINGS = ContractsSettings(rpc_urls=(SecretStr("http://127.0.0.1"),), service_node_rewards="0x" + "c2" * 20)


def state() -> ScanState:
    facts = Facts()
    registration = NodeRegistration(
        contract_id=2**64 - 1,
        pubkey="0a" * 32,
        pubkey_bls="0b" * 64,
        operator="0x1",
        fee=7,
        contributors=(Stake("0x1", "0x2", 10**18),),
        block_number=12,
        contribution_contract=None,
    )
    facts.apply(Registered(registration, "0x1", "0xaa"))
    facts.apply(Exited(13, 4))
    facts.apply(WalletCredited(14, "0x3"))
    facts.apply(ContractCreated(15, 2, "0x4"))
    facts.apply(Finalized(16, "0x4", "0xbb"))
    return ScanState(from_block=3, scanned_to=20, hashes={3: "0x33", 20: "0x20"}, facts=facts)


def test_what_was_saved_is_loaded(tmp_path: Path, network: NetworkSettings) -> None:
    file = ScanFile(tmp_path / "new", network, SETTINGS)
    assert file.load() is None
    file.save(state())
    assert ScanFile(tmp_path / "new", network, SETTINGS).load() == state()
    assert [path.name for path in (tmp_path / "new").iterdir()] == [file.path.name], "no temporary file is left"


@pytest.mark.parametrize("other", ["chain", "contract"])
def test_a_file_of_another_chain_or_contract_is_set_aside(tmp_path: Path, network: NetworkSettings, other: str) -> None:
    ScanFile(tmp_path, network, SETTINGS).save(state())
    if other == "chain":
        changed = ScanFile(tmp_path, network.model_copy(update={"chain_id": 5}), SETTINGS)
    else:
        settings = SETTINGS.model_copy(update={"service_node_rewards": "0x" + "c3" * 20})
        changed = ScanFile(tmp_path, network, settings)
    with capture_logs() as logs:
        assert changed.load() is None
    assert logs[0]["log_level"] == "warning"
    (aside,) = tmp_path.iterdir()
    assert aside.suffix == ".unused"


@pytest.mark.parametrize("content", [b"", b"\x00", b"not ours at all", b"\x81\xa7version\x02"])
def test_a_corrupt_file_is_set_aside(tmp_path: Path, network: NetworkSettings, content: bytes) -> None:
    file = ScanFile(tmp_path, network, SETTINGS)
    file.path.write_bytes(content)
    assert file.load() is None
    assert not file.path.exists()
    (aside,) = tmp_path.iterdir()
    assert aside.read_bytes() == content


def test_a_cut_file_is_set_aside(tmp_path: Path, network: NetworkSettings) -> None:
    file = ScanFile(tmp_path, network, SETTINGS)
    file.save(state())
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[: len(whole) // 2])
    assert file.load() is None


def test_a_failed_save_leaves_the_old_file(
    tmp_path: Path, network: NetworkSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ScanFile(tmp_path, network, SETTINGS)
    file.save(state())

    def disk_full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", disk_full)
        changed = state()
        changed.scanned_to = 99
        with pytest.raises(OSError, match="No space"):
            file.save(changed)
    assert file.load() == state()
    assert [path.name for path in tmp_path.iterdir()] == [file.path.name]
