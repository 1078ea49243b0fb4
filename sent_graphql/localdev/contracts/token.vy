# pragma version 0.4.3
"""
@title The staked token: ERC-20 with nine decimals
@notice The owner mints at will, since nobody bridges anything into a local network.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

name: public(constant(String[13])) = "Session Token"
symbol: public(constant(String[4])) = "SESH"
decimals: public(constant(uint8)) = 9

owner: public(immutable(address))
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__():
    owner = msg.sender


@external
def mint(receiver: address, amount: uint256):
    if msg.sender != owner:
        raw_revert(abi_encode(msg.sender, method_id=method_id("OwnableUnauthorizedAccount(address)")))
    self.totalSupply += amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=empty(address), receiver=receiver, value=amount)


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self._transfer(msg.sender, receiver, amount)
    return True


@external
def transferFrom(sender: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Spends an allowance; the largest number stands for an endless one
    """
    allowed: uint256 = self.allowance[sender][msg.sender]
    if allowed < amount:
        raw_revert(
            abi_encode(
                msg.sender,
                allowed,
                amount,
                method_id=method_id("ERC20InsufficientAllowance(address,uint256,uint256)"),
            )
        )
    if allowed != max_value(uint256):
        self.allowance[sender][msg.sender] = allowed - amount
    self._transfer(sender, receiver, amount)
    return True


@internal
def _transfer(sender: address, receiver: address, amount: uint256):
    balance: uint256 = self.balanceOf[sender]
    if balance < amount:
        raw_revert(
            abi_encode(
                sender, balance, amount, method_id=method_id("ERC20InsufficientBalance(address,uint256,uint256)")
            )
        )
    self.balanceOf[sender] = balance - amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=sender, receiver=receiver, value=amount)
