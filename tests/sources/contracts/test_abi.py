"""Every selector and topic against the hex digits that the compiled contracts have."""

import pytest

from sent_graphql.sources.contracts.abi import (
    CONTRIBUTION_EVENTS,
    FACTORY_EVENTS,
    REWARDS_EVENTS,
    Event,
    View,
    call_data,
)
from sent_graphql.sources.contracts.multicall import AGGREGATE3

SELECTORS = {
    "ALL_SERVICE_NODE_IDS": "0xabf2c503",
    "SERVICE_NODES": "0x040f9853",
    "ED25519_TO_SERVICE_NODE_ID": "0xc0ebedab",
    "TOTAL_NODES": "0x9592d424",
    "NEXT_SERVICE_NODE_ID": "0x17f33a7d",
    "AGGREGATE_PUBKEY": "0x8a2209e6",
    "RECIPIENTS": "0xeb820312",
    "DESIGNATED_TOKEN": "0x7c89d2f0",
    "FOUNDATION_POOL": "0xf907f5fc",
    "IS_STARTED": "0x544736e6",
    "PAUSED": "0x5c975abb",
    "CLAIM_THRESHOLD": "0xa44285a5",
    "CLAIM_CYCLE": "0xb13aaebd",
    "CURRENT_CLAIM_CYCLE": "0xdd644d74",
    "CURRENT_CLAIM_TOTAL": "0x9156ac80",
    "BLS_NON_SIGNER_THRESHOLD": "0x8a399481",
    "BLS_NON_SIGNER_THRESHOLD_MAX": "0x86e76685",
    "SIGNATURE_EXPIRY": "0xd5a81254",
    "LIQUIDATOR_REWARD_RATIO": "0x095f1404",
    "POOL_SHARE_OF_LIQUIDATION_RATIO": "0x58e93308",
    "RECIPIENT_RATIO": "0x0bd1b419",
    "VERSION": "0xffa1ad74",
    "OWNER": "0x8da5cb5b",
    "STAKING_REQUIREMENT": "0x56d399e8",
    "MAX_CONTRIBUTORS": "0x86fa5063",
    "STATUS": "0x200d2ed2",
    "OPERATOR": "0x570ca735",
    "BLS_PUBKEY": "0x4564168b",
    "BLS_SIGNATURE": "0x4e7320ce",
    "SERVICE_NODE_PARAMS": "0x2c7baaf3",
    "GET_CONTRIBUTIONS": "0xdda0a81a",
    "GET_RESERVED": "0x0d9639ba",
    "TOTAL_CONTRIBUTION": "0x0dcf4b8f",
    "TOTAL_RESERVED_CONTRIBUTION": "0xa4b6aa83",
    "OPERATOR_CONTRIBUTION": "0x96a608c0",
    "MINIMUM_CONTRIBUTION": "0x937e09b1",
    "MANUAL_FINALIZE": "0x565a9d48",
    "CONTRIBUTION_TIMESTAMP": "0xe50d50d8",
    "STAKING_REWARDS_CONTRACT": "0x33623794",
    "OWNS": "0xf7bc39bf",
    "REWARD_RATE": "0x7b0a47ee",
    "CALCULATE_RELEASED_AMOUNT": "0x32f7c384",
    "CALCULATE_TOTAL_DEPOSITED": "0xca598087",
    "TOTAL_PAID_OUT": "0x1357e1dc",
    "LAST_PAID_OUT_TIME": "0xab5fcdc9",
    "BENEFICIARY": "0x38af3eed",
    "TOTAL_SUPPLY": "0x18160ddd",
    "BALANCE_OF": "0x70a08231",
    "DECIMALS": "0x313ce567",
}

