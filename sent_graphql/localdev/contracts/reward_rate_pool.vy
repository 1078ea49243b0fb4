# pragma version 0.4.3
"""
@title The pool that pays the network's rewards at a simple yearly rate of what it holds
"""

from ethereum.ercs import IERC20

import ownable

initializes: ownable
exports: ownable.__interface__

event FundsReleased:
    amount: uint256

event BeneficiaryUpdated:
    newBeneficiary: address

VERSION: public(constant(uint256)) = 1
ANNUAL_SIMPLE_PAYOUT_RATE: public(constant(uint64)) = 151
BASIS_POINTS: public(constant(uint64)) = 1000
SECONDS_PER_YEAR: constant(uint256) = 365 * 86400
SECONDS_PER_OXEN_BLOCK: constant(uint256) = 120

SESH: public(immutable(address))
beneficiary: public(address)
totalPaidOut: public(uint256)
lastPaidOutTime: public(uint256)


@deploy
def __init__(token: address):
    ownable.__init__()
    SESH = token
    self.lastPaidOutTime = block.timestamp


@external
def payoutReleased():
    """
    @notice Pays what has been earned since the last payout; anybody may ask for it
    """
    amount: uint256 = self._payout(self._balance(), block.timestamp - self.lastPaidOutTime)
    self.totalPaidOut += amount
    self.lastPaidOutTime = block.timestamp
    log FundsReleased(amount=amount)
    extcall IERC20(SESH).transfer(self.beneficiary, amount)


@external
def setBeneficiary(newBeneficiary: address):
    ownable._check_owner()
    self.beneficiary = newBeneficiary
    log BeneficiaryUpdated(newBeneficiary=newBeneficiary)


@view
@external
def rewardRate() -> uint256:
    """
    @notice Atomic units that the network earns in two minutes, as of this block
    """
    undistributed: uint256 = self._total_deposited() - self._released()
    return self._payout(undistributed, SECONDS_PER_OXEN_BLOCK)


@view
@external
def calculateTotalDeposited() -> uint256:
    return self._total_deposited()


@view
@external
def calculateReleasedAmount() -> uint256:
    return self._released()


@pure
@external
def calculatePayoutAmount(balance: uint256, timeElapsed: uint256) -> uint256:
    return self._payout(balance, timeElapsed)


@view
@internal
def _balance() -> uint256:
    return staticcall IERC20(SESH).balanceOf(self)


@view
@internal
def _total_deposited() -> uint256:
    return self._balance() + self.totalPaidOut


@view
@internal
def _released() -> uint256:
    return self.totalPaidOut + self._payout(self._balance(), block.timestamp - self.lastPaidOutTime)


@pure
@internal
def _payout(balance: uint256, seconds: uint256) -> uint256:
    rate: uint256 = convert(ANNUAL_SIMPLE_PAYOUT_RATE, uint256)
    return balance * rate * seconds // (convert(BASIS_POINTS, uint256) * SECONDS_PER_YEAR)
