"""The committed artefacts are what the sources give."""

from sent_graphql.localdev.artefact import ARTEFACT_DIRECTORY, CONTRACT_NAMES
from sent_graphql.localdev.compiler import compile_all


def test_the_committed_artefacts_are_what_the_sources_compile_to() -> None:
    compiled = compile_all()
    assert set(compiled) == set(CONTRACT_NAMES)
    committed = {path.stem: path.read_text() for path in ARTEFACT_DIRECTORY.glob("*.json")}
    stale = [name for name in compiled if committed.get(name) != compiled[name]]
    assert not stale, f"run scripts/contracts: {', '.join(stale)} differ from their sources"
    assert set(committed) == set(compiled)
