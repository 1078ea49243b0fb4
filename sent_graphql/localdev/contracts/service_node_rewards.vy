# pragma version 0.4.3
"""
@title The list of service nodes, their stakes and what is owed to whom
@notice Speaks as the network's rewards contract does: same selectors, topics, encodings and rules.
    What differs on purpose: aggregate BLS signatures are not verified here (only counted), and `fill`
    registers many nodes at once, so that a large local network is up in seconds.
"""

from ethereum.ercs import IERC20

import ownable
import pausable
import staking

initializes: ownable
initializes: pausable[ownable := ownable]
exports: (ownable.__interface__, pausable.__interface__)

struct ServiceNode:
    next: uint64
    prev: uint64
    operator: address
    blsPubkey: staking.G1
    addedTimestamp: uint256
    leaveRequestTimestamp: uint256
    latestLeaveRequestTimestamp: uint256
    deposit: uint256
    contributors: DynArray[staking.Contributor, staking.MAX_CONTRIBUTORS]
    ed25519Pubkey: uint256

struct Recipient:
    rewards: uint256
    claimed: uint256

struct SeedNode:
    blsPubkey: staking.G1
    ed25519Pubkey: uint256
    addedTimestamp: uint256
    contributors: DynArray[staking.Contributor, staking.MAX_CONTRIBUTORS]

struct FillNode:
    initiator: address
    blsPubkey: staking.G1
    serviceNodeParams: staking.ServiceNodeParams
    addedTimestamp: uint256
    contributors: DynArray[staking.Contributor, staking.MAX_CONTRIBUTORS]

event NewServiceNodeV2:
    serviceNodeID: indexed(uint64)
    initiator: address
    pubkey: staking.G1
    serviceNode: staking.ServiceNodeParams
    contributors: DynArray[staking.Contributor, staking.MAX_CONTRIBUTORS]

event NewSeededServiceNode:
    serviceNodeID: indexed(uint64)
    blsPubkey: staking.G1
    ed25519Pubkey: uint256

event ServiceNodeExitRequest:
    serviceNodeID: indexed(uint64)
    initiator: address
    pubkey: staking.G1

event ServiceNodeExit:
    serviceNodeID: indexed(uint64)
    initiator: address
    returnedAmount: uint256
    pubkey: staking.G1

event ServiceNodeLiquidated:
    serviceNodeID: indexed(uint64)
    initiator: address
    pubkey: staking.G1

event RewardsBalanceUpdated:
    recipientAddress: indexed(address)
    amount: uint256
    previousBalance: uint256

event RewardsClaimed:
    recipientAddress: indexed(address)
    amount: uint256

event StakingRequirementUpdated:
    newRequirement: uint256

event LiquidationRatiosUpdated:
    liquidatorRatio: uint256
    poolRatio: uint256
    recipientRatio: uint256

event ClaimThresholdUpdated:
    newThreshold: uint256

event ClaimCycleUpdated:
    newValue: uint256

event SignatureExpiryUpdated:
    newExpiry: uint256

event BLSNonSignerThresholdMaxUpdated:
    newMax: uint256

# Room in memory, not rules.
MAX_NODES: constant(uint256) = 10_000
MAX_NON_SIGNERS: constant(uint256) = 4000
MAX_BULK: constant(uint256) = 100

FIELD_MODULUS: constant(uint256) = 21888242871839275222246405745257275088696311157297823662689037894645226208583
MINIMUM_EXIT_AGE: constant(uint256) = 2 * 3600

LIST_SENTINEL: public(constant(uint64)) = 0
VERSION: public(constant(uint256)) = 1
MAX_SERVICE_NODE_EXIT_WAIT_TIME: public(constant(uint256)) = 30 * 86400
MIN_TIME_BEFORE_REPEATED_LEAVE_REQUEST: public(constant(uint256)) = 3600
SMALL_CONTRIBUTOR_LEAVE_DELAY: public(constant(uint256)) = 30 * 86400
SMALL_CONTRIBUTOR_DIVISOR: public(constant(uint256)) = 4
MAX_PERMITTED_PUBKEY_AGGREGATIONS_LOWER_BOUND: public(constant(uint256)) = 20

designatedToken: public(immutable(address))
foundationPool: public(immutable(address))
maxContributors: public(immutable(uint256))
proofOfPossessionTag: public(immutable(bytes32))
rewardTag: public(immutable(bytes32))
exitTag: public(immutable(bytes32))
liquidateTag: public(immutable(bytes32))
hashToG2Tag: public(immutable(bytes32))