TOPICS = {
    "NEW_SERVICE_NODE_V2": "0x533c16cb4158fe7c77021b90e9290bbefa457dd392bd8abc1eab59747834fd5b",
    "NEW_SEEDED_SERVICE_NODE": "0x34be2fa283e1d5eb453459898f160448257aa1ef0f7dd2c3a3b55c45d1af768f",
    "SERVICE_NODE_EXIT_REQUEST": "0x8600c0145511b317ae0189933fa71eb57a32d74891804c7993ef74ec63a5e804",
    "SERVICE_NODE_EXIT": "0x24c4411329b949fad2eba6f79a8ba090a08eac1af4b56c3a2f5a282ed45e233e",
    "SERVICE_NODE_LIQUIDATED": "0x0bfb12191b00293af29126b1c5489f8daeb4a4af82db2960b7f8353c3105cd7c",
    "REWARDS_BALANCE_UPDATED": "0x95390641529563dbfb446535fa996c5ac3be00f90f5705b3abda59a4467b797f",
    "REWARDS_CLAIMED": "0xfc30cddea38e2bf4d6ea7d3f9ed3b6ad7f176419f4963bd81318067a4aee73fe",
    "STAKING_REQUIREMENT_UPDATED": "0x006b7a1ea14ff2794527a64af37d55a2040e351f8b4c1adcdc9aea80d64e0429",
    "LIQUIDATION_RATIOS_UPDATED": "0x0f69a2a87c90cdbb1a6a46bbb4870f2edfbd516244285ab6ffed6460ac2c6a83",
    "CLAIM_THRESHOLD_UPDATED": "0xe604909b918af52702fa14cd9b5a8870e5bd66da3163365671e583f705fd5463",
    "CLAIM_CYCLE_UPDATED": "0xa83e79dc52a438d552d0631ce4fbfe7dec7656d10398a2849f352a6ab4f0163b",
    "SIGNATURE_EXPIRY_UPDATED": "0xfbbc3d0a51e101ce4a7fda20e6e4eb0e230bf7de27ee2e3683fc8539e3766395",
    "BLS_NON_SIGNER_THRESHOLD_MAX_UPDATED": "0x0ac8ee09138dfaf5e3ebe4cb4fd42dd1a0695535a530171223fb5066f52e0e3b",
    "PAUSED": "0x62e78cea01bee320cd4e420270b5ea74000d11b0c9f74754ebdbfc544b05a258",
    "UNPAUSED": "0x5db9ee0a495bf2e6ff9c91a7834c1ba4fdd244a5e8aa4e537bd38aeae4b073aa",
    "OWNERSHIP_TRANSFER_STARTED": "0x38d16b8cac22d99fc7c124b9cd0de2d3fa1faef420bfe791d8c362d765e22700",
    "OWNERSHIP_TRANSFERRED": "0x8be0079c531659141344cd1fd0a4f28419497f9722a3daafe3b4186f6b6457e0",
    "INITIALIZED": "0xc7f505b2f371ae2175ee4913f4499e1f2633a7b5936321eed1cdaeb6115181d2",
    "NEW_CONTRIBUTION_CONTRACT": "0xce90835c26156f05db8d4f8c946475fd82462a2afc86c99a4a61bd8a41a0ed43",
    "NEW_CONTRIBUTION": "0x567b97209529fbb11a50c435abb5bfdae05a969880bb35a24afc52d1f383af80",
    "OPEN_FOR_PUBLIC_CONTRIBUTION": "0x988e60cd47c9161cfde2e61df2519a9e50fbd2ec76e8dd7d2d19c5e9cfb58445",
    "FILLED": "0x827d22e673686107109d5e59f81581c8e6592d80b869e0da9371c80f1821e1f4",
    "FINALIZED": "0x6823b073d48d6e3a7d385eeb601452d680e74bb46afe3255a7d778f3a9b17681",
    "WITHDRAW_CONTRIBUTION": "0x249a82fbe5056a1940b4e996665ba2a82c340ae9fa1e069fd1ababf5508f396e",
    "UPDATE_STAKER_BENEFICIARY": "0x1ccdbafdd0f1a6d1af7ea8b92d1d18c648203d36bc2d48c960c39fb5269c8547",
    "RESET": "0x6423db340205c829eeb91151b1c5d1dc6d7a2b8708b1621494e89ba90c87081e",
    "UPDATE_RESERVED_CONTRIBUTORS": "0x2c9d548092771ba8beaf76b73c1feb6bdc0c0a32f297a7a9903d2e90b7c557c4",
    "UPDATE_PUBKEYS": "0x5d06a1dd1d17e79877eddf2192aeb10a8333d39dd8fee91587990b6b9e043447",
    "UPDATE_FEE": "0x6b21e0b71c12e6cd9a3b2bc9bca648afabce42f96ab1f4b2a085107b8a125ca2",
    "UPDATE_MANUAL_FINALIZE": "0x45e1c879e8fa28095a2771ccbd73452d90d92c3073335da45910fdfa0cbbd019",
    "FUNDS_RELEASED": "0x952b264c8e0a06cddb4bbaa6d6af1d565145329fd95bbe72cb2b53942b2dc966",
    "BENEFICIARY_UPDATED": "0xeee59a71c694e68368a1cb0d135c448051bbfb12289e6c2223b0ceb100c2321d",
    "TRANSFER": "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
    "UPGRADED": "0xbc7cd75a20ee27fd9adebab32041f755214dbc6bffa90cc0225b39da2e5c2d3b",
    "ADMIN_CHANGED": "0x7e644d79422f17c01e4894b5f4f588d331ebfa28653d42ae832dc59e38c9798f",
}

