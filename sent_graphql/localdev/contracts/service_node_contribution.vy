# pragma version 0.4.3
"""
@title Gathers the stake of one service node from several people and registers it when it is full
@notice Made by the factory for an operator. Speaks as the network's contribution contract does.
"""

from ethereum.ercs import IERC20

import staking

interface IServiceNodeRewards:
    def designatedToken() -> address: view
    def stakingRequirement() -> uint256: view
    def maxContributors() -> uint256: view
    def addBLSPublicKey(
        blsPubkey: staking.G1,
        blsSignature: staking.Signature,
        serviceNodeParams: staking.ServiceNodeParams,
        contributors: DynArray[staking.Contributor, staking.MAX_CONTRIBUTORS],
    ): nonpayable

struct ReservedContribution:
    amount: uint256
    received: bool

event NewContribution:
    contributor: indexed(address)
    beneficiary: address
    amount: uint256

event OpenForPublicContribution:
    pass

event Filled:
    pass

event Finalized:
    pass

event WithdrawContribution:
    contributor: indexed(address)
    amount: uint256

event UpdateStakerBeneficiary:
    staker: indexed(address)
    newBeneficiary: address

event Reset:
    pass

event UpdateReservedContributors:
    newReservedContributors: DynArray[staking.Reservation, staking.MAX_CONTRIBUTORS]

event UpdatePubkeys:
    newBLSPubkey: staking.G1
    newEd25519Pubkey: uint256

event UpdateFee:
    newFee: uint16

event UpdateManualFinalize:
    newValue: bool

# Status
WAIT_FOR_OPERATOR_CONTRIB: constant(uint8) = 0
OPEN_FOR_PUBLIC_CONTRIB: constant(uint8) = 1
WAIT_FOR_FINALIZED: constant(uint8) = 2
FINALIZED: constant(uint8) = 3

PANIC_ARITHMETIC: constant(uint256) = 17
PANIC_INDEX: constant(uint256) = 50

WITHDRAWAL_DELAY: public(constant(uint64)) = 86400
MAX_FEE: public(constant(uint16)) = 10_000

SESH: public(immutable(address))
stakingRewardsContract: public(immutable(address))
operator: public(immutable(address))
stakingRequirement: public(immutable(uint256))
maxContributors: public(immutable(uint256))

status: public(uint8)
manualFinalize: public(bool)
blsPubkey: public(staking.G1)
_blsSignature: public(staking.Signature)
_serviceNodeParams: public(staking.ServiceNodeParams)
_contributorAddresses: public(DynArray[staking.Staker, staking.MAX_CONTRIBUTORS])
contributions: public(HashMap[address, uint256])
contributionTimestamp: public(HashMap[address, uint256])
reservedContributionsAddresses: public(DynArray[address, staking.MAX_CONTRIBUTORS])
reservedContributions: public(HashMap[address, ReservedContribution])


@deploy
def __init__(
    rewards: address,
    operator_: address,
    key: staking.G1,
    sig: staking.Signature,
    params: staking.ServiceNodeParams,
    reserved: DynArray[staking.Reservation, staking.MAX_CONTRIBUTORS],
    manual_finalize: bool,
):
    stakingRewardsContract = rewards
    SESH = staticcall IServiceNodeRewards(rewards).designatedToken()
    requirement: uint256 = staticcall IServiceNodeRewards(rewards).stakingRequirement()
    max_contributors: uint256 = staticcall IServiceNodeRewards(rewards).maxContributors()
    stakingRequirement = requirement
    maxContributors = max_contributors
    operator = operator_
    log UpdateReservedContributors(newReservedContributors=[])
    log Reset()
    self._set_pubkeys(key, sig, params.serviceNodePubkey, params.serviceNodeSignature1, params.serviceNodeSignature2)
    self._set_fee(params.fee)
    self._set_reserved(reserved, operator_, requirement, max_contributors)
    self._set_manual_finalize(manual_finalize)


# Contributing


@external
def contributeFunds(amount: uint256, beneficiary: address):
    """
    @notice Adds to the stake; the operator comes first. The one who fills it registers the node.
    """
    self._contribute(msg.sender, amount, beneficiary)


