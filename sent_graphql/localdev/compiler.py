"""Makes the artefacts beside this module from the contracts' sources: `scripts/contracts`.

The artefacts are committed, so that nobody needs the compiler to run a local network; a test proves that
they are what the sources give.
"""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from sent_graphql.localdev.artefact import ARTEFACT_DIRECTORY, SOURCE_DIRECTORY
from sent_graphql.localdev.multicall import MULTICALL_ABI, multicall_initcode

VYPER_CONTRACTS: Final = {
    "ServiceNodeRewards": "service_node_rewards",
    "ServiceNodeContribution": "service_node_contribution",
    "ServiceNodeContributionFactory": "service_node_contribution_factory",
    "RewardRatePool": "reward_rate_pool",
    "Token": "token",
}
"""Name of each contract by which it is deployed, and its source."""

_ERROR = re.compile(r'method_id\("(\w+\([^"]*\))"\)')
_IMPORT = re.compile(r"^import (\w+)$", re.MULTILINE)


def compile_all() -> dict[str, str]:
    """The text of every artefact by the name of its contract."""
    artefacts = {name: _vyper_artefact(name, source) for name, source in VYPER_CONTRACTS.items()}
    artefacts["Multicall3"] = _assembled_artefact()
    return {name: json.dumps(artefact, indent=1) + "\n" for name, artefact in artefacts.items()}


def _vyper_artefact(name: str, source: str) -> dict[str, object]:
    command = [sys.executable, "-m", "vyper.cli.vyper_compile", "-f", "abi,bytecode"]
    command += ["-p", str(SOURCE_DIRECTORY), str(SOURCE_DIRECTORY / f"{source}.vy")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # our own words
    abi, bytecode = done.stdout.splitlines()[:2]
    files = _with_imports(source)
    return {
        "contract": name,
        "compiler": _compiler_version(),
        "sources": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
        "abi": json.loads(abi),
        "errors": sorted({error for file in files for error in _ERROR.findall(file.read_text())}),
        "bytecode": bytecode,
    }


def _assembled_artefact() -> dict[str, object]:
    source = Path(__file__).with_name("multicall.py")
    return {
        "contract": "Multicall3",
        "compiler": "assembler.py",
        "sources": {source.name: hashlib.sha256(source.read_bytes()).hexdigest()},
        "abi": MULTICALL_ABI,
        "errors": [],
        "bytecode": "0x" + multicall_initcode().hex(),
    }


def _with_imports(source: str) -> list[Path]:
    """The source's file and those of the modules that it imports from beside it, by name."""
    found: dict[str, Path] = {}
    waiting = [source]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = SOURCE_DIRECTORY / f"{name}.vy"
            waiting += _IMPORT.findall(found[name].read_text())
    return [found[name] for name in sorted(found)]


def _compiler_version() -> str:
    command = [sys.executable, "-m", "vyper.cli.vyper_compile", "--version"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # our own words
    return f"vyper {done.stdout.strip()}"


def main() -> None:
    """Writes all artefacts."""
    ARTEFACT_DIRECTORY.mkdir(exist_ok=True)
    for name, text in compile_all().items():
        (ARTEFACT_DIRECTORY / f"{name}.json").write_text(text)


if __name__ == "__main__":
    main()