OLD_TOPIC_PREFIXES = {
    Event.NEW_CONTRIBUTION_CONTRACT_OLD: "0xeac84630",
    Event.FILLED_OLD: "0x48996614",
    Event.FINALIZED_OLD: "0x839cf22e",
    Event.NEW_CONTRIBUTION_OLD: "0xbdaa686e",
    Event.OPEN_FOR_PUBLIC_CONTRIBUTION_OLD: "0xe52a01bb",
    Event.UPDATE_STAKER_BENEFICIARY_OLD: "0x25639ce4",
    Event.LIQUIDATOR_REWARD_RATIO_UPDATED_OLD: "0x7c6ad2fe",
    Event.POOL_SHARE_OF_LIQUIDATION_RATIO_UPDATED_OLD: "0x4751fdab",
    Event.RECIPIENT_RATIO_UPDATED_OLD: "0x20d448c7",
}
"""Events of the first generation, as far as their topics are on record."""


@pytest.mark.parametrize("view", View)
def test_selector(view: View) -> None:
    assert "0x" + view.selector.hex() == SELECTORS[view.name]


@pytest.mark.parametrize("event", [event for event in Event if event not in OLD_TOPIC_PREFIXES])
def test_topic(event: Event) -> None:
    assert event.topic == TOPICS[event.name]


@pytest.mark.parametrize("event", OLD_TOPIC_PREFIXES)
def test_topic_of_the_first_generation(event: Event) -> None:
    assert event.topic.startswith(OLD_TOPIC_PREFIXES[event])


def test_no_two_events_share_a_topic_and_each_contract_knows_both_generations() -> None:
    assert len({event.topic for event in Event}) == len(Event)
    assert not set(REWARDS_EVENTS) & set(FACTORY_EVENTS) | set(REWARDS_EVENTS) & set(CONTRIBUTION_EVENTS)
    for event in (*FACTORY_EVENTS, *CONTRIBUTION_EVENTS):
        if event.name.endswith("_OLD"):
            assert Event[event.name.removesuffix("_OLD")] in (*FACTORY_EVENTS, *CONTRIBUTION_EVENTS)


def test_aggregate3_is_the_function_of_multicall3() -> None:
    assert AGGREGATE3.hex() == "82ad56cb"


def test_call_data_is_the_selector_and_a_word_for_each_argument() -> None:
    assert call_data(View.STATUS).hex() == "200d2ed2"
    assert call_data(View.SERVICE_NODES, 7).hex() == "040f9853" + f"{7:064x}"
    assert call_data(View.RECIPIENTS, "0x" + "ab" * 20).hex() == "eb820312" + "00" * 12 + "ab" * 20
