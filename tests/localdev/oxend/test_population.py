"""Who lives on the local network when it begins."""

from collections import Counter
from collections.abc import Callable

import pytest
from nacl.signing import VerifyKey

from sent_graphql.localdev.constants import Timing
from sent_graphql.localdev.contribution_scenes import SCENES
from sent_graphql.localdev.identities import BLS_ZERO_INDEX, ED25519_ZERO_INDEX, Identities
from sent_graphql.localdev.ledger import Ledger
from sent_graphql.localdev.ledger_events import Decommission, Deregister, Recommission
from sent_graphql.localdev.ledger_state import LedgerState
from sent_graphql.localdev.population import (
    OLD_REQUIREMENT,
    PAST,
    REQUIREMENT,
    SCENE_NODES,
    Fate,
    Population,
    plan_population,
)
from sent_graphql.localdev.weather import Weather
from sent_graphql.models.keys import eth_address

NOW = 1_800_000_000
OPERATORS = tuple(eth_address(f"{number:040x}") for number in range(1, 33))


def planned(nodes: int = 40, seed: int = 1) -> Population:
    return plan_population(Identities(seed), seed=seed, nodes=nodes, operators=OPERATORS, now=NOW)


def test_every_fate_occurs() -> None:
    fates = Counter(node.fate for node in planned().nodes)
    assert set(fates) == set(Fate)
    assert min(fates[fate] for fate in Fate) >= 2


@pytest.mark.parametrize("nodes", [1, 2, 7, 8, 40, 300])
def test_contract_holds_as_many_nodes_as_were_asked_for(nodes: int) -> None:
    population = planned(nodes)
    held = [node for node in population.nodes if node.fate not in PAST]
    assert len(held) + population.scene_nodes == nodes


def test_scenes_register_as_many_nodes_as_are_counted_on() -> None:
    assert sum(scene.registers for scene in SCENES) == SCENE_NODES


@pytest.mark.parametrize("seed", range(5))
def test_keys_with_a_leading_zero_byte_belong_to_nodes_that_stay(seed: int) -> None:
    nodes = planned(seed=seed).nodes
    assert nodes[BLS_ZERO_INDEX].registration.pubkey_bls.startswith("00")
    assert nodes[ED25519_ZERO_INDEX].registration.pubkey.startswith("00")
    assert {nodes[BLS_ZERO_INDEX].fate, nodes[ED25519_ZERO_INDEX].fate} == {Fate.RUNNING}


def test_stakes_follow_the_contracts_rules() -> None:
    nodes = planned().nodes
    assert {node.registration.deposit for node in nodes} == {OLD_REQUIREMENT, REQUIREMENT}
    crowds = {len(node.registration.contributors) for node in nodes}
    assert {1, 10} <= crowds
    assert max(crowds) == 10
    for node in nodes:
        stakes = node.registration.contributors
        assert stakes[0].amount * 4 >= node.registration.deposit
        assert min(stake.amount for stake in stakes) > 0
        assert len({stake.address for stake in stakes}) == len(stakes)
        assert stakes[0].address in OPERATORS
    everybody = [stake for node in nodes for stake in node.registration.contributors]
    assert any(stake.beneficiary != stake.address for stake in everybody)


def test_registrations_are_signed_by_their_ed25519_key() -> None:
    for node in planned().nodes:
        signed = bytes.fromhex(node.registration.pubkey + node.registration.pubkey_bls)
        VerifyKey(signed[:32]).verify(signed, bytes.fromhex(node.registration.signature))


def test_bls_keys_belong_to_their_secrets() -> None:
    identities = Identities(2)
    for index in (0, 1, 40):
        assert identities[index].bls_secret.public_key() == identities[index].bls_pubkey


def test_secrets_are_not_shown() -> None:
    identity = Identities(2)[0]
    assert str(identity.bls_secret.scalar) not in repr(identity)
    assert identity.signing_key.encode().hex() not in repr(identity)


def test_same_seed_gives_the_same_population_and_another_seed_another() -> None:
    assert [node.registration for node in planned().nodes] == [node.registration for node in planned().nodes]
    keys = {node.registration.pubkey for node in planned().nodes}
    assert not keys & {node.registration.pubkey for node in planned(seed=2).nodes}


def test_weather_repeats_itself_and_judges_only_what_is_there(genesis: Callable[..., LedgerState]) -> None:
    state = genesis()
    first, second = Weather(1), Weather(1)
    assert first.verdicts(state) == second.verdicts(state)
    assert {verdict.pubkey for verdict in first.verdicts(state)} <= state.nodes.keys()


def test_weather_never_takes_so_many_nodes_that_the_network_cannot_sign(genesis: Callable[..., LedgerState]) -> None:
    ledger = Ledger(genesis(), Timing.of(5))
    weather = Weather(1)
    kinds = Counter[type]()
    for number in range(3000):
        verdicts = weather.verdicts(ledger.top)
        kinds.update(map(type, verdicts))
        state = ledger.advance(NOW + 5 * number, 100, verdicts)
        held = len(state.nodes) + len(state.removed)
        assert sum(node.active for node in state.nodes.values()) >= held * 2 / 3
    assert kinds.keys() == {Decommission, Deregister, Recommission}
