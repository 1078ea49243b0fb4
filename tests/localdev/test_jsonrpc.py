"""The EVM answers as an Ethereum node does: asked by web3, and by hand where a client would hide the answer."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from eth_account import Account
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound

from sent_graphql.localdev.chain import Chain, ChainError
from sent_graphql.localdev.deployment import Deployment
from sent_graphql.localdev.evm_http import MAX_BODY_BYTES
from sent_graphql.localdev.jsonrpc import MAX_BATCH

NOWHERE = "0x" + "77" * 20
NO_HASH = "0x" + "77" * 32


@pytest_asyncio.fixture
async def web3(chain: Chain) -> AsyncIterator[AsyncWeb3[Any]]:
    client: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(chain.url))
    yield client
    await client.provider.disconnect()


async def mint(chain: Chain, deployment: Deployment, amount: int = 5) -> Any:
    return await chain.send(deployment.token, "mint", NOWHERE, amount, sender=deployment.owner)


class TestThroughWeb3:
    async def test_contract_calls_and_their_reverts(self, web3: AsyncWeb3[Any], deployment: Deployment) -> None:
        rewards = web3.eth.contract(
            web3.to_checksum_address(deployment.rewards.address), abi=deployment.rewards.artefact.abi
        )
        assert await rewards.functions.totalNodes().call() == 0
        with pytest.raises(ContractLogicError) as caught:
            await rewards.functions.start().call()
        assert str(caught.value.data).startswith("0x118cdaa7")

    async def test_blocks_by_number_hash_and_tag(self, web3: AsyncWeb3[Any], chain: Chain) -> None:
        head = await web3.eth.get_block("latest")
        assert await web3.eth.get_block(head["hash"]) == head
        assert await web3.eth.get_block(head["number"]) == head
        assert await web3.eth.get_block("finalized") == head
        assert (await web3.eth.get_block("earliest"))["number"] == 0
        parent = await web3.eth.get_block(head["number"] - 1)
        assert parent["hash"] == head["parentHash"]
        with pytest.raises(BlockNotFound):
            await web3.eth.get_block(head["number"] + 1)
        with pytest.raises(BlockNotFound):
            await web3.eth.get_block(web3.to_bytes(hexstr=NO_HASH))  # type: ignore[arg-type]

    async def test_transactions_and_receipts(self, web3: AsyncWeb3[Any], chain: Chain, deployment: Deployment) -> None:
        sent = await mint(chain, deployment)
        transaction = await web3.eth.get_transaction(sent.transaction_hash)
        receipt = await web3.eth.get_transaction_receipt(sent.transaction_hash)
        assert transaction["from"] == receipt["from"] == deployment.owner
        assert transaction["to"] == deployment.token.address
        assert transaction["blockNumber"] == receipt["blockNumber"] == sent.block_number
        assert receipt["status"] == 1
        assert receipt["logs"][0]["address"] == deployment.token.address
        full = await web3.eth.get_block(sent.block_number, full_transactions=True)
        assert full["transactions"][0] == transaction
        with pytest.raises(TransactionNotFound):
            await web3.eth.get_transaction(web3.to_bytes(hexstr=NO_HASH))  # type: ignore[arg-type]

    async def test_batches(self, web3: AsyncWeb3[Any], deployment: Deployment) -> None:
        token = web3.eth.contract(web3.to_checksum_address(deployment.token.address), abi=deployment.token.artefact.abi)
        async with web3.batch_requests() as batch:
            batch.add(token.functions.decimals().call())
            batch.add(token.functions.symbol().call())
            batch.add(web3.eth.get_block("latest"))
            answers: list[Any] = await batch.async_execute()
        assert answers[:2] == [9, "SESH"]
        assert answers[2]["number"] >= deployment.block_number

    async def test_a_transaction_signed_by_a_stranger_s_key(
        self, web3: AsyncWeb3[Any], chain: Chain, deployment: Deployment
    ) -> None:
        stranger = Account.create()
        await chain.request(
            "eth_sendTransaction", {"from": deployment.owner, "to": stranger.address, "value": hex(10**18)}
        )
        for number, fees in enumerate(({"gasPrice": 10**10}, {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0})):
            signed = stranger.sign_transaction(
                {"to": NOWHERE, "value": 7, "gas": 21_000, "nonce": number, "chainId": 31337, "data": b"", **fees}
            )
            sent = await web3.eth.send_raw_transaction(signed.raw_transaction)
            assert (await web3.eth.get_transaction_receipt(sent))["status"] == 1
            assert (await web3.eth.get_transaction(sent))["from"] == stranger.address
        assert await web3.eth.get_balance(web3.to_checksum_address(NOWHERE)) == 14
        assert await web3.eth.get_transaction_count(stranger.address) == 2

    async def test_the_chain_says_who_it_is(self, web3: AsyncWeb3[Any], chain: Chain) -> None:
        assert await web3.eth.chain_id == 31337
        assert await chain.request("net_version") == "31337"
        assert "py-evm" in await web3.client_version


class TestHistory:
    async def test_calls_see_the_state_of_the_block_they_name(self, chain: Chain, deployment: Deployment) -> None:
        before = await chain.block_number()
        receipt = await mint(chain, deployment)
        await mint(chain, deployment)
        balance = (deployment.token, "balanceOf", NOWHERE)
        assert await chain.call(*balance, block=before) == 0
        assert await chain.call(*balance, block=receipt.block_number) == 5
        assert await chain.call(*balance) == 10
        block = await chain.request("eth_getBlockByNumber", hex(receipt.block_number), False)
        assert await chain.call(*balance, block={"blockHash": block["hash"]}) == 5  # type: ignore[arg-type]
        assert await chain.call(*balance, block={"blockNumber": block["number"]}) == 5  # type: ignore[arg-type]

    async def test_code_is_there_from_its_deployment_on(self, chain: Chain, deployment: Deployment) -> None:
        address = deployment.token.address
        assert await chain.request("eth_getCode", address, hex(deployment.block_number - 1)) == "0x"
        assert len(await chain.request("eth_getCode", address, hex(deployment.block_number))) > 2
        data = deployment.token.artefact.function("decimals", 0).encode([])
        assert await chain.request("eth_call", {"to": address, "data": "0x" + data.hex()}, "0x0") == "0x"

    async def test_a_block_that_is_not_there_is_an_error(self, chain: Chain, deployment: Deployment) -> None:
        for block in (hex(await chain.block_number() + 1), {"blockHash": NO_HASH}):
            with pytest.raises(ChainError, match="block"):
                await chain.call(deployment.token, "decimals", block=block)  # type: ignore[arg-type]

    async def test_blocks_of_one_second_do_not_run_ahead_of_the_clock(self, chain: Chain) -> None:
        await chain.mine()
        before, clock = await chain.timestamp(), time.monotonic()
        await chain.mine(20)
        assert await chain.timestamp() - before <= time.monotonic() - clock + 1


class TestLogs:
    async def test_are_found_by_address_topic_and_range(self, chain: Chain, deployment: Deployment) -> None:
        first = await mint(chain, deployment)
        await chain.mine(3)
        second = await chain.send(deployment.token, "approve", NOWHERE, 1, sender=deployment.owner)
        transfer, approval = (
            "0x" + deployment.token.artefact.event(name).topic.hex() for name in ("Transfer", "Approval")
        )
        to_nowhere = "0x" + "00" * 12 + NOWHERE[2:]
        start, address = first.block_number, deployment.token.address

        async def names(**wanted: Any) -> list[str]:
            return [event.name for event in await chain.logs(start, **wanted)]

        both = ["Transfer", "Approval"]
        assert await names() == both
        assert await names(address=address) == both
        assert await names(address=[NOWHERE, address]) == both
        assert await names(address=[]) == both
        assert await names(address=NOWHERE) == []
        assert await names(topics=[transfer]) == ["Transfer"]
        assert await names(topics=[[transfer, approval]]) == both
        assert await names(topics=[None, None, to_nowhere]) == both
        assert await names(topics=[approval, None, [to_nowhere]]) == ["Approval"]
        assert await names(topics=[None, to_nowhere]) == []
        assert await names(topics=[None, None, None, to_nowhere]) == []
        assert [event.name for event in await chain.logs(start, start)] == ["Transfer"]
        assert [event.name for event in await chain.logs(start + 1, second.block_number - 1)] == []
        assert [event.name for event in await chain.logs(start, second.block_number + 1000)] == both
        assert [event.name for event in await chain.logs(second.block_number + 1, second.block_number + 9)] == []

    async def test_are_found_by_the_block_s_hash(self, chain: Chain, deployment: Deployment) -> None:
        sent = await mint(chain, deployment)
        block = await chain.request("eth_getBlockByNumber", hex(sent.block_number), False)
        (log,) = await chain.request("eth_getLogs", {"blockHash": block["hash"]})
        assert log["transactionHash"] == sent.transaction_hash
        assert log["blockHash"] == block["hash"]
        with pytest.raises(ChainError, match="unknown block"):
            await chain.request("eth_getLogs", {"blockHash": NO_HASH})
        with pytest.raises(ChainError, match="blockHash"):
            await chain.request("eth_getLogs", {"blockHash": block["hash"], "fromBlock": "0x1"})

    async def test_of_a_range_that_runs_backwards_are_refused(self, chain: Chain) -> None:
        with pytest.raises(ChainError, match="range"):
            await chain.logs(5, 4)


class TestBranches:
    async def test_a_revert_takes_back_state_logs_blocks_and_transactions(
        self, chain: Chain, deployment: Deployment
    ) -> None:
        height = await chain.block_number()
        snapshot = await chain.snapshot()
        sent = await mint(chain, deployment)
        block = await chain.request("eth_getBlockByNumber", hex(sent.block_number), False)
        await chain.revert(snapshot)
        assert await chain.block_number() == height
        assert await chain.call(deployment.token, "balanceOf", NOWHERE) == 0
        assert await chain.logs(height + 1, height + 10) == []
        assert await chain.request("eth_getBlockByHash", block["hash"], False) is None
        assert await chain.request("eth_getTransactionReceipt", sent.transaction_hash) is None

    async def test_the_other_branch_has_other_hashes(self, chain: Chain, deployment: Deployment) -> None:
        snapshot = await chain.snapshot()
        await chain.mine()
        one = await chain.request("eth_getBlockByNumber", "latest", False)
        await chain.revert(snapshot)
        await chain.mine()
        other = await chain.request("eth_getBlockByNumber", "latest", False)
        assert one["number"] == other["number"]
        assert one["parentHash"] == other["parentHash"]
        assert one["hash"] != other["hash"]

    async def test_a_snapshot_is_used_up_with_all_later_ones(self, chain: Chain) -> None:
        first = await chain.snapshot()
        second = await chain.snapshot()
        await chain.revert(first)
        for used in (first, second):
            with pytest.raises(ChainError, match="no snapshot"):
                await chain.revert(used)

    async def test_time_travels_ahead_and_never_back(self, chain: Chain) -> None:
        now = await chain.timestamp()
        await chain.set_time(now + 1000)
        assert await chain.timestamp() == now + 1000
        await chain.increase_time(500)
        assert await chain.timestamp() >= now + 1500
        with pytest.raises(ChainError, match="before"):
            await chain.set_time(now)


class TestRefusals:
    async def raw(self, chain: Chain, body: bytes) -> Any:
        async with aiohttp.ClientSession() as session, session.post(chain.url, data=body) as response:
            return response.status, await response.json(content_type=None)

    @pytest.mark.parametrize(
        ("method", "params", "code"),
        [
            ("eth_fly", [], -32601),
            ("eth_getBalance", [], -32602),
            ("eth_getBalance", ["0x12", "latest"], -32602),
            ("eth_getBalance", [NOWHERE, "soon"], -32602),
            ("eth_call", [{"data": "0x"}, "latest"], -32602),
            ("eth_call", ["x", "latest"], -32602),
            ("eth_call", [{"to": NOWHERE, "data": "0x123"}, "latest"], -32602),
            ("eth_getLogs", [{"topics": [None] * 5}], -32602),
            ("eth_getLogs", [{"address": "0x1"}], -32602),
            ("eth_sendTransaction", [{"from": NOWHERE, "to": NOWHERE}], -32000),
            ("eth_sendRawTransaction", ["0x01"], -32000),
            ("evm_mine", [{"blocks": 10**9}], -32602),
        ],
    )
    async def test_name_what_is_wrong(self, chain: Chain, method: str, params: list[Any], code: int) -> None:
        with pytest.raises(ChainError) as caught:
            await chain.request(method, *params)
        assert caught.value.code == code

    async def test_of_what_is_no_request(self, chain: Chain) -> None:
        for body, code in ((b"{", -32700), (b"[]", -32600), (b"7", -32600), (b'{"id": 1}', -32600)):
            _, answer = await self.raw(chain, body)
            assert answer["error"]["code"] == code

    async def test_of_batches_and_bodies_without_bound(self, chain: Chain) -> None:
        one = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'
        _, answer = await self.raw(chain, b"[" + b",".join([one] * (MAX_BATCH + 1)) + b"]")
        assert answer["error"]["code"] == -32600
        too_long = io.BytesIO(b" " * (MAX_BODY_BYTES + 1))
        async with aiohttp.ClientSession() as session, session.post(chain.url, data=too_long) as response:
            assert response.status == 413

    async def test_in_a_batch_leave_the_rest_alone(self, chain: Chain) -> None:
        body = b'[{"jsonrpc":"2.0","id":1,"method":"eth_fly"},{"jsonrpc":"2.0","id":"b","method":"eth_chainId"}]'
        status, (bad, good) = await self.raw(chain, body)
        assert status == 200
        assert (bad["id"], bad["error"]["code"]) == (1, -32601)
        assert good == {"jsonrpc": "2.0", "id": "b", "result": "0x7a69"}

    async def test_a_call_that_runs_out_of_gas_is_no_revert(self, chain: Chain, deployment: Deployment) -> None:
        data = deployment.rewards.artefact.function("allServiceNodeIDs", 0).encode([])
        message = {"to": deployment.rewards.address, "data": "0x" + data.hex(), "gas": "0x5208"}
        with pytest.raises(ChainError) as caught:
            await chain.request("eth_call", message, "latest")
        assert caught.value.code == -32000
        assert caught.value.data is None

    async def test_a_refused_transaction_is_mined_when_its_gas_was_given(
        self, chain: Chain, deployment: Deployment
    ) -> None:
        height = await chain.block_number()
        start = ("mint", NOWHERE, 1)
        stranger = deployment.wallets[0]
        with pytest.raises(ChainError, match="OwnableUnauthorizedAccount"):
            await chain.send(deployment.token, *start, sender=stranger)
        assert await chain.block_number() == height
        with pytest.raises(ChainError, match="OwnableUnauthorizedAccount"):
            await chain.send(deployment.token, *start, sender=stranger, gas=100_000)
        assert await chain.block_number() == height + 1


async def test_the_node_takes_many_requests_at_once(chain: Chain, deployment: Deployment) -> None:
    answers = await asyncio.gather(*(chain.call(deployment.token, "decimals") for _ in range(50)))
    assert answers == [9] * 50
