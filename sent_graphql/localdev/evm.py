"""A chain of our own on a real EVM (py-evm): transactions, calls at any block, snapshots.

Every transaction is mined as it comes, into a block of its own. Like an L2, the chain makes several blocks in
one second without its clock running ahead. Nothing here locks: one thread at a time (`jsonrpc.py` sees to it).
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

from eth.abc import (
    BlockHeaderAPI,
    ComputationAPI,
    ReceiptAPI,
    SignedTransactionAPI,
    UnsignedTransactionAPI,
    VirtualMachineAPI,
)
from eth.chains.base import MiningChain
from eth.constants import BLANK_ROOT_HASH, POST_MERGE_DIFFICULTY, POST_MERGE_NONCE
from eth.db.atomic import AtomicDB
from eth.exceptions import Revert
from eth.typing import HeaderParams
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_keys.datatypes import PrivateKey
from eth_typing import Address, BlockNumber
from eth_utils.crypto import keccak

from sent_graphql.localdev.clock import ChainClock
from sent_graphql.localdev.evm_ledger import Ledger, Log, MinedBlock, MinedTransaction

CHAIN_ID: Final = 31337
BLOCK_GAS_LIMIT: Final = 500_000_000
ACCOUNT_BALANCE: Final = 10**24
"""Wei that each unlocked account begins with."""

ESTIMATE_MARGIN: Final = 1.5
"""An estimate's factor: a call hands on only 63/64 of its gas, so more must be there than is used."""

MAX_SNAPSHOTS: Final = 1000


class ExecutionError(Exception):
    """The EVM refused: a revert with its `data` (maybe empty) or, with `data` None, any other halt."""

    def __init__(self, message: str, data: bytes | None) -> None:
        super().__init__(message)
        self.data = data


class _SameSecondVM(PragueVM):
    """Prague's rules, but a block may bear its parent's second, as an L2's blocks do."""

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        if header.timestamp == parent_header.timestamp:
            parent_header = parent_header.copy(timestamp=parent_header.timestamp - 1)
        super().validate_header(header, parent_header)


class _LocalChain(MiningChain):
    """One fork's rules from genesis on, and a gas limit that stays."""

    chain_id = CHAIN_ID
    vm_configuration = ((BlockNumber(0), _SameSecondVM),)

    def create_header_from_parent(self, parent_header: BlockHeaderAPI, **header_params: HeaderParams) -> BlockHeaderAPI:
        params: dict[str, HeaderParams] = {"gas_limit": parent_header.gas_limit, **header_params}
        return super().create_header_from_parent(parent_header, **params)


