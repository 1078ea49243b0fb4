"""Every event of every contract, in both generations, becomes history by what its log alone tells."""

import json
from typing import Any

import pytest
from eth_abi.abi import encode
from msgspec.structs import replace
from structlog.testing import capture_logs

from sent_graphql.models.contracts import ContractAddresses
from sent_graphql.models.history import StakingEventKind
from sent_graphql.models.keys import eth_address
from sent_graphql.sources.contracts.abi import CONTRIBUTION_EVENTS, FACTORY_EVENTS, REWARDS_EVENTS, Event
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError
from sent_graphql.sources.contracts.event_table import SHAPES, Emitter, EventShape
from sent_graphql.sources.contracts.logs import Log
from sent_graphql.sources.contracts.staking_events import DecodedLog, decode_log, decode_logs

REWARDS, FACTORY, POOL, CONTRACT = (eth_address("0x" + digits * 20) for digits in ("c2", "fa", "11", "de"))
ADDRESSES = ContractAddresses(service_node_rewards=REWARDS, contribution_factory=FACTORY, reward_rate_pool=POOL)
ONE, TWO = (eth_address(f"0x{number:040x}") for number in (0xA1, 0xA2))
POINT = (2**255 + 1, 7)
POINT_TEXT = json.dumps({"X": str(POINT[0]), "Y": "7"}, separators=(",", ":"))
KEY = 0x00AB << 240 | 5
KEY_TEXT = f"{KEY:064x}"

EVERY_SHAPE = [(emitter, shape) for emitter, shapes in SHAPES.items() for shape in shapes.values()]


def log(emitter: str, event: Event, *topics: int | str, types: tuple[str, ...] = (), values: Any = ()) -> Log:
    indexed = [f"0x{int(topic, 16) if isinstance(topic, str) else topic:064x}" for topic in topics]
    return Log(
        address=emitter,
        topics=(event.topic, *indexed),
        data=encode(types, values),
        block=9,
        block_hash="0x" + "b9" * 32,
        transaction="0x" + "77" * 32,
        index=4,
        timestamp=None,
    )


def decoded(*args: Any, **kwargs: Any) -> DecodedLog:
    found = decode_log(log(*args, **kwargs), ADDRESSES)
    assert found is not None
    return found


def arguments(found: DecodedLog) -> dict[str, str]:
    return {argument.name: argument.value for argument in found.arguments}


@pytest.mark.parametrize(("emitter", "shape"), EVERY_SHAPE, ids=lambda value: str(getattr(value, "event", value)))
def test_the_arguments_are_those_that_the_topic_is_made_from(emitter: Emitter, shape: EventShape) -> None:
    name = shape.event.value.split("(")[0]
    assert f"{name}({','.join(argument.type.name for argument in shape.arguments)})" == shape.event.value


def test_every_event_that_a_view_follows_is_history() -> None:
    assert {event.topic for event in REWARDS_EVENTS} <= SHAPES[Emitter.REWARDS].keys()
    assert {event.topic for event in FACTORY_EVENTS} <= SHAPES[Emitter.FACTORY].keys()
    assert {event.topic for event in CONTRIBUTION_EVENTS} == SHAPES[Emitter.CONTRIBUTION].keys()


def test_every_kind_is_told_by_some_event() -> None:
    assert {shape.kind for _, shape in EVERY_SHAPE} == set(StakingEventKind)