isStarted: public(bool)
nodes: HashMap[uint64, ServiceNode]
ids_of_bls_pubkeys: HashMap[bytes32, uint64]
ed25519ToServiceNodeID: public(HashMap[uint256, uint64])
totalNodes: public(uint256)
nextServiceNodeID: public(uint64)
aggregatePubkey: public(staking.G1)
recipients: public(HashMap[address, Recipient])

stakingRequirement: public(uint256)
liquidatorRewardRatio: public(uint256)
poolShareOfLiquidationRatio: public(uint256)
recipientRatio: public(uint256)
claimThreshold: public(uint256)
claimCycle: public(uint256)
currentClaimCycle: public(uint256)
currentClaimTotal: public(uint256)
blsNonSignerThreshold: public(uint256)
blsNonSignerThresholdMax: public(uint256)
signatureExpiry: public(uint256)
lastHeightPubkeyWasAggregated: public(uint256)
numPubkeyAggregationsForHeight: public(uint256)


@deploy
def __init__(token: address, pool: address, staking_requirement: uint256, max_contributors: uint256):
    ownable.__init__()
    assert max_contributors <= staking.MAX_CONTRIBUTORS
    designatedToken = token
    foundationPool = pool
    maxContributors = max_contributors
    proofOfPossessionTag = self._tag(b"BLS_SIG_TRYANDINCREMENT_POP")
    rewardTag = self._tag(b"BLS_SIG_TRYANDINCREMENT_REWARD")
    exitTag = self._tag(b"BLS_SIG_TRYANDINCREMENT_EXIT")
    liquidateTag = self._tag(b"BLS_SIG_TRYANDINCREMENT_LIQUIDATE")
    hashToG2Tag = self._tag(b"BLS_SIG_HASH_TO_FIELD_TAG")
    self.nextServiceNodeID = 1
    self.stakingRequirement = staking_requirement
    self.liquidatorRewardRatio = 3
    self.poolShareOfLiquidationRatio = 17
    self.recipientRatio = 9980
    self.claimThreshold = 1_000_000 * 10**9
    self.claimCycle = 12 * 3600
    self.blsNonSignerThresholdMax = 4000
    self.signatureExpiry = 600


# The list


@view
@external
def allServiceNodeIDs() -> (DynArray[uint64, MAX_NODES], DynArray[staking.G1, MAX_NODES]):
    """
    @notice Ids and BLS keys of all nodes, in the order of registration
    """
    ids: DynArray[uint64, MAX_NODES] = []
    pubkeys: DynArray[staking.G1, MAX_NODES] = []
    id: uint64 = self.nodes[LIST_SENTINEL].next
    for _: uint256 in range(MAX_NODES):
        if id == LIST_SENTINEL:
            break
        ids.append(id)
        pubkeys.append(self.nodes[id].blsPubkey)
        id = self.nodes[id].next
    assert id == LIST_SENTINEL  # more nodes than there is room for
    return ids, pubkeys


@view
@external
def serviceNodes(serviceNodeID: uint64) -> ServiceNode:
    return self.nodes[serviceNodeID]


@view
@external
def serviceNodeIDs(blsPubkey: Bytes[64]) -> uint64:
    return self.ids_of_bls_pubkeys[keccak256(blsPubkey)]


@view
@external
def maxPermittedPubkeyAggregations() -> uint256:
    return self._max_permitted_aggregations()


@external
def rederiveTotalNodesAndAggregatePubkey():
    """
    @notice Counts and adds up the whole list again
    """
    total: uint256 = 0
    sum: staking.G1 = empty(staking.G1)
    id: uint64 = self.nodes[LIST_SENTINEL].next
    for _: uint256 in range(MAX_NODES):
        if id == LIST_SENTINEL:
            break
        total += 1
        sum = self._add(sum, self.nodes[id].blsPubkey)
        id = self.nodes[id].next
    self.totalNodes = total
    self.aggregatePubkey = sum
    self._refresh_non_signer_threshold()


# Registering


