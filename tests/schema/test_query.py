"""Every question of the root, answered from one state."""

from typing import Any

import pytest

from sent_graphql.models.contracts import ContributionStatus, Recipient
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import DecommissionReason, ExitKind, ServiceNodeExit, ServiceNodeState, SourceName
from sent_graphql.resolvers.context import RequestContext, ResolverOptions


def test_the_network_is_shown_as_the_snapshot_has_it(make: Any, ask: Any) -> None:
    data = ask(make.state()).data(
        """{ network { id netType version hardFork blockHeight blockHash blockTimestamp totalStaked chainId l2Height
             tokenSupply contracts { serviceNodeRewards token } claimLimit { remaining resetsAt }
             nodeCounts { total awaitingExit } } }"""
    )
    assert data["network"] == {
        "id": global_id("Network", "mainnet"),
        "netType": "MAINNET",
        "version": "11.0.6",
        "hardFork": 21,
        "blockHeight": 5313,
        "blockHash": "ab" * 32,
        "blockTimestamp": "2025-05-21T01:00:00Z",
        "totalStaked": str(2**70),
        "chainId": "42161",
        "l2Height": "300000000",
        "tokenSupply": None,
        "contracts": {"serviceNodeRewards": make.address(0xE0), "token": None},
        "claimLimit": {"remaining": "4", "resetsAt": "2025-05-21T01:00:00Z"},
        "nodeCounts": {"total": 1, "awaitingExit": 0},
    }


@pytest.mark.parametrize("key", ["pubkey", "pubkeyBls", "contractId"])
def test_a_node_is_looked_up_by_each_of_its_keys(make: Any, ask: Any, key: str) -> None:
    node = make.node(7)
    by = {"pubkey": "0x" + node.pubkey.upper(), "pubkeyBls": node.pubkey_bls, "contractId": 7}[key]
    question = "query ($by: ServiceNodeLookup!) { serviceNode(by: $by) { contractId } }"
    assert ask(make.state(node)).data(question, by={key: by}) == {"serviceNode": {"contractId": 7}}


def test_a_node_that_is_not_there_is_null(make: Any, ask: Any) -> None:
    assert ask(make.state()).data("{ serviceNode(by: {contractId: 7}) { id } }") == {"serviceNode": None}


def test_look_up_by_key_prefers_the_living_node_to_the_one_that_left(make: Any, ask: Any) -> None:
    past = make.node(3, pubkey="aa" * 32, state=ServiceNodeState.EXITED, state_height=9000)
    living = make.node(9, pubkey="aa" * 32, state=ServiceNodeState.REGISTERING, state_height=None)
    question = f'{{ serviceNode(by: {{pubkey: "{"aa" * 32}"}}) {{ contractId }} }}'
    assert ask(make.state(past, living)).data(question) == {"serviceNode": {"contractId": 9}}


def test_a_node_shows_enums_instants_and_amounts(make: Any, ask: Any) -> None:
    node = make.node(
        7,
        state=ServiceNodeState.DECOMMISSIONED,
        decommission_reasons=(DecommissionReason.UPTIME, DecommissionReason.L2),
        known_to=(SourceName.OXEND,),
        contributors=(make.contributor(1, is_operator=True), make.contributor(2, 2**60, leave_allowed_at=make.moment)),
    )
    data = ask(make.state(node)).data(
        """{ serviceNodes { nodes { state decommissionReasons knownTo lastUptimeProof swarmId
             contributors { address amount isOperator leaveAllowedAt withdrawableAt wallet { totalStaked } } } } }"""
    )
    (shown,) = data["serviceNodes"]["nodes"]
    assert shown["state"] == "DECOMMISSIONED"
    assert shown["decommissionReasons"] == ["UPTIME", "L2"]
    assert shown["knownTo"] == ["OXEND"]
    assert shown["lastUptimeProof"] == "2025-05-21T01:00:00Z"
    assert shown["contributors"][1] == {
        "address": make.address(2),
        "amount": str(2**60),
        "isOperator": False,
        "leaveAllowedAt": "2025-05-21T01:00:00Z",
        "withdrawableAt": None,
        "wallet": {"totalStaked": str(2**60)},
    }