@external
def withdrawContribution():
    """
    @notice Gives a contributor's stake back a day after it was made; the operator's takes all down.
        Who has contributed nothing gets nothing.
    """
    if msg.sender == operator:
        self._reset()
        return
    amount: uint256 = self.contributions[msg.sender]
    if not self._is_contributor(msg.sender):
        return
    since: uint256 = self.contributionTimestamp[msg.sender]
    delay: uint256 = convert(WITHDRAWAL_DELAY, uint256)
    if block.timestamp - since < delay:
        raw_revert(
            abi_encode(
                since, block.timestamp, delay, method_id=method_id("WithdrawTooEarly(uint256,uint256,uint256)")
            )
        )
    self._remove_contributor(msg.sender)
    if self.status == FINALIZED:
        return
    if self.status == WAIT_FOR_FINALIZED:
        self.status = OPEN_FOR_PUBLIC_CONTRIB
    log WithdrawContribution(contributor=msg.sender, amount=amount)
    extcall IERC20(SESH).transfer(msg.sender, amount)


@external
def updateBeneficiary(newBeneficiary: address):
    """
    @notice Names who gets the caller's rewards, until the node is registered
    """
    if self.status == FINALIZED:
        raw_revert(
            abi_encode(
                self._serviceNodeParams.serviceNodePubkey,
                method_id=method_id("BeneficiaryUpdatingDisabledNodeIsNotOpen(uint256)"),
            )
        )
    if not self._is_contributor(msg.sender):
        raw_revert(abi_encode(msg.sender, method_id=method_id("NonContributorUpdatedBeneficiary(address)")))
    self._set_beneficiary(msg.sender, newBeneficiary)


@external
def finalize():
    self._check_operator()
    if self.status != WAIT_FOR_FINALIZED:
        raw_revert(abi_encode(self.status, method_id=method_id("FinalizeNotPossible(uint8)")))
    self._finalize()


# What the operator does


@external
def reset():
    self._check_operator()
    self._reset()


@external
def resetUpdateAndContribute(
    key: staking.G1,
    sig: staking.Signature,
    params: staking.ServiceNodeParams,
    reserved: DynArray[staking.Reservation, staking.MAX_CONTRIBUTORS],
    _manualFinalize: bool,
    beneficiary: address,
    amount: uint256,
):
    """
    @notice Starts over with everything new, in one transaction
    """
    self._check_operator()
    self._reset()
    self._set_pubkeys(key, sig, params.serviceNodePubkey, params.serviceNodeSignature1, params.serviceNodeSignature2)
    self._set_fee(params.fee)
    self._set_reserved(reserved, operator, stakingRequirement, maxContributors)
    self._set_manual_finalize(_manualFinalize)
    self._contribute(msg.sender, amount, beneficiary)


@external
def updateFee(fee: uint16):
    self._check_may_update()
    self._set_fee(fee)


@external
def updatePubkeys(
    newBLSPubkey: staking.G1,
    newBLSSig: staking.Signature,
    ed25519Pubkey: uint256,
    ed25519Sig0: uint256,
    ed25519Sig1: uint256,
):
    self._check_may_update()
    self._set_pubkeys(newBLSPubkey, newBLSSig, ed25519Pubkey, ed25519Sig0, ed25519Sig1)


@external
def updateReservedContributors(reserved: DynArray[staking.Reservation, staking.MAX_CONTRIBUTORS]):
    self._check_may_update()
    self._set_reserved(reserved, operator, stakingRequirement, maxContributors)


@external
def updateManualFinalize(newValue: bool):
    self._check_may_update()
    self._set_manual_finalize(newValue)


@external
def rescueERC20(tokenAddress: address):
    """
    @notice Gives the operator what was sent here by mistake, while nobody's stake is here
    """
    self._check_operator()
    if self.status != WAIT_FOR_OPERATOR_CONTRIB and self.status != FINALIZED:
        raw_revert(abi_encode(self.status, method_id=method_id("RescueNotPossible(uint8)")))
    balance: uint256 = staticcall IERC20(tokenAddress).balanceOf(self)
    if balance == 0:
        raw_revert(abi_encode(tokenAddress, method_id=method_id("RescueBalanceIsEmpty(address)")))
    extcall IERC20(tokenAddress).transfer(operator, balance)


# Views


@view
@external
def blsSignature() -> staking.Signature:
    return self._blsSignature


@view
@external
def serviceNodeParams() -> staking.ServiceNodeParams:
    return self._serviceNodeParams


@view
@external
def getContributions() -> (
    DynArray[address, staking.MAX_CONTRIBUTORS],
    DynArray[address, staking.MAX_CONTRIBUTORS],
    DynArray[uint256, staking.MAX_CONTRIBUTORS],
):
    """
    @notice Addresses, beneficiaries and amounts of all who have contributed, the operator first
    """
    addresses: DynArray[address, staking.MAX_CONTRIBUTORS] = []
    beneficiaries: DynArray[address, staking.MAX_CONTRIBUTORS] = []
    amounts: DynArray[uint256, staking.MAX_CONTRIBUTORS] = []
    for staker: staking.Staker in self._contributorAddresses:
        addresses.append(staker.addr)
        beneficiaries.append(staker.beneficiary)
        amounts.append(self.contributions[staker.addr])
    return addresses, beneficiaries, amounts


