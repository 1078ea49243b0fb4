"""The story of two nodes on the local network, as whoever asks the running service sees it, step by step."""

from typing import Any

from sent_graphql.bls.points import Signature
from sent_graphql.localdev.deployment import STAKING_REQUIREMENT
from sent_graphql.localdev.identities import Identities, NodeIdentity
from sent_graphql.localdev.service_nodes import NodeStake

FEE = 500
BLOCKS_TO_CONFIRM = 8
BLOCKS_TO_LEAVE = 40

STORE = """mutation ($input: StoreRegistrationInput!) { storeRegistration(input: $input) {
  registration { kind } errors { code field message } } }"""
VALIDATE = """query ($input: RegistrationInput!) { validateRegistration(input: $input) {
  valid errors { code field message } remainingContribution remainingSpots } }"""
CLAIM = """mutation ($address: Address!) { requestRewardsClaim(address: $address) {
  claim { amount signature nonSignerIds sufficient } errors { code message } } }"""
EXIT = """mutation ($pubkey: Ed25519PublicKey!) { requestExit(pubkey: $pubkey) {
  exit { pubkeyBls timestamp signature nonSignerIds sufficient } errors { code message } } }"""
EVENTS = """query ($filter: StakingEventFilter) { events(filter: $filter) {
  nodes { kind wallet amount contractId serviceNode { state } contributionContract { address } } } }"""


def node_of(pubkey: str) -> str:
    """What is asked about one node."""
    return f"""{{ serviceNode(by: {{pubkey: "{pubkey}"}}) {{
      id contractId state leaving contributors {{ address amount }} exit {{ kind returnedAmount }} }} }}"""


def contracts_of(pubkey: str) -> str:
    """What is asked about the contribution contracts for one node."""
    return f"""{{ contributionContracts(filter: {{pubkey: "{pubkey}"}}) {{
      nodes {{ address status totalContributed openSlots serviceNode {{ pubkey }} }} }} }}"""


async def contract_becomes(service: Any, pubkey: str, status: str) -> Any:
    """The node's contribution contract, once it has that status."""
    data = await service.until(
        contracts_of(pubkey), lambda data: [one["status"] for one in data["contributionContracts"]["nodes"]] == [status]
    )
    return data["contributionContracts"]["nodes"][0]


async def node_becomes(service: Any, pubkey: str, state: str, **fields: Any) -> Any:
    """The node, once it has that state and these fields."""
    wanted = {"state": state, **fields}
    data = await service.until(node_of(pubkey), lambda data: wanted.items() <= (data["serviceNode"] or {}).items())
    return data["serviceNode"]


def signed(identity: NodeIdentity, domain: Any, operator: str, **more: Any) -> dict[str, Any]:
    """The node's keys and signatures as the service takes them."""
    proof = identity.prove_possession(domain, operator)
    registration = identity.register((NodeStake(operator, operator, 0),), FEE)
    return {
        "pubkey": identity.pubkey,
        "pubkeyBls": identity.pubkey_bls,
        "sigEd25519": registration.signature,
        "sigBls": "".join(f"{word:064x}" for word in proof),
        "operator": operator,
        **more,
    }


async def test_a_node_of_two_from_its_keys_to_its_rewards(local_stage: Any) -> None:
    stage, client = local_stage, local_stage.client
    service = await stage.serve()
    await service.until("{ meta { stale } }", lambda data: not data["meta"]["stale"])
    operator, friend = stage.deployment.wallets[:2]
    identity = Identities(4711)[0]
    half = STAKING_REQUIREMENT // 2

    deployed = await client.deploy_contribution(
        identity, identity.register((NodeStake(operator, operator, 0),), FEE), reserved=[], manual_finalize=False
    )
    keys = signed(identity, client.domain, operator, contract=deployed.address)
    stored = (await service.query(STORE, input=keys))["storeRegistration"]
    assert stored == {"registration": {"kind": "CONTRACT"}, "errors": []}
    judged = (await service.query(VALIDATE, input={**keys, "stake": str(half), "fee": FEE}))["validateRegistration"]
    assert judged == {"valid": True, "errors": [], "remainingContribution": str(half), "remainingSpots": 9}
    await contract_becomes(service, identity.pubkey, "WAIT_FOR_OPERATOR_CONTRIBUTION")

    await client.contribute(deployed, operator, half)
    opened = await contract_becomes(service, identity.pubkey, "OPEN_FOR_PUBLIC_CONTRIBUTION")
    assert (opened["address"], opened["totalContributed"], opened["openSlots"]) == (deployed.address, str(half), 9)

    await client.contribute(deployed, friend, half)
    finalized = await contract_becomes(service, identity.pubkey, "FINALIZED")
    assert finalized["serviceNode"] == {"pubkey": identity.pubkey}
    await node_becomes(service, identity.pubkey, "REGISTERING")

    await stage.mine(BLOCKS_TO_CONFIRM)
    node = await node_becomes(service, identity.pubkey, "RUNNING")
    assert [(one["address"], one["amount"]) for one in node["contributors"]] == [
        (operator, str(half)),
        (friend, str(half)),
    ]

    told = (await service.query(EVENTS, filter={"pubkey": identity.pubkey}))["events"]["nodes"]
    kinds = [event["kind"] for event in reversed(told)]
    assert kinds[:6] == [
        "RESERVATIONS_UPDATED",
        "CONTRIBUTION_RESET",
        "PUBKEYS_UPDATED",
        "FEE_UPDATED",
        "RESERVATIONS_UPDATED",
        "MANUAL_FINALIZE_UPDATED",
    ]
    assert kinds[6] == "NEW_CONTRIBUTION_CONTRACT"
    assert kinds[7:] == [
        "CONTRIBUTION_OPENED",
        "NEW_CONTRIBUTION",
        "CONTRIBUTION_FILLED",
        "NEW_CONTRIBUTION",
        "CONTRIBUTION_FINALIZED",
        "NEW_SERVICE_NODE",
    ]
    registered = told[0]
    assert (registered["wallet"], registered["amount"]) == (operator, str(STAKING_REQUIREMENT))
    assert registered["contractId"] == node["contractId"]
    assert registered["serviceNode"] == {"state": "RUNNING"}
    assert registered["contributionContract"] == {"address": deployed.address}


