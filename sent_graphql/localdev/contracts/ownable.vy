# pragma version 0.4.3
"""
@title One owner, handed over in two steps
@notice The deployer is the first owner. A new one must accept, so that a typing error loses nothing.
"""

event Initialized:
    version: uint64

event OwnershipTransferStarted:
    previousOwner: indexed(address)
    newOwner: indexed(address)

event OwnershipTransferred:
    previousOwner: indexed(address)
    newOwner: indexed(address)

owner: public(address)
pendingOwner: public(address)


@deploy
def __init__():
    self._transfer_ownership(msg.sender)
    log Initialized(version=1)


@external
def transferOwnership(newOwner: address):
    self._check_owner()
    self.pendingOwner = newOwner
    log OwnershipTransferStarted(previousOwner=self.owner, newOwner=newOwner)


@external
def acceptOwnership():
    if msg.sender != self.pendingOwner:
        raw_revert(abi_encode(msg.sender, method_id=method_id("OwnableUnauthorizedAccount(address)")))
    self._transfer_ownership(msg.sender)


@internal
def _transfer_ownership(new_owner: address):
    previous: address = self.owner
    self.owner = new_owner
    self.pendingOwner = empty(address)
    log OwnershipTransferred(previousOwner=previous, newOwner=new_owner)


@view
@internal
def _check_owner():
    if msg.sender != self.owner:
        raw_revert(abi_encode(msg.sender, method_id=method_id("OwnableUnauthorizedAccount(address)")))