@external
def addBLSPublicKey(
    blsPubkey: staking.G1,
    blsSignature: staking.Signature,
    serviceNodeParams: staking.ServiceNodeParams,
    contributors: DynArray[staking.Contributor, staking.MAX_CONTRIBUTORS],
):
    """
    @notice Registers a node; the caller pays. Without contributors the caller stakes all of it.
    """
    pausable._check_not_paused()
    if not self.isStarted:
        raw_revert(method_id("ContractNotStarted()"))
    requirement: uint256 = self.stakingRequirement
    stakers: DynArray[staking.Contributor, staking.MAX_CONTRIBUTORS] = contributors
    if len(stakers) == 0:
        operator: staking.Staker = staking.Staker(addr=msg.sender, beneficiary=msg.sender)
        stakers.append(staking.Contributor(staker=operator, stakedAmount=requirement))
    else:
        self._check_contributors(stakers, requirement)
        operator_stake: uint256 = stakers[0].stakedAmount
        if operator_stake < self._operator_minimum(requirement):
            raw_revert(abi_encode(operator_stake, method_id=method_id("InsufficientOperatorContribution(uint256)")))
    self._count_aggregation()
    self._check_proof_of_possession(blsSignature)
    id: uint64 = self._add_node(
        blsPubkey, serviceNodeParams.serviceNodePubkey, block.timestamp, requirement, stakers
    )
    log NewServiceNodeV2(
        serviceNodeID=id,
        initiator=msg.sender,
        pubkey=blsPubkey,
        serviceNode=serviceNodeParams,
        contributors=stakers,
    )
    extcall IERC20(designatedToken).transferFrom(msg.sender, self, requirement)


@external
def validateProofOfPossession(
    blsPubkey: staking.G1, blsSignature: staking.Signature, caller: address, serviceNodePubkey: uint256
):
    """
    @notice Empty answer: good. Here only a missing signature or key is told from one that is there.
    """
    if blsPubkey.X == 0 and blsPubkey.Y == 0:
        raw_revert(method_id("NullBLSPubkey()"))
    if serviceNodePubkey == 0:
        raw_revert(method_id("NullEd25519Pubkey()"))
    self._check_proof_of_possession(blsSignature)


@external
def seedPublicKeyList(nodes: DynArray[SeedNode, MAX_BULK]):
    """
    @notice Puts in the nodes that were there before this contract; nobody pays
    """
    ownable._check_owner()
    if self.isStarted:
        raw_revert(method_id("ContractAlreadyStarted()"))
    requirement: uint256 = self.stakingRequirement
    for node: SeedNode in nodes:
        self._check_contributors(node.contributors, requirement)
        id: uint64 = self._add_node(
            node.blsPubkey, node.ed25519Pubkey, node.addedTimestamp, requirement, node.contributors
        )
        log NewSeededServiceNode(serviceNodeID=id, blsPubkey=node.blsPubkey, ed25519Pubkey=node.ed25519Pubkey)


@external
def fill(nodes: DynArray[FillNode, MAX_BULK]):
    """
    @notice Ours alone: registers many nodes in one transaction, as of given times, and the owner pays for all.
        Each gives the event that its own registration would have given.
    """
    ownable._check_owner()
    requirement: uint256 = self.stakingRequirement
    for node: FillNode in nodes:
        self._check_contributors(node.contributors, requirement)
        id: uint64 = self._add_node(
            node.blsPubkey,
            node.serviceNodeParams.serviceNodePubkey,
            node.addedTimestamp,
            requirement,
            node.contributors,
        )
        log NewServiceNodeV2(
            serviceNodeID=id,
            initiator=node.initiator,
            pubkey=node.blsPubkey,
            serviceNode=node.serviceNodeParams,
            contributors=node.contributors,
        )
    extcall IERC20(designatedToken).transferFrom(msg.sender, self, requirement * len(nodes))


# Leaving


@external
def initiateExitBLSPublicKey(serviceNodeID: uint64):
    """
    @notice A contributor asks to leave. Small ones must wait at first; repeats are an hour apart.
    """
    pausable._check_not_paused()
    node: ServiceNode = self.nodes[serviceNodeID]
    stake: uint256 = 0
    found: bool = False
    for contributor: staking.Contributor in node.contributors:
        if contributor.staker.addr == msg.sender:
            stake = contributor.stakedAmount
            found = True
            break
    if not found:
        raw_revert(
            abi_encode(serviceNodeID, msg.sender, method_id=method_id("CallerNotContributor(uint64,address)"))
        )
    if node.leaveRequestTimestamp != 0:
        end: uint256 = node.latestLeaveRequestTimestamp + MIN_TIME_BEFORE_REPEATED_LEAVE_REQUEST
        self._check_leave_time(serviceNodeID, end)
    else:
        is_small: bool = stake * SMALL_CONTRIBUTOR_DIVISOR < node.deposit
        if is_small and block.timestamp < node.addedTimestamp + SMALL_CONTRIBUTOR_LEAVE_DELAY:
            raw_revert(
                abi_encode(
                    serviceNodeID, msg.sender, method_id=method_id("SmallContributorLeaveTooEarly(uint64,address)")
                )
            )
        self.nodes[serviceNodeID].leaveRequestTimestamp = block.timestamp
    self.nodes[serviceNodeID].latestLeaveRequestTimestamp = block.timestamp
    log ServiceNodeExitRequest(serviceNodeID=serviceNodeID, initiator=msg.sender, pubkey=node.blsPubkey)


