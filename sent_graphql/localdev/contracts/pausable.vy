# pragma version 0.4.3
"""
@title A switch by which the owner stops what can be stopped
"""

import ownable

uses: ownable

event Paused:
    account: address

event Unpaused:
    account: address

paused: public(bool)


@external
def pause():
    ownable._check_owner()
    self._check_not_paused()
    self.paused = True
    log Paused(account=msg.sender)


@external
def unpause():
    ownable._check_owner()
    if not self.paused:
        raw_revert(method_id("ExpectedPause()"))
    self.paused = False
    log Unpaused(account=msg.sender)


@view
@internal
def _check_not_paused():
    if self.paused:
        raw_revert(method_id("EnforcedPause()"))
