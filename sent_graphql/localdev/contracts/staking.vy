# pragma version 0.4.3
"""
@title The structs that the staking contracts hand to each other
@notice Field order is the wire format: a data service decodes these by position.
"""

# Room in memory. The rule (10) is the rewards contract's `maxContributors`, which must not exceed this.
MAX_CONTRIBUTORS: constant(uint256) = 12

struct G1:
    X: uint256
    Y: uint256

struct Signature:
    sigs0: uint256
    sigs1: uint256
    sigs2: uint256
    sigs3: uint256

struct ServiceNodeParams:
    serviceNodePubkey: uint256
    serviceNodeSignature1: uint256
    serviceNodeSignature2: uint256
    fee: uint16

struct Staker:
    addr: address
    beneficiary: address

struct Contributor:
    staker: Staker
    stakedAmount: uint256

struct Reservation:
    addr: address
    amount: uint256
