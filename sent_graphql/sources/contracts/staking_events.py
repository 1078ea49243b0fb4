"""From a log to an event of the history, as far as the log alone tells."""

from collections.abc import Iterable
from datetime import UTC, datetime

import structlog
from msgspec import Struct

from sent_graphql.models.contracts import ContractAddresses
from sent_graphql.models.history import EventArgument, StakingEvent, StakingEventKind
from sent_graphql.models.keys import ed25519_from_int
from sent_graphql.sources.contracts.abi_types import told
from sent_graphql.sources.contracts.decoding import INT_BITS
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError
from sent_graphql.sources.contracts.event_table import ID, INITIATOR, SHAPES, Emitter, EventShape, Values
from sent_graphql.sources.contracts.logs import Log
from sent_graphql.sources.contracts.words import Words


class DecodedLog(Struct, frozen=True, gc=False):
    """A log that is history, before the time of its block is known. Fields as in StakingEvent."""

    log: Log
    kind: StakingEventKind
    initiator: str | None
    wallet: str | None
    amount: int | None
    contract_id: int | None
    pubkey: str | None
    contribution_contract: str | None
    arguments: tuple[EventArgument, ...]

    def event(self, timestamp: int) -> StakingEvent:
        """The event, in a block of that time (unix seconds)."""
        return StakingEvent(
            kind=self.kind,
            contract=self.log.address,
            block_number=self.log.block,
            block_hash=self.log.block_hash,
            timestamp=datetime.fromtimestamp(timestamp, UTC),
            transaction_hash=self.log.transaction,
            log_index=self.log.index,
            initiator=self.initiator,
            wallet=self.wallet,
            amount=self.amount,
            contract_id=self.contract_id,
            pubkey=self.pubkey,
            contribution_contract_address=self.contribution_contract,
            arguments=self.arguments,
        )


def decode_logs(logs: Iterable[Log], addresses: ContractAddresses) -> list[DecodedLog]:
    """Those of `logs` that are history, in the order of the chain, each place once.

    One that does not decode as its topic demands is logged and left out: it must not stop what follows it.
    """
    decoded = []
    for _, log in sorted({(log.block, log.index): log for log in logs}.items()):
        try:
            found = decode_log(log, addresses)
        except RpcMalformedReplyError as error:
            structlog.get_logger(__name__).warning(
                "log left out", block=log.block, index=log.index, contract=log.address, error=str(error)
            )
        else:
            if found is not None:
                decoded.append(found)
    return decoded


def decode_log(log: Log, addresses: ContractAddresses) -> DecodedLog | None:
    """What a log tells; None where it is no history. Raises RpcMalformedReplyError where it does not decode."""
    emitter = _emitter(log.address, addresses)
    shape = SHAPES[emitter].get(log.topics[0]) if log.topics else None
    if shape is None:
        return None
    values = _values(log, shape)
    contract = log.address if emitter is Emitter.CONTRIBUTION else None
    return DecodedLog(
        log=log,
        kind=shape.kind,
        initiator=values.get(INITIATOR.name),
        wallet=None if shape.wallet is None else shape.wallet(values),
        amount=None if shape.amount is None else int(shape.amount(values)),
        contract_id=_contract_id(values),
        pubkey=None if shape.pubkey is None else ed25519_from_int(int(shape.pubkey(values))),
        contribution_contract=contract if shape.created is None else shape.created(values),
        arguments=tuple(EventArgument(name, told(value)) for name, value in values.items()),
    )


def _emitter(address: str, addresses: ContractAddresses) -> Emitter:
    """Which of our contracts is there; no others are asked for than these and the contribution contracts."""
    if address == addresses.service_node_rewards:
        return Emitter.REWARDS
    if address == addresses.contribution_factory:
        return Emitter.FACTORY
    if address == addresses.reward_rate_pool:
        return Emitter.POOL
    return Emitter.CONTRIBUTION


def _values(log: Log, shape: EventShape) -> Values:
    name = shape.event.value
    data = Words(log.data, name)
    topics = Words(_joined(log.topics), name)
    values: Values = {}
    topic, place = 1, 0
    for argument in shape.arguments:
        if argument.indexed:
            values[argument.name] = argument.type.read(topics, topic)
            topic += 1
        else:
            values[argument.name] = argument.type.read(data, place)
            place += argument.type.words
    return values


def _joined(topics: Iterable[str]) -> bytes:
    """Topics as words one after the other."""
    try:
        return b"".join(bytes.fromhex(topic[2:]) for topic in topics)
    except ValueError:
        raise RpcMalformedReplyError("a log with a topic that is not hex") from None


def _contract_id(values: Values) -> int | None:
    text = values.get(ID.name)
    if text is None:
        return None
    contract_id = int(text)
    if contract_id >> INT_BITS:
        raise RpcMalformedReplyError(f"the id {contract_id} is more than {INT_BITS} bits hold")
    return contract_id