def test_a_registration() -> None:
    stakers = [((ONE, TWO), 2**80), ((TWO, TWO), 5)]
    found = decoded(
        REWARDS,
        Event.NEW_SERVICE_NODE_V2,
        12,
        types=(
            "address",
            "(uint256,uint256)",
            "(uint256,uint256,uint256,uint16)",
            "((address,address),uint256)[]",
        ),
        values=(CONTRACT, POINT, (KEY, 1, 2, 700), stakers),
    )
    assert (found.kind, found.initiator, found.wallet) == (StakingEventKind.NEW_SERVICE_NODE, CONTRACT, ONE)
    assert (found.amount, found.contract_id, found.pubkey) == (2**80 + 5, 12, KEY_TEXT)
    assert found.contribution_contract is None, "other logs tell"
    told = arguments(found)
    assert list(told) == ["serviceNodeID", "initiator", "pubkey", "serviceNode", "contributors"]
    assert (told["serviceNodeID"], told["initiator"], told["pubkey"]) == ("12", CONTRACT, POINT_TEXT)
    assert json.loads(told["serviceNode"]) == {
        "serviceNodePubkey": str(KEY),
        "serviceNodeSignature1": "1",
        "serviceNodeSignature2": "2",
        "fee": "700",
    }
    assert told["contributors"] == (
        f'[{{"staker":{{"addr":"{ONE}","beneficiary":"{TWO}"}},"stakedAmount":"{2**80}"}},'
        f'{{"staker":{{"addr":"{TWO}","beneficiary":"{TWO}"}},"stakedAmount":"5"}}]'
    )