@external
def exitBLSPublicKeyWithSignature(
    blsPubkey: staking.G1,
    timestamp: uint256,
    blsSignature: staking.Signature,
    ids: DynArray[uint64, MAX_NON_SIGNERS],
):
    """
    @notice Takes a node off the list with the network's consent; anybody may submit it
    """
    pausable._check_not_paused()
    id: uint64 = self._check_removal(blsPubkey, timestamp, len(ids))
    self._remove_node(id, self.nodes[id].deposit)


@external
def exitBLSPublicKeyAfterWaitTime(serviceNodeID: uint64):
    """
    @notice Takes a node off the list without the network's consent, a month after it first asked
    """
    pausable._check_not_paused()
    requested: uint256 = self.nodes[serviceNodeID].leaveRequestTimestamp
    if requested == 0:
        raw_revert(abi_encode(serviceNodeID, method_id=method_id("LeaveRequestNotInitiatedYet(uint64)")))
    self._check_leave_time(serviceNodeID, requested + MAX_SERVICE_NODE_EXIT_WAIT_TIME)
    self._remove_node(serviceNodeID, self.nodes[serviceNodeID].deposit)


@external
def liquidateBLSPublicKeyWithSignature(
    blsPubkey: staking.G1,
    timestamp: uint256,
    blsSignature: staking.Signature,
    ids: DynArray[uint64, MAX_NON_SIGNERS],
):
    """
    @notice Takes a deregistered node off the list; its stake pays the caller and the pool
    """
    pausable._check_not_paused()
    id: uint64 = self._check_removal(blsPubkey, timestamp, len(ids))
    deposit: uint256 = self.nodes[id].deposit
    whole: uint256 = self.liquidatorRewardRatio + self.poolShareOfLiquidationRatio + self.recipientRatio
    liquidator_amount: uint256 = deposit * self.liquidatorRewardRatio // whole
    pool_amount: uint256 = self._ceil_div(deposit * self.poolShareOfLiquidationRatio, whole)
    log ServiceNodeLiquidated(serviceNodeID=id, initiator=msg.sender, pubkey=blsPubkey)
    self._remove_node(id, deposit - liquidator_amount - pool_amount)
    extcall IERC20(designatedToken).transfer(msg.sender, liquidator_amount)
    extcall IERC20(designatedToken).transfer(foundationPool, pool_amount)


# Rewards


@external
def updateRewardsBalance(
    recipientAddress: address,
    recipientRewards: uint256,
    blsSignature: staking.Signature,
    ids: DynArray[uint64, MAX_NON_SIGNERS],
):
    """
    @notice Credits a wallet's lifetime total, which must grow; anybody may submit it
    """
    pausable._check_not_paused()
    if recipientAddress == empty(address):
        raw_revert(method_id("NullAddress()"))
    previous: uint256 = self.recipients[recipientAddress].rewards
    if recipientRewards <= previous:
        raw_revert(method_id("RecipientRewardsTooLow()"))
    self._check_signers(len(ids))
    self.recipients[recipientAddress].rewards = recipientRewards
    log RewardsBalanceUpdated(
        recipientAddress=recipientAddress, amount=recipientRewards, previousBalance=previous
    )


@external
def claimRewards(amount: uint256 = 0):
    """
    @notice Pays the caller `amount`; without an argument all there is, which may be nothing
    """
    recipient: Recipient = self.recipients[msg.sender]
    claimable: uint256 = recipient.rewards - recipient.claimed
    claimed: uint256 = claimable if len(msg.data) == 4 else amount
    if claimed > claimable:
        raw_revert(method_id("MaxClaimExceeded()"))
    cycle: uint256 = block.timestamp // self.claimCycle
    if cycle != self.currentClaimCycle:
        self.currentClaimCycle = cycle
        self.currentClaimTotal = 0
    self.currentClaimTotal += claimed
    if self.currentClaimTotal > self.claimThreshold:
        raw_revert(method_id("ClaimThresholdExceeded()"))
    self.recipients[msg.sender].claimed += claimed
    log RewardsClaimed(recipientAddress=msg.sender, amount=claimed)
    extcall IERC20(designatedToken).transfer(msg.sender, claimed)


