# pragma version 0.4.3
"""
@title Makes the contribution contracts, and knows which ones it made
"""

import ownable
import pausable
import staking

initializes: ownable
initializes: pausable[ownable := ownable]
exports: (ownable.__interface__, pausable.__interface__)

event NewServiceNodeContributionContract:
    contributorContract: indexed(address)
    serviceNodePubkey: uint256
    operator: address

VERSION: public(constant(uint256)) = 1

stakingRewardsContract: public(immutable(address))
BLUEPRINT: immutable(address)

deployedContracts: public(HashMap[address, bool])


@deploy
def __init__(rewards: address, blueprint: address):
    ownable.__init__()
    stakingRewardsContract = rewards
    BLUEPRINT = blueprint


@external
def deploy(
    key: staking.G1,
    sig: staking.Signature,
    params: staking.ServiceNodeParams,
    reserved: DynArray[staking.Reservation, staking.MAX_CONTRIBUTORS],
    manualFinalize: bool,
) -> address:
    """
    @notice A new contribution contract with the caller as its operator
    """
    pausable._check_not_paused()
    made: address = create_from_blueprint(
        BLUEPRINT, stakingRewardsContract, msg.sender, key, sig, params, reserved, manualFinalize
    )
    self.deployedContracts[made] = True
    log NewServiceNodeContributionContract(
        contributorContract=made, serviceNodePubkey=params.serviceNodePubkey, operator=msg.sender
    )
    return made


@view
@external
def owns(contractAddress: address) -> bool:
    return self.deployedContracts[contractAddress]