@pytest.mark.parametrize(
    ("made", "fields", "told"),
    [
        (
            log(
                REWARDS,
                Event.NEW_SEEDED_SERVICE_NODE,
                3,
                types=("(uint256,uint256)", "uint256"),
                values=(POINT, KEY),
            ),
            {"kind": StakingEventKind.SEEDED_SERVICE_NODE, "contract_id": 3, "pubkey": KEY_TEXT},
            {"serviceNodeID": "3", "blsPubkey": POINT_TEXT, "ed25519Pubkey": str(KEY)},
        ),
        (
            log(
                REWARDS,
                Event.SERVICE_NODE_EXIT_REQUEST,
                3,
                types=("address", "(uint256,uint256)"),
                values=(ONE, POINT),
            ),
            {
                "kind": StakingEventKind.SERVICE_NODE_EXIT_REQUEST,
                "contract_id": 3,
                "initiator": ONE,
                "wallet": ONE,
            },
            {"serviceNodeID": "3", "initiator": ONE, "pubkey": POINT_TEXT},
        ),
        (
            log(
                REWARDS,
                Event.SERVICE_NODE_EXIT,
                3,
                types=("address", "uint256", "(uint256,uint256)"),
                values=(ONE, 2**90, POINT),
            ),
            {"kind": StakingEventKind.SERVICE_NODE_EXIT, "contract_id": 3, "initiator": ONE, "amount": 2**90},
            {"serviceNodeID": "3", "initiator": ONE, "returnedAmount": str(2**90), "pubkey": POINT_TEXT},
        ),
        (
            log(
                REWARDS,
                Event.SERVICE_NODE_LIQUIDATED,
                3,
                types=("address", "(uint256,uint256)"),
                values=(ONE, POINT),
            ),
            {"kind": StakingEventKind.SERVICE_NODE_LIQUIDATED, "contract_id": 3, "initiator": ONE},
            {"serviceNodeID": "3", "initiator": ONE, "pubkey": POINT_TEXT},
        ),
        (
            log(REWARDS, Event.REWARDS_BALANCE_UPDATED, ONE, types=("uint256", "uint256"), values=(9, 4)),
            {"kind": StakingEventKind.REWARDS_BALANCE_UPDATED, "wallet": ONE, "amount": 9},
            {"recipientAddress": ONE, "amount": "9", "previousBalance": "4"},
        ),
        (
            log(REWARDS, Event.REWARDS_CLAIMED, ONE, types=("uint256",), values=(9,)),
            {"kind": StakingEventKind.REWARDS_CLAIMED, "wallet": ONE, "amount": 9},
            {"recipientAddress": ONE, "amount": "9"},
        ),
        (
            log(REWARDS, Event.STAKING_REQUIREMENT_UPDATED, types=("uint256",), values=(9,)),
            {"kind": StakingEventKind.STAKING_REQUIREMENT_UPDATED, "amount": 9},
            {"newRequirement": "9"},
        ),
        (
            log(REWARDS, Event.LIQUIDATION_RATIOS_UPDATED, types=("uint256",) * 3, values=(3, 17, 9980)),
            {"kind": StakingEventKind.PARAMETER_UPDATED},
            {"liquidatorRatio": "3", "poolRatio": "17", "recipientRatio": "9980"},
        ),
        *(
            (
                log(REWARDS, event, types=("uint256",), values=(600,)),
                {"kind": StakingEventKind.PARAMETER_UPDATED},
                {name: "600"},
            )
            for event, name in (
                (Event.LIQUIDATOR_REWARD_RATIO_UPDATED_OLD, "newValue"),
                (Event.POOL_SHARE_OF_LIQUIDATION_RATIO_UPDATED_OLD, "newValue"),
                (Event.RECIPIENT_RATIO_UPDATED_OLD, "newValue"),
                (Event.CLAIM_THRESHOLD_UPDATED, "newThreshold"),
                (Event.CLAIM_CYCLE_UPDATED, "newValue"),
                (Event.SIGNATURE_EXPIRY_UPDATED, "newExpiry"),
                (Event.BLS_NON_SIGNER_THRESHOLD_MAX_UPDATED, "newMax"),
            )
        ),
        *(
            (log(emitter, event, types=("address",), values=(ONE,)), {"kind": kind}, {"account": ONE})
            for emitter in (REWARDS, FACTORY)
            for event, kind in (
                (Event.PAUSED, StakingEventKind.PAUSED),
                (Event.UNPAUSED, StakingEventKind.UNPAUSED),
            )
        ),
        *(
            (log(emitter, Event.UPGRADED, TWO), {"kind": StakingEventKind.UPGRADED}, {"implementation": TWO})
            for emitter in (REWARDS, FACTORY, POOL)
        ),
        (
            log(
                FACTORY,
                Event.NEW_CONTRIBUTION_CONTRACT,
                CONTRACT,
                types=("uint256", "address"),
                values=(KEY, ONE),
            ),
            {
                "kind": StakingEventKind.NEW_CONTRIBUTION_CONTRACT,
                "wallet": ONE,
                "pubkey": KEY_TEXT,
                "contribution_contract": CONTRACT,
            },
            {"contributorContract": CONTRACT, "serviceNodePubkey": str(KEY), "operator": ONE},
        ),
        (
            log(FACTORY, Event.NEW_CONTRIBUTION_CONTRACT_OLD, CONTRACT, types=("uint256",), values=(KEY,)),
            {
                "kind": StakingEventKind.NEW_CONTRIBUTION_CONTRACT,
                "pubkey": KEY_TEXT,
                "contribution_contract": CONTRACT,
            },
            {"contributorContract": CONTRACT, "serviceNodePubkey": str(KEY)},
        ),
        (
            log(POOL, Event.FUNDS_RELEASED, types=("uint256",), values=(8,)),
            {"kind": StakingEventKind.REWARDS_RELEASED, "amount": 8},
            {"amount": "8"},
        ),
        (
            log(POOL, Event.BENEFICIARY_UPDATED, types=("address",), values=(ONE,)),
            {"kind": StakingEventKind.POOL_BENEFICIARY_UPDATED},
            {"newBeneficiary": ONE},
        ),
    ],
)
def test_an_event_of_the_rewards_contract_the_factory_or_the_pool(
    made: Log, fields: dict[str, Any], told: dict[str, str]
) -> None:
    check(made, fields, told)