def test_every_plain_field_of_every_type_can_be_read(make: Any, ask: Any, schema: Any) -> None:
    """All of the schema to a depth of a few levels, so that no field lacks its attribute."""
    node = make.node(7, contribution_contract_address=make.contract(1).address, state=ServiceNodeState.AWAITING_EXIT)
    contract = make.contract(1, service_node_id=node.id)
    kinds = schema._schema.type_map

    def selection(type_name: str, depth: int) -> str:
        parts = []
        for name, field in kinds[type_name].fields.items():
            inner = field.type
            while hasattr(inner, "of_type"):
                inner = inner.of_type
            if not hasattr(inner, "fields"):
                parts.append(name)
            elif depth > 0 and not field.args:
                parts.append(f"{name} {{ __typename {selection(inner.name, depth - 1)} }}")
        return " ".join(parts)

    data = ask(make.state(node, contracts=(contract,))).data(
        f"""{{ meta {{ {selection("Meta", 3)} }} network {{ {selection("Network", 3)} }}
            serviceNodes(first: 1) {{ {selection("ServiceNodeConnection", 4)} }}
            exitList {{ {selection("ServiceNode", 2)} }}
            contributionContracts(first: 1) {{ {selection("ContributionContractConnection", 4)} }}
            wallet(address: "{make.address(1)}") {{ {selection("Wallet", 3)} }} }}"""
    )
    assert data["serviceNodes"]["nodes"][0]["contributionContract"]["serviceNode"]["id"] == node.id


def test_exited_nodes_are_listed_only_when_they_are_named(make: Any, ask: Any) -> None:
    asker = ask(make.state(make.node(1), make.node(2, state=ServiceNodeState.EXITED)))
    ids = "{ nodes { contractId } totalCount }"
    assert asker.data(f"{{ serviceNodes {ids} }}")["serviceNodes"] == {"nodes": [{"contractId": 1}], "totalCount": 1}
    named = asker.data(f"{{ serviceNodes(filter: {{states: [EXITED]}}) {ids} }}")["serviceNodes"]
    assert named == {"nodes": [{"contractId": 2}], "totalCount": 1}


