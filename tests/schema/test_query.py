"""Every question of the root, answered from one state."""

from typing import Any


def test_a_first_question(make: Any, ask: Any) -> None:
    data = ask(make.state(make.node(7))).data("{ network { blockHeight } serviceNodes { nodes { contractId } } }")
    assert data == {"network": {"blockHeight": 5313}, "serviceNodes": {"nodes": [{"contractId": 7}]}}