async def test_an_old_node_claims_asks_to_leave_and_leaves(local_stage: Any) -> None:
    stage, client = local_stage, local_stage.client
    service = await stage.serve()
    await service.until("{ meta { stale } }", lambda data: not data["meta"]["stale"])
    able = set(stage.deployment.wallets)
    nodes = await service.query(
        "{ serviceNodes(filter: {leaving: false}) { nodes { pubkey operator contractId stakingRequirement } } }"
    )
    old = next(node for node in nodes["serviceNodes"]["nodes"] if node["operator"] in able)
    pubkey, operator = old["pubkey"], old["operator"]
    rewards = f'{{ wallet(address: "{operator}") {{ rewards {{ credited claimed claimable }} }} }}'

    await stage.mine(2)
    claim = (await service.query(CLAIM, address=operator))["requestRewardsClaim"]
    assert claim["errors"] == []
    assert claim["claim"]["sufficient"]
    amount = int(claim["claim"]["amount"])
    signature = Signature.from_hex(claim["claim"]["signature"])
    await client.update_rewards(operator, amount, signature, claim["claim"]["nonSignerIds"], sender=operator)
    data = await service.until(rewards, lambda data: data["wallet"]["rewards"]["credited"] == str(amount))
    claimable = int(data["wallet"]["rewards"]["claimable"])
    await client.claim(operator, claimable)
    await service.until(rewards, lambda data: data["wallet"]["rewards"]["claimable"] == "0")

    await client.request_exit(old["contractId"], operator)
    await node_becomes(service, pubkey, "RUNNING", leaving=True)
    await stage.mine(BLOCKS_TO_LEAVE)
    await node_becomes(service, pubkey, "AWAITING_EXIT")

    leave = (await service.query(EXIT, pubkey=pubkey))["requestExit"]
    assert leave["errors"] == []
    await client.remove(
        leave["exit"]["pubkeyBls"],
        int(leave["exit"]["timestamp"]),
        Signature.from_hex(leave["exit"]["signature"]),
        leave["exit"]["nonSignerIds"],
        sender=operator,
        liquidate=False,
    )
    gone = await node_becomes(service, pubkey, "EXITED")
    assert gone["exit"] == {"kind": "EXITED", "returnedAmount": old["stakingRequirement"]}
    await stage.mine(BLOCKS_TO_CONFIRM)
    past = await service.until(
        f'{{ wallet(address: "{operator}") {{ pastStakes {{ nodes {{ exited serviceNode {{ pubkey }} }} }} }} }}',
        lambda data: bool(data["wallet"]["pastStakes"]["nodes"]),
    )
    assert {"exited": True, "serviceNode": {"pubkey": pubkey}} in past["wallet"]["pastStakes"]["nodes"]

    told = (await service.query(EVENTS, filter={"contractId": old["contractId"]}))["events"]["nodes"]
    assert [event["kind"] for event in reversed(told)] == [
        "NEW_SERVICE_NODE",
        "SERVICE_NODE_EXIT_REQUEST",
        "SERVICE_NODE_EXIT",
    ]
    assert {event["serviceNode"]["state"] for event in told} == {"EXITED"}
    wanted = {"wallet": operator, "kinds": ["REWARDS_BALANCE_UPDATED", "REWARDS_CLAIMED"]}
    money = (await service.query(EVENTS, filter=wanted))["events"]["nodes"]
    assert [(event["kind"], event["amount"]) for event in money[:2]] == [
        ("REWARDS_CLAIMED", str(claimable)),
        ("REWARDS_BALANCE_UPDATED", str(amount)),
    ]