def test_pages_follow_each_other_by_cursor(make: Any, ask: Any) -> None:
    asker = ask(make.state(*(make.node(number) for number in range(5))))
    question = """query ($after: String) { serviceNodes(first: 2, after: $after) {
        edges { cursor node { contractId } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    seen, after = [], None
    for _ in range(3):
        page = asker.data(question, after=after)["serviceNodes"]
        seen += [edge["node"]["contractId"] for edge in page["edges"]]
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        after = page["pageInfo"]["endCursor"]
    assert seen == [0, 1, 2, 3, 4]
    assert page["pageInfo"]["hasNextPage"] is False
    assert page["pageInfo"]["hasPreviousPage"] is True


def test_orders_are_ascending_unless_told_otherwise(make: Any, ask: Any) -> None:
    asker = ask(
        make.state(make.node(1, operator_fee=30), make.node(2, operator_fee=None), make.node(3, operator_fee=5))
    )
    for direction, expected in [("", [3, 1, 2]), (", direction: DESC", [1, 3, 2])]:
        data = asker.data(
            f"{{ serviceNodes(orderBy: {{field: OPERATOR_FEE{direction}}}) {{ nodes {{ contractId }} }} }}"
        )
        assert [node["contractId"] for node in data["serviceNodes"]["nodes"]] == expected


def test_contribution_contracts_come_newest_first(make: Any, ask: Any) -> None:
    asker = ask(make.state(contracts=tuple(make.contract(number) for number in (1, 2, 3))))
    data = asker.data("{ contributionContracts { nodes { createdAtBlock status fee openSlots } totalCount } }")
    assert [node["createdAtBlock"] for node in data["contributionContracts"]["nodes"]] == ["73", "72", "71"]
    assert data["contributionContracts"]["nodes"][0]["status"] == "OPEN_FOR_PUBLIC_CONTRIBUTION"


def test_a_contribution_contract_is_looked_up_by_address(make: Any, ask: Any) -> None:
    contract = make.contract(1)
    question = "query ($a: Address!) { contributionContract(address: $a) { address reservations { received } } }"
    asker = ask(make.state(contracts=(contract,)))
    assert asker.data(question, a=contract.address.lower())["contributionContract"] == {
        "address": contract.address,
        "reservations": [{"received": False}],
    }
    assert asker.data(question, a=make.address(9)) == {"contributionContract": None}


def test_a_node_and_its_contribution_contract_find_each_other(make: Any, ask: Any) -> None:
    contract = make.contract(1, service_node_id=make.node(7).id, status=ContributionStatus.FINALIZED)
    node = make.node(7, contribution_contract_address=contract.address)
    data = ask(make.state(node, contracts=(contract,))).data(
        "{ serviceNode(by: {contractId: 7}) { contributionContract { serviceNode { contractId } } } }"
    )
    assert data["serviceNode"]["contributionContract"]["serviceNode"] == {"contractId": 7}


def test_an_unknown_wallet_has_no_stakes_and_zero_rewards(make: Any, ask: Any) -> None:
    data = ask(make.state()).data(
        """query ($a: Address!) { wallet(address: $a) { address totalStaked stakes { id } operatedNodes { id }
           contributionContracts { id } rewards { accrued credited claimed claimable pending } } }""",
        a=make.address(5),
    )
    assert data["wallet"] == {
        "address": make.address(5),
        "totalStaked": "0",
        "stakes": [],
        "operatedNodes": [],
        "contributionContracts": [],
        "rewards": dict.fromkeys(("accrued", "credited", "claimed", "claimable", "pending"), "0"),
    }


def test_a_wallet_shows_stakes_rewards_and_what_it_operates(make: Any, ask: Any) -> None:
    wallet = make.address(1)
    contract = make.contract(1)
    state = make.state(
        make.node(7),
        contracts=(contract,),
        accrued={wallet: 100},
        recipients={wallet: Recipient(credited=70, claimed=20)},
    )
    data = ask(state).data(
        """query ($a: Address!) { wallet(address: $a) { totalStaked operatedNodes { contractId }
           stakes { amount isOperator exited state serviceNode { contractId } contributionContract { address } }
           contributionContracts { address } rewards { claimable pending } } }""",
        a=wallet,
    )["wallet"]
    assert data["stakes"] == [
        {
            "amount": str(25_000 * 10**9),
            "isOperator": True,
            "exited": False,
            "state": "RUNNING",
            "serviceNode": {"contractId": 7},
            "contributionContract": None,
        },
        {
            "amount": str(10_000 * 10**9),
            "isOperator": True,
            "exited": False,
            "state": None,
            "serviceNode": None,
            "contributionContract": {"address": contract.address},
        },
    ]
    assert data["totalStaked"] == str(35_000 * 10**9)
    assert data["operatedNodes"] == [{"contractId": 7}]
    assert data["contributionContracts"] == [{"address": contract.address}]
    assert data["rewards"] == {"claimable": "50", "pending": "30"}


def test_a_wallet_that_is_only_beneficiary_has_no_stakes(make: Any, ask: Any) -> None:
    node = make.node(7, contributors=(make.contributor(1, beneficiary=make.address(2), is_operator=True),))
    data = ask(make.state(node, accrued={make.address(2): 5})).data(
        "query ($a: Address!) { wallet(address: $a) { stakes { id } rewards { accrued } } }", a=make.address(2)
    )
    assert data["wallet"] == {"stakes": [], "rewards": {"accrued": "5"}}


def test_the_exit_list_has_what_waits_to_be_removed(make: Any, ask: Any) -> None:
    states = enumerate(ServiceNodeState)
    asker = ask(make.state(*(make.node(number, state=state) for number, state in states)))
    data = asker.data("{ exitList { state } }")
    assert data["exitList"] == [{"state": "AWAITING_EXIT"}, {"state": "DEREGISTERED"}]


def test_everything_with_an_id_is_found_again_by_it(make: Any, ask: Any) -> None:
    contract = make.contract(1)
    asker = ask(make.state(make.node(7), contracts=(contract,)))
    data = asker.data(
        """query ($a: Address!, $c: Address!) { network { id } serviceNode(by: {contractId: 7}) { id }
           contributionContract(address: $c) { id } wallet(address: $a) { id stakes { id } } }""",
        a=make.address(1),
        c=contract.address,
    )
    stakes = data["wallet"].pop("stakes")
    for thing in [*data.values(), *stakes]:
        found = asker.data("query ($id: ID!) { node(id: $id) { __typename id } }", id=thing["id"])["node"]
        assert found["id"] == thing["id"]
    assert found["__typename"] == "Stake"


def test_before_the_first_snapshot_meta_answers_and_nothing_else(make: Any, ask: Any) -> None:
    result = ask(None).result("{ meta { version stale createdAt } exitList { id } }")
    assert result.data is None
    (error,) = result.errors
    assert error.extensions == {"code": "NOT_READY", "missing": ["OXEND", "CONTRACTS"]}
    assert "oxend and the contracts" in error.message
    data = ask(None).data("{ meta { version stale createdAt sources { name lastSuccessAt } } }")
    assert data["meta"]["version"] == "0"
    assert data["meta"]["stale"] is True
    assert data["meta"]["createdAt"] is None


async def test_answers_are_the_same_on_the_event_loop(make: Any, schema: Any) -> None:
    context = RequestContext(make.snapshot(make.state(make.node(7))), ResolverOptions("mainnet", 100, 2500))
    question = "{ serviceNodes { nodes { contractId contributors { wallet { totalStaked } } } } about: meta { id } }"
    awaited = await schema.execute(question, context_value=context)
    assert awaited.data == schema.execute_sync(question, context_value=context).data
    refused = await schema.execute("{ serviceNodes(first: -1) { totalCount } }", context_value=context)
    assert refused.errors[0].extensions == {"code": "BAD_USER_INPUT", "argument": "first"}


def test_a_node_asked_for_before_the_first_snapshot_leaves_the_rest_of_the_answer(make: Any, ask: Any) -> None:
    result = ask(None).result("{ meta { version } serviceNode(by: {contractId: 1}) { id } }")
    assert result.data == {"meta": {"version": "0"}, "serviceNode": None}
    assert [error.extensions["code"] for error in result.errors] == ["NOT_READY"]


def test_meta_tells_how_each_source_fares(make: Any, ask: Any) -> None:
    data = ask(make.state()).data(
        """{ meta { id version createdAt stale
             sources { name healthy lastSuccessAt height lastError scan { fromBlock scannedTo target complete } } } }"""
    )["meta"]
    assert data["id"] == global_id("Meta", "mainnet")
    assert data["version"] == str(2**60)
    assert data["sources"][0]["scan"] is None
    assert data["sources"][1] == {
        "name": "CONTRACTS",
        "healthy": True,
        "lastSuccessAt": "2025-05-21T01:00:00Z",
        "height": "77",
        "lastError": None,
        "scan": {"fromBlock": "10", "scannedTo": "20", "target": "30", "complete": False},
    }


def test_a_node_that_has_left_says_how_it_ended(make: Any, ask: Any) -> None:
    state = make.state(make.node(1), past=(make.ended(7),))
    question = """{ serviceNode(by: {contractId: 7}) {
        id state contractId knownTo publicIp contributors { amount }
        exit { kind height blockNumber at returnedAmount transactionHash } } }"""
    assert ask(state).data(question)["serviceNode"] == {
        "id": make.node(7).id,
        "state": "EXITED",
        "contractId": 7,
        "knownTo": [],
        "publicIp": "203.0.113.7",
        "contributors": [{"amount": "25000000000000"}],
        "exit": {
            "kind": "EXITED",
            "height": 5007,
            "blockNumber": "907",
            "at": "2025-05-21T01:00:00Z",
            "returnedAmount": "25000000000000",
            "transactionHash": f"0x{7:064x}",
        },
    }
    assert ask(state).data("{ serviceNode(by: {contractId: 1}) { exit { kind } } }") == {"serviceNode": {"exit": None}}


def test_an_end_of_which_no_event_tells_has_nulls(make: Any, ask: Any) -> None:
    end = ServiceNodeExit(
        kind=ExitKind.DEREGISTERED,
        height=None,
        block_number=None,
        at=None,
        returned_amount=None,
        transaction_hash=None,
    )
    question = "{ serviceNode(by: {contractId: 7}) { exit { kind height blockNumber at returnedAmount } } }"
    (shown,) = ask(make.state(past=(make.ended(7, exit=end),))).data(question).values()
    expected = {"kind": "DEREGISTERED", "height": None, "blockNumber": None, "at": None, "returnedAmount": None}
    assert shown["exit"] == expected


def test_past_stakes_of_a_wallet_are_paged_newest_first(make: Any, ask: Any) -> None:
    state = make.state(make.node(9), past=tuple(make.ended(number) for number in (1, 2, 3)))
    question = """query ($address: Address!, $after: String) { wallet(address: $address) { totalStaked
        stakes { exited }
        pastStakes(first: 2, after: $after) {
          edges { cursor node { id amount exited state serviceNode { contractId exit { kind } } } }
          nodes { id }
          pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
    address = make.address(1)
    wallet = ask(state).data(question, address=address, after=None)["wallet"]
    assert wallet["stakes"] == [{"exited": False}]
    assert wallet["totalStaked"] == "25000000000000"
    page = wallet["pastStakes"]
    assert [edge["node"]["serviceNode"]["contractId"] for edge in page["edges"]] == [3, 2]
    assert page["edges"][0]["node"] | {"id": "", "serviceNode": None} == {
        "id": "",
        "amount": "25000000000000",
        "exited": True,
        "state": "EXITED",
        "serviceNode": None,
    }
    assert page["pageInfo"]["hasNextPage"]
    rest = ask(state).data(question, address=address, after=page["pageInfo"]["endCursor"])["wallet"]["pastStakes"]
    assert [edge["node"]["serviceNode"]["contractId"] for edge in rest["edges"]] == [1]
    assert rest["pageInfo"]["hasPreviousPage"]
    stake_id = rest["nodes"][0]["id"]
    found = ask(state).data("query ($id: ID!) { node(id: $id) { id ... on Stake { exited } } }", id=stake_id)
    assert found["node"] == {"id": stake_id, "exited": True}