@view
@external
def getReserved() -> (
    DynArray[address, staking.MAX_CONTRIBUTORS],
    DynArray[uint256, staking.MAX_CONTRIBUTORS],
    DynArray[bool, staking.MAX_CONTRIBUTORS],
):
    """
    @notice Addresses and amounts of all reservations, and whether each has been received
    """
    addresses: DynArray[address, staking.MAX_CONTRIBUTORS] = []
    amounts: DynArray[uint256, staking.MAX_CONTRIBUTORS] = []
    received: DynArray[bool, staking.MAX_CONTRIBUTORS] = []
    for addr: address in self.reservedContributionsAddresses:
        reservation: ReservedContribution = self.reservedContributions[addr]
        addresses.append(addr)
        amounts.append(reservation.amount)
        received.append(reservation.received)
    return addresses, amounts, received


@view
@external
def contributorAddresses(index: uint256) -> staking.Staker:
    if index >= len(self._contributorAddresses):
        raw_revert(abi_encode(PANIC_INDEX, method_id=method_id("Panic(uint256)")))
    return self._contributorAddresses[index]


@view
@external
def contributorAddressesLength() -> uint256:
    return len(self._contributorAddresses)


@view
@external
def totalContribution() -> uint256:
    return self._total_contribution()


@view
@external
def totalReservedContribution() -> uint256:
    return self._awaited()[0]


@view
@external
def operatorContribution() -> uint256:
    return self.contributions[operator]


@view
@external
def minimumContribution() -> uint256:
    """
    @notice The least that a new contributor without a reservation may bring; reverts when there is no room
    """
    return self._minimum_contribution()


@pure
@external
def calcMinimumContribution(
    contributionRemaining: uint256, numContributors: uint256, maxNumContributors: uint256
) -> uint256:
    return self._minimum_of(contributionRemaining, numContributors, maxNumContributors)


@pure
@external
def minimumOperatorContribution(_stakingRequirement: uint256) -> uint256:
    return self._minimum_of_operator(_stakingRequirement)


# Contributing, inside


@internal
def _contribute(caller: address, amount: uint256, beneficiary: address):
    self._check_viable()
    if self.status == WAIT_FOR_OPERATOR_CONTRIB:
        if caller != operator:
            raw_revert(
                abi_encode(caller, operator, method_id=method_id("FirstContributionMustBeOperator(address,address)"))
            )
    elif self.status != OPEN_FOR_PUBLIC_CONTRIB:
        raw_revert(abi_encode(self.status, method_id=method_id("ContributeFundsNotPossible(uint8)")))
    self._check_amount(caller, amount)
    if self.status == WAIT_FOR_OPERATOR_CONTRIB:
        self.status = OPEN_FOR_PUBLIC_CONTRIB
        log OpenForPublicContribution()

    payee: address = caller if beneficiary == empty(address) else beneficiary
    if not self._is_contributor(caller):
        if len(self._contributorAddresses) >= maxContributors:
            raw_revert(abi_encode(maxContributors, method_id=method_id("MaxContributorsExceeded(uint256)")))
        self._contributorAddresses.append(staking.Staker(addr=caller, beneficiary=payee))
    else:
        self._set_beneficiary(caller, payee)
    if self.reservedContributions[caller].amount > 0:
        self.reservedContributions[caller].received = True
    self.contributions[caller] += amount
    self.contributionTimestamp[caller] = block.timestamp

    total: uint256 = self._total_contribution()
    awaited: uint256 = self._awaited()[0]
    if total + awaited > stakingRequirement:
        raw_revert(
            abi_encode(
                total,
                awaited,
                stakingRequirement,
                method_id=method_id("ContributionExceedsStakingRequirement(uint256,uint256,uint256)"),
            )
        )
    if total == stakingRequirement:
        self.status = WAIT_FOR_FINALIZED
        log Filled()
    log NewContribution(contributor=caller, beneficiary=payee, amount=amount)
    extcall IERC20(SESH).transferFrom(caller, self, amount)
    if self.status == WAIT_FOR_FINALIZED and not self.manualFinalize:
        self._finalize()