# What the owner sets


@external
def start():
    ownable._check_owner()
    self.isStarted = True


@external
def setStakingRequirement(newRequirement: uint256):
    self._check_setter(newRequirement)
    self.stakingRequirement = newRequirement
    log StakingRequirementUpdated(newRequirement=newRequirement)


@external
def setSignatureExpiry(newExpiry: uint256):
    self._check_setter(newExpiry)
    self.signatureExpiry = newExpiry
    log SignatureExpiryUpdated(newExpiry=newExpiry)


@external
def setBLSNonSignerThresholdMax(newMax: uint256):
    self._check_setter(newMax)
    self.blsNonSignerThresholdMax = newMax
    self._refresh_non_signer_threshold()
    log BLSNonSignerThresholdMaxUpdated(newMax=newMax)


@external
def setClaimThreshold(newMax: uint256):
    self._check_setter(newMax)
    self.claimThreshold = newMax
    log ClaimThresholdUpdated(newThreshold=newMax)


@external
def setClaimCycle(newValue: uint256):
    self._check_setter(newValue)
    self.claimCycle = newValue
    log ClaimCycleUpdated(newValue=newValue)


@external
def setLiquidationRatios(liquidator: uint256, pool: uint256, recipient: uint256):
    self._check_setter(min(liquidator, min(pool, recipient)))
    self.liquidatorRewardRatio = liquidator
    self.poolShareOfLiquidationRatio = pool
    self.recipientRatio = recipient
    log LiquidationRatiosUpdated(liquidatorRatio=liquidator, poolRatio=pool, recipientRatio=recipient)


# The list's inside


@internal
def _add_node(
    pubkey: staking.G1,
    ed25519_pubkey: uint256,
    added: uint256,
    deposit: uint256,
    contributors: DynArray[staking.Contributor, staking.MAX_CONTRIBUTORS],
) -> uint64:
    if pubkey.X == 0 and pubkey.Y == 0:
        raw_revert(method_id("NullBLSPubkey()"))
    if ed25519_pubkey == 0:
        raw_revert(method_id("NullEd25519Pubkey()"))
    key: bytes32 = self._bls_key(pubkey)
    known: uint64 = self.ids_of_bls_pubkeys[key]
    if known != 0:
        raw_revert(abi_encode(known, method_id=method_id("BLSPubkeyAlreadyExists(uint64)")))
    known = self.ed25519ToServiceNodeID[ed25519_pubkey]
    if known != 0:
        raw_revert(abi_encode(known, method_id=method_id("Ed25519PubkeyAlreadyExists(uint64)")))

    id: uint64 = self.nextServiceNodeID
    last: uint64 = self.nodes[LIST_SENTINEL].prev
    self.nextServiceNodeID = id + 1
    self.nodes[last].next = id
    self.nodes[LIST_SENTINEL].prev = id
    self.nodes[id] = ServiceNode(
        next=LIST_SENTINEL,
        prev=last,
        operator=contributors[0].staker.addr,
        blsPubkey=pubkey,
        addedTimestamp=added,
        leaveRequestTimestamp=0,
        latestLeaveRequestTimestamp=0,
        deposit=deposit,
        contributors=contributors,
        ed25519Pubkey=ed25519_pubkey,
    )
    self.ids_of_bls_pubkeys[key] = id
    self.ed25519ToServiceNodeID[ed25519_pubkey] = id
    self.totalNodes += 1
    self.aggregatePubkey = self._add(self.aggregatePubkey, pubkey)
    self._refresh_non_signer_threshold()
    return id


@internal
def _remove_node(id: uint64, returned: uint256):
    node: ServiceNode = self.nodes[id]
    self.nodes[node.prev].next = node.next
    self.nodes[node.next].prev = node.prev
    self.nodes[id] = empty(ServiceNode)
    self.ids_of_bls_pubkeys[self._bls_key(node.blsPubkey)] = 0
    self.ed25519ToServiceNodeID[node.ed25519Pubkey] = 0
    self.totalNodes -= 1
    negated: staking.G1 = staking.G1(X=node.blsPubkey.X, Y=FIELD_MODULUS - node.blsPubkey.Y)
    self.aggregatePubkey = self._add(self.aggregatePubkey, negated)
    self._refresh_non_signer_threshold()
    log ServiceNodeExit(
        serviceNodeID=id, initiator=msg.sender, returnedAmount=returned, pubkey=node.blsPubkey
    )