@pytest.mark.parametrize(
    ("made", "fields", "told"),
    [
        (
            log(CONTRACT, Event.NEW_CONTRIBUTION, ONE, types=("address", "uint256"), values=(TWO, 9)),
            {"kind": StakingEventKind.NEW_CONTRIBUTION, "wallet": ONE, "amount": 9},
            {"contributor": ONE, "beneficiary": TWO, "amount": "9"},
        ),
        (
            log(CONTRACT, Event.NEW_CONTRIBUTION_OLD, ONE, types=("uint256",), values=(9,)),
            {"kind": StakingEventKind.NEW_CONTRIBUTION, "wallet": ONE, "amount": 9},
            {"contributor": ONE, "amount": "9"},
        ),
        (
            log(CONTRACT, Event.WITHDRAW_CONTRIBUTION, ONE, types=("uint256",), values=(9,)),
            {"kind": StakingEventKind.WITHDRAW_CONTRIBUTION, "wallet": ONE, "amount": 9},
            {"contributor": ONE, "amount": "9"},
        ),
        *(
            (log(CONTRACT, event), {"kind": kind}, {})
            for event, kind in (
                (Event.OPEN_FOR_PUBLIC_CONTRIBUTION, StakingEventKind.CONTRIBUTION_OPENED),
                (Event.FILLED, StakingEventKind.CONTRIBUTION_FILLED),
                (Event.FINALIZED, StakingEventKind.CONTRIBUTION_FINALIZED),
                (Event.RESET, StakingEventKind.CONTRIBUTION_RESET),
            )
        ),
        (
            log(CONTRACT, Event.OPEN_FOR_PUBLIC_CONTRIBUTION_OLD, KEY, ONE, types=("uint16",), values=(700,)),
            {"kind": StakingEventKind.CONTRIBUTION_OPENED},
            {"serviceNodePubkey": str(KEY), "operator": ONE, "fee": "700"},
        ),
        (
            log(CONTRACT, Event.FILLED_OLD, KEY, ONE),
            {"kind": StakingEventKind.CONTRIBUTION_FILLED},
            {"serviceNodePubkey": str(KEY), "operator": ONE},
        ),
        (
            log(CONTRACT, Event.FINALIZED_OLD, KEY),
            {"kind": StakingEventKind.CONTRIBUTION_FINALIZED},
            {"serviceNodePubkey": str(KEY)},
        ),
        (
            log(CONTRACT, Event.UPDATE_STAKER_BENEFICIARY, ONE, types=("address",), values=(TWO,)),
            {"kind": StakingEventKind.STAKER_BENEFICIARY_UPDATED, "wallet": ONE},
            {"staker": ONE, "newBeneficiary": TWO},
        ),
        (
            log(
                CONTRACT,
                Event.UPDATE_STAKER_BENEFICIARY_OLD,
                ONE,
                types=("address", "address"),
                values=(ONE, TWO),
            ),
            {"kind": StakingEventKind.STAKER_BENEFICIARY_UPDATED, "wallet": ONE},
            {"staker": ONE, "oldBeneficiary": ONE, "newBeneficiary": TWO},
        ),
        (
            log(
                CONTRACT,
                Event.UPDATE_RESERVED_CONTRIBUTORS,
                types=("(address,uint256)[]",),
                values=([(ONE, 5), (TWO, 6)],),
            ),
            {"kind": StakingEventKind.RESERVATIONS_UPDATED},
            {"newReservedContributors": f'[{{"addr":"{ONE}","amount":"5"}},{{"addr":"{TWO}","amount":"6"}}]'},
        ),
        (
            log(CONTRACT, Event.UPDATE_RESERVED_CONTRIBUTORS, types=("(address,uint256)[]",), values=([],)),
            {"kind": StakingEventKind.RESERVATIONS_UPDATED},
            {"newReservedContributors": "[]"},
        ),
        (
            log(
                CONTRACT,
                Event.UPDATE_PUBKEYS,
                types=("(uint256,uint256)", "uint256"),
                values=(POINT, KEY),
            ),
            {"kind": StakingEventKind.PUBKEYS_UPDATED, "pubkey": KEY_TEXT},
            {"newBLSPubkey": POINT_TEXT, "newEd25519Pubkey": str(KEY)},
        ),
        (
            log(CONTRACT, Event.UPDATE_FEE, types=("uint16",), values=(700,)),
            {"kind": StakingEventKind.FEE_UPDATED},
            {"newFee": "700"},
        ),
        (
            log(CONTRACT, Event.UPDATE_MANUAL_FINALIZE, types=("bool",), values=(True,)),
            {"kind": StakingEventKind.MANUAL_FINALIZE_UPDATED},
            {"newValue": "true"},
        ),
    ],
)
def test_an_event_of_a_contribution_contract(made: Log, fields: dict[str, Any], told: dict[str, str]) -> None:
    check(made, fields | {"contribution_contract": CONTRACT}, told)