@internal
def _finalize():
    self.status = FINALIZED
    log Finalized()
    contributors: DynArray[staking.Contributor, staking.MAX_CONTRIBUTORS] = []
    for staker: staking.Staker in self._contributorAddresses:
        contributors.append(staking.Contributor(staker=staker, stakedAmount=self.contributions[staker.addr]))
    extcall IERC20(SESH).approve(stakingRewardsContract, stakingRequirement)
    extcall IServiceNodeRewards(stakingRewardsContract).addBLSPublicKey(
        self.blsPubkey, self._blsSignature, self._serviceNodeParams, contributors
    )


@internal
def _reset():
    refunds: bool = self.status != FINALIZED
    stakers: DynArray[staking.Staker, staking.MAX_CONTRIBUTORS] = self._contributorAddresses
    self.status = WAIT_FOR_OPERATOR_CONTRIB
    self._contributorAddresses = []
    for staker: staking.Staker in stakers:
        amount: uint256 = self.contributions[staker.addr]
        self.contributions[staker.addr] = 0
        self.contributionTimestamp[staker.addr] = 0
        if refunds:
            extcall IERC20(SESH).transfer(staker.addr, amount)
    self._clear_reserved()
    log UpdateReservedContributors(newReservedContributors=[])
    log Reset()


@internal
def _remove_contributor(leaver: address):
    """
    @notice The last contributor takes the leaver's place
    """
    last: uint256 = len(self._contributorAddresses) - 1
    for index: uint256 in range(staking.MAX_CONTRIBUTORS):
        if self._contributorAddresses[index].addr == leaver:
            self._contributorAddresses[index] = self._contributorAddresses[last]
            self._contributorAddresses.pop()
            break
    self.contributions[leaver] = 0
    self.contributionTimestamp[leaver] = 0
    self.reservedContributions[leaver].received = False


@internal
def _set_beneficiary(staker: address, beneficiary: address):
    payee: address = staker if beneficiary == empty(address) else beneficiary
    for index: uint256 in range(staking.MAX_CONTRIBUTORS):
        if index == len(self._contributorAddresses):
            break
        if self._contributorAddresses[index].addr == staker:
            if self._contributorAddresses[index].beneficiary != payee:
                self._contributorAddresses[index].beneficiary = payee
                log UpdateStakerBeneficiary(staker=staker, newBeneficiary=payee)
            break


# Setting, inside


@internal
def _set_pubkeys(
    key: staking.G1, sig: staking.Signature, ed25519_pubkey: uint256, ed25519_sig0: uint256, ed25519_sig1: uint256
):
    self.blsPubkey = key
    self._blsSignature = sig
    self._serviceNodeParams.serviceNodePubkey = ed25519_pubkey
    self._serviceNodeParams.serviceNodeSignature1 = ed25519_sig0
    self._serviceNodeParams.serviceNodeSignature2 = ed25519_sig1
    log UpdatePubkeys(newBLSPubkey=key, newEd25519Pubkey=ed25519_pubkey)


@internal
def _set_fee(fee: uint16):
    if fee > MAX_FEE:
        raw_revert(abi_encode(fee, MAX_FEE, method_id=method_id("FeeExceedsPossibleValue(uint16,uint16)")))
    self._serviceNodeParams.fee = fee
    log UpdateFee(newFee=fee)


@internal
def _set_manual_finalize(wanted: bool):
    self.manualFinalize = wanted
    log UpdateManualFinalize(newValue=wanted)


@internal
def _set_reserved(
    reserved: DynArray[staking.Reservation, staking.MAX_CONTRIBUTORS],
    operator_: address,
    requirement: uint256,
    max_contributors: uint256,
):
    """
    @notice Checks and keeps the reservations; the constructor calls it too, which may not read immutables
    """
    if len(reserved) > max_contributors:
        raw_revert(
            abi_encode(
                len(reserved), max_contributors, method_id=method_id("TooManyReservedContributors(uint256,uint256)")
            )
        )
    self._clear_reserved()
    remaining: uint256 = requirement
    index: uint256 = 0
    for reservation: staking.Reservation in reserved:
        if index == 0 and reservation.addr != operator_:
            raw_revert(
                abi_encode(
                    index, operator_, method_id=method_id("FirstReservedContributorMustBeOperator(uint256,address)")
                )
            )
        if reservation.addr == empty(address):
            raw_revert(abi_encode(index, method_id=method_id("ReservedContributorHasZeroAddress(uint256)")))
        if self.reservedContributions[reservation.addr].amount != 0:
            raw_revert(abi_encode(index, method_id=method_id("DuplicateAddressInReservedContributor(uint256)")))
        if reservation.amount > remaining:
            raw_revert(
                abi_encode(
                    index,
                    reservation.amount,
                    remaining,
                    method_id=method_id("ReservedContributionExceedsStakingRequirement(uint256,uint256,uint256)"),
                )
            )
        least: uint256 = self._minimum_of_operator(requirement)
        if index != 0:
            least = self._minimum_of(remaining, index, max_contributors)
        if reservation.amount < least:
            raw_revert(
                abi_encode(
                    index,
                    reservation.amount,
                    least,
                    method_id=method_id("ReservedContributionBelowMinAmount(uint256,uint256,uint256)"),
                )
            )
        remaining -= reservation.amount
        self.reservedContributionsAddresses.append(reservation.addr)
        self.reservedContributions[reservation.addr] = ReservedContribution(
            amount=reservation.amount, received=False
        )
        index += 1
    log UpdateReservedContributors(newReservedContributors=reserved)