class Evm:
    """The chain, with `accounts` unlocked, funded accounts whose keys are the same each time.

    `listeners` are told of every mined block, in the thread that mined it.
    """

    def __init__(self, clock: ChainClock, *, accounts: int) -> None:
        keys = [PrivateKey(keccak(text=f"local account {index}")) for index in range(accounts)]
        self.accounts = {Address(key.public_key.to_canonical_address()): key for key in keys}
        self.clock = clock
        self.listeners: list[Callable[[MinedBlock], None]] = []
        self._chain = _genesis_chain(clock.now(), self.accounts)
        self.ledger = Ledger(MinedBlock(self._chain.get_canonical_head(), ()))
        self._snapshots: dict[int, tuple[MinedBlock, int]] = {}
        self._snapshot_numbers = itertools.count(1)
        self._headers_made = itertools.count(1)
        self._warm_vm: VirtualMachineAPI | None = None

    # Reading

    def code(self, address: bytes, at: MinedBlock) -> bytes:
        """The code at `address` after block `at`."""
        return self._vm_at(at).state.get_code(Address(address))

    def balance(self, address: bytes, at: MinedBlock) -> int:
        """Wei of `address` after block `at`."""
        return self._vm_at(at).state.get_balance(Address(address))

    def nonce(self, address: bytes, at: MinedBlock) -> int:
        """Transactions that `address` had sent by block `at`."""
        return self._vm_at(at).state.get_nonce(Address(address))

    def storage(self, address: bytes, slot: int, at: MinedBlock) -> int:
        """The word in a contract's `slot` after block `at`."""
        return self._vm_at(at).state.get_storage(Address(address), slot)

    def call(self, sender: bytes, to: bytes, data: bytes, *, value: int, gas: int, at: MinedBlock) -> bytes:
        """What the code at `to` answers after block `at`; raises ExecutionError. Nobody pays for gas."""
        vm = self._vm_at(at)
        snapshot = vm.state.snapshot()
        try:
            computation = vm.execute_bytecode(
                origin=Address(sender),
                gas_price=0,
                gas=gas,
                to=Address(to),
                sender=Address(sender),
                value=value,
                data=data,
                code=vm.state.get_code(Address(to)),
                code_address=Address(to),
            )
        finally:
            vm.state.revert(snapshot)
        _check(computation)
        return computation.output

    def _vm_at(self, block: MinedBlock) -> VirtualMachineAPI:
        """A machine on the state after `block`; the last one is kept, since its caches are warm."""
        if self._warm_vm is None or self._warm_vm.get_header().hash != block.hash:
            self._warm_vm = self._chain.get_vm(block.header)
        return self._warm_vm

    # Writing

    def sign(
        self, sender: bytes, to: bytes | None, data: bytes, *, value: int, gas: int | None, nonce: int | None
    ) -> SignedTransactionAPI:
        """A transaction of an unlocked account (KeyError for another); without `gas` it is tried first (`estimate`)."""
        key = self.accounts[Address(sender)]
        if gas is None:
            gas = self.estimate(sender, to, data, value=value)
        unsigned = self._unsigned(self._next_vm(), sender, to, data, value=value, gas=gas, nonce=nonce)
        return unsigned.as_signed_transaction(key)

    def estimate(self, sender: bytes, to: bytes | None, data: bytes, *, value: int) -> int:
        """Gas that the transaction needs in the next block, with a margin; raises ExecutionError."""
        vm = self._next_vm()
        unsigned = self._unsigned(vm, sender, to, data, value=value, gas=BLOCK_GAS_LIMIT, nonce=None)
        spoofed: Any = SpoofTransaction(unsigned, from_=Address(sender))
        computation = vm.state.apply_transaction(spoofed)
        _check(computation)
        used = BLOCK_GAS_LIMIT - computation.get_gas_remaining()
        return min(max(int(used * ESTIMATE_MARGIN), _calldata_floor(data)), BLOCK_GAS_LIMIT)

    @staticmethod
    def _unsigned(
        vm: VirtualMachineAPI,
        sender: bytes,
        to: bytes | None,
        data: bytes,
        *,
        value: int,
        gas: int,
        nonce: int | None,
    ) -> UnsignedTransactionAPI:
        builder: Any = vm.get_transaction_builder()
        unsigned: UnsignedTransactionAPI = builder.new_unsigned_dynamic_fee_transaction(
            chain_id=CHAIN_ID,
            nonce=vm.state.get_nonce(Address(sender)) if nonce is None else nonce,
            max_priority_fee_per_gas=0,
            max_fee_per_gas=vm.get_header().base_fee_per_gas,
            gas=gas,
            to=b"" if to is None else Address(to),
            value=value,
            data=data,
            access_list=(),
        )
        return unsigned

    def decode(self, raw: bytes) -> SignedTransactionAPI:
        """The signed transaction that `raw` encodes."""
        return self._next_vm().get_transaction_builder().decode(raw)

    def mine(self, transactions: Sequence[SignedTransactionAPI] = ()) -> MinedBlock:
        """The next block with `transactions` in it; an invalid one raises eth_utils' ValidationError."""
        self._chain.header = self._next_header()
        imported, receipts, computations = self._chain.mine_all(transactions)
        self.clock.block_mined()
        block = _mined_block(imported.imported_block.header, transactions, receipts, computations)
        self.ledger.append(block)
        for listener in tuple(self.listeners):
            listener(block)
        return block

    def _next_vm(self) -> VirtualMachineAPI:
        return self._chain.get_vm(self._next_header())

    def _next_header(self) -> BlockHeaderAPI:
        """The header to come; its extra data differs each time, so that two branches never share a hash."""
        parent = self.ledger.head.header
        return self._chain.create_header_from_parent(
            parent,
            timestamp=self.clock.next_timestamp(parent.timestamp),
            extra_data=next(self._headers_made).to_bytes(8, "big"),
        )

    # Branching

    def snapshot(self) -> int:
        """A number by which `revert` finds back to the present head; the oldest of too many is forgotten."""
        number = next(self._snapshot_numbers)
        self._snapshots[number] = (self.ledger.head, self.clock.offset)
        if len(self._snapshots) > MAX_SNAPSHOTS:
            del self._snapshots[min(self._snapshots)]
        return number

    def revert(self, number: int) -> bool:
        """Drops the blocks after that snapshot, and the snapshot with all later ones; False if there is none."""
        if number not in self._snapshots:
            return False
        head, self.clock.offset = self._snapshots[number]
        for later in [known for known in self._snapshots if known >= number]:
            del self._snapshots[later]
        while self.ledger.head.number > head.number:
            self.ledger.drop_head()
        return True


