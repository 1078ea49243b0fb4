"""The assembler writes the instructions that it is told."""

import pytest

from sent_graphql.localdev.assembler import assemble, deployer


def test_numbers_are_pushed_in_as_few_bytes_as_they_need() -> None:
    assert assemble([0, 1, 255, 256, b"\x00\x01"]) == bytes.fromhex("5f 6001 60ff 610100 610001")


def test_labels_stand_for_their_position() -> None:
    assert assemble(["@end", "JUMP", "end:", "STOP"]) == bytes.fromhex("610004 56 5b 00")


def test_families_count_from_one() -> None:
    assert assemble(["DUP1", "DUP16", "SWAP1", "SWAP16"]) == bytes.fromhex("80 8f 90 9f")


@pytest.mark.parametrize("word", ["FLY", "@nowhere"])
def test_unknown_words_are_refused(word: str) -> None:
    with pytest.raises(KeyError):
        assemble([word])


def test_a_deployer_hands_over_the_code_behind_it() -> None:
    assert deployer(b"\x00" * 3) == bytes.fromhex("6003 80 6009 5f 39 5f f3 000000")