@internal
def _clear_reserved():
    for addr: address in self.reservedContributionsAddresses:
        self.reservedContributions[addr] = empty(ReservedContribution)
    self.reservedContributionsAddresses = []


# Sums


@view
@internal
def _total_contribution() -> uint256:
    total: uint256 = 0
    for staker: staking.Staker in self._contributorAddresses:
        total += self.contributions[staker.addr]
    return total


@view
@internal
def _awaited() -> (uint256, uint256):
    """
    @notice Sum and number of the reservations that have not been received
    """
    total: uint256 = 0
    count: uint256 = 0
    for addr: address in self.reservedContributionsAddresses:
        reservation: ReservedContribution = self.reservedContributions[addr]
        if not reservation.received:
            total += reservation.amount
            count += 1
    return total, count


@view
@internal
def _minimum_contribution() -> uint256:
    awaited: uint256 = 0
    places: uint256 = 0
    awaited, places = self._awaited()
    left: uint256 = stakingRequirement - self._total_contribution() - awaited
    contributors: uint256 = len(self._contributorAddresses)
    if contributors == 0 and len(self.reservedContributionsAddresses) == 0:
        return self._minimum_of_operator(left)
    return self._minimum_of(left, contributors + places, maxContributors)


@pure
@internal
def _minimum_of(remaining: uint256, contributors: uint256, max_contributors: uint256) -> uint256:
    if max_contributors <= contributors:
        raw_revert(
            abi_encode(
                contributors,
                max_contributors,
                method_id=method_id("CalcMinContributionGivenBadContribArgs(uint256,uint256)"),
            )
        )
    if remaining == 0:
        raw_revert(abi_encode(PANIC_ARITHMETIC, method_id=method_id("Panic(uint256)")))
    return (remaining - 1) // (max_contributors - contributors) + 1


@pure
@internal
def _minimum_of_operator(requirement: uint256) -> uint256:
    return (requirement + 3) // 4


# Checks


@view
@internal
def _is_contributor(addr: address) -> bool:
    for staker: staking.Staker in self._contributorAddresses:
        if staker.addr == addr:
            return True
    return False


@view
@internal
def _check_amount(caller: address, amount: uint256):
    if self._is_contributor(caller):
        return
    reserved: uint256 = self.reservedContributions[caller].amount
    if reserved > 0:
        if amount < reserved:
            raw_revert(
                abi_encode(amount, reserved, method_id=method_id("ContributionBelowReservedAmount(uint256,uint256)"))
            )
        return
    least: uint256 = self._minimum_contribution()
    if amount < least:
        raw_revert(abi_encode(amount, least, method_id=method_id("ContributionBelowMinAmount(uint256,uint256)")))


@view
@internal
def _check_viable():
    """
    @notice A contract outlives no change of the rewards contract's rules; both changes are called the same
    """
    max_now: uint256 = staticcall IServiceNodeRewards(stakingRewardsContract).maxContributors()
    if max_now != maxContributors:
        raw_revert(
            abi_encode(
                maxContributors, max_now, method_id=method_id("RewardsContractMaxContributorsChanged(uint256,uint256)")
            )
        )
    requirement_now: uint256 = staticcall IServiceNodeRewards(stakingRewardsContract).stakingRequirement()
    if requirement_now != stakingRequirement:
        raw_revert(
            abi_encode(
                stakingRequirement,
                requirement_now,
                method_id=method_id("RewardsContractMaxContributorsChanged(uint256,uint256)"),
            )
        )


@view
@internal
def _check_operator():
    if msg.sender != operator:
        raw_revert(abi_encode(msg.sender, operator, method_id=method_id("OnlyOperatorIsAuthorised(address,address)")))


@view
@internal
def _check_may_update():
    self._check_operator()
    if self.status != WAIT_FOR_OPERATOR_CONTRIB:
        raw_revert(abi_encode(self.status, method_id=method_id("RequireWaitForOperatorContribStatus(uint8)")))