def check(made: Log, fields: dict[str, Any], told: dict[str, str]) -> None:
    """The decoded log has these fields, no others, and these arguments in this order."""
    found = decode_log(made, ADDRESSES)
    assert found is not None
    names = ("initiator", "wallet", "amount", "contract_id", "pubkey", "contribution_contract")
    assert {name: getattr(found, name) for name in ("kind", *names)} == dict.fromkeys(names) | fields
    assert list(arguments(found).items()) == list(told.items())
    event = found.event(1_700_000_000)
    assert (event.contract, event.block_number, event.log_index) == (made.address, 9, 4)
    assert event.timestamp.isoformat() == "2023-11-14T22:13:20+00:00"


@pytest.mark.parametrize(
    "made",
    [
        log(REWARDS, Event.INITIALIZED, types=("uint64",), values=(1,)),
        log(REWARDS, Event.OWNERSHIP_TRANSFERRED, ONE, TWO),
        log(FACTORY, Event.ADMIN_CHANGED, types=("address", "address"), values=(ONE, TWO)),
        log(POOL, Event.PAUSED, types=("address",), values=(ONE,)),
        log(CONTRACT, Event.REWARDS_CLAIMED, ONE, types=("uint256",), values=(9,)),
        Log(REWARDS, (), b"", 9, "0x", "0x", 1),
    ],
)
def test_other_logs_are_no_history(made: Log) -> None:
    assert decode_log(made, ADDRESSES) is None


@pytest.mark.parametrize(
    "made",
    [
        log(REWARDS, Event.SERVICE_NODE_EXIT),
        log(REWARDS, Event.NEW_SERVICE_NODE_V2, 1, types=("uint256",), values=(1,)),
        log(
            REWARDS,
            Event.NEW_SERVICE_NODE_V2,
            1,
            types=("address", "uint256[6]", "((address,address),uint256)[]"),
            values=(ONE, [1] * 6, []),
        ),
        log(REWARDS, Event.REWARDS_BALANCE_UPDATED, 2**200, types=("uint256", "uint256"), values=(1, 1)),
        log(REWARDS, Event.SERVICE_NODE_LIQUIDATED, 2**31, types=("address", "uint256[2]"), values=(ONE, [1, 2])),
        log(CONTRACT, Event.UPDATE_MANUAL_FINALIZE, types=("uint256",), values=(2,)),
        Log(REWARDS, (Event.SERVICE_NODE_EXIT.topic, "0xzz"), b"", 9, "0x", "0x", 1),
    ],
)
def test_a_log_that_does_not_decode_is_left_out_and_told(made: Log) -> None:
    with pytest.raises(RpcMalformedReplyError):
        decode_log(made, ADDRESSES)
    good = replace(log(POOL, Event.FUNDS_RELEASED, types=("uint256",), values=(8,)), index=5)
    with capture_logs() as logs:
        assert [found.kind for found in decode_logs([made, good], ADDRESSES)] == [StakingEventKind.REWARDS_RELEASED]
    assert [entry["event"] for entry in logs] == ["log left out"]


def test_a_log_that_is_told_twice_is_one_event() -> None:
    made = log(POOL, Event.FUNDS_RELEASED, types=("uint256",), values=(8,))
    assert len(decode_logs([made, made], ADDRESSES)) == 1