@internal
def _refresh_non_signer_threshold():
    self.blsNonSignerThreshold = min(self.totalNodes // 3, self.blsNonSignerThresholdMax)


@internal
def _count_aggregation():
    if self.lastHeightPubkeyWasAggregated != block.number:
        self.lastHeightPubkeyWasAggregated = block.number
        self.numPubkeyAggregationsForHeight = 0
    self.numPubkeyAggregationsForHeight += 1
    if self.numPubkeyAggregationsForHeight > self._max_permitted_aggregations():
        raw_revert(method_id("MaxPubkeyAggregationsExceeded()"))


@view
@internal
def _max_permitted_aggregations() -> uint256:
    return max(MAX_PERMITTED_PUBKEY_AGGREGATIONS_LOWER_BOUND, self.totalNodes * 2 // 100)


# Checks


@view
@internal
def _check_contributors(
    contributors: DynArray[staking.Contributor, staking.MAX_CONTRIBUTORS], requirement: uint256
):
    if len(contributors) == 0:
        raw_revert(method_id("InsufficientContributors()"))
    if len(contributors) > maxContributors:
        raw_revert(method_id("MaxContributorsExceeded()"))
    total: uint256 = 0
    for contributor: staking.Contributor in contributors:
        total += contributor.stakedAmount
    if total != requirement:
        raw_revert(
            abi_encode(requirement, total, method_id=method_id("ContributionTotalMismatch(uint256,uint256)"))
        )


@pure
@internal
def _check_proof_of_possession(signature: staking.Signature):
    if signature.sigs0 == 0 and signature.sigs1 == 0 and signature.sigs2 == 0 and signature.sigs3 == 0:
        raw_revert(method_id("InvalidBLSProofOfPossession()"))


@view
@internal
def _check_removal(pubkey: staking.G1, timestamp: uint256, non_signers: uint256) -> uint64:
    id: uint64 = self.ids_of_bls_pubkeys[self._bls_key(pubkey)]
    if id == 0:
        raw_revert(abi_encode(pubkey, method_id=method_id("BLSPubkeyDoesNotExist((uint256,uint256))")))
    if block.timestamp > timestamp + self.signatureExpiry:
        raw_revert(
            abi_encode(
                id, timestamp, block.timestamp, method_id=method_id("SignatureExpired(uint64,uint256,uint256)")
            )
        )
    added: uint256 = self.nodes[id].addedTimestamp
    if block.timestamp < added + MINIMUM_EXIT_AGE:
        raw_revert(
            abi_encode(id, added, block.timestamp, method_id=method_id("ExitTooEarly(uint64,uint256,uint256)"))
        )
    self._check_signers(non_signers)
    return id


@view
@internal
def _check_signers(non_signers: uint256):
    if non_signers > self.blsNonSignerThreshold:
        required: uint256 = self.totalNodes - self.blsNonSignerThreshold
        signers: uint256 = self.totalNodes - min(non_signers, self.totalNodes)
        raw_revert(
            abi_encode(signers, required, method_id=method_id("InsufficientBLSSignatures(uint256,uint256)"))
        )


@view
@internal
def _check_leave_time(id: uint64, end: uint256):
    if block.timestamp < end:
        raw_revert(
            abi_encode(
                id, end, block.timestamp, method_id=method_id("LeaveRequestTooEarly(uint64,uint256,uint256)")
            )
        )


@view
@internal
def _check_setter(number: uint256):
    ownable._check_owner()
    if number == 0:
        raw_revert(method_id("PositiveNumberRequirement()"))


# Arithmetic


@view
@internal
def _add(a: staking.G1, b: staking.G1) -> staking.G1:
    sum: uint256[2] = ecadd([a.X, a.Y], [b.X, b.Y])
    return staking.G1(X=sum[0], Y=sum[1])


@pure
@internal
def _bls_key(pubkey: staking.G1) -> bytes32:
    return keccak256(concat(convert(pubkey.X, bytes32), convert(pubkey.Y, bytes32)))


@view
@internal
def _tag(name: Bytes[40]) -> bytes32:
    return keccak256(concat(name, convert(chain.id, bytes32), convert(self, bytes20)))


@pure
@internal
def _operator_minimum(requirement: uint256) -> uint256:
    return self._ceil_div(requirement, 4)


@pure
@internal
def _ceil_div(a: uint256, b: uint256) -> uint256:
    return (a + b - 1) // b