def _genesis_chain(timestamp: int, accounts: dict[Address, PrivateKey]) -> _LocalChain:
    header: dict[str, Any] = {
        "difficulty": POST_MERGE_DIFFICULTY,
        "extra_data": b"",
        "gas_limit": BLOCK_GAS_LIMIT,
        "mix_hash": bytes(32),
        "nonce": POST_MERGE_NONCE,
        "receipt_root": BLANK_ROOT_HASH,
        "transaction_root": BLANK_ROOT_HASH,
        "timestamp": timestamp,
    }
    state: Any = {address: {"balance": ACCOUNT_BALANCE, "nonce": 0, "code": b"", "storage": {}} for address in accounts}
    chain = _LocalChain.from_genesis(AtomicDB(), header, state)
    assert isinstance(chain, _LocalChain)
    return chain


def _check(computation: ComputationAPI) -> None:
    if not computation.is_error:
        return
    if isinstance(computation.error, Revert):
        raise ExecutionError("execution reverted", computation.output)
    raise ExecutionError(str(computation.error) or type(computation.error).__name__, None)


def _calldata_floor(data: bytes) -> int:
    """The least gas that a transaction with `data` may bring (EIP-7623)."""
    zeros = data.count(0)
    return 21_000 + 10 * (zeros + 4 * (len(data) - zeros))


def _mined_block(
    header: BlockHeaderAPI,
    transactions: Sequence[SignedTransactionAPI],
    receipts: Sequence[ReceiptAPI],
    computations: Sequence[ComputationAPI],
) -> MinedBlock:
    mined: list[MinedTransaction] = []
    log_indexes = itertools.count()
    gas_before = 0
    for index, (transaction, receipt, computation) in enumerate(zip(transactions, receipts, computations, strict=True)):
        logs = tuple(
            Log(
                block_number=header.block_number,
                block_hash=header.hash,
                transaction_hash=transaction.hash,
                transaction_index=index,
                log_index=next(log_indexes),
                address=log.address,
                topics=tuple(topic.to_bytes(32, "big") for topic in log.topics),
                data=log.data,
            )
            for log in receipt.logs
        )
        succeeded = not computation.is_error
        mined.append(
            MinedTransaction(
                transaction=transaction,
                position=index,
                succeeded=succeeded,
                gas_used=receipt.gas_used - gas_before,
                cumulative_gas_used=receipt.gas_used,
                bloom=receipt.bloom,
                created=computation.msg.storage_address if succeeded and not transaction.to else None,
                logs=logs,
            )
        )
        gas_before = receipt.gas_used
    return MinedBlock(header, tuple(mined))
