# pragma version ^0.4.1
# A rewards contract that judges proofs as it is told to when it is made.

struct G1:
    X: uint256
    Y: uint256

struct Signature:
    sigs0: uint256
    sigs1: uint256
    sigs2: uint256
    sigs3: uint256

stakingRequirement: public(immutable(uint256))
verdict: immutable(String[40])
expected: immutable(bytes32)


@deploy
def __init__(_verdict: String[40], _expected: bytes32):
    stakingRequirement = 1
    verdict = _verdict
    expected = _expected


@external
def validateProofOfPossession(
    blsPubkey: G1, blsSignature: Signature, caller: address, serviceNodePubkey: uint256
):
    if verdict == "InvalidBLSProofOfPossession":
        raw_revert(method_id("InvalidBLSProofOfPossession()"))
    if verdict == "NullBLSPubkey":
        raw_revert(method_id("NullBLSPubkey()"))
    if verdict == "NullEd25519Pubkey":
        raw_revert(method_id("NullEd25519Pubkey()"))
    if verdict == "EnforcedPause":
        raw_revert(method_id("EnforcedPause()"))
    if verdict == "nothing":
        raw_revert(b"")
    if verdict != "":
        raise verdict
    assert keccak256(abi_encode(blsPubkey, blsSignature, caller, serviceNodePubkey)) == expected, "other arguments"
